"""What the command line says: tables for people, JSON for programs, errors as a code, a sentence and a hint.

Results go to stdout, everything else to stderr, so that a pipe carries results only.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from scmanager.errors import Conflict, Refused, ScManagerError, Unavailable, Untrusted


class Stopped(Unavailable):
    """By Ctrl+C, or because the answer was no or did not come."""

    code = "stopped"
    hint = "Nothing half done was recorded. Where nobody can answer, say it beforehand: --yes, SCM_PASSPHRASE."


EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What would steer the terminal or reorder a line: controls but tab and line end, direction overrides, half pairs."""

SEVERAL_MAX = 3
"""As many ids of a list are shown to people; programs get all."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]


def exit_code(error: ScManagerError) -> int:
    """1: the answer is no, and asking again changes nothing. 3: something outside or a setting is in the way."""
    return EXIT_REFUSED if isinstance(error, Refused | Conflict | Untrusted) else EXIT_UNAVAILABLE


def harmless(text: str) -> str:
    """Words of other people as a terminal may show them: what would steer it is spelled out, such as \\x1b."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def say(text: str) -> None:
    """One line of the result."""
    _console(sys.stdout).print(Text(harmless(text)), soft_wrap=True)


def remark(text: str) -> None:
    """Something the person should know, beside the result."""
    _console(sys.stderr).print(Text(harmless(text)), soft_wrap=True)


def ask(question: str) -> None:
    """Go on after a yes only. Raises Stopped."""
    try:
        answer = typer.confirm(question, err=True)
    except typer.Abort as error:
        _console(sys.stderr).print()
        raise Stopped from error
    if not answer:
        raise Stopped


def say_json(value: Any) -> None:
    """The result as one line of JSON; bytes as lower-case hex."""
    sys.stdout.write(msgspec.json.encode(_plain(value)).decode() + "\n")


def say_table(columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """A table; when there is nothing to show, the next step instead."""
    listed = list(rows)
    if not listed:
        remark(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in listed:
        table.add_row(*(Text(" ".join(harmless(cell).splitlines())) for cell in row))
    _console(sys.stdout).print(table)


def say_result(result: dict[str, Any], *, as_json: bool) -> None:
    """What a command answered: one line for each id."""
    if as_json:
        say_json(result)
        return
    width = max((len(name) for name in result), default=0)
    for name, value in result.items():
        say(f"{name.ljust(width)}  {_several(value) if isinstance(value, list) else value}")


def _several(values: list[Any]) -> str:
    """A list of ids: all of a few, else how many and the first."""
    if len(values) <= SEVERAL_MAX:
        return ", ".join(str(each) for each in values) or "none"
    return f"{len(values)}: {', '.join(short(each) for each in values[:SEVERAL_MAX])}, ..."


def say_error(error: ScManagerError, *, as_json: bool = False) -> None:
    """`code: sentence` and the hint, on stderr; for programs also as JSON on stdout."""
    remark(f"{error.code}: {error}")
    if error.hint:
        remark(error.hint)
    if as_json:
        told = {"code": error.code, "message": str(error), "hint": error.hint, "facts": error.facts}
        say_json({"ok": False, "error": told})


@contextmanager
def progress(title: str, total: int | None, *, in_bytes: bool = False) -> Iterator[Progress]:
    """A bar on stderr, for what may take longer than a second; none where nobody looks."""
    columns: tuple[ProgressColumn, ...] = (TextColumn("{task.description}"), TimeElapsedColumn())
    if total is not None:
        count = DownloadColumn() if in_bytes else MofNCompleteColumn()
        columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    elif in_bytes:
        columns = (TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    console = _console(sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        bar.add_task(title, total=total)
        yield bar


def short(value: bytes | str) -> str:
    """The first twelve hex digits of an id: enough to be typed back."""
    return (value if isinstance(value, str) else value.hex())[:12]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _console(stream: Any) -> Console:
    width = None if stream.isatty() or os.environ.get("COLUMNS") else 160
    return _Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


class _Console(Console):
    """Raises BrokenPipeError where rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Nobody reads any more."""
        raise BrokenPipeError

"""What the command line says: tables for people, JSON for programs, errors as a code, a sentence and a hint.

Results go to stdout, everything else to stderr, so that a pipe carries results only.
"""

import codecs
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TextIO

import msgspec
import typer

from scmanager.domain.words import UNSEEN
from scmanager.errors import Conflict, Refused, ScManagerError, Unavailable, Untrusted
from scmanager.forensics.called import Cell, counted, short


class Stopped(Unavailable):
    """By Ctrl+C, or because the answer was no."""

    code = "stopped"
    hint = "Nothing half done was recorded."


class Unanswered(Unavailable):
    """Something was asked, and nobody is there to answer."""

    code = "unanswered"
    hint = (
        "Say it beforehand: --yes where a command asks, SCM_PASSPHRASE for the passphrase of the keys, "
        "SCM_BACKUP_PASSPHRASE for that of a backup, SCM_INTAKE_ADMIN_DSN and SCM_INTAKE_PASSWORD for "
        "scm author intake-store. What is on paper is typed at a terminal."
    )


EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3

_UNSAFE = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|{UNSEEN}"  # controls but tab and line end, half pairs
)
"""What would steer the terminal, reorder a line, or make one name look like another: it is drawn as nothing."""

_NOT_ASCII = re.compile("[^\x09\x0a\x20-\x7e]")

_IDS = re.compile("[0-9a-f]{32}|[0-9a-f]{64}")

SEVERAL_MAX = 3
"""As many ids of a list are shown to people; programs get all."""


JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]


def exit_code(error: ScManagerError) -> int:
    """1: the answer is no, and asking again changes nothing. 3: something outside or a setting is in the way."""
    return EXIT_REFUSED if isinstance(error, Refused | Conflict | Untrusted) else EXIT_UNAVAILABLE


def harmless(text: str) -> str:
    """Words of other people as a terminal may show them: what would steer it is spelled out, such as \\x1b."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def indented(text: str) -> str:
    """Prose after its first line set off from the margin, where lines of ours begin."""
    return text.replace("\n", "\n    ")


def say(text: str) -> None:
    """One line of the result."""
    _write(sys.stdout, text)


def remark(text: str) -> None:
    """Something the person should know, beside the result."""
    _write(sys.stderr, text)


def _write(stream: TextIO, text: str) -> None:
    try:
        print(harmless(text).expandtabs(), file=stream, flush=True)
    except BrokenPipeError:
        raise BrokenPipeError from None  # Without its number, at which typer would end the program as failed.


def ask(question: str) -> None:
    """Go on after a yes only. Raises Stopped, Unanswered."""
    try:
        answer = typer.confirm(question, err=True)
    except typer.Abort as error:
        remark("")
        raise stopped_by(error) from error
    if not answer:
        raise Stopped


def stopped_by(error: BaseException) -> Unavailable:
    """What ended a question: whoever pressed Ctrl+C, or the end of the input."""
    return Unanswered() if isinstance(error.__context__, EOFError) else Stopped()


def say_json(value: Any) -> None:
    """The result as one line of JSON; bytes as lower-case hex."""
    say_json_text(plain_json(value))


def plain_json(value: Any) -> bytes:
    """As JSON; bytes as lower-case hex."""
    return msgspec.json.encode(_plain(value))


def say_json_text(text: bytes) -> None:
    """JSON as it is. What would steer a terminal, or what its encoding may lack, as JSON itself spells it out."""
    codec = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name
    spelled = _UNSAFE if codec == "utf-8" else _NOT_ASCII
    sys.stdout.write(spelled.sub(_json_escape, text.decode()) + "\n")


def _json_escape(found: re.Match[str]) -> str:
    """As \\uXXXX; two of them beyond the first plane."""
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def say_table(columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """A table; when there is nothing to show, the next step instead."""
    listed = list(rows)
    if not listed:
        remark(empty)
        return
    from scmanager.cli.drawing import draw_table

    draw_table(sys.stdout, columns, ([" ".join(harmless(cell).splitlines()) for cell in row] for row in listed))


def say_result(result: dict[str, Any], *, as_json: bool) -> None:
    """What a command answered: one line for each id."""
    if as_json:
        say_json(result)
        return
    width = max((len(name) for name in result), default=0)
    for name, value in result.items():
        say(f"{name.ljust(width)}  {_worded(value)}")


def _worded(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return _ranges(value) if value and all(isinstance(each, int) for each in value) else _several(value)
    return value


def _ranges(numbers: list[int]) -> str:
    """All of them, those that follow each other as one: 1 to 4, 7."""
    told: list[list[int]] = []
    for each in sorted(set(numbers)):
        if told and each == told[-1][-1] + 1:
            told[-1] = [told[-1][0], each]
        else:
            told.append([each])
    return ", ".join(" to ".join(map(str, each)) for each in told)


def _several(values: list[Any]) -> str:
    """A list of ids or names: all of a few, else how many and the first."""
    if len(values) <= SEVERAL_MAX:
        return ", ".join(str(each) for each in values) or "none"
    return f"{len(values)}: {', '.join(map(_brief, values[:SEVERAL_MAX]))}, ..."


def _brief(value: Any) -> str:
    """An id by its beginning; a name as it is."""
    return short(value) if _IDS.fullmatch(str(value)) else str(value)


def say_error(error: ScManagerError, *, as_json: bool = False) -> None:
    """`code: sentence` and the hint, on stderr; for programs also as JSON on stdout."""
    remark(f"{error.code}: {error}")
    if error.hint:
        remark(error.hint)
    if as_json:
        told = {"code": error.code, "message": str(error), "hint": error.hint, "facts": error.facts}
        say_json({"ok": False, "error": told})


@contextmanager
def progress(title: str, total: int | None, *, in_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, for what may take longer than a second; none where nobody looks. Gives what moves it on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from scmanager.cli.drawing import draw_bar

    with draw_bar(sys.stderr, title, total, in_bytes=in_bytes) as advance:
        yield advance


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Cell):
        return _plain(value.plain())
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


__all__ = ["Cell", "counted", "short"]

"""`scm`: the entry. Puts the commands together, and turns whatever goes wrong into a line, a hint and an exit code.

Exit codes: 0 done; 1 refused or not to be trusted; 2 the command was not understood; 3 something outside or a setting
is in the way. A traceback is shown with SCM_DEBUG=1 only.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.application.every_verb import VERBS
from scmanager.cli import commands as own
from scmanager.cli import output, recovery, verbs
from scmanager.cli.session import Session
from scmanager.errors import ScManagerError

HELP = """Run your Star Citizen organisation: members, roles, ships, fleets, on a log that nobody can quietly change.

Begin with: scm init, then scm org found "My Org" --handle MyHandle. Or look around first: scm demo --serve
"""

INTERRUPTED = 130
"""What typer makes of Ctrl+C."""

DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", envvar="SCM_DATA", help="The folder with everything that is backed up."),
]


class Broken(ScManagerError):
    """Something happened that nobody expected ({what})."""

    code = "internal-error"
    hint = "Nothing half done was recorded. Repeat it with SCM_DEBUG=1 and report what it prints."


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="scm", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
        pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    app.callback()(_begin)
    groups: dict[str, typer.Typer] = {}
    helps = verbs.GROUPS | own.GROUP_HELP

    def group_of(thing: str) -> typer.Typer:
        if thing not in groups:
            kind = own.GROUP_KINDS.get(thing)
            groups[thing] = typer.Typer(no_args_is_help=True, rich_markup_mode=None, cls=kind)
            app.add_typer(groups[thing], name=thing, help=helps.get(thing, f"{thing.capitalize()}s."))
        return groups[thing]

    for thing in verbs.GROUPS:
        if thing in own.THINGS or any(name.startswith(f"{thing}.") for name in VERBS):
            group_of(thing)
    own.add_commands(app, group_of)  # First: what everybody begins with stands at the top of each group's help.
    verbs.add_verbs(group_of, own.is_own)
    return app


def _begin(context: typer.Context, data: DataOption = None) -> None:
    context.obj = Session(data)
    if context.invoked_subcommand not in own.WITHOUT_REMINDER:
        recovery.remind(context.obj.folder)


def run(arguments: Sequence[str] | None = None) -> int:
    """One command; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        answer = build()(given, prog_name="scm", standalone_mode=False)
    except ScManagerError as error:
        _debug()
        output.say_error(error, as_json="--json" in given)
        return output.exit_code(error)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped(as_json="--json" in given)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - nobody reads any more
        return output.EXIT_OK
    except Exception as error:  # noqa: BLE001 - whatever it is, people get a sentence
        return _unexpected(error, as_json="--json" in given)
    if answer == INTERRUPTED:
        return _stopped(as_json="--json" in given)
    return answer if isinstance(answer, int) else output.EXIT_OK


def _stopped(*, as_json: bool) -> int:
    """Ctrl+C, or nobody answered what was asked."""
    output.remark("")  # What was asked stands on this line.
    output.say_error(output.Stopped(), as_json=as_json)
    return output.EXIT_UNAVAILABLE


def _unexpected(error: Exception, *, as_json: bool) -> int:
    """A command that was not understood, or a fault of ours."""
    understood: Any = getattr(error, "format_message", None)
    if understood is not None:
        error.show() if hasattr(error, "show") else output.remark(understood())
        return output.EXIT_USAGE
    _debug()
    output.say_error(Broken(what=f"{type(error).__name__}"), as_json=as_json)
    return output.EXIT_UNAVAILABLE


def _debug() -> None:
    """Inside an except clause: let the error through when asked for."""
    if os.environ.get("SCM_DEBUG") == "1":
        raise


def main() -> None:
    """`scm`, as installed."""
    sys.exit(run())

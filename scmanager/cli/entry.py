"""`scm`: the entry. Puts the commands together, and turns whatever goes wrong into a line, a hint and an exit code.

Exit codes: 0 done; 1 refused or not to be trusted; 2 the command was not understood; 3 something outside or a setting
is in the way. A traceback is shown with SCM_DEBUG=1 only.
"""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.cli import commands as own
from scmanager.cli import output
from scmanager.cli.session import Session
from scmanager.errors import ScManagerError

HELP = """Run your Star Citizen organisation: members, roles, ships, fleets, on a log that nobody can quietly change.

Begin with: scm init, then scm org found "My Org" --handle MyHandle. Or look around first: scm demo --serve
"""

HELP_COLUMNS = 118
"""As wide as help may be where the terminal is: at 80 columns most sentences in a list of commands are cut."""

LONG, SHORT = "organisation", "org"
"""The group of organisations has a second name, the one that people type."""

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


def build(only: str | None = None, act: str | None = None) -> typer.Typer:
    """The whole command line; or, of its commands, `only` one that stands in no group, or those of one thing, or of
    these the one named `act`, where there is one: typer makes every command that it is told of anew.

    With `only` without --data: what it says is the session that the command is given.
    """
    unsaid = {"help": False}  # What nobody said and has no default either, typer asks pydantic for.
    context = {
        "help_option_names": ["-h", "--help"],
        "max_content_width": HELP_COLUMNS,
        "default_map": unsaid | {only or "": unsaid},
    }
    app = typer.Typer(
        name="scm", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
        pretty_exceptions_enable=False, context_settings=context,
    )  # fmt: skip
    app.callback()(_begin if only is None else _remind)
    if only not in own.TOP:
        _add_groups(app, only, act)
    for name in own.TOP:
        if only in (None, name):
            own.add_top(app, name)
    return app


def _add_groups(app: typer.Typer, only: str | None, act: str | None) -> None:
    thing = LONG if only == SHORT else only
    if thing and act:
        group = own.group_of(thing, act)
        if not group.registered_commands:
            _add_verbs(group, thing, act)
        if group.registered_commands:
            app.add_typer(group, name=only)
            return
    from scmanager.application.every_verb import VERBS  # Our own commands can do without.
    from scmanager.cli import verbs

    helps = verbs.GROUPS | own.GROUP_HELP
    things = dict.fromkeys((*verbs.GROUPS, *own.THINGS, *(name.partition(".")[0] for name in VERBS)))
    for each in (thing,) if thing in things else things:
        group = own.group_of(each)  # First: what everybody begins with stands at the top of each group's help.
        _add_verbs(group, each)
        if group.registered_commands:
            app.add_typer(group, name=each, help=helps.get(each, f"{each.capitalize()}s."))
        if each == LONG:
            app.add_typer(group, name=SHORT, hidden=True, help="Organisations, under their short name.")


def _add_verbs(group: typer.Typer, thing: str, act: str | None = None) -> None:
    from scmanager.cli import verbs

    verbs.add_verbs(group, thing, own.is_own, act)


def _begin(context: typer.Context, data: DataOption = None) -> None:
    context.obj = Session(data)


def _remind(context: typer.Context) -> None:
    if context.invoked_subcommand not in own.WITHOUT_REMINDER:
        from scmanager.cli import recovery

        recovery.remind(context.obj.folder)


def _taken_apart(given: Sequence[str]) -> tuple[str | None, Path | None, list[str]]:
    """The first word that is no option, what --data says before it, and the words from there on.

    Typer reads options with pydantic, which takes a twentieth of a second, and 11 MB that a node would keep for life;
    so the option that every command has is read here. Anything else (help, nothing, a mistake) is left to typer.
    """
    words, data = list(given), None
    while words and (words[0].startswith("--data=") or (words[0] == "--data" and len(words) > 1)):
        _, equals, value = words.pop(0).partition("=")
        data = Path(value if equals else words.pop(0))
    if not words or words[0].startswith("-"):
        return None, None, list(given)
    return words[0], data, words


def run(arguments: Sequence[str] | None = None) -> int:
    """One command; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    given = ["version"] if given == ["--version"] else given
    try:
        only, data, words = _taken_apart(given)
        session = None if only is None else Session(data)
        answer = build(only, *words[1:2])(words, prog_name="scm", standalone_mode=False, obj=session)
    except ScManagerError as error:
        _debug()
        output.say_error(error, as_json="--json" in given)
        return output.exit_code(error)
    except (KeyboardInterrupt, typer.Abort) as error:
        return _stopped(output.stopped_by(error), as_json="--json" in given)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - nobody reads any more
        return output.EXIT_OK
    except Exception as error:  # noqa: BLE001 - whatever it is, people get a sentence
        return _unexpected(error, as_json="--json" in given)
    if answer == INTERRUPTED:
        return _stopped(output.Stopped(), as_json="--json" in given)
    return answer if isinstance(answer, int) else output.EXIT_OK


def _stopped(error: ScManagerError, *, as_json: bool) -> int:
    """Ctrl+C, or nobody answered what was asked."""
    output.remark("")  # What was asked stands on this line.
    output.say_error(error, as_json=as_json)
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
    """`scm`, as installed. A terminal whose encoding lacks a character gets it spelled out."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run())

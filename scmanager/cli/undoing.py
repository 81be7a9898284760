"""Undo: what a command said is taken back, after a look at what would be said."""

from typing import Annotated, Any

import typer

from scmanager.application.undoing import NothingToUndo, last_act
from scmanager.cli import names, people, results
from scmanager.cli.output import JsonFlag, ask, remark, say, say_result, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import CommandIdOption, OrgOption, read_command_id
from scmanager.cli.why import find, kind_of
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

LAST = "last"

EventArgument = Annotated[
    str, typer.Argument(metavar="EVENT", help="Its id, or the first digits of it (scm log show); or: last.")
]


def undo(
    context: typer.Context,
    event: EventArgument = LAST,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would be said.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also if the same has changed since.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    org: OrgOption = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take back what a command said, yours or another's, by saying what undoes it. Nothing is deleted.

    Without an event, what you said last and did not take back yet, in whichever of your spaces; so a second undo goes
    one further back. The undo of an undo is a redo: scm undo EVENT.
    """
    with session_of(context).open() as place:
        space, opened = _last(place, org) if event == LAST else find(place, event)
        arguments = {"event": opened.entry.id32, "anyway": anyway}
        if preview or not (yes or as_json):
            told = place.do("undo", space.id, arguments | {"preview": True})
            would = told.get("would", [])  # A node's API tells no empty list.
            told["would"] = would if as_json else results.in_names(place, space, would)
            _remark_redo(space, told)
            if preview:
                say_result(told, as_json=as_json)
                return
            for line in told["would"] or ["nothing"]:
                say(f"Would say: {line}")
            ask("Say this?")
        result = place.do("undo", space.id, arguments, read_command_id(command_id))
        if not as_json:
            result["said"] = results.in_names(place, space, result.get("said", []))
            if yes:
                _remark_redo(space, result)
    say_result(result, as_json=as_json)


def _last(place: Place, org: str | None) -> tuple[Space, Opened]:
    """What this folder's owner said last that counts and stands. Raises NothingToUndo."""
    spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
    found = [(space, last) for space in spaces if (last := _said_last(place, space)) is not None]
    if not found:
        raise NothingToUndo
    return max(found, key=lambda each: each[1].order)


def _said_last(place: Place, space: Space) -> Opened | None:
    me = people.me(place, space)
    return last_act(space, me) if me else None


def _remark_redo(space: Space, told: dict[str, Any]) -> None:
    if not told.get("redone"):
        return
    redone = space.opened(bytes.fromhex(told["redone"]))
    kind = f"{kind_of(redone)} " if redone else ""
    remark(f"That was an undo, so this is a redo: {kind}{short(told['redone'])} holds again.")

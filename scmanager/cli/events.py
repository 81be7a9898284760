"""Events that do not count through no fault of their author, to be said again."""

from typing import Any

import typer

from scmanager.application.reissuing import void_work
from scmanager.cli import names, people
from scmanager.cli.output import JsonFlag, remark, say_json, say_table, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption
from scmanager.cli.why import kind_of
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space


def void(context: typer.Context, org: OrgOption = None, as_json: JsonFlag = False) -> None:
    """What you wrote that a removal, a recovery or a disowned device made void. You can say it again."""
    with session_of(context).open() as place:
        spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
        found = [(space, each) for space in spaces for each in mine(place, space)]
        rows = [_row(place, space, each) for space, each in found]
    if as_json:
        say_json(rows)
        return
    say_table(
        ("event", "what", "why", "written here"),
        [(short(row["event"]), row["type"], row["reason"], "yes" if row["this machine"] else "") for row in rows],
        "Everything you wrote counts, or was said again. What does not count, and why: scm log show, scm why EVENT",
    )
    if rows:
        remark("Say all of this machine again: scm event reissue. Or some: scm event reissue --event EVENT")


def _row(place: Place, space: Space, opened: Opened) -> dict[str, Any]:
    return {
        "event": opened.entry.id32, "type": kind_of(opened), "reason": str(space.verdict(opened.entry.id32).reason),
        "this machine": opened.entry.log in place.vault.logs_of(space.id),
        "log": opened.entry.log, "space": space.id,
    }  # fmt: skip


def mine(place: Place, space: Space) -> list[Opened]:
    """One's own void work in a space; none where one does not act."""
    member = people.me(place, space)
    return void_work(space, member, place.vault.logs_of(space.id)) if member else []

"""Events that do not count through no fault of their author, to be said again."""

from typing import Any

import typer

from scmanager.application.reissuing import void_work
from scmanager.cli import names, people
from scmanager.cli.output import JsonFlag, remark, say_json, say_table, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption
from scmanager.cli.why import kind_of
from scmanager.domain.catalogue import ORGANISATIONS
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space


def void(context: typer.Context, org: OrgOption = None, as_json: JsonFlag = False) -> None:
    """What you wrote that a removal, a recovery or a disowned device made void. You can say it again."""
    with session_of(context).open() as place:
        spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
        found = [(space, each) for space in spaces for each in mine(place, space)]
        rows = [_row(place, space, each) for space, each in found]
        again = any(_speaks(place, space) for space, _ in found)
        cut = {_title(space): None for space, _ in found if people.me(place, space) and not _speaks(place, space)}
        over = [_title(space) for space in spaces if not people.me(place, space) and _ended(place, space)]
    if as_json:
        say_json(rows)
        return
    say_table(
        ("event", "what", "why", "written here"),
        [(short(row["event"]), row["type"], row["reason"], "yes" if row["this machine"] else "") for row in rows],
        "Everything you wrote counts, or was said again. What does not count, and why: scm log show, scm why EVENT",
    )
    for title in over:
        remark(f"You do not act in {title} any more: what does not count there can only be said again by others.")
    for title in cut:
        remark(f"This machine was disowned in {title}, and says nothing more there.")
        remark("To say this again: scm space export here; on another machine of yours scm space import, and there: "
               "scm event reissue --event EVENT")  # fmt: skip
    if again:
        remark("Say all of this machine again: scm event reissue. Or some: scm event reissue --event EVENT")


def _row(place: Place, space: Space, opened: Opened) -> dict[str, Any]:
    return {
        "event": opened.entry.id32, "type": kind_of(opened), "reason": str(space.verdict(opened.entry.id32).reason),
        "this machine": opened.entry.log in place.vault.logs_of(space.id),
        "log": opened.entry.log, "space": space.id,
    }  # fmt: skip


def mine(place: Place, space: Space) -> list[Opened]:
    """One's own void work in a space, where one acts or did act; none elsewhere."""
    member = people.me(place, space) or _ended(place, space)
    return void_work(space, member, place.vault.logs_of(space.id)) if member else []


def _ended(place: Place, space: Space) -> bytes | None:
    """As which member this folder ever acted in a space, though every grant of theirs may be over."""
    own = set(place.vault.logs_of(space.id))
    return next((each.grant.member for each in space.verdicts.grants.values() if own & set(each.levels)), None)


def _speaks(place: Place, space: Space) -> bool:
    """Whether anything that this machine says in a space counts, as far as removals and disowning go."""
    own = place.vault.logs_of(space.id)
    return any(standing.speaks(log) for standing in space.grants() for log in own)


def _title(space: Space) -> str:
    state: Any = space.state(ORGANISATIONS, space.id[:16])
    return str(state.title) or "your own space"

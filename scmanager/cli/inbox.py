"""The inbox: what you should know, out of the folder itself, the newest first; times as clocks show them here."""

import time
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Annotated, Any

import msgspec
import typer

from scmanager.application.zones import zone_named
from scmanager.cli import names
from scmanager.cli.moments import when
from scmanager.cli.operations import ZoneOption
from scmanager.cli.output import JsonFlag, remark, say_json, say_table, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption
from scmanager.domain.catalogue import INBOXES, ORGANISATIONS
from scmanager.domain.governance import EVERY_RIGHT
from scmanager.domain.noticing import notifications
from scmanager.domain.notification import SECOND_US, Notification, sentence
from scmanager.domain.reading import Inbox
from scmanager.projections.notifications import FOLDS
from scmanager.spaces.contests import contests_of
from scmanager.spaces.reader import Reader, history_of, reader_of
from scmanager.spaces.space import Space

SHOWN = 50
AT_ONCE = 500
EMPTY = "Nothing new. What others do that concerns you is shown here. All there was: scm inbox --all"


class Told(msgspec.Struct, frozen=True):
    """A notification and where it stands."""

    space: Space
    thing: bytes
    held: Notification


def inbox(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that you have read, too.")] = False,
    mark: Annotated[bool, typer.Option("--mark-read", help="What is shown is read then, everywhere.")] = False,
    most: Annotated[int, typer.Option("--first", metavar="N", help="How many to show, the newest ones.")] = SHOWN,
    zone: ZoneOption = None,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """What you should know: what others did that concerns you, and what is due."""
    shown_in = zone_named(zone) if zone else None
    with session_of(context).open() as place:
        spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
        read = read_in(place)
        found = [each for each in told_in(place, spaces) if everything or each.held.id not in read]
        found.sort(key=lambda each: (each.held.at, each.held.id), reverse=True)
        left = len(found) - max(most, 0)
        del found[max(most, 0) :]
        rows = [_row(place, each, read) for each in found]
        if mark:
            mark_read(place, [each.held.id for each in found if each.held.id not in read])
    if as_json:
        say_json(rows)
        return
    say_table(("when", "what", "in", "", "id"), [_cells(row, shown_in) for row in rows], EMPTY)
    if left > 0:
        remark(f"{left} more: scm inbox --first {left + most}")


def told_in(place: Place, spaces: Iterable[Space]) -> Iterator[Told]:
    """What is due by now, for whom this folder acts in each space."""
    now_us = time.time_ns() // 1000
    for space in spaces:
        reader = reader_of(space, place.vault.logs_of(space.id))
        if reader is not None:
            rights = _rights(space, reader.me)
            for each in _all(space, reader):
                right = each.held.right
                if each.held.at <= now_us and (right is None or rights & {right, EVERY_RIGHT}):
                    yield each


def read_in(place: Place) -> frozenset[bytes]:
    """What the owner has read, as his own spaces say."""
    states: list[Any] = [state for space in place.personal_spaces() for _, state in space.things(INBOXES)]
    return frozenset(read for state in states if isinstance(state, Inbox) for read in state.read)


def mark_read(place: Place, ids: list[bytes]) -> None:
    """Remember that these are read."""
    for first in range(0, len(ids), AT_ONCE):
        some = tuple(ids[first : first + AT_ONCE])
        place.do("notification.mark-read", place.personal_space(), {"notifications": some})


def _all(space: Space, reader: Reader) -> Iterator[Told]:
    for fold in FOLDS:
        for entity, state in space.things(fold):
            history = history_of(space, fold, entity)
            contests = [each.contest for each in contests_of(space, fold, entity, state)]
            for each in notifications(fold.name, entity, state, history, contests, reader.me, reader.since):
                yield Told(space, entity, each)


def _rights(space: Space, me: bytes) -> frozenset[str]:
    return frozenset(right for each in space.grants() if each.grant.member == me for right in each.grant.rights)


def _row(place: Place, told: Told, read: frozenset[bytes]) -> dict[str, Any]:
    held, owner = told.held, told.space.state(ORGANISATIONS, told.space.id[:16])
    who = names.member_name(place, told.space, held.who) if held.who else ""
    about = held.title or names.member_name(place, told.space, told.thing)  # People's names are no titles.
    return {
        "at_us": held.at, "kind": held.kind.value, "text": sentence(held.kind, who, about, held.said),
        "in": getattr(owner, "title", "") or told.space.kind, "space": told.space.id, "thing": told.thing,
        "who": held.who, "unread": held.id not in read, "id": held.id,
    }  # fmt: skip


def _cells(row: dict[str, Any], zone: tzinfo | None) -> tuple[str, ...]:
    new = "new" if row["unread"] else ""
    return when(row["at_us"] // SECOND_US, zone), row["text"], row["in"], new, short(row["id"])

"""Points of a space's history: a position, a moment, an entry or a frontier by its hash."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from scmanager.errors import Refused
from scmanager.eventstore.store import Row, Store
from scmanager.forensics.called import moment
from scmanager.spaces.frontiers import find_frontier
from scmanager.spaces.replay import Within, by_past, by_position, by_time, hlc_of, past_of
from scmanager.spaces.space import AHEAD_US_MAX

DIGITS_MIN: Final = 8
"""Of a hash."""


class PointUnclear(Refused):
    """{text} is no point of a history."""

    code = "audit-point-unclear"
    hint = "Such as 41, 2026-11-30T20:00, 14d, now, or at least 8 digits of the hash of an entry or a frontier."


class PointUnknown(Refused):
    """No entry of this space and no frontier that it had here begins with {text}."""

    code = "audit-point-unknown"
    hint = "It may be another member's: import their export, or name the point by a position or a moment."


class PointAhead(Refused):
    """There is no position {position} yet: the last is {last}."""

    code = "audit-point-ahead"
    hint = "Leave the point out for everything that is here."


class Point(msgspec.Struct, frozen=True):
    """A point that was found."""

    kind: str
    """`now`, `position`, `time`, `entry` or `frontier`."""
    said: str
    within: Within
    facts: dict[str, Any]
    """What it is, for programs."""


NOW: Final = Point("now", "now", lambda _: True, {})
"""Everything that is here."""


def at_position(store: Store, pos: int) -> Point:
    """What this store held. Raises PointAhead."""
    last = store.last_pos()
    if pos > last:
        raise PointAhead(position=pos, last=last)
    return Point("position", f"position {pos} of {last}", by_position(pos), {"position": pos, "last": last})


def at_time(at_us: int) -> Point:
    """What is dated up to then, UTC microseconds, and held now."""
    told = moment(max(at_us // 1_000_000, 0))
    return Point("time", told or "1970", by_time(at_us), {"time": told})


def at_hash(space: bytes, rows: Callable[[], Iterable[Row]], named: str, now_us: int) -> Point:
    """An entry with its past, or where the space had a frontier, by the first hex digits.

    `rows` gives the entries of the space in order of arrival, each time anew. Raises PointUnclear, PointUnknown.
    """
    found = past_of(rows(), named)
    if len(found) == 1:
        one = found[0]
        return Point("entry", f"entry {one.entry.hex()[:12]}", by_past(one.past), {"entry": one.entry})
    if found:
        raise PointUnclear(text=f"{named}, with which {len(found)} entries begin,")
    counted = [row for row in rows() if hlc_of(row) <= now_us + AHEAD_US_MAX]
    for by, order in (("position", counted), ("time", sorted(counted, key=lambda row: (hlc_of(row), row.pos)))):
        held = find_frontier(space, order, named)
        if held is None:
            continue
        row, frontier = held
        within = by_position(row.pos) if by == "position" else by_time(hlc_of(row))
        facts = {"frontier": frontier, by: row.pos if by == "position" else hlc_of(row)}
        return Point("frontier", f"frontier {frontier.hex()[:12]}", within, facts)
    raise PointUnknown(text=named)

"""Points of a space's history as people type them: a position, a moment, an entry or a frontier by its hash.

now                     everything that is here
41                      what this store held at position 41 (scm log show --json tells positions as `position`)
2026-11-30T20:00        what is dated up to then and held now; in UTC, or in the zone given, or with its offset
14d                     the same, so long ago
5f0c1d2e...             an entry and all that its author had seen; or the point at which the space had a frontier
"""

import re
import time
from typing import Annotated, Any

import msgspec
import typer

from scmanager.cli.audit_sources import Evidence
from scmanager.cli.moments import Moment, MomentUnclear, read_moment
from scmanager.cli.output import progress
from scmanager.errors import Refused
from scmanager.spaces.frontiers import find_frontier
from scmanager.spaces.replay import PastShelf, Within, by_past, by_position, by_time, hlc_of, past_of, rows_of
from scmanager.spaces.space import AHEAD_US_MAX, Space

NOW = "now"
DIGITS_MIN = 8
"""Of a hash."""

ZoneOption = Annotated[
    str | None, typer.Option("--zone", metavar="ZONE", help="Moments are meant there, such as Europe/Berlin.")
]
POINT = "A position, a moment (UTC, or --zone), a span such as 14d for so long ago, the hash of an entry or frontier."


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
    hint = "Leave --until out for everything that is here."


class Point(msgspec.Struct, frozen=True):
    """A point that was found."""

    kind: str
    """`now`, `position`, `time`, `entry` or `frontier`."""
    said: str
    within: Within
    facts: dict[str, Any]
    """What it is, for programs."""


def read_point(text: str, zone: str | None, source: Evidence, space: Space) -> Point:
    """Raises PointUnclear, PointUnknown, PointAhead, MomentSkipped, ZoneUnusable."""
    said = text.strip()
    if said.casefold() == NOW:
        return Point(NOW, "now", lambda _: True, {})
    if re.fullmatch(r"[0-9]{1,12}", said):
        return _position(int(said), source)
    if re.fullmatch(rf"[0-9a-fA-F]{{{DIGITS_MIN},128}}", said):
        return _hash(said.casefold(), source, space)
    return _moment(said, zone)


def _position(pos: int, source: Evidence) -> Point:
    last = source.store.last_pos()
    if pos > last:
        raise PointAhead(position=pos, last=last)
    return Point("position", f"position {pos} of {last}", by_position(pos), {"position": pos, "last": last})


def _moment(text: str, zone: str | None) -> Point:
    now_s = int(time.time())
    try:
        if re.fullmatch(r"[0-9]{1,6}[mhdw]", text):
            at_s = 2 * now_s - read_moment(text, now_s)
        else:
            at_s = read_moment(text, now_s, zone)
    except MomentUnclear as error:
        raise PointUnclear(text=text) from error
    told = Moment(max(at_s, 0))
    facts = {"time": told.plain()}
    return Point("time", f"{told.plain() or '1970'}", by_time(at_s * 1_000_000 + 999_999), facts)


def _hash(named: str, source: Evidence, space: Space) -> Point:
    end = source.store.last_pos()
    with progress("Looking for the hash", None):
        found = past_of(rows_of(source.store, space.id, end), named)
        if len(found) == 1:
            one = found[0]
            return Point("entry", f"entry {one.entry.hex()[:12]}", by_past(one.past), {"entry": one.entry})
        if found:
            raise PointUnclear(text=f"{named}, with which {len(found)} entries begin,")
        until = int(time.time() * 1_000_000) + AHEAD_US_MAX
        rows = [row for row in rows_of(source.store, space.id, end) if hlc_of(row) <= until]
        for by, order in (("position", rows), ("time", sorted(rows, key=lambda row: (hlc_of(row), row.pos)))):
            held = find_frontier(space.id, order, named)
            if held is None:
                continue
            row, frontier = held
            within = by_position(row.pos) if by == "position" else by_time(hlc_of(row))
            facts = {"frontier": frontier, by: row.pos if by == "position" else hlc_of(row)}
            return Point("frontier", f"frontier {frontier.hex()[:12]}", within, facts)
    raise PointUnknown(text=named)


def shelf_at(point: Point, source: Evidence, space: Space) -> tuple[PastShelf, Space]:
    """The space as of a point; as of now it is there already."""
    if point.kind == NOW:
        return source.present, space
    shelf = source.past(space.id, point.within)
    return shelf, shelf.past(space)

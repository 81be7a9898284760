"""Points of a space's history as people type them: a position, a moment, an entry or a frontier by its hash.

now                     everything that is here
41                      what this store held at position 41 (scm log show --json tells positions as `position`)
2026-11-30T20:00        what is dated up to then and held now; in UTC, or in the zone given, or with its offset
14d                     the same, so long ago
5f0c1d2e...             an entry and all that its author had seen; or the point at which the space had a frontier
"""

import re
import time
from typing import Annotated

import typer

from scmanager.cli.audit_sources import Evidence
from scmanager.cli.moments import MomentUnclear, read_moment
from scmanager.cli.output import progress
from scmanager.forensics.points import DIGITS_MIN, Point, PointUnclear, at_hash, at_position, at_time
from scmanager.forensics.points import NOW as EVERYTHING
from scmanager.spaces.replay import PastShelf, rows_of
from scmanager.spaces.space import Space

NOW = "now"

ZoneOption = Annotated[
    str | None, typer.Option("--zone", metavar="ZONE", help="Moments are meant there, such as Europe/Berlin.")
]
POINT = "A position, a moment (UTC, or --zone), a span such as 14d for so long ago, the hash of an entry or frontier."


def read_point(text: str, zone: str | None, source: Evidence, space: Space) -> Point:
    """Raises PointUnclear, PointUnknown, PointAhead, MomentSkipped, ZoneUnusable."""
    said = text.strip()
    if said.casefold() == NOW:
        return EVERYTHING
    if re.fullmatch(r"[0-9]{1,12}", said) and (len(said) < DIGITS_MIN or int(said) <= source.store.last_pos()):
        return at_position(source.store, int(said))
    if re.fullmatch(rf"[0-9a-fA-F]{{{DIGITS_MIN},128}}", said):
        return _hash(said.casefold(), source, space)
    return _moment(said, zone)


def _moment(text: str, zone: str | None) -> Point:
    now_s = int(time.time())
    try:
        if re.fullmatch(r"[0-9]{1,6}[mhdw]", text):
            at_s = 2 * now_s - read_moment(text, now_s)
        else:
            at_s = read_moment(text, now_s, zone)
    except MomentUnclear as error:
        raise PointUnclear(text=text) from error
    return at_time(at_s * 1_000_000 + 999_999)


def _hash(named: str, source: Evidence, space: Space) -> Point:
    end = source.store.last_pos()
    with progress("Looking for the hash", None):
        return at_hash(space.id, lambda: rows_of(source.store, space.id, end), named, int(time.time() * 1_000_000))


def shelf_at(point: Point, source: Evidence, space: Space) -> tuple[PastShelf, Space]:
    """The space as of a point; as of now it is there already."""
    if point.kind == NOW:
        return source.present, space
    shelf = source.past(space.id, point.within)
    return shelf, shelf.past(space)


__all__ = ["Point"]

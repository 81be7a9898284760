"""Time zones: whether one is known here, and what a wall clock there says some days later.

Only instants are recorded, so machines with different zone data still agree on what was planned.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scmanager.domain.operation_planning import WindowUnusable, ZoneUnusable
from scmanager.domain.words import NAME_LENGTH_MAX

_CALENDAR_ENDS_S = 253_000_000_000
"""Some years before the end of the year 9999."""


def zone_named(name: str) -> ZoneInfo:
    """The zone of this name. Raises ZoneUnusable."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ZoneUnusable(zone=name[:NAME_LENGTH_MAX]) from error


def days_later(at_s: int, days: int, zone: str) -> int:
    """When clocks in this zone show the same time so many days later, in UTC seconds.

    A time that is skipped there is as late as it would have been before the change; of one that comes twice, the
    first. Raises ZoneUnusable, WindowUnusable.
    """
    if not 0 < at_s < _CALENDAR_ENDS_S:
        raise WindowUnusable(starts=at_s, ends=at_s)
    there = datetime.fromtimestamp(at_s, UTC).astimezone(zone_named(zone))
    return int((there + timedelta(days=days)).replace(fold=0).timestamp())

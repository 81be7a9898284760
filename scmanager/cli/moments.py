"""Moments as people type and read them. A span from now (90m, 3h, 14d), a day, a day and time, UTC seconds."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from scmanager.application.zones import zone_named
from scmanager.errors import Refused
from scmanager.forensics.called import Cell, moment

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DIGITS_MAX = 6
_LAST_S = 253_402_214_400
"""A day before the end of the year 9999, so that every zone can show it."""


class MomentUnclear(Refused):
    """{text} is no moment."""

    code = "moment-unclear"
    hint = "Such as 90m, 3h, 14d, 2027-11-30, 2027-11-30T20:00 (UTC), or UTC seconds."


class SpanUnclear(Refused):
    """{text} is no span of time."""

    code = "span-unclear"
    hint = "Such as 15m, 1h, 2d, or seconds."


class MomentSkipped(Refused):
    """Clocks in {zone} never show {text}: they are put forward then. {text}+01:00 would be a moment."""

    code = "moment-skipped"
    hint = "Give a time an hour later, or write the offset behind it."


class Moment(Cell, frozen=True):
    """A point in time, in UTC seconds; 0 for none."""

    at_s: int

    def __str__(self) -> str:
        return when(self.at_s)

    def plain(self) -> Any:
        """As ISO 8601 has it; null for none."""
        return moment(self.at_s)


def when(at_s: int, zone: tzinfo | None = None) -> str:
    """UTC seconds as a clock shows them in a zone, or on this machine; nothing for never."""
    if at_s <= 0:
        return ""
    there = datetime.fromtimestamp(min(at_s, _LAST_S), UTC).astimezone(zone)
    return f"{there:%Y-%m-%d %H:%M} {there.tzname() or ''}".rstrip()


def read_span(text: str) -> int:
    """Seconds, of `15m`, `1h`, `2d`, `1w` or plain seconds. Raises SpanUnclear."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    if (span_s := _span(text)) is None:
        raise SpanUnclear(text=text)
    return span_s


def _span(text: str) -> int | None:
    """Seconds of a number with a unit; none if it is something else."""
    if not (span := re.fullmatch(rf"([0-9]{{1,{_DIGITS_MAX}}})([mhdw])", text)):
        return None
    return int(timedelta(**{_UNITS[span[2]]: int(span[1])}).total_seconds())


def read_moment(text: str, now_s: int, zone: str | None = None) -> int:
    """UTC seconds. A day and a time are meant in the zone of this name, or in UTC.

    A time that clocks there skip is refused; of one that comes twice, the first is meant; its offset can be written.
    Raises MomentUnclear, MomentSkipped, ZoneUnusable.
    """
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    if (span_s := _span(text)) is not None:
        return now_s + span_s
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        raise MomentUnclear(text=text) from error
    there = told if told.tzinfo else told.replace(tzinfo=zone_named(zone) if zone else UTC)
    shown = datetime.fromtimestamp(there.timestamp(), there.tzinfo)
    if shown.replace(tzinfo=None, fold=0) != there.replace(tzinfo=None, fold=0):
        raise MomentSkipped(text=text, zone=str(zone))
    return int(there.timestamp())

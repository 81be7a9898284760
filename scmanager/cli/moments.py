"""Moments as people type them: a span from now (90m, 3h, 14d), a day, a day and a time in UTC, or UTC seconds."""

import re
from datetime import UTC, datetime, timedelta

from scmanager.errors import Refused

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DIGITS_MAX = 6


class MomentUnclear(Refused):
    """{text} is no moment."""

    code = "moment-unclear"
    hint = "Such as 90m, 3h, 14d, 2955-11-30, 2955-11-30T20:00 (UTC), or UTC seconds."


def read_moment(text: str, now_s: int) -> int:
    """UTC seconds. Raises MomentUnclear."""
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    if span := re.fullmatch(rf"([0-9]{{1,{_DIGITS_MAX}}})([mhdw])", text):
        return now_s + int(timedelta(**{_UNITS[span[2]]: int(span[1])}).total_seconds())
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        raise MomentUnclear(text=text) from error
    return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())

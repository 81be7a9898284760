"""Operations as an iCalendar file (RFC 5545), for the calendars that people use.

Times are written in UTC, so each calendar shows them in its owner's own zone and no zone data has to agree; a series
is written one by one for the same reason. Lines are folded at 75 bytes, never inside of a character.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

LINE_BYTES_MAX = 75
_LAST_S = 253_402_300_799
"""The end of the year 9999, as far as calendars go."""
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


class Outing(msgspec.Struct, frozen=True):
    """What a calendar shows of an operation. Times are UTC seconds."""

    id: bytes
    title: str
    starts: int
    ends: int
    objective: str = ""
    place: str = ""
    status: str = "CONFIRMED"
    """CONFIRMED, TENTATIVE or CANCELLED."""
    reminders: tuple[int, ...] = ()
    """Seconds before its beginning."""


def calendar(outings: Iterable[Outing], stamp_s: int, name: str) -> bytes:
    """A whole file. `stamp_s`: when it is written, UTC seconds; `name`: whose calendar it is."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//SC Manager//Operations//EN", "CALSCALE:GREGORIAN"]
    lines += ["METHOD:PUBLISH", f"X-WR-CALNAME:{escaped(name)}"]
    for each in outings:
        lines += _event(each, stamp_s)
    lines.append("END:VCALENDAR")
    return b"".join(folded(line) for line in lines)


def is_calendar(beginning: bytes) -> bool:
    """Whether a file that begins so is one."""
    return beginning.startswith(b"BEGIN:VCALENDAR\r\n")


def _event(outing: Outing, stamp_s: int) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{outing.id.hex()}@scm"
    yield f"DTSTAMP:{instant(stamp_s)}"
    yield f"DTSTART:{instant(outing.starts)}"
    yield f"DTEND:{instant(outing.ends)}"
    yield f"SUMMARY:{escaped(outing.title)}"
    if outing.objective:
        yield f"DESCRIPTION:{escaped(outing.objective)}"
    if outing.place:
        yield f"LOCATION:{escaped(outing.place)}"
    yield f"STATUS:{outing.status}"
    for before in outing.reminders:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{escaped(outing.title)}")
        yield from (f"TRIGGER:-PT{before}S", "END:VALARM")
    yield "END:VEVENT"


def instant(at_s: int) -> str:
    """UTC seconds as `20261128T190000Z`; what lies beyond calendars, as their last second."""
    return f"{datetime.fromtimestamp(min(at_s, _LAST_S), UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """Text as a value: what has a meaning there is escaped, other controls are left out."""
    return _CONTROL.sub("", _LINE_END.sub("\n", text)).translate(_ESCAPES)


def folded(line: str) -> bytes:
    """A line with its end, in pieces of at most 75 bytes; each further one begins with a blank."""
    pieces = [b""]
    for character in line:
        data = character.encode()
        room = LINE_BYTES_MAX - (len(pieces) > 1)  # The blank counts.
        if len(pieces[-1]) + len(data) > room:
            pieces.append(b"")
        pieces[-1] += data
    return b"\r\n ".join(pieces) + b"\r\n"

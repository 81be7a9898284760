"""Operations as an iCalendar file, read again by a reader that knows RFC 5545's lines and nothing of ours."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.adapters.calendar_text import LINE_BYTES_MAX, Outing, calendar, escaped, folded

STARTS = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp())
"""Half past two in Berlin, the first time: clocks are put back at three."""
RAID = Outing(
    b"o" * 16, "Jumptown; again, \\o/", STARTS, STARTS + 7200, "Take it.\nHold it.", "Yela, 3", "CONFIRMED", (900,)
)


def unfolded(data: bytes) -> list[str]:
    assert data.endswith(b"\r\n")
    assert all(len(line) <= LINE_BYTES_MAX for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    return data.decode().replace("\r\n ", "").split("\r\n")[:-1]


def plain(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), value, flags=re.DOTALL)


def values(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in unfolded(data)):
        found.setdefault(name, plain(value))  # An alarm inside of an event has words of its own.
    return found


def test_an_operation_is_an_event_with_times_words_and_alarms() -> None:
    data = calendar([RAID], STARTS - 60, "Nova, Halcyon")
    found = values(data)
    assert (found["DTSTART"], found["DTEND"]) == ("20261025T003000Z", "20261025T023000Z")
    assert (found["SUMMARY"], found["DESCRIPTION"], found["LOCATION"]) == (RAID.title, RAID.objective, RAID.place)
    assert (found["DTSTAMP"], found["TRIGGER"], found["STATUS"]) == ("20261025T002900Z", "-PT900S", "CONFIRMED")
    assert found["X-WR-CALNAME"] == "Nova, Halcyon"
    lines = unfolded(data)
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 1
    assert unfolded(calendar([], 1, "")) == [*lines[:5], "X-WR-CALNAME:", "END:VCALENDAR"]


def test_the_hour_that_comes_twice_is_two_different_hours() -> None:
    later = Outing(b"p" * 16, "x", STARTS + 3600, STARTS + 7200)
    assert values(calendar([later], 1, ""))["DTSTART"] == "20261025T013000Z"


def test_what_lies_beyond_calendars_ends_with_them() -> None:
    assert values(calendar([Outing(b"p" * 16, "x", 2**53 - 2, 2**53 - 1)], 1, ""))["DTSTART"] == "99991231T235959Z"


@pytest.mark.parametrize("text", ["作戦：夜明け" * 30, "عملية الفجر " * 20, "🚀" * 40, "a" * 75, "a" * 76, ""])
def test_long_lines_in_any_script_are_folded_between_characters(text: str) -> None:
    assert unfolded(folded(f"SUMMARY:{text}")) == [f"SUMMARY:{text}"]


@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=300))
def test_no_text_breaks_the_file_or_begins_a_line_of_its_own(text: str) -> None:
    data = calendar([Outing(b"o" * 16, text, 1, 2, text, text)], 1, text)
    wanted = re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", re.sub("\r\n|[\r\x85\u2028\u2029]", "\n", text))
    assert values(data)["SUMMARY"] == wanted
    assert len(unfolded(data)) == 6 + 8 + 2 * bool(text) + 1
    assert "\n" not in escaped(text)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
def test_whatever_ends_a_line_is_written_as_one(end: str) -> None:
    assert escaped(f"Fly{end}\x9blow") == "Fly\\nlow"

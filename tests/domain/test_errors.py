"""What an error says: its facts in plain words, moments as a day and a time."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.hangar import ClaimTimeUnusable, LoanTimeUnusable
from scmanager.domain.member import InvitationTimeUnusable
from scmanager.domain.operation_planning import WindowUnusable
from scmanager.errors import utc
from tests.support.effort import examples


@settings(max_examples=examples(500))
@given(st.datetimes(datetime(1970, 1, 1, 0, 0, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - its zone stands beside it
def test_a_moment_is_told_as_the_calendar_has_it(at: datetime) -> None:
    assert utc(int(at.timestamp())) == f"{at:%Y-%m-%d %H:%M} UTC".rjust(20, "0")


def test_where_no_calendar_goes_seconds_are_told() -> None:
    assert [utc(at) for at in (0, -1, 253_402_300_800, 2**63)] == ["0", "-1", "253402300800", str(2**63)]
    assert utc(253_402_300_799) == "9999-12-31 23:59 UTC"


def test_errors_about_times_tell_days_to_people_and_seconds_to_programs() -> None:
    told = WindowUnusable(starts=1_796_500_800, ends=1_796_493_600)
    assert str(told) == "An operation cannot last from 2026-12-05 20:00 UTC to 2026-12-05 18:00 UTC."
    assert told.facts == {"starts": 1_796_500_800, "ends": 1_796_493_600}
    assert str(ClaimTimeUnusable(until=1_577_836_800)) == "A claim cannot be through at 2020-01-01 00:00 UTC."
    assert str(LoanTimeUnusable(until=1_577_836_800)) == "A loan cannot end at 2020-01-01 00:00 UTC."
    assert "2020-01-01 00:00 UTC, which" in str(InvitationTimeUnusable(until=1_577_836_800))
    assert str(WindowUnusable()) == "An operation cannot last from ? to ?."

"""Moments as people type them."""

import pytest

from scmanager.cli.moments import MomentSkipped, MomentUnclear, SpanUnclear, read_moment, read_span
from scmanager.domain.operation_planning import ZoneUnusable
from tests.cli.conftest import Scm

NOW_S = 1_700_000_000


@pytest.mark.parametrize(
    ("text", "after_s"), [("90m", 5400), ("3h", 10_800), ("14d", 1_209_600), ("1w", 604_800), ("1700000060", 60)]
)
def test_a_span_counts_from_now_and_seconds_stand_for_themselves(text: str, after_s: int) -> None:
    assert read_moment(text, NOW_S) == NOW_S + after_s


@pytest.mark.parametrize("text", ["2023-11-14T22:13:20", "2023-11-14T23:13:20+01:00", "2023-11-14 22:13:20"])
def test_a_day_and_a_time_are_utc_unless_they_say_otherwise(text: str) -> None:
    assert read_moment(text, 0) == NOW_S


@pytest.mark.parametrize("text", ["", "soon", "-3h", "3 h", "²d", "9999999d", "2023-13-01", "0001-01-01x"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MomentUnclear):
        read_moment(text, NOW_S)


@pytest.mark.slow
def test_a_claim_and_a_loan_take_a_span(nova: Scm) -> None:
    nova("ship", "add", "DRAK_Corsair", "--organisation")
    nova("member", "record", "Ayla")
    assert nova("ship", "set-readiness", "DRAK_Corsair", "in-claim", "--until", "3h").code == 0
    assert nova("ship", "lend", "DRAK_Corsair", "Ayla", "--until-s", "14d").code == 0
    assert nova("ship", "set-readiness", "DRAK_Corsair", "in-claim", "--until", "soon").error == "moment-unclear"


def test_the_help_of_a_verb_says_what_its_options_take(nova: Scm) -> None:
    assert "member.invite" in nova("role", "define", "--help").out
    assert "member.invite" in nova("role", "define", "Bad", 5, "--rights", "fly").err
    assert "catalogue" in nova("ship", "add", "--help").out


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-03-28T20:00", "Europe/Berlin", "2026-03-28T19:00Z"),
        ("2026-03-29T20:00", "Europe/Berlin", "2026-03-29T18:00Z"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30Z"),
        ("2026-10-25T02:30+01:00", "Europe/Berlin", "2026-10-25T01:30Z"),
        ("2026-06-01T00:30", "Pacific/Kiritimati", "2026-05-31T10:30Z"),
        ("2026-06-01T00:30", None, "2026-06-01T00:30Z"),
    ],
)
def test_a_time_is_meant_in_the_zone_that_is_named(text: str, zone: str | None, utc: str) -> None:
    assert read_moment(text, 0, zone) == read_moment(utc, 0)


def test_a_time_that_clocks_skip_there_is_refused_and_so_is_a_zone_that_is_none() -> None:
    with pytest.raises(MomentSkipped):
        read_moment("2026-03-29T02:30", 0, "Europe/Berlin")
    with pytest.raises(ZoneUnusable):
        read_moment("2026-03-29T02:30", 0, "Mars/Olympus")


@pytest.mark.parametrize(("text", "seconds"), [("3600", 3600), ("15m", 900), ("1h", 3600), ("2d", 172_800), ("0", 0)])
def test_a_span_is_seconds_or_a_number_with_a_unit(text: str, seconds: int) -> None:
    assert read_span(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-5m", "1.5h", "1 h", "2955-11-30", "1" * 10, "\u0661h"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(SpanUnclear):
        read_span(text)

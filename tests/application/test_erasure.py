"""Days of grace: counted from look to look, whatever the clock does meanwhile."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.application.desk import Desk
from scmanager.application.erasure import GRACE_S, LOOK_MOST_S, WAITING_MAX, Erasures, Grace
from scmanager.application.writer import Command
from scmanager.domain.governance import Erased
from tests.support.machines import DAY_S, Machine, found
from tests.support.node import Seat

HOUR_S = 3600
YEAR_S = 365 * DAY_S


class Waiting:
    """An organisation in which words about Grace wait to be erased, and a clock that shows what the test says."""

    def __init__(self, seat: Seat, member: bytes) -> None:
        self.seat, self.member = seat, member
        self.begin_anew()

    def begin_anew(self) -> None:
        self.now, self.seen = YEAR_S * 50, dict[str, Grace]()
        node = self.seat.node
        self.erasures = Erasures(node.store, node.shelf, node.vault, self.seen, lambda: self.now)

    def look(self, after_s: int) -> bool:
        """Look again, the clock having moved; whether it waits still."""
        self.now += after_s
        self.erasures.run()
        return bool(self.erasures.pending())

    def looks(self, *every_s: int) -> list[bool]:
        return [self.look(each) for each in every_s]


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    with Machine(tmp_path, "ada").open() as node:
        space = found(node)
        member = bytes.fromhex(node.do("member.record", space, {"handle": "grace"})["member"])
        node.do("member.erase", space, {"member_id": member})
        yield Waiting(Seat(node, space), member)


def keys(waiting: Waiting) -> tuple[bytes, ...]:
    return tuple(waiting.seat.node.vault.keys_of(waiting.seat.space, waiting.member))


def test_a_clock_that_jumps_ahead_by_years_ends_no_grace(waiting: Waiting) -> None:
    assert waiting.looks(0, HOUR_S, 10 * YEAR_S, *[HOUR_S] * 100) == [True] * 103
    assert keys(waiting)
    assert waiting.looks(*[HOUR_S] * 41) == [True] * 40 + [False], "all but the 26 hours of the jump"
    assert not keys(waiting)


def test_a_clock_that_jumps_back_goes_on_counting_from_there(waiting: Waiting) -> None:
    assert waiting.looks(0, DAY_S, -YEAR_S, *[DAY_S] * 6) == [True] * 8 + [False]


def test_a_machine_that_is_on_once_a_day_erases_after_seven_days(waiting: Waiting) -> None:
    assert waiting.looks(0, *[DAY_S] * 7) == [True] * 7 + [False]


def test_a_machine_that_is_on_once_a_week_erases_in_seven_weeks(waiting: Waiting) -> None:
    assert waiting.looks(0, *[7 * DAY_S] * 7) == [True] * 7 + [False]


def test_looks_that_follow_each_other_count_no_less_than_one(waiting: Waiting) -> None:
    """Each change of a space is a look; what is too short to be written down is not lost."""
    waiting.look(0)
    for _ in range(240):
        waiting.look(30)
    assert sum(each.counted_s for each in waiting.seen.values()) == 2 * HOUR_S


def test_what_goes_at_once_is_not_written_down(waiting: Waiting) -> None:
    node = waiting.seat.node
    node.do("member.erase", waiting.seat.space, {"member_id": waiting.seat.space[:16], "ground": "at-once"})
    waiting.look(0)
    assert len(waiting.seen) == 1, "the one that waits"


def test_of_one_subject_few_wait_at_a_time_and_all_come_to_their_turn(waiting: Waiting) -> None:
    def act(desk: Desk) -> dict[str, object]:
        held = desk.subject_keys(waiting.member)
        for number in range(WAITING_MAX + 5):
            desk.record(None, waiting.member, Erased(waiting.member, (*held, number.to_bytes(32, "big")), "request"))
        return {}

    node = waiting.seat.node
    node.writer.do(Command(secrets.token_bytes(16), waiting.seat.space, act))
    other = bytes.fromhex(node.do("member.record", waiting.seat.space, {"handle": "lin"})["member"])
    node.do("member.erase", waiting.seat.space, {"member_id": other})
    waiting.looks(0, HOUR_S)
    assert len(waiting.seen) == WAITING_MAX + 1
    assert waiting.looks(*[DAY_S] * 8)[-1], "six of them wait still"
    assert not node.vault.keys_of(waiting.seat.space, other)
    assert not keys(waiting)
    assert not waiting.looks(*[DAY_S] * 8)[-1]
    assert len(waiting.seen) == WAITING_MAX + 7


def test_those_that_name_the_same_keys_are_one_and_run_from_the_first(waiting: Waiting) -> None:
    def act(desk: Desk) -> dict[str, object]:
        for _ in range(WAITING_MAX + 5):
            desk.record(None, waiting.member, Erased(waiting.member, desk.subject_keys(waiting.member), "request"))
        return {}

    node = waiting.seat.node
    waiting.looks(0, *[DAY_S] * 6)
    node.writer.do(Command(secrets.token_bytes(16), waiting.seat.space, act))
    assert waiting.look(0)
    assert {each.due_s - waiting.now for each in waiting.erasures.pending()} == {DAY_S}
    assert not waiting.look(DAY_S)
    assert len(waiting.seen) == 1


def test_it_says_when_it_is_due_if_the_clock_runs_on(waiting: Waiting) -> None:
    waiting.looks(0, HOUR_S, YEAR_S)
    assert waiting.erasures.next_due_s() == waiting.now + GRACE_S - HOUR_S - LOOK_MOST_S


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moved=st.lists(st.integers(-YEAR_S // 60, YEAR_S // 60) | st.integers(0, 3000), max_size=20))
def test_whatever_the_clock_does_no_look_counts_for_more_than_26_hours(waiting: Waiting, moved: list[int]) -> None:
    waiting.begin_anew()
    waits, counted = waiting.look(0), 0
    assert waits
    for minutes in moved:
        counted += min(max(0, 60 * minutes), LOOK_MOST_S)
        assert waiting.look(60 * minutes) is (counted < GRACE_S)

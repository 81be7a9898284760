"""Releases on the server: each closed day once, whatever breaks off in between, and then nothing of it is left."""

import random
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest
from msgspec.structs import replace

from scmanager.adapters import record_store
from scmanager.adapters.record_store import RecordStore
from scmanager.application.releasing import (
    BEHIND_MAX,
    BORNE_OUT_S,
    Calendar,
    ClockJumped,
    DayNotClosed,
    ReleaseDisplaced,
    Releases,
    release_id,
)
from scmanager.domain.event import Event
from scmanager.domain.statistics_published import Measure, StatisticsPublished
from scmanager.master_ledger.releasing import added, frame_of, frame_of_rows, totals
from tests.support.statistics import DAY, REGIONS, VERSIONS, day_of, others, rows


def name(day: int) -> bytes:
    return release_id(bytes(32), bytes(32), day)


class Log:
    """What was entered, by id; fails when asked to."""

    def __init__(self) -> None:
        self.entries: dict[bytes, StatisticsPublished] = {}
        self.fails: Exception | None = None

    def enter(self, name: bytes, event: Event) -> None:
        if self.fails:
            raise self.fails
        assert isinstance(event, StatisticsPublished)
        self.entries.setdefault(name, event)

    def entered(self, name: bytes, day: int) -> bool:
        return name in self.entries and self.entries[name].day == day


@pytest.fixture
def records(tmp_path: Path) -> Iterator[RecordStore]:
    made = RecordStore(tmp_path, DAY)
    made.put(bytes(16), others(200), DAY)
    yield made
    made.close()


def releases(records: RecordStore, log: Log, seed: int = 1) -> Releases:
    return Releases(
        records, name, log.entered, log.enter, random.Random(seed).randrange, lambda: VERSIONS
    )  # fmt: skip


def test_a_day_is_closed_when_the_one_after_it_is_over(records: RecordStore) -> None:
    made = releases(records, Log())
    assert [made.due(DAY + passed) for passed in range(4)] == [[], [], [DAY], [DAY, DAY + 1]]
    with pytest.raises(DayNotClosed):
        made.release(DAY, DAY + 1)


def test_a_released_day_is_published_and_its_records_are_gone(records: RecordStore) -> None:
    log = Log()
    assert releases(records, log).release_due(DAY + 2) == [DAY]
    said = log.entries[name(DAY)]
    users = next(table for table in said.tables if table.measure is Measure.ACTIVE_USERS)
    assert abs(users.rows[0].value - 200) < 100
    assert (rows(records), records.open_day) == ([], DAY + 1)


def test_a_day_that_nobody_told_of_is_released_as_well(records: RecordStore) -> None:
    log = Log()
    assert releases(records, log).release_due(DAY + 4) == [DAY, DAY + 1, DAY + 2]
    assert log.entries[name(DAY + 2)].day == DAY + 2


def test_a_release_that_could_not_be_entered_is_made_anew_later(records: RecordStore) -> None:
    log = Log()
    log.fails = OSError("no space")
    with pytest.raises(OSError, match="no space"):
        releases(records, log).release_due(DAY + 2)
    assert rows(records)
    log.fails = None
    assert releases(records, log).release_due(DAY + 2) == [DAY]


def test_a_release_that_was_entered_before_a_crash_is_never_made_with_other_noise(records: RecordStore) -> None:
    log = Log()
    made = releases(records, log)
    log.enter(name(DAY), made._made(DAY))  # And the power went.
    first = log.entries[name(DAY)]
    assert releases(records, log, seed=2).release_due(DAY + 2) == [DAY]
    assert log.entries[name(DAY)] is first
    assert rows(records) == []


def test_records_stay_where_something_else_stands_under_the_id_of_their_release(records: RecordStore) -> None:
    log = Log()
    made = releases(records, log)
    log.enter(name(DAY), replace(made._made(DAY), day=DAY - 1))
    with pytest.raises(ReleaseDisplaced):
        made.release_due(DAY + 2)
    assert rows(records)


def test_releasing_one_day_by_name_releases_those_before_it_first(records: RecordStore) -> None:
    log = Log()
    releases(records, log).release(DAY + 1, DAY + 5)
    assert {said.day for said in log.entries.values()} == {DAY, DAY + 1}
    releases(records, log).release(DAY, DAY + 5)
    assert len(log.entries) == 2


def test_a_server_that_was_away_for_years_does_not_tell_every_day_of_them(records: RecordStore) -> None:
    assert len(releases(records, Log()).due(DAY + 5000)) == BEHIND_MAX - 1


def test_what_comes_while_a_day_is_released_is_not_said_to_be_kept(records: RecordStore) -> None:
    late = list[int]()

    class Slow(Log):
        def enter(self, name: bytes, event: Event) -> None:
            late.append(records.put(b"l" * 16, day_of("ada"), DAY + 2))
            super().enter(name, event)

    releases(records, Slow()).release_due(DAY + 2)
    assert late == [0]


def test_a_day_read_in_pieces_comes_to_the_same(records: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = totals(frame_of(others(200)), VERSIONS, REGIONS)
    monkeypatch.setattr(record_store, "PIECE_USERS", 7)
    pieces = [totals(frame_of_rows(each), VERSIONS, REGIONS) for each in records.pieces(DAY)]
    assert len(pieces) == 29
    assert reduce(added, pieces) == whole


def test_a_clock_that_jumped_releases_nothing_until_it_has_said_so_for_hours(records: RecordStore) -> None:
    now = [0.0]
    made = Calendar(records, lambda: now[0])
    assert [made.believed(DAY + passed) for passed in (0, 1, 3, 2)] == [DAY, DAY + 1, DAY + 3, DAY + 2]
    for _ in range(3):
        with pytest.raises(ClockJumped, match="300 days"):
            made.believed(DAY + 302)
        now[0] += BORNE_OUT_S / 3 - 1
    assert made.believed(DAY + 2) == DAY + 2, "it was set right"
    with pytest.raises(ClockJumped):
        made.believed(DAY + 40)
    now[0] += BORNE_OUT_S
    assert made.believed(DAY + 40) == DAY + 40
    assert Calendar(records, lambda: 0.0).believed(DAY + 41) == DAY + 41


def test_nobody_who_lacks_the_server_s_secret_can_name_a_release() -> None:
    assert (
        len(
            {
                release_id(secret, log, day)
                for secret in (bytes(32), b"1" * 32)
                for log in (bytes(32), b"2" * 32)
                for day in (DAY, DAY + 1)
            }
        )
        == 8
    )

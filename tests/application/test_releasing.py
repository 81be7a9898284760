"""Releases on the server: each closed day once, whatever breaks off in between, and then nothing of it is left."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.adapters.record_store import RecordStore
from scmanager.application.releasing import BEHIND_MAX, DayNotClosed, Releases, release_id
from scmanager.domain.event import Event
from scmanager.domain.statistics_published import Measure, StatisticsPublished
from tests.support.statistics import DAY, VERSIONS, others


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


@pytest.fixture
def records(tmp_path: Path) -> Iterator[RecordStore]:
    made = RecordStore(tmp_path, DAY)
    made.put(bytes(16), others(200), DAY)
    yield made
    made.close()


def releases(records: RecordStore, log: Log, seed: int = 1) -> Releases:
    return Releases(
        records, name, log.entries.__contains__, log.enter, random.Random(seed).randrange, lambda: VERSIONS
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
    assert (records.rows(DAY), records.open_day) == ([], DAY + 1)


def test_a_day_that_nobody_told_of_is_released_as_well(records: RecordStore) -> None:
    log = Log()
    assert releases(records, log).release_due(DAY + 4) == [DAY, DAY + 1, DAY + 2]
    assert log.entries[name(DAY + 2)].day == DAY + 2


def test_a_release_that_could_not_be_entered_is_made_anew_later(records: RecordStore) -> None:
    log = Log()
    log.fails = OSError("no space")
    with pytest.raises(OSError, match="no space"):
        releases(records, log).release_due(DAY + 2)
    assert records.rows(DAY)
    log.fails = None
    assert releases(records, log).release_due(DAY + 2) == [DAY]


def test_a_release_that_was_entered_before_a_crash_is_never_made_with_other_noise(records: RecordStore) -> None:
    log = Log()
    made = releases(records, log)
    log.enter(name(DAY), made._made(DAY))  # And the power went.
    first = log.entries[name(DAY)]
    assert releases(records, log, seed=2).release_due(DAY + 2) == [DAY]
    assert log.entries[name(DAY)] is first
    assert records.rows(DAY) == []


def test_releasing_one_day_by_name_releases_those_before_it_first(records: RecordStore) -> None:
    log = Log()
    releases(records, log).release(DAY + 1, DAY + 5)
    assert {said.day for said in log.entries.values()} == {DAY, DAY + 1}
    releases(records, log).release(DAY, DAY + 5)
    assert len(log.entries) == 2


def test_a_server_that_was_away_for_years_does_not_tell_every_day_of_them(records: RecordStore) -> None:
    assert len(releases(records, Log()).due(DAY + 5000)) == BEHIND_MAX - 1


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

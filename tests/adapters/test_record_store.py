"""Records of use until their day is released: kept once, bounded, and gone without a trace."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.adapters import record_store
from scmanager.adapters.record_store import DayReleased, RecordsDamaged, RecordStore
from scmanager.master_ledger.releasing import frame_of, frame_of_rows
from tests.support.statistics import DAY, day_of, drawn, rows


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    made = RecordStore(tmp_path, DAY)
    yield made
    made.close()


def batch(number: int) -> bytes:
    return drawn("batch", number)[:16]


def test_records_of_a_day_come_back_as_they_were(store: RecordStore) -> None:
    records = day_of("ada", errors=1)
    assert store.put(batch(1), records, DAY) == len(records)
    assert frame_of_rows(rows(store)).equals(frame_of(records))
    assert rows(store, DAY + 1) == []


def test_a_batch_that_comes_twice_is_kept_once_also_after_a_restart(store: RecordStore, tmp_path: Path) -> None:
    records = day_of("ada")
    store.put(batch(1), records, DAY)
    assert store.put(batch(1), records, DAY) == 0
    again = RecordStore(tmp_path, DAY + 5)
    assert again.put(batch(1), records, DAY) == 0
    assert (len(rows(again)), again.open_day) == (len(records), DAY)
    again.close()


def test_what_is_of_a_day_before_or_to_come_is_not_kept(store: RecordStore) -> None:
    early, ahead = day_of("ada", day=DAY - 1), day_of("ada", day=DAY + 1)
    assert store.put(batch(1), [*early, *ahead], DAY) == 0
    store.destroy(DAY)
    assert store.open_day == DAY + 1
    assert store.put(batch(2), day_of("ada"), DAY + 1) == 0


def test_one_hash_cannot_fill_the_file(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_store, "USER_RECORDS_MAX", 10)
    flood = day_of("mallory", starts=30)
    assert store.put(batch(1), flood, DAY) == 10
    assert store.put(batch(2), flood, DAY) == 0
    assert store.put(batch(3), day_of("ada"), DAY) == len(day_of("ada"))


def test_of_too_many_hashes_some_are_drawn_whoever_came_first(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_store, "DAY_USERS_MAX", 50)
    for number in range(200):
        store.put(batch(number), day_of(f"user {number}"), DAY)
        users = {row[0] for row in rows(store)}
        assert len(users) == min(number + 1, 50)
        assert len(rows(store)) == len(users) * len(day_of("ada")), "whole ones only"
    kept = [number for number in range(200) if day_of(f"user {number}")[0].user_hash.hex() in users]
    assert 3 < sum(number >= 100 for number in kept) < 47
    dropped = next(number for number in range(200) if number not in kept)
    store.put(batch(1000), day_of(f"user {dropped}"), DAY)
    assert {row[0] for row in rows(store)} == users, "who was not drawn is not drawn again"


def test_a_full_day_is_no_counter_of_what_others_sent(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_store, "DAY_USERS_MAX", 5)
    for number in range(20):  # Nothing is raised, neither before nor after.
        store.put(batch(number), day_of(f"user {number}"), DAY)


def test_with_a_clock_that_was_set_back_before_a_released_day_nothing_is_said_to_be_kept(store: RecordStore) -> None:
    store.destroy(DAY + 300)
    with pytest.raises(DayReleased):
        store.put(batch(1), day_of("ada"), DAY)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_nothing_of_a_destroyed_day_is_left_in_any_file(store: RecordStore, tmp_path: Path) -> None:
    for number in range(10):
        store.put(batch(number), [each for n in range(30) for each in day_of(f"user {30 * number + n}")], DAY)
    kept = day_of("grace", day=DAY + 1)
    store.put(batch(1000), kept, DAY + 1)
    hashes = [day_of(f"user {number}")[0] for number in range(300)]
    assert all(each.user_hash in everything_in(tmp_path) for each in hashes)
    store.destroy(DAY)
    left = everything_in(tmp_path)
    assert not any(each.user_hash in left or each.session_id in left for each in hashes)
    assert not any(batch(number) in left for number in range(10))
    assert len(rows(store, DAY + 1)) == len(kept)


def test_a_deletion_that_was_broken_off_is_finished_at_the_next_opening(store: RecordStore, tmp_path: Path) -> None:
    store.put(batch(1), [each for number in range(200) for each in day_of(f"user {number}")], DAY)
    store._database.execute("PRAGMA secure_delete = OFF")
    store._database.executescript("DELETE FROM records; DELETE FROM users")
    store._database.execute("UPDATE state SET unclean = 1")
    store.close()
    name = day_of("user 7")[0].user_hash
    assert name in everything_in(tmp_path)
    RecordStore(tmp_path, DAY).close()
    assert name not in everything_in(tmp_path)


def test_what_could_not_be_released_is_not_kept_for_ever(store: RecordStore, tmp_path: Path) -> None:
    store.put(batch(1), day_of("ada"), DAY)
    store.expire(DAY + record_store.KEPT_DAYS_MAX)
    assert rows(store)
    store.expire(DAY + record_store.KEPT_DAYS_MAX + 1)
    assert rows(store) == []
    assert day_of("ada")[0].user_hash not in everything_in(tmp_path)
    assert store.open_day == DAY


def test_organisation_and_metadata_are_never_kept(store: RecordStore) -> None:
    columns = {row[1] for row in store._database.execute("PRAGMA table_info(records)")}
    assert columns == {"day", "user", "category", "action", "session", "version", "region", "duration_ms"}


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / record_store.FILE_NAME).write_bytes(drawn("noise") * 200)
    with pytest.raises(RecordsDamaged):
        RecordStore(tmp_path, DAY)


def test_a_full_disk_keeps_nothing_of_the_batch_and_says_so(store: RecordStore) -> None:
    store.put(batch(1), day_of("ada"), DAY)
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Exception, match="disk") as told:
        store.put(batch(2), [each for number in range(80) for each in day_of(f"user {number}")], DAY)
    assert not isinstance(told.value, sqlite3.Error)
    assert len(rows(store)) == len(day_of("ada"))

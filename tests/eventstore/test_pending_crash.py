"""Kill -9 at every step between a gap's filling and the last run that waited for it: nothing lost, nothing twice."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from scmanager.eventstore.filling import drain, gaps, take_in
from scmanager.eventstore.log_copy import copy_of as piece_of
from scmanager.eventstore.pending import PendingRun, parse_run
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Store
from tests.eventstore.test_sqlite import on_disk
from tests.support.deadly import deadly
from tests.support.forked import Say, ended
from tests.support.pieces import Sender
from tests.support.stores import SUBJECT, copy_of, run_of

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def some(sender: Store, first: int, end: int) -> PendingRun:
    """Entries of the sender's one log, from `first` on; `end` is a size he signed."""
    (head,) = sender.heads()
    copy = piece_of(sender, replace(head, size=end), first)
    return parse_run(head.space, copy.entries, copy.held, copy.note)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    """In a file, so that the process that dies sees the same bytes."""
    return Sender(store=SqliteStore(tmp_path / "sender.db"))


def killed(path: Path, first: int, end: int, step: str, when: str, nth: int = 1) -> None:
    died = ended(_take_in, path, first, end, step, when, nth)
    assert died.code == -signal.SIGKILL, died


def _take_in(_: Say, path: Path, first: int, end: int, step: str, when: str, nth: int) -> None:
    run = some(SqliteStore(path.with_name("sender.db")), first, end)
    store = SqliteStore(path)
    deadly(store, step, when, nth)
    take_in(store, run)


KEEPING = ("BEGIN", *(f"INSERT INTO {table}" for table in ("pending", "pending_entry", "pending_part")), "COMMIT")


@POSIX
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", KEEPING)
@pytest.mark.slow
def test_a_run_is_kept_whole_or_not_at_all(path: Path, sender: Sender, step: str, when: str) -> None:
    killed(path, 6, 8, step, when)
    store = SqliteStore(path)
    done = step == "COMMIT" and when == "after"
    assert len(store.pending.waiting()) == done
    assert store.pending.keep(some(sender.store, 6, 8)) is not done
    assert store.pending.run(store.pending.waiting()[0].number) == some(sender.store, 6, 8)
    store.close()


ADMITTING = ("BEGIN", *(f"INSERT INTO {table}" for table in ("entry", "part", "note", "head")), "COMMIT")
LETTING_GO = ("BEGIN", *(f"DELETE FROM {table}" for table in ("pending_part", "pending_entry", "pending")), "COMMIT")
DRAINING = [
    # Of the commits one is the filling's; then each run that waited is admitted in one, and leaves in another.
    *((step, 1) for step in ADMITTING),
    *((step, 2) for step in ADMITTING),
    *((step, 3 if step in {"BEGIN", "COMMIT"} else 1) for step in LETTING_GO),
    *((step, 5 if step in {"BEGIN", "COMMIT"} else 2) for step in LETTING_GO),
]


@POSIX
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("step", "nth"), DRAINING)
@pytest.mark.slow
def test_a_gap_that_is_filled_by_a_dying_process_is_filled_once(
    path: Path, sender: Sender, step: str, nth: int, when: str
) -> None:
    store = SqliteStore(path)
    store.admit(sender.beginning)
    for first in (6, 8):
        take_in(store, some(sender.store, first, first + 2))
    assert len(gaps(store)) == 2
    store.close()

    killed(path, 4, 6, step, when, nth)
    store = SqliteStore(path)  # Opening compares heads, notes and entries.
    undone = (step, nth) in DRAINING[: len(ADMITTING)] and (step, when) != ("COMMIT", "after")
    assert (store.last_pos() < 6) is undone
    drain(store)
    if undone:
        assert len(gaps(store)) == 2
        take_in(store, some(sender.store, 4, 6))
    assert gaps(store) == []
    assert store.heads() == sender.store.heads()
    assert [row.data for row in store.tail(0, 99)] == [row.data for row in sender.store.tail(0, 99)]
    assert store.parts(range(99)) == sender.store.parts(range(99))
    assert copy_of(store).heads() == [run_of(sender.store, sender.id).head]
    assert drain(store).entries == 0
    store.close()


def test_erased_parts_that_waited_are_gone_from_every_file(path: Path, sender: Sender) -> None:
    (path.parent / "apart").mkdir()
    store = SqliteStore(path.parent / "apart" / "store.db")
    run = some(sender.store, 6, 8)
    take_in(store, run)
    assert all(held[1] in on_disk(path.parent / "apart" / "store.db") for held in run.held)
    assert store.erase([SUBJECT.id]) == 2
    assert not any(held[1] in on_disk(path.parent / "apart" / "store.db") for held in run.held)
    store.close()


def test_a_file_of_an_earlier_release_gains_its_pending_area(path: Path, sender: Sender) -> None:
    store = SqliteStore(path)
    store.admit(sender.beginning)
    store.close()
    with closing(sqlite3.connect(path)) as old:
        for table in ("pending", "pending_entry", "pending_part", "pending_dropped"):
            old.execute(f"DROP TABLE {table}")
        old.execute("PRAGMA user_version=2")
    store = SqliteStore(path)
    assert store.heads() == [sender.beginning.head]
    take_in(store, some(sender.store, 6, 8))
    assert len(gaps(store)) == 1
    store.close()


AS_IN_SCHEMA_3 = """
    DROP TABLE pending_dropped; ALTER TABLE pending DROP COLUMN since; PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, 'NULL) STRICT', 'NULL' || char(10) || ') STRICT')
    WHERE name = 'pending';
    PRAGMA user_version = 3;
"""


def test_what_waits_in_a_file_of_an_earlier_release_waits_on(path: Path, sender: Sender) -> None:
    store = SqliteStore(path)
    take_in(store, some(sender.store, 6, 8))
    store.close()
    with closing(sqlite3.connect(path)) as old:
        old.executescript(AS_IN_SCHEMA_3)
    for _ in range(2):
        store = SqliteStore(path)
        assert [(gap.run.first, gap.run.since_s) for gap in gaps(store)] == [(6, 0)]
        assert store.pending.dropped() == []
        store.close()


def test_what_waits_is_still_there_when_the_store_is_opened_again(path: Path, sender: Sender) -> None:
    for _ in range(2):
        store = SqliteStore(path)
        store.pending.keep(some(sender.store, 6, 8))
        assert store.pending.run(store.pending.waiting()[0].number) == some(sender.store, 6, 8)
        store.close()

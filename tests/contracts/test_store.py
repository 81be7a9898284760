"""What every event store does, whichever holds the bytes."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from scmanager.errors import Unavailable
from scmanager.eventstore import entry
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import Batch, OwnLog, Secret
from scmanager.eventstore.parts import WrongPart
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import CommandRepeated, LogMoved, NotHeld, Outcome, Store
from scmanager.eventstore.verification import SignedNote, verify
from tests.support.stores import SUBJECT, commit, copy_of, draft, new_log, run_from, run_of, signing_key

KINDS = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.services)]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path / "store.db")
    else:
        made = PostgresStore(request.getfixturevalue("writer_dsn"))
    yield made
    made.close()


def test_positions_are_gapless_and_follow_the_commits(store: Store) -> None:
    new_log(store, 1)
    new_log(store, 2)
    assert [row.pos for row in store.tail(0, 100)] == list(range(1, 9))
    assert [row.pos for row in store.tail(5, 2)] == [6, 7]
    assert store.last_pos() == 8


def test_a_log_reads_back_as_it_was_written(store: Store) -> None:
    log = new_log(store)
    rows = store.read(log.head.log, 0, 1, 2)
    assert [entry.parse(row.data).seq for row in rows] == [1, 2]
    assert [bool(row.shared) for row in store.tail(0, 9)] == [False, True, True, True]  # Entry 0 has no parts.
    assert store.heads() == [log.head]
    assert store.heads(bytes(32)) == []


def test_a_commit_prepared_on_an_old_head_is_refused_and_leaves_no_trace(store: Store) -> None:
    log = new_log(store)
    log.add(draft("late"), log.hlc + 1)
    stale = log.commit()
    commit(store, log)
    with pytest.raises(LogMoved) as moved:
        store.append(stale)
    assert moved.value.facts == {"log": log.head.log.hex()[:16]}
    assert store.last_pos() == 5


def test_a_commit_on_another_history_of_the_same_length_is_refused(store: Store) -> None:
    log = new_log(store)
    twin = twin_of(log)
    write(twin, "t1")
    store.append(write(log, "a1"))
    with pytest.raises(LogMoved):
        store.append(write(twin, "t2"))
    assert store.heads() == [log.head]


def test_a_command_keeps_its_first_outcome(store: Store) -> None:
    log = new_log(store)
    log.add(draft("x"), log.hlc + 1)
    commit(store, log, Outcome(b"c" * 16, b"{}"))
    assert store.outcome(log.head.log, b"c" * 16) == b"{}"
    assert store.outcome(log.head.log, b"d" * 16) is None
    assert store.outcome(bytes(32), b"c" * 16) is None


def test_a_foreign_log_is_admitted_verbatim_and_once(store: Store) -> None:
    elsewhere = MemoryStore()
    log = new_log(elsewhere)
    run = run_of(elsewhere, log.head.log)
    assert store.admit(run) == 4
    assert store.admit(run) == 0
    assert [row.data for row in store.tail(0, 9)] == [row.data for row in elsewhere.tail(0, 9)]
    assert store.heads() == elsewhere.heads()
    assert len(store.parts(range(1, 9))) == 3


def test_a_foreign_log_grows_where_it_stopped(store: Store) -> None:
    elsewhere = MemoryStore()
    log = new_log(elsewhere)
    store.admit(run_of(elsewhere, log.head.log))
    log.add(draft("more"), log.hlc + 1)
    commit(elsewhere, log)
    assert store.admit(run_of(elsewhere, log.head.log)) == 1
    assert store.heads() == elsewhere.heads()


def test_a_run_that_continues_nothing_held_is_refused(store: Store) -> None:
    elsewhere = MemoryStore()
    log = new_log(elsewhere)
    base = log.head
    run = run_from(base, [write(log, "more")])
    with pytest.raises(NotHeld) as missing:
        store.admit(run)
    assert missing.value.facts == {"log": base.log.hex()[:16], "seq": 4}
    assert store.last_pos() == 0


def twin_of(log: OwnLog, seed: int = 1) -> OwnLog:
    """The same machine, rolled back to here: what it writes next forks the log."""
    return OwnLog(log.head, signing_key(seed))


def write(log: OwnLog, *words: str) -> Batch:
    """One commit, kept nowhere yet."""
    for word in words:
        log.add(draft(word, word.encode()), log.hlc + 1)
    batch = log.commit()
    log.committed(batch)
    return batch


def test_a_fork_is_kept_as_a_branch_of_its_own(store: Store) -> None:
    log = new_log(store)
    base = log.head
    twin = write(twin_of(log), "b1", "b2")
    store.append(write(log, "a1"))
    run = run_from(base, [twin])
    assert store.admit(run) == 2
    assert store.admit(run) == 0
    assert [(h.branch, h.size) for h in store.heads()] == [(0, 5), (1, 6)]
    rows = store.read(log.head.log, 1, 0, 100)
    assert [entry.parse(row.data).seq for row in rows] == [0, 1, 2, 3, 4, 5]
    assert [row.branch for row in rows] == [0, 0, 0, 0, 1, 1]
    assert rows[4].data == twin.sealed[0].entry.data
    assert store.note(log.head.log, 1, 6) == SignedNote(6, twin.root, twin.signature)
    assert copy_of(store).heads() == store.heads()


def test_a_fork_of_a_fork_reads_back_through_both(store: Store) -> None:
    log = new_log(store)
    base = log.head
    first = twin_of(log)
    b1 = write(first, "b1", "b2")
    second = twin_of(first)
    b2 = write(first, "b3")
    c = write(second, "c1", "c2")
    store.append(write(log, "a1"))
    assert store.admit(run_from(base, [b1, b2])) == 3
    assert store.admit(run_from(base, [b1, c])) == 2
    assert [(h.branch, h.size) for h in store.heads()] == [(0, 5), (1, 7), (2, 8)]
    rows = store.read(log.head.log, 2, 0, 100)
    assert [row.branch for row in rows] == [0, 0, 0, 0, 1, 1, 2, 2]
    assert [row.branch for row in store.read(log.head.log, 2, 3, 4)] == [0, 1, 1, 2]
    assert [row.data for row in rows[6:]] == [one.entry.data for one in c.sealed]
    assert store.read(log.head.log, 3, 0, 100) == []
    assert store.admit(run_from(b1.head, [c])) == 0


def test_a_fork_that_leaves_inside_a_commit_keeps_only_what_differs(store: Store) -> None:
    log = new_log(store)
    base = log.head
    one, two = twin_of(log), twin_of(log)
    for fork in (one, two):
        shared = draft("same")
        fork.add(shared, fork.hlc + 1)
    # Seals are salted, so the same words give other bytes: hand the first entry over as it is.
    two._added[0] = one._added[0]
    store.admit(run_from(base, [write(one, "x")]))
    assert store.admit(run_from(base, [write(two, "y", "z")])) == 2
    assert [(h.branch, h.size) for h in store.heads()] == [(0, 6), (1, 7)]


def test_a_run_that_overlaps_what_is_held_adds_only_the_rest(store: Store) -> None:
    elsewhere = MemoryStore()
    log = new_log(elsewhere)
    first, base = run_of(elsewhere, log.head.log), log.head
    middle = write(log, "m1", "m2")
    last = write(log, "l1")
    store.admit(first)
    assert store.admit(run_from(base, [middle])) == 2
    assert store.admit(run_from(base, [middle, last])) == 1
    assert store.admit(run_from(base, [middle])) == 0
    assert store.admit(run_from(middle.head, [last])) == 0
    assert store.heads() == [log.head]


def test_two_logs_interleaved_keep_their_own_order(store: Store) -> None:
    ada, grace = new_log(store, 1, 0), new_log(store, 2, 0)
    for n in range(3):
        store.append(write(ada, f"a{n}"))
        store.append(write(grace, f"g{n}"))
    rows = store.tail(0, 100)
    assert [row.pos for row in rows] == list(range(1, 9))
    assert [row.log for row in rows] == [ada.head.log, grace.head.log] * 4
    assert [entry.parse(row.data).seq for row in rows if row.log == grace.head.log] == [0, 1, 2, 3]
    assert store.heads(ada.head.space) == [ada.head]
    assert store.heads() == [ada.head, grace.head]


def test_a_second_log_of_a_space_is_listed_with_the_first(store: Store) -> None:
    founder = new_log(store, 1)
    other = new_log(store, 2, space=founder.head.space)
    assert store.heads(founder.head.space) == [founder.head, other.head]


def test_an_entry_whose_personal_part_is_not_here_is_held_without_it(store: Store) -> None:
    elsewhere = MemoryStore()
    log = new_log(elsewhere)
    base = log.head
    store.admit(run_of(elsewhere, log.head.log))
    assert store.admit(run_from(base, [write(log, "x")], with_parts=False)) == 1
    assert (5, 1) not in store.parts([5])


def test_any_number_of_parts_is_read_at_once_in_any_order(store: Store) -> None:
    new_log(store, words=1_200)
    asked = [*range(1_201, 1, -1), 7, 5_000]
    found = store.parts(iter(asked))
    assert found.keys() == {(pos, 1) for pos in range(2, 1_202)}
    assert found[700, 1] == store.parts([700])[700, 1]
    assert store.parts([]) == {}


def test_a_part_that_comes_after_its_entry_is_taken_in_once(store: Store) -> None:
    log = new_log(store, words=0)
    base, space = log.head, log.head.space
    batch = write(log, "x", "y")
    assert store.admit(run_from(base, [batch], with_parts=False)) == 2
    assert (store.late_parts(space), store.parts([2, 3])) == (0, {})
    assert store.admit(run_from(base, [batch])) == 0
    assert store.parts([2, 3]) == {(pos, 1): one.parts[1] for pos, one in zip((2, 3), batch.sealed, strict=True)}
    assert store.late_parts(space) == 2
    assert store.admit(run_from(base, [batch])) == 0
    assert store.admit(run_from(base, [batch], with_parts=False)) == 0
    assert (store.late_parts(space), store.late_parts(bytes(32)), len(store.parts([2, 3]))) == (2, 0, 2)
    assert (store.heads(), store.last_pos()) == ([log.head], 3)
    assert copy_of(store).heads() == store.heads()


def test_only_the_parts_that_are_missing_are_taken_in(store: Store) -> None:
    log = new_log(store, words=0)
    base, other = log.head, Secret.of(b"\2" * 32)
    log.add(replace(draft("x"), personal=((SUBJECT, b"hers"), (other, b"his"))), log.hlc + 1)
    batch = log.commit()
    store.append(batch)
    assert store.erase([other.id]) == 1
    assert store.admit(run_from(base, [batch])) == 0
    assert sorted(store.parts([2])) == [(2, 1), (2, 2)]
    assert store.late_parts(base.space) == 1
    assert store.erase([other.id]) == 1


def test_late_parts_come_with_the_entries_that_follow_theirs(store: Store) -> None:
    log = new_log(store, words=0)
    base = log.head
    first = write(log, "a1")
    store.admit(run_from(base, [first], with_parts=False))
    assert store.admit(run_from(base, [first, write(log, "a2")])) == 1
    assert sorted(store.parts([2, 3])) == [(2, 1), (3, 1)]
    assert store.late_parts(base.space) == 1


def test_late_parts_find_their_entries_on_every_branch(store: Store) -> None:
    log = new_log(store, words=0)
    base, twin = log.head, twin_of(log)
    a1, b1 = write(log, "a1"), write(twin, "b1")
    second = twin_of(twin)
    b2, c1 = write(twin, "b2"), write(second, "c1")
    for batches in ([a1], [b1, b2], [b1, c1]):
        store.admit(run_from(base, batches, with_parts=False))
    assert store.parts(range(1, 6)) == {}
    assert store.admit(run_from(base, [b1, c1])) == 0
    assert store.parts(range(1, 6)) == {(3, 1): b1.sealed[0].parts[1], (5, 1): c1.sealed[0].parts[1]}
    assert store.admit(run_from(base, [a1])) == 0
    assert store.admit(run_from(b1.head, [b2])) == 0
    assert sorted(store.parts(range(1, 6))) == [(2, 1), (3, 1), (4, 1), (5, 1)]
    forked = twin_of(second)
    store.erase([SUBJECT.id])
    assert store.admit(run_from(base, [b1, c1, write(second, "c2")])) == 1
    assert sorted(store.parts(range(1, 7))) == [(3, 1), (5, 1), (6, 1)]
    store.erase([SUBJECT.id])
    assert store.admit(run_from(base, [b1, c1, write(forked, "d1")])) == 1
    assert sorted(store.parts(range(1, 8))) == [(3, 1), (5, 1), (7, 1)]
    assert store.late_parts(base.space) == 8


def test_a_run_that_cannot_be_placed_brings_no_part(store: Store) -> None:
    log = new_log(store, words=0)
    base, twin = log.head, twin_of(log)
    mine = write(log, "a1")
    store.admit(run_from(base, [mine], with_parts=False))
    gap = write(twin, "b1")
    with pytest.raises(NotHeld):
        store.admit(run_from(gap.head, [write(twin, "b2")]))
    assert (store.parts([2]), store.late_parts(base.space)) == ({}, 0)


def test_a_part_that_its_entry_does_not_name_never_becomes_a_run(store: Store) -> None:
    log = new_log(store, words=0)
    base = log.head
    batch = write(log, "x")
    store.admit(run_from(base, [batch], with_parts=False))
    one, note = batch.sealed[0], SignedNote(batch.head.size, batch.root, batch.signature)
    with pytest.raises(WrongPart):
        verify(base, [one.entry.data], [{0: one.parts[0], 1: one.parts[1][:-1] + b"!"}], note)
    assert store.parts([2]) == {}


def test_a_command_is_recorded_once_and_the_second_commit_leaves_no_trace(store: Store) -> None:
    log = new_log(store)
    log.add(draft("x"), log.hlc + 1)
    commit(store, log, Outcome(b"c" * 16, b"1"))
    log.add(draft("y"), log.hlc + 1)
    again = log.commit()
    with pytest.raises(CommandRepeated) as repeated:
        store.append(again, [Outcome(b"d" * 16, b"2"), Outcome(b"c" * 16, b"2")])
    assert repeated.value.facts == {"log": log.head.log.hex()[:16]}
    assert store.last_pos() == 5
    assert store.outcome(log.head.log, b"c" * 16) == b"1"
    assert store.outcome(log.head.log, b"d" * 16) is None
    assert store.append(again) == 6


def test_erasing_takes_only_what_lies_under_the_key(store: Store) -> None:
    other = Secret.of(b"" * 32)
    log = new_log(store, words=1)
    log.add(draft("x", b"hers", other), log.hlc + 1)
    commit(store, log)
    assert store.erase([bytes(32)]) == 0
    assert store.erase([SUBJECT.id]) == 1
    assert list(store.parts([1, 2, 3])) == [(3, 1)]


def test_waiting_ends_at_once_when_there_is_more(store: Store) -> None:
    new_log(store)
    assert store.wait(3, 0) is True
    assert store.wait(4, 0) is False


def test_a_waiting_reader_wakes_when_something_is_committed(store: Store) -> None:
    log = new_log(store)
    assert store.wait(4, 0.01) is False  # A listener that starts with the first wait is up from here on.
    threading.Timer(0.2, lambda: store.append(write(log, "x"))).start()
    begun = time.monotonic()
    assert store.wait(4, 20) is True
    assert time.monotonic() - begun < 3
    assert store.last_pos() == 5


def test_closing_lets_waiting_readers_go(store: Store) -> None:
    threading.Timer(0.2, store.close).start()
    begun = time.monotonic()
    with suppress(Unavailable):
        assert store.wait(0, 20) is False
    assert time.monotonic() - begun < 3


def test_nobody_adds_to_a_space_while_another_decides(store: Store) -> None:
    log = new_log(store)
    other = write(log, "other")
    waiting = threading.Thread(target=store.append, args=(other,))
    with store.deciding(log.head.space):
        waiting.start()
        time.sleep(0.1)
        assert store.last_pos() == 4
    waiting.join(10)
    assert store.last_pos() == 5


def test_what_was_decided_is_committed_by_the_append_itself(store: Store) -> None:
    log = new_log(store)
    with store.deciding(log.head.space):
        store.append(write(log, "x"))
        assert store.last_pos() == 5
    with pytest.raises(ZeroDivisionError), store.deciding(log.head.space):
        raise ZeroDivisionError
    store.append(write(log, "y"))
    assert store.last_pos() == 6


@pytest.mark.slow
def test_readers_never_see_a_gap_or_an_uncommitted_row(store: Store) -> None:
    logs = [new_log(store, seed, 0) for seed in (1, 2)]
    done = threading.Event()
    faults: list[str] = []

    def follow() -> None:
        seen = 0
        while not (done.is_set() and seen == store.last_pos()):
            rows = store.tail(seen, 7)
            if [row.pos for row in rows] != list(range(seen + 1, seen + 1 + len(rows))):
                faults.append(f"after {seen}: {[row.pos for row in rows]}")
            seen += len(rows)
            # A note is committed with its entries: whoever sees the entry must find it.
            notes = [store.note(row.log, row.branch, entry.parse(row.data).seq + 1) for row in rows]
            if None in notes:
                faults.append(f"after {seen} an entry has no note")

    def write_on(log: OwnLog) -> None:
        for n in range(25):
            store.append(write(log, f"a{n}", f"b{n}", f"c{n}"))

    readers = [threading.Thread(target=follow) for _ in range(2)]
    writers = [threading.Thread(target=write_on, args=(log,)) for log in logs]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert faults == []
    assert store.last_pos() == 2 + 2 * 75


def test_erasing_a_key_removes_its_parts_and_every_proof_still_verifies(store: Store) -> None:
    log = new_log(store)
    assert store.erase([SUBJECT.id]) == 3
    assert store.erase([SUBJECT.id]) == 0
    assert store.parts(range(1, 9)) == {}
    assert run_of(store, log.head.log).head == log.head


def test_reads_of_what_is_not_there_are_empty(store: Store) -> None:
    assert store.read(bytes(32), 0, 0, 9) == []
    assert store.tail(0, 9) == []
    assert store.note(bytes(32), 0, 1) is None
    assert store.last_pos() == 0
    log = new_log(store)
    assert store.note(log.head.log, 1, 1) is None
    assert store.note(log.head.log, 0, 5) is None
    assert store.parts([1, 99]) == {}


def test_parts_are_those_of_the_entries_that_were_asked_for(store: Store) -> None:
    new_log(store)
    assert sorted(store.parts([3, 1])) == [(3, 1)]
    assert sorted(store.parts([2, 3, 4])) == [(2, 1), (3, 1), (4, 1)]


def test_rows_of_the_nodes_own_are_written_with_the_newest_position(store: Store) -> None:
    told: list[int] = []

    def also(_: object, pos: int) -> None:
        told.append(pos)

    def refuse(_: object, pos: int) -> None:
        told.append(pos)
        raise ZeroDivisionError

    store.private(also)
    log = new_log(store)
    store.private(also)
    batch = write(log, "x", "y")
    with pytest.raises(ZeroDivisionError):
        store.append(batch, also=refuse)
    assert store.last_pos() == 4
    assert store.append(batch, also=also) == 6
    assert told == [0, 4, 6, 6]

"""What every event store does with runs whose beginning is missing, whichever holds the bytes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from scmanager.eventstore.entry import MalformedEntry
from scmanager.eventstore.filling import drain, gaps, take_in
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.parts import WrongPart
from scmanager.eventstore.pending import Bounds, PendingFull, RunNotPending, parse_run
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Store
from scmanager.eventstore.verification import BrokenChain, NoteMismatch, PartMissing, VerifiedRun
from tests.support.pieces import Sender, note_of, piece, write
from tests.support.stores import SUBJECT, copy_of, new_log, run_from, run_of, signing_key

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


@pytest.fixture
def sender() -> Sender:
    return Sender()


def spans(store: Store) -> list[tuple[bytes, int, int, int | None]]:
    """What waits: log, first, one more than the last, and the first that is missing."""
    return [(gap.run.log, gap.run.first, gap.run.note.size, gap.missing) for gap in gaps(store)]


def everything(store: Store) -> tuple[object, ...]:
    """All that validity, frontier, digest and read models are computed from."""
    return store.last_pos(), list(store.heads()), list(store.tail(0, 1000)), dict(store.parts(range(100)))


def test_a_run_whose_beginning_is_missing_waits_and_nothing_else_sees_it(store: Store, sender: Sender) -> None:
    new_log(store, 2)
    before = everything(store)
    assert take_in(store, piece([sender.b])).entries == 0
    assert everything(store) == before
    assert store.wait(4, 0) is False
    assert store.note(sender.id, 0, 1) is None
    assert store.read(sender.id, 0, 0, 9) == []
    assert spans(store) == [(sender.id, 6, 8, 0)]


def test_what_waits_reads_back_as_it_came(store: Store, sender: Sender) -> None:
    run = replace(piece([sender.b, sender.c]), since_s=7)
    assert store.pending.keep(run) is True
    (waiting,) = store.pending.waiting()
    assert store.pending.run(waiting.number) == run
    assert (waiting.log, waiting.first, waiting.entries, waiting.note) == (run.log, 6, 4, run.note)
    assert (waiting.size_bytes, waiting.since_s) == (run.size_bytes, 7)
    assert store.pending.room() == (4, run.size_bytes)
    assert store.pending.waiting(sender.id) == [waiting]
    assert store.pending.waiting(bytes(32)) == []
    assert store.pending.run(waiting.number + 1) is None


def test_the_filling_of_a_gap_brings_in_all_that_waited_for_it_once(store: Store, sender: Sender) -> None:
    take_in(store, piece([sender.c]))
    take_in(store, piece([sender.b]))
    store.admit(sender.beginning)
    assert drain(store).entries == 0
    assert spans(store) == [(sender.id, 6, 8, 4), (sender.id, 8, 10, 4)]
    assert take_in(store, piece([sender.a])).entries == 6
    assert gaps(store) == []
    assert store.heads() == sender.store.heads()
    assert [row.data for row in store.tail(0, 99)] == [row.data for row in sender.store.tail(0, 99)]
    assert store.note(sender.id, 0, 8) == note_of(sender.b)
    assert copy_of(store).heads() == store.heads()
    assert (drain(store).entries, store.last_pos()) == (0, 10)


def test_a_filling_that_overlaps_what_waits_lets_the_rest_in(store: Store, sender: Sender) -> None:
    take_in(store, piece([sender.b, sender.c]))
    store.admit(sender.beginning)
    store.admit(run_from(sender.base, [sender.a, sender.b]))
    assert drain(store).entries == 2
    assert store.heads() == sender.store.heads()
    assert gaps(store) == []


def test_a_run_that_has_come_another_way_meanwhile_leaves_without_a_trace(store: Store, sender: Sender) -> None:
    take_in(store, piece([sender.b]))
    store.admit(run_of(sender.store, sender.id))
    before = everything(store)
    assert drain(store).entries == 0
    assert gaps(store) == []
    assert everything(store) == before


def test_the_same_run_waits_once(store: Store, sender: Sender) -> None:
    assert store.pending.keep(piece([sender.b])) is True
    assert store.pending.keep(piece([sender.b])) is False
    assert store.pending.keep(piece([sender.b], with_parts=False)) is False
    assert len(store.pending.waiting()) == 1


def test_a_run_that_was_let_go_may_come_again(store: Store, sender: Sender) -> None:
    store.pending.keep(piece([sender.b]))
    (first,) = store.pending.waiting()
    assert store.pending.release(first.number) == set()
    assert store.pending.release(first.number, [SUBJECT.id]) in (set(), ())
    assert store.pending.waiting() == []
    assert store.pending.keep(piece([sender.b])) is True
    assert store.pending.waiting()[0].number != first.number


def test_runs_of_two_logs_wait_apart(store: Store, sender: Sender) -> None:
    other = Sender(2)
    take_in(store, piece([sender.b]))
    take_in(store, piece([other.c]))
    store.admit(run_of(other.store, other.id))
    assert drain(store, [sender.id]).entries == 0
    assert len(store.pending.waiting()) == 2
    drain(store)
    assert [each.log for each in store.pending.waiting()] == [sender.id]
    assert gaps(store, other.base.space) == []
    assert len(gaps(store, sender.base.space)) == 1


# What cannot be of the log


def test_a_run_that_the_logs_key_never_signed_is_dropped_when_the_log_is_known(store: Store, sender: Sender) -> None:
    forged = replace(note_of(sender.b), signature=bytes(64))
    take_in(store, piece([sender.b], note=forged))
    take_in(store, piece([sender.b]))
    store.admit(sender.beginning)
    before = everything(store)
    (dropped,) = drain(store).dropped
    assert (dropped.log, dropped.first, dropped.end, dropped.code) == (sender.id, 6, 8, "note-mismatch")
    assert "does not match its entries" in dropped.reason
    assert store.pending.dropped() == [dropped]
    assert len(store.pending.waiting()) == 1
    with pytest.raises(NoteMismatch):
        take_in(store, piece([sender.b], note=forged))
    assert everything(store) == before


def test_a_run_under_another_histories_note_is_dropped_when_the_gap_is_filled(store: Store, sender: Sender) -> None:
    twin = OwnLog(sender.a.head, signing_key(1))
    other = write(twin, "x1", "x2")
    take_in(store, piece([sender.b], note=note_of(other)))  # As long, signed by the same key, of another history.
    store.admit(sender.beginning)
    filled = take_in(store, piece([sender.a]))
    assert (filled.entries, [each.code for each in filled.dropped]) == (2, ["note-mismatch"])
    assert store.pending.waiting() == []
    assert store.heads() == [sender.a.head]


def test_a_run_that_fits_and_is_not_signed_is_refused_at_once(store: Store, sender: Sender) -> None:
    store.admit(sender.beginning)
    with pytest.raises(NoteMismatch):
        take_in(store, piece([sender.a], note=replace(note_of(sender.a), root=bytes(32))))
    assert store.last_pos() == 4
    assert store.pending.waiting() == []


def test_a_signed_run_of_another_history_waits_for_the_beginning_of_its_fork(store: Store, sender: Sender) -> None:
    store.admit(run_of(sender.store, sender.id))
    twin = OwnLog(sender.base, signing_key(1))
    first, second = write(twin, "x1", "x2"), write(twin, "y1")
    assert take_in(store, piece([second])).dropped == ()
    assert spans(store) == [(sender.id, 6, 7, None)]
    assert take_in(store, piece([first])).entries == 3
    assert [(head.branch, head.size) for head in store.heads()] == [(0, 10), (1, 7)]
    assert copy_of(store).heads() == store.heads()


def test_what_does_not_hold_together_by_itself_never_waits(sender: Sender) -> None:
    run = piece([sender.b, sender.c])
    entries, held, space = list(run.entries), list(run.held), run.space
    with pytest.raises(BrokenChain):
        parse_run(space, [entries[0], *entries[2:]], [held[0], *held[2:]], run.note)
    with pytest.raises(NoteMismatch):
        parse_run(space, entries[:3], held[:3], run.note)
    with pytest.raises(PartMissing):
        parse_run(space, entries, [{}, *held[1:]], run.note)
    with pytest.raises(PartMissing):
        parse_run(space, [], [], run.note)
    with pytest.raises(WrongPart):
        parse_run(space, entries, [held[1], *held[1:]], run.note)
    with pytest.raises(MalformedEntry):
        parse_run(space, [b"noise", *entries[1:]], held, run.note)
    start = sender.beginning
    with pytest.raises(RunNotPending):
        parse_run(space, [one.entry.data for one in start.sealed], [{}] * 4, start.note)


def test_what_was_dropped_is_known_until_it_is_struck_off_and_only_the_newest_of_many(
    store: Store, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("pending", "pending_sqlite", "pending_postgres"):
        monkeypatch.setattr(f"scmanager.eventstore.{each}.DROPPED_MAX", 2)
    numbers = []
    for _ in range(3):
        store.pending.keep(piece([sender.b]))
        (waiting,) = store.pending.waiting()
        store.pending.drop(waiting.number, "note-mismatch", "of nobody")
        store.pending.drop(waiting.number, "note-mismatch", "twice")  # It is gone: harmless.
        numbers.append(waiting.number)
    assert [each.number for each in store.pending.dropped()] == numbers[1:]
    last = store.pending.dropped()[-1]
    assert (last.space, last.log, last.first, last.end) == (sender.base.space, sender.id, 6, 8)
    assert (last.code, last.reason) == ("note-mismatch", "of nobody")
    assert store.pending.room() == (0, 0)
    assert store.pending.keys(sender.base.space) == set()
    assert store.pending.forget(numbers[1]) is True
    assert store.pending.forget(numbers[1]) is False
    assert store.pending.dropped() == [last]


# Bounds


def test_beyond_a_bound_the_caller_is_told_to_pause_and_nothing_is_dropped(store: Store, sender: Sender) -> None:
    other = Sender(2)
    run = piece([sender.b])
    store.pending.keep(run)
    kept = list(store.pending.waiting())
    for late, bounds, reason in (
        (piece([sender.c]), Bounds(log_entries=3), "2 wait of this log, and 3 may"),
        (piece([sender.c]), Bounds(log_bytes=run.size_bytes + 1), "bytes wait of this log"),
        (piece([other.b]), Bounds(log_entries=3, entries=3), "2 wait in all, and 3 may"),
        (piece([other.b]), Bounds(bytes=run.size_bytes + 1), "bytes wait in all"),
    ):
        with pytest.raises(PendingFull, match=reason) as full:
            take_in(store, late, bounds)
        assert (full.value.code, full.value.facts["entries"]) == ("pending-full", 2)
        assert "pause" in full.value.hint
        assert store.pending.waiting() == kept
    assert store.pending.keep(run, Bounds(log_entries=0)) is False  # It is here already.
    assert store.pending.keep(piece([other.b]), Bounds(log_entries=2, entries=4)) is True


def test_room_comes_back_when_the_gap_is_filled(store: Store, sender: Sender) -> None:
    bounds = Bounds(log_entries=2)
    take_in(store, piece([sender.b]), bounds)
    with pytest.raises(PendingFull):
        take_in(store, piece([sender.c]), bounds)
    store.admit(sender.beginning)
    take_in(store, piece([sender.a]), bounds)
    assert take_in(store, piece([sender.c]), bounds).entries == 2
    assert store.heads() == sender.store.heads()


# Erasure


def test_erasure_reaches_the_parts_that_wait(store: Store, sender: Sender) -> None:
    store.pending.keep(piece([sender.b]))
    assert store.pending.keys(sender.base.space) == {SUBJECT.id}
    assert store.pending.keys(bytes(32)) == set()
    assert store.erase([bytes(32)]) == 0
    assert store.erase([SUBJECT.id]) == 2
    assert store.erase([SUBJECT.id]) == 0
    assert store.pending.keys(sender.base.space) == set()
    store.admit(sender.beginning)
    assert take_in(store, piece([sender.a], with_parts=False)).entries == 4
    assert store.heads() == [sender.b.head]
    assert not {7, 8} & {pos for pos, _ in store.parts(range(100))}


def test_an_erasure_in_the_middle_of_draining_wins(
    store: Store, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.pending.keep(piece([sender.b]))
    store.admit(sender.beginning)
    store.admit(run_from(sender.base, [sender.a]))
    admit = store.admit

    def late(run: VerifiedRun) -> int:
        assert all(one.parts[1] for one in run.sealed)  # Read with their parts,
        assert store.erase([SUBJECT.id]) == 7  # which are erased before they are admitted.
        return admit(run)

    monkeypatch.setattr(store, "admit", late)
    assert drain(store).entries == 2
    assert store.heads() == [sender.b.head]
    assert store.parts(range(100)) == {}
    assert store.pending.waiting() == []

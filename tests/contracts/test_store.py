"""What every event store does, whichever holds the bytes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from scmanager.eventstore import content, entry, verification
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import Genesis, RecoveryKeys
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import Draft, OwnLog, Secret
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import LogMoved, NotHeld, Outcome, Store
from scmanager.eventstore.verification import SignedNote, VerifiedRun

KEY = Secret.of(bytes(32))
SUBJECT = Secret.of(b"\1" * 32)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "store.db")
    yield made
    made.close()


def genesis(key: SigningKey, space: bytes = b"") -> Genesis:
    recovery = None if space else RecoveryKeys(1, (b"\7" * 32,))
    own = b"" if space else b"\5" * 32
    return Genesis((), (), space, "org", "ed25519", key.public, bytes(32), recovery=recovery, device=own, box=own)


def draft(word: str, personal: bytes | None = None) -> Draft:
    shared = content.encode(Shared(f"test.{word}/1", bytes(32), bytes(16), b"", bytes(16), (), msgspec.Raw(b"{}")))
    return Draft(shared, KEY, ((SUBJECT, personal),) if personal else ())


def new_log(store: Store, seed: int = 1, words: int = 3) -> OwnLog:
    key = SigningKey(bytes([seed]) * 32)
    log = OwnLog.found(genesis(key), key, hlc=10)
    for n in range(words):
        log.add(draft(f"w{n}", b"personal"), log.hlc + 1)
    commit(store, log)
    return log


def commit(store: Store, log: OwnLog, *outcomes: Outcome) -> int:
    batch = log.commit()
    pos = store.append(batch, outcomes)
    log.committed(batch)
    return pos


def run_of(store: Store, log: bytes, branch: int = 0) -> VerifiedRun:
    head = next(h for h in store.heads() if (h.log, h.branch) == (log, branch))
    rows = store.read(log, branch, 0, 1000)
    kept = store.parts(row.pos for row in rows)
    held = [
        {0: row.shared} | {n: data for (pos, n), data in kept.items() if pos == row.pos} if row.shared else {}
        for row in rows
    ]
    note = store.note(log, branch, head.size)
    assert note is not None
    return verification.verify(verification.start_of(rows[0].data), [row.data for row in rows], held, note)


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
    assert store.heads() == [log.head]
    assert store.heads(bytes(32)) == []


def test_a_commit_prepared_on_an_old_head_is_refused_and_leaves_no_trace(store: Store) -> None:
    log = new_log(store)
    log.add(draft("late"), log.hlc + 1)
    stale = log.commit()
    commit(store, log)
    with pytest.raises(LogMoved):
        store.append(stale)
    assert store.last_pos() == 5


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
    after = log.head
    log.add(draft("more"), log.hlc + 1)
    batch = log.commit()
    sealed = batch.sealed[0]
    note = SignedNote(batch.head.size, batch.root, batch.signature)
    run = verification.verify(after, [sealed.entry.data], [dict(enumerate(sealed.parts))], note)
    with pytest.raises(NotHeld):
        store.admit(run)
    assert store.last_pos() == 0


def forked(original: OwnLog, seed: int, words: list[str]) -> tuple[MemoryStore, OwnLog]:
    """The same machine, rolled back to its first commit, writes something else."""
    twin_store = MemoryStore()
    twin = OwnLog(original.head, SigningKey(bytes([seed]) * 32))
    for word in words:
        twin.add(draft(word), twin.hlc + 1)
    return twin_store, twin


def test_a_fork_is_kept_as_a_branch_of_its_own(store: Store) -> None:
    origin_store = MemoryStore()
    log = new_log(origin_store)
    base = run_of(origin_store, log.head.log)
    store.admit(base)
    _, twin = forked(log, 1, ["b1", "b2"])
    twin_batch = twin.commit()
    log.add(draft("a1"), log.hlc + 1)
    commit(store, log)
    note = SignedNote(twin_batch.head.size, twin_batch.root, twin_batch.signature)
    run = verification.verify(
        base.head,
        [s.entry.data for s in twin_batch.sealed],
        [dict(enumerate(s.parts)) for s in twin_batch.sealed],
        note,
    )
    assert store.admit(run) == 2
    assert store.admit(run) == 0
    assert [(h.branch, h.size) for h in store.heads()] == [(0, 5), (1, 6)]
    rows = store.read(log.head.log, 1, 0, 100)
    assert [entry.parse(row.data).seq for row in rows] == [0, 1, 2, 3, 4, 5]
    assert rows[4].data == twin_batch.sealed[0].entry.data
    assert store.note(log.head.log, 1, 6) == note


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


Reopen = Callable[[], SqliteStore]


def test_a_sqlite_store_opens_again_where_it_stopped(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "store.db")
    log = new_log(first)
    first.close()
    second = SqliteStore(tmp_path / "store.db")
    assert second.heads() == [log.head]
    log.add(draft("more"), log.hlc + 1)
    assert commit(second, log) == 5
    second.close()

"""The sequencer: batches become entries of one log, in one commit for all that wait, with receipts."""

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.application import sequencing
from scmanager.application.delegation import NotDelegated
from scmanager.application.sequencing import IntakeEnded, IntakeFull, Reports, Sequencer, entries_of
from scmanager.errors import ScManagerError
from scmanager.eventstore.entry import Genesis, RecoveryKeys
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import leaf_hash, verify_inclusion
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import LogMoved, Store, StoreBusy
from scmanager.master_ledger.reports import Receipt
from tests.support.intake import reported
from tests.support.stores import copy_of, run_of, signing_key

KEY = signing_key(5)


def nothing() -> None:
    """Allowed."""


def begun(store: Store, key: SigningKey = KEY, earlier: tuple[bytes, ...] = ()) -> Sequencer:
    """Over a fresh intake log in this store; not started."""
    own = Genesis(
        (), (), b"", "author", "ed25519", key.public, bytes(32), recovery=RecoveryKeys(1, (b"\7" * 32,)),
        device=b"\5" * 32, box=b"\5" * 32,
    )  # fmt: skip
    log = OwnLog.found(own, key, 10)
    batch = log.commit()
    store.append(batch)
    return Sequencer(store, batch.head, key, batch.sealed[0].entry.id32, lambda: 1_000, nothing, earlier)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.services)])
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
def sequencer(store: Store) -> Iterator[Sequencer]:
    made = begun(store)
    made.start()
    yield made
    made.stop()


def batch(count: int = 1, number: bytes = b"", **more: Any) -> Reports:
    return Reports(number or secrets.token_bytes(16), reported(count), **more)


def receipt(answer: Future[bytes]) -> Receipt:
    return msgspec.json.decode(answer.result(20), type=Receipt)


def test_a_receipt_says_where_the_batch_stands_and_the_log_is_that(store: Store, sequencer: Sequencer) -> None:
    sent = [batch(3), batch(1), batch(4)]
    given = [receipt(sequencer.submit(each)) for each in sent]
    assert [(each.first, each.count) for each in given] == [(1, 3), (4, 1), (5, 4)]
    head = store.heads()[0]
    assert given[-1].size == head.size == 9
    assert copy_of(store).heads() == [head]  # Every entry, chain, root and note verifies.
    rows = store.read(head.log, 0, 0, 99)
    for each, said in zip(given, sent, strict=True):
        made = list(entries_of(each, said.id, said.events))
        assert [one.data for one in made] == [row.data for row in rows[each.first : each.first + each.count]]
        assert made[-1].id == each.last


def test_a_sender_can_prove_his_reports_from_receipt_and_hashes_alone(store: Store, sequencer: Sequencer) -> None:
    from scmanager.eventstore.merkle import inclusion_proof, root_of

    sequencer.submit(batch(5)).result(20)
    mine = batch(7)
    told = receipt(sequencer.submit(mine))
    leaves = [leaf_hash(row.data) for row in store.read(told.log, 0, 0, 99)]
    for number, one in enumerate(entries_of(told, mine.id, mine.events)):
        proof = inclusion_proof(told.first + number, leaves)
        assert verify_inclusion(told.first + number, 13, leaf_hash(one.data), proof, root_of(leaves))


def test_a_batch_that_comes_again_has_its_first_receipt(store: Store, sequencer: Sequencer) -> None:
    first = sequencer.submit(batch(2, b"a" * 16)).result(20)
    sequencer.submit(batch(2)).result(20)
    assert sequencer.submit(batch(2, b"a" * 16)).result(20) == first
    assert store.heads()[0].size == 5


def test_what_waits_is_one_commit_and_twins_are_one_batch(store: Store) -> None:
    sequencer = begun(store)
    answers = [sequencer.submit(batch(10)) for _ in range(20)]
    twins = [sequencer.submit(batch(3, b"t" * 16)) for _ in range(3)]
    sequencer.start()
    assert len({each.result(20) for each in twins}) == 1
    assert [receipt(each).first for each in answers] == list(range(1, 201, 10))
    assert sequencer.commits == 1
    assert store.heads()[0].size == 1 + 200 + 3
    sequencer.stop()


def test_a_batch_that_cannot_be_kept_takes_no_other_with_it(store: Store) -> None:
    class Broken(ScManagerError):
        """It is not kept."""

    def refuses() -> None:
        raise Broken

    kept = []
    sequencer = begun(store)
    answers = [
        sequencer.submit(batch(2)),
        sequencer.submit(batch(2, beside=refuses)),
        sequencer.submit(batch(2, beside=lambda: kept.append(1))),
    ]
    sequencer.start()
    with pytest.raises(Broken):
        answers[1].result(20)
    assert [receipt(answers[n]).first for n in (0, 2)] == [1, 3]
    assert (kept, store.heads()[0].size) == ([1], 5)
    sequencer.stop()


def test_an_event_that_nobody_could_read_is_its_senders_trouble_alone(store: Store, sequencer: Sequencer) -> None:
    with pytest.raises(ValueError):
        sequencer.submit(Reports(bytes(16), reported(3, version="\0"))).result(20)
    assert receipt(sequencer.submit(batch())).first == 1


def test_a_log_that_is_not_delegated_takes_nothing_and_goes_on_when_it_is(store: Store) -> None:
    allowed = threading.Event()

    def check() -> None:
        if not allowed.is_set():
            raise NotDelegated(reason="nobody lists it")

    sequencer = begun(store)
    sequencer._check = check
    sequencer.start()
    with pytest.raises(NotDelegated):
        sequencer.submit(batch(1, b"n" * 16)).result(20)
    assert store.heads()[0].size == 1
    allowed.set()
    assert receipt(sequencer.submit(batch(1, b"n" * 16))).first == 1
    sequencer.stop()


def test_a_commit_that_fails_is_told_and_leaves_no_trace(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sequencer = begun(store)
    real, lost = store.append, []

    def fails(*given: Any) -> int:
        if not lost:
            lost.append(1)
            raise StoreBusy(reason="the disk is full")
        return real(*given)

    monkeypatch.setattr(store, "append", fails)
    sequencer.start()
    with pytest.raises(StoreBusy):
        sequencer.submit(batch(2, b"f" * 16)).result(20)
    assert receipt(sequencer.submit(batch(2, b"f" * 16))).first == 1
    assert store.heads()[0].size == 3
    sequencer.stop()


def test_a_commit_that_was_done_and_not_answered_is_found_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequencer = begun(store)
    real, lost = store.append, []

    def loses_the_answer(*given: Any) -> int:
        done = real(*given)
        if not lost:
            lost.append(1)
            raise StoreBusy(reason="nobody knows")
        return done

    monkeypatch.setattr(store, "append", loses_the_answer)
    sequencer.start()
    with pytest.raises(StoreBusy):
        sequencer.submit(batch(2, b"f" * 16)).result(20)
    assert receipt(sequencer.submit(batch(1))).first == 3
    assert receipt(sequencer.submit(batch(2, b"f" * 16))).first == 1
    assert copy_of(store).heads() == store.heads()
    sequencer.stop()


def test_who_is_not_alone_in_the_log_takes_nothing_more(store: Store, sequencer: Sequencer) -> None:
    sequencer.submit(batch()).result(20)
    other = OwnLog(store.heads()[0], KEY)
    other.add(sequencing.draft_of(reported()[0], bytes(16), bytes(32), other.head.space), 5_000)
    store.append(other.commit())
    with pytest.raises(LogMoved):
        sequencer.submit(batch()).result(20)
    with pytest.raises(IntakeEnded) as ended:
        sequencer.submit(batch())
    assert "log-moved" in str(ended.value)
    assert isinstance(sequencer.ended, LogMoved)
    assert len(run_of(store, other.head.log).sealed) == 3, "the other one's entry stands"


def test_what_comes_beyond_the_room_is_sent_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "WAITING_MAX", 10)
    sequencer = begun(store)
    waiting = [sequencer.submit(batch(5)), sequencer.submit(batch(5))]
    with pytest.raises(IntakeFull):
        sequencer.submit(batch(1))
    sequencer.start()
    assert [receipt(each).first for each in waiting] == [1, 6]
    assert receipt(sequencer.submit(batch(5))).first == 11
    sequencer.stop()


def test_stopping_writes_what_was_taken_and_takes_nothing_more(store: Store) -> None:
    sequencer = begun(store)
    answers = [sequencer.submit(batch(2)) for _ in range(3)]
    sequencer.start()
    sequencer.stop()
    assert [receipt(each).first for each in answers] == [1, 3, 5]
    with pytest.raises(IntakeEnded):
        sequencer.submit(batch())


def test_what_waits_where_nothing_is_written_is_told_that_it_is_over(store: Store) -> None:
    sequencer = begun(store)
    answers = [sequencer.submit(batch(2)) for _ in range(3)]
    sequencer.stop()
    for each in answers:
        with pytest.raises(IntakeEnded) as ended:
            each.result(0)
        assert ended.value.facts == {"reason": "it is stopping"}
    assert store.heads()[0].size == 1


def test_a_commit_takes_what_has_gathered_up_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "ENTRIES_A_COMMIT", 20)
    for sizes, commits in (((10, 10, 10), 2), ((10, 9, 1), 1), ((19, 30, 1), 2), ((20, 1), 2), ((25, 25), 2)):
        sequencer = begun(MemoryStore())
        answers = [sequencer.submit(batch(each)) for each in sizes]
        sequencer.start()
        assert [receipt(each).count for each in answers] == list(sizes)
        sequencer.stop()
        assert sequencer.commits == commits, sizes


def test_twins_of_a_batch_that_is_not_written_hear_why(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> int:
        raise StoreBusy(reason="the disk is full")

    sequencer = begun(store)
    monkeypatch.setattr(store, "append", fails)
    twins = [sequencer.submit(batch(3, b"t" * 16)) for _ in range(3)]
    sequencer.start()
    for each in twins:
        with pytest.raises(StoreBusy):
            each.result(20)
    sequencer.stop()


def test_a_clock_that_goes_back_disturbs_nothing(store: Store) -> None:
    sequencer = begun(store)
    times = iter([9_000, 100, 9_500])
    sequencer._clock_us = lambda: next(times)
    sequencer.start()
    given = [receipt(sequencer.submit(batch(2))) for _ in range(3)]
    assert [each.hlc for each in given] == [9_000, 9_002, 9_500]
    sequencer.stop()

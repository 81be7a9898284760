"""The sequencer at its edges: what an entry says, receipts of earlier logs, senders who went away, lost stores."""

import threading
from typing import Any

import msgspec
import pytest

from scmanager.application import sequencing
from scmanager.application.sequencing import IntakeEnded, IntakeFull, Reports, draft_of
from scmanager.eventstore import content
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.store import LogMoved, LogTaken, StoreBusy
from scmanager.master_ledger.reports import Receipt
from tests.application.test_sequencing import batch, begun, receipt
from tests.support.intake import reported
from tests.support.stores import signing_key


def test_an_entry_says_what_was_reported_under_which_grant_and_batch() -> None:
    (event,) = reported()
    grant, space = bytes(range(32)), bytes(range(32, 64))
    draft = draft_of(event, b"b" * 16, grant, space)
    said = content.read(draft.shared)
    assert said is not None
    assert (said.type, said.by, said.command, said.cause) == ("report.audit-taken/1", grant, b"b" * 16, b"")
    assert (said.entity, said.saw) == (space[:16], ())
    assert msgspec.json.decode(said.payload, type=type(event)) == event


def test_a_receipt_is_told_whole() -> None:
    store = MemoryStore()
    sequencer = begun(store)
    founded, other = sequencer.head, batch(2)
    answers = [sequencer.submit(batch(3)), sequencer.submit(other)]
    sequencer.start()
    first, second = map(receipt, answers)
    rows = store.read(founded.log, 0, 0, 9)
    assert first.prev == founded.id
    last = store.heads()[0].id
    assert second == Receipt(founded.space, founded.log, sequencer._grant, 4, 2, 1_003, first.last, last, 6)
    assert len(rows) == 6
    assert sequencer.head == store.heads()[0]
    assert sequencer.committed.wait(20)
    sequencer.stop()


def test_what_stands_in_an_earlier_log_is_answered_with_the_receipt_of_then() -> None:
    """A server that begins a new log still knows what it took before."""
    store = MemoryStore()
    before = begun(store)
    before.start()
    told = before.submit(batch(2, b"a" * 16)).result(20)
    before.stop()
    kept: list[int] = []
    earlier = before.head.log
    after = begun(store, key=signing_key(6), earlier=(earlier,))
    after.start()
    assert after.submit(batch(2, b"a" * 16, beside=lambda: kept.append(1))).result(20) == told
    assert (kept, after.commits, after.head.size) == ([], 0, 1)
    assert receipt(after.submit(batch(2, b"b" * 16))).log == after.head.log != earlier
    after.stop()


def test_a_sender_who_went_away_before_it_was_taken_up_has_sent_nothing() -> None:
    store = MemoryStore()
    sequencer = begun(store)
    gone, stays = sequencer.submit(batch(2, b"g" * 16)), sequencer.submit(batch(2))
    assert gone.cancel()
    sequencer.start()
    assert receipt(stays).first == 1
    assert receipt(sequencer.submit(batch(2, b"g" * 16))).first == 3
    sequencer.stop()


def test_a_batch_whose_last_event_nobody_could_read_leaves_no_entry_of_its_first() -> None:
    store = MemoryStore()
    sequencer = begun(store)
    mixed = Reports(b"m" * 16, (*reported(2), *reported(1, version="\0")))
    answers = [sequencer.submit(batch(1)), sequencer.submit(mixed), sequencer.submit(batch(1))]
    sequencer.start()
    assert [receipt(answers[n]).first for n in (0, 2)] == [1, 2]
    with pytest.raises(ValueError):
        answers[1].result(20)
    assert store.heads()[0].size == 3
    sequencer.stop()


def test_room_is_for_one_batch_however_large_where_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "WAITING_MAX", 3)
    sequencer = begun(MemoryStore())
    large = sequencer.submit(batch(5))
    with pytest.raises(IntakeFull):
        sequencer.submit(batch(1))
    sequencer.start()
    assert receipt(large).count == 5
    sequencer.stop()


def test_the_first_reason_to_end_is_the_one_that_is_told_to_the_server_and_a_code_to_senders() -> None:
    sequencer = begun(MemoryStore())
    reason = StoreBusy(reason="the disk is full")
    sequencer.end(reason)
    sequencer.stop()
    assert sequencer.ended is reason
    with pytest.raises(IntakeEnded) as ended:
        sequencer.submit(batch())
    assert ended.value.facts == {"reason": f"it ended with {reason.code}"}


def test_a_log_that_another_process_writes_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    sequencer = begun(store)

    def taken(*_: Any) -> int:
        raise LogTaken(log="a log")

    monkeypatch.setattr(store, "append", taken)
    sequencer.start()
    with pytest.raises(LogTaken):
        sequencer.submit(batch()).result(20)
    sequencer.stop()
    assert isinstance(sequencer.ended, LogTaken)


@pytest.mark.parametrize("founded", [True, False], ids=["put back", "emptied"])
def test_a_store_that_has_less_than_was_committed_ends_it(founded: bool) -> None:
    """What was promised is gone: to go on would be a second history under the same key."""
    full, less = MemoryStore(), MemoryStore()
    sequencer = begun(full)
    if founded:
        begun(less)
    refuse = threading.Event()

    def check() -> None:
        if refuse.is_set():
            raise StoreBusy(reason="for now")

    sequencer._check = check
    sequencer.start()
    sequencer.submit(batch(2)).result(20)
    refuse.set()
    with pytest.raises(StoreBusy):
        sequencer.submit(batch()).result(20)
    refuse.clear()
    sequencer._store = less
    with pytest.raises(LogMoved) as moved:
        sequencer.submit(batch()).result(20)
    assert moved.value.facts == {"log": sequencer.head.log.hex()[:16]}
    sequencer.stop()
    assert isinstance(sequencer.ended, LogMoved)

"""A log as it travels: what was taken from a store is what another can verify."""

import pytest

from scmanager.eventstore import log_copy
from scmanager.eventstore.log_copy import LogCopy, copy_of, verify_copy
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.store import StoreDamaged
from scmanager.eventstore.verification import NoteMismatch, PartMissing
from tests.support.stores import SUBJECT, draft, new_log


@pytest.mark.parametrize("rows", [1, 3, 4, 2000])
def test_a_copy_verifies_from_entry_0_on_whatever_the_pages(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_copy, "PAGE_ROWS", rows)
    store = MemoryStore()
    new_log(store, 2)
    log = new_log(store)
    copy = copy_of(store, log.head)
    assert list(copy.entries) == [row.data for row in store.tail(4, 9)]
    assert [sorted(held) for held in copy.held] == [[], [0, 1], [0, 1], [0, 1]]
    assert copy.note == store.note(log.head.log, 0, 4)
    assert verify_copy(copy).head == log.head


def test_a_copy_goes_no_further_than_the_head_it_was_asked_for() -> None:
    store = MemoryStore()
    log = new_log(store)
    before = log.head
    new_log(store, 2)
    log.add(draft("more"), log.hlc + 1)
    batch = log.commit()
    store.append(batch)
    assert len(copy_of(store, before).entries) == 4
    assert verify_copy(copy_of(store, before)).head == before


def test_what_was_erased_is_not_in_the_copy_and_the_copy_verifies() -> None:
    store = MemoryStore()
    log = new_log(store)
    store.erase([SUBJECT.id])
    copy = copy_of(store, log.head)
    assert [sorted(held) for held in copy.held] == [[], [0], [0], [0]]
    assert verify_copy(copy).head == log.head


def test_a_log_without_a_note_cannot_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    log = new_log(store)
    monkeypatch.setattr(store, "note", lambda *_: None)
    with pytest.raises(StoreDamaged, match=rf"log {log.head.log.hex()} has no note at 4"):
        copy_of(store, log.head)


def test_an_empty_copy_proves_nothing_and_a_shortened_one_neither() -> None:
    store = MemoryStore()
    log = new_log(store)
    copy = copy_of(store, log.head)
    with pytest.raises(PartMissing) as missing:
        verify_copy(LogCopy((), (), copy.note))
    assert missing.value.facts == {"log": "", "seq": 0}
    with pytest.raises(NoteMismatch):
        verify_copy(LogCopy(copy.entries[:-1], copy.held[:-1], copy.note))

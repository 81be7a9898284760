"""The recorder at its edges: limits, pages, clocks, and who wants to hear."""

import threading
from uuid import UUID

import pytest
from eventsourcing.persistence import DataError, ProgrammingError, StoredEvent, Tracking
from msgspec.structs import replace

from scmanager.eventstore import entry, recorder
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.originators import MemoryOriginators
from scmanager.eventstore.recorder import TAIL, Recorder
from tests.contracts.test_recorder import SHIP, draft, event, opened
from tests.support.library import found_log, recorder_on, voice_of


def fresh() -> tuple[MemoryStore, Recorder]:
    store = MemoryStore()
    return store, recorder_on(store, MemoryOriginators())


def test_two_who_add_to_one_log_are_told() -> None:
    store, ours = fresh()
    ours._log.add(draft(SHIP, "ship.moved/1"), ours._log.hlc + 1)
    with pytest.raises(ProgrammingError, match=r"^somebody else is adding to this log$"):
        ours.insert_events([event(1)])
    assert store.last_pos() == 1


def test_every_entry_is_one_later_than_the_clock_or_the_entry_before() -> None:
    store = MemoryStore()
    log = found_log(store)
    ours = Recorder(store, MemoryOriginators(), log, replace(voice_of(log), clock=lambda: 5000))
    ours.insert_events([event(1), event(2)])
    ours.insert_events([event(3)])
    assert [entry.parse(row.data).hlc for row in store.tail(1, 9)] == [5001, 5002, 5003]


def test_a_payload_that_is_none_is_named_by_its_type() -> None:
    _, ours = fresh()
    with pytest.raises(DataError, match=r"^no payload of ship\.moved/1: b'\[\]'$"):
        ours.insert_events([event(1, state=b"[]")])


def test_as_many_events_as_were_asked_for() -> None:
    _, ours = fresh()
    ours.insert_events([event(1), event(2), event(3)])
    assert [each.originator_version for each in ours.select_events(SHIP, limit=2)] == [1, 2]
    assert [each.originator_version for each in ours.select_events(SHIP, limit=2, desc=True)] == [3, 2]


def test_what_points_to_no_entry_here_has_no_cause() -> None:
    store, ours = fresh()
    ours.insert_events([event(1)], tracking=Tracking(f"{TAIL}x", 99))
    assert opened(store, ours, 2)[1].cause == b""


def test_notifications_of_a_topic_are_gathered_over_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "PAGE", 2)
    _, ours = fresh()
    topics = ["ship.moved/1", "ship.named/1", "ship.named/1", "ship.named/1", "ship.moved/1", "ship.moved/1"]
    ours.insert_events([StoredEvent(UUID(int=n), 1, topic, b"{}") for n, topic in enumerate(topics)])
    moved = ours.select_notifications(1, 9, topics=["ship.moved/1"])
    assert [each.id for each in moved] == [1, 5, 6]
    assert [each.id for each in ours.select_notifications(1, 2, topics=["ship.moved/1"])] == [1, 5]
    assert [each.id for each in ours.select_notifications(2, 9)] == [2, 3, 4, 5, 6]


def test_who_listens_hears_of_what_was_stored_until_he_leaves() -> None:
    _, ours = fresh()
    listener = threading.Event()
    ours.listen(listener)
    ours.insert_events([event(1)])
    assert listener.wait(10)
    ours.unlisten(listener)
    ours.unlisten(listener)
    assert len(ours._listeners) == 0

"""What a recorder reads: rows fetched together, and events whose keys are gone."""

from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from msgspec.structs import replace

from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.originators import Arrival, MemoryOriginators
from scmanager.eventstore.recorded import STORED, Reader
from scmanager.eventstore.store import Row
from tests.support.library import OWN_KEY, SPACE_KEY, found_log, recorder_on, voice_of

SHIP = UUID(int=7)


class Shelf:
    """A store that has every row and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def tail(self, after: int, limit: int) -> list[Row]:
        self.asked.append((after, limit))
        return [Row(after + n, b"", 0, b"", b"") for n in range(1, limit + 1)]


def test_neighbours_are_fetched_in_one_go_and_nothing_else() -> None:
    shelf: Any = Shelf()
    log = found_log(MemoryStore())
    rows = Reader(shelf, log.head.log, voice_of(log)).rows([12, 3, 5, 4, 9, 11])
    assert sorted(rows) == [3, 4, 5, 9, 11, 12]
    assert all(row.pos == pos for pos, row in rows.items())
    assert shelf.asked == [(2, 3), (8, 1), (10, 2)]


def read_without(*lost: bytes) -> list[tuple[str, bytes]]:
    """Topic and state of two events, one ours and one the library's, for one who lost these keys."""
    store = MemoryStore()
    recorder = recorder_on(store, MemoryOriginators())
    events = [StoredEvent(SHIP, 1, "ship.moved/1", b'{"to":"Area18"}'), StoredEvent(SHIP, 2, "some:Class", b"\xff")]
    recorder.insert_events(events)
    keys = {secret.id: secret.key for secret in (SPACE_KEY, OWN_KEY) if secret.id not in lost}
    voice = replace(voice_of(recorder._log), open_with=keys.get)
    reader = Reader(store, recorder._log.head.log, voice)
    arrivals = [Arrival(pos, SHIP.bytes, version) for version, pos in enumerate((2, 3), 1)]
    return [(topic, state) for _, topic, state in reader.events(arrivals, reader.rows([2, 3]))]


def test_whose_keys_are_here_is_read() -> None:
    assert read_without() == [("ship.moved/1", b'{"to":"Area18"}'), ("some:Class", b"\xff")]


def test_an_event_whose_key_was_lost_keeps_its_place_with_nothing_in_it() -> None:
    assert read_without(OWN_KEY.id) == [("ship.moved/1", b'{"to":"Area18"}'), (STORED, b"{}")]
    assert read_without(SPACE_KEY.id, OWN_KEY.id) == [(STORED, b"{}"), (STORED, b"{}")]

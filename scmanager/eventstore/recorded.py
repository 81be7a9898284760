"""What a recorder reads: stored rows as the library's topics and states.

Bytes of the library (`recorder.stored/1`, part 1) are opened from one's own log alone: the library imports what a
topic names, and a stranger's topic may name anything.
"""

from collections.abc import Callable, Sequence

import msgspec

from scmanager.eventstore import content, entry, parts
from scmanager.eventstore.content import Shared
from scmanager.eventstore.originators import Arrival
from scmanager.eventstore.own_log import Secret
from scmanager.eventstore.store import Row, Store

STORED = "recorder.stored/1"
"""The type of an event whose topic and bytes are the library's."""

pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[str, bytes]).decode


class Voice(msgspec.Struct, frozen=True):
    """On whose behalf a recorder writes, and with what it seals and opens."""

    grant: bytes
    """id32 of the entry that gave the right."""
    space_key: Secret | None
    """Seals part 0; None in a public log."""
    own_key: Secret
    """Seals the library's bytes in part 1."""
    open_with: Callable[[bytes], bytes | None]
    """key id -> key, for whatever may be read."""
    clock: Callable[[], int]
    """Microseconds, or the space's newest hlc if that is later."""


class Reader:
    """Opens rows of one store with what a voice can open. `own` is the log it writes."""

    def __init__(self, store: Store, own: bytes, voice: Voice) -> None:
        self._store, self._own, self._voice = store, own, voice
        self._publics: dict[bytes, bytes] = {}

    def shared(self, row: Row) -> Shared | None:
        """Part 0; None for entry 0, and for what is malformed or sealed for others."""
        one = entry.parse(row.data)
        plain = self._opened(one, row.log, 0, row.shared) if one.parts else None
        return None if plain is None else content.read(plain)

    def events(self, arrivals: Sequence[Arrival], rows: dict[int, Row]) -> list[tuple[Arrival, str, bytes]]:
        """Topic and state of each. A key that was lost since leaves the event its place, with nothing in it."""
        opened = [(arrival, self.shared(rows[arrival.pos])) for arrival in arrivals]
        mine = [
            arrival.pos
            for arrival, shared in opened
            if shared and shared.type == STORED and rows[arrival.pos].log == self._own
        ]
        kept = self._store.parts(mine)
        events = []
        for arrival, shared in opened:
            topic, state = (shared.type, bytes(shared.payload)) if shared else (STORED, b"{}")
            if (arrival.pos, 1) in kept:
                topic, state = self._unpacked(rows[arrival.pos], kept[arrival.pos, 1]) or (topic, state)
            events.append((arrival, topic, state))
        return events

    def rows(self, positions: Sequence[int]) -> dict[int, Row]:
        """The rows at these positions, neighbours in one go."""
        rows: dict[int, Row] = {}
        ordered = sorted(positions)
        at = 0
        while at < len(ordered):
            end = at + 1
            while end < len(ordered) and ordered[end] == ordered[end - 1] + 1:
                end += 1
            rows.update((row.pos, row) for row in self._store.tail(ordered[at] - 1, end - at))
            at = end
        return rows

    def _unpacked(self, row: Row, stored: bytes) -> tuple[str, bytes] | None:
        plain = self._opened(entry.parse(row.data), row.log, 1, stored)
        return None if plain is None else _unpack(plain)

    def _opened(self, one: entry.Entry, log: bytes, number: int, stored: bytes) -> bytes | None:
        sealed_under = one.parts[number].key
        if not sealed_under:
            return stored
        key = self._voice.open_with(sealed_under)
        if key is None:
            return None
        try:
            return parts.unseal(key, self._public(log), one.seq, number, stored)
        except parts.WrongPart:
            return None

    def _public(self, log: bytes) -> bytes:
        if log not in self._publics:
            self._publics.update((head.log, head.public) for head in self._store.heads())
        return self._publics[log]

"""Opening: from a stored row to what it says, or to a stated reason why it says nothing."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from scmanager.domain.event import CATALOGUE, Event
from scmanager.domain.governance import EpochOpened
from scmanager.domain.upcasting import upcast
from scmanager.eventstore import content, entry, parts
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.store import Row, StoreDamaged

K = TypeVar("K")

KeyOf = Callable[[bytes], bytes | None]
"""A key by its id, if this node has it."""

WordKeyOf = Callable[[bytes], tuple[bytes, bytes] | None]
"""A key by its id, if this node has it: whose it is (empty: an epoch's), and the key."""

Same = dict[Any, Any]
"""Values that many entries repeat, each by itself: so that one object serves all."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """What part 0 says beside the payload, which the event holds. Kept for every entry: what repeats is held once."""

    type: str
    by: bytes
    command: bytes
    cause: bytes
    entity: bytes
    saw: tuple[bytes, ...]


HeldOf = Callable[[bytes], Mapping[bytes, bytes]]
"""The keys of a space that this node has: each one's subject (empty: an epoch's), by its id."""


class Opened(msgspec.Struct, frozen=True, gc=False):
    """One entry of a space with its part 0 read. `shared` is None for entry 0 and when malformed."""

    pos: int
    branch: int
    entry: Entry
    shared: Said | None
    event: Event | None
    """None when this release does not know the type, or its payload does not fit the type."""
    malformed: bool = False

    @property
    def order(self) -> tuple[int, bytes, int, bytes]:
        """As its author dates it. Fold order is the envelope's: that one knows the grant (ADR 19)."""
        one = self.entry
        return (one.hlc, one.log, one.seq, one.id32)


_decoders: dict[str, msgspec.json.Decoder[Any]] = {}


def event_of(shared: Shared) -> Event | None:
    """The payload as the newest version of its type; None when this release has no such type or it does not fit."""
    decoder = _decoders.get(shared.type)
    if decoder is None:
        known = CATALOGUE.get(shared.type)
        if known is None:
            return None
        decoder = _decoders[shared.type] = msgspec.json.Decoder(known)
    try:
        event: Event = decoder.decode(shared.payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return upcast(event)


def open_row(row: Row, parsed: Entry, public: bytes, key_of: KeyOf, same: Same) -> Opened | None:
    """Read part 0; None when this node lacks the key. `public` is the log's key.

    An epoch is opened under its own key, or it is malformed: who reads of it holds the key to write under next.
    """
    if parsed.genesis is not None:
        return Opened(row.pos, row.branch, parsed, None, None)
    sealed = parsed.parts[0].key
    key = key_of(sealed) if sealed else b""
    if key is None:
        return None
    shared = read_shared(parsed, row.shared, public, key)
    event = event_of(shared) if shared else None
    if shared is None or (isinstance(event, EpochOpened) and event.key != sealed):
        return Opened(row.pos, row.branch, parsed, None, None, malformed=True)
    return Opened(row.pos, row.branch, parsed, said(shared, same), event)


def read_shared(parsed: Entry, stored: bytes, public: bytes, key: bytes) -> Shared | None:
    """Part 0, or None when it is malformed: what its author sealed wrongly is that for everybody who has the key."""
    if not parsed.parts[0].key:
        return content.read(stored)
    try:
        return content.read(parts.unseal(key, public, parsed.seq, 0, stored))
    except parts.WrongPart:
        return None


def said(shared: Shared, same: Same) -> Said:
    """Part 0 without its payload and the bytes it was read from."""
    by, entity, kind = shared.by, shared.entity, shared.type
    return Said(
        same.setdefault(kind, kind), same.setdefault(by, by), shared.command, shared.cause,
        same.setdefault(entity, entity), shared.saw,
    )  # fmt: skip


def once(key_of: Callable[[bytes], K]) -> Callable[[bytes], K]:
    """Ask for each key once: the vault reads and unwraps it anew each time. Forgotten after the batch."""
    known: dict[bytes, K] = {}

    def remembered(key: bytes) -> K:
        if key not in known:
            known[key] = key_of(key)
        return known[key]

    return remembered


def parse_row(row: Row) -> Entry:
    """The stored entry, parsed; the store took verified bytes only. Raises StoreDamaged if they changed since."""
    try:
        return entry.parse(row.data)
    except entry.MalformedEntry as error:
        raise StoreDamaged(reason=f"the entry at position {row.pos} is not readable") from error


def check_row(row: Row, parsed: Entry, before: Entry | None) -> None:
    """Raises StoreDamaged unless a row is what was verified when it came: a bit that flipped would hide what follows.

    `before` is the newest entry of its branch; None where a branch begins.
    """
    sound = parsed.log == row.log
    if parsed.genesis is None:
        sound = sound and parts.part_hash(row.shared) == parsed.parts[0].hash
        if before is not None:
            sound = sound and (before.seq + 1, before.id) == (parsed.seq, parsed.prev)
        else:
            sound = sound and row.branch > 0
    if not sound:
        raise StoreDamaged(reason=f"the entry at position {row.pos} is not what was recorded")

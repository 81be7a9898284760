"""Logs that lie in files outside of any data folder, taken into memory to be read: a space file, a published ledger.

Both are verified from end to end on the way, as an import would: every entry, every part that is there, every note.
Positions are then those of the file. A ledger's folder may be a mirror's: its head must be signed by the log's key.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from scmanager.adapters.ledger_source import from_folder
from scmanager.adapters.space_file import KeysLine
from scmanager.adapters.space_reading import read_space
from scmanager.application.exchange import admit_logs
from scmanager.application.published import BUNDLE_BYTES_MAX
from scmanager.domain.catalogue import FOLDS
from scmanager.eventstore import verification
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, parse_note
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.tiles import WIDTH, BadTile, TilePath, parse_bundle
from scmanager.eventstore.verification import SignedNote
from scmanager.master_ledger.fetching import CHECKPOINT, SHARED, Read, SourceLacks
from scmanager.spaces.shelf import Shelf

Advance = Callable[[int], None]

ENTRIES_MAX: Final = 5_000_000
"""Of a ledger that is taken into memory; its checkpoint says how many there are before the first is read."""


class SpaceRead(msgspec.Struct, frozen=True):
    """A space file in memory."""

    store: MemoryStore
    space: bytes
    keys: KeysLine | None


def space_file(path: Path, clock_us: Callable[[], int], store: MemoryStore | None = None) -> SpaceRead:
    """A space file, verified; into a store that holds others already, if one is given.

    Raises Untrusted, FileUnreadable.
    """
    read = read_space(path)
    store = store or MemoryStore()
    shelf = Shelf(store, FOLDS, lambda _: None, clock_us)
    admit_logs(store, shelf, read.space, read.logs)
    return SpaceRead(store, read.space, read.keys)


def is_published(folder: Path) -> bool:
    """Whether a ledger was published to this folder."""
    return (folder / CHECKPOINT).is_file()


def published(folder: Path, advance: Advance = lambda _: None) -> MemoryStore:
    """A ledger's static files, verified. Raises Untrusted, SourceLacks, SourceFailed."""
    read = from_folder(folder)
    note = parse_note(read(CHECKPOINT, NOTE_BYTES_MAX))
    point = Checkpoint.parse(note.text)
    if not 0 < point.size <= ENTRIES_MAX:
        raise BadTile(reason=f"a ledger of {point.size} entries is not read into memory")
    entries: list[bytes] = []
    held: list[dict[int, bytes]] = []
    for number in range(-(-point.size // WIDTH)):
        width = min(WIDTH, point.size - number * WIDTH)
        entries += _bundle(read, "tile/entries", number, width)
        held += [{0: shared} if shared else {} for shared in _bundle(read, SHARED, number, width)]
        advance(width)
    after = verification.start_of(entries[0])
    signed = SignedNote(point.size, point.root, note.signature_by(point.origin, after.public))
    store = MemoryStore()
    store.admit(verification.verify(after, entries, held, signed))
    return store


def _bundle(read: Read, kind: str, number: int, width: int) -> list[bytes]:
    path = TilePath(None, number, width)
    try:
        return parse_bundle(read(_named(path, kind), BUNDLE_BYTES_MAX), width)
    except SourceLacks:
        if width == WIDTH:
            raise
    return parse_bundle(read(_named(path.full(), kind), BUNDLE_BYTES_MAX), WIDTH)[:width]


def _named(path: TilePath, kind: str) -> str:
    return str(path).replace("tile/entries", kind, 1)

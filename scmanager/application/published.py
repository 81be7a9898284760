"""A ledger as its static files show it, with proofs made of them: what a server needs, and no key, store or folder.

What is made is checked before it leaves: every hash leads to the root in the checkpoint, an entry is the leaf that
stands there, and its first part the one that it names. Whether the log signed that checkpoint is for readers to ask.
"""

import threading
from typing import Final

import msgspec

from scmanager.errors import Refused, Unavailable, Untrusted
from scmanager.eventstore import entry, parts
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, parse_note
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import ENTRY_BYTES_MAX, WIDTH, BadTile, TilePath, parse_bundle
from scmanager.master_ledger.fetching import CHECKPOINT, SHARED, Read, SourceLacks, tiles_from
from scmanager.master_ledger.proof import Proof

BUNDLE_BYTES_MAX: Final = WIDTH * (ENTRY_BYTES_MAX + 2)


class PlaceUnknown(Refused):
    """The ledger has {size} entries: there is no proof about {asked}."""

    code = "ledger-place-unknown"
    hint = "Ask for places and sizes up to that of the checkpoint."


class LedgerFilesBroken(Unavailable):
    """What lies here is not the ledger that its checkpoint says: {reason}."""

    code = "ledger-files-broken"
    hint = "Whoever keeps this copy publishes or copies the ledger again: all files, and the checkpoint last."


class Head(msgspec.Struct, frozen=True):
    """The newest checkpoint, and the tree under it."""

    note: bytes
    point: Checkpoint
    tree: TileTree


class Published:
    """The ledger that `read` gives. Any number of threads may ask."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._head: Head | None = None

    def head(self) -> Head:
        """As of now. Raises SourceLacks, LedgerFilesBroken, and what `read` raises."""
        note = self._read(CHECKPOINT, NOTE_BYTES_MAX)
        with self._lock:
            if self._head is None or self._head.note != note:
                self._head = self._opened(note, self._head)
            return self._head

    def inclusion(self, index: int, size: int | None = None) -> tuple[Checkpoint, list[bytes], bytes]:
        """The tree of this size or the newest, what leads to its root, the leaf. Raises PlaceUnknown, as `head`."""
        head = self.head()
        size = head.point.size if size is None else size
        if not 0 <= index < size <= head.point.size:
            raise PlaceUnknown(size=head.point.size, asked=f"entry {index} among {size}")
        try:
            path, leaf = head.tree.inclusion(index, size), head.tree.leaf(index)
            return Checkpoint(head.point.origin, size, head.tree.root(size)), path, leaf
        except (BadTile, SourceLacks) as error:
            raise broken(error) from error

    def consistency(self, old: int, size: int | None = None) -> tuple[Checkpoint, list[bytes], bytes]:
        """The tree of this size or the newest, what shows that `old` entries grew into it, the root over those."""
        head = self.head()
        size = head.point.size if size is None else size
        if not 0 < old <= size <= head.point.size:
            raise PlaceUnknown(size=head.point.size, asked=f"{old} entries of {size}")
        try:
            path, root = head.tree.consistency(old, size), head.tree.root(old)
            return Checkpoint(head.point.origin, size, head.tree.root(size)), path, root
        except (BadTile, SourceLacks) as error:
            raise broken(error) from error

    def proof(self, index: int, head: Head) -> Proof:
        """That the entry at this index is under this head. Raises LedgerFilesBroken, and what `read` raises."""
        try:
            one, shared = self.entry(index, head)
            return Proof.of(one, shared, tuple(head.tree.inclusion(index, head.point.size)), head.note)
        except (SourceLacks, Untrusted) as error:
            raise broken(error) from error

    def told(self, index: int) -> tuple[Entry, bytes]:
        """An entry and its first part, empty if it has none. Raises PlaceUnknown, and as `head`."""
        head = self.head()
        if not 0 <= index < head.point.size:
            raise PlaceUnknown(size=head.point.size, asked=f"entry {index}")
        try:
            return self.entry(index, head)
        except (SourceLacks, Untrusted) as error:
            raise broken(error) from error

    def _opened(self, note: bytes, before: Head | None) -> Head:
        try:
            point = Checkpoint.parse(parse_note(note).text)
            if before and before.point == point:
                return Head(note, point, before.tree)  # It was cosigned.
            tree = TileTree(point.size, point.root, tiles_from(self._read))
        except (SourceLacks, Untrusted) as error:
            raise broken(error) from error
        return Head(note, point, tree)

    def entry(self, index: int, head: Head) -> tuple[Entry, bytes]:
        """The leaf at this index and the first part that it names. Raises BadTile, WrongPart, SourceLacks."""
        number, place = divmod(index, WIDTH)
        data = self.bundle(head, "", number)[place]
        shared = self.bundle(head, SHARED, number)[place]
        return led_back(index, data, shared, head)

    def bundle(self, head: Head, kind: str, number: int) -> list[bytes]:
        """Bundle `number` of the entries (kind: empty) or below another name, as far as the head goes. As `entry`."""
        width = min(WIDTH, head.point.size - number * WIDTH)
        path = TilePath(None, number, width)
        try:
            return parse_bundle(self._read(_named(path, kind), BUNDLE_BYTES_MAX), width)
        except SourceLacks:
            if width == WIDTH:
                raise
        return parse_bundle(self._read(_named(path.full(), kind), BUNDLE_BYTES_MAX), WIDTH)[:width]


def _named(path: TilePath, kind: str) -> str:
    return str(path).replace("tile/entries", kind, 1) if kind else str(path)


def led_back(index: int, data: bytes, shared: bytes, head: Head) -> tuple[Entry, bytes]:
    """The entry and its first part, empty if it has none, once both lead to the head. Raises BadTile, WrongPart."""
    if leaf_hash(data) != head.tree.leaf(index):
        raise BadTile(reason="an entry is not the leaf at its place")
    one = entry.parse(data)
    if not one.parts:
        return one, b""
    parts.check(one.parts[0], shared, 0)
    return one, shared


def broken(error: Exception) -> LedgerFilesBroken:
    """What a source's fault means to who asked."""
    return LedgerFilesBroken(reason=str(error).rstrip("."))

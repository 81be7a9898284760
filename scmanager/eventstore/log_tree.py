"""The tree over one log as a store holds it, with its hashes kept in files beside the store: no proof reads the log.

What is read must be what was signed: a tree whose root is not that of the log's newest note is never made, and no
hash or entry leaves it that does not lead to that root. Kept hashes of another history are made anew from entries.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from scmanager.eventstore.checkpoint import Checkpoint, note_from, origin
from scmanager.eventstore.kept_tree import KeptTree
from scmanager.eventstore.log_copy import PAGE_ROWS, note_of
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.multi_proof import prove_many
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.store import Row, Store, StoreDamaged
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import BadTile, TilePath

FOLDER = "trees"

T = TypeVar("T")


class LogTree:
    """The tree of one branch up to its head; its hashes lie below `folder`. Raises StoreDamaged, FileUnusable."""

    def __init__(self, store: Store, head: Head, folder: Path) -> None:
        self._store, self.head = store, head
        self._note = note_of(store, head)
        self._kept = KeptTree(folder / FOLDER / f"{head.log.hex()[:32]}-{head.branch}")
        self._tree: TileTree | None = None
        if (self._note.size, self._note.root) != (head.size, self.root(head.size)):
            raise self._damaged()

    @property
    def origin(self) -> str:
        """The log's name in checkpoints."""
        return origin(self.head.space, self.head.log)

    def note(self) -> bytes:
        """The newest checkpoint as a note, with the log's own signature."""
        point = Checkpoint(self.origin, self._note.size, self._note.root)
        return note_from(point, self._note.signature, self.head.public)

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves."""
        return self._of(lambda tree: tree.root(size))

    def leaf(self, index: int) -> bytes:
        """The leaf hash at an index below the size."""
        return self._of(lambda tree: tree.leaf(index))

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """What leads from a leaf to the root over `size` leaves; `index` is below it."""
        return tuple(self._of(lambda tree: tree.inclusion(index, size)))

    def consistency(self, old: int, size: int) -> tuple[bytes, ...]:
        """What shows that the first `old` leaves, at least one, grew into the first `size`."""
        return tuple(self._of(lambda tree: tree.consistency(old, size)))

    def inclusion_of(self, indices: Sequence[int]) -> tuple[bytes, ...]:
        """What leads from these leaves, ascending, to the newest root: one proof for all (`multi_proof`)."""
        return tuple(self._of(lambda tree: prove_many(indices, tree.size, tree.subtree)))

    def tile(self, path: TilePath) -> bytes:
        """A tile of hashes. Raises BadTile where the log has fewer."""
        if path.level is None or not path.within(self.head.size):
            raise BadTile(reason="the log has not so many hashes there")
        return self._of(lambda tree: tree.tile(path))

    def rows(self, first: int, end: int) -> Iterator[Row]:
        """The stored entries from seq `first` up to before `end`. Raises StoreDamaged for one that was not signed."""
        for seq, row in enumerate(self._stored(first, end), first):
            if leaf_hash(row.data) != self.leaf(seq):
                raise self._damaged()
            yield row

    def _stored(self, first: int, end: int) -> Iterator[Row]:
        while first < end:
            page = self._store.read(self.head.log, self.head.branch, first, min(PAGE_ROWS, end - first))
            if not page:
                raise StoreDamaged(reason=f"entry {first} of log {self.head.log.hex()[:16]} is missing")
            yield from page
            first += len(page)

    def _of(self, ask: Callable[[TileTree], T]) -> T:
        try:
            return ask(self._tree or self._grown(min(self._kept.size, self.head.size)))
        except BadTile:
            self._tree = None  # Of another history, or damaged: the entries say what it should be.
        self._kept.clear()
        try:
            return ask(self._grown(0))
        except BadTile as error:
            raise self._damaged() from error

    def _grown(self, since: int) -> TileTree:
        while since < self.head.size:
            end = min(since + PAGE_ROWS, self.head.size)
            self._kept.write(since, [leaf_hash(row.data) for row in self._stored(since, end)])
            since = end
        self._tree = TileTree(self.head.size, self._note.root, self._kept.read)
        return self._tree

    def _damaged(self) -> StoreDamaged:
        return StoreDamaged(reason=f"log {self.head.log.hex()[:16]} is not what its key signed")

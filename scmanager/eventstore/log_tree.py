"""The tree over one log as a store holds it: its leaf hashes read once, roots and proofs of any size made of them.

What is read must be what was signed: a tree whose root is not that of the log's newest note is never made.
"""

from collections.abc import Iterator, Sequence

from scmanager.eventstore import merkle
from scmanager.eventstore.checkpoint import Checkpoint, note_from, origin
from scmanager.eventstore.log_copy import PAGE_ROWS, note_of
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.store import Row, Store, StoreDamaged


class LogTree:
    """The leaves of one branch up to its head. Raises StoreDamaged."""

    def __init__(self, store: Store, head: Head) -> None:
        self._store, self.head = store, head
        self.leaves: Sequence[bytes] = [leaf_hash(row.data) for row in self.rows(0, head.size)]
        self._note = note_of(store, head)
        if (self._note.size, self._note.root) != (head.size, self.root(head.size)):
            raise StoreDamaged(reason=f"log {head.log.hex()[:16]} is not what its key signed")

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
        return merkle.root_of(self.leaves[:size])

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """What leads from a leaf to the root over `size` leaves; `index` is below it."""
        return tuple(merkle.inclusion_proof(index, self.leaves[:size]))

    def rows(self, first: int, end: int) -> Iterator[Row]:
        """The stored entries from seq `first` up to before `end`."""
        while first < end:
            page = self._store.read(self.head.log, self.head.branch, first, min(PAGE_ROWS, end - first))
            if not page:
                raise StoreDamaged(reason=f"entry {first} of log {self.head.log.hex()[:16]} is missing")
            yield from page
            first += len(page)

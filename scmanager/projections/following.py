"""Following: one generation brought to where the spaces are, step by step, or filled from nothing."""

from collections.abc import Callable, Mapping

from scmanager.eventstore.store import Store
from scmanager.projections import generation
from scmanager.projections.gathering import Slice, compared, count_judged, everything, since, unknown_positions
from scmanager.projections.generation import Connection
from scmanager.projections.writing import Batch
from scmanager.spaces.documents import Documents
from scmanager.spaces.opening import KeyOf
from scmanager.spaces.reader import Readers
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space


class Diverged(Exception):
    """The generation shows entries that the spaces do not hold open: only a rebuild helps."""


class Following:
    """A generation and how much of each space's journal it has. Without `seen` the first step compares."""

    def __init__(
        self,
        shelf: Shelf,
        store: Store,
        key_of: KeyOf,
        schema: str,
        readers: Readers,
        seen: Mapping[bytes, int] | None = None,
        documents: Documents | None = None,
    ) -> None:
        self.schema = schema
        self.seen: dict[bytes, int] | None = None if seen is None else dict(seen)
        self._shelf, self._store, self._key_of, self._readers = shelf, store, key_of, readers
        self._documents = documents

    def step(self, connection: Connection) -> int:
        """Project what came since; returns the position. Raises Diverged, ProjectedElsewhere, psycopg.Error."""
        before = generation.progress(connection, self.schema).pos
        with self._shelf.lock:
            pos = max(before, self._shelf.pos)
            slices = [piece for space in self._shelf.spaces() if (piece := self._piece(connection, space, before))]
        if slices or pos > before:
            self._batch(connection).write(slices, before, pos)
        self.seen = (self.seen or {}) | {piece.space.id: piece.number for piece in slices}
        return pos

    def fill(self, connection: Connection, report: Callable[[int, int], None]) -> int:
        """Write everything into an empty generation. `report(done, total)` counts entries."""
        with self._shelf.lock:
            pos = self._shelf.pos
            slices = [everything(space, self._readers) for space in self._shelf.spaces()]
        total = sum(len(piece.entries) for piece in slices)
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            report(done, total)

        self._batch(connection, count).write(slices, 0, pos, empty=True)
        self.seen = {piece.space.id: piece.number for piece in slices}
        return pos

    def _batch(self, connection: Connection, report: Callable[[int], None] = lambda _: None) -> Batch:
        held = (self._store, self._key_of, self._shelf.lock)
        return Batch(connection, self.schema, *held, report, self._documents)

    def _piece(self, connection: Connection, space: Space, before: int) -> Slice | None:
        seen = None if self.seen is None else self.seen.get(space.id, 0)
        if seen == space.journal.number:
            return None
        if seen is not None and (piece := since(space, seen, self._readers)) is not None:
            return piece
        recorded = generation.recorded(connection, self.schema, space.id)
        if not recorded.count:
            return everything(space, self._readers)
        if (recorded.count, recorded.total) == count_judged(space, before):
            return compared(space, before, recorded, None, self._readers)
        held = generation.positions(connection, self.schema, space.id)
        if unknown_positions(space, held):
            raise Diverged
        return compared(space, before, recorded, held, self._readers)

"""Following: one generation brought to where the spaces are, step by step, or filled from nothing.

What could not be projected is tried again with each batch, a few entities at a time and each in its turn.
"""

from collections.abc import Callable, Mapping
from typing import Final

from scmanager.domain.event import Id, Id32
from scmanager.eventstore.store import Store
from scmanager.projections import generation
from scmanager.projections.gathering import (
    Retried,
    Slice,
    compared,
    count_judged,
    everything,
    since,
    unknown_positions,
)
from scmanager.projections.generation import Connection
from scmanager.projections.writing import Batch, poisoned
from scmanager.spaces.documents import Documents
from scmanager.spaces.opening import WordKeyOf
from scmanager.spaces.reader import Readers
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

RETRIED_MAX: Final = 32


class Diverged(Exception):
    """The generation shows entries that the spaces do not hold open: only a rebuild helps."""


class Following:
    """A generation and how much of each space's journal it has. Without `seen` the first step compares."""

    def __init__(
        self,
        shelf: Shelf,
        store: Store,
        key_of: WordKeyOf,
        schema: str,
        readers: Readers,
        seen: Mapping[bytes, int] | None = None,
        documents: Documents | None = None,
    ) -> None:
        self.schema = schema
        self.seen: dict[bytes, int] | None = None if seen is None else dict(seen)
        self._shelf, self._store, self._key_of, self._readers = shelf, store, key_of, readers
        self._documents = documents
        self._turn = 0

    def step(self, connection: Connection, *, retry_all: bool = False) -> int:
        """Project what came since; returns the position. `retry_all`: and all that could not be projected.

        Raises Diverged, ProjectedElsewhere, Unavailable, psycopg.Error.
        """
        before = generation.progress(connection, self.schema).pos
        with self._shelf.lock:
            pos, spaces = max(before, self._shelf.pos), list(self._shelf.spaces())
            moved = pos > before or any(self._seen(space) != space.journal.number for space in spaces)
            retried = self._retried(connection, everything=retry_all) if moved or retry_all else {}
            slices = [
                piece
                for space in spaces
                if (piece := self._piece(connection, space, before, retried.get(space.id, {})))
            ]
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

    def _seen(self, space: Space) -> int | None:
        return None if self.seen is None else self.seen.get(space.id, 0)

    def _retried(self, connection: Connection, *, everything: bool) -> dict[Id32, dict[str, set[Id]]]:
        """What is tried once more, by space and read model."""
        known = poisoned(connection, self.schema)
        if not everything and len(known) > RETRIED_MAX:
            turn = self._turn % len(known)
            known = (known[turn:] + known[:turn])[:RETRIED_MAX]
            self._turn = turn + RETRIED_MAX
        found: dict[Id32, dict[str, set[Id]]] = {}
        for model, space, entity, _ in known:
            found.setdefault(space, {}).setdefault(model, set()).add(entity)
        return found

    def _piece(self, connection: Connection, space: Space, before: int, retried: Retried) -> Slice | None:
        seen = self._seen(space)
        if seen == space.journal.number and not retried:
            return None
        if seen is not None and (piece := since(space, seen, self._readers, retried)) is not None:
            return piece
        recorded = generation.recorded(connection, self.schema, space.id)
        if not recorded.count:
            return everything(space, self._readers)
        if (recorded.count, recorded.total) == count_judged(space, before):
            return compared(space, before, recorded, None, self._readers, retried)
        held = generation.positions(connection, self.schema, space.id)
        if unknown_positions(space, held):
            raise Diverged
        return compared(space, before, recorded, held, self._readers, retried)

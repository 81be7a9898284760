"""What a node remembers about entities for itself, beside a store in PostgreSQL.

Machines that share a store share this too: the same process application on two of them writes each thing once. What
is written here follows the position's lock, which `append` and `private` hold: two writers are never in it at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.types.numeric import Int8

from scmanager.eventstore.named_sql import load
from scmanager.eventstore.originators import INDEXED, AlreadyTracked, Arrival, NameTaken, Noted, VersionTaken
from scmanager.eventstore.postgres import PostgresStore

_SQL = load("originators-postgres.sql")


class PostgresOriginators:
    """See Originators. The tables lie in the store's own database; `postgres_install.install` makes them."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    def record(self, handle: psycopg.Connection, first: int, noted: Noted) -> None:
        """See Originators.record."""
        if noted.tracking:
            self._track(handle, *noted.tracking)
        if noted.names:
            self._name(handle, noted.names)
        if noted.versions:
            self._arrive(handle, first, noted.versions)
        upto = first - 1 + len(noted.versions)
        handle.execute(_SQL["indexed_too"], {"name": INDEXED, "upto": Int8(upto), "before": Int8(first - 1)})

    def _track(self, handle: psycopg.Connection, name: str, pos: int) -> None:
        if handle.execute(_SQL["track"], {"name": name, "pos": Int8(pos)}).fetchone() is None:
            raise AlreadyTracked(name=name, pos=pos)

    def _name(self, handle: psycopg.Connection, names: Mapping[bytes, str]) -> None:
        given = handle.execute(_SQL["add_names"], {"entities": list(names), "names": list(names.values())}).fetchall()
        if taken := set(names.values()) - {row[0] for row in given}:
            raise NameTaken(name=min(taken))

    def _arrive(self, handle: psycopg.Connection, first: int, versions: Sequence[tuple[bytes, int]]) -> None:
        arguments = {
            "positions": [Int8(first + n) for n in range(len(versions))],
            "entities": [entity for entity, _ in versions],
            "versions": [Int8(version) for _, version in versions],
        }
        added = {row[0] for row in handle.execute(_SQL["add_arrivals"], arguments).fetchall()}
        for pos, (entity, version) in enumerate(versions, first):
            if pos not in added:
                raise VersionTaken(entity=entity.hex(), version=version)

    def index(self, handle: psycopg.Connection, found: Sequence[tuple[int, bytes]], upto: int) -> None:
        """See Originators.index."""
        if found:
            arguments = {"positions": [Int8(pos) for pos, _ in found], "entities": [entity for _, entity in found]}
            handle.execute(_SQL["index"], arguments)
        handle.execute(_SQL["indexed"], {"name": INDEXED, "upto": Int8(upto)})

    def entity(self, name: str) -> bytes | None:
        """See Originators.entity."""
        rows = self._read("entity", name=name)
        return rows[0][0] if rows else None

    def name(self, entity: bytes) -> str | None:
        """See Originators.name."""
        rows = self._read("name", entity=entity)
        return rows[0][0] if rows else None

    def history(
        self, entity: bytes, after: int | None, upto: int | None, limit: int | None, *, newest_first: bool = False
    ) -> Sequence[Arrival]:
        """See Originators.history."""
        rows = self._read(
            "newest_first" if newest_first else "oldest_first", entity=entity, after=after, upto=upto, limit=limit
        )
        return [Arrival(*row) for row in rows]

    def between(self, after: int, upto: int) -> Sequence[Arrival]:
        """See Originators.between."""
        return [Arrival(*row) for row in self._read("between", after=after, upto=upto)]

    def tracked(self, name: str) -> int | None:
        """See Originators.tracked."""
        rows = self._read("tracked", name=name)
        return rows[0][0] if rows else None

    def _read(self, statement: str, **arguments: Any) -> list[tuple[Any, ...]]:
        sized = {name: Int8(value) if isinstance(value, int) else value for name, value in arguments.items()}
        return self._store.consult(_SQL[statement], sized)

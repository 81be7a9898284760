"""What a node remembers about entities for itself: their text names, the order their events arrived in, and how far
each process has read.

Node-private, never hashed, never replicated. It is written in the same commit as the entries it speaks of (see
`Store.append`, `also`), so that an event and the position of what caused it are recorded together or not at all.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Protocol

import msgspec

from scmanager.errors import Conflict
from scmanager.eventstore.sqlite import SqliteStore

INDEXED = "scm:arrivals"
"""The tracking row that says up to which pos arrivals are noted."""

_OLDEST_FIRST = """
SELECT pos, entity, version FROM arrival
WHERE entity = ?1 AND (?2 IS NULL OR version > ?2) AND (?3 IS NULL OR version <= ?3) ORDER BY version LIMIT ?4
"""
_NEWEST_FIRST = _OLDEST_FIRST.replace("ORDER BY version", "ORDER BY version DESC")


class VersionTaken(Conflict):
    """Version {version} of entity {entity} has been recorded already."""

    code = "version-taken"


class AlreadyTracked(Conflict):
    """{name} has processed position {pos} already."""

    code = "already-tracked"
    hint = "Go on after the newest position that was tracked."


class NameTaken(Conflict):
    """Another entity was named {name} meanwhile."""

    code = "name-taken"
    hint = "Ask for the entity of that name, and go on with that one."


class Arrival(msgspec.Struct, frozen=True):
    """One event's place among its entity's, as this node received them."""

    pos: int
    entity: bytes
    version: int


class Noted(msgspec.Struct, frozen=True):
    """What one commit adds: a version for each of its entries, names given for the first time, a position reached."""

    versions: Sequence[tuple[bytes, int]] = ()
    names: Mapping[bytes, str] = {}
    tracking: tuple[str, int] | None = None


class Originators(Protocol):
    """The node's private tables beside one store. `handle` is what the store hands to `also`."""

    def record(self, handle: Any, first: int, noted: Noted) -> None:
        """Note a commit whose first entry stands at `first`. Raises VersionTaken, AlreadyTracked, NameTaken."""

    def index(self, handle: Any, found: Sequence[tuple[int, bytes]], upto: int) -> None:
        """Give versions to (pos, entity) that came another way; all positions up to `upto` are done then."""

    def entity(self, name: str) -> bytes | None:
        """The entity that bears this text name."""

    def name(self, entity: bytes) -> str | None:
        """The text name of an entity; None for one that is known by its id."""

    def history(
        self, entity: bytes, after: int | None, upto: int | None, limit: int | None, *, newest_first: bool = False
    ) -> Sequence[Arrival]:
        """An entity's arrivals by version: greater than `after`, not greater than `upto`."""

    def between(self, after: int, upto: int) -> Sequence[Arrival]:
        """Arrivals by pos: greater than `after`, not greater than `upto`."""

    def tracked(self, name: str) -> int | None:
        """The greatest position this process has recorded."""


class SqliteOriginators:
    """See Originators. The tables lie in the store's own file."""

    def __init__(self, store: SqliteStore) -> None:
        self._read: Callable[[str, tuple[object, ...]], list[tuple[Any, ...]]] = store.consult
        script = files("scmanager.eventstore").joinpath("sql/originators-sqlite.sql").read_text(encoding="utf-8")
        statements = [piece for piece in script.split(";") if piece.strip()]
        store.private(lambda handle, _: [handle.execute(statement) for statement in statements])

    def record(self, handle: Any, first: int, noted: Noted) -> None:
        """See Originators.record."""
        if noted.tracking:
            self._track(handle, *noted.tracking)
        for entity, name in noted.names.items():
            if handle.execute("INSERT OR IGNORE INTO originator VALUES (?, ?)", (entity, name)).rowcount == 0:
                raise NameTaken(name=name)
        for pos, (entity, version) in enumerate(noted.versions, first):
            taken = handle.execute("SELECT 1 FROM arrival WHERE entity = ? AND version = ?", (entity, version))
            if taken.fetchone():
                raise VersionTaken(entity=entity.hex(), version=version)
            handle.execute("INSERT INTO arrival VALUES (?, ?, ?)", (pos, entity, version))
        # Entries of others may have come in between: then `index` passes over these later.
        handle.execute(
            "UPDATE tracking SET pos = ? WHERE name = ? AND pos = ?",
            (first - 1 + len(noted.versions), INDEXED, first - 1),
        )

    def _track(self, handle: Any, name: str, pos: int) -> None:
        row = handle.execute("SELECT pos FROM tracking WHERE name = ?", (name,)).fetchone()
        if row and row[0] >= pos:
            raise AlreadyTracked(name=name, pos=pos)
        handle.execute(
            "INSERT INTO tracking VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET pos = excluded.pos", (name, pos)
        )

    def index(self, handle: Any, found: Sequence[tuple[int, bytes]], upto: int) -> None:
        """See Originators.index."""
        for pos, entity in found:
            handle.execute(
                "INSERT INTO arrival SELECT ?, ?, 1 + ifnull((SELECT max(version) FROM arrival WHERE entity = ?), 0)"
                " WHERE NOT EXISTS (SELECT 1 FROM arrival WHERE pos = ?)",
                (pos, entity, entity, pos),
            )
        handle.execute(
            "INSERT INTO tracking VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET pos = max(pos, excluded.pos)",
            (INDEXED, upto),
        )

    def entity(self, name: str) -> bytes | None:
        """See Originators.entity."""
        rows = self._read("SELECT entity FROM originator WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def name(self, entity: bytes) -> str | None:
        """See Originators.name."""
        rows = self._read("SELECT name FROM originator WHERE entity = ?", (entity,))
        return rows[0][0] if rows else None

    def history(
        self, entity: bytes, after: int | None, upto: int | None, limit: int | None, *, newest_first: bool = False
    ) -> Sequence[Arrival]:
        """See Originators.history."""
        rows = self._read(
            _NEWEST_FIRST if newest_first else _OLDEST_FIRST, (entity, after, upto, -1 if limit is None else limit)
        )
        return [Arrival(*row) for row in rows]

    def between(self, after: int, upto: int) -> Sequence[Arrival]:
        """See Originators.between."""
        rows = self._read(
            "SELECT pos, entity, version FROM arrival WHERE pos > ? AND pos <= ? ORDER BY pos", (after, upto)
        )
        return [Arrival(*row) for row in rows]

    def tracked(self, name: str) -> int | None:
        """See Originators.tracked."""
        rows = self._read("SELECT pos FROM tracking WHERE name = ?", (name,))
        return rows[0][0] if rows else None


class MemoryOriginators:
    """See Originators. For a MemoryStore: one object lives as long as the store."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._names: dict[bytes, str] = {}
        self._entities: dict[str, bytes] = {}
        self._versions: dict[bytes, dict[int, Arrival]] = {}
        self._arrivals: dict[int, Arrival] = {}
        self._tracking: dict[str, int] = {}

    def record(self, handle: None, first: int, noted: Noted) -> None:  # noqa: ARG002 - memory has no transaction
        """See Originators.record."""
        with self._lock:
            self._check(noted)
            for entity, name in noted.names.items():
                self._names[entity], self._entities[name] = name, entity
            for pos, (entity, version) in enumerate(noted.versions, first):
                self._add(Arrival(pos, entity, version))
            if noted.tracking:
                self._tracking[noted.tracking[0]] = noted.tracking[1]
            if self._tracking.get(INDEXED) == first - 1:
                self._tracking[INDEXED] = first - 1 + len(noted.versions)

    def _check(self, noted: Noted) -> None:
        if noted.tracking and self._tracking.get(noted.tracking[0], -1) >= noted.tracking[1]:
            raise AlreadyTracked(name=noted.tracking[0], pos=noted.tracking[1])
        for entity, name in noted.names.items():
            if entity in self._names or name in self._entities:
                raise NameTaken(name=name)
        seen: set[tuple[bytes, int]] = set()
        for entity, version in noted.versions:
            if (entity, version) in seen or version in self._versions.get(entity, {}):
                raise VersionTaken(entity=entity.hex(), version=version)
            seen.add((entity, version))

    def _add(self, arrival: Arrival) -> None:
        self._arrivals[arrival.pos] = arrival
        self._versions.setdefault(arrival.entity, {})[arrival.version] = arrival

    def index(self, handle: None, found: Sequence[tuple[int, bytes]], upto: int) -> None:  # noqa: ARG002 - as above
        """See Originators.index."""
        with self._lock:
            for pos, entity in found:
                if pos not in self._arrivals:
                    self._add(Arrival(pos, entity, 1 + max(self._versions.get(entity, {}), default=0)))
            self._tracking[INDEXED] = max(upto, self._tracking.get(INDEXED, 0))

    def entity(self, name: str) -> bytes | None:
        """See Originators.entity."""
        with self._lock:
            return self._entities.get(name)

    def name(self, entity: bytes) -> str | None:
        """See Originators.name."""
        with self._lock:
            return self._names.get(entity)

    def history(
        self, entity: bytes, after: int | None, upto: int | None, limit: int | None, *, newest_first: bool = False
    ) -> Sequence[Arrival]:
        """See Originators.history."""
        with self._lock:
            held = sorted(self._versions.get(entity, {}).items(), reverse=newest_first)
        fitting = [
            arrival
            for version, arrival in held
            if (after is None or version > after) and (upto is None or version <= upto)
        ]
        return fitting[:limit]

    def between(self, after: int, upto: int) -> Sequence[Arrival]:
        """See Originators.between."""
        with self._lock:
            return [self._arrivals[pos] for pos in range(after + 1, upto + 1) if pos in self._arrivals]

    def tracked(self, name: str) -> int | None:
        """See Originators.tracked."""
        with self._lock:
            return self._tracking.get(name)

"""Runs that wait, in the tables of a PostgreSQL store, under rights of their own."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import psycopg
from psycopg.types.numeric import Int8

from scmanager.eventstore.named_sql import load
from scmanager.eventstore.pending import (
    BOUNDS,
    DROPPED_MAX,
    Bounds,
    Dropped,
    PendingRun,
    Waiting,
    check_room,
    part_rows,
    rebuilt,
)
from scmanager.eventstore.store import Also
from scmanager.eventstore.verification import SignedNote

_SQL = load("pending-postgres.sql")

Read = Callable[[bytes, dict[str, Any]], Sequence[tuple[Any, ...]]]


class PostgresPending:
    """See Pending. Writes under the position's lock (`private`), so that two machines share the bounds.

    After StoreUnreachable ask again: a run is kept once, and let go once.
    """

    def __init__(self, write: Callable[[Also], None], read: Read) -> None:
        self._write, self._consult = write, read

    def _read(self, name: str, **arguments: Any) -> Sequence[tuple[Any, ...]]:
        return self._consult(_SQL[name], arguments)

    def keep(self, run: PendingRun, bounds: Bounds = BOUNDS) -> bool:
        """See Pending.keep."""
        kept: list[int] = []

        def also(db: psycopg.Connection, _: int) -> None:
            if db.execute(_SQL["known"], {"id": run.id}).fetchone():
                return
            sizes = [db.execute(_SQL["sizes"], {"log": log}).fetchone() or (0, 0) for log in (run.log, None)]
            check_room(run, sizes[0], sizes[1], bounds)
            kept.append(_insert(db, run))

        self._write(also)
        return bool(kept)

    def waiting(self, log: bytes | None = None) -> Sequence[Waiting]:
        """See Pending.waiting."""
        return [_waiting(row) for row in self._read("waiting", log=log)]

    def run(self, number: int) -> PendingRun | None:
        """See Pending.run."""
        rows = self._read("one", run=Int8(number))
        if not rows:
            return None
        entries, parts = self._read("entries", run=Int8(number)), self._read("parts", run=Int8(number))
        return rebuilt(_waiting(rows[0]), rows[0][-1], entries, parts)

    def release(self, number: int, carried: Collection[bytes] = ()) -> Collection[bytes]:
        """See Pending.release. An erasure under way holds the rows of its parts: removing them waits for its end."""
        gone: set[bytes] = set()
        this = {"run": Int8(number)}

        def also(db: psycopg.Connection, _: int) -> None:
            if not db.execute(_SQL["release"], this).fetchone():
                return  # Another machine did.
            gone.update(set(carried) - _delete_bytes(db, number))
            if gone:
                db.execute(_SQL["erase_admitted"], {"keys": list(gone)})

        self._write(also)
        return gone

    def drop(self, number: int, code: str, reason: str) -> None:
        """See Pending.drop."""

        def also(db: psycopg.Connection, _: int) -> None:
            this = {"run": Int8(number)}
            db.execute(_SQL["drop"], this | {"code": code, "reason": reason})
            if db.execute(_SQL["release"], this).fetchone():
                _delete_bytes(db, number)
            db.execute(_SQL["forget_oldest"], {"most": Int8(DROPPED_MAX)})

        self._write(also)

    def dropped(self) -> Sequence[Dropped]:
        """See Pending.dropped."""
        return [Dropped(*row) for row in self._read("dropped")]

    def forget(self, number: int) -> bool:
        """See Pending.forget."""
        gone: list[int] = []
        self._write(lambda db, _: gone.append(db.execute(_SQL["forget"], {"run": Int8(number)}).rowcount))
        return gone == [1]

    def room(self) -> tuple[int, int]:
        """See Pending.room."""
        ((entries, size),) = self._read("sizes", log=None)
        return entries, size

    def keys(self, space: bytes) -> Collection[bytes]:
        """See Pending.keys."""
        return {key for (key,) in self._read("keys", space=space) if key}

    def erase(self, db: psycopg.Connection, keys: list[bytes]) -> int:
        """Remove every part under these keys; returns how many. The store asks, in its own erasure."""
        return db.execute(_SQL["erase"], {"keys": keys}).rowcount


def _waiting(row: tuple[Any, ...]) -> Waiting:
    number, space, log, first, prev, size, root, signature, size_bytes, since_s, _ = row
    return Waiting(number, space, log, first, prev, SignedNote(size, root, signature), size_bytes, since_s)


def _delete_bytes(db: psycopg.Connection, number: int) -> set[bytes]:
    """Returns the keys of the parts that waited."""
    this = {"run": Int8(number)}
    db.execute(_SQL["release_entries"], this)
    return {row[0] for row in db.execute(_SQL["release_parts"], this).fetchall()}


def _insert(db: psycopg.Connection, run: PendingRun) -> int:
    note, parts = run.note, part_rows(run)
    row = db.execute(
        _SQL["add"],
        {
            "id": run.id, "space": run.space, "log": run.log, "first": Int8(run.first), "prev": run.prev,
            "size": Int8(note.size), "root": note.root, "signature": note.signature, "bytes": Int8(run.size_bytes),
            "since": Int8(run.since_s),
        },
    ).fetchone()  # fmt: skip
    number = int(row[0]) if row else 0
    db.execute(
        _SQL["add_entries"],
        {"run": Int8(number), "data": list(run.entries), "shared": [held[0] for held in run.held]},
    )
    if parts:
        arguments = {
            "run": Int8(number),
            "nth": [Int8(nth) for nth, _, _, _ in parts],
            "numbers": [Int8(part) for _, part, _, _ in parts],
            "keys": [key for _, _, key, _ in parts],
            "bytes": [stored for _, _, _, stored in parts],
        }
        db.execute(_SQL["add_parts"], arguments)
    return number

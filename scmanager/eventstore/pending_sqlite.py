"""Runs that wait, in the tables of a SQLite store."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any

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

_SIZES = "SELECT ifnull(sum(size - first), 0), ifnull(sum(bytes), 0) FROM pending"
_WAITING = "SELECT number, space, log, first, prev, size, root, signature, bytes, since, id FROM pending"

Read = Callable[[str, tuple[object, ...]], Sequence[tuple[Any, ...]]]


class SqlitePending:
    """See Pending. Writes in transactions of the store (`private`), reads beside them (`consult`)."""

    def __init__(self, write: Callable[[Also], None], read: Read) -> None:
        self._write, self._read = write, read

    def keep(self, run: PendingRun, bounds: Bounds = BOUNDS) -> bool:
        """See Pending.keep."""
        kept: list[int] = []

        def also(db: sqlite3.Connection, _: int) -> None:
            if db.execute("SELECT 1 FROM pending WHERE id = ?", (run.id,)).fetchone():
                return
            of_log = db.execute(f"{_SIZES} WHERE log = ?", (run.log,)).fetchone()
            check_room(run, of_log, db.execute(_SIZES).fetchone(), bounds)
            kept.append(_insert(db, run))

        self._write(also)
        return bool(kept)

    def waiting(self, log: bytes | None = None) -> Sequence[Waiting]:
        """See Pending.waiting."""
        rows = self._read(f"{_WAITING} WHERE ?1 IS NULL OR log = ?1 ORDER BY log, first, number", (log,))
        return [_waiting(row) for row in rows]

    def run(self, number: int) -> PendingRun | None:
        """See Pending.run."""
        rows = self._read(f"{_WAITING} WHERE number = ?", (number,))
        if not rows:
            return None
        entries = self._read("SELECT data, shared FROM pending_entry WHERE run = ? ORDER BY nth", (number,))
        parts = self._read("SELECT nth, number, bytes FROM pending_part WHERE run = ?", (number,))
        return rebuilt(_waiting(rows[0]), rows[0][-1], entries, parts)

    def release(self, number: int, carried: Collection[bytes] = ()) -> Collection[bytes]:
        """See Pending.release."""
        gone: set[bytes] = set()

        def also(db: sqlite3.Connection, _: int) -> None:
            still = {row[0] for row in db.execute("SELECT key FROM pending_part WHERE run = ?", (number,))}
            if _delete(db, number):
                gone.update(set(carried) - still)
                db.executemany("DELETE FROM part WHERE key = ?", [(key,) for key in gone])

        self._write(also)
        return gone

    def drop(self, number: int, code: str, reason: str) -> None:
        """See Pending.drop."""

        def also(db: sqlite3.Connection, _: int) -> None:
            db.execute(
                "INSERT INTO pending_dropped"
                " SELECT number, space, log, first, size, ?, ? FROM pending WHERE number = ?",
                (code, reason, number),
            )
            _delete(db, number)
            db.execute(
                "DELETE FROM pending_dropped WHERE number NOT IN"
                " (SELECT number FROM pending_dropped ORDER BY number DESC LIMIT ?)",
                (DROPPED_MAX,),
            )

        self._write(also)

    def dropped(self) -> Sequence[Dropped]:
        """See Pending.dropped."""
        query = "SELECT space, log, first, size, code, reason, number FROM pending_dropped ORDER BY number"
        return [Dropped(*row) for row in self._read(query, ())]

    def forget(self, number: int) -> bool:
        """See Pending.forget."""
        gone: list[int] = []
        delete = "DELETE FROM pending_dropped WHERE number = ?"
        self._write(lambda db, _: gone.append(db.execute(delete, (number,)).rowcount))
        return gone == [1]

    def room(self) -> tuple[int, int]:
        """See Pending.room."""
        ((entries, size),) = self._read(_SIZES, ())
        return entries, size

    def keys(self, space: bytes) -> Collection[bytes]:
        """See Pending.keys."""
        query = "SELECT DISTINCT p.key FROM pending_part p JOIN pending r ON r.number = p.run WHERE r.space = ?"
        return {key for (key,) in self._read(query, (space,)) if key}

    def erase(self, db: sqlite3.Connection, keys: Collection[bytes]) -> int:
        """Remove every part under these keys; returns how many. The store asks, in its own erasure."""
        return sum(db.execute("DELETE FROM pending_part WHERE key = ?", (key,)).rowcount for key in keys)


def _waiting(row: tuple[Any, ...]) -> Waiting:
    number, space, log, first, prev, size, root, signature, size_bytes, since_s, _ = row
    return Waiting(number, space, log, first, prev, SignedNote(size, root, signature), size_bytes, since_s)


def _delete(db: sqlite3.Connection, number: int) -> int:
    """Returns 1 when it was there."""
    db.execute("DELETE FROM pending_part WHERE run = ?", (number,))
    db.execute("DELETE FROM pending_entry WHERE run = ?", (number,))
    return db.execute("DELETE FROM pending WHERE number = ?", (number,)).rowcount


def _insert(db: sqlite3.Connection, run: PendingRun) -> int:
    note = run.note
    row = (run.id, run.space, run.log, run.first, run.prev, note.size, note.root, note.signature)
    number = db.execute(
        "INSERT INTO pending (id, space, log, first, prev, size, root, signature, bytes, since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, run.size_bytes, run.since_s),
    ).lastrowid
    db.executemany(
        "INSERT INTO pending_entry VALUES (?, ?, ?, ?)",
        [(number, n, data, held[0]) for n, (data, held) in enumerate(zip(run.entries, run.held, strict=True))],
    )
    db.executemany("INSERT INTO pending_part VALUES (?, ?, ?, ?, ?)", [(number, *row) for row in part_rows(run)])
    return int(number or 0)

"""The event store in one SQLite file: the embedded default.

- One writer connection behind a lock; readers borrow `query_only` connections of their own, for the writer's shows
  rows that are not committed yet.
- Every commit is durable when it returns (WAL, synchronous=FULL, fullfsync): losing one's own signed entry and
  writing another in its place would fork the log.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from scmanager.eventstore import entry
from scmanager.eventstore.branches import Branch, Placement, pieces, place
from scmanager.eventstore.file_faults import FileMoved
from scmanager.eventstore.late_parts import LatePart, lacking, spans
from scmanager.eventstore.own_log import Batch, Head, Sealed
from scmanager.eventstore.own_tables import store_differences
from scmanager.eventstore.pending_sqlite import SqlitePending
from scmanager.eventstore.soundness import COUNTS, ENDS, End, check_count, check_end
from scmanager.eventstore.sqlite_faults import FAULTS, Identity, identity, translated
from scmanager.eventstore.sqlite_readers import Readers, connect
from scmanager.eventstore.store import (
    Also,
    CommandRepeated,
    LogMoved,
    NotHeld,
    Outcome,
    Row,
    StoreBusy,
    StoreDamaged,
)
from scmanager.eventstore.verification import SignedNote, VerifiedRun

SCHEMA_VERSION = 4
PARTS_AT_ONCE = 500
_SCHEMA = files("scmanager.eventstore").joinpath("sql/sqlite.sql").read_text(encoding="utf-8")
_HEAD = """
SELECT l.space, l.id, l.public, h.branch, h.size, h.id, h.hlc, h.tree FROM head h JOIN log l ON l.no = h.log
"""
_ROW = "SELECT e.pos, l.id, e.branch, e.data, e.shared FROM entry e JOIN log l ON l.no = e.log"


class SqliteStore:
    """Events in `path`. Raises StoreDamaged when the file is not a sound store of ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._grown = threading.Condition()
        self._closed = False
        self._identity: Identity | None = None
        self._readers = Readers(self._connect)
        self._numbers: dict[bytes, int] = {}
        self._late: Counter[bytes] = Counter()
        self.mended: tuple[str, ...] = ()
        """Triggers and indices that were missing when it was opened, and were made anew."""
        self._writer = self._connect()
        self.pending = SqlitePending(self.private, self.consult)
        try:
            self._prepare()
            self._identity = identity(self._path)
            self._pos = self.last_pos()
        except FAULTS as error:
            self.close()
            raise translated(error, self._path, self._identity) from error
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        return connect(self._path, self._identity)

    def _prepare(self) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreDamaged(reason=f"a newer release wrote it (schema {version})")
        tables = {row[0] for row in self._writer.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if version == 0 and tables and "entry" not in tables:
            raise StoreDamaged(reason="the file is another program's database")
        foreign, self.mended = store_differences(self._writer)
        if foreign:  # It would act by itself at the next write.
            raise StoreDamaged(reason=f"{foreign[0]} in it is none that a release of ours made")
        self._writer.execute("PRAGMA journal_mode=WAL")
        # Each time: triggers that somebody dropped stand again before anything is written.
        since = "ALTER TABLE pending ADD COLUMN since INTEGER NOT NULL DEFAULT 0;" if version == 3 else ""
        self._writer.executescript(
            f"BEGIN IMMEDIATE; {since} {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
        )
        self._check()

    def _check(self) -> None:
        """The cached heads must be what the entries say, and count all of them."""
        for row in self._query(ENDS):
            check_end(End(*row))
        check_count(self.last_pos(), *self._query(COUNTS)[0])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. BEGIN IMMEDIATE: a deferred one loses to another writer in the middle."""
        with self._lock:
            if self._closed:
                raise StoreBusy(reason="it is closed")
            if identity(self._path) != self._identity:  # SQLite would go on writing into a file without a name.
                raise FileMoved(path=str(self._path))
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield self._writer
                    self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")
                    raise
            except FAULTS as error:
                raise translated(error, self._path, self._identity) from error

    # Writing

    def append(self, batch: Batch, outcomes: Sequence[Outcome] = (), also: Also | None = None) -> int:
        """See Store.append."""
        with self._transaction() as db:
            number = self._log_number(db, batch.head)
            held = db.execute(
                "SELECT size, id FROM head WHERE log = ? AND branch = ?", (number, batch.head.branch)
            ).fetchone()
            if (held or (0, entry.ZERO_ID)) != batch.before:
                raise LogMoved(log=batch.head.log.hex()[:16])
            if held is None:
                db.execute("INSERT INTO branch VALUES (?, 0, 0, 0)", (number,))
            pos = self._insert(
                db, number, batch.head, batch.sealed, SignedNote(batch.head.size, batch.root, batch.signature)
            )
            self._insert_outcomes(db, number, batch.head, outcomes)
            if also:
                also(db, pos)
        self._reached(pos)
        return pos

    def private(self, also: Also) -> None:
        """See Store.private."""
        with self._transaction() as db:
            also(db, self._next(db) - 1)

    def _insert_outcomes(self, db: sqlite3.Connection, log: int, head: Head, outcomes: Sequence[Outcome]) -> None:
        try:
            db.executemany("INSERT INTO outcome VALUES (?, ?, ?)", [(log, o.command, o.result) for o in outcomes])
        except sqlite3.IntegrityError as error:
            raise CommandRepeated(log=head.log.hex()[:16]) from error

    def _reached(self, pos: int) -> None:
        with self._grown:
            self._pos = max(self._pos, pos)
            self._grown.notify_all()

    def admit(self, run: VerifiedRun) -> int:
        """See Store.admit."""
        late, pos = list[LatePart](), 0
        with self._lock:
            try:
                with self._transaction() as db:
                    number = self._log_number(db, run.head)
                    placement, branches = self._place(db, number, run)
                    late = self._add_late(db, number, run, spans(run, placement, branches))
                    if placement.new:
                        pos = self._insert_run(db, number, run, placement)
            finally:  # Also when nobody knows what became of the commit: once too often is harmless.
                self._late[run.head.space] += len(late)
        self._reached(pos)
        return len(placement.new)

    def _add_late(
        self, db: sqlite3.Connection, number: int, run: VerifiedRun, where: Sequence[tuple[int, int, int]]
    ) -> list[LatePart]:
        query = (
            "SELECT e.seq, e.pos, p.number FROM entry e LEFT JOIN part p ON p.pos = e.pos"
            " WHERE e.log = ? AND e.branch = ? AND e.seq >= ? AND e.seq < ?"
        )
        late = lacking(run, (row for span in where for row in db.execute(query, (number, *span))))
        if late:
            rows = [(each.pos, each.number, each.key, each.bytes) for each in late]
            db.executemany("INSERT INTO part VALUES (?, ?, ?, ?)", rows)
        return late

    def late_parts(self, space: bytes) -> int:
        """See Store.late_parts."""
        return self._late[space]

    def _insert_run(self, db: sqlite3.Connection, number: int, run: VerifiedRun, placement: Placement) -> int:
        if placement.fork:
            fork = placement.fork
            db.execute("INSERT INTO branch VALUES (?, ?, ?, ?)", (number, fork.number, fork.parent, fork.start))
        return self._insert(db, number, replace(run.head, branch=placement.branch), placement.new, run.note)

    def _insert(
        self, db: sqlite3.Connection, number: int, head: Head, sealed: Sequence[Sealed], note: SignedNote
    ) -> int:
        pos = self._next(db)
        branch = head.branch
        db.executemany(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)",
            [
                (pos + i, number, branch, s.entry.seq, s.entry.data, s.parts[0] if s.parts else b"")
                for i, s in enumerate(sealed)
            ],
        )
        db.executemany(
            "INSERT INTO part VALUES (?, ?, ?, ?)",
            [
                (pos + i, part, s.entry.parts[part].key, s.parts[part])
                for i, s in enumerate(sealed)
                for part in range(1, len(s.parts))
                if s.parts[part]
            ],
        )
        db.execute("INSERT INTO note VALUES (?, ?, ?, ?, ?)", (number, branch, note.size, note.root, note.signature))
        db.execute(
            "INSERT INTO head VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (log, branch) DO UPDATE SET"
            " size = excluded.size, id = excluded.id, hlc = excluded.hlc, tree = excluded.tree",
            (number, branch, head.size, head.id, head.hlc, head.tree),
        )
        return pos + len(sealed) - 1

    def _next(self, db: sqlite3.Connection) -> int:
        (last,) = db.execute("SELECT ifnull(max(pos), 0) FROM entry").fetchone()
        return int(last) + 1

    def _log_number(self, db: sqlite3.Connection, head: Head) -> int:
        known = self._numbers.get(head.log)
        if known is not None:
            return known
        found = db.execute("SELECT no, space, public FROM log WHERE id = ?", (head.log,)).fetchone()
        if found:
            self._numbers[head.log] = found[0]
            return int(found[0])
        cursor = db.execute(
            "INSERT INTO log (id, space, public) VALUES (?, ?, ?)", (head.log, head.space, head.public)
        )
        return int(cursor.lastrowid or 0)

    def _place(self, db: sqlite3.Connection, number: int, run: VerifiedRun) -> tuple[Placement, Mapping[int, Branch]]:
        branches = {
            row[0]: Branch(*row)
            for row in db.execute(
                "SELECT b.number, b.parent, b.start, h.size FROM branch b"
                " JOIN head h ON h.log = b.log AND h.branch = b.number WHERE b.log = ?",
                (number,),
            )
        }

        def id_at(branch: int, seq: int) -> bytes | None:
            while seq < branches[branch].start:
                branch = branches[branch].parent
            row = db.execute(
                "SELECT data FROM entry WHERE log = ? AND branch = ? AND seq = ?", (number, branch, seq)
            ).fetchone()
            return entry.parse(row[0]).id if row else None

        placement = place(run, branches, id_at)
        if placement is None:
            raise NotHeld(log=run.head.log.hex()[:16], seq=run.after.size)
        return placement, branches

    @contextmanager
    def deciding(self, space: bytes) -> Iterator[None]:  # noqa: ARG002 - one writer for all spaces
        """See Store.deciding."""
        with self._lock:
            yield

    def erase(self, keys: Iterable[bytes]) -> int:
        """See Store.erase. Free pages are overwritten and the write-ahead log is emptied before it returns."""
        with self._transaction() as db:
            count = self.pending.erase(db, gone := list(keys))
            count += sum(db.execute("DELETE FROM part WHERE key = ?", (key,)).rowcount for key in gone)
        with self._lock:
            try:
                (busy, _, _) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except FAULTS as error:
                raise translated(error, self._path, self._identity) from error
        if busy:
            raise StoreBusy(reason="a reader keeps erased bytes in the write-ahead log; erase again")
        return count

    # Reading

    def heads(self, space: bytes | None = None) -> Sequence[Head]:
        """See Store.heads."""
        where = "" if space is None else " WHERE l.space = ?"
        rows = self._query(f"{_HEAD}{where} ORDER BY l.no, h.branch", () if space is None else (space,))
        return [Head(*row) for row in rows]

    def read(self, log: bytes, branch: int, first: int, limit: int) -> Sequence[Row]:
        """See Store.read."""
        return self._rows(log, branch, first, limit)

    def _pieces(self, log: bytes, branch: int) -> list[tuple[int, int, int]]:
        found = self._query(
            "SELECT b.number, b.parent, b.start FROM branch b JOIN log l ON l.no = b.log WHERE l.id = ?", (log,)
        )
        return pieces({row[0]: Branch(row[0], row[1], row[2], 0) for row in found}, branch)

    def _rows(self, log: bytes, branch: int, first: int, limit: int) -> list[Row]:
        rows: list[Row] = []
        for number, start, end in self._pieces(log, branch):
            rows += self._found(
                "WHERE l.id = ? AND e.branch = ? AND e.seq >= ? AND e.seq < ? ORDER BY e.seq LIMIT ?",
                (log, number, max(first, start), end, limit - len(rows)),
            )
        return rows

    def _found(self, where: str, arguments: tuple[object, ...]) -> list[Row]:
        rows = self._query(f"{_ROW} {where}", arguments)
        if not all(type(row[3]) is bytes and type(row[4]) is bytes for row in rows):
            raise StoreDamaged(reason="an entry's bytes are stored as something else")
        return [Row(*row) for row in rows]

    def tail(self, after: int, limit: int) -> Sequence[Row]:
        """See Store.tail."""
        return self._found("WHERE e.pos > ? ORDER BY e.pos LIMIT ?", (after, limit))

    def parts(self, positions: Iterable[int]) -> Mapping[tuple[int, int], bytes]:
        """See Store.parts."""
        found: dict[tuple[int, int], bytes] = {}
        waiting = list(positions)
        for first in range(0, len(waiting), PARTS_AT_ONCE):
            some = waiting[first : first + PARTS_AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._query(f"SELECT pos, number, bytes FROM part WHERE pos IN ({marks})", tuple(some))  # noqa: S608
            found.update(((pos, number), stored) for pos, number, stored in rows)
        return found

    def note(self, log: bytes, branch: int, size: int) -> SignedNote | None:
        """See Store.note."""
        found = self._query(
            "SELECT n.size, n.root, n.signature FROM note n JOIN log l ON l.no = n.log"
            " WHERE l.id = ? AND n.branch = ? AND n.size >= ? ORDER BY n.size LIMIT 1",
            (log, branch, size),
        )
        return SignedNote(*found[0]) if found else None

    def outcome(self, log: bytes, command: bytes) -> bytes | None:
        """See Store.outcome."""
        found = self._query(
            "SELECT o.result FROM outcome o JOIN log l ON l.no = o.log WHERE l.id = ? AND o.command = ?",
            (log, command),
        )
        return found[0][0] if found else None

    def wait(self, after: int, timeout_s: float) -> bool:
        """See Store.wait."""
        with self._grown:
            self._grown.wait_for(lambda: self._closed or self._pos > after, timeout_s)
            return not self._closed and self._pos > after

    def last_pos(self) -> int:
        """See Store.last_pos."""
        return int(self._query("SELECT ifnull(max(pos), 0) FROM entry", ())[0][0])

    def consult(self, sql: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Read node-private tables, on a reading connection."""
        return self._query(sql, arguments)

    def _query(self, sql: str, arguments: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._readers.lent() as reader:
                return reader.execute(sql, arguments).fetchall()
        except FAULTS as error:
            raise translated(error, self._path, self._identity) from error

    def close(self) -> None:
        """See Store.close."""
        with self._grown:
            self._closed = True
            self._grown.notify_all()
        self._readers.close()
        with self._lock:
            self._closed = True
            self._writer.close()

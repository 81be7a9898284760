"""The event store in one SQLite file: the embedded default.

- One writer connection behind a lock; readers borrow `query_only` connections of their own, for the writer's shows
  rows that are not committed yet.
- Every commit is durable when it returns (WAL, synchronous=FULL, fullfsync): losing one's own signed entry and
  writing another in its place would fork the log.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from scmanager.eventstore import entry, merkle
from scmanager.eventstore.branches import Branch, Placement, place
from scmanager.eventstore.own_log import Batch, Head, Sealed
from scmanager.eventstore.store import Also, LogMoved, NotHeld, Outcome, Row, StoreBusy, StoreDamaged
from scmanager.eventstore.verification import SignedNote, VerifiedRun

SCHEMA_VERSION = 1
_HEAD = """
SELECT l.space, l.id, l.public, h.branch, h.size, h.id, h.hlc, h.tree FROM head h JOIN log l ON l.no = h.log
"""
_ROW = "SELECT e.pos, l.id, e.branch, e.data, e.shared FROM entry e JOIN log l ON l.no = e.log"


class SqliteStore:
    """Events in `path`. Raises StoreDamaged when the file is not a sound store of ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._closed = False
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._writer = self._connect()
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self.close()
            raise _translated(error) from error
        self._pos = self.last_pos()
        self._numbers: dict[bytes, int] = {}

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5)
            connection.executescript(
                "PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
                "PRAGMA recursive_triggers=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-8000;"
            )
        except sqlite3.Error as error:
            raise _translated(error) from error
        return connection

    def _prepare(self) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreDamaged(reason=f"a newer release wrote it (schema {version})")
        self._writer.execute("PRAGMA journal_mode=WAL")
        if version < SCHEMA_VERSION:
            schema = files("scmanager.eventstore").joinpath("sql/sqlite.sql").read_text(encoding="utf-8")
            self._writer.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        self._check_heads()

    def _check_heads(self) -> None:
        """The cached heads must be what the entries say, and no note may reach beyond them (F16)."""
        for head in self.heads():
            rows = self._rows(self._chain(head.log, head.branch), head.size - 1, 2)
            last = entry.parse(rows[0].data) if len(rows) == 1 else None
            tree = merkle.CompactRange.from_bytes(head.tree)
            note = self._latest_note(head)
            sound = (
                last is not None
                and (last.id, last.hlc) == (head.id, head.hlc)
                and note == (head.size, tree.root())
                and tree.size == head.size
            )
            if not sound:
                raise StoreDamaged(reason=f"the head of log {head.log.hex()[:16]} does not match its entries")

    def _latest_note(self, head: Head) -> tuple[int, bytes] | None:
        found = self._query(
            "SELECT n.size, n.root FROM note n JOIN log l ON l.no = n.log WHERE l.id = ? AND n.branch = ?"
            " ORDER BY n.size DESC LIMIT 1",
            (head.log, head.branch),
        )
        return found[0] if found else None

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A reading connection, borrowed: nobody closes it meanwhile (that would crash the process)."""
        with self._idle_lock:
            if self._closed:
                raise StoreBusy(reason="it is closed")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only=ON")
        try:
            yield connection
        finally:
            self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._idle_lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. BEGIN IMMEDIATE: a deferred one loses to another writer in the middle."""
        with self._lock:
            if self._closed:
                raise StoreBusy(reason="it is closed")
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield self._writer
                    self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise _translated(error) from error

    # Writing

    def append(self, batch: Batch, outcomes: Sequence[Outcome] = (), also: Also | None = None) -> int:
        """See Store.append."""
        with self._transaction() as db:
            number = self._log_number(db, batch.head)
            size = db.execute(
                "SELECT size FROM head WHERE log = ? AND branch = ?", (number, batch.head.branch)
            ).fetchone()
            if (size[0] if size else 0) != batch.head.size - len(batch.sealed):
                raise LogMoved(log=batch.head.log.hex()[:16])
            if size is None:
                db.execute("INSERT INTO branch VALUES (?, 0, 0, 0)", (number,))
            pos = self._insert(
                db, number, batch.head, batch.sealed, SignedNote(batch.head.size, batch.root, batch.signature)
            )
            db.executemany("INSERT INTO outcome VALUES (?, ?, ?)", [(number, o.command, o.result) for o in outcomes])
            if also:
                also(db, pos)
        self._pos = pos
        return pos

    def private(self, also: Also) -> None:
        """See Store.private."""
        with self._transaction() as db:
            also(db, self._next(db) - 1)

    def admit(self, run: VerifiedRun) -> int:
        """See Store.admit."""
        with self._transaction() as db:
            number = self._log_number(db, run.head)
            placement = self._place(db, number, run)
            if not placement.new:
                return 0
            if placement.fork:
                fork = placement.fork
                db.execute("INSERT INTO branch VALUES (?, ?, ?, ?)", (number, fork.number, fork.parent, fork.start))
            head = Head(
                run.head.space, run.head.log, run.head.public, placement.branch,
                run.head.size, run.head.id, run.head.hlc, run.head.tree,
            )  # fmt: skip
            pos = self._insert(db, number, head, placement.new, run.note)
        self._pos = pos
        return len(placement.new)

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

    def _place(self, db: sqlite3.Connection, number: int, run: VerifiedRun) -> Placement:
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
        return placement

    def erase(self, keys: Iterable[bytes]) -> int:
        """See Store.erase. Free pages are overwritten and the write-ahead log is emptied before it returns."""
        with self._transaction() as db:
            count = sum(db.execute("DELETE FROM part WHERE key = ?", (key,)).rowcount for key in keys)
        with self._lock:
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    # Reading

    def heads(self, space: bytes | None = None) -> Sequence[Head]:
        """See Store.heads."""
        where = "" if space is None else " WHERE l.space = ?"
        rows = self._query(f"{_HEAD}{where} ORDER BY l.no, h.branch", () if space is None else (space,))
        return [Head(*row) for row in rows]

    def read(self, log: bytes, branch: int, first: int, limit: int) -> Sequence[Row]:
        """See Store.read."""
        return self._rows(self._chain(log, branch), first, limit)

    def _chain(self, log: bytes, branch: int) -> list[tuple[int, int, int, int | None]]:
        """(log number, branch, first seq, seq it ends before): the branch and those it left, oldest first."""
        found = self._query(
            "SELECT l.no, b.number, b.parent, b.start FROM branch b JOIN log l ON l.no = b.log WHERE l.id = ?", (log,)
        )
        by_number = {row[1]: row for row in found}
        pieces: list[tuple[int, int, int, int | None]] = []
        end: int | None = None
        while branch in by_number:
            number, _, parent, start = by_number[branch]
            pieces.append((number, branch, start, end))
            if start == 0:
                break
            branch, end = parent, start
        return pieces[::-1]

    def _rows(self, chain: list[tuple[int, int, int, int | None]], first: int, limit: int) -> list[Row]:
        rows: list[Row] = []
        for number, branch, start, end in chain:
            found = self._query(
                f"{_ROW} WHERE e.log = ? AND e.branch = ? AND e.seq >= ? AND e.seq < ? ORDER BY e.seq LIMIT ?",
                (number, branch, max(first, start), entry.NUMBER_MAX if end is None else end, limit - len(rows)),
            )
            rows.extend(Row(*row) for row in found)
        return rows

    def tail(self, after: int, limit: int) -> Sequence[Row]:
        """See Store.tail."""
        return [Row(*row) for row in self._query(f"{_ROW} WHERE e.pos > ? ORDER BY e.pos LIMIT ?", (after, limit))]

    def parts(self, positions: Iterable[int]) -> Mapping[tuple[int, int], bytes]:
        """See Store.parts."""
        found: dict[tuple[int, int], bytes] = {}
        for pos in positions:
            for number, stored in self._query("SELECT number, bytes FROM part WHERE pos = ?", (pos,)):
                found[pos, number] = stored
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

    def last_pos(self) -> int:
        """See Store.last_pos."""
        return int(self._query("SELECT ifnull(max(pos), 0) FROM entry", ())[0][0])

    def consult(self, sql: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Read node-private tables, on this thread's reading connection."""
        return self._query(sql, arguments)

    def _query(self, sql: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            with self._reader() as reader:
                return reader.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise _translated(error) from error

    def close(self) -> None:
        """See Store.close."""
        with self._idle_lock:
            self._closed = True
            idle, self._idle = self._idle, []
        with self._lock:
            for connection in (*idle, self._writer):
                connection.close()


def _translated(error: sqlite3.Error) -> StoreBusy | StoreDamaged:
    """Disk full, locked or read-only: nothing was recorded. A broken file: stop."""
    text = str(error)
    broken = ("malformed", "not a database", "corrupt", "no such", "disk I/O error")
    if any(word in text for word in broken):
        return StoreDamaged(reason=text)
    return StoreBusy(reason=text)

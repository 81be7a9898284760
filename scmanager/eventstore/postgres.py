"""The event store in PostgreSQL: for an authority whose machines share one store.

- `pos` comes from one row, locked by the statement that commits: no gaps, in the order of the commits.
- The space's row lock serialises what is decided in one space; two spaces decide side by side.
- A log is written by the one session that holds its advisory lock. Who holds it knows that no earlier session of its
  own is still about to commit: so a commit whose answer was lost is resolved by reading the head again.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from msgspec.structs import replace
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8

from scmanager.eventstore import entry
from scmanager.eventstore.branches import Branch, Placement, pieces
from scmanager.eventstore.late_parts import spans
from scmanager.eventstore.named_sql import load
from scmanager.eventstore.own_log import Batch, Head, Sealed
from scmanager.eventstore.pending_postgres import PostgresPending
from scmanager.eventstore.postgres_admission import add_late, place_run
from scmanager.eventstore.postgres_connections import (
    Bell,
    CommitUnknown,
    Readers,
    StoreUnreachable,
    connect,
    lost,
    translated,
)
from scmanager.eventstore.soundness import End, check_count, check_end
from scmanager.eventstore.store import Also, CommandRepeated, LogMoved, LogTaken, Outcome, Row
from scmanager.eventstore.verification import SignedNote, VerifiedRun

READERS_MAX = 4
TAKE_OVER_S = 10.0
"""How long to wait for one's own earlier session to end before a commit counts as unknown."""
ENDING_S = 2.0
"""How long somebody else's session that was just closed may keep a log: the server ends it in its own time."""
LOOK_S = 5.0
"""How often a waiting reader looks for himself, should every hint be lost."""

_SQL = load("postgres.sql")
_WRITER_OPTIONS = "-c plan_cache_mode=force_generic_plan"
"""Planning the append anew each time would cost as much as carrying it out."""


class PostgresStore:
    """Events in the database that `dsn` names, set up by `postgres_install.install`.

    Raises StoreNotInstalled, StoreUnreachable, and StoreDamaged when heads, notes and entries do not agree.
    Needs sessions of its own: behind a pooler that shares sessions between clients its locks mean nothing.
    """

    def __init__(self, dsn: str, readers_max: int = READERS_MAX) -> None:
        self._dsn = dsn
        self._lock = threading.RLock()
        self._readers = Readers(dsn, readers_max)
        self._bell = Bell(dsn)
        self._writer: psycopg.Connection | None = None
        self._session: dict[str, Any] = {}
        self._owned: set[bytes] = set()
        self._late: Counter[bytes] = Counter()
        self.pending = PostgresPending(self.private, self.consult)
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        """Heads are what the entries say, no note reaches beyond them, and the position is the newest entry's."""
        for row in self._query("ends"):
            check_end(End(*row))
        check_count(*self._query("positions")[0])

    # Writing

    def append(self, batch: Batch, outcomes: Sequence[Outcome] = (), also: Also | None = None) -> int:
        """See Store.append. One statement, one round trip; more for a log's first commit, and for `also`."""
        with self._lock:
            self._own(self._connected(), batch.head.log)
            connection = self._connected()
            arguments = _arguments(batch, outcomes)
            try:
                pos = self._append(connection, batch, arguments, also)
            except psycopg.errors.UniqueViolation as error:
                self._roll_back(connection)
                if error.diag.constraint_name != "outcome_pkey":
                    raise translated(error) from error
                raise CommandRepeated(log=batch.head.log.hex()[:16]) from error
            except psycopg.Error as error:
                if not lost(connection, error):
                    self._roll_back(connection)
                    raise translated(error) from error
                return self._resolve(batch, error)
            except BaseException:
                self._roll_back(connection)  # What `also` raised undoes the entries too.
                raise
        if pos is None:
            raise LogMoved(log=batch.head.log.hex()[:16])
        return pos

    def _append(
        self, connection: psycopg.Connection, batch: Batch, arguments: dict[str, Any], also: Also | None
    ) -> int | None:
        first = batch.head.size == len(batch.sealed)
        if (first or also) and connection.info.transaction_status == TransactionStatus.IDLE:
            connection.execute("BEGIN")
        if first:
            self._add_log(connection, batch.head)
            self._add_branch(connection, batch.head.log, Branch(batch.head.branch, 0, 0, 0), entry.ZERO_ID)
        row = connection.execute(_statement(arguments), arguments, prepare=True).fetchone()
        if row and also:
            also(connection, int(row[0]))
        if connection.info.transaction_status != TransactionStatus.IDLE:
            connection.execute("COMMIT" if row else "ROLLBACK")
        return int(row[0]) if row else None

    def private(self, also: Also) -> None:
        """See Store.private. Holds the position, so that nothing is committed beside it."""
        with self._transaction() as connection:
            (last,) = connection.execute(_SQL["hold_position"]).fetchone() or (0,)
            also(connection, int(last))

    def _resolve(self, batch: Batch, error: psycopg.Error) -> int:
        """The connection broke while it appended. Once the log's lock is ours again, the head tells what happened."""
        self._drop()
        deadline = time.monotonic() + TAKE_OVER_S
        try:
            connection = self._connected()
            while True:
                with suppress(LogTaken):
                    self._own(connection, batch.head.log)
                    break
                if time.monotonic() > deadline:
                    raise CommitUnknown(log=batch.head.log.hex()[:16])
                time.sleep(0.05)
            found = connection.execute(
                _SQL["reached"], {"log": batch.head.log, "branch": Int8(batch.head.branch)}, binary=True
            ).fetchone()
        except (psycopg.Error, StoreUnreachable) as second:
            raise CommitUnknown(log=batch.head.log.hex()[:16]) from second
        if found and found[0] == batch.head.id:
            return int(found[1])
        raise translated(error) from error

    def admit(self, run: VerifiedRun) -> int:
        """See Store.admit. After StoreUnreachable ask again: what was stored is not stored twice."""
        late = 0
        with self._lock:
            try:
                with self._transaction() as connection:
                    self._add_log(connection, run.head)
                    placement, branches = place_run(connection, run)
                    late = add_late(connection, run, spans(run, placement, branches))
                    if placement.new:
                        self._add_run(connection, run, placement)
            finally:  # Also when nobody knows what became of the commit: once too often is harmless.
                self._late[run.head.space] += late
        return len(placement.new)

    def _add_run(self, connection: psycopg.Connection, run: VerifiedRun, placement: Placement) -> None:
        if placement.fork:
            self._add_branch(connection, run.head.log, placement.fork, placement.new[0].entry.prev)
        head = replace(run.head, branch=placement.branch)
        arguments = _arguments(Batch(head, placement.new, run.note.root, run.note.signature), ())
        if connection.execute(_statement(arguments), arguments, prepare=True).fetchone() is None:
            raise LogMoved(log=run.head.log.hex()[:16])  # Cannot be: the space is ours since `_add_log`.

    def late_parts(self, space: bytes) -> int:
        """See Store.late_parts."""
        return self._late[space]

    def _add_log(self, connection: psycopg.Connection, head: Head) -> None:
        """Hold the space, and make sure that it and the log have their rows."""
        self._hold(connection, head.space)
        connection.execute(_SQL["add_log"], {"log": head.log, "space": head.space, "public": head.public})

    def _hold(self, connection: psycopg.Connection, space: bytes) -> None:
        connection.execute(_SQL["add_space"], {"space": space})
        connection.execute(_SQL["hold_space"], {"space": space})

    def _add_branch(self, connection: psycopg.Connection, log: bytes, branch: Branch, prev: bytes) -> None:
        numbers = {"number": branch.number, "parent": branch.parent, "start": branch.start}
        arguments = {"log": log, "prev": prev} | {name: Int8(value) for name, value in numbers.items()}
        connection.execute(_SQL["add_branch"], arguments)
        connection.execute(_SQL["add_head"], arguments)

    def erase(self, keys: Iterable[bytes]) -> int:
        """See Store.erase. Pages are reused after vacuum; what makes the bytes worthless is the lost key."""
        with self._transaction() as connection:
            gone = {"keys": list(keys)}
            waiting = self.pending.erase(connection, gone["keys"])  # First: see `release`.
            return waiting + connection.execute(_SQL["erase"], gone).rowcount

    @contextmanager
    def deciding(self, space: bytes) -> Iterator[None]:
        """See Store.deciding. Reads inside see every commit to the space; the first append or admit ends the hold."""
        with self._lock:
            connection = self._connected()
            try:
                connection.execute("BEGIN")
                self._hold(connection, space)
            except psycopg.Error as error:
                self._roll_back(connection)
                raise translated(error) from error
            try:
                yield
            finally:
                self._roll_back(connection)

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        """All or nothing; joins the one that `deciding` began."""
        with self._lock:
            connection = self._connected()
            try:
                if connection.info.transaction_status == TransactionStatus.IDLE:
                    connection.execute("BEGIN")
                yield connection
                connection.execute("COMMIT")
            except psycopg.Error as error:
                raise translated(error) from error
            finally:
                self._roll_back(connection)

    def _roll_back(self, connection: psycopg.Connection) -> None:
        """Back to no transaction; a connection that cannot do that is given up."""
        if connection is not self._writer:
            return  # Lost and replaced already.
        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            try:
                connection.execute("ROLLBACK")
            except psycopg.Error:
                self._drop()

    def _connected(self) -> psycopg.Connection:
        """The writing session. A new one first ends the lost one, which may still hold its locks unaware."""
        if self._writer is None or self._writer.closed:
            self._drop()
            try:
                connection = connect(self._dsn, _WRITER_OPTIONS)
                if self._session:
                    connection.execute(_SQL["end_session"], self._session)
                pid, started = connection.execute(_SQL["session"]).fetchone() or (0, None)
            except psycopg.Error as error:
                raise translated(error) from error
            self._writer, self._session = connection, {"pid": Int8(pid), "started": started}
        return self._writer

    def _drop(self) -> None:
        """Forget the writing session, and with it the logs it owned."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        self._owned.clear()

    def _own(self, connection: psycopg.Connection, log: bytes) -> None:
        """Become the log's one writer, until this session ends. Waits for one that just ends. Raises LogTaken."""
        if log in self._owned:
            return
        key = {"key": Int8(int.from_bytes(log[:8], "big", signed=True))}
        deadline = time.monotonic() + ENDING_S
        try:
            while not (connection.execute(_SQL["own"], key).fetchone() or (False,))[0]:
                if time.monotonic() > deadline:
                    raise LogTaken(log=log.hex()[:16])
                time.sleep(0.05)
        except psycopg.Error as error:
            self._roll_back(connection)
            raise translated(error) from error
        self._owned.add(log)

    # Reading

    def _query(self, name: str, **arguments: Any) -> list[tuple[Any, ...]]:
        return self.consult(_SQL[name], arguments)

    def heads(self, space: bytes | None = None) -> Sequence[Head]:
        """See Store.heads."""
        return [Head(*row) for row in self._query("heads", space=space)]

    def read(self, log: bytes, branch: int, first: int, limit: int) -> Sequence[Row]:
        """See Store.read."""
        branches = {row[0]: Branch(*row) for row in self._query("branches", log=log)}
        chain = pieces(branches, branch)
        if not chain:
            return []
        numbers, starts, ends = ([Int8(value) for value in column] for column in zip(*chain, strict=True))
        starts = [Int8(max(start, first)) for start in starts]
        rows = self._query("read", log=log, numbers=numbers, starts=starts, ends=ends, limit=Int8(limit))
        return [Row(*row) for row in rows]

    def tail(self, after: int, limit: int) -> Sequence[Row]:
        """See Store.tail."""
        return [Row(*row) for row in self._query("tail", after=Int8(after), limit=Int8(limit))]

    def parts(self, positions: Iterable[int]) -> Mapping[tuple[int, int], bytes]:
        """See Store.parts."""
        rows = self._query("parts", positions=[Int8(pos) for pos in positions])
        return {(pos, number): stored for pos, number, stored in rows}

    def note(self, log: bytes, branch: int, size: int) -> SignedNote | None:
        """See Store.note."""
        rows = self._query("note", log=log, branch=Int8(branch), size=Int8(size))
        return SignedNote(*rows[0]) if rows else None

    def outcome(self, log: bytes, command: bytes) -> bytes | None:
        """See Store.outcome."""
        rows = self._query("outcome", log=log, command=command)
        return bytes(rows[0][0]) if rows else None

    def wait(self, after: int, timeout_s: float) -> bool:
        """See Store.wait. LISTEN wakes it; what it answers, it has read."""
        deadline = time.monotonic() + timeout_s
        if timeout_s <= 0:
            return self.last_pos() > after
        while not self._readers.closed:
            count = self._bell.count
            if self.last_pos() > after:
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._bell.wait(count, min(left, LOOK_S))
        return False

    def last_pos(self) -> int:
        """See Store.last_pos."""
        return int(self._query("last_pos")[0][0])

    def consult(self, sql: bytes, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Read node-private tables, on a reading connection."""
        return self._readers.query(sql, arguments)

    def close(self) -> None:
        """See Store.close."""
        with self._lock:
            self._drop()
        self._readers.close()
        self._bell.close()


def _arguments(batch: Batch, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What the `append` statement takes. Integers are Int8 so that it is prepared once, not once a width."""
    sealed, head, (before, prev) = batch.sealed, batch.head, batch.before
    kept = [(n, part, one) for n, one in enumerate(sealed, 1) for part in range(1, len(one.parts)) if one.parts[part]]
    return {
        "log": head.log,
        "branch": Int8(head.branch),
        "before": Int8(before),
        "prev": prev,
        "size": Int8(head.size),
        "id": head.id,
        "hlc": Int8(head.hlc),
        "tree": head.tree,
        "count": Int8(len(sealed)),
        "data": [one.entry.data for one in sealed],
        "shared": [_shared(one) for one in sealed],
        "root": batch.root,
        "signature": batch.signature,
        "nth": [Int8(n) for n, _, _ in kept],
        "numbers": [Int8(part) for _, part, _ in kept],
        "keys": [one.entry.parts[part].key for _, part, one in kept],
        "bytes": [one.parts[part] for _, part, one in kept],
        "commands": [outcome.command for outcome in outcomes],
        "results": [outcome.result for outcome in outcomes],
    }


def _statement(arguments: Mapping[str, Any]) -> bytes:
    parts = _SQL["append_parts"] if arguments["nth"] else b""
    outcomes = _SQL["append_outcomes"] if arguments["commands"] else b""
    return b"\n".join((_SQL["append"], parts, outcomes, _SQL["append_end"]))


def _shared(one: Sealed) -> bytes:
    return one.parts[0] if one.parts else b""

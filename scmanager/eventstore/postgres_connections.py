"""Connections to the event store's database: a few for readers, one that listens, and what their errors mean."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from scmanager.errors import Misconfigured, Unavailable
from scmanager.eventstore.store import StoreBusy, StoreDamaged

CHANNEL = "scm_events"
CONNECT_TIMEOUT_S = 5
RECONNECT_S = 1.0

# A commit that returned is durable, whatever the server's default. A half-open connection is noticed in seconds.
_OPTIONS = "-c synchronous_commit=on -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 15_000}


class StoreUnreachable(Unavailable):
    """The event store's database does not answer: {reason}."""

    code = "store-unreachable"
    hint = "Check that its server runs and can be reached, then try again."


class CommitUnknown(Unavailable):
    """The database went away during a commit to log {log}, and cannot be asked whether it was recorded."""

    code = "commit-unknown"
    hint = "Open the log anew from the store's head before writing: the command may have been recorded."


class StoreNotInstalled(Misconfigured):
    """This database holds no event store that this user may use: {reason}."""

    code = "store-not-installed"
    hint = (
        "Have its administrator set the store up in this database, or bring it up to this release:"
        " scm author intake-store. Then use the writer's or reader's name."
    )


class StoreDsnUnreadable(Misconfigured):
    """The address of the event store's PostgreSQL cannot be read. It is not repeated here: it may hold a password."""

    code = "store-dsn-unreadable"
    hint = (
        "Such as postgresql://scm_events_writer@db.example/scm, or host=db.example user=scm_events_writer dbname=scm."
        " In the first form @ / : % of a password are written %40 %2F %3A %25."
    )


def parts_of(dsn: str) -> dict[str, Any]:
    """What an address says, by libpq's words. Raises StoreDsnUnreadable."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise StoreDsnUnreadable from None
    hosts, ports = str(parts.get("host") or "").split(","), str(parts.get("port") or "").split(",")
    if any("@" in each[1:] for each in hosts) or not all(each.isdigit() or not each for each in ports):
        raise StoreDsnUnreadable  # Pieces of a password that was not written as it has to be: libpq would quote them.
    return parts


def connect(dsn: str, options: str = "") -> psycopg.Connection:
    """A connection in autocommit mode. Raises psycopg.Error, StoreDsnUnreadable."""
    parts_of(dsn)
    full = make_conninfo(
        dsn, connect_timeout=CONNECT_TIMEOUT_S, options=f"{_OPTIONS} {options}", application_name="scm", **_KEEPALIVE
    )
    return psycopg.connect(full, autocommit=True)


def lost(connection: psycopg.Connection, error: psycopg.Error) -> bool:
    """Whether the session is over, so that nobody can tell from here what became of its last statement."""
    return connection.closed or error.sqlstate is None or error.sqlstate[:3] in {"57P", "080"}


def translated(error: psycopg.Error) -> Unavailable | Misconfigured:
    """What a database's error means to the store's caller. In none of these cases was anything recorded."""
    state = error.sqlstate or ""
    reason = (error.diag.message_primary or str(error).strip().partition("\n")[0]).rstrip(".")
    if state in {"42P01", "3F000", "42501"} or state.startswith("28"):
        return StoreNotInstalled(reason=reason)
    if state.startswith(("XX", "23")):  # Rows that already exist, or are missing: heads and entries do not agree.
        return StoreDamaged(reason=reason)
    if not state or state[:3] in {"57P", "080"}:
        return StoreUnreachable(reason=reason)
    return StoreBusy(reason=reason)


class Readers:
    """A few connections that can only read, lent for one statement each."""

    def __init__(self, dsn: str, most: int) -> None:
        self._dsn = dsn
        self._idle: list[psycopg.Connection] = []
        self._free = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self.closed = False

    def query(self, statement: bytes, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
        """All rows. Tries once more when an idle connection turns out to be dead: reading twice is harmless."""
        try:
            try:
                return self._query(statement, arguments)
            except psycopg.OperationalError:
                self._forget_idle()
                return self._query(statement, arguments)
        except psycopg.Error as error:
            raise translated(error) from error

    def _query(self, statement: bytes, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._lent() as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchall()

    @contextmanager
    def _lent(self) -> Iterator[psycopg.Connection]:
        with self._free:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            connection = connection or connect(self._dsn, "-c default_transaction_read_only=on")
            try:
                yield connection
            except psycopg.Error as error:
                if lost(connection, error):
                    connection.close()
                raise
            finally:
                with self._lock:
                    keep = not (connection.closed or self.closed)
                    if keep:
                        self._idle.append(connection)
                if not keep:
                    connection.close()

    def _forget_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """End the idle ones now, and those lent when they come back."""
        self.closed = True
        self._forget_idle()


class Bell:
    """Rings when the database says that something was committed. A hint: who hears it looks for himself.

    Its one connection and thread start with the first listener.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._rung = threading.Condition()
        self._count = 0
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def count(self) -> int:
        """How often it rang. Read it before looking, and hand it to `wait` after."""
        with self._rung:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._listen, name="event-store-bell", daemon=True)
                self._thread.start()
            return self._count

    def wait(self, count: int, timeout_s: float) -> None:
        """Until it rang since `count` was read, or the time is over, or the store closes."""
        with self._rung:
            self._rung.wait_for(lambda: self._count != count or self._closed.is_set(), timeout_s)

    def ring(self) -> None:
        """Wake all who wait."""
        with self._rung:
            self._count += 1
            self._rung.notify_all()

    def _listen(self) -> None:
        while not self._closed.is_set():
            with suppress(psycopg.Error), connect(self._dsn) as connection:
                connection.execute(f"LISTEN {CHANNEL}".encode())
                self.ring()  # What was committed before we listened has rung for nobody.
                while not self._closed.is_set():
                    for _ in connection.notifies(timeout=0.5, stop_after=1):
                        self.ring()
            self._closed.wait(RECONNECT_S)

    def close(self) -> None:
        """Let everybody go."""
        self._closed.set()
        self.ring()
        if self._thread is not None:
            self._thread.join()

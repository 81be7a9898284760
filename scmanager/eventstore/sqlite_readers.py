"""Connections to one SQLite file, and those that read, lent to whichever thread reads.

Each is lent to one thread at a time, and closed only when it is not lent: closing a connection under a thread that
reads on it crashes the process. Threads that end leave nothing open.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scmanager.eventstore.file_faults import FileMoved, FileNotOpened
from scmanager.eventstore.sqlite_faults import FAULTS, Identity, identity, translated
from scmanager.eventstore.store import StoreBusy, StoreDamaged

HEADER_BYTES = 512
"""No SQLite page is smaller."""


def connect(path: Path, was: Identity | None) -> sqlite3.Connection:
    """A connection to the store's file. `was`: which file it must be; None for whichever is there, or a new one.

    Raises StoreDamaged, FileUnusable.
    """
    try:
        # SQLite takes a file without a whole header for a new, empty database.
        if path.exists() and 0 < path.stat().st_size < HEADER_BYTES:
            raise StoreDamaged(reason="the file is cut off")
        mode = "rw" if was else "rwc"  # Nothing is made anew where a file was removed.
        address = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=5)
    except OSError as error:
        raise FileNotOpened(path=str(path), reason=error.strerror) from error
    except FAULTS as error:
        raise translated(error, path, was) from error
    try:
        connection.executescript(
            "PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
            "PRAGMA recursive_triggers=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-8000;"
        )
        if was and identity(path) != was:
            raise FileMoved(path=str(path))
    except FAULTS as error:
        connection.close()  # Left open it would disturb whoever opens the file next.
        raise translated(error, path, was) from error
    except FileMoved:
        connection.close()
        raise
    return connection


class Readers:
    """As many connections as threads read at once. `connect` opens one."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._closed = False
        self._idle: list[sqlite3.Connection] = []

    @property
    def idle(self) -> int:
        """How many are open and not lent."""
        return len(self._idle)

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """A connection that cannot write. Raises StoreBusy once closed."""
        with self._lock:
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
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is not lent; what is lent closes when it comes back. Harmless twice."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

"""Reading connections to one SQLite file, lent to whichever thread reads.

Each is lent to one thread at a time, and closed only when it is not lent: closing a connection under a thread that
reads on it crashes the process. Threads that end leave nothing open.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scmanager.eventstore.store import StoreBusy


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

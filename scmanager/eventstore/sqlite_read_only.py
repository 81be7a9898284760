"""An event store's file opened for reading: the file and its write-ahead log stay byte for byte as they are.

- No write-ahead log beside it: the file is read as it lies there. SQLite would else make one, and leave it.
- With one, because a node works there or was killed: it is read too, and SQLite's index of it (`-shm`, memory that
  processes share) is used, and made where it is gone.
- What tries to write is refused by the database.
"""

import sqlite3
import threading
from collections import Counter
from pathlib import Path

from scmanager.eventstore.pending_sqlite import SqlitePending
from scmanager.eventstore.sqlite import SCHEMA_VERSION, SqliteStore
from scmanager.eventstore.sqlite_faults import FAULTS, Identity, identity, translated
from scmanager.eventstore.sqlite_readers import Readers
from scmanager.eventstore.store import StoreDamaged


class ReadOnlySqliteStore(SqliteStore):
    """Events in `path`, as they were when it was opened or later. Raises StoreDamaged, FileUnusable.

    Guards, indices and cached heads are looked at by an audit (audit.py), not here: nothing is relied on but entries.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._grown = threading.Condition()
        self._closed = False
        self._identity: Identity | None = identity(path)
        self._readers = Readers(self._connect)
        self._numbers: dict[bytes, int] = {}
        self._late: Counter[bytes] = Counter()
        self.mended = ()
        self._writer = self._connect()
        self.pending = SqlitePending(self.private, self.consult)
        try:
            self._look()
            self._pos = self.last_pos()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        open_now = self._path.with_name(f"{self._path.name}-wal").exists()
        address = f"{self._path.absolute().as_uri()}?mode=ro{'' if open_now else '&immutable=1'}"
        try:
            made = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=5)
            made.executescript("PRAGMA trusted_schema=OFF; PRAGMA cache_size=-8000;")
        except FAULTS as error:
            raise translated(error, self._path, self._identity) from error
        return made

    def _look(self) -> None:
        """Raises StoreDamaged for what is no store of ours, or a later release's."""
        ((version,),) = self._query("PRAGMA user_version")
        if version > SCHEMA_VERSION:
            raise StoreDamaged(reason=f"a newer release wrote it (schema {version})")
        if not self._query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'entry'"):
            raise StoreDamaged(reason="the file is another program's database")

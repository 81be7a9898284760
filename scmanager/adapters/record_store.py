"""Records of use on the author's server, until their day is released: one file, private, and emptied for good.

- Only what some published number asks for is kept: no organisation, no metadata, no time but the day.
- Destroying a day deletes it from every byte of the file: freed pages are overwritten and the file is written anew.
- A batch that comes twice is taken once. What one hash, or one day, may bring is bounded.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from scmanager.adapters.private_files import private_folder
from scmanager.domain.statistics import Record
from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore.sqlite_faults import identity, told

FILE_NAME: Final = "records.db"
USER_RECORDS_MAX: Final = 500
"""Of one hash and day: what is beyond adds nothing to any bounded sum."""
DAY_RECORDS_MAX: Final = 5_000_000
KEPT_DAYS_MAX: Final = 7
"""What could not be released by then is destroyed."""

_PRAGMAS: Final = (
    "journal_mode = DELETE",
    "synchronous = EXTRA",
    "fullfsync = ON",
    "secure_delete = ON",
    "temp_store = MEMORY",  # VACUUM copies the file: not into a temporary folder.
    "trusted_schema = OFF",
)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    day INTEGER NOT NULL, user BLOB NOT NULL, category TEXT NOT NULL, action TEXT NOT NULL, session BLOB NOT NULL,
    version TEXT NOT NULL, region TEXT, duration_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS records_by_user ON records (day, user);
CREATE TABLE IF NOT EXISTS batches (id BLOB PRIMARY KEY, day INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1), open_day INTEGER NOT NULL, unclean INTEGER NOT NULL
) STRICT;
"""


class RecordsFailed(Unavailable):
    """The file of records of use cannot be used: {reason}."""

    code = "records-failed"
    hint = "Check that the disk is not full, and that no other program has the folder open."


class RecordsFull(Unavailable):
    """More records of use came for this day than are kept."""

    code = "records-full"
    hint = "Nothing was kept. Send the same batch again tomorrow, or let it go."


class RecordsDamaged(Untrusted):
    """The file of records of use, {path}, is not whole."""

    code = "records-damaged"
    hint = "Move it away: days that were not released are lost, nothing else."


class RecordStore:
    """One instance a folder; safe to use from several threads. Close it."""

    def __init__(self, folder: Path, today: int) -> None:
        """`today`: days since 1970; with it the first day begins that is released. Raises RecordsFailed and so on."""
        self._path = private_folder(folder) / FILE_NAME
        self._lock = threading.Lock()
        self._was = None
        self._held: dict[int, int] = {}
        """How many records of each day are kept, as far as somebody asked."""
        with self._guarded():
            self._path.touch(mode=0o600)
            self._database = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            for pragma in _PRAGMAS:
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(_SCHEMA)
            self._database.execute("INSERT OR IGNORE INTO state VALUES (1, ?, 0)", (today,))
            self._clean()
            self._was = identity(self._path)

    def close(self) -> None:
        """Nothing is lost without it."""
        with self._lock:
            self._database.close()

    @property
    def open_day(self) -> int:
        """The first day that is not released: what is of an earlier one comes too late."""
        with self._guarded():
            return int(self._database.execute("SELECT open_day FROM state").fetchone()[0])

    def put(self, batch: bytes, records: Iterable[Record], today: int) -> int:
        """Keep what is of a day that is not over for good, durably; how many records that were.

        The same batch again keeps nothing more. Raises RecordsFull, RecordsFailed.
        """
        with self._transaction():
            since = int(self._database.execute("SELECT open_day FROM state").fetchone()[0])
            timely = [each for each in records if since <= each.day <= today]
            known = self._database.execute("SELECT 1 FROM batches WHERE id = ?", (batch,)).fetchone()
            if known or not timely:
                return 0
            for day in {each.day for each in timely}:
                if self._of_day(day) + len(timely) > DAY_RECORDS_MAX:
                    raise RecordsFull
            room: dict[tuple[int, bytes], int] = {}
            rows = []
            for each in timely:
                name = (each.day, each.user_hash)
                if name not in room:
                    room[name] = USER_RECORDS_MAX - self._count("day = ? AND user = ?", *name)
                if room[name] > 0:
                    room[name] -= 1
                    rows.append(_row(each))
            self._database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            latest = max(each.day for each in timely)
            self._database.execute("INSERT INTO batches VALUES (?, ?)", (batch, latest))
        for row in rows:
            self._held[row[0]] += 1
        return len(rows)

    def rows(self, day: int) -> list[tuple[Any, ...]]:
        """The records of a day as `releasing.COLUMNS`, hashes in hexadecimal."""
        with self._guarded():
            return self._database.execute(
                "SELECT lower(hex(user)), category, action, lower(hex(session)), version, region, duration_ms"
                " FROM records WHERE day = ?",
                (day,),
            ).fetchall()

    def destroy(self, until: int) -> None:
        """All of this day and of those before it, for good; the next day is the first open one. Harmless twice."""
        with self._transaction():
            self._database.execute("DELETE FROM records WHERE day <= ?", (until,))
            self._database.execute("DELETE FROM batches WHERE day <= ?", (until,))
            self._database.execute("UPDATE state SET open_day = max(open_day, ? + 1), unclean = 1", (until,))
        with self._guarded():
            self._held.clear()
            self._clean()

    def expire(self, today: int) -> None:
        """Destroy what was kept too long; its days stay open, and are released without it."""
        oldest = today - KEPT_DAYS_MAX
        with self._guarded():
            late = self._count("day < ?", oldest)
        if late:
            with self._transaction():
                self._database.execute("DELETE FROM records WHERE day < ?", (oldest,))
                self._database.execute("DELETE FROM batches WHERE day < ?", (oldest,))
                self._database.execute("UPDATE state SET unclean = 1")
            with self._guarded():
                self._held.clear()
                self._clean()

    def _of_day(self, day: int) -> int:
        if day not in self._held:
            self._held[day] = self._count("day = ?", day)
        return self._held[day]

    def _count(self, where: str, *what: object) -> int:
        sql = f"SELECT count(*) FROM records WHERE {where}"  # noqa: S608 - ours
        return int(self._database.execute(sql, what).fetchone()[0])

    def _clean(self) -> None:
        """Write the file anew after a deletion: pages that were split keep copies that no delete meets."""
        if self._database.execute("SELECT unclean FROM state").fetchone()[0]:
            self._database.execute("VACUUM")
            self._database.execute("UPDATE state SET unclean = 0")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        damaged: Callable[[str], Exception] = lambda _: RecordsDamaged(path=str(self._path))  # noqa: E731
        with self._lock, told(self._path, damaged, self._was):
            try:
                yield
            except sqlite3.ProgrammingError as error:  # It is closed.
                raise RecordsFailed(reason=str(error)) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guarded():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise


def _row(record: Record) -> tuple[Any, ...]:
    return (
        record.day, record.user_hash, record.category.value, record.action.value, record.session_id, record.version,
        record.geo_region, record.duration_ms,
    )  # fmt: skip

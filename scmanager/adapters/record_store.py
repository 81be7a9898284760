"""Records of use on the author's server, until their day is released: one file, private, and emptied for good.

- Only what some published number asks for is kept: no organisation, no metadata, no time but the day.
- Destroying a day deletes it from every byte of the file: freed pages are overwritten and the file is written anew.
- A batch that comes twice is taken once. What one hash may bring is bounded, and of how many hashes a day is kept.
- No answer depends on what others sent: of too many hashes a random choice is kept, and nobody is told which.
"""

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from scmanager.adapters.private_files import private_folder
from scmanager.domain.statistics import Record
from scmanager.errors import Unavailable
from scmanager.eventstore.sqlite_faults import identity, told

FILE_NAME: Final = "records.db"
USER_RECORDS_MAX: Final = 200
"""Of one hash and day: what is beyond adds nothing to any bounded sum."""
DAY_USERS_MAX: Final = 20_000
"""Hashes of one day, drawn from all that came: whose day it is is one in 28, so these are half a million machines."""
PIECE_USERS: Final = 250
"""As many are read at once."""
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
CREATE TABLE IF NOT EXISTS users (
    day INTEGER NOT NULL, user BLOB NOT NULL, rank INTEGER NOT NULL, records INTEGER NOT NULL, PRIMARY KEY (day, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS users_by_rank ON users (day, rank);
CREATE TABLE IF NOT EXISTS batches (id BLOB PRIMARY KEY, day INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1), open_day INTEGER NOT NULL, unclean INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), day INTEGER NOT NULL) STRICT;
"""


class RecordsFailed(Unavailable):
    """The file of records of use cannot be used: {reason}."""

    code = "records-failed"
    hint = "Check that the disk is not full, and that no other program has the folder open."


class DayReleased(Unavailable):
    """The clock of this server says a day that was released already."""

    code = "day-released"
    hint = "Nothing was kept. Set the clock of the server, and send the same batch again."


class RecordsDamaged(Unavailable):
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
        self._draw = secrets.token_bytes(32)
        self._sealed = 0
        with self._guarded():
            self._path.touch(mode=0o600)
            self._database = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            for pragma in _PRAGMAS:
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(_SCHEMA)
            self._database.execute("INSERT OR IGNORE INTO state VALUES (1, ?, 0)", (today,))
            self._database.execute("INSERT OR IGNORE INTO clock VALUES (1, ?)", (today,))
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

        The same batch again keeps nothing more. Raises DayReleased, RecordsFailed.
        """
        with self._transaction():
            since = int(self._database.execute("SELECT open_day FROM state").fetchone()[0])
            if since > today:
                raise DayReleased
            timely = [each for each in records if max(since, self._sealed + 1) <= each.day <= today]
            known = self._database.execute("SELECT 1 FROM batches WHERE id = ?", (batch,)).fetchone()
            if known or not timely:
                return 0
            of_user: dict[tuple[int, bytes], list[tuple[Any, ...]]] = {}
            for each in timely:
                of_user.setdefault((each.day, each.user_hash), []).append(_row(each))
            kept = sum(self._keep(*name, rows) for name, rows in of_user.items())
            latest = max(each.day for each in timely)
            self._database.execute("INSERT INTO batches VALUES (?, ?)", (batch, latest))
        return kept

    def _keep(self, day: int, user: bytes, rows: list[tuple[Any, ...]]) -> int:
        """As many as there is room for; none of a hash that is not drawn."""
        execute = self._database.execute
        held = execute("SELECT records FROM users WHERE day = ? AND user = ?", (day, user)).fetchone()
        if held is None:
            if not self._admitted(day, user):
                return 0
            held = (0,)
        timely = rows[: max(0, USER_RECORDS_MAX - held[0])]
        self._database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", timely)
        execute("UPDATE users SET records = records + ? WHERE day = ? AND user = ?", (len(timely), day, user))
        return len(timely)

    def _admitted(self, day: int, user: bytes) -> bool:
        """Whether a new hash is among those drawn: the lowest ranks are. One more drives out one other at most."""
        execute = self._database.execute
        drawn = hashlib.blake2b(user, digest_size=8, key=self._draw, person=day.to_bytes(8, "big")).digest()
        rank = int.from_bytes(drawn, "big") >> 1
        if execute("SELECT count(*) FROM users WHERE day = ?", (day,)).fetchone()[0] >= DAY_USERS_MAX:
            last = "SELECT user, rank FROM users WHERE day = ? ORDER BY rank DESC LIMIT 1"
            other, highest = execute(last, (day,)).fetchone()
            if rank >= highest:
                return False
            execute("DELETE FROM records WHERE day = ? AND user = ?", (day, other))
            execute("DELETE FROM users WHERE day = ? AND user = ?", (day, other))
            execute("UPDATE state SET unclean = 1")
        execute("INSERT INTO users VALUES (?, ?, ?, 0)", (day, user, rank))
        return True

    def pieces(self, day: int) -> Iterator[list[tuple[Any, ...]]]:
        """The records of a day as `releasing.COLUMNS`, hashes in hexadecimal; all of a hash in one piece."""
        after = b""
        while True:
            with self._guarded():
                users = self._database.execute(
                    "SELECT user FROM users WHERE day = ? AND user > ? ORDER BY user LIMIT ?",
                    (day, after, PIECE_USERS),
                ).fetchall()
                if not users:
                    return
                rows = self._database.execute(
                    "SELECT lower(hex(user)), category, action, lower(hex(session)), version, region, duration_ms"
                    " FROM records WHERE day = ? AND user > ? AND user <= ?",
                    (day, after, users[-1][0]),
                ).fetchall()
            after = users[-1][0]
            yield rows

    def seal(self, day: int) -> None:
        """Take nothing more of this day and those before it, as long as this is open: it is about to be released."""
        with self._lock:
            self._sealed = max(self._sealed, day)

    @property
    def clock_day(self) -> int:
        """What day it was when somebody last said so by `saw`; at first that of the file's beginning."""
        with self._guarded():
            return int(self._database.execute("SELECT day FROM clock").fetchone()[0])

    def saw(self, today: int) -> None:
        """Remember what day it is."""
        with self._guarded():
            self._database.execute("UPDATE clock SET day = ? WHERE day <> ?", (today, today))

    def destroy(self, until: int) -> None:
        """All of this day and of those before it, for good; the next day is the first open one. Harmless twice."""
        with self._transaction():
            for each in ("records", "users", "batches"):
                self._database.execute(f"DELETE FROM {each} WHERE day <= ?", (until,))  # noqa: S608 - ours
            self._database.execute("UPDATE state SET open_day = max(open_day, ? + 1), unclean = 1", (until,))
        with self._guarded():
            self._clean()

    def expire(self, today: int) -> None:
        """Destroy what was kept too long; its days stay open, and are released without it."""
        oldest = today - KEPT_DAYS_MAX
        with self._guarded():
            late = self._database.execute("SELECT 1 FROM users WHERE day < ? LIMIT 1", (oldest,)).fetchone()
        if late:
            with self._transaction():
                for each in ("records", "users", "batches"):
                    self._database.execute(f"DELETE FROM {each} WHERE day < ?", (oldest,))  # noqa: S608 - ours
                self._database.execute("UPDATE state SET unclean = 1")
            with self._guarded():
                self._clean()

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

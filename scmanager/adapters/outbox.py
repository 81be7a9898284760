"""The outbox: what its owner consents to send to the author, until the author's server has confirmed it.

`outbox.db` in the data folder. A report waits until it is put into a batch; a batch is fixed from then on, has an id
of 16 bytes, and goes when its receipt came: whatever is sent twice is taken once. There is room for so much and no
more; what is older than 30 days goes. Consent that ended takes its reports along at once, also from a batch.
"""

import secrets
import sqlite3
import threading
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from scmanager.errors import Unavailable

FILE_NAME: Final = "outbox.db"
REPORTS_MAX: Final = 20_000
"""That wait in all; what comes beyond is dropped and counted."""
BATCH_REPORTS_MAX: Final = 500
BATCH_BYTES: Final = 256 << 10
SENT_MAX: Final = 1_000
"""Receipts that are kept, the newest."""
KEPT_S: Final = 30 * 86_400
_BUSY_S: Final = 5.0
_SCHEMA: Final = """
PRAGMA secure_delete = ON;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS report (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, purpose TEXT NOT NULL, consent BLOB NOT NULL,
    name BLOB, body BLOB NOT NULL, at_s INTEGER NOT NULL, batch BLOB
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS report_by_name ON report (kind, name) WHERE batch IS NULL;
CREATE TABLE IF NOT EXISTS sent (
    batch BLOB PRIMARY KEY, kind TEXT NOT NULL, purpose TEXT NOT NULL, count INTEGER NOT NULL, at_s INTEGER NOT NULL,
    body BLOB NOT NULL, answer BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS told (name BLOB PRIMARY KEY, count INTEGER NOT NULL, at_s INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS held_up (
    only INTEGER PRIMARY KEY CHECK (only = 1), why TEXT NOT NULL, at_s INTEGER NOT NULL, until_s INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS dropped (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
"""

_FORGET: Final = """
DELETE FROM report WHERE at_s < :until AND (batch IS NULL OR batch IN (
    SELECT batch FROM report WHERE batch IS NOT NULL GROUP BY batch HAVING max(at_s) < :until
))
"""
"""A batch is fixed: it goes whole, with the newest of it."""


class OutboxFailed(Unavailable):
    """What waits to be sent to the author cannot be read or kept: {reason}."""

    code = "outbox-failed"
    hint = "Nothing else depends on it. If it stays so, delete outbox.db in the data folder: what waits is lost."


class Waiting(msgspec.Struct, frozen=True):
    """A batch on its way."""

    id: bytes
    """Empty: it is in none yet."""
    kind: str
    purpose: str
    body: bytes
    """JSON, word for word as it is sent."""
    count: int
    newest_s: int = 0
    """When the newest of its reports was put there, UTC seconds: as long as it waits, it does not change."""


class HeldUp(msgspec.Struct, frozen=True):
    """What kept the outbox from being emptied."""

    why: str
    at_s: int
    until_s: int
    """When it is tried again."""


class Outbox:
    """Of one data folder. From any thread; other processes may read and clear it meanwhile. Raises OutboxFailed."""

    def __init__(self, folder: Path, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Makes no file until something is put."""
        self._path, self._entropy = folder / FILE_NAME, entropy
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def put(
        self, kind: str, purpose: str, consent: bytes, body: bytes, at_s: int, name: bytes | None = None,
        told: tuple[bytes, int] | None = None,
    ) -> bool:  # fmt: skip
        """Keep a report until it is sent; False when there is no room.

        `body`: JSON, word for word. `name`: what waits under it already, in no batch yet, is replaced. `told`: so
        much of something is told by it, see `told`.
        """
        with self._change() as db:
            (count,) = db.execute("SELECT count(*) FROM report").fetchone()
            if count >= REPORTS_MAX:
                db.execute(
                    "INSERT INTO dropped VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET count = count + 1", (kind,)
                )
                return False
            db.execute("DELETE FROM report WHERE kind = ? AND name = ? AND batch IS NULL", (kind, name))
            row = (kind, purpose, consent, name, body, at_s)
            db.execute("INSERT INTO report (kind, purpose, consent, name, body, at_s) VALUES (?, ?, ?, ?, ?, ?)", row)
            if told is not None:
                db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (*told, at_s))
        return True

    def named(self, kind: str, name: bytes) -> bytes | None:
        """The report that waits under this name, in no batch yet."""
        with self._look() as db:
            found = (
                db
                and db.execute(
                    "SELECT body FROM report WHERE kind = ? AND name = ? AND batch IS NULL", (kind, name)
                ).fetchone()
            )
        return found[0] if found else None

    def batch(self, kind: str) -> Waiting | None:
        """The oldest batch of a kind that has no receipt yet, else a new one of what waits; None: nothing does."""
        with self._change() as db:
            found = db.execute(
                "SELECT batch FROM report WHERE kind = ? AND batch IS NOT NULL ORDER BY number LIMIT 1", (kind,)
            ).fetchone()
            id_ = found[0] if found else self._form(db, kind)
            return next(_batches(db, id_), None) if id_ else None

    def done(self, batch: Waiting, answer: bytes, at_s: int) -> None:
        """Its receipt came, or it was refused for good: it is not sent again. Both are kept."""
        with self._change() as db:
            row = (batch.id, batch.kind, batch.purpose, batch.count, at_s, batch.body, answer)
            db.execute("INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            db.execute("DELETE FROM report WHERE batch = ?", (batch.id,))
            newest = "SELECT batch FROM sent ORDER BY at_s DESC, rowid DESC LIMIT ?"
            db.execute(f"DELETE FROM sent WHERE batch NOT IN ({newest})", (SENT_MAX,))  # noqa: S608 - a constant

    def keep_only(self, consents: Collection[bytes], now_s: int) -> int:
        """Delete what rests on no consent that stands, and what is too old; how many went. Cheap if nothing waits."""
        if not self._path.exists():
            return 0
        with self._change() as db:
            rows = db.execute("SELECT DISTINCT consent FROM report").fetchall()
            gone = [row for row in rows if row[0] not in consents]
            before = db.total_changes
            db.executemany("DELETE FROM report WHERE consent = ?", gone)
            db.execute(_FORGET, {"until": now_s - KEPT_S})
            db.execute("DELETE FROM told WHERE at_s < ?", (now_s - 2 * KEPT_S,))
            return db.total_changes - before

    def told(self, name: bytes) -> int:
        """How much of something was reported by now; 0: nothing. It is remembered for 60 days."""
        with self._look() as db:
            found = db and db.execute("SELECT count FROM told WHERE name = ?", (name,)).fetchone()
        return found[0] if found else 0

    def waiting(self) -> list[Waiting]:
        """All that would be sent, word for word; what is in no batch yet as it would be put into one, with no id."""
        with self._look() as db:
            if db is None:
                return []
            ids = [row[0] for row in db.execute("SELECT DISTINCT batch FROM report WHERE batch IS NOT NULL")]
            loose = db.execute(
                "SELECT kind, purpose, consent, body FROM report WHERE batch IS NULL ORDER BY kind, consent, number"
            ).fetchall()
            groups: dict[tuple[str, str, bytes], list[bytes]] = {}
            for kind, purpose, consent, body in loose:
                groups.setdefault((kind, purpose, consent), []).append(body)
            return [
                *(each for id_ in ids for each in _batches(db, id_)),
                *(
                    Waiting(b"", kind, purpose, _body(b"", consent, some), len(some))
                    for (kind, purpose, consent), some in groups.items()
                ),
            ]

    def sent(self) -> list[dict[str, Any]]:
        """What was sent, the newest last: batch, kind, purpose, count, at_s, body (word for word), answer."""
        with self._look() as db:
            if db is None:
                return []
            found = db.execute("SELECT * FROM sent ORDER BY at_s, rowid")
            names = [each[0] for each in found.description]
            return [dict(zip(names, row, strict=True)) for row in found]

    def hold_up(self, why: str, at_s: int, until_s: int) -> None:
        """Remember why what waits was not sent, and when it is tried again; empty: it was sent."""
        if not why and not self._path.exists():
            return
        with self._change() as db:
            db.execute("DELETE FROM held_up")
            if why:
                db.execute("INSERT INTO held_up VALUES (1, ?, ?, ?)", (why, at_s, until_s))

    def held_up(self) -> HeldUp | None:
        """Why what waits was not sent when it was tried last; None: it was, or nobody tried."""
        with self._look() as db:
            found = db and db.execute("SELECT why, at_s, until_s FROM held_up").fetchone()
        return HeldUp(*found) if found else None

    def dropped(self) -> dict[str, int]:
        """How many reports of each kind found no room."""
        with self._look() as db:
            return dict(db.execute("SELECT kind, count FROM dropped").fetchall()) if db else {}

    def close(self) -> None:
        """Let go of the file. Harmless twice."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _form(self, db: sqlite3.Connection, kind: str) -> bytes | None:
        rows = db.execute(
            "SELECT number, consent, length(body) FROM report WHERE kind = ? AND batch IS NULL "
            "ORDER BY number LIMIT ?",
            (kind, BATCH_REPORTS_MAX),
        ).fetchall()
        taken, size = list[int](), 0
        for number, consent, length in rows:
            if consent != rows[0][1] or (taken and size + length > BATCH_BYTES):
                break
            taken.append(number)
            size += length
        if not taken:
            return None
        id_ = self._entropy(16)
        db.executemany("UPDATE report SET batch = ? WHERE number = ?", [(id_, number) for number in taken])
        return id_

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block or nothing."""
        with self._lock, _told():
            db = self._open()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise

    @contextmanager
    def _look(self) -> Iterator[sqlite3.Connection | None]:
        """None while there is no file."""
        with self._lock, _told():
            yield self._open() if self._path.exists() else None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.touch(mode=0o600)
            made = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                made.executescript(_SCHEMA)
            except BaseException:
                made.close()
                raise
            self._connection = made
        return self._connection


def _batches(db: sqlite3.Connection, id_: bytes) -> Iterator[Waiting]:
    asked = "SELECT kind, purpose, consent, body, at_s FROM report WHERE batch = ? ORDER BY number"
    rows = db.execute(asked, (id_,)).fetchall()
    if rows:
        kind, purpose, consent, *_ = rows[0]
        body = _body(id_, consent, [row[3] for row in rows])
        yield Waiting(id_, kind, purpose, body, len(rows), max(row[4] for row in rows))


def _body(id_: bytes, consent: bytes, reports: list[bytes]) -> bytes:
    """The same bytes whenever it is asked for: it is made of what does not change."""
    head = b'{"id":"%s","consent":"%s","reports":[' % (b64encode(id_), b64encode(consent))
    return head + b",".join(reports) + b"]}"


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise OutboxFailed(reason=str(error)[:200].rstrip(".")) from error

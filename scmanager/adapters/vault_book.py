"""The vault's book: shapes of errors counted by release and day, bug records, breaches of terms (SPEC A10; ADR 20).

Derived from the intake log alone, one pass behind it: lost or damaged it is removed and made anew. It says what is in
the log, for the author on his machine; nothing of it is published. Anybody can report shapes that nobody ever met:
what the book takes of them is bounded, and what is beyond is counted.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from scmanager.application.vault import Bug, Noticed, Shape, Terms
from scmanager.domain.intake import RISING_REPORTS, RISING_TIMES, Frame, is_rising
from scmanager.errors import Unavailable
from scmanager.eventstore.entry import encode_json
from scmanager.eventstore.sqlite_faults import told

FILE_NAME: Final = "vault.db"
FRESH_DAY_MAX: Final = 10_000
"""New shapes of a release that a day brings at most, each some 5 KB; later ones stand in the log alone."""
SHAPES_MAX: Final = 100_000
UNSEEN_DAYS: Final = 7
"""A shape without a bug record goes when it was not reported on so many days that brought reports.

Not days of a clock: one that was wrong once would take everything along."""
BUGS_DAY_MAX: Final = 200
TERMS_DAY_MAX: Final = 1_000
"""Breaches of terms that a day brings at most, each some 400 bytes; later ones stand in the log alone."""
TERMS_DAYS: Final = 90
"""A breach goes when so many days have brought reports since."""
_FORM: Final = 2
"""Of the tables; a book of an earlier form is made anew."""
_COUNT: Final = """
INSERT INTO counted VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE
SET reports = reports + 1, errors = min(errors + excluded.errors, 9007199254740991)
"""
_RISING: Final = """
SELECT c.fingerprint, c.version, c.reports, ifnull((SELECT reports FROM counted b WHERE b.fingerprint = c.fingerprint
    AND b.version = c.version AND b.day = c.day - 1), 0), s.error, s.frames
FROM counted c JOIN shape s USING (fingerprint)
WHERE c.day = ? AND c.reports >= ?
    AND c.reports >= ? * ifnull((SELECT reports FROM counted b WHERE b.fingerprint = c.fingerprint
    AND b.version = c.version AND b.day = c.day - 1), 0)
    AND NOT EXISTS (SELECT 1 FROM bug WHERE bug.fingerprint = c.fingerprint AND bug.version = c.version)
ORDER BY c.reports DESC LIMIT ?
"""
_UNSEEN: Final = """
DELETE FROM counted AS c WHERE NOT EXISTS
    (SELECT 1 FROM counted b WHERE b.fingerprint = c.fingerprint AND b.version = c.version AND b.day >= ?)
    AND NOT EXISTS (SELECT 1 FROM bug b WHERE b.fingerprint = c.fingerprint AND b.version = c.version)
"""
_UNCOUNTED: Final = """
DELETE FROM shape AS s WHERE NOT EXISTS (SELECT 1 FROM counted c WHERE c.fingerprint = s.fingerprint)
"""
_SHAPES: Final = """
SELECT s.fingerprint, s.error, s.frames, c.version, sum(c.reports), sum(c.errors), min(c.day), max(c.day), b.opened_s
FROM shape s JOIN counted c USING (fingerprint)
LEFT JOIN bug b ON b.fingerprint = c.fingerprint AND b.version = c.version
GROUP BY c.fingerprint, c.version ORDER BY b.opened_s IS NULL, sum(c.reports) DESC, s.error, c.version
"""


class VaultBroken(Unavailable):
    """The vault's book is not what was written: {reason}."""

    code = "vault-broken"
    hint = "Nothing is lost: stop the server, remove vault.db in the intake folder, and start it again."


class VaultBook:
    """The book in a folder; one that is broken is made anew. Raises FileUnusable wherever the disk fails."""

    def __init__(self, folder: Path) -> None:
        self._path, self._lock = folder / FILE_NAME, threading.Lock()
        self._known: int | None = None
        """How many shapes are in it, each by release; None: to be counted."""
        try:
            self._open()
        except VaultBroken:  # The log has all that stood in it.
            for end in ("", "-wal", "-shm"):
                self._path.with_name(FILE_NAME + end).unlink(missing_ok=True)
            self._open()

    def _open(self) -> None:
        with told(self._path, _broken):
            self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            try:
                self._path.chmod(0o600)
                (form,) = self._database.execute("PRAGMA user_version").fetchone()
                if form != _FORM and self._database.execute("SELECT 1 FROM sqlite_schema").fetchone():
                    raise VaultBroken(reason="it is of another release")
                self._database.executescript(
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA trusted_schema=OFF;"
                    + f"PRAGMA user_version={_FORM};"
                    + files(__package__).joinpath("vault_book.sql").read_text(encoding="utf-8")
                )
                self._database.execute("INSERT OR IGNORE INTO followed VALUES (1, 0)")
            except BaseException:
                self._database.close()
                raise

    def close(self) -> None:
        """Free the file."""
        with self._lock:
            self._database.close()

    @property
    def pos(self) -> int:
        """How far the store's entries are in it."""
        with self._lock, told(self._path, _broken):
            (pos,) = self._database.execute("SELECT pos FROM followed").fetchone()
        return int(pos)

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock, told(self._path, _broken):
            self._known = None
            self._database.executescript(
                "BEGIN IMMEDIATE; DELETE FROM shape; DELETE FROM counted; DELETE FROM bug; DELETE FROM terms;"
                "DELETE FROM met;"
                "UPDATE followed SET pos = 0; COMMIT;"
            )

    def enter(self, noticed: Iterable[Noticed], pos: int) -> None:
        """What stood in the entries up to `pos`: all of it or nothing."""
        with self._lock, told(self._path, _broken):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                for each in noticed:
                    self._enter(each)
                self._database.execute("UPDATE followed SET pos = ?", (pos,))
                self._database.execute("COMMIT")
            except BaseException:
                self._known = None
                self._database.execute("ROLLBACK")
                raise

    def _enter(self, one: Noticed) -> None:
        execute = self._database.execute
        match one:
            case Shape(fingerprint, error, frames, version, day, count):
                if self._has_room(fingerprint, version, day):
                    execute("INSERT OR IGNORE INTO shape VALUES (?, ?, ?)", (fingerprint, error, encode_json(frames)))
                    execute(_COUNT, (fingerprint, version, day, count))
            case Bug(fingerprint, version, opened_s):
                execute("INSERT OR IGNORE INTO bug VALUES (?, ?, ?)", (fingerprint, version, opened_s))
            case Terms() if self._has_room_for_terms(one):
                execute("INSERT INTO terms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(one))

    def _begin(self, day: int) -> None:
        """With a day's first report goes what is too old."""
        execute = self._database.execute
        if execute("INSERT OR IGNORE INTO met VALUES (?, 0, 0, 0, 0)", (day,)).rowcount:
            execute(_UNSEEN, (self._since(UNSEEN_DAYS),))
            execute(_UNCOUNTED)
            execute("DELETE FROM terms WHERE day < ?", (self._since(TERMS_DAYS),))
            self._known = None

    def _since(self, days: int) -> int:
        """The day with so many later ones in the book; 0 where there are fewer."""
        found = self._database.execute("SELECT day FROM met ORDER BY day DESC LIMIT 1 OFFSET ?", (days,)).fetchone()
        return found[0] if found else 0

    def _has_room_for_terms(self, one: Terms) -> bool:
        """Whether the book takes it."""
        execute = self._database.execute
        self._begin(one.day)
        if execute("SELECT 1 FROM terms WHERE event = ?", (one.event,)).fetchone():
            return False
        (had,) = execute("SELECT terms FROM met WHERE day = ?", (one.day,)).fetchone()
        room = bool(had < TERMS_DAY_MAX)
        counts = (room, not room, one.day)
        execute("UPDATE met SET terms = terms + ?, terms_beyond = terms_beyond + ? WHERE day = ?", counts)
        return room

    def _has_room(self, fingerprint: bytes, version: str, day: int) -> bool:
        """Whether the book takes it: what it knows always, what is new within bounds."""
        execute = self._database.execute
        self._begin(day)
        which = (fingerprint, version)
        if execute("SELECT 1 FROM counted WHERE fingerprint = ? AND version = ?", which).fetchone():
            return True
        if self._known is None:
            (self._known,) = execute(
                "SELECT count(*) FROM (SELECT DISTINCT fingerprint, version FROM counted)"
            ).fetchone()
        (fresh,) = execute("SELECT fresh FROM met WHERE day = ?", (day,)).fetchone()
        room = fresh < FRESH_DAY_MAX and self._known < SHAPES_MAX
        self._known += room
        execute("UPDATE met SET fresh = fresh + ?, beyond = beyond + ? WHERE day = ?", (room, not room, day))
        return room

    def rising(self, day: int) -> list[tuple[Shape, int]]:
        """Shapes that rose on this day and have no bug record, each with the reports of the day before.

        The most reported first, and no more than make BUGS_DAY_MAX bug records on this day.
        """
        with self._lock, told(self._path, _broken):
            since = "SELECT count(*) FROM bug WHERE opened_s / 86400 = ?"
            (opened,) = self._database.execute(since, (day,)).fetchone()
            bounds = (day, RISING_REPORTS, RISING_TIMES, max(BUGS_DAY_MAX - opened, 0))
            rows = self._database.execute(_RISING, bounds).fetchall()
        return [
            (Shape(fingerprint, error, _frames(frames), version, day, today), before)
            for fingerprint, version, today, before, error, frames in rows
            if is_rising(today, before)
        ]


def shapes(folder: Path) -> list[dict[str, object]]:
    """Every shape of errors, by release; those with a bug record first. Beside a server too."""
    names = ("fingerprint", "error", "frames", "version", "reports", "errors", "first_day", "last_day", "opened_s")
    return [
        {
            **dict(zip(names, row, strict=True)),
            "frames": [f"{each.module}.{each.function}" for each in _frames(row[2])],
        }
        for row in _looked_up(folder, _SHAPES)
    ]


def beyond(folder: Path) -> list[dict[str, object]]:
    """How many reports of a day the book had no room for: of new shapes, of breaches; the newest day first."""
    query = "SELECT day * 86400, beyond, terms_beyond FROM met WHERE beyond OR terms_beyond ORDER BY day DESC"
    return [dict(zip(("day_s", "reports", "terms"), row, strict=True)) for row in _looked_up(folder, query)]


def breaches(folder: Path) -> list[dict[str, object]]:
    """What was reported as breaking terms, the newest first; each with its place in the log."""
    names = ("event", "log", "index", "at_s", "version", "region", "count", "payload")
    query = "SELECT event, log, seq, at, version, region, count, payload FROM terms ORDER BY at DESC"
    return [dict(zip(names, row, strict=True)) for row in _looked_up(folder, query)]


def _looked_up(folder: Path, query: str) -> Sequence[tuple[object, ...]]:
    path = folder / FILE_NAME
    if not path.exists():
        return []
    with told(path, _broken), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


def _frames(raw: object) -> tuple[Frame, ...]:
    assert isinstance(raw, bytes)
    return msgspec.json.decode(raw, type=tuple[Frame, ...])


def _broken(words: str) -> VaultBroken:
    return VaultBroken(reason=words)

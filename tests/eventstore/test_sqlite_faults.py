"""What SQLite's errors mean: which fault a file has, or that what stands in it is broken."""

import sqlite3
from pathlib import Path

import pytest

from scmanager.eventstore.file_faults import (
    DiskFailed,
    DiskFull,
    FileHeld,
    FileMoved,
    FileNotOpened,
    FileReadOnly,
    FileUnusable,
)
from scmanager.eventstore.sqlite_faults import identity, translated
from scmanager.eventstore.store import StoreDamaged

HERE = Path("events.db")


def fault(code: int | None, text: str = "what SQLite says") -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    if code is not None:
        error.sqlite_errorcode = code  # type: ignore[misc]  # as the module sets it
    return error


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CORRUPT_INDEX,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_IOERR_SHORT_READ,
    ],
)
def test_what_stands_there_otherwise_is_damage(code: int) -> None:
    error = translated(fault(code), HERE)
    assert type(error) is StoreDamaged
    assert error.facts["reason"] == "what SQLite says"


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_IOERR_WRITE, DiskFull),
        (sqlite3.SQLITE_BUSY, FileHeld),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, FileHeld),
        (sqlite3.SQLITE_LOCKED, FileHeld),
        (sqlite3.SQLITE_READONLY, FileReadOnly),
        (sqlite3.SQLITE_READONLY_DBMOVED, FileReadOnly),
        (sqlite3.SQLITE_CANTOPEN, FileNotOpened),
        (sqlite3.SQLITE_IOERR_READ, DiskFailed),
        (sqlite3.SQLITE_IOERR_FSYNC, DiskFailed),
        (sqlite3.SQLITE_NOMEM, FileUnusable),
        (None, FileUnusable),
    ],
)
def test_each_failure_has_its_own_meaning_and_hint(code: int | None, meaning: type[FileUnusable]) -> None:
    error = translated(fault(code), HERE)
    assert type(error) is meaning
    assert error.facts == {"path": "events.db", "reason": "what SQLite says"}
    assert len({each.hint for each in [FileUnusable, *FileUnusable.__subclasses__()]}) == 7


def test_whatever_fails_once_the_file_is_another_one_that_is_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.touch()
    was = identity(path)
    assert type(translated(fault(sqlite3.SQLITE_CORRUPT), path, was)) is StoreDamaged
    path.rename(tmp_path / "moved.db")
    for code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY_DBMOVED):
        assert type(translated(fault(code), path, was)) is FileMoved


def test_which_file_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    for each in ("events.db", "events.db-wal", "events.db-shm"):
        (tmp_path / each).touch()
    (tmp_path / "events.db-shm").chmod(0o400)
    error = translated(fault(sqlite3.SQLITE_READONLY, "attempt to write a readonly database"), path)
    assert str(error).endswith("(attempt to write a readonly database; not writable: events.db-shm).")
    assert translated(fault(sqlite3.SQLITE_FULL), path).facts["reason"] == "what SQLite says"


@pytest.mark.parametrize("text", ["no such table: entry", "could not decode to UTF-8"])
def test_a_schema_that_is_not_ours_is_damage(text: str) -> None:
    assert type(translated(fault(sqlite3.SQLITE_ERROR, text), HERE)) is StoreDamaged
    assert type(translated(fault(None, text), HERE)) is StoreDamaged
    assert type(translated(fault(sqlite3.SQLITE_BUSY, text), HERE)) is FileHeld


def test_text_that_is_none_is_damage() -> None:
    error = translated(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), HERE)
    assert type(error) is StoreDamaged
    assert error.facts["reason"] == "text in it is not readable"


def test_a_file_is_told_from_another_at_its_place(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert identity(one) is None
    one.touch()
    other.touch()
    was = identity(one)
    assert was == (one.stat().st_dev, one.stat().st_ino)
    other.replace(one)
    assert identity(one) != was

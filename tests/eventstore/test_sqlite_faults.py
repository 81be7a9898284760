"""What SQLite's errors mean: nothing was recorded, or the file is broken."""

import sqlite3
from pathlib import Path

import pytest

from scmanager.eventstore.sqlite_faults import identity, translated
from scmanager.eventstore.store import StoreBusy, StoreDamaged

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
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_FSYNC,
    ],
)
def test_what_cannot_be_read_back_is_damage(code: int) -> None:
    error = translated(fault(code), HERE)
    assert type(error) is StoreDamaged
    assert error.facts["reason"] == "what SQLite says"


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR_WRITE, None]
)
def test_what_was_not_written_is_busy(code: int | None) -> None:
    error = translated(fault(code), HERE)
    assert type(error) is StoreBusy
    assert error.facts["reason"] == "what SQLite says"


def test_which_file_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    for each in ("events.db", "events.db-wal", "events.db-shm"):
        (tmp_path / each).touch()
    (tmp_path / "events.db-shm").chmod(0o400)
    error = translated(fault(sqlite3.SQLITE_READONLY, "attempt to write a readonly database"), path)
    assert str(error).endswith("attempt to write a readonly database (not writable: events.db-shm).")
    assert translated(fault(sqlite3.SQLITE_FULL), path).facts["reason"] == "what SQLite says"


@pytest.mark.parametrize("text", ["no such table: entry", "could not decode to UTF-8"])
def test_a_schema_that_is_not_ours_is_damage(text: str) -> None:
    assert type(translated(fault(sqlite3.SQLITE_ERROR, text), HERE)) is StoreDamaged
    assert type(translated(fault(None, text), HERE)) is StoreDamaged
    assert type(translated(fault(sqlite3.SQLITE_BUSY, text), HERE)) is StoreBusy


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

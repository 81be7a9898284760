"""What SQLite's errors mean to whoever asked: nothing was recorded, or the file is broken."""

import os
import sqlite3
import stat
from pathlib import Path

from scmanager.eventstore.store import StoreBusy, StoreDamaged

# A damaged schema quoted in an error's message need not be UTF-8, which the module answers with its own exception.
FAULTS = (sqlite3.Error, UnicodeDecodeError)
# A constraint that fails: a row that must be new exists, heads and entries do not agree.
_BROKEN = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_CONSTRAINT,
}


# A file that cannot grow (a full disk) takes nothing with it; bytes that cannot be read back do, and bytes that the
# disk did not take when it was told to keep them.
_UNREADABLE = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
}


_ANY_MAY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at a path now, by volume and number; None when none does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def translated(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> StoreBusy | StoreDamaged:
    """Disk full, locked or read-only: nothing was recorded. A broken file or disk: stop. `path`: the database."""
    if isinstance(error, UnicodeDecodeError):
        return StoreDamaged(reason="text in it is not readable")
    text = str(error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    unreadable = code in _UNREADABLE
    foreign = code == sqlite3.SQLITE_ERROR and ("no such" in text or "decode" in text)
    if code & 0xFF in _BROKEN or unreadable or foreign:
        return StoreDamaged(reason=text)
    closed = _not_writable(path) if code & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) else []
    return StoreBusy(reason=text + (f" (not writable: {', '.join(closed)})" if closed else ""))


def _not_writable(path: Path) -> list[str]:
    """The database, the files that SQLite keeps beside it, and their folder, as far as they cannot be written."""
    there = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")), path.parent]
    return [each.name or str(each) for each in there if _is_closed(each)]


def _is_closed(path: Path) -> bool:
    """Whether a file is there and marked as not to be written, or not to be written by us."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (mode & _ANY_MAY_WRITE and os.access(path, os.W_OK))

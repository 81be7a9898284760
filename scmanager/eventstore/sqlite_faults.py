"""What SQLite's errors mean to whoever asked: nothing was recorded, or the file is broken."""

import sqlite3
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


def identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at a path now, by volume and number; None when none does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def translated(error: sqlite3.Error | UnicodeDecodeError) -> StoreBusy | StoreDamaged:
    """Disk full, locked or read-only: nothing was recorded. A broken file or disk: stop."""
    if isinstance(error, UnicodeDecodeError):
        return StoreDamaged(reason="text in it is not readable")
    text = str(error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    unreadable = code in _UNREADABLE
    foreign = code == sqlite3.SQLITE_ERROR and ("no such" in text or "decode" in text)
    if code & 0xFF in _BROKEN or unreadable or foreign:
        return StoreDamaged(reason=text)
    return StoreBusy(reason=text)

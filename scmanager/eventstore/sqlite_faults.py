"""What SQLite's errors mean to whoever asked: which fault a file has, or that what stands in it is broken."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scmanager.eventstore.file_faults import (
    DiskFailed,
    DiskFull,
    FileHeld,
    FileMoved,
    FileNotOpened,
    FileReadOnly,
    FileUnusable,
)
from scmanager.eventstore.store import StoreDamaged

# A damaged schema quoted in an error's message need not be UTF-8, which the module answers with its own exception.
FAULTS = (sqlite3.Error, UnicodeDecodeError)
Fault = sqlite3.Error | UnicodeDecodeError

# A constraint that fails: a row that must be new exists, heads and entries do not agree.
_BROKEN = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_CONSTRAINT,
}
# Fewer bytes than there were, or others.
_CUT = {sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA}
# A full disk is SQLITE_FULL; a share of it that is used up, or a limit of the process, fails the write itself.
_TAKES_NO_MORE = {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
_MEANINGS: dict[int, type[FileUnusable]] = {
    sqlite3.SQLITE_CANTOPEN: FileNotOpened,
    sqlite3.SQLITE_PERM: FileNotOpened,
    sqlite3.SQLITE_READONLY: FileReadOnly,
    sqlite3.SQLITE_BUSY: FileHeld,
    sqlite3.SQLITE_LOCKED: FileHeld,
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_IOERR: DiskFailed,
}
_ANY_MAY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH

Identity = tuple[int, int]


def identity(path: Path) -> Identity | None:
    """Which file stands at a path now, by volume and number; None when none does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def file_fault(error: Fault, path: Path, was: Identity | None = None) -> FileUnusable | None:
    """What is wrong with the database `path`; None when what stands in it is broken.

    `was`: which file it is that was opened. If another one stands there by now, nothing else counts.
    """
    if was is not None and identity(path) != was:
        return FileMoved(path=str(path))
    if isinstance(error, UnicodeDecodeError):
        return None
    text, code = str(error), getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    foreign = code == sqlite3.SQLITE_ERROR and ("no such" in text or "decode" in text)
    if code & 0xFF in _BROKEN or code in _CUT or foreign:
        return None
    meaning = DiskFull if code in _TAKES_NO_MORE else _MEANINGS.get(code & 0xFF, FileUnusable)
    closed = _not_writable(path) if meaning in (FileReadOnly, FileNotOpened) else []
    return meaning(path=str(path), reason=text + (f"; not writable: {', '.join(closed)}" if closed else ""))


def translated(error: Fault, path: Path, was: Identity | None = None) -> FileUnusable | StoreDamaged:
    """The same for an event store, with what is broken as damage."""
    return file_fault(error, path, was) or damaged(_words(error))


def damaged(words: str) -> StoreDamaged:
    """What is broken in an event store."""
    return StoreDamaged(reason=words)


def _words(error: Fault) -> str:
    return "text in it is not readable" if isinstance(error, UnicodeDecodeError) else str(error)


@contextmanager
def told(path: Path, broken: Callable[[str], Exception], was: Identity | None = None) -> Iterator[None]:
    """SQLite's errors as the file's faults; what is broken as `broken` says it of SQLite's words."""
    try:
        yield
    except FAULTS as error:
        raise file_fault(error, path, was) or broken(_words(error)) from error


def _not_writable(path: Path) -> list[str]:
    """The database, the files that SQLite keeps beside it, and their folder, as far as they cannot be written."""
    there = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")), path.parent]
    return [each.name or str(each) for each in there if _is_closed(each)]


def _is_closed(path: Path) -> bool:
    """Whether a file is there and marked as not to be written, or not to be written by us."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (mode & _ANY_MAY_WRITE and os.access(path, os.W_OK))

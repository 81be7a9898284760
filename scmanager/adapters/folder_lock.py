"""A lock on a folder: one process at a time, given back by the system when its holder dies, however it dies."""

import enum
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from scmanager.errors import Conflict, Misconfigured

if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 30  # A locked byte cannot be read by others; the holder's process id stands before it.

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        # flock, not lockf: lockf lets one process lock twice and lets go at the first close of the file.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_TEXT_BYTES_MAX = 40


class Holder(enum.StrEnum):
    """What holds a lock, as it says itself in the lock's file; it decides how long others wait."""

    NODE = "node"
    QUERY = "query"
    """A node for the moment: it starts and stops the database."""
    COMMAND = "command"
    PROCESS = "process"


class FolderInUse(Conflict):
    """Another {what} (number {holder}) already works in {folder}."""

    code = "folder-in-use"
    hint = (
        "Wait until it has finished, or stop it (a node: with Ctrl+C where it was started). "
        "Or give this one a data folder of its own."
    )


class FolderNotLockable(Misconfigured):
    """The folder {folder} cannot be locked ({reason})."""

    code = "folder-not-lockable"
    hint = "Choose a data folder on a local disk that you may write to, not on a network share."


def holder_of(path: Path) -> int | None:
    """The process number that the last holder of a lock wrote, whether or not it still lives; None without one."""
    try:
        return int(path.read_bytes()[:_TEXT_BYTES_MAX].partition(b" ")[0])
    except (OSError, ValueError):
        return None


def _said_in(descriptor: int) -> tuple[str, Holder]:
    """The holder's number and what it is. It may be about to write them: then a question mark, and a process."""
    number, _, what = os.read(descriptor, _TEXT_BYTES_MAX).decode("ascii", "replace").strip().partition(" ")
    return number or "?", Holder(what) if what in set(Holder) else Holder.PROCESS


class FolderLock:
    """The exclusive right to work in the folder that holds the file `path`; one file for each purpose.

    Not inherited by programs that the holder starts; inherited by a plain fork. The file itself stays: deleting
    it would let two processes lock two files of one name.
    """

    def __init__(self, path: Path, what: Holder = Holder.PROCESS) -> None:
        self.path = path
        self._what = what
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take it now or raise FolderInUse; never waits. Raises FolderNotLockable where locks do not work."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise FolderNotLockable(folder=str(self.path.parent), reason=error.strerror) from error
        try:
            _try_lock(descriptor)
        except (BlockingIOError, PermissionError):
            holder, what = _said_in(descriptor)
            os.close(descriptor)
            raise FolderInUse(folder=str(self.path.parent), holder=holder, what=what.value) from None
        except OSError as error:
            os.close(descriptor)
            raise FolderNotLockable(folder=str(self.path.parent), reason=error.strerror) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {self._what.value}".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back. Asking twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)  # Closing unlocks, on every system.
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

"""A lock on a folder: one process at a time, given back by the system when its holder dies, however it dies."""

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


class FolderInUse(Conflict):
    """Another process (number {holder}) already works in {folder}."""

    code = "folder-in-use"
    hint = "Stop the other node first, or give this one a data folder of its own."


class FolderNotLockable(Misconfigured):
    """The folder {folder} cannot be locked ({reason})."""

    code = "folder-not-lockable"
    hint = "Choose a data folder on a local disk that you may write to, not on a network share."


def holder_of(path: Path) -> int | None:
    """The process number that the last holder of a lock wrote, whether or not it still lives; None without one."""
    try:
        return int(path.read_bytes()[:20])
    except (OSError, ValueError):
        return None


class FolderLock:
    """The exclusive right to work in the folder that holds the file `path`; one file for each purpose.

    Not inherited by programs that the holder starts; inherited by a plain fork. The file itself stays: deleting
    it would let two processes lock two files of one name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise FolderInUse(folder=str(self.path.parent), holder=holder or "?") from None
        except OSError as error:
            os.close(descriptor)
            raise FolderNotLockable(folder=str(self.path.parent), reason=error.strerror) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
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

"""A place for PostgreSQL outside of the node's folder: whose it is, who works there, when nobody needs it any more.

It is a folder of random name that belongs to us. In it lie `owner.json`, which names the node's folder by path, by an
id and by its numbers on the volume; `lock`, held by the node that works there; and `cluster`, the account's, with the
data. A copy of the node's folder has the id, but other numbers: it gets a place of its own.

What lies in a place are words in clear, made again from the events at any time. So whoever starts removes the places
whose folder is gone: only with our mark, never another user's, one that is held, or one in which a server runs.
"""

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, Self

import msgspec

from scmanager.adapters.folder_lock import FolderInUse, FolderLock, FolderNotLockable
from scmanager.adapters.postgres_account import Account
from scmanager.adapters.postgres_process import find_postmaster

PREFIX = "scm-data-"
RECORD = "postgres-elsewhere.json"
_MARK, _LOCK, _CLUSTER = "owner.json", "lock", "cluster"
_FILE_BYTES_MAX = 16_384
_REMOVED_MAX = 4
"""At one start: nobody waits long for what others left."""


class Record(msgspec.Struct):
    """In the node's folder: what of it stands outside. It counts only in the folder with these numbers."""

    folder: str = ""
    """See folder_mark.place_of."""
    id: str = ""
    cluster: str = ""
    sockets: str = ""
    programs: str = ""
    programs_of: str = ""


class Owner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose a place is: what stands in its `owner.json`."""

    format: Literal["scm-cluster/1"]
    path: str
    """The node's folder as its node saw it last."""
    folder: str
    id: str


class Outside:
    """One place, held until `release`."""

    def __init__(self, path: Path, account: Account) -> None:
        self.path = path
        self.cluster = path / _CLUSTER
        self._account = account
        self._lock = FolderLock(path / _LOCK)

    @classmethod
    def make(cls, path: Path, account: Account, owner: Owner) -> Self:
        """Make an empty folder of ours a place. Raises OSError, FolderNotLockable."""
        made = cls(path, account)
        made._lock.acquire()  # Before it says whose it is: whoever looks for places that nobody needs sees it held.
        made.cluster.mkdir(mode=0o700)
        account.give(made.cluster)
        made.own(owner)
        return made

    @classmethod
    def take(cls, path: Path, account: Account, owner: Owner) -> Self | None:
        """The place if it is still this folder's, and nobody else holds it."""
        if (said := owner_of(path)) is None or (said.id, said.folder) != (owner.id, owner.folder):
            return None
        taken = cls(path, account)
        try:
            taken._lock.acquire()
        except (FolderInUse, FolderNotLockable):
            return None
        if not taken.there():  # Somebody removed it meanwhile.
            taken.release()
            return None
        if said != owner:  # The folder was renamed.
            taken.own(owner)
        return taken

    def own(self, owner: Owner) -> None:
        """Write whose it is; whole, or not at all."""
        fresh = self.path / f"{_MARK}.new"
        fresh.unlink(missing_ok=True)
        os.close(write_new(fresh, msgspec.json.encode(owner)))
        fresh.replace(self.path / _MARK)

    def there(self) -> bool:
        """Whether it still stands, with its mark."""
        return owner_of(self.path) is not None and _is_folder_of(self.cluster, self._account.uid)

    def release(self) -> None:
        """Let others have it. Asking twice is harmless."""
        self._lock.release()


def write_new(path: Path, data: bytes) -> int:
    """Write a new 0600 file; refuses an existing one and follows no link. Gives its open descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o600)
    os.write(descriptor, data)
    return descriptor


def owner_of(path: Path) -> Owner | None:
    """Whose a folder says that it is; None when it is no place of ours."""
    if not path.name.startswith(PREFIX) or not _is_folder_of(path, _own_uid()):
        return None
    return parse_owner(_read_own(path / _MARK) or b"")


def parse_owner(raw: bytes) -> Owner | None:
    """None for whatever is not one."""
    with contextlib.suppress(msgspec.MsgspecError):
        return msgspec.json.decode(raw, type=Owner)
    return None


def read_record(folder: Path) -> Record:
    """What a node's folder says stands outside of it; empty when the file is not our own."""
    # We delete what this file names, so it must be our own: root may be started in a folder of somebody else.
    with contextlib.suppress(msgspec.MsgspecError):
        return msgspec.json.decode(_read_own(folder / RECORD) or b"", type=Record)
    return Record()


def remove_abandoned(bases: Iterable[str], account: Account) -> list[Path]:
    """Remove places whose folder is gone, a few at a time; those that were removed."""
    removed: list[Path] = []
    for path in _places(bases):
        if len(removed) == _REMOVED_MAX:
            break
        with contextlib.suppress(OSError, FolderInUse, FolderNotLockable):
            if _is_abandoned(path) and _remove(path, account):
                removed.append(path)
    return removed


def _places(bases: Iterable[str]) -> Iterator[Path]:
    for base in dict.fromkeys(bases):
        with contextlib.suppress(OSError):
            yield from sorted(Path(base).glob(f"{PREFIX}*"))


def _remove(path: Path, account: Account) -> bool:
    with FolderLock(path / _LOCK):
        # Again, now that nobody can come in. A server that a killed node left behind works on: it is left alone.
        if not _is_abandoned(path) or find_postmaster(path / _CLUSTER / "data", account) is not None:
            return False
        shutil.rmtree(path)
        return True


def _is_abandoned(path: Path) -> bool:
    """Whether it is a place of ours that no folder counts as its own. Raises OSError when that cannot be seen."""
    owner = owner_of(path)
    if owner is None:
        return False
    try:
        Path(owner.path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    record = read_record(Path(owner.path))
    return (record.id, record.cluster) != (owner.id, str(path))


def _is_folder_of(path: Path, uid: int) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and (sys.platform == "win32" or status.st_uid == uid)


def _read_own(path: Path) -> bytes | None:
    """A small plain file of our own user, not by a link."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        ours = stat.S_ISREG(status.st_mode) and (sys.platform == "win32" or status.st_uid == _own_uid())
        return os.read(descriptor, _FILE_BYTES_MAX) if ours else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


if sys.platform == "win32":

    def _own_uid() -> int:
        return 0

else:

    def _own_uid() -> int:
        return os.geteuid()

"""Where a private PostgreSQL keeps its things: data, socket, password, diagnostics.

In the node's folder: `postgres.lock`, `postgres.password` (0600), `postgres.log` (0600), and `postgres/` with
`data` and, if its path is short enough, `socket`. What cannot stand there stands outside, in folders of random name
listed in `postgres-elsewhere.json`, which counts in this folder only and not in a copy of it:
- the data (postgres_outside.py), when we are root and the lent user cannot reach the node's folder (a 0700 home, the
  usual case), or when the folder's file system keeps no permissions (a stick), which PostgreSQL insists on;
- a copy of the programs, when that user cannot reach them;
- the socket, when its path would not fit into the 104 to 108 bytes that systems allow.

A node in a temporary or RAM folder keeps these in the same temporary or RAM place; others use /var/lib or /var/tmp.
"""

import contextlib
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scmanager.adapters.folder_mark import place_of
from scmanager.adapters.postgres_account import Account
from scmanager.adapters.postgres_binaries import Binaries, copy_out
from scmanager.adapters.postgres_outside import (
    PREFIX,
    RECORD,
    Outside,
    Owner,
    Record,
    read_record,
    remove_abandoned,
    write_new,
)
from scmanager.errors import Misconfigured

_PREFIX = "scm-"
_SOCKET_PATH_MAX = 100
_SOCKET_NAME = "/.s.PGSQL.5432"
_RAM = "/dev/shm"  # noqa: S108  # used for a folder of random name, 0700
_RAM_FREE_BYTES_MIN = 512 << 20  # Containers often have 64 MB; data and its log take 40 to 300.
_LOG_SIZE_BYTES_MAX = 1 << 20


class FolderUnusable(Misconfigured):
    """The folder {folder} cannot be used for PostgreSQL ({reason})."""

    code = "postgres-folder-unusable"
    hint = "Choose a data folder you may write to, and always start the node as the same user."


class Place:
    """The folders of one private PostgreSQL. Making it makes the folders; raises FolderUnusable."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        self.account = account
        self.log = folder / "postgres.log"
        self.lock = folder / "postgres.lock"
        self._password_file = folder / "postgres.password"
        self._record = folder / RECORD
        self._elsewhere = Record()
        self._outside: Outside | None = None
        self.cluster = folder / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder; may not exist yet."""
        return self.cluster / "data"

    def make(self) -> None:
        """Make the folder that holds the data, where the account can reach it. Idempotent; the lock must be held."""
        here = place_of(self.folder, self.lock) or str(self.folder)
        self._elsewhere = read_record(self.folder)
        if self._elsewhere.folder != here:  # A copy of the folder that it was written in.
            self._elsewhere = Record(here, secrets.token_hex(16))
        reachable = self.account.can("x", self.folder)
        if reachable and self._keeps_permissions():
            return
        if self._outside is None or not self._outside.there():
            self.release()
            self._outside = self._find_outside() or self._new_outside(reachable=reachable)
        self.cluster = self._outside.cluster

    def release(self) -> None:
        """Let go of what stands outside. Asking twice is harmless."""
        if self._outside is not None:
            self._outside.release()
            self._outside = None

    def remove_abandoned(self) -> None:
        """Remove what nodes whose folder is gone left where this one might put its data."""
        remove_abandoned([*self._sticky(), *_bases(), _RAM], self.account)

    def _owner(self) -> Owner:
        return Owner("scm-cluster/1", str(self.folder), self._elsewhere.folder, self._elsewhere.id)

    def _find_outside(self) -> Outside | None:
        known = self._elsewhere.cluster
        return Outside.take(Path(known), self.account, self._owner()) if known else None

    def _new_outside(self, *, reachable: bool) -> Outside:
        # A stick without permissions is somebody's who means to leave nothing behind: RAM, where there is some.
        made = self._make_outside(PREFIX, *(_ram() if reachable else ()), *self._bases())
        found = Outside.make(made, self.account, self._owner())
        self._elsewhere.cluster = str(made)
        self._write_record()
        return found

    def usable(self, binaries: Binaries) -> Binaries:
        """These programs, or a copy of them where the account can run it."""
        if self._can_run(binaries):
            return binaries
        known = self._elsewhere
        if known.programs and known.programs_of == binaries.fingerprint:
            copy = Path(known.programs) / binaries.bin.relative_to(_anchor(binaries))
            if self._can_run(found := Binaries(copy, binaries.major, binaries.source)):
                return found
        _remove(known.programs)
        for base in self._bases():
            target = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}programs-", dir=base))
            found = copy_out(binaries, target)
            if self._can_run(found):
                known.programs, known.programs_of = str(target), binaries.fingerprint
                self._write_record()
                return found
            _remove(str(target))  # Mounted without the right to execute.
        raise FolderUnusable(folder=str(binaries.bin), reason="the user who runs PostgreSQL cannot execute it")

    def sockets(self) -> Path:
        """The 0700 folder for the socket; short, and without the characters that connection strings split at."""
        inside = self.cluster / "socket"
        if _fits(inside):
            self._make_owned(inside)
            return inside
        known = self._elsewhere.sockets
        if not (known and self._is_ours(Path(known))):
            self._elsewhere.sockets = str(self._make_outside(f"{_PREFIX}socket-", tempfile.gettempdir(), "/tmp"))  # noqa: S108
            self._write_record()
        return Path(self._elsewhere.sockets)

    def password(self) -> tuple[str, bool]:
        """The server's password, and whether it had to be made just now."""
        with contextlib.suppress(FileNotFoundError):
            known = self._password_file.read_text("ascii").strip()
            if known:
                return known, False
        made = secrets.token_urlsafe(32)
        self._password_file.unlink(missing_ok=True)
        os.close(self.write_secret(self._password_file, made))
        return made, True

    def write_secret(self, path: Path, text: str) -> int:
        """Write a new 0600 file; refuses an existing one and follows no link. Gives its open descriptor."""
        return write_new(path, text.encode())

    def open_log(self) -> int:
        """A descriptor that appends to the log, 0600. The last megabyte and more is kept as `.old`."""
        if self.log.exists() and self.log.stat().st_size > _LOG_SIZE_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.old"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def log_size(self) -> int:
        """How much stands in the log by now, in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0

    def log_since(self, offset: int, lines: int = 12) -> str:
        """The last lines of what was written behind `offset`."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(offset, self.log_size() - 8192))
                return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""

    def forget_stale_socket(self) -> None:
        """Remove what a killed server left in the socket folder. Call only when no server runs.

        PostgreSQL would not start while the number in its lock file belongs to any process of the same user, even to
        the killed one that nobody has buried yet.
        """
        for folder in (self.cluster / "socket", Path(self._elsewhere.sockets or os.devnull)):
            for name in (_SOCKET_NAME, f"{_SOCKET_NAME}.lock"):
                with contextlib.suppress(OSError):
                    (folder / name.lstrip("/")).unlink()

    def remove_sockets(self) -> None:
        """Remove a socket folder that stands outside; a stopped node leaves none behind."""
        if self._elsewhere.sockets:
            _remove(self._elsewhere.sockets)
            self._elsewhere.sockets = ""
            self._write_record()

    def remove(self) -> None:
        """Remove everything but the lock file, inside the node's folder and outside of it. Call `make` before."""
        for path in (self._elsewhere.cluster, self._elsewhere.sockets, self._elsewhere.programs):
            _remove(path)
        shutil.rmtree(self.folder / "postgres", ignore_errors=True)
        for file in (self._password_file, self.log, self.log.with_suffix(".log.old"), self._record):
            file.unlink(missing_ok=True)

    def _can_run(self, binaries: Binaries) -> bool:
        catalogue = binaries.bin.parent / "share" / "postgres.bki"
        if catalogue.exists() and not self.account.can("r", catalogue):
            return False
        return not self.account.lent or all(
            self.account.runs(binaries.program(name)) for name in ("initdb", "postgres")
        )

    def _bases(self) -> Iterator[str]:
        yield from [near for near in self._sticky() if self.account.can("x", Path(near))][:1]
        for base in _bases():
            if self.account.can("x", Path(base)) and os.access(base, os.W_OK):
                yield base

    def _sticky(self) -> Iterator[str]:
        """Temporary places that the node's folder is in."""
        return (str(near) for near in self.folder.parents if near.stat().st_mode & stat.S_ISVTX)

    def _keeps_permissions(self) -> bool:
        """Whether the node's folder can hold the data: most sticks' file systems know no owners and no 0700."""
        try:
            self._make_owned(self.cluster)
        except PermissionError:
            self.cluster.rmdir()
            return False
        if sys.platform == "win32" or not stat.S_IMODE(self.cluster.stat().st_mode) & 0o077:
            return True
        self.cluster.rmdir()
        return False

    def _make_owned(self, path: Path) -> None:
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            if not self._is_ours(path):
                raise FolderUnusable(folder=str(path), reason="it belongs to another user") from None
        else:
            self.account.give(path)

    def _make_outside(self, prefix: str, *bases: str) -> Path:
        """The socket's folder is the account's; that of the data is ours, with one of the account's in it."""
        sockets = prefix != PREFIX
        reason = "there is no place outside of it either"
        for base in bases:
            try:
                made = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
            except OSError as error:
                reason = str(error.strerror)
                continue
            if sockets:
                self.account.give(made)
            elif self.account.lent:
                made.chmod(0o711)
            if (not sockets or _fits(made)) and self.account.can("x", made):
                return made
            made.rmdir()
        raise FolderUnusable(folder=str(self.folder), reason=reason)

    def _is_ours(self, path: Path) -> bool:
        try:
            status = path.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and (sys.platform == "win32" or status.st_uid == self.account.uid)

    def _write_record(self) -> None:
        self._record.unlink(missing_ok=True)
        os.close(self.write_secret(self._record, msgspec.json.encode(self._elsewhere).decode()))


def _bases() -> tuple[str, ...]:
    return ("/var/lib", "/var/tmp", tempfile.gettempdir())  # noqa: S108


def _ram() -> tuple[str, ...]:
    try:
        return (_RAM,) if shutil.disk_usage(_RAM).free >= _RAM_FREE_BYTES_MIN else ()
    except OSError:
        return ()


def _fits(folder: Path) -> bool:
    # libpq takes a comma for a list of hosts, the server takes quotes for a quoted name.
    return len(os.fsencode(folder)) + len(_SOCKET_NAME) <= _SOCKET_PATH_MAX and not set(",'\"") & set(str(folder))


def _anchor(binaries: Binaries) -> Path:
    """The folder that `copy_out` maps to its target."""
    root = binaries.bin.parent
    return root.parent.parent if binaries.source == "wheel" else root.parent


def _remove(path: str) -> None:
    if path and Path(path).name.startswith(_PREFIX):
        shutil.rmtree(path, ignore_errors=True)

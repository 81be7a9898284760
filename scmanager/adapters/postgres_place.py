"""Where a private PostgreSQL keeps its things: data, socket, password, diagnostics.

In the node's folder: `postgres.lock`, `postgres.password` (0600), `postgres.log` (0600), and `postgres/` with
`data` and, if its path is short enough, `socket`. What cannot stand there stands outside, in folders of random name
listed in `postgres-elsewhere.json`:
- the data, when we are root and the lent user cannot reach the node's folder (a 0700 home, the usual case);
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

from scmanager.adapters.postgres_account import Account
from scmanager.adapters.postgres_binaries import Binaries, copy_out
from scmanager.errors import Misconfigured

_PREFIX = "scm-"
_SOCKET_PATH_MAX = 100
_SOCKET_NAME = "/.s.PGSQL.5432"
_LOG_SIZE_BYTES_MAX = 1 << 20


class FolderUnusable(Misconfigured):
    """The folder {folder} cannot be used for PostgreSQL ({reason})."""

    code = "postgres-folder-unusable"
    hint = "Choose a data folder you may write to, and always start the node as the same user."


class _Elsewhere(msgspec.Struct):
    cluster: str = ""
    sockets: str = ""
    programs: str = ""
    programs_of: str = ""


class Place:
    """The folders of one private PostgreSQL. Making it makes the folders; raises FolderUnusable."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        self.account = account
        self.log = folder / "postgres.log"
        self.lock = folder / "postgres.lock"
        self._password_file = folder / "postgres.password"
        self._record = folder / "postgres-elsewhere.json"
        self._elsewhere = self._read_record()
        self.cluster = folder / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder; may not exist yet."""
        return self.cluster / "data"

    def make(self) -> None:
        """Make the folder that holds the data, where the account can reach it. Idempotent."""
        if self.account.can("x", self.folder):
            self._make_owned(self.cluster)
            return
        known = self._elsewhere.cluster
        if not (known and self._is_ours(Path(known))):
            self._elsewhere.cluster = str(self._make_outside("data"))
            self._write_record()
        self.cluster = Path(self._elsewhere.cluster)

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
            self._elsewhere.sockets = str(self._make_outside("socket", tempfile.gettempdir(), "/tmp"))  # noqa: S108
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
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o600)
        os.write(descriptor, text.encode())
        return descriptor

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

    def remove_sockets(self) -> None:
        """Remove a socket folder that stands outside; a stopped node leaves none behind."""
        if self._elsewhere.sockets:
            _remove(self._elsewhere.sockets)
            self._elsewhere.sockets = ""
            self._write_record()

    def remove(self) -> None:
        """Remove everything but the lock file, inside the node's folder and outside of it."""
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
        near = next(parent for parent in self.folder.parents if self.account.can("x", parent))
        if near.stat().st_mode & stat.S_ISVTX:
            yield str(near)
        for base in ("/var/lib", "/var/tmp", tempfile.gettempdir()):  # noqa: S108
            if self.account.can("x", Path(base)) and os.access(base, os.W_OK):
                yield base

    def _make_owned(self, path: Path) -> None:
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            if not self._is_ours(path):
                raise FolderUnusable(folder=str(path), reason="it belongs to another user") from None
        else:
            self.account.give(path)

    def _make_outside(self, what: str, *bases: str) -> Path:
        reason = "there is no place outside of it either"
        for base in bases or self._bases():
            try:
                made = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{what}-", dir=base))
            except OSError as error:
                reason = str(error.strerror)
                continue
            self.account.give(made)
            if (what != "socket" or _fits(made)) and self.account.can("x", made):
                return made
            made.rmdir()
        raise FolderUnusable(folder=str(self.folder), reason=reason)

    def _is_ours(self, path: Path) -> bool:
        try:
            status = path.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and (sys.platform == "win32" or status.st_uid == self.account.uid)

    def _read_record(self) -> _Elsewhere:
        # We delete what this file names, so it must be our own: root may be started in a folder of somebody else.
        try:
            if sys.platform != "win32" and self._record.lstat().st_uid != os.geteuid():
                return _Elsewhere()
            return msgspec.json.decode(self._record.read_bytes(), type=_Elsewhere)
        except (OSError, msgspec.MsgspecError):
            return _Elsewhere()

    def _write_record(self) -> None:
        self._record.unlink(missing_ok=True)
        os.close(self.write_secret(self._record, msgspec.json.encode(self._elsewhere).decode()))


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

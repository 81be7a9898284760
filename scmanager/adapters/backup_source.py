"""What goes into a backup: one consistent picture of a data folder, taken while a node writes or while none does.

Events come first and keys after: a key is kept before the entry that names it, so every entry's key is there, unless
it was destroyed in between. Both are copied by SQLite itself (VACUUM INTO: one read transaction, writers go on, no
free page comes along), and the events are audited before anything is sealed.

An author's intake log comes along from its folder, without its key: the copy signs nothing (ADR 20).

Not in it: the read models and the tree of a ledger's log (made anew), the folder's id and mark (a restored folder is
another one, and begins new logs), and what a running node leaves for other programs. The wrapping keys of the state
folder come along only into a sealed backup: an open one stays worthless without them (ADR 6), and so do recovery
sheets.
"""

import hashlib
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from scmanager import __version__
from scmanager.adapters import identity, key_vault, seen_file
from scmanager.adapters.backup_file import (
    INTAKE_FILE,
    INTAKE_FOLDER,
    NAMES,
    HeadLine,
    Item,
    Manifest,
    new_lock,
    sealed,
    sealed_bytes,
    size_max,
)
from scmanager.adapters.private_files import PrivateFileFailed, read_private
from scmanager.adapters.wrapping import FileLock
from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore import audit
from scmanager.eventstore.file_faults import DiskFailed, DiskFull
from scmanager.eventstore.sqlite_faults import FAULTS, file_fault

EVENTS_FILE = "events.db"
RECOVERY_FILE = "recovery.json"
PIECE_BYTES = 1 << 18

Advance = Callable[[int], None]


class FolderUnsound(Untrusted):
    """The events in {folder} are not what was signed, so they were not backed up: {what}."""

    code = "backup-folder-unsound"
    hint = "Look at it with scm log verify --deep; keep the folder as evidence, and restore the newest backup."


class SnapshotFailed(Unavailable):
    """No picture of {name} could be taken: {reason}."""

    code = "backup-snapshot-failed"
    hint = "Check that the disk of the data folder has as much room again as the events take, and try again."


class Snapshot:
    """A picture of a data folder that waits to be written."""

    def __init__(self, manifest: Manifest, bodies: list[bytes | Path]) -> None:
        self.manifest = manifest
        self._bodies = bodies

    def bodies(self, advance: Advance = lambda _: None) -> Iterator[bytes]:
        """The files' bytes in the manifest's order. Raises PrivateFileFailed."""
        for body in self._bodies:
            for piece in _pieces(body):
                yield piece
                advance(len(piece))


class SealedBackup:
    """A backup that waits to be read, once: its bytes piece by piece, and how many they are."""

    def __init__(self, picture: Snapshot, passphrase: str | None, done: ExitStack) -> None:
        self.manifest = picture.manifest
        self._advance: Advance = lambda _: None
        self._done = done
        pieces = sealed(*new_lock(passphrase), picture.manifest, picture.bodies(lambda count: self._advance(count)))
        self._head = next(pieces)
        self._rest = pieces
        self.size_bytes = sealed_bytes(len(self._head), picture.manifest)

    def pieces(self, advance: Advance = lambda _: None) -> Iterator[bytes]:
        """`advance` is told of the bytes that go in, of `manifest.size_bytes`. Raises PrivateFileFailed."""
        self._advance = advance
        yield self._head
        yield from self._rest

    def close(self) -> None:
        """Remove what lay beside the folder. Harmless twice."""
        self._done.close()


def begin_backup(folder: Path, state: Path, made_at_s: int, passphrase: str | None) -> SealedBackup:
    """Take a picture, audit it, and seal it as it is read; close it afterwards. None: an open one, without secrets.

    Raises as `snapshot`, and PassphraseTooShort.
    """
    with ExitStack() as opened:
        picture = opened.enter_context(snapshot(folder, state, made_at_s, with_secrets=passphrase is not None))
        return SealedBackup(picture, passphrase, opened.pop_all())


@contextmanager
def snapshot(folder: Path, state: Path, made_at_s: int, *, with_secrets: bool) -> Iterator[Snapshot]:
    """A picture of the folder, in files beside it that are gone when the block ends.

    Call it for a folder that nobody else opens meanwhile, or in the process of its node. `with_secrets`: with what
    opens the vault, and recovery sheets. Raises IdentityMissing, FolderUnsound, SnapshotFailed, PrivateFileFailed,
    StoreDamaged, VaultDamaged, FileUnusable.
    """
    with ExitStack() as made:
        # Named like what a killed process leaves: the next start removes it.
        events, report = _events(folder / EVENTS_FILE, folder, made)
        keys = _copied(folder / key_vault.FILE_NAME, folder, made)
        intake, taken = _events(folder / INTAKE_FOLDER / EVENTS_FILE, folder, made)
        found: dict[str, bytes | Path] = {}
        for name in (identity.FILE_NAME, seen_file.FILE_NAME, RECOVERY_FILE):
            if (held := _small(folder / name)) is not None:
                found[name] = held
        if identity.FILE_NAME not in found:
            raise identity.IdentityMissing(folder=str(folder))
        copies = ((EVENTS_FILE, events), (key_vault.FILE_NAME, keys), (INTAKE_FILE, intake))
        found |= {name: path for name, path in copies if path}
        if with_secrets:
            found |= _secrets(folder, state, keys)
        items = tuple(Item(name, *_measured(body)) for name, body in found.items())
        ends = [*(report.heads if report else ()), *(taken.heads if taken else ())]
        heads = tuple(HeadLine(h.space, h.log, h.branch, h.size, h.root) for h in ends)
        manifest = Manifest(
            "scm-backup-manifest/1", made_at_s, __version__, _version(events), _version(keys),
            sum(each.entries for each in (report, taken) if each), heads, items,
        )  # fmt: skip
        yield Snapshot(manifest, list(found.values()))


def _events(source: Path, folder: Path, made: ExitStack) -> tuple[Path | None, audit.Report | None]:
    copy = _copied(source, folder, made)
    if copy is None:
        return None, None
    report = audit.verify(copy, processes=1)  # A game may run beside it.
    if not report.ok:
        first = report.findings[0]
        raise FolderUnsound(folder=str(folder), what=f"{first.code}, log {first.log.hex()[:12]}")
    return copy, report


def _copied(source: Path, folder: Path, made: ExitStack) -> Path | None:
    """A copy, in the data folder, of a database as it is at this moment; None when it is not there yet."""
    if not source.exists():
        return None
    copy = folder / f".backup.{secrets.token_hex(8)}.{source.name}.new"
    made.callback(copy.unlink, missing_ok=True)
    try:
        copy.touch(mode=0o600, exist_ok=False)
        # Opened for writing: what a killed process left in a journal has to be finished first.
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as database:
            database.execute("PRAGMA temp_store = MEMORY")
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("VACUUM INTO ?", (str(copy),))
    except OSError as error:
        raise PrivateFileFailed(path=str(copy), act="made", reason=error.strerror) from error
    except FAULTS as error:
        fault = file_fault(error, source)
        if fault is None or isinstance(
            fault, DiskFull | DiskFailed
        ):  # Of the copy: which of the two is not told then.
            raise SnapshotFailed(name=source.name, reason=str(error)) from error
        raise fault from error
    return copy


def _secrets(folder: Path, state: Path, keys: Path | None) -> dict[str, bytes | Path]:
    """The wrapping keys that are files of the state folder, and sheets that wait to be printed."""
    names = {key_vault.wrapping_key_name(keys)} if keys else set()
    raw = read_private(folder / identity.FILE_NAME) or b""
    if isinstance(lock := identity.parse_device_file(raw).lock, FileLock):
        names.add(lock.name)
    found: dict[str, bytes | Path] = {}
    for name in sorted(names):
        if (held := _small(state / f"{name}.key")) is not None:
            found[f"{name}.key"] = held
    for path in sorted(folder.glob("recovery-*.txt")):
        if re.match(NAMES, path.name) and (held := _small(path)) is not None:
            found[path.name] = held
    return found


def _small(path: Path) -> bytes | None:
    """A file as it is; None when it is not there. Raises SnapshotFailed for one that nobody would take back."""
    most = size_max(path.name)
    held = read_private(path, most)
    if held is not None and len(held) > most:
        raise SnapshotFailed(name=path.name, reason=f"it has more than {most} bytes, so it is none of ours")
    return held


def _measured(body: bytes | Path) -> tuple[int, bytes]:
    size, digest = 0, hashlib.sha3_256()
    for piece in _pieces(body):
        size += len(piece)
        digest.update(piece)
    return size, digest.digest()


def _pieces(body: bytes | Path) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    try:
        with body.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    except OSError as error:
        raise PrivateFileFailed(path=str(body), act="read", reason=error.strerror) from error


def _version(database: Path | None) -> int:
    if database is None:
        return 0
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as opened:
        return int(opened.execute("PRAGMA user_version").fetchone()[0])

"""A backup made a folder again: taken out beside its place, verified from end to end, and only then given its name.

- Whatever happens before the last rename (a kill, a full disk, a wrong byte) leaves no data folder behind.
- Every entry is verified deep, against the heads the backup states and against heads kept elsewhere.
- What this machine knows as erased is destroyed again before the folder has its name.
- The folder's id is not in a backup: the node that opens it doubts, and begins new logs (folder_mark.py).
"""

import contextlib
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from scmanager.adapters import identity, key_vault
from scmanager.adapters.backup_file import (
    INTAKE_FILE,
    INTAKE_FOLDER,
    Backup,
    BackupDamaged,
    BackupFromNewerRelease,
    HeadLine,
)
from scmanager.adapters.folder_kind import check_folder
from scmanager.adapters.folder_lock import FolderInUse, FolderLock
from scmanager.adapters.node_file import LOCK_FILE
from scmanager.adapters.private_files import (
    PrivateFileFailed,
    keep_apart,
    private_folder,
    read_private,
    sync_folder,
    write_pieces,
    write_private,
)
from scmanager.errors import Refused, Unavailable
from scmanager.eventstore import audit
from scmanager.eventstore.kept_heads import KeptHead, check_heads
from scmanager.eventstore.own_tables import check_store_tables, check_tables
from scmanager.eventstore.sqlite import SCHEMA_VERSION, SqliteStore
from scmanager.eventstore.sqlite_faults import told
from scmanager.eventstore.store import StoreDamaged

EVENTS_FILE = "events.db"
KEY_SUFFIX = ".key"

Advance = Callable[[int], None]


class FolderNotEmpty(Refused):
    """The folder {folder} is not empty."""

    code = "restore-folder-not-empty"
    hint = "Name one that is not there yet: --data DIR. What is there is never overwritten."


class FolderNotPlaced(Unavailable):
    """The restored folder could not be given its name {folder}: {reason}."""

    code = "restore-not-placed"
    hint = "Name a folder that is not there yet, on a disk you may write to: --data DIR."


class NoRoom(Unavailable):
    """The backup holds {size} bytes, and {folder} has room for {free}."""

    code = "restore-no-room"
    hint = "Free some space, or name a folder on another disk."


class StateDiffers(Refused):
    """The state folder {state} has another {name} than the backup."""

    code = "restore-state-differs"
    hint = "Name another state folder (SCM_STATE): a wrapping key is never overwritten."


class Restored(msgspec.Struct, frozen=True):
    """What came of a backup."""

    made_at_s: int
    report: audit.Report
    erased: int
    """Keys that this machine knows as erased, and that the folder does not get back."""
    opens: bool
    """Whether its wrapping keys are on this machine, as far as they are files."""


def verify(backup: Backup, kept: Iterable[KeptHead] = (), advance: Advance = lambda _: None) -> audit.Report:
    """Read a backup to its end and verify every entry deep, in a temporary folder; only events are put there.

    Raises as `restore`.
    """
    with tempfile.TemporaryDirectory(prefix="scm-verify-") as made:
        place = Path(made)
        _check_room(backup, place)
        _take_out(backup, place, {EVENTS_FILE, INTAKE_FILE}, advance)
        return _verified(backup, place, kept)


def restore(
    backup: Backup, folder: Path, state: Path, kept: Iterable[KeptHead] = (), advance: Advance = lambda _: None
) -> Restored:
    """Make `folder`, which must be empty or not there. Returns when it is durable.

    Raises FolderNotEmpty, FolderNotPlaced, NoRoom, StateDiffers, BackupDamaged, BackupFromNewerRelease,
    TablesForeign, HeadDiffers, HeadNotReached, FolderOnNetwork, FolderSynced, PrivateFileFailed, VaultDamaged.
    """
    check_folder(folder)
    keep_apart(folder, state)
    _check_empty(folder)
    parent = private_folder(folder.parent)
    forget_unfinished_restores(folder)
    staging = Path(tempfile.mkdtemp(prefix=_prefix(folder), dir=parent))
    try:
        with FolderLock(staging / LOCK_FILE):
            _check_room(backup, staging)
            _take_out(backup, staging, None, advance)
            report = _verified(backup, staging, kept)
            opens = _check_state(staging, state)
            erased = _erase_again(staging, state)
            for path in staging.glob(f"*{KEY_SUFFIX}"):
                _place_key(path, state)
            if (intake := staging / INTAKE_FILE).exists():
                intake.rename(private_folder(staging / INTAKE_FOLDER) / EVENTS_FILE)
                sync_folder(staging / INTAKE_FOLDER)
        _place(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Restored(backup.manifest.made_at_s, report, erased, opens)


def forget_unfinished_restores(folder: Path) -> None:
    """Remove what killed restores of this folder left beside it; one that still runs holds its lock."""
    for left in folder.parent.glob(f"{_prefix(folder)}*"):
        with contextlib.suppress(FolderInUse, OSError):
            with FolderLock(left / LOCK_FILE):
                pass
            shutil.rmtree(left, ignore_errors=True)


def _prefix(folder: Path) -> str:
    return f".{folder.name}.restoring-"


def _check_empty(folder: Path) -> None:
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FolderNotEmpty(folder=str(folder))
    except OSError as error:
        raise FolderNotPlaced(folder=str(folder), reason=error.strerror) from error


def _check_room(backup: Backup, place: Path) -> None:
    free, size = shutil.disk_usage(place).free, backup.manifest.size_bytes
    if size > free:
        raise NoRoom(size=size, free=free, folder=str(place))
    if backup.manifest.store_version > SCHEMA_VERSION or backup.manifest.vault_version > key_vault.VERSION:
        raise BackupFromNewerRelease(release=backup.manifest.release)


def _take_out(backup: Backup, place: Path, only: set[str] | None, advance: Advance) -> None:
    def told(body: Iterator[bytes]) -> Iterator[bytes]:
        for piece in body:
            yield piece
            advance(len(piece))

    for item, body in backup.files():
        if only is None or item.name in only:
            write_pieces(place / item.name, told(body))
        else:
            for piece in body:
                advance(len(piece))


def _verified(backup: Backup, place: Path, kept: Iterable[KeptHead]) -> audit.Report:
    """Every entry, deep; the heads that the manifest states; the heads kept elsewhere."""
    stated, heads = backup.manifest.heads, list(kept)
    events, taken = (_audited(place / name) for name in (EVENTS_FILE, INTAKE_FILE))
    found = [each for each in (events, taken) if each]
    if (stated or heads) and not found:
        raise BackupDamaged(reason="it holds no events")
    report = audit.Report(
        entries=sum(each.entries for each in found),
        logs=sum(each.logs for each in found),
        heads=tuple(head for each in found for head in each.heads),
        findings=(),
        pending=sum(each.pending for each in found),
    )
    if _ends(report.heads) != _ends(stated):
        raise BackupDamaged(reason="its logs do not end where its manifest says")
    reported = [head.log.hex() for head in taken.heads] if taken else []
    of_intake = [each for each in heads if any(log.startswith(each.log) for log in reported)]
    try:
        if of_intake:
            check_heads(place / INTAKE_FILE, of_intake)
        if events:
            check_heads(place / EVENTS_FILE, [each for each in heads if each not in of_intake])
    except StoreDamaged as error:
        raise BackupDamaged(reason=str(error)) from error
    return report


def _audited(events: Path) -> audit.Report | None:
    """Every entry of this file, deep; None where there is none. Raises BackupDamaged, TablesForeign."""
    if not events.exists():
        return None
    check_store_tables(events)
    try:
        report = audit.verify(events, deep=True)
    except StoreDamaged as error:
        raise BackupDamaged(reason=str(error)) from error
    if not report.ok:
        first = report.findings[0]
        raise BackupDamaged(reason=f"{first.code}, log {first.log.hex()[:12]}: {first.what}")
    return report


def _ends(heads: Iterable[audit.AuditedHead | HeadLine]) -> set[tuple[bytes, bytes, int, int, bytes]]:
    return {(h.space, h.log, h.branch, h.size, h.root) for h in heads}


def _check_state(place: Path, state: Path) -> bool:
    """Device file and vault are ours and whole; whether the wrapping keys they need are at hand."""
    identity.parse_device_file(read_private(place / identity.FILE_NAME) or b"")
    keys = place / key_vault.FILE_NAME
    if not keys.exists():
        return True
    check_tables(keys, [key_vault.schema()])
    key_vault.check_whole(keys)
    name = f"{key_vault.wrapping_key_name(keys)}{KEY_SUFFIX}"
    return (place / name).exists() or (state / name).exists()


def _erase_again(place: Path, state: Path) -> int:
    """Destroy what this machine knows as erased: keys, and the parts that they sealed."""
    keys, events = place / key_vault.FILE_NAME, place / EVENTS_FILE
    if not keys.exists():
        return 0
    before = _held(keys)
    known = key_vault.forget_erased(keys, state)
    if known and events.exists():
        store = SqliteStore(events)
        try:
            store.erase(known)
        finally:
            store.close()
    return len(before & known)


def _held(keys: Path) -> set[bytes]:
    unsound = key_vault.VaultDamaged(path=str(keys))
    with told(keys, lambda _: unsound), contextlib.closing(sqlite3.connect(keys)) as database:
        return {row[0] for row in database.execute("SELECT key_id FROM keys")}


def _place_key(path: Path, state: Path) -> None:
    """A wrapping key goes where it belongs, before the folder that needs it has its name."""
    target, key = state / path.name, path.read_bytes()
    held = read_private(target)
    if held is None:
        write_private(private_folder(state) / path.name, key, replace=False)
    elif held != key:
        raise StateDiffers(state=str(state), name=path.name)
    path.unlink()


def _place(staging: Path, folder: Path) -> None:
    try:
        sync_folder(staging)
        if sys.platform == "win32" and folder.exists():
            folder.rmdir()  # It was empty; a folder cannot be renamed onto another one there.
        staging.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise FolderNotPlaced(folder=str(folder), reason=error.strerror or type(error).__name__) from error


__all__ = ["FolderNotEmpty", "NoRoom", "PrivateFileFailed", "Restored", "StateDiffers", "restore", "verify"]

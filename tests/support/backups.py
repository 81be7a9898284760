"""Backups as tests make them: sealed by a passphrase that costs little, or open."""

import io
from collections.abc import Iterable
from hashlib import sha3_256
from pathlib import Path

from scmanager.adapters.backup_file import Backup, HeadLine, Item, Manifest, OpenLock, new_lock, sealed
from scmanager.adapters.backup_source import snapshot
from scmanager.adapters.wrapping import PassphraseProtection
from scmanager.config import Settings

PASSPHRASE = "correct horse battery"
MADE_AT_S = 1_800_000_000


def cheap() -> PassphraseProtection:
    """The same protection, for tests that seal often."""
    return PassphraseProtection(PASSPHRASE, passes=1, memory_bytes=8192)


def manifest_of(files: dict[str, bytes], heads: tuple[HeadLine, ...] = (), **more: int) -> Manifest:
    items = tuple(Item(name, len(data), sha3_256(data).digest()) for name, data in files.items())
    facts = {"store_version": 3, "vault_version": 1, "entries": 0} | more
    return Manifest("scm-backup-manifest/1", MADE_AT_S, "0.1.0", heads=heads, items=items, **facts)


def packed(manifest: Manifest, bodies: Iterable[bytes], *, is_open: bool = True) -> bytes:
    """A whole backup file."""
    if is_open:
        lock, key = new_lock(None)
        return b"".join(sealed(lock, key, manifest, bodies))
    made, key = cheap().make()
    assert not isinstance(made, OpenLock)
    return b"".join(sealed(made, key, manifest, bodies))  # type: ignore[arg-type]


def backup_of(settings: Settings, *, is_open: bool = False) -> bytes:
    """A backup of a folder that nobody has open."""
    assert settings.state is not None
    with snapshot(settings.data, settings.state, MADE_AT_S, with_secrets=not is_open) as picture:
        return packed(picture.manifest, picture.bodies(), is_open=is_open)


def opened(data: bytes, passphrase: str = PASSPHRASE) -> Backup:
    return Backup(io.BytesIO(data), lambda: passphrase)


def read_through(data: bytes, passphrase: str = PASSPHRASE) -> dict[str, bytes]:
    """Every file of it."""
    return read_all(opened(data, passphrase))


def read_all(backup: Backup) -> dict[str, bytes]:
    return {item.name: b"".join(body) for item, body in backup.files()}


def left_beside(folder: Path) -> list[str]:
    """What was left of unfinished work in a folder."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]

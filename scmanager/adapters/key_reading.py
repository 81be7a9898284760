"""A key vault opened for reading: what it holds now, without the housekeeping that opening it for use begins with.

What this machine remembers as erased is not held here either, whatever an older copy of the file still has.
"""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

from scmanager.adapters.erased_keys import erased_here
from scmanager.adapters.key_box import SpaceKey
from scmanager.adapters.key_vault import FILE_NAME, KeyVault, VaultDamaged
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.wrapping import FileLock
from scmanager.eventstore.sqlite_faults import Identity, identity


class ReadOnlyVault(KeyVault):
    """No call changes a file: what would, raises VaultFailed or FileUnusable. Safe to use from several threads."""

    def __init__(self, folder: Path, *, state: Path | None = None, secret: bytes = b"") -> None:
        """Raises FileUnusable, VaultDamaged, VaultLocked, VaultFromNewerRelease, WrappingKeyMissing."""
        self._state = state or state_folder()
        self._path = folder / FILE_NAME
        self._identity: Identity | None = identity(self._path)
        self._lock = threading.RLock()
        self._logs: dict[bytes, tuple[bytes, ...]] = {}
        with self._guarded():
            address = f"{self._path.absolute().as_uri()}?mode=ro"
            self._database = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
            try:
                self._database.execute("PRAGMA trusted_schema = OFF")
                self._key = self._unlock(secret)
                self._name = self._lock_name()
                self._gone = erased_here(self._state, self._name)
            except BaseException:
                self._database.close()
                raise

    def _lock_name(self) -> str:
        (lock,) = self._database.execute("SELECT lock FROM vault").fetchone() or (b"",)
        try:
            return msgspec.json.decode(lock, type=FileLock).name
        except msgspec.MsgspecError as error:
            raise VaultDamaged(path=str(self._path)) from error

    def _space_key(self, key_id: bytes) -> SpaceKey | None:
        return None if key_id in self._gone else super()._space_key(key_id)

    def is_erased(self, key_id: bytes) -> bool:
        """See KeyVault.is_erased."""
        return key_id in self._gone or super().is_erased(key_id)

    def subjects(self, space: bytes) -> dict[bytes, bytes]:
        """See KeyVault.subjects."""
        return {key: whose for key, whose in super().subjects(space).items() if key not in self._gone}


class CarriedKeys(KeyVault):
    """The keys that came with a file, and those of a vault beside them. Nothing can be put in or erased."""

    def __init__(self, carried: Iterable[SpaceKey] = (), beside: ReadOnlyVault | None = None) -> None:
        self._carried = {key.key_id: key for key in carried}
        self._beside = beside

    def held(self, key_id: bytes) -> tuple[bytes, bytes] | None:
        """See KeyVault.held."""
        if self._beside is not None and self._beside.is_erased(key_id):
            return None  # The file is older than the erasure.
        found = self._beside.held(key_id) if self._beside is not None else None
        carried = self._carried.get(key_id)
        return found or ((carried.subject, carried.key) if carried else None)

    def get(self, key_id: bytes) -> bytes | None:
        """See KeyVault.get."""
        found = self.held(key_id)
        return found[1] if found else None

    def subjects(self, space: bytes) -> dict[bytes, bytes]:
        """See KeyVault.subjects."""
        mine = {key_id: key.subject for key_id, key in self._carried.items() if key.space == space}
        beside = self._beside.subjects(space) if self._beside is not None else {}
        return {key_id: whose for key_id, whose in (mine | beside).items() if self.held(key_id)}

    def logs_of(self, space: bytes) -> tuple[bytes, ...]:
        """See KeyVault.logs_of."""
        return self._beside.logs_of(space) if self._beside is not None else ()

    def close(self) -> None:
        """See KeyVault.close."""
        if self._beside is not None:
            self._beside.close()

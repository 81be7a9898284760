"""The key vault: space keys and log seeds in `keys.db`, a file of their own, so that destroying a key destroys it.

- Every secret is wrapped. The wrapping key is made of a file in the state folder, outside the data folder and its
  backups, and of the identity's vault secret: neither alone opens anything.
- What returned is durable: an entry that names a key is appended after it.
- What is erased is gone from every byte of the folder before `erase` returns, and its id is refused from then on. A
  crash in between is finished at the next opening. Rollback journal, no write-ahead log: a commit leaves one file.
- An older copy of the vault knows fewer erased ids. What this machine destroyed goes again when the vault is opened
  (erased_keys.py); what was erased elsewhere goes when the logs say so.
"""

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Self

import msgspec

from scmanager.adapters.erased_keys import erased_here, remember_erased
from scmanager.adapters.key_box import KEYS_IN_A_BOX_MAX, SpaceKey, seal_box
from scmanager.adapters.private_files import keep_apart, private_folder, state_folder
from scmanager.adapters.wrapping import KEY_BYTES, FileLock, FileProtection, SealBroken, unwrap, wrap
from scmanager.errors import Misconfigured, Unavailable, Untrusted
from scmanager.eventstore.sqlite_faults import Identity, identity, told

FILE_NAME = "keys.db"
VERSION = 1
PROBE = b"scm/vault-probe/1\n"


class VaultFailed(Unavailable):
    """The key file cannot be used: {reason}."""

    code = "vault-failed"
    hint = "Check that the disk is not full, and that no other program has the data folder open."


class VaultDamaged(Untrusted):
    """The key file {path} is not whole."""

    code = "vault-damaged"
    hint = "Restore it from a backup of this machine, or enrol this device afresh and let a member send the keys."


class VaultLocked(Misconfigured):
    """The state folder's wrapping key or this identity does not open the key file {path}."""

    code = "vault-locked"
    hint = "The data folder, the state folder and the identity belong together; name the ones it was made with."


class VaultFromNewerRelease(Misconfigured):
    """The key file {path} was written by a newer release."""

    code = "vault-from-newer-release"
    hint = "Update the program."


class KeyIdDiffers(Untrusted):
    """A key does not have the id {key_id} that was promised."""

    code = "key-id-differs"
    hint = "Do not use it; ask another member for the key."


class KeyVault:
    """Holds this installation's keys. One instance a folder; safe to use from several threads."""

    def __init__(self, folder: Path, *, state: Path | None = None, secret: bytes = b"") -> None:
        """Open or make the vault; `state` is this user's state folder, `secret` the identity's vault secret.

        Raises FileUnusable, VaultFailed, VaultDamaged, VaultLocked, VaultFromNewerRelease, WrappingKeyMissing,
        StateInsideData, PrivateFileFailed.
        """
        self._state = state or state_folder()
        keep_apart(folder, self._state)
        self._path = private_folder(folder) / FILE_NAME
        self._identity: Identity | None = None
        self._lock = threading.RLock()
        self._logs: dict[bytes, tuple[bytes, ...]] = {}
        with self._guarded():
            self._database = _connect(self._path)
            self._identity = identity(self._path)
            try:
                self._key = self._unlock(secret)
                self._name = _lock_of(self._database).name
                known = _forget(self._database, here := erased_here(self._state, self._name))
                if older := known - here:  # From a release that did not keep them apart, or from a backup.
                    remember_erased(self._state, self._name, sorted(older))
            except BaseException:
                self._database.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is lost without it."""
        with self._lock:
            self._database.close()

    def new_key(self, space: bytes, subject: bytes = b"") -> bytes:
        """A fresh random key; durable when its id returns."""
        key = SpaceKey(space, subject, secrets.token_bytes(KEY_BYTES))
        self.put_all([key])
        return key.key_id

    def put(self, space: bytes, secret: bytes, subject: bytes = b"", *, key_id: bytes | None = None) -> bool:
        """Keep a key; False when it was erased and is refused. Raises KeyIdDiffers if `key_id` is not its id."""
        key = SpaceKey(space, subject, secret)
        if key_id is not None and key.key_id != key_id:
            raise KeyIdDiffers(key_id=key_id.hex())
        return not self.put_all([key])

    def put_new(self, space: bytes, made: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep fresh keys, as (subject, secret), in one commit."""
        self.put_all([SpaceKey(space, subject, secret) for subject, secret in made])

    def put_all(self, keys: Iterable[SpaceKey]) -> tuple[bytes, ...]:
        """Keep all in one commit; the ids refused because they were erased. A key held already stays as it is."""
        refused = []
        with self._transaction():
            for key in keys:
                if self._one("SELECT 1 FROM erased WHERE key_id = ?", key.key_id):
                    refused.append(key.key_id)
                    continue
                wrapped = wrap(self._key, key.secret, _key_context(key.key_id, key.space, key.subject))
                row = (key.key_id, key.space, key.subject, wrapped)
                self._database.execute("INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?)", row)
        return tuple(refused)

    def get(self, key_id: bytes) -> bytes | None:
        """The key, 32 bytes; None when it is not held. Raises VaultDamaged."""
        found = self._space_key(key_id)
        return found.key if found else None

    def held(self, key_id: bytes) -> tuple[bytes, bytes] | None:
        """Whose key it is (empty: an epoch's), and the key. Raises VaultDamaged."""
        found = self._space_key(key_id)
        return (found.subject, found.key) if found else None

    def keys_of(self, space: bytes, subject: bytes | None = b"") -> tuple[bytes, ...]:
        """Ids of the keys held of a subject, of the epochs (empty subject), or of the whole space (None), sorted."""
        query = "SELECT key_id FROM keys WHERE space = ? ORDER BY key_id"
        values: tuple[bytes, ...] = (space,)
        if subject is not None:  # A query of its own: "or any subject" would read every key of the space.
            query = "SELECT key_id FROM keys WHERE space = ? AND subject = ? ORDER BY key_id"
            values = (space, subject)
        with self._guarded():
            return tuple(row[0] for row in self._database.execute(query, values))

    def subjects(self, space: bytes) -> dict[bytes, bytes]:
        """Every key held of a space, by its id: whose it is (empty: an epoch's)."""
        with self._guarded():
            return dict(self._database.execute("SELECT key_id, subject FROM keys WHERE space = ?", (space,)))

    def is_erased(self, key_id: bytes) -> bool:
        """Whether the id was named erased on this device."""
        with self._guarded():
            return self._one("SELECT 1 FROM erased WHERE key_id = ?", key_id) is not None

    def erase(self, key_ids: Iterable[bytes]) -> tuple[bytes, ...]:
        """Destroy the keys and refuse their ids for ever; the ids that were held. No byte of them is left behind."""
        destroyed, wanted = [], list(key_ids)
        with self._lock:
            if fresh := [key_id for key_id in wanted if not self.is_erased(key_id)]:
                remember_erased(self._state, self._name, fresh)
            with self._transaction():
                for key_id in wanted:
                    self._database.execute("INSERT OR IGNORE INTO erased VALUES (?)", (key_id,))
                    if self._database.execute("DELETE FROM keys WHERE key_id = ?", (key_id,)).rowcount:
                        destroyed.append(key_id)
                if destroyed:
                    self._database.execute("UPDATE vault SET unclean = 1")
            with self._guarded():
                _clean(self._database)
        return tuple(destroyed)

    def put_log(self, log: bytes, space: bytes, seed: bytes) -> None:
        """Keep the seed of a log's own signing key. The first seed of a log stays."""
        wrapped = wrap(self._key, seed, _log_context(log, space))
        with self._transaction():
            self._database.execute("INSERT OR IGNORE INTO logs VALUES (?, ?, ?)", (log, space, wrapped))
            self._logs.pop(space, None)

    def log_seed(self, log: bytes) -> bytes | None:
        """The seed kept for a log; None when there is none. Raises VaultDamaged."""
        with self._guarded():
            row = self._one("SELECT space, wrapped FROM logs WHERE log = ?", log)
        return self._unwrap(row[1], _log_context(log, row[0])) if row else None

    def logs_of(self, space: bytes) -> tuple[bytes, ...]:
        """Ids of the logs of a space whose seeds are kept, sorted. Remembered: it is asked before each command."""
        with self._guarded():
            if space not in self._logs:
                rows = self._database.execute("SELECT log FROM logs WHERE space = ? ORDER BY log", (space,))
                self._logs[space] = tuple(row[0] for row in rows)
            return self._logs[space]

    def has_logs(self) -> bool:
        """Whether any log was ever written from here."""
        with self._guarded():
            return self._one("SELECT 1 FROM logs LIMIT 1") is not None

    def boxes_for(self, public_box_key: bytes, space: bytes) -> tuple[bytes, ...]:
        """Seal every key held of a space to a device. Raises BoxKeyUnusable, VaultDamaged.

        In one look: what is destroyed meanwhile is in these boxes or is not, and stops nobody.
        """
        query = "SELECT key_id, subject, wrapped FROM keys WHERE space = ? ORDER BY key_id"
        with self._guarded():
            rows = self._database.execute(query, (space,)).fetchall()
        keys = [self._opened(key_id, space, *row) for key_id, *row in rows]
        starts = range(0, len(keys), KEYS_IN_A_BOX_MAX)
        return tuple(seal_box(public_box_key, keys[start : start + KEYS_IN_A_BOX_MAX]) for start in starts)

    def _space_key(self, key_id: bytes) -> SpaceKey | None:
        with self._guarded():
            row = self._one("SELECT space, subject, wrapped FROM keys WHERE key_id = ?", key_id)
        return self._opened(key_id, *row) if row else None

    def _opened(self, key_id: bytes, space: bytes, subject: bytes, wrapped: bytes) -> SpaceKey:
        return SpaceKey(space, subject, self._unwrap(wrapped, _key_context(key_id, space, subject)))

    def _unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return unwrap(self._key, wrapped, context)
        except SealBroken as error:
            raise VaultDamaged(path=str(self._path)) from error

    def _unlock(self, secret: bytes) -> bytes:
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise VaultFromNewerRelease(path=str(self._path))
        if version == 0:
            return self._found(secret)
        (probe,) = self._database.execute("SELECT probe FROM vault").fetchone() or (b"",)
        try:
            key = _wrapping_key(FileProtection(self._state).open(_lock_of(self._database)), secret)
            unwrap(key, probe, PROBE)
        except SealBroken as error:
            raise VaultLocked(path=str(self._path)) from error
        except msgspec.MsgspecError as error:
            raise VaultDamaged(path=str(self._path)) from error
        return key

    def _found(self, secret: bytes) -> bytes:
        """The wrapping key is durable before the file that needs it."""
        lock, kept = FileProtection(self._state).make()
        key = _wrapping_key(kept, secret)
        with self._transaction():
            for statement in schema().split(";\n"):
                self._database.execute(statement)
            row = (msgspec.json.encode(lock), wrap(key, PROBE, PROBE))
            self._database.execute("INSERT INTO vault VALUES (1, ?, ?, 0)", row)
        return key

    def _one(self, query: str, *values: bytes) -> tuple[bytes, ...] | None:
        row: tuple[bytes, ...] | None = self._database.execute(query, values).fetchone()
        return row

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._lock, _told(self._path, self._identity):
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guarded():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise


PRAGMAS = (
    "journal_mode = DELETE",
    "synchronous = EXTRA",  # Also syncs the folder when the journal goes: the commit point.
    "fullfsync = ON",  # macOS; nothing elsewhere.
    "secure_delete = ON",
    "temp_store = MEMORY",  # VACUUM copies the file: not into a temporary folder.
    "trusted_schema = OFF",
)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        path.touch(mode=0o600)  # SQLite would let others read it; its journal takes the file's mode.
    except OSError as error:
        raise VaultFailed(reason=f"{path}: {error.strerror}") from error
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        for pragma in PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
    except BaseException:
        database.close()
        raise
    return database


def forget_erased(path: Path, state: Path) -> frozenset[bytes]:
    """Destroy in a vault that nobody has open what this machine remembers as erased; all that it remembers of it.

    No key is needed for it. Raises FileUnusable, VaultFailed, VaultDamaged, PrivateFileFailed.
    """
    with _told(path), closing(_connect(path)) as database:
        try:
            known = erased_here(state, _lock_of(database).name)
        except msgspec.MsgspecError as error:
            raise VaultDamaged(path=str(path)) from error
        _forget(database, known)
        return known


def schema() -> str:
    """The statements that make a vault's tables."""
    return files(__package__).joinpath("key_vault.sql").read_text(encoding="utf-8")


def check_whole(path: Path) -> None:
    """SQLite's own look at every page. Raises VaultDamaged, FileUnusable."""
    with _told(path), closing(_connect(path)) as database:
        if database.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
            raise VaultDamaged(path=str(path))


def wrapping_key_name(path: Path) -> str:
    """The name of the `.key` file that a vault needs. Raises FileUnusable, VaultDamaged."""
    with _told(path), closing(_connect(path)) as database:
        try:
            return _lock_of(database).name
        except msgspec.MsgspecError as error:
            raise VaultDamaged(path=str(path)) from error


def _lock_of(database: sqlite3.Connection) -> FileLock:
    (lock,) = database.execute("SELECT lock FROM vault").fetchone() or (b"",)
    return msgspec.json.decode(lock, type=FileLock)


def _forget(database: sqlite3.Connection, key_ids: Iterable[bytes]) -> set[bytes]:
    """Destroy keys for good, and finish what a killed process had begun; the ids the vault knew as erased before."""
    known = {row[0] for row in database.execute("SELECT key_id FROM erased")}
    if fresh := [(key_id,) for key_id in key_ids if key_id not in known]:
        database.execute("BEGIN IMMEDIATE")
        database.executemany("DELETE FROM keys WHERE key_id = ?", fresh)
        database.executemany("INSERT OR IGNORE INTO erased VALUES (?)", fresh)
        database.execute("UPDATE vault SET unclean = 1")
        database.execute("COMMIT")
    _clean(database)
    return known


def _clean(database: sqlite3.Connection) -> None:
    """Rewrite the file after an erasure: pages that were split keep copies that no delete meets."""
    unclean = database.execute("SELECT unclean FROM vault").fetchone()
    if unclean and unclean[0]:
        database.execute("VACUUM")
        database.execute("UPDATE vault SET unclean = 0")


@contextmanager
def _told(path: Path, was: Identity | None = None) -> Iterator[None]:
    """SQLite's errors as ours; `was`: which file was opened."""
    with told(path, lambda _: VaultDamaged(path=str(path)), was):
        try:
            yield
        except sqlite3.ProgrammingError as error:  # It is closed.
            raise VaultFailed(reason=str(error)) from error


def _wrapping_key(kept: bytes, secret: bytes) -> bytes:
    return hashlib.sha3_256(b"scm/vault/1\n" + kept + secret).digest()


def _key_context(key_id: bytes, space: bytes, subject: bytes) -> bytes:
    return b"scm/vault-key/1\n" + key_id + space + subject


def _log_context(log: bytes, space: bytes) -> bytes:
    return b"scm/vault-log/1\n" + log + space

"""Wrapping: secrets are sealed under a wrapping key, and three places can keep that key.

- `FileProtection`: a file in the state folder, outside the data folder and its backups. Asks nothing at start.
- `PassphraseProtection`: nowhere; Argon2id makes it from what the user types.
- `KeyringProtection`: the operating system's keyring. Optional: a machine without one says so and names the others.

Seals are XChaCha20-Poly1305 (SPEC S1) with a random 24-byte nonce in front; the context is authenticated, so a seal
cannot be moved to another row or file.
"""

import base64
import binascii
import secrets
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

import msgspec
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt as _decrypt,
)
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_encrypt as _encrypt,
)
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from scmanager.adapters.private_files import private_folder, read_private, write_private
from scmanager.errors import Misconfigured, Refused, Unavailable, Untrusted

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

KEY_BYTES = 32
NONCE_BYTES = 24
PASSPHRASE_CHARACTERS_MIN = 8
KEYRING_SERVICE = "sc-manager"

Name = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
"""32 hex digits: becomes a file name, so nothing else may."""


class SealBroken(Untrusted):
    """A sealed secret does not open: another key sealed it, or its bytes were changed."""

    code = "seal-broken"
    hint = "Restore the file and the state folder that belong together, or enrol this device afresh."


class WrappingKeyMissing(Misconfigured):
    """The wrapping key {name} is not in {place}."""

    code = "wrapping-key-missing"
    hint = "Name the state folder this data was made with, or enrol this device afresh: a copy alone opens nothing."


class PassphraseTooShort(Refused):
    """A passphrase needs at least {least} characters."""

    code = "passphrase-too-short"
    hint = "Several random words are easy to keep and hard to guess."


class KeyringFailed(Unavailable):
    """The system's keyring does not work here: {reason}."""

    code = "keyring-failed"
    hint = "Unlock the keyring and start again, or protect the identity by a file or by a passphrase instead."


class ProtectionDiffers(Misconfigured):
    """The keys are protected by a {kept}, not by a {given}."""

    code = "protection-differs"
    hint = "Start as the folder was made: with --passphrase, with --keyring, or without either."


class FileLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="file"):
    """The wrapping key is the file `name`.key in the state folder."""

    name: Name


class PassphraseLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="passphrase"):
    """The wrapping key is Argon2id of the passphrase. Bounds keep a foreign file from eating the machine."""

    salt: Annotated[bytes, msgspec.Meta(min_length=argon2id.SALTBYTES, max_length=argon2id.SALTBYTES)]
    passes: Annotated[int, msgspec.Meta(ge=argon2id.OPSLIMIT_MIN, le=16)]
    memory_bytes: Annotated[int, msgspec.Meta(ge=argon2id.MEMLIMIT_MIN, le=1 << 30)]


class KeyringLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="keyring"):
    """The wrapping key is the keyring's entry `name`."""

    name: Name


Lock = FileLock | PassphraseLock | KeyringLock


class Protection(Protocol):
    """A place that keeps a wrapping key."""

    kind: ClassVar[str]

    def make(self) -> tuple[Lock, bytes]:
        """A fresh wrapping key, already kept, and the lock that finds it again."""

    def open(self, lock: Lock) -> bytes:
        """The wrapping key behind a lock. Raises ProtectionDiffers and the place's own errors."""


def wrap(key: bytes, secret: bytes, context: bytes) -> bytes:
    """Seal a secret: nonce 24, ciphertext, tag 16."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _encrypt(secret, context, nonce, key)


def unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Open what `wrap` sealed under the same key and context. Raises SealBroken."""
    try:
        return _decrypt(wrapped[NONCE_BYTES:], context, wrapped[:NONCE_BYTES], key)
    except (CryptoError, ValueError, TypeError) as error:  # Short input is refused by type or value.
        raise SealBroken from error


def lock_kind(lock: Lock) -> str:
    """`file`, `passphrase` or `keyring`: what to ask the user for."""
    return str(type(lock).__struct_config__.tag)


class FileProtection:
    """Keeps wrapping keys as files of the state folder."""

    kind: ClassVar[str] = "file"

    def __init__(self, state: Path) -> None:
        self._state = state

    def make(self) -> tuple[Lock, bytes]:
        """Raises PrivateFileFailed."""
        lock, key = FileLock(secrets.token_hex(16)), secrets.token_bytes(KEY_BYTES)
        write_private(private_folder(self._state) / f"{lock.name}.key", key, replace=False)
        return lock, key

    def open(self, lock: Lock) -> bytes:
        """Raises WrappingKeyMissing, PrivateFileFailed."""
        if not isinstance(lock, FileLock):
            raise _differs(lock, self)
        key = read_private(self._state / f"{lock.name}.key")
        if key is None or len(key) != KEY_BYTES:
            raise WrappingKeyMissing(name=lock.name, place=str(self._state))
        return key


class PassphraseProtection:
    """Makes wrapping keys from what the user types. The parameters are those of new locks; a lock keeps its own."""

    kind: ClassVar[str] = "passphrase"

    def __init__(
        self,
        passphrase: str,
        *,
        passes: int = argon2id.OPSLIMIT_MODERATE,
        memory_bytes: int = argon2id.MEMLIMIT_MODERATE,
    ) -> None:
        # One person types the same word on keyboards that compose accents differently.
        self._passphrase = unicodedata.normalize("NFKC", passphrase)
        self._passes, self._memory_bytes = passes, memory_bytes

    def make(self) -> tuple[Lock, bytes]:
        """Raises PassphraseTooShort."""
        if len(self._passphrase) < PASSPHRASE_CHARACTERS_MIN:
            raise PassphraseTooShort(least=PASSPHRASE_CHARACTERS_MIN)
        lock = PassphraseLock(secrets.token_bytes(argon2id.SALTBYTES), self._passes, self._memory_bytes)
        return lock, self.open(lock)

    def open(self, lock: Lock) -> bytes:
        """Always answers and always takes as long: only the seal tells a right passphrase from a wrong one."""
        if not isinstance(lock, PassphraseLock):
            raise _differs(lock, self)
        typed = self._passphrase.encode("utf-8", "surrogatepass")
        return argon2id.kdf(KEY_BYTES, typed, lock.salt, opslimit=lock.passes, memlimit=lock.memory_bytes)


class KeyringProtection:
    """Keeps wrapping keys in the operating system's keyring, or in the backend given."""

    kind: ClassVar[str] = "keyring"

    def __init__(self, backend: "KeyringBackend | None" = None) -> None:
        self._backend = backend

    def make(self) -> tuple[Lock, bytes]:
        """Reads the key back: some backends take everything and keep nothing. Raises KeyringFailed."""
        lock, key = KeyringLock(secrets.token_hex(16)), secrets.token_bytes(KEY_BYTES)
        self._call("set_password", lock.name, base64.b64encode(key).decode())
        if self._kept(lock) != key:
            raise KeyringFailed(reason="it does not keep what it is given")
        return lock, key

    def open(self, lock: Lock) -> bytes:
        """Raises WrappingKeyMissing, KeyringFailed."""
        if not isinstance(lock, KeyringLock):
            raise _differs(lock, self)
        key = self._kept(lock)
        if key is None:
            raise WrappingKeyMissing(name=lock.name, place="the system's keyring")
        return key

    def _kept(self, lock: KeyringLock) -> bytes | None:
        answer = self._call("get_password", lock.name)
        try:
            key = base64.b64decode(answer or "", validate=True)
        except (binascii.Error, ValueError):
            return None
        return key if len(key) == KEY_BYTES else None

    def _call(self, act: str, *arguments: str) -> str | None:
        try:
            import keyring  # Slow to import, and only this protection needs it.

            answer = getattr(self._backend or keyring.get_keyring(), act)(KEYRING_SERVICE, *arguments)
        except Exception as error:  # Backends raise what their system raises; none may stop the node.
            raise KeyringFailed(reason=f"{type(error).__name__}: {error}") from error
        return answer if isinstance(answer, str) else None


def _differs(lock: Lock, given: Protection) -> ProtectionDiffers:
    return ProtectionDiffers(kept=lock_kind(lock), given=given.kind)

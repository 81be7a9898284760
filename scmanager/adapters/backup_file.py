"""A backup as one file: a header in clear, then a sealed stream of a manifest and the files that it names.

- Sealed by libsodium's secretstream (XChaCha20-Poly1305) under Argon2id of a passphrase; the header is authenticated
  with every frame. Cut off, reordered, changed or prolonged, it does not open.
- An open backup has its key in the header: the same bytes and checks, and anybody can read it.
- Both ways are streams: no more than a frame is in memory, and nothing is read beyond what the manifest says.
- Names come from a closed list. None has a separator, so none leads out of the folder it is put into.

A parser here raises `Untrusted` and, for a passphrase that does not open it, WrongBackupPassphrase.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Annotated, BinaryIO, Literal

import msgspec
from nacl import bindings as sodium
from nacl.exceptions import CryptoError

from scmanager.adapters.private_files import SIZE_BYTES_MAX
from scmanager.adapters.seen_file import FILE_NAME as SEEN_FILE
from scmanager.adapters.seen_file import SEEN_BYTES_MAX
from scmanager.adapters.wrapping import KEY_BYTES, PassphraseLock, PassphraseProtection
from scmanager.errors import Misconfigured, Refused, Untrusted

SUFFIX = ".scm-backup"
FRAME_BYTES = 1 << 18
"""Of plain text in a frame."""
HEADER_BYTES_MAX = 4096
MANIFEST_BYTES_MAX = 64 << 20
FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_LENGTH_BYTES = 4
_BEGINNING = b'{"format":"scm-backup/1"'

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
INTAKE_FILE = "intake-events.db"
"""An author's intake log, without the key that signs it: what comes back can be read and asked, and never goes on."""
INTAKE_FOLDER = "intake"
NAMES = (
    r"\A(device\.json|keys\.db|events\.db|intake-events\.db|erasures\.json|recovery\.json"
    r"|recovery-[0-9a-f-]{1,40}\.txt|[0-9a-f]{32}\.key)\Z"
)
Name = Annotated[str, msgspec.Meta(pattern=NAMES)]


class BackupDamaged(Untrusted):
    """This is not a whole backup: {reason}."""

    code = "backup-damaged"
    hint = "Copy it again from where it was kept, or take an older one. Nothing was changed."


class WrongBackupPassphrase(Refused):
    """The passphrase does not open this backup."""

    code = "backup-passphrase-wrong"
    hint = "Type it again; nobody can reset it. If it is surely right, the file was changed: take another copy."


class BackupFromNewerRelease(Misconfigured):
    """This backup was made by a newer release ({release})."""

    code = "backup-from-newer-release"
    hint = "Update the program."


class OpenLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="open"):
    """No lock: the key stands beside it."""

    key: Bytes32


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line, in clear: nothing in it tells whose backup it is."""

    format: Literal["scm-backup/1"]
    lock: PassphraseLock | OpenLock
    stream: Annotated[bytes, msgspec.Meta(min_length=24, max_length=24)]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file. A `.key` file belongs into the state folder, every other into the data folder."""

    name: Name
    size: Count
    hash: Bytes32
    """SHA3-256."""


class HeadLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a branch of a log ended when the backup was made."""

    space: Bytes32
    log: Bytes32
    branch: Count
    size: Count
    root: Bytes32


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds."""

    format: Literal["scm-backup-manifest/1"]
    made_at_s: Count
    """UTC seconds, by the clock of the machine that made it."""
    release: Annotated[str, msgspec.Meta(max_length=40)]
    store_version: Count
    vault_version: Count
    entries: Count
    heads: tuple[HeadLine, ...]
    items: Annotated[tuple[Item, ...], msgspec.Meta(max_length=10_000)]

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(item.size for item in self.items)


def size_max(name: str) -> int:
    """Bytes that a file of this name has at most."""
    if name.endswith(".db"):
        return 2**53
    return SEEN_BYTES_MAX if name == SEEN_FILE else SIZE_BYTES_MAX


def new_lock(passphrase: str | None) -> tuple[PassphraseLock | OpenLock, bytes]:
    """A fresh lock and its key; without a passphrase one that opens by itself. Raises PassphraseTooShort."""
    if passphrase is None:
        key = secrets.token_bytes(KEY_BYTES)
        return OpenLock(key), key
    lock, key = PassphraseProtection(passphrase).make()
    assert isinstance(lock, PassphraseLock)
    return lock, key


def sealed(
    lock: PassphraseLock | OpenLock, key: bytes, manifest: Manifest, bodies: Iterable[bytes]
) -> Iterator[bytes]:
    """The bytes of a backup, piece by piece. `bodies`: the files' bytes in the manifest's order, cut anywhere."""
    told = msgspec.json.encode(manifest)
    return sealed_stream(lock, key, chain((len(told).to_bytes(_LENGTH_BYTES, "big"), told), bodies))


def sealed_stream(lock: PassphraseLock | OpenLock, key: bytes, plain: Iterable[bytes]) -> Iterator[bytes]:
    """The header and the frames over any bytes, cut anywhere."""
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    stream = sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    head = msgspec.json.encode(Header("scm-backup/1", lock, stream)) + b"\n"
    yield head
    bound = hashlib.sha3_256(head).digest()

    def frame(whole: bytes, tag: int) -> bytes:
        cipher = sodium.crypto_secretstream_xchacha20poly1305_push(state, whole, bound, tag)
        return len(cipher).to_bytes(_LENGTH_BYTES, "big") + cipher

    waiting = bytearray()
    for piece in plain:
        waiting += piece
        while len(waiting) >= FRAME_BYTES:
            yield frame(bytes(waiting[:FRAME_BYTES]), 0)
            del waiting[:FRAME_BYTES]
    yield frame(bytes(waiting), FINAL)


def sealed_bytes(header_bytes: int, manifest: Manifest) -> int:
    """How many bytes `sealed` yields, the header line included, whose length is given."""
    plain = _LENGTH_BYTES + len(msgspec.json.encode(manifest)) + manifest.size_bytes
    frames = plain // FRAME_BYTES + 1
    return header_bytes + plain + frames * (_LENGTH_BYTES + sodium.crypto_secretstream_xchacha20poly1305_ABYTES)


def is_backup(beginning: bytes) -> bool:
    """Whether a file that begins so claims to be a backup."""
    return beginning.startswith(_BEGINNING)


class Backup:
    """A backup that is being read, once, from its beginning to its end."""

    def __init__(self, file: BinaryIO, passphrase: Callable[[], str]) -> None:
        """Reads up to the manifest. Raises BackupDamaged, WrongBackupPassphrase, and what `passphrase` raises."""
        self._file = file
        line = file.readline(HEADER_BYTES_MAX)
        header = _header(line)
        key = (
            header.lock.key
            if isinstance(header.lock, OpenLock)
            else PassphraseProtection(passphrase()).open(header.lock)
        )
        self._bound = hashlib.sha3_256(line).digest()
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header.stream, key)
        self._plain, self._ended, self._begun = bytearray(), False, False
        self.is_sealed = not isinstance(header.lock, OpenLock)
        size = int.from_bytes(self._take(_LENGTH_BYTES), "big")
        if size > MANIFEST_BYTES_MAX:
            raise BackupDamaged(reason="its manifest is too long")
        self.manifest = _manifest(self._take(size))

    def files(self) -> Iterator[tuple[Item, Iterator[bytes]]]:
        """Each file with its bytes, to be read to their end before the next. Raises BackupDamaged."""
        for item in self.manifest.items:
            yield item, self._body(item)
        if self._plain or not self._ended:
            raise BackupDamaged(reason="it goes on beyond its end")

    def _body(self, item: Item) -> Iterator[bytes]:
        left, digest = item.size, hashlib.sha3_256()
        while left:
            piece = self._take(min(left, FRAME_BYTES))
            digest.update(piece)
            left -= len(piece)
            yield piece
        if digest.digest() != item.hash:
            raise BackupDamaged(reason=f"{item.name} is not what the manifest says")

    def _take(self, size: int) -> bytes:
        while len(self._plain) < size:
            self._plain += self._frame()
        taken = bytes(self._plain[:size])
        del self._plain[:size]
        return taken

    def _frame(self) -> bytes:
        if self._ended:
            raise BackupDamaged(reason="it ends before all files were there")
        size = int.from_bytes(self._read(_LENGTH_BYTES), "big")
        if size > FRAME_BYTES + sodium.crypto_secretstream_xchacha20poly1305_ABYTES:
            raise BackupDamaged(reason="a frame is too long")
        cipher = self._read(size)
        try:
            plain, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(self._state, cipher, self._bound)
        except (CryptoError, ValueError, TypeError) as error:
            if self._begun or not self.is_sealed:
                raise BackupDamaged(reason="its bytes were changed") from error
            raise WrongBackupPassphrase from error  # Or a changed beginning: nothing to learn by trying.
        self._begun, self._ended = True, tag == FINAL
        if self._ended and self._file.read(1):
            raise BackupDamaged(reason="it goes on beyond its end")
        if not self._ended and not plain:
            raise BackupDamaged(reason="a frame is empty")
        return bytes(plain)

    def _read(self, size: int) -> bytes:
        read = self._file.read(size)
        if len(read) < size:
            raise BackupDamaged(reason="it is cut off")
        return read


def _header(line: bytes) -> Header:
    try:
        return msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BackupDamaged(reason="it does not begin like a backup") from error


def _manifest(raw: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BackupDamaged(reason="its manifest cannot be read") from error
    names = [item.name for item in manifest.items]
    if len(set(names)) < len(names) or "device.json" not in names:
        raise BackupDamaged(reason="its manifest names a file twice, or no device.json")
    for item in manifest.items:
        if item.size > size_max(item.name):
            raise BackupDamaged(reason=f"{item.name} is too large")
    return manifest

"""Device identity: the keys by which one installation speaks, made once and kept in `device.json`.

- device key (Ed25519): enrolments, continuations, log-in answers. Every signature of it starts with
  `scm/<purpose>/1` and a newline, so it can never be mistaken for a checkpoint or for another purpose (DESIGN 2).
- box key (X25519): what members seal to this device.
- transport key (Ed25519): the mesh's peer id, apart from the device key.
- vault secret: goes into the key vault's wrapping key, so that what protects this file protects the vault too.

Log keys are not here: each log has its own, in the key vault, and that one signs nothing but its log's notes.
"""

import re
import secrets
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from scmanager.adapters.private_files import (
    PrivateFileExists,
    parse_json,
    private_folder,
    read_private,
    write_private,
)
from scmanager.adapters.wrapping import Lock, Protection, SealBroken, lock_kind, unwrap, wrap
from scmanager.errors import Conflict, Refused, Unavailable, Untrusted

FILE_NAME = "device.json"
SEED_BYTES = 32

Key32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class IdentityExists(Conflict):
    """{folder} has a device identity already."""

    code = "identity-exists"
    hint = (
        "Use it: scm org list shows what is there. A second identity belongs in a folder of its own: --data FOLDER."
    )


class IdentityMissing(Unavailable):
    """{folder} has no device identity."""

    code = "identity-missing"
    hint = "Found an organisation or join one here, or name the folder that has it."


class IdentityDamaged(Untrusted):
    """The device identity file does not hold together: it was changed, cut short, or belongs to other keys."""

    code = "identity-damaged"
    hint = "Restore device.json from a backup of this machine, or enrol this device afresh."


class WrongPassphrase(Refused):
    """The passphrase does not open this device identity."""

    code = "wrong-passphrase"
    hint = "Type it again; nobody can reset it. If it is surely right, the file was changed: restore it."


class DeviceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `device.json`: public keys in clear, secrets sealed; the seal covers all that is in clear."""

    format: Literal["scm-device/1"]
    device: Key32
    box: Key32
    transport: Key32
    lock: Lock
    sealed: Annotated[bytes, msgspec.Meta(max_length=1024)]

    def context(self) -> bytes:
        """What the seal authenticates."""
        return b"scm/device-file/1\n" + msgspec.json.encode(msgspec.structs.replace(self, sealed=b""))


class Identity:
    """The open identity of this installation. Public keys are 32 bytes each; secrets never show in a repr."""

    def __init__(self, device: bytes, box: bytes, transport: bytes, vault: bytes) -> None:
        self._signing = SigningKey(device)
        self.box_secret = box
        """For `key_box.open_box`."""
        self.transport_seed = transport
        """For the mesh's own handshake, which signs by itself."""
        self.vault_secret = vault
        """For `KeyVault`."""
        self.device = bytes(self._signing.verify_key)
        self.box = bytes(PrivateKey(box).public_key)
        self.transport = bytes(SigningKey(transport).verify_key)

    def __repr__(self) -> str:
        return f"Identity(device={self.device.hex()})"

    def sign(self, purpose: str, *fields: bytes) -> bytes:
        """The device key's detached Ed25519 signature (64 bytes) over `signed_bytes(purpose, *fields)`."""
        return self._signing.sign(signed_bytes(purpose, *fields)).signature

    def sign_message(self, message: bytes) -> bytes:
        """The device key's signature over a message that bears its purpose already (`scm/<purpose>/1`)."""
        if not message.startswith(b"scm/"):
            raise ValueError("the device key signs for a stated purpose only")
        return self._signing.sign(message).signature

    def secrets(self) -> bytes:
        """The four secrets in a row, 128 bytes: what the file seals."""
        return bytes(self._signing) + self.box_secret + self.transport_seed + self.vault_secret


def signed_bytes(purpose: str, *fields: bytes) -> bytes:
    """`scm/<purpose>/1`, a newline, the fields in order; name the audience among them.

    Fields are of fixed width, all but the last: nothing between them says where one ends.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", purpose):
        raise ValueError(f"a purpose is a short lower-case word, not {purpose!r}")
    return b"".join((b"scm/", purpose.encode(), b"/1\n", *fields))


def create_identity(folder: Path, protection: Protection) -> Identity:
    """Make this installation's keys, durable when this returns.

    Raises IdentityExists, PrivateFileFailed and the protection's own errors.
    """
    if (folder / FILE_NAME).exists():
        raise IdentityExists(folder=str(folder))  # Before the protection keeps a key that nobody would use.
    identity = Identity(*(secrets.token_bytes(SEED_BYTES) for _ in range(4)))
    try:
        _write(folder, identity, protection, replace=False)
    except PrivateFileExists as error:
        raise IdentityExists(folder=str(folder)) from error
    return identity


def open_identity(folder: Path, protection: Protection) -> Identity:
    """Raises IdentityMissing, IdentityDamaged, WrongPassphrase, ProtectionDiffers and the protection's own errors."""
    file = _read(folder)
    key = protection.open(file.lock)
    try:
        opened = unwrap(key, file.sealed, file.context())
    except SealBroken as error:
        # A wrong passphrase and changed bytes look alike, and shall: nothing to learn by trying.
        raise (WrongPassphrase() if protection.kind == "passphrase" else IdentityDamaged()) from error
    # The seal covers the public keys in clear too, so what opens is whole.
    return Identity(*(opened[at : at + SEED_BYTES] for at in range(0, len(opened), SEED_BYTES)))


def protection_kind(folder: Path) -> str | None:
    """`file`, `passphrase` or `keyring`, to know what to ask for; None without one. Raises IdentityDamaged."""
    raw = read_private(folder / FILE_NAME)
    return None if raw is None else lock_kind(parse_device_file(raw).lock)


def change_protection(folder: Path, old: Protection, new: Protection) -> None:
    """The same keys under another protection. Older copies of the file still open by the old one."""
    _write(folder, open_identity(folder, old), new, replace=True)


def parse_device_file(raw: bytes) -> DeviceFile:
    """Raises IdentityDamaged and nothing else."""
    return parse_json(raw, DeviceFile, IdentityDamaged())


def _read(folder: Path) -> DeviceFile:
    raw = read_private(folder / FILE_NAME)
    if raw is None:
        raise IdentityMissing(folder=str(folder))
    return parse_device_file(raw)


def _write(folder: Path, identity: Identity, protection: Protection, *, replace: bool) -> None:
    private_folder(folder)
    lock, key = protection.make()
    empty = DeviceFile("scm-device/1", identity.device, identity.box, identity.transport, lock, b"")
    file = msgspec.structs.replace(empty, sealed=wrap(key, identity.secrets(), empty.context()))
    write_private(
        folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n", replace=replace
    )

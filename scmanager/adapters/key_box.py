"""Key boxes: space keys on their way to one enrolled device (DESIGN 2, row seal).

A box is libsodium's sealed box around one canonical JSON object. It hides everything and proves nothing about its
sender: whoever takes keys out of it trusts them because signed entries named their ids, which hold space and subject.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from scmanager.adapters.private_files import SIZE_BYTES_MAX, parse_json
from scmanager.errors import Untrusted
from scmanager.eventstore import parts

KEYS_IN_A_BOX_MAX = 4096

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Subject = Annotated[bytes, msgspec.Meta(max_length=16)]


class KeyBoxBroken(Untrusted):
    """A key box does not open: it is for another device, damaged, or not a key box."""

    code = "key-box-broken"
    hint = "Ask a member to send the keys again, to the box key this device has now."


class BoxKeyUnusable(Untrusted):
    """This box key belongs to no device: nothing can be sealed to it."""

    code = "box-key-unusable"
    hint = "Send no keys there. Ask the member to enrol the device again."


class SpaceKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key of a space: of one subject or document (16 bytes), or of an epoch (empty).

    Space and subject are part of the key, as `parts.bound_key` says.
    """

    space: Bytes32
    subject: Subject
    secret: Bytes32

    def __post_init__(self) -> None:
        if (len(self.space), len(self.secret)) != (32, 32) or len(self.subject) not in (0, 16):
            raise ValueError("space and secret are 32 bytes, a subject is 16 bytes or empty")

    def __repr__(self) -> str:
        return f"SpaceKey({self.key_id.hex()})"

    @property
    def key(self) -> bytes:
        """What seals and unseals, 32 bytes."""
        return parts.bound_key(self.space, self.subject, self.secret)

    @property
    def key_id(self) -> bytes:
        """H(scm/key/1, K), 32 bytes."""
        return parts.key_id(self.key)


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["scm-keys/1"]
    keys: Annotated[tuple[SpaceKey, ...], msgspec.Meta(max_length=KEYS_IN_A_BOX_MAX)]


def seal_box(public_box_key: bytes, keys: Sequence[SpaceKey]) -> bytes:
    """Seal at most KEYS_IN_A_BOX_MAX keys to a device. Raises BoxKeyUnusable."""
    if len(keys) > KEYS_IN_A_BOX_MAX:
        raise ValueError(f"at most {KEYS_IN_A_BOX_MAX} keys in a box")
    plain = msgspec.json.encode(_Content("scm-keys/1", tuple(keys)))
    try:
        return SealedBox(PublicKey(public_box_key)).encrypt(plain)
    except (CryptoError, ValueError, TypeError) as error:
        raise BoxKeyUnusable from error


def open_box(box_secret: bytes, sealed: bytes) -> tuple[SpaceKey, ...]:
    """What a box holds, for the device whose box secret this is. Raises KeyBoxBroken and nothing else."""
    if len(sealed) > SIZE_BYTES_MAX:
        raise KeyBoxBroken
    try:
        plain = SealedBox(PrivateKey(box_secret)).decrypt(sealed)
    except (CryptoError, ValueError, TypeError) as error:
        raise KeyBoxBroken from error
    content = parse_json(plain, _Content, KeyBoxBroken())
    if msgspec.json.encode(content) != plain:
        raise KeyBoxBroken  # One meaning, one spelling.
    return content.keys


def seal_secret(public_box_key: bytes, secret: bytes) -> bytes:
    """Seal 32 secret bytes to a device. Raises BoxKeyUnusable."""
    try:
        return SealedBox(PublicKey(public_box_key)).encrypt(secret)
    except (CryptoError, ValueError, TypeError) as error:
        raise BoxKeyUnusable from error


def open_secret(box_secret: bytes, sealed: bytes) -> bytes:
    """What `seal_secret` sealed, 32 bytes. Raises KeyBoxBroken and nothing else."""
    try:
        secret = SealedBox(PrivateKey(box_secret)).decrypt(sealed)
    except (CryptoError, ValueError, TypeError) as error:
        raise KeyBoxBroken from error
    if len(secret) != 32:
        raise KeyBoxBroken
    return secret

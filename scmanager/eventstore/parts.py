"""Parts: the bytes an entry carries by hash. Part 0 is shared and kept for ever; parts 1 to 15 may be erased.

A sealed part is salt 32, then AES-256-GCM under a key derived from the space or subject key, the log's public key,
seq, part number and salt, with a zero nonce: the derived key is used once. GCM does not commit to its key, so the
entry names the key id, and whoever receives a key checks it against that id (DESIGN 2, format review F4).
"""

from hashlib import sha3_256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_scalarmult

from scmanager.errors import Untrusted
from scmanager.eventstore.entry import PartRef, digest, u64

KEY_BYTES = 32
SALT_BYTES = 32
_NONCE = bytes(12)
_ANY_SCALAR = bytes(32)
"""libsodium makes every scalar a multiple of 8, and times 8 a point of low order is nothing."""


class WrongPart(Untrusted):
    """Part {number} does not match the entry that carries it."""

    code = "part-wrong"
    hint = "The bytes were changed or belong to another entry. Fetch the part again from another peer."


def key_id(key: bytes) -> bytes:
    """What names a key in entries, 32 bytes: H(scm/key/1, K)."""
    return digest("scm/key/1", key)


def bound_key(space: bytes, subject: bytes, secret: bytes) -> bytes:
    """The key that a secret is, 32 bytes, for one subject (16 bytes; empty: an epoch) of one space (32 bytes).

    What travels and lies in vaults is the secret. Handed on for another space or as somebody else's it is another
    key, with an id that no entry names: so nobody can erase, or keep from erasure, by a wrong label.
    """
    return digest("scm/bound-key/1", space, subject, secret)


def is_box_key(public: bytes) -> bool:
    """Whether a key can be sealed to this X25519 key of a device: to a point of low order libsodium seals nothing."""
    if len(public) != KEY_BYTES:
        return False
    try:
        crypto_scalarmult(_ANY_SCALAR, public)
    except RuntimeError:
        return False
    return True


def part_hash(stored: bytes) -> bytes:
    """What an entry says of a part, 32 bytes: H(scm/part/1, stored bytes)."""
    return digest("scm/part/1", stored)


def refer(stored: bytes, key: bytes = b"") -> PartRef:
    """How an entry names these stored bytes; `key` is the key's id, empty in clear."""
    return PartRef(key, len(stored), part_hash(stored))


def seal(key: bytes, public: bytes, seq: int, number: int, salt: bytes, plain: bytes) -> bytes:
    """The stored bytes of one part. `salt` must be 32 fresh random bytes."""
    return salt + AESGCM(part_key(key, public, seq, number, salt)).encrypt(_NONCE, plain, None)


def unseal(key: bytes, public: bytes, seq: int, number: int, stored: bytes) -> bytes:
    """The plain bytes. Raises WrongPart when they were changed, or sealed for another place or key."""
    return open_with(part_key(key, public, seq, number, stored[:SALT_BYTES]), number, stored)


def open_with(key: bytes, number: int, stored: bytes) -> bytes:
    """The plain bytes, by the key of this one part (`part_key`). Raises WrongPart.

    GCM does not commit to its key: that it opens shows what was sealed only to who trusts the entry's author so far,
    or has the space's key, whose id the entry names.
    """
    try:
        return AESGCM(key).decrypt(_NONCE, stored[SALT_BYTES:], None)
    except (InvalidTag, ValueError) as error:
        raise WrongPart(number=number) from error


def check(ref: PartRef, stored: bytes, number: int) -> None:
    """Raises WrongPart unless these are the bytes the entry names."""
    if len(stored) != ref.length or part_hash(stored) != ref.hash:
        raise WrongPart(number=number)


def part_key(key: bytes, public: bytes, seq: int, number: int, salt: bytes) -> bytes:
    """What seals one part and opens nothing else, 32 bytes: H(scm/seal/1, K, log's public key, seq, number, salt)."""
    return sha3_256(b"scm/seal/1\n" + key + public + u64(seq) + bytes((number,)) + salt).digest()

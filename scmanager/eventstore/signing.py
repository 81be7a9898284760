"""Ed25519 as libsodium does it: one way to sign, one way to verify, and what every signature must say first.

Libraries disagree on odd keys and signatures, so libsodium's verdict is the one that counts (DESIGN, section 2): its
`crypto_sign_open` checks the 64 bytes in front of a message with the same code as its detached verification.

A log key signs checkpoints (see `checkpoint`) and its own continuation. Whatever else a key signs begins with
`purpose(...)`, so that a signature given for one thing to one reader is worth nothing for another.
"""

import re
import secrets
from typing import Final, NoReturn

from nacl.bindings import (
    crypto_scalarmult,
    crypto_sign,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import CryptoError

PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SEED_BYTES: Final = 32

_PURPOSE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FIELD_BYTES = (16, 32, 64)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is one by `public` (32 bytes) over `message`. Total: junk is simply not one."""
    # libsodium reads 32 bytes at the key's address whatever its length: the lengths are ours to check.
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(bytes(signature) + message, bytes(public))
    except CryptoError:
        return False
    return True


def purpose(name: str, *audience: bytes) -> bytes:
    """What a signed statement starts with: `scm/<name>/1`, a newline, then whom and what it is meant for.

    `audience` holds ids, keys and hashes of 16, 32 or 64 bytes; each purpose has one fixed row of them, so that two
    rows never run together into the same bytes. Raises ValueError for anything else: that is a mistake of ours.
    """
    if not _PURPOSE.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a purpose")
    if not all(len(field) in _FIELD_BYTES for field in audience):
        raise ValueError("an audience is made of ids, keys and hashes")
    return f"scm/{name}/1\n".encode() + b"".join(audience)


class SigningKey:
    """A secret key. Its text form does not show the secret, and it is neither pickled nor copied."""

    __slots__ = ("__secret", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        self.public: bytes
        self.public, self.__secret = crypto_sign_seed_keypair(bytes(seed))

    @classmethod
    def generate(cls) -> "SigningKey":
        """A fresh key from the system's randomness."""
        return cls(secrets.token_bytes(SEED_BYTES))

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`. The same message gives the same bytes."""
        return crypto_sign(bytes(message), self.__secret)[:SIGNATURE_BYTES]

    def shared_with(self, public: bytes) -> bytes:
        """32 bytes that only this key and the one behind `public` give (X25519). Raises ValueError if none is."""
        if len(public) != PUBLIC_BYTES:
            raise ValueError(f"a public key has {PUBLIC_BYTES} bytes, not {len(public)}")
        try:
            theirs = crypto_sign_ed25519_pk_to_curve25519(bytes(public))
            return bytes(crypto_scalarmult(crypto_sign_ed25519_sk_to_curve25519(self.__secret), theirs))
        except CryptoError:
            raise ValueError("this is nobody's public key") from None

    def reveal_seed(self) -> bytes:
        """The 32 secret bytes, for the key file and for nobody else."""
        return self.__secret[:SEED_BYTES]

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key is not pickled")

"""ML-DSA-44 keys (FIPS 204), for witnesses that a quantum computer shall not forge: pure mode, an empty context.

The library is imported where one is used: most commands meet none.
"""

import secrets
from typing import Final, NoReturn

PUBLIC_BYTES: Final = 1312
SIGNATURE_BYTES: Final = 2420
SEED_BYTES: Final = 32


class MlDsaKey:
    """A secret key. Its text form does not show the secret, and it is neither pickled nor copied."""

    __slots__ = ("__key", "__seed", "public")

    def __init__(self, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        self.__seed = bytes(seed)
        self.__key = MLDSA44PrivateKey.from_seed_bytes(self.__seed)
        self.public: bytes = self.__key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> "MlDsaKey":
        """A fresh key from the system's randomness."""
        return cls(secrets.token_bytes(SEED_BYTES))

    def sign(self, message: bytes) -> bytes:
        """The 2,420-byte signature over `message`; other bytes each time."""
        return bytes(self.__key.sign(message))

    def reveal_seed(self) -> bytes:
        """The 32 secret bytes, for the key file and for nobody else."""
        return self.__seed

    def __repr__(self) -> str:
        return f"MlDsaKey(public={self.public[:16].hex()}...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key is not pickled")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this key signed this message. Total: bytes of any length are welcome."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True

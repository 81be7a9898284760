"""Content hashes as SPEC A3 names them: a CID (version 1, raw bytes, SHA-256) in lower-case base32."""

from base64 import b32decode, b32encode
from binascii import Error as Base32Error

from scmanager.errors import Untrusted

_PREFIX = bytes((0x01, 0x55, 0x12, 0x20))
"""Version 1, codec raw, multihash sha2-256 of 32 bytes."""


class BadContentHash(Untrusted):
    """This is no content hash that this release knows."""

    code = "bad-content-hash"
    hint = "A CID of raw bytes by SHA-256 begins with bafkrei and has 59 characters."


def cid(sha256: bytes) -> str:
    """The content hash of the bytes with this SHA-256 (32 bytes)."""
    if len(sha256) != 32:
        raise ValueError("a SHA-256 has 32 bytes")
    return "b" + b32encode(_PREFIX + sha256).decode("ascii").rstrip("=").lower()


def sha256_of(content_hash: str) -> bytes:
    """The SHA-256 in a content hash, 32 bytes. Raises BadContentHash, for a second spelling too."""
    try:
        data = b32decode(content_hash[1:].upper() + "======")
    except (Base32Error, ValueError):
        raise BadContentHash from None
    if data[:4] != _PREFIX or len(data) != 36 or cid(data[4:]) != content_hash:
        raise BadContentHash
    return data[4:]

"""Checkpoints of whichever log: all that C2SP tlog-checkpoint allows, for who witnesses logs that are not ours.

Looser than `checkpoint.Checkpoint` in three points: an origin may be anything (that of Go's module database has
spaces), lines may follow the root, and a size may be any below 2^63. That an empty log has the empty root is for
the caller to ask: a witness answers it in its own way.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

import msgspec

from scmanager.eventstore.checkpoint import BadCheckpoint
from scmanager.eventstore.merkle import HASH_BYTES

SIZE_MAX: Final = 2**63 - 1
ORIGIN_BYTES_MAX: Final = 255
"""What a cosignature of the ML-DSA-44 type has room for."""
TEXT_BYTES_MAX: Final = 4096
"""Lines after the root are advised against; nobody fills pages with them."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class AnyCheckpoint(msgspec.Struct, frozen=True):
    """What a log says of itself: its origin, how many leaves it has, their root (32 bytes). Made by `parse`."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> "AnyCheckpoint":
        """The first three lines of a note's text, which `checkpoint.parse_note` read. Raises BadCheckpoint."""
        *lines, rest = text.split("\n")
        if rest or len(lines) < 3 or not all(lines) or len(text.encode()) > TEXT_BYTES_MAX:
            raise BadCheckpoint(reason="it has not three lines or more, or an empty one, or is too long")
        origin, size, root = lines[:3]
        if len(origin.encode()) > ORIGIN_BYTES_MAX:
            raise BadCheckpoint(reason="its origin is too long")
        if not _SIZE.fullmatch(size) or int(size) > SIZE_MAX:
            raise BadCheckpoint(reason="its size is no plain number, or beyond any log")
        return cls(origin, int(size), _root(root))


def _root(text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        data = b""
    if len(data) != HASH_BYTES or b64encode(data).decode("ascii") != text:
        raise BadCheckpoint(reason="its root is no plain base64 of 32 bytes")
    return data

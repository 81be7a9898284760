"""What part 0 says: who acts by which grant, of what type, on what, having seen what, and the payload.

One total function reads it, before any schema (DESIGN 2, 'content'; format review F9). What it refuses is void,
"malformed", for everybody alike: it depends on no data table, no interpreter version and no locale.
"""

from typing import Any

import msgspec

from scmanager.eventstore.entry import NUMBER_MAX, SHARED_BYTES_MAX

DEPTH_MAX = 16
SAW_MAX = 64
TYPE_BYTES_MAX = 64


class Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Part 0, opened."""

    type: str
    """The event's tag, such as `operation.planned/1`."""
    by: bytes
    """The grant it acts on: id32 of the entry that gave it."""
    command: bytes
    """16 bytes; all events of one command carry the same."""
    cause: bytes
    """The entry that made somebody act, id32; empty for none."""
    entity: bytes
    """16 bytes: the thing it is about."""
    saw: tuple[bytes, ...]
    """The newest entries of this entity that the author knew, id32 each."""
    payload: msgspec.Raw


_shared = msgspec.json.Decoder(Shared)
_any = msgspec.json.Decoder(Any)
_encode = msgspec.json.Encoder().encode


def encode(shared: Shared) -> bytes:
    """The one spelling of part 0. Raises ValueError when it breaks the rules that `read` enforces."""
    plain = _encode(shared)
    if read(plain) is None:
        raise ValueError(f"an event of type {shared.type} that nobody could read: {plain[:200]!r}")
    return plain


def read(plain: bytes) -> Shared | None:
    """Part 0, or None when it is malformed. Total: never raises, whatever the bytes.

    A caller who has used up the stack gets his RecursionError: what is malformed must not depend on him.
    """
    if len(plain) > SHARED_BYTES_MAX or not _shallow(plain):
        return None
    try:
        value = _any.decode(plain)
        if _encode(value) != plain or not _plain(value):
            return None
        shared = _shared.decode(plain)
        # Once more through the schema: one order of fields, and no base64 with stray bits, which decoders judge
        # differently.
        return shared if _encode(shared) == plain and _well_formed(shared) else None
    except (msgspec.DecodeError, OverflowError, ValueError):
        return None


def _well_formed(shared: Shared) -> bool:
    return (
        len(shared.by) == 32
        and len(shared.command) == 16
        and len(shared.cause) in {0, 32}
        and len(shared.entity) == 16
        and len(shared.saw) <= SAW_MAX
        and all(len(seen) == 32 for seen in shared.saw)
        and 0 < len(shared.type.encode()) <= TYPE_BYTES_MAX
        and bytes(shared.payload)[:1] == b"{"
    )


def _shallow(plain: bytes) -> bool:
    """Count brackets before any decoder recurses into them."""
    if plain.count(b"[") + plain.count(b"{") <= DEPTH_MAX:
        return True
    depth = 0
    in_string = escaped = False
    for byte in plain:
        if in_string:
            in_string = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            in_string, escaped = True, False
        elif byte in b"[{":
            depth += 1
            if depth > DEPTH_MAX:
                return False
        elif byte in b"]}":
            depth -= 1
    return True


def _plain(value: object) -> bool:
    """No U+0000, no floats, whole numbers below 2^53."""
    if isinstance(value, str):
        return "\0" not in value
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -NUMBER_MAX <= value <= NUMBER_MAX
    if isinstance(value, list):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(_plain(key) and _plain(item) for key, item in value.items())
    return False

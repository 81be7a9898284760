"""What part 0 says: who acts by which grant, of what type, on what, having seen what, and the payload.

One total function reads it, before any schema (DESIGN 2, 'content'; format review F9). What it refuses is void,
"malformed", for everybody alike: it depends on no data table, no interpreter version and no locale.
"""

from typing import Annotated, Any

import msgspec

from scmanager.eventstore.entry import NUMBER_MAX, SHARED_BYTES_MAX

DEPTH_MAX = 16
SAW_MAX = 64
TYPE_BYTES_MAX = 64

_Id16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
_Id32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Part 0, opened."""

    type: str
    """The event's tag, such as `operation.planned/1`."""
    by: _Id32
    """The grant it acts on: id32 of the entry that gave it."""
    command: _Id16
    """16 bytes; all events of one command carry the same."""
    cause: bytes
    """The entry that made somebody act, id32; empty for none."""
    entity: _Id16
    """16 bytes: the thing it is about."""
    saw: Annotated[tuple[_Id32, ...], msgspec.Meta(max_length=SAW_MAX)]
    """The newest entries of this entity that the author knew, id32 each."""
    payload: msgspec.Raw


_Scalar = None | bool | Annotated[int, msgspec.Meta(ge=-NUMBER_MAX, le=NUMBER_MAX)] | str
_Inner = _Scalar | list[_Scalar] | dict[str, _Scalar]
_Outer = _Scalar | list[_Inner] | dict[str, _Inner]

_shared = msgspec.json.Decoder(Shared)
_usual = msgspec.json.Decoder(dict[str, _Outer])
"""Payloads as nearly all are: no deeper than this, no floats, small numbers. The decoder checks that on its way."""
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
        shared = _shared.decode(plain)
        # Back through the schema: one order of fields, no spaces, no base64 with stray bits, which decoders judge
        # differently. What is left is the payload, which the schema takes as it stands.
        if _encode(shared) != plain or not _well_formed(shared):
            return None
        payload = _payload(shared.payload)
        if payload is None or _encode(payload) != bytes(shared.payload):
            return None
    except (msgspec.DecodeError, OverflowError, ValueError):
        return None
    # U+0000 has one spelling; a backslash before a "u0000" looks alike, hence the second look.
    return None if b"\\u0000" in plain and not _plain([shared.type, payload]) else shared


def _payload(raw: msgspec.Raw) -> dict[str, Any] | None:
    """The payload's own values, None when there is one that no part 0 may hold. U+0000 is not looked for."""
    try:
        return _usual.decode(raw)
    except msgspec.ValidationError:
        value = _any.decode(raw)
        return value if isinstance(value, dict) and _plain(value) else None


def _well_formed(shared: Shared) -> bool:
    """What the types of the fields cannot say."""
    width, kind = len(shared.cause), shared.type
    return (width == 0 or width == 32) and 0 < len(kind if kind.isascii() else kind.encode()) <= TYPE_BYTES_MAX


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

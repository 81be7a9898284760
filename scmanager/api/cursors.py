"""Cursors: where in a sorted list a page begins. Opaque to clients, taken as foreign bytes when they come back."""

import base64
import binascii
import re

import msgspec

from scmanager.api.bindings import Sort, Table
from scmanager.errors import Untrusted

CURSOR_LENGTH_MAX = 2_000

_SHAPES = {
    "text": re.compile(r"[^\x00\ud800-\udfff]*\Z"),
    "bytea": re.compile(r"\\x(?:[0-9a-f]{2}){0,64}\Z"),
    "bigint": re.compile(r"-?[0-9]{1,18}\Z"),
    "integer": re.compile(r"-?[0-9]{1,9}\Z"),
    "smallint": re.compile(r"-?[0-9]{1,4}\Z"),
    "timestamptz": re.compile(
        r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]) "
        r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?\+00\Z"
    ),
}


class CursorMalformed(Untrusted):
    """This cursor does not belong to this list."""

    code = "cursor-malformed"
    hint = "Use a cursor from the same list with the same sort, unchanged; or begin without one."


class Place(msgspec.Struct, frozen=True):
    """A row's place: its sort value (null first or last) and its key, as PostgreSQL writes them."""

    value: str | None
    key: str


def write(row: str, name: str, sort: Sort, table: Table) -> str:
    """The SQL expression of a row's cursor; `read` takes its value back."""
    place = f"json_build_array('{name}', {row}.{sort.column}::text, {row}.{table.key}::text)"
    return f"translate(encode(convert_to({place}::text, 'UTF8'), 'base64'), E'+/=\\n', '-_')"


def read(cursor: str, name: str, sort: Sort, table: Table) -> Place:
    """Where to go on. Raises CursorMalformed."""
    if len(cursor) > CURSOR_LENGTH_MAX:
        raise CursorMalformed
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        said, value, key = msgspec.json.decode(raw, type=tuple[str, str | None, str])
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise CursorMalformed from error
    shaped = value is None or _SHAPES[sort.type].match(value)
    if said != name or not shaped or not _SHAPES[table.key_type].match(key):
        raise CursorMalformed
    return Place(value, key)

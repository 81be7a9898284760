"""Bytes of a hangar export to plain JSON values or table rows, and nothing worse.

The file comes from a browser extension, a spreadsheet or a stranger: size, encoding, depth, duplicate keys, NaN and
control characters are judged here, so that the formats above see only small, finite values. Raises `Untrusted` errors
and nothing else.
"""

import csv
import io
import json
import re
from typing import Any

from scmanager.errors import Untrusted

SIZE_BYTES_MAX = 4 * 1024 * 1024
"""The largest hangars seen have some 300 ships in 130 KB."""

DEPTH_MAX = 12
FIELD_CHARACTERS_MAX = 4096

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class HangarEmpty(Untrusted):
    """This file lists no ships."""

    code = "hangar-empty"
    hint = "Open your hangar page, let the tool finish reading it, and export again."


class HangarTooLarge(Untrusted):
    """This file is too large for a hangar ({what}: at most {most})."""

    code = "hangar-too-large"
    hint = "Check that it is the export of a hangar and not another file."


class HangarNotText(Untrusted):
    """This file is not text."""

    code = "hangar-not-text"
    hint = "Choose the JSON or CSV file the tool saved. If a spreadsheet saved it, save it again as CSV UTF-8."


class HangarNotReadable(Untrusted):
    """This file is damaged or is neither JSON nor CSV ({why})."""

    code = "hangar-not-readable"
    hint = "Export the hangar again; do not edit the file by hand."


def parse_text(data: bytes) -> Any:
    """JSON values, or for a table a list of header and rows (lists of strings, in a tuple)."""
    if len(data) > SIZE_BYTES_MAX:
        raise HangarTooLarge(what="bytes", most=SIZE_BYTES_MAX)
    text = _decode(data)
    if not text.strip():
        raise HangarEmpty()
    if text.lstrip()[0] in "[{":
        return _json(text)
    return _table(text)


def _decode(data: bytes) -> str:
    try:
        return data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise HangarNotText() from error


def _json(text: str) -> Any:
    _refuse_depth(text)
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of more than 4,300 digits.
        raise HangarNotReadable(why="not JSON") from error


def _refuse_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        if depth > DEPTH_MAX:
            raise HangarNotReadable(why="nested too deep")


def _refuse_constant(constant: str) -> None:
    raise HangarNotReadable(why=f"{constant} is no number")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values for one key: which one counts would be our guess."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise HangarNotReadable(why="a field is there twice")
    return found


def _table(text: str) -> tuple[list[str], ...]:
    head = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        rows = tuple([cell[:FIELD_CHARACTERS_MAX] for cell in row] for row in reader if row)
    except csv.Error as error:
        raise HangarNotReadable(why="not CSV") from error
    if len(rows) < 2 or len(rows[0]) < 2:
        raise HangarNotReadable(why="no table of ships")
    return rows

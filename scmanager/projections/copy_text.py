"""Rows as PostgreSQL's COPY reads them: text, tab between fields, one row a line. The fastest way in from Python.

A field is written by the function for its type; each returns the field's spelling, `NULL` for nothing.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

NULL = "\\N"

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_QUOTES = str.maketrans({"\\": "\\\\", '"': '\\"'})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_S = 253_402_300_799
"""The end of the year 9999, as far as calendars go here."""


def line(*fields: str) -> str:
    """One row."""
    return "\t".join(fields) + "\n"


def text(value: str | None) -> str:
    """Any string without U+0000."""
    return NULL if value is None else value.translate(_ESCAPES)


def ident(value: bytes | None) -> str:
    """An id; empty and None are NULL."""
    return "\\\\x" + value.hex() if value else NULL


def number(value: int | None) -> str:
    """A whole number."""
    return NULL if value is None else str(value)


def flag(value: bool) -> str:
    """Yes or no."""
    return "t" if value else "f"


def seconds(value: int) -> str:
    """Claimed UTC seconds, 0 for never; what lies beyond every calendar is infinity."""
    if value <= 0:
        return NULL
    if value > _LAST_S:
        return "infinity"
    return (_EPOCH + timedelta(seconds=value)).isoformat()


def micros(value: int) -> str:
    """An hlc, microseconds; it is below 2^53, the year 2255."""
    return (_EPOCH + timedelta(microseconds=value)).isoformat()


def idents(values: Iterable[bytes]) -> str:
    """An array of ids."""
    return "{" + ",".join(f'"\\\\\\\\x{value.hex()}"' for value in values) + "}"


def numbers(values: Iterable[int]) -> str:
    """An array of whole numbers."""
    return "{" + ",".join(map(str, values)) + "}"


def texts(values: Iterable[str]) -> str:
    """An array of strings."""
    return text("{" + ",".join('"' + value.translate(_QUOTES) + '"' for value in values) + "}")

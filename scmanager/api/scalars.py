"""The scalars and enums of the schema, and how ids are read."""

import enum
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition, scalar

from scmanager.errors import Untrusted

_HEX = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{64})\Z")

WHOLE_MAX = 2**53 - 1


class IdMalformed(Untrusted):
    """The argument {argument} is not an id."""

    code = "id-malformed"
    hint = "Ids are 32 or 64 lower-case hex digits, as this API gives them."


Moment = NewType("Moment", str)
"""A time as text: UTC, ISO 8601, six decimals."""

Whole = NewType("Whole", int)
"""An integer that JavaScript can hold: seconds, positions."""


def _read_moment(value: Any) -> str:
    try:
        read = datetime.fromisoformat(value)
    except TypeError as error:
        raise ValueError("a time is text, such as 2026-03-01T20:00:00Z") from error
    if read.tzinfo is None:
        raise ValueError("a time needs its zone: end it with Z")
    try:
        return read.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise ValueError("a time must lie in the years 1 to 9999 in UTC") from error


def _read_whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > WHOLE_MAX:
        raise ValueError("a whole number below 2^53 is needed")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Moment: scalar(
        name="DateTime", description="A time: ISO 8601, answered in UTC.", serialize=str, parse_value=_read_moment
    ),
    Whole: scalar(name="Whole", description="A whole number below 2^53.", serialize=int, parse_value=_read_whole),
}


def read_id(text: Any, argument: str) -> bytes:
    """16 or 32 bytes from hex. Raises IdMalformed."""
    if not isinstance(text, str) or not _HEX.match(text):
        raise IdMalformed(argument=argument)
    return bytes.fromhex(text)


@cache
def graphql_enum(kind: type[enum.Enum]) -> type[enum.Enum]:
    """A domain's enum as the schema has it: an own type, so that the domain's stays as it is."""
    copy = enum.Enum(_enum_name(kind), {each.name: each.value for each in kind})  # type: ignore[misc] # named at run time
    return strawberry.enum(copy, description=(kind.__doc__ or "").partition("\n")[0] or None)


def _enum_name(kind: type[enum.Enum]) -> str:
    """`RemovalReason` of ship_events is ShipRemovalReason: two domains may use one word."""
    thing = kind.__module__.rpartition(".")[2].partition("_")[0]
    return kind.__name__ if thing.rstrip("s") == kind.__name__.lower() else thing.capitalize() + kind.__name__

"""From a verb's parameters to GraphQL arguments and back: whatever verbs there are, this is how they are offered."""

import enum
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, NewType

import msgspec
import strawberry

from scmanager.api.scalars import IdMalformed, Whole, graphql_enum, read_id
from scmanager.application.verbs import DeviceId, EntryId

Read = Callable[[Any], Any]


class Argument(msgspec.Struct, frozen=True):
    """A type as GraphQL has it, and how its values become the verb's."""

    type: Any
    read: Read


def argument(name: str, kind: Any) -> Argument:
    """How an argument of this type is offered. Raises TypeError for a type that no front end can offer."""
    if isinstance(kind, NewType):
        return Argument(strawberry.ID, _id_reader(name, 32 if kind in (DeviceId, EntryId) else 16))
    if kind is bytes:
        return Argument(strawberry.ID, lambda value: read_id(value, name))
    if kind is int:
        return Argument(Whole, _as_it_is)
    if kind in (str, bool):
        return Argument(kind, _as_it_is)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return Argument(graphql_enum(kind), lambda value: kind(value.value))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind)
    return _compound(name, kind)


def _compound(name: str, kind: Any) -> Argument:
    origin = typing.get_origin(kind)
    inner = tuple(each for each in typing.get_args(kind) if each is not msgspec.UnsetType)
    if origin in (types.UnionType, typing.Union) and len(inner) == 2 and type(None) in inner:
        only = argument(name, next(each for each in inner if each is not type(None)))
        return Argument(only.type | None, lambda value: None if value is None else only.read(value))
    if origin in (tuple, list, frozenset, set):
        each = argument(name, inner[0])
        return Argument(list[each.type], lambda values: origin(each.read(value) for value in values))  # type: ignore[name-defined] # a type made at run time
    raise TypeError(f"{name}: no front end can offer {kind}")


def _struct(kind: type[msgspec.Struct]) -> Argument:
    inputs, fields = _input(kind)
    needed = {each.name for each in msgspec.structs.fields(kind) if each.required}

    def read(value: Any) -> Any:
        given = {key: getattr(value, key) for key in fields}
        return kind(
            **{key: fields[key].read(each) for key, each in given.items() if each is not None or key in needed}
        )

    return Argument(inputs, read)


@cache
def _input(kind: type[msgspec.Struct]) -> tuple[type, dict[str, Argument]]:
    """A small structure, such as an owner, as an input type of its own."""
    hints = typing.get_type_hints(kind)
    fields = {each.name: argument(each.name, hints[each.name]) for each in msgspec.structs.fields(kind)}
    named = types.new_class(f"{kind.__name__}Input", (), {}, lambda space: space.update(_members(kind, fields)))
    return strawberry.input(named, description=(kind.__doc__ or "").partition("\n")[0]), fields


def _members(kind: type[msgspec.Struct], fields: dict[str, Argument]) -> dict[str, Any]:
    """Annotations; what has a default in the structure may be left out."""
    optional = [each.name for each in msgspec.structs.fields(kind) if not each.required]
    annotations = {name: each.type | None if name in optional else each.type for name, each in fields.items()}
    return {"__annotations__": annotations} | dict.fromkeys(optional)


def _as_it_is(value: Any) -> Any:
    return value


def _id_reader(name: str, length: int) -> Read:
    def read(value: Any) -> bytes:
        found = read_id(value, name)
        if len(found) != length:
            raise IdMalformed(argument=name)
        return found

    return read

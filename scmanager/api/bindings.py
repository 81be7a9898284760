"""Bindings: what a GraphQL field is in the read models. Said once, at the field; the compiler reads it there.

SQL fragments name their own row `{c}` (child), the row around it `{p}` (parent) and a value given `{v}`. They are
constants of this package; whatever a caller sends travels as a bound parameter.
"""

import enum
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import msgspec
import strawberry

T = TypeVar("T")

PAGE_DEFAULT = 50
PAGE_MAX = 200

BINDING = "scm.binding"


class Column(msgspec.Struct, frozen=True):
    """One value of a row, as an SQL expression that becomes JSON."""

    sql: str
    plain: bool = False
    """Whether it is text in which nothing is ever escaped: digits, names of ours."""


class One(msgspec.Struct, frozen=True):
    """One row of another read model, or null."""

    on: str
    given: dict[str, str] = {}
    """Further arguments and the condition each of them is."""
    source: "Source | None" = None
    """What is read in place of the table."""


class Many(msgspec.Struct, frozen=True):
    """A page of rows of another read model."""

    on: str
    next_step: str
    """What to do when there is none at all."""
    given: dict[str, str] = {}
    source: "Source | None" = None
    """What is read in place of the table."""
    due: str = ""
    """How many seconds from now the answer may change by itself, as SQL; empty: never, only with an event."""

    @property
    def few(self) -> bool:
        """Whether the condition leaves few rows: then they are found first and sorted after, not the other way."""
        return "{p}.id" in self.on


class Table(msgspec.Struct, frozen=True):
    """A read model: its table, and the column that together with the sort column orders it."""

    name: str
    key: str = "id"
    key_type: str = "bytea"


class Sort(msgspec.Struct, frozen=True):
    """A column to order by, and its type in a cursor."""

    column: str
    type: str = "text"


Binding = Column | One | Many
Source = Callable[[dict[str, Any], Callable[[Any], str]], str]
"""(arguments, bind a value) -> SQL that stands where a table would. May raise Refused."""


def _field(binding: Binding, description: str, **more: Any) -> Any:
    return strawberry.field(metadata={BINDING: binding}, description=description or None, **more)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def described(kind: type[T]) -> type[T]:
    """An object type of the schema, described by its docstring."""
    return strawberry.type(kind, description=inspect.getdoc(kind))


def column(sql: str, description: str = "") -> Any:
    """A column as it is: text, number, boolean, list of text."""
    return _field(Column(f"{{c}}.{sql}"), description)


def computed(sql: str, description: str = "") -> Any:
    """An expression over the row `{c}`."""
    return _field(Column(sql), description)


def hexed(name: str, description: str = "") -> Any:
    """An id, shown as lower-case hex."""
    return _field(Column(f"encode({{c}}.{name}, 'hex')", plain=True), description)


def hexed_list(name: str, description: str = "") -> Any:
    """Several ids."""
    sql = f"array(select encode(each, 'hex') from unnest({{c}}.{name}) each)"  # noqa: S608 - names are ours
    return _field(Column(sql), description)


def moment(name: str, description: str = "") -> Any:
    """A time in UTC, always with six decimals."""
    return _field(Column(f'to_char({{c}}.{name}, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')', plain=True), description)


def chosen(name: str, description: str = "") -> Any:
    """An enum: stored as `in-claim`, shown as IN_CLAIM."""
    return _field(Column(f"upper(translate({{c}}.{name}, '-', '_'))", plain=True), description)


def one(
    on: str, description: str = "", given: dict[str, tuple[Any, str]] | None = None, source: Source | None = None
) -> Any:
    """A single related row, of the field's type. `given`: arguments with their types and conditions."""
    asked = given or {}
    binding = One(on, {name: sql for name, (_, sql) in asked.items()}, source)
    return _field(binding, description, **_resolver({name: kind for name, (kind, _) in asked.items()}))


def many(
    on: str,
    *,
    filter: type,  # noqa: A002
    sort: type[enum.Enum],
    next_step: str,
    description: str = "",
    given: dict[str, tuple[Any, str]] | None = None,
    source: Source | None = None,
    due: str = "",
) -> Any:
    """A page of related rows, with the paging arguments that every page has.

    `given`: further arguments with their types and conditions; without a condition they are for `source` alone.
    """
    asked = given or {}
    arguments = {name: kind for name, (kind, _) in asked.items()} | paging(filter, sort)
    binding = Many(on, next_step, {name: sql for name, (_, sql) in asked.items() if sql}, source, due)
    return _field(binding, description, **_resolver(arguments))


def _resolver(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"resolver": takes(arguments)} if arguments else {}


def paging(filter: type, sort: type[enum.Enum]) -> dict[str, Any]:  # noqa: A002
    """The arguments of a page, as (type, default)."""
    return {
        "filter": (filter | None, None),
        "sort": (sort, next(iter(sort))),
        "descending": (bool, False),
        "first": (int | None, None),
        "after": (str | None, None),
        "last": (int | None, None),
        "before": (str | None, None),
    }


def takes(arguments: dict[str, Any]) -> Callable[..., Any]:
    """A function of these arguments (types, or types with defaults), for its signature alone."""

    def answered_by_the_compiler() -> Any:
        raise AssertionError("bound fields are answered by the compiler")

    parameters = []
    for name, said in arguments.items():
        kind, default = said if isinstance(said, tuple) else (said, inspect.Parameter.empty)
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default))
    answered_by_the_compiler.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by inspect
    answered_by_the_compiler.__annotations__ = {each.name: each.annotation for each in parameters}
    return answered_by_the_compiler


def matches(sql: str, description: str = "") -> Any:
    """A condition of a filter: holds for the row `{c}` and the given value `{v}`. Absent means no condition."""
    return strawberry.field(metadata={BINDING: sql}, default=None, description=description or None)


def part_of_title() -> Any:
    """The condition of a filter's `text` on things that have a title."""
    return matches("position({v} in {c}.title_lower) > 0", "Part of the name, in any case.")


def orders(name: str, **by: Sort) -> type[enum.Enum]:
    """By what a list is ordered: an enum of the schema."""
    made = enum.Enum(name, by)  # type: ignore[misc] # named at run time
    return strawberry.enum(made)

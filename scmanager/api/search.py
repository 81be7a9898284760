"""Search as a GraphQL type: things of every kind by name, the best match first."""

# ruff: noqa: S608 - SQL is composed here of this package's constants and names of bound parameters

import enum
from collections.abc import Callable, Iterator
from typing import Any

import strawberry
from strawberry import ID

from scmanager.api import characters, diplomacy
from scmanager.api.bindings import Sort, Table, chosen, column, computed, described, hexed, matches, one
from scmanager.api.models import Fleet, Member, Organisation, Role, Ship, Squadron
from scmanager.api.operation_models import Operation
from scmanager.api.scalars import graphql_enum, read_id
from scmanager.api.viewer import Viewer
from scmanager.domain.words import check_words
from scmanager.projections.matching import BETWEEN, grams_of_search, key_of_search
from scmanager.projections.search import Kind

TEXT_LENGTH_MAX = 200
FOUND_MAX = 1_000
"""As many are found; half of them names that begin with the text, if there are so many."""
KEY_INDEXED = 100
"""Characters of a thing's keys that are in order in an index."""
NO_MATCHES = "Nothing here has a name like that: search for a part of it, in any case and without accents."

SearchKind = graphql_enum(Kind)
_INDEXED = f"left(s.key, {KEY_INDEXED})"
_LAST = "\U0010ffff"


@strawberry.enum(description="How a name matches.")
class Match(enum.Enum):
    """As the query works it out; the digits put them in order."""

    EXACT = "0"
    PREFIX = "1"
    WORD = "2"
    SUBSTRING = "3"


@strawberry.input
class SearchFilter:
    """Which of what was found."""

    gone: bool | None = matches("{c}.gone = {v}", "What is no longer there: left, removed, disbanded, archived.")


@strawberry.enum
class SearchSort(enum.Enum):
    """By what is found is ordered."""

    MATCH = Sort("place")


def found(given: dict[str, Any], bind: Callable[[Any], str]) -> str:
    """Rows that match, and their `place`: how well, what is there before what is gone, then by name.

    Names that begin with the text are walked in their order; only if there are few, the others are looked for, in any
    order. So a text that half of all names have costs no more than one that a few have.
    """
    key = key_of_search(check_words(given["text"], TEXT_LENGTH_MAX, may_be_empty=True))
    beginning, part = bind(BETWEEN + key), bind(key)
    first = BETWEEN + key[: KEY_INDEXED - 1]
    # Its end as a row: two plain bounds would tell the planner of few rows, which it would sort.
    begins = f"{_INDEXED} >= {bind(first)} and ({_INDEXED}, s.id) < ({bind(first + _LAST)}, ''::bytea)"
    if len(key) >= KEY_INDEXED:
        begins += f" and starts_with(s.key, {beginning})"
    holds = f"s.grams @> {bind(grams_of_search(key))}::integer[] and not starts_with(s.key, {beginning})"
    if len(key) > 1:  # A single letter is one gram, which says all.
        holds += f" and position({part} in s.key) > 0"
    match = (
        f"case when position({bind(_whole(key))} in s.key) > 0 then '0'"
        f" when position({beginning} in s.key) > 0 then '1'"
        f" when position({bind(f' {key}')} in s.key) > 0 then '2' else '3' end"
    )
    place = f"{match} || case when s.gone then '1' else '0' end || left(s.key, {KEY_INDEXED})"
    rows, seen = "select s.* from searchable s where", " and ".join(_seen(given, bind))
    return (
        f"(with firsts as materialized ({rows} {seen} and {begins} order by {_INDEXED}, s.id limit {FOUND_MAX // 2}),"
        f" rest as ({rows} (select count(*) from firsts) < {FOUND_MAX // 2} and {seen} and {holds}"
        f" limit {FOUND_MAX // 2})"
        f" select s.*, {place} as place from (table firsts union all table rest) s)"
    )


def _seen(given: dict[str, Any], bind: Callable[[Any], str]) -> Iterator[str]:
    """What is counted towards the most that are found: what is asked for, where one may look."""
    yield Viewer.RULE.format(row="s")
    if given.get("space") is not None:
        yield f"s.space = {bind(read_id(given['space'], 'space'))}"
    if given.get("kinds") is not None:
        yield f"s.kind = any({bind(given['kinds'])})"
    gone = (given.get("filter") or {}).get("gone")
    if gone is not None:
        yield f"s.gone = {bind(gone)}"


def _whole(key: str) -> str:
    return BETWEEN + key + BETWEEN


def _if(kind: str) -> str:
    return f"{{p}}.kind = '{kind}' and {{c}}.space = {{p}}.space and {{c}}.id = {{p}}.id"


@described
class Found:
    """A thing that was found by its name. Of the things it may be, the one of its kind is there."""

    id: ID = hexed("id")
    space: ID = hexed("space")
    kind: SearchKind = chosen("kind")  # type: ignore[valid-type] # made from the read model's
    name: str = column("name")
    gone: bool = column("gone", "Whether it is no longer there: left, removed, disbanded, archived, cancelled.")
    match: Match = computed("(array['EXACT','PREFIX','WORD','SUBSTRING'])[left({c}.place, 1)::int + 1]")
    organisation: Organisation | None = one("{c}.space = {p}.space", "Whose it is.")
    role: Role | None = one(_if("role"))
    member: Member | None = one(_if("member"))
    ship: Ship | None = one(_if("ship"))
    fleet: Fleet | None = one(_if("fleet"))
    squadron: Squadron | None = one(_if("squadron"))
    operation: Operation | None = one(_if("operation"))
    contact: diplomacy.Contact | None = one(_if("contact"))
    treaty: diplomacy.Treaty | None = one(_if("treaty"))
    character: characters.Character | None = one(_if("character"))


GIVEN: dict[str, tuple[Any, str]] = {
    "text": (str, ""),
    "kinds": (list[SearchKind] | None, "{c}.kind = any({v})"),  # type: ignore[valid-type] # made from the read model's
    "space": (ID | None, "{c}.space = {v}"),
}
"""What the root field takes beside the arguments of a page."""

TABLES: dict[str, Table] = {"Found": Table("searchable")}
"""The read model behind each type."""

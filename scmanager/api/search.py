"""Search as a GraphQL type: things of every kind by name, the best match first, and then documents by their text."""

# ruff: noqa: S608 - SQL is composed here of this package's constants and names of bound parameters

import enum
from collections.abc import Callable, Iterator
from typing import Any

import strawberry
from strawberry import ID

from scmanager.api import characters, diplomacy
from scmanager.api.bindings import Sort, Table, chosen, column, computed, described, hexed, matches, one
from scmanager.api.catalogue import plain
from scmanager.api.document_models import Document
from scmanager.api.models import Fleet, Member, Organisation, Role, Ship, Squadron
from scmanager.api.operation_models import Operation
from scmanager.api.scalars import graphql_enum, read_id
from scmanager.api.viewer import Viewer
from scmanager.domain.words import check_words
from scmanager.projections.matching import BETWEEN, grams_of_search, key_of_search, searched
from scmanager.projections.search import Kind

TEXT_LENGTH_MAX = 200
FOUND_MAX = 1_000
"""As many are found; half of them names that begin with the text, if there are so many."""
TEXTS_MAX = 100
"""As many documents are found beside names."""
KEY_INDEXED = 100
"""Characters of a thing's keys that are in order in an index."""
NO_MATCHES = (
    "Nothing here has a name like that, and no document says it: search for a part of it, in any case and without"
    " accents."
)

SearchKind = graphql_enum(Kind)
_INDEXED = f"left(s.key, {KEY_INDEXED})"
_LAST = "\U0010ffff"
_FIRSTS_MAX = FOUND_MAX // 2
_FEW = f"(select count(*) from {{names}}) < {_FIRSTS_MAX}"
_NAMES = "(table firsts union all table rest)"
_EXCERPT = (
    r"case when {c}.at is not null then (select btrim(regexp_replace(substr(d.body, t.cuts[w.first],"
    r" t.cuts[w.last] - t.cuts[w.first]), '[ \t\n\r\f\v]+', ' ', 'g'), ' ') from document_text t"
    " join document d on d.space = t.space and d.id = t.id"
    " cross join lateral (select greatest(width_bucket({c}.at, t.starts) - 1, 1) as first,"
    " least(width_bucket({c}.at + {c}.length - 1, t.starts) + 2, cardinality(t.cuts)) as last) w"
    " where t.space = {c}.space and t.id = {c}.id) end"
)
"""The same as matching.excerpt."""


@strawberry.enum(description="How a name matches, or that a text does.")
class Match(enum.Enum):
    """As the query works it out; the digits put them in order."""

    EXACT = "0"
    PREFIX = "1"
    WORD = "2"
    SUBSTRING = "3"
    TEXT = "4"


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
    order; only if all are few, texts. So a text that half of all names have costs no more than one that a few have.
    """
    key = key_of_search(check_words(given["text"], TEXT_LENGTH_MAX, may_be_empty=True))
    kinds = set(Kind) if given.get("kinds") is None else set(plain(given["kinds"]))
    texts = _texts(given, key, bind) if Kind.DOCUMENT in kinds else ""
    if kinds == {Kind.DOCUMENT}:
        return f"({texts} limit {FOUND_MAX})"
    more = f" union all ({texts} and {_FEW.format(names=_NAMES)} limit {TEXTS_MAX})" if texts else ""
    return (
        f"(with {_names(given, key, bind)}"
        f" select s.space, s.id, s.kind, s.gone, s.name, {_place(key, bind)} as place,"
        f" null::integer as at, null::integer as length from {_NAMES} s{more})"
    )


def _names(given: dict[str, Any], key: str, bind: Callable[[Any], str]) -> str:
    """Two parts of a query: `firsts`, names that begin so, and `rest`."""
    beginning, part = bind(BETWEEN + key), bind(key)
    first = BETWEEN + key[: KEY_INDEXED - 1]
    # Its end as a row: two plain bounds would tell the planner of few rows, which it would sort.
    begins = f"{_INDEXED} >= {bind(first)} and ({_INDEXED}, s.id) < ({bind(first + _LAST)}, ''::bytea)"
    if len(key) >= KEY_INDEXED:
        begins += f" and starts_with(s.key, {beginning})"
    holds = f"s.grams @> {bind(grams_of_search(key))}::integer[] and not starts_with(s.key, {beginning})"
    if len(key) > 1:  # A single letter is one gram, which says all.
        holds += f" and position({part} in s.key) > 0"
    seen = [*_seen(given, bind)]
    if given.get("kinds") is not None:
        seen.append(f"s.kind = any({bind(given['kinds'])})")
    rows = f"select s.* from searchable s where {' and '.join([*seen, *_still(given, 's.gone', bind)])} and"
    return (
        f"firsts as materialized ({rows} {begins} order by {_INDEXED}, s.id limit {_FIRSTS_MAX}),"
        f" rest as ({rows} {_FEW.format(names='firsts')} and {holds} limit {_FIRSTS_MAX})"
    )


def _place(key: str, bind: Callable[[Any], str]) -> str:
    """How well a name matches, and what orders those that match as well."""
    return (
        f"case when position({bind(_whole(key))} in s.key) > 0 then '0'"
        f" when position({bind(BETWEEN + key)} in s.key) > 0 then '1'"
        f" when position({bind(f' {key}')} in s.key) > 0 then '2' else '3' end"
        f" || case when s.gone then '1' else '0' end || {_INDEXED}"
    )


def _texts(given: dict[str, Any], key: str, bind: Callable[[Any], str]) -> str:
    """A query for texts that hold it, in any order; `at` is where in a text's key. It ends with its conditions."""
    gone = "coalesce(n.gone, false)"
    where = [*_seen(given, bind), "k.at > 0", *_still(given, gone, bind)]
    return (
        f"select s.space, s.id, '{Kind.DOCUMENT}' as kind, {gone} as gone, coalesce(n.name, '') as name,"
        f" '4' || case when {gone} then '1' else '0' end || left(coalesce(n.key, ''), {KEY_INDEXED}) as place, k.at,"
        f" {len(searched(key))} as length"
        f" from document_text_with({bind(grams_of_search(key))}::integer[]) s"
        f" cross join lateral (select position({bind(searched(key))} in s.key) as at offset 0) k"
        f" left join searchable n on n.space = s.space and n.id = s.thing and n.kind = s.thing_is"
        f" where {' and '.join(where)}"
    )


def _seen(given: dict[str, Any], bind: Callable[[Any], str]) -> Iterator[str]:
    """What is counted towards the most that are found: what is asked for, where one may look."""
    yield Viewer.RULE.format(row="s")
    if given.get("space") is not None:
        yield f"s.space = {bind(read_id(given['space'], 'space'))}"


def _still(given: dict[str, Any], gone: str, bind: Callable[[Any], str]) -> Iterator[str]:
    if (wanted := (given.get("filter") or {}).get("gone")) is not None:
        yield f"{gone} = {bind(wanted)}"


def _whole(key: str) -> str:
    return BETWEEN + key + BETWEEN


def _if(kind: str) -> str:
    return f"{{p}}.kind = '{kind}' and {{c}}.space = {{p}}.space and {{c}}.id = {{p}}.id"


@described
class Found:
    """A thing found by its name, or a document by its text. Of the things it may be, the one of its kind is there."""

    id: ID = hexed("id")
    space: ID = hexed("space")
    kind: SearchKind = chosen("kind")  # type: ignore[valid-type] # made from the read model's
    name: str = column("name", "Of a document: that of the thing it belongs to.")
    gone: bool = column("gone", "Whether it is no longer there: left, removed, disbanded, archived, cancelled.")
    match: Match = computed("(array['EXACT','PREFIX','WORD','SUBSTRING','TEXT'])[left({c}.place, 1)::int + 1]")
    excerpt: str | None = computed(_EXCERPT, "Of a document: the words around the first match, as they are written.")
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
    document: Document | None = one(_if("document"))


GIVEN: dict[str, tuple[Any, str]] = {
    "text": (str, ""),
    "kinds": (list[SearchKind] | None, "{c}.kind = any({v})"),  # type: ignore[valid-type] # made from the read model's
    "space": (ID | None, "{c}.space = {v}"),
}
"""What the root field takes beside the arguments of a page."""

TABLES: dict[str, Table] = {"Found": Table("searchable")}
"""The read model behind each type."""

"""Arbitrary events and envelopes, drawn from few ids so that they meet; in bounds, or wild."""

import enum
import typing
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from scmanager.domain import audit_event, change_graph, document, payload
from scmanager.domain.event import Envelope, Event
from scmanager.domain.rights import Right
from scmanager.domain.treaty_events import WARN_DAYS_MAX, Days
from tests.support.scenario import THING, entry, who

PEOPLE = (who("ada"), who("grace"), who("leader"), THING)
ENTRIES = tuple(entry(number) for number in range(1, 9))

_IN_BOUNDS: dict[Any, st.SearchStrategy[Any]] = {
    payload.Id16: st.sampled_from(PEOPLE),
    payload.Entry: st.sampled_from(ENTRIES),
    payload.Entries: st.lists(st.sampled_from(ENTRIES), max_size=4).map(tuple),
    document.Hashes: st.lists(st.sampled_from((change_graph.ROOT, *ENTRIES)), min_size=1, max_size=4).map(tuple),
    document.Number: st.integers(1, 4),
    document.Moment: st.integers(0, payload.INT_MAX),
    payload.Seconds: st.integers(0, payload.INT_MAX),
    payload.Rank: st.integers(payload.RANK_HIGHEST, payload.RANK_LOWEST),
    payload.Title: st.sampled_from(("Vanguard", "Aegis", "Jumptown Irregulars", "", " ", "a\u202eb", "x\n")),
    Days: st.integers(0, WARN_DAYS_MAX),
    payload.Sid: st.sampled_from(("", "VNGD", "A1")),
    payload.CatalogueKey: st.sampled_from(("aegis-vanguard", "ANVL_Carrack")),
    payload.Titles: st.lists(st.sampled_from(("pilot", "gunner")), max_size=3).map(tuple),
    payload.CatalogueKeys: st.lists(st.sampled_from(("aegis-vanguard", "ANVL_Carrack")), max_size=3).map(tuple),
    payload.Ids: st.lists(st.sampled_from(PEOPLE), max_size=4).map(tuple),
    payload.Spans: st.lists(st.integers(0, 100_000), max_size=4).map(tuple),
    payload.Zone: st.sampled_from(("UTC", "Europe/Berlin")),
    payload.Crew: st.integers(0, 3),
    audit_event.Digest: st.sampled_from(ENTRIES),
    audit_event.Count: st.integers(1, payload.INT_MAX),
    audit_event.Region: st.sampled_from(("AR", "DE")),
    payload.RightKeys: st.lists(st.sampled_from([right.value for right in Right]), max_size=4).map(tuple),
}


def _wild(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of the bare type."""
    if get_origin(kind) is tuple:
        return st.lists(_wild(get_args(kind)[0]), max_size=80).map(tuple)
    if get_origin(kind) is not None and hasattr(kind, "__metadata__"):
        return _wild(get_args(kind)[0])
    if kind is str:
        return st.text(st.characters(exclude_categories=()), max_size=140)
    return st.from_type(kind)


def _values(kind: Any, wild: bool) -> st.SearchStrategy[Any]:
    if kind in _IN_BOUNDS:
        return st.one_of(_IN_BOUNDS[kind], _wild(kind)) if wild else _IN_BOUNDS[kind]
    if get_origin(kind) is not None:
        return st.one_of([_values(part, wild) for part in get_args(kind)])
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(list(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs(kind, wild)
    return st.from_type(kind)


def structs(kind: type, wild: bool = False) -> st.SearchStrategy[Any]:
    """Instances of an event class: within the bounds of its fields, or with any values of their bare types too."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {name: _values(hints[name], wild) for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


def events(kinds: list[type[Event]], wild: bool = False) -> st.SearchStrategy[Event]:
    return st.one_of([structs(kind, wild) for kind in kinds])


@st.composite
def envelopes(draw: st.DrawFn, by: st.SearchStrategy[bytes] | None = None) -> Envelope:
    """Any envelope about THING, whatever its author may have seen."""
    member = draw(by if by is not None else st.sampled_from(PEOPLE))
    saw = tuple(draw(st.lists(st.sampled_from(ENTRIES), max_size=4, unique=True)))
    own, rank = draw(st.sampled_from(ENTRIES)), draw(st.integers(0, 10))
    rights = draw(st.sampled_from([frozenset[str](), frozenset({"role.define"}), frozenset({"*"})]))
    return Envelope(own, member * 2, 1, 1, member * 2, member, rank, THING, saw=saw, rights=rights)

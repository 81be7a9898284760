"""Documents as GraphQL types: as they are now out of the read models, as they were out of the node itself."""

import enum
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import strawberry
from strawberry import ID
from strawberry.types import Info

from scmanager.api.bindings import (
    Sort,
    Table,
    chosen,
    column,
    described,
    hexed,
    hexed_list,
    matches,
    moment,
    one,
)
from scmanager.api.context import Context, work
from scmanager.api.filters import Words
from scmanager.api.models import Member
from scmanager.api.scalars import IdMalformed, Moment, graphql_enum, read_id
from scmanager.domain import change_graph, document, text_diff
from scmanager.errors import Refused
from scmanager.spaces.document_history import Left, Step
from scmanager.spaces.documents import Documents, Place
from scmanager.spaces.personal import Absence

NO_DOCUMENTS = "Nothing was written yet: write a charter, a briefing or a report with documentEdit."

DocumentKind = graphql_enum(document.Kind)
HunkAct = graphql_enum(text_diff.Act)

_SAME = "{c}.space = {p}.space"
OF_THING = {"thing": (ID, "{c}.thing = {v}"), "kind": (DocumentKind, "{c}.kind = {v}")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class PointUnclear(Refused):
    """Say either changes or a time, not both and not neither."""

    code = "document-point-unclear"
    hint = "Give `at: {heads: [...]}` from the history, or `at: {time: ...}`."


@strawberry.input
class DocumentFilter:
    """Which documents."""

    text: str | None = matches("position(lower({v}) in lower({c}.body)) > 0", "Part of the text, in any case.")
    kind: list[DocumentKind] | None = matches("{c}.kind = any({v})")  # type: ignore[valid-type] # made from the domain's
    thing: ID | None = matches("{c}.thing = {v}")
    author: ID | None = matches("{v} = any({c}.authors)", "Who wrote in it; the first 64 of each are known.")
    troubled: bool | None = matches("({c}.trouble is not null) = {v}")


@strawberry.enum
class DocumentSort(enum.Enum):
    """By what documents are ordered."""

    CHANGED = Sort("changed_at", "timestamptz")


@described
class Document:
    """A text that several write."""

    id: ID = hexed("id")
    space: ID = hexed("space")
    thing: ID = hexed("thing", "The operation, treaty, character or organisation it belongs to.")
    kind: DocumentKind = chosen("kind")  # type: ignore[valid-type] # made from the domain's
    text: str | None = column("body", "Null when it cannot be shown: see words and trouble.")
    words: Words = chosen("body_words")
    trouble: str | None = column("trouble", "Why it cannot be shown, though its changes are here.")
    heads: list[ID] = hexed_list("heads", "The changes it ends with: what documentEdit takes as `base`.")
    changes: int = column("changes")
    omitted: int = column("omitted", "Changes that cannot be used and are left out.")
    author_ids: list[ID] = hexed_list("authors")
    changed_by: Member | None = one(f"{_SAME} and {{c}}.id = {{p}}.changed_by")
    changed_at: Moment | None = moment("changed_at")


@described
class DocumentLeaving:
    """That a change was left out of the text."""

    id: ID = strawberry.field(description="What documentTakeIn takes as `left`.")
    member: ID
    at: Moment
    why: str | None = strawberry.field(description="In words, if any were said and can be read here.")


@described
class DocumentChange:
    """A step in a document's history."""

    id: ID
    entry: ID = strawberry.field(description="The entry that brought it; `why` explains it.")
    member: ID
    at: Moment
    after: list[ID] = strawberry.field(description="The changes its author knew; empty: the beginning.")
    left_out: DocumentLeaving | None = strawberry.field(description="Who left it out of the text, if somebody did.")
    without: bool = strawberry.field(description="Whether it builds on what is left out, and is so itself.")


@described
class DocumentText:
    """What a document said at one point."""

    heads: list[ID]
    text: str


@described
class DocumentHunk:
    """Lines that follow each other and had one fate."""

    act: HunkAct  # type: ignore[valid-type] # made from the domain's
    text: str


@strawberry.input
class DocumentPoint:
    """A point in a document's history: changes, or a time."""

    heads: list[ID] | None = None
    time: Moment | None = None


async def history(info: Info[Context, None], space: ID, thing: ID, kind: DocumentKind) -> list[DocumentChange]:  # type: ignore[valid-type]
    """Every change of a document that counts, each after what it builds on."""
    steps = await _asked(info, space, thing, kind, lambda documents, place: documents.history(place))
    return [_change(step) for step in steps]


async def as_of(
    info: Info[Context, None],
    space: ID,
    thing: ID,
    kind: DocumentKind,  # type: ignore[valid-type]
    at: DocumentPoint,
) -> DocumentText:
    """What a document said at some changes, or at a time as far as that is held here now."""

    def act(documents: Documents, place: Place) -> DocumentText:
        heads = _heads(documents, place, at)
        return DocumentText(heads=[ID(each.hex()) for each in heads], text=documents.text_at(place, heads))

    return await _asked(info, space, thing, kind, act)


async def difference(
    info: Info[Context, None],
    space: ID,
    thing: ID,
    kind: DocumentKind,  # type: ignore[valid-type]
    since: DocumentPoint,
    until: DocumentPoint,
) -> list[DocumentHunk]:
    """What changed in a document between two points, line by line."""

    def act(documents: Documents, place: Place) -> list[DocumentHunk]:
        before, after = (documents.text_at(place, _heads(documents, place, each)) for each in (since, until))
        return [DocumentHunk(act=HunkAct(each.act.value), text=each.text) for each in text_diff.hunks(before, after)]

    return await _asked(info, space, thing, kind, act)


async def _asked(
    info: Info[Context, None],
    space: ID,
    thing: ID,
    kind: DocumentKind,  # type: ignore[valid-type]
    act: Callable[[Documents, Place], T],
) -> T:
    """Outside of the event loop: the first look at a long document takes long."""
    in_space, entity = read_id(space, "space"), read_id(thing, "thing")
    if len(in_space) != 32 or len(entity) != 16:
        raise IdMalformed(argument="space" if len(in_space) != 32 else "thing")
    info.context.viewer.check(in_space)
    backend = info.context.backend
    meant = document.Kind(kind.value)  # type: ignore[attr-defined]
    place = Place(in_space, entity, meant, document.owner_of(meant, in_space[:16]))
    return await work(info.context.services, lambda: act(backend.documents, place))


def _heads(documents: Documents, place: Place, at: DocumentPoint) -> tuple[bytes, ...]:
    if (at.heads is None) is (at.time is None):
        raise PointUnclear
    if at.time is not None:
        return documents.heads_at(place, (datetime.fromisoformat(at.time) - _EPOCH) // timedelta(microseconds=1))
    return tuple(read_id(each, "heads") for each in at.heads or ())


def _moment(hlc: int) -> Moment:
    at = datetime.fromtimestamp(hlc // 1_000_000, UTC).replace(microsecond=hlc % 1_000_000)
    return Moment(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def _leaving(left: Left) -> DocumentLeaving:
    leaving = left.leaving
    return DocumentLeaving(
        id=ID(leaving.entry.hex()),
        member=ID(leaving.member.hex()),
        at=_moment(leaving.hlc),
        why=None if isinstance(left.why, Absence) else left.why,
    )


def _change(step: Step) -> DocumentChange:
    return DocumentChange(
        id=ID(step.change.hex()),
        entry=ID(step.envelope.entry.hex()),
        member=ID(step.envelope.member.hex()),
        at=_moment(step.envelope.hlc),
        after=[ID(each.hex()) for each in step.deps if each != change_graph.ROOT],
        left_out=_leaving(step.left) if step.left else None,
        without=step.without,
    )


TABLES: dict[str, Table] = {"Document": Table("document")}
"""The read model behind each type."""

"""Forensics by GraphQL: a space as of then, why a value is so, and the digest of the space as the node holds it.

What is asked of the past is folded anew from the log (ADR 26), in a thread of its own, one at a time. Values are in
words, as `scm audit` tells them; ids, hashes and notes are exact.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import strawberry
from strawberry import ID
from strawberry.types import Info

from scmanager.api.backend import Wanted
from scmanager.api.bindings import PAGE_DEFAULT, PAGE_MAX
from scmanager.api.context import Context
from scmanager.api.cursors import CursorMalformed
from scmanager.api.forensic_answers import digest_of, explanation_of, past_of
from scmanager.api.forensic_models import Explanation, PastState, StateDigest, ThingKind
from scmanager.api.page import PageUnclear
from scmanager.api.scalars import IdMalformed, Moment, Whole, read_id
from scmanager.errors import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class PointsUnclear(Refused):
    """Say one point: pos, time, entry or frontier."""

    code = "audit-points-unclear"
    hint = "Give one of them, or leave `at` out for now."


class WhatUnclear(Refused):
    """Say either an event or a thing with its kind."""

    code = "audit-what-unclear"
    hint = "Give `event`, or `thing` and `kind`, and a `field` of it if you like."


@strawberry.input
class SpacePoint:
    """A point in a space's history: one of these."""

    pos: Whole | None = strawberry.field(default=None, description="What this store held at this position.")
    time: Moment | None = strawberry.field(default=None, description="What is dated up to then, and held now.")
    entry: ID | None = strawberry.field(default=None, description="An entry and all that its author had seen.")
    frontier: ID | None = strawberry.field(default=None, description="Where the space had this frontier, here.")


async def as_of(
    info: Info[Context, None], space: ID, at: SpacePoint | None = None,
    kinds: list[ThingKind] | None = None, first: int | None = None, after: str | None = None,  # type: ignore[valid-type]
) -> PastState:  # fmt: skip
    """A space as of a point, from its entries alone, with its frontier, its digest, and a page of its things."""
    held, wanted, size, place = _space(info, space), _wanted(at), _size(first), _after(after)
    chosen = frozenset(each.value for each in kinds or ())  # type: ignore[attr-defined]
    forensics = info.context.backend.forensics
    told = await info.context.services.turns.take(lambda: forensics.as_of(held, wanted, chosen, size, place))
    return past_of(told)


async def explain(
    info: Info[Context, None], space: ID, event: ID | None = None, thing: ID | None = None,
    kind: ThingKind | None = None, field: str | None = None,  # type: ignore[valid-type]
    at: SpacePoint | None = None, first: int | None = None, after: str | None = None,
) -> Explanation:  # fmt: skip
    """Why an event counts and what it changed; or how a thing, or one field of it, came to be: by whom, by which
    right, with the proof of each event.
    """
    held, wanted, size = _space(info, space), _wanted(at), _size(first)
    if (event is None) is (thing is None) or (thing is None) is not (kind is None) or (event and field):
        raise WhatUnclear
    forensics, begin = info.context.backend.forensics, _index(after)
    if event is not None:
        entry = _sized(event, "event", 32)
        told = await info.context.services.turns.take(lambda: forensics.explain_event(held, wanted, entry))
        return explanation_of(told, 0)
    entity, meant = _sized(thing, "thing", 16), kind.value  # type: ignore[union-attr]
    part = slice(begin, begin + size)
    told = await info.context.services.turns.take(
        lambda: forensics.explain_thing(held, wanted, meant, entity, field, part)
    )
    return explanation_of(told, begin)


async def state_digest(
    info: Info[Context, None], space: ID, kind: ThingKind | None = None,  # type: ignore[valid-type]
    first: int | None = None, after: ID | None = None,
) -> StateDigest:  # fmt: skip
    """Frontier and digest of a space as this node holds it, so that a replay of the log can be compared with it."""
    held, size = _space(info, space), _size(first)
    begin = _sized(after, "after", 16) if after is not None else b""
    meant = kind.value if kind is not None else None
    forensics = info.context.backend.forensics
    told = await info.context.services.turns.take(lambda: forensics.digest(held, meant, size, begin))
    return digest_of(told)


def _space(info: Info[Context, None], space: ID) -> bytes:
    held = _sized(space, "space", 32)
    info.context.viewer.check(held)
    return held


def _sized(text: Any, argument: str, width: int) -> bytes:
    found = read_id(text, argument)
    if len(found) != width:
        raise IdMalformed(argument=argument)
    return found


def _wanted(at: SpacePoint | None) -> Wanted:
    if at is None:
        return Wanted()
    if sum(each is not None for each in (at.pos, at.time, at.entry, at.frontier)) > 1 or (at.pos or 0) < 0:
        raise PointsUnclear
    time_us = (datetime.fromisoformat(at.time) - _EPOCH) // timedelta(microseconds=1) if at.time else None
    entry = _sized(at.entry, "entry", 32) if at.entry is not None else None
    frontier = _sized(at.frontier, "frontier", 32) if at.frontier is not None else None
    return Wanted(at.pos, time_us, entry, frontier)


def _size(first: int | None) -> int:
    if first is not None and first < 1:
        raise PageUnclear(why=f"{first} rows were asked for")
    return min(PAGE_DEFAULT if first is None else first, PAGE_MAX)


def _after(cursor: str | None) -> tuple[str, bytes] | None:
    if cursor is None:
        return None
    kind, _, entity = _uncovered(cursor).partition(" ")
    try:
        return kind, bytes.fromhex(entity)
    except ValueError as error:
        raise CursorMalformed from error


def _index(cursor: str | None) -> int:
    if cursor is None:
        return 0
    said = _uncovered(cursor)
    if not said.isascii() or not said.isdigit() or len(said) > 9:
        raise CursorMalformed
    return int(said)


def _uncovered(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
    except (ValueError, binascii.Error) as error:
        raise CursorMalformed from error

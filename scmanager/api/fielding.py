"""Can we field this? Asked of the node itself: the answer follows from states, not from rows."""

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import ID
from strawberry.types import Info

from scmanager.api.bindings import described
from scmanager.api.context import Context
from scmanager.api.scalars import IdMalformed, graphql_enum, read_id
from scmanager.application.fielding import can_we_field
from scmanager.domain import fielding

FieldingFlaw = graphql_enum(fielding.Flaw)
FieldingMissing = graphql_enum(fielding.Missing)


@described
class GroundedShip:
    """A ship that fits, and why it cannot come."""

    id: ID
    flaw: FieldingFlaw  # type: ignore[valid-type] # made from the domain's


FIRST = 50
"""As many of those who could are listed, unless more are asked for: of a large organisation it may be everybody."""


def _could(root: Any, first: int = FIRST) -> list[ID]:
    ids: Sequence[bytes] = root.every_could[: max(first, 0)]
    return [ID(each.hex()) for each in ids]


def _would(root: Any, first: int = FIRST) -> list[GroundedShip]:
    hulls: Sequence[fielding.Hull] = root.every_would[: max(first, 0)]
    return [GroundedShip(id=ID(one.ship.hex()), flaw=FieldingFlaw(one.flaw.value)) for one in hulls if one.flaw]


@described
class FilledShipSlot:
    """A ship slot, and what fills it."""

    slot: ID
    title: str
    optional: bool
    ship: ID | None
    stands: bool = strawberry.field(description="Whether it was assigned before.")
    could: list[ID] = strawberry.field(resolver=_could, description="Ships that could, the first of them.")
    could_count: int = strawberry.field(description="How many ships could.")
    would: list[GroundedShip] = strawberry.field(resolver=_would, description="Ships that fit and cannot come.")
    would_count: int = strawberry.field(description="How many would fit and cannot come.")
    every_could: strawberry.Private[Sequence[bytes]]
    every_would: strawberry.Private[Sequence[fielding.Hull]]
    lost: ID | None = strawberry.field(description="The ship that is assigned and cannot come.")
    missing: FieldingMissing | None  # type: ignore[valid-type] # made from the domain's


@described
class FilledCrewSlot:
    """A crew slot, and who fills it."""

    slot: ID
    role: str
    optional: bool
    member: ID | None
    stands: bool
    could: list[ID] = strawberry.field(resolver=_could, description="Members who could, the first of them.")
    could_count: int = strawberry.field(description="How many members could.")
    every_could: strawberry.Private[Sequence[bytes]]
    missing: FieldingMissing | None  # type: ignore[valid-type] # made from the domain's


@described
class Fielding:
    """The assignment that fills most slots, and what is missing."""

    complete: bool = strawberry.field(description="Whether every slot that must be filled is.")
    open: int
    ships: list[FilledShipSlot]
    crew: list[FilledCrewSlot]


def fielding_of(
    info: Info[Context, None], space: ID, operation: ID, everybody: bool = False, anew: bool = False
) -> Fielding:
    """Who and which ship could fill each slot of an operation or a template; nothing is recorded.

    `everybody`: the whole roster, not only those who answered. `anew`: as if no slot were taken yet.
    """
    in_space, which = read_id(space, "space"), read_id(operation, "operation")
    if len(in_space) != 32 or len(which) != 16:
        raise IdMalformed(argument="space" if len(in_space) != 32 else "operation")
    info.context.viewer.check(in_space)
    shelf = info.context.backend.shelf
    with shelf.lock:
        held = shelf.space(in_space)
        found = can_we_field(held, which, held.hlc // 1_000_000, everybody=everybody, anew=anew)
    return Fielding(
        complete=found.complete,
        open=found.open,
        ships=[_ship(each) for each in found.ships],
        crew=[_crew(each) for each in found.crew],
    )


def _ship(each: fielding.ShipFilled) -> FilledShipSlot:
    return FilledShipSlot(
        slot=ID(each.slot.id.hex()), title=each.slot.title, optional=each.slot.optional, ship=_hex(each.ship),
        stands=each.stands, every_could=each.could, could_count=len(each.could), every_would=each.would,
        would_count=len(each.would), lost=_hex(each.lost), missing=_missing(each.missing),
    )  # fmt: skip


def _crew(each: fielding.CrewFilled) -> FilledCrewSlot:
    return FilledCrewSlot(
        slot=ID(each.slot.id.hex()), role=each.slot.role, optional=each.slot.optional, member=_hex(each.member),
        stands=each.stands, every_could=each.could, could_count=len(each.could), missing=_missing(each.missing),
    )  # fmt: skip


def _missing(why: fielding.Missing | None) -> FieldingMissing | None:  # type: ignore[valid-type] # made from the domain's
    return FieldingMissing(why.value) if why else None


def _hex(raw: bytes | None) -> ID | None:
    return ID(raw.hex()) if raw else None

"""Can we field this? Asked of the node itself: the answer follows from states, not from rows."""

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


@described
class FilledShipSlot:
    """A ship slot, and what fills it."""

    slot: ID
    title: str
    optional: bool
    ship: ID | None
    stands: bool = strawberry.field(description="Whether it was assigned before.")
    could: list[ID] = strawberry.field(description="Every ship that could.")
    would: list[GroundedShip]
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
    could: list[ID]
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
    would = [
        GroundedShip(id=ID(hull.ship.hex()), flaw=FieldingFlaw(hull.flaw.value)) for hull in each.would if hull.flaw
    ]
    return FilledShipSlot(
        slot=ID(each.slot.id.hex()), title=each.slot.title, optional=each.slot.optional, ship=_hex(each.ship),
        stands=each.stands, could=[ID(ship.hex()) for ship in each.could], would=would, lost=_hex(each.lost),
        missing=_missing(each.missing),
    )  # fmt: skip


def _crew(each: fielding.CrewFilled) -> FilledCrewSlot:
    return FilledCrewSlot(
        slot=ID(each.slot.id.hex()), role=each.slot.role, optional=each.slot.optional, member=_hex(each.member),
        stands=each.stands, could=[ID(member.hex()) for member in each.could], missing=_missing(each.missing),
    )  # fmt: skip


def _missing(why: fielding.Missing | None) -> FieldingMissing | None:  # type: ignore[valid-type] # made from the domain's
    return FieldingMissing(why.value) if why else None


def _hex(raw: bytes | None) -> ID | None:
    return ID(raw.hex()) if raw else None

"""Can we field this? Which ship and whom to put into each open slot so that most are filled, and what is missing.

Deterministic, and a function of what it is given: no slot that must be filled is given up for one that need not be,
and whoever and whatever stands earlier in the lists is asked first. Ships come first: a crew slot on board of a ship
slot that has no ship stays open. Who holds a slot keeps it, unless the ship assigned cannot fly.
"""

import enum
from collections.abc import Mapping, Sequence

import msgspec

from scmanager.domain.event import Id
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import manifest, taker
from scmanager.domain.operation_parts import CrewSlot, ShipSlot


class Flaw(enum.StrEnum):
    """Why a ship cannot come."""

    DAMAGED = "damaged"
    LOST = "lost"
    IN_CLAIM = "in-claim"
    GONE = "gone"
    """Sold, melted, or not shown here any more."""
    KEEPER_AWAY = "keeper-away"
    """Its owner, or whoever has it on loan, does not come."""
    ELSEWHERE = "elsewhere"
    """It is assigned to another operation at that time."""


class Missing(enum.StrEnum):
    """Why a slot stays open."""

    NOBODY = "nobody"
    """Nobody who comes can take it; of a ship slot: no ship that comes fits."""
    TOO_FEW = "too-few"
    """All that could are needed in other slots."""
    NO_SHIP = "no-ship"
    """It is on board of a ship slot that has none."""


class Hand(msgspec.Struct, frozen=True):
    """A member who may come, and the roles he can take; none: any."""

    member: Id
    roles: tuple[str, ...] = ()


class Hull(msgspec.Struct, frozen=True):
    """A ship that may come, or why it cannot."""

    ship: Id
    model: str
    flaw: Flaw | None = None


class ShipFilled(msgspec.Struct, frozen=True):
    """A ship slot: what fills it, what could, what would if it were not for a flaw."""

    slot: ShipSlot
    ship: Id | None
    stands: bool = False
    """Whether it was assigned before."""
    could: tuple[Id, ...] = ()
    would: tuple[Hull, ...] = ()
    lost: Id | None = None
    """The ship that is assigned and cannot come."""
    missing: Missing | None = None


class CrewFilled(msgspec.Struct, frozen=True):
    """A crew slot: who fills it, and who could."""

    slot: CrewSlot
    member: Id | None
    stands: bool = False
    could: tuple[Id, ...] = ()
    missing: Missing | None = None


class Fielding(msgspec.Struct, frozen=True):
    """The answer, slot by slot as they stand in the operation."""

    ships: tuple[ShipFilled, ...]
    crew: tuple[CrewFilled, ...]

    @property
    def complete(self) -> bool:
        """Whether every slot that must be filled is."""
        ships = all(each.slot.optional or not each.missing for each in self.ships)
        return ships and all(each.slot.optional or not each.missing for each in self.crew)

    @property
    def open(self) -> int:
        """How many slots stay open, those that may among them."""
        return sum(each.missing is not None for each in self.ships) + sum(bool(each.missing) for each in self.crew)


def field(
    operation: Operation,
    hands: Sequence[Hand],
    hulls: Sequence[Hull],
    others: Sequence[Id] = (),
    *,
    anew: bool = False,
) -> Fielding:
    """Fill the slots. `others`: members who gave no answer and can take any role, asked after all `hands`.

    `anew`: as if nobody and nothing had one yet.
    """
    ships = _ships(operation, hulls, anew)
    flying = {each.slot.id for each in ships if each.ship is not None}
    return Fielding(ships, _crew(operation, hands, others, flying, anew))


def _ships(operation: Operation, hulls: Sequence[Hull], anew: bool) -> tuple[ShipFilled, ...]:
    known = {each.ship: each for each in hulls}
    assigned = {slot.id: slot.claims[0].value for slot in operation.ship_slots if slot.claims}
    stands = {} if anew else {slot: ship for slot, ship in assigned.items() if _comes(known.get(ship))}
    taken = set(stands.values())
    free = [each for each in hulls if each.flaw is None and each.ship not in taken]
    flawed = [each for each in hulls if each.flaw is not None]
    by_models = {
        slot.models: (tuple(each.ship for each in _fitting(slot, free)), tuple(_fitting(slot, flawed)))
        for slot in {slot.models: slot for slot in operation.ship_slots}.values()
    }
    could = {slot.id: by_models[slot.models][0] for slot in operation.ship_slots if slot.id not in stands}
    aboard = {slot.id: 0 for slot in operation.ship_slots}
    for each in operation.crew_slots:
        if each.aboard in aboard:
            aboard[each.aboard] += not each.optional
    wanted = [slot for slot in operation.ship_slots if slot.id in could]
    wanted.sort(key=lambda slot: (slot.optional, -aboard[slot.id]))
    found = stands | match([slot.id for slot in wanted], could)
    return tuple(
        ShipFilled(
            slot,
            found.get(slot.id),
            slot.id in stands,
            could.get(slot.id, ()),
            by_models[slot.models][1],
            None if anew or slot.id in stands else assigned.get(slot.id),
            _missing(slot.id in found, could.get(slot.id, ())),
        )
        for slot in operation.ship_slots
    )


def _crew(
    operation: Operation, hands: Sequence[Hand], others: Sequence[Id], flying: set[Id], anew: bool
) -> tuple[CrewFilled, ...]:
    crew = frozenset(manifest(operation).crew)
    berths = {slot.id for slot in operation.ship_slots}
    grounded = {slot.id for slot in operation.crew_slots if slot.aboard in berths and slot.aboard not in flying}
    here = {each.member for each in hands}
    takers = {} if anew else {slot.id: taker(slot, crew) for slot in operation.crew_slots}
    stands = {slot: who for slot, who in takers.items() if who and who in here and slot not in grounded}
    taken = set(stands.values())
    free = [each for each in hands if each.member not in taken]
    by_role: dict[str, tuple[Id, ...]] = {}
    for slot in operation.crew_slots:
        if slot.role not in by_role:
            by_role[slot.role] = (*(each.member for each in free if _can(each, slot.role)), *others)
    could = {slot.id: by_role[slot.role] for slot in operation.crew_slots if slot.id not in stands}
    wanted = [slot for slot in operation.crew_slots if slot.id in could and slot.id not in grounded]
    wanted.sort(key=lambda slot: slot.optional)
    found = stands | match([slot.id for slot in wanted], could)
    return tuple(
        CrewFilled(
            slot,
            found.get(slot.id),
            slot.id in stands,
            could.get(slot.id, ()),
            Missing.NO_SHIP if slot.id in grounded else _missing(slot.id in found, could.get(slot.id, ())),
        )
        for slot in operation.crew_slots
    )


def match(slots: Sequence[Id], could: Mapping[Id, Sequence[Id]]) -> dict[Id, Id]:
    """Slot -> who fills it: as many slots as can be at once, and no earlier one is left open for a later one.

    Slot by slot it looks for somebody free, or for a chain of people who each can move on to another slot.
    """
    filled: dict[Id, Id] = {}
    held_by: dict[Id, Id] = {}
    for start in slots:
        reached: dict[Id, Id] = {}
        waiting = [start]
        for slot in waiting:
            free = _reach(slot, could[slot], held_by, reached, waiting)
            if free is not None:
                _move_on(start, free, filled, held_by, reached)
                break
    return filled


def _reach(
    slot: Id, candidates: Sequence[Id], held_by: Mapping[Id, Id], reached: dict[Id, Id], waiting: list[Id]
) -> Id | None:
    """Somebody free who can take the slot; else those who hold others are reached, and their slots wait."""
    for each in candidates:
        if each in reached:
            continue
        reached[each] = slot
        if each not in held_by:
            return each
        waiting.append(held_by[each])
    return None


def _move_on(start: Id, free: Id, filled: dict[Id, Id], held_by: dict[Id, Id], reached: Mapping[Id, Id]) -> None:
    moving = free
    while True:
        slot = reached[moving]
        before = filled.get(slot)
        filled[slot], held_by[moving] = moving, slot
        if slot == start or before is None:
            return
        moving = before


def _missing(filled: bool, could: Sequence[Id]) -> Missing | None:
    if filled:
        return None
    return Missing.TOO_FEW if could else Missing.NOBODY


def _comes(hull: Hull | None) -> bool:
    return hull is not None and hull.flaw is None


def _fitting(slot: ShipSlot, hulls: Sequence[Hull]) -> Sequence[Hull]:
    return [each for each in hulls if each.model in slot.models] if slot.models else hulls


def _can(hand: Hand, role: str) -> bool:
    return not hand.roles or role.casefold() in (each.casefold() for each in hand.roles)

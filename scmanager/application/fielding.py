"""Can we field this? Gathers who and which ships may come to an operation, and asks the domain. Offline, no rows."""

from collections.abc import Iterator
from typing import Any

from scmanager.domain import member, ship
from scmanager.domain.catalogue import MEMBERS, OPERATIONS, SHIPS
from scmanager.domain.event import Id
from scmanager.domain.fielding import Fielding, Flaw, Hand, Hull, field
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import manifest
from scmanager.domain.operation_parts import Stage, Window
from scmanager.domain.operation_rules import check_planned
from scmanager.domain.ship_events import OwnerKind, Readiness
from scmanager.spaces.space import Space

_AWAY = (member.Standing.LEFT, member.Standing.REMOVED, member.Standing.UNKNOWN)
_HERE = frozenset(member.Standing) - {*_AWAY, member.Standing.INVITED}
"""Who has not come in yet is not counted on, unless he was signed up."""
_FLAWS = {Readiness.DAMAGED: Flaw.DAMAGED, Readiness.LOST: Flaw.LOST, Readiness.IN_CLAIM: Flaw.IN_CLAIM}


def can_we_field(
    space: Space, operation_id: Id, now_s: int, *, everybody: bool = False, anew: bool = False
) -> Fielding:
    """Fill the slots of an operation or a template with those who answered that they come, or may.

    `everybody`: with the whole roster, but for those who declined; of a template always. `anew`: whatever was
    assigned so far. Ships are taken as they will be when it begins. Raises OperationUnknown.
    """
    found: Any = space.state(OPERATIONS, operation_id)
    operation: Operation = found
    check_planned(operation)
    hands = _hands(space, operation, everybody=everybody or operation.template)
    begins = operation.window.starts if not operation.template else now_s
    return field(operation, hands, _hulls(space, operation, hands, max(begins, now_s)), anew=anew)


def _hands(space: Space, operation: Operation, *, everybody: bool) -> list[Hand]:
    """Crew first, then who waits, is tentative or in reserve; each in order."""
    held = manifest(operation)
    roles = {each.member: each.roles for each in operation.sign_ups}
    said = dict.fromkeys((*held.crew, *held.waiting, *held.tentative, *held.reserve))
    coming = [each for each in said if _standing(space, each) not in _AWAY]
    if everybody:
        answered = {*said, *held.declined}
        roster: Iterator[tuple[Id, Any]] = space.things(MEMBERS)
        unheard = (each for each, one in roster if one.standing in _HERE and each not in answered)
        coming += sorted(unheard)
    return [Hand(each, roles.get(each, ())) for each in coming]


def _standing(space: Space, who: Id) -> member.Standing:
    one: Any = space.state(MEMBERS, who)
    standing: member.Standing = one.standing
    return standing


def _elsewhere(space: Space, operation: Operation) -> set[Id]:
    """Ships that are assigned to other operations whose windows touch this one's."""
    if operation.template:
        return set()
    window, away = operation.window, set()
    for entity, other in space.things(OPERATIONS):
        if not isinstance(other, Operation) or other.template or entity == operation.id:
            continue
        if _at_once(window, other.window) and other.call.stage in (Stage.PLANNED, Stage.STARTED):
            away |= {slot.claims[0].value for slot in other.ship_slots if slot.claims}
    return away


def _at_once(one: Window, other: Window) -> bool:
    return one.starts < other.ends and other.starts < one.ends


def _hulls(space: Space, operation: Operation, hands: list[Hand], at_s: int) -> list[Hull]:
    """The ships that a slot asks for or has: of very many most are of no model that is wanted."""
    if not operation.ship_slots:
        return []
    coming, away = {each.member for each in hands}, _elsewhere(space, operation)
    found = [
        Hull(entity, one.model, _flaw(one, coming, at_s) or (Flaw.ELSEWHERE if entity in away else None))
        for entity, one in _asked_for(space, operation).items()
        if one.standing is not ship.Standing.UNKNOWN
    ]
    return sorted(found, key=lambda each: (each.model, each.ship))


def _asked_for(space: Space, operation: Operation) -> dict[Id, Any]:
    slots = operation.ship_slots
    if not all(slot.models for slot in slots):
        return dict(space.things(SHIPS))
    models = {model for slot in slots for model in slot.models}
    assigned = {claim.value for slot in slots for claim in slot.claims}
    found = dict(space.indices.having(space, SHIPS, "model", models))
    return found | {each: space.state(SHIPS, each) for each in assigned}


def _flaw(one: ship.Ship, coming: set[Id], at_s: int) -> Flaw | None:
    if one.standing is not ship.Standing.PRESENT:
        return Flaw.GONE
    readiness = ship.readiness_at(one, at_s)
    if readiness in _FLAWS:
        return _FLAWS[readiness]
    if one.loan is not None:
        return None if one.loan.borrower in coming else Flaw.KEEPER_AWAY
    owner = one.owner
    ours = owner is not None and (owner.kind is OwnerKind.ORGANISATION or owner.id in coming)
    return None if ours else Flaw.KEEPER_AWAY

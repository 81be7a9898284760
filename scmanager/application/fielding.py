"""Can we field this? Gathers who and which ships may come to an operation, and asks the domain. Offline, no rows."""

from collections.abc import Collection, Set
from itertools import chain
from typing import Any, Final

from scmanager.domain import member, ship
from scmanager.domain.catalogue import MEMBERS, OPERATIONS, SHIPS
from scmanager.domain.event import Id
from scmanager.domain.fielding import Fielding, Flaw, Hand, Hull, field
from scmanager.domain.governance import Erased
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import manifest
from scmanager.domain.operation_parts import Stage, Window
from scmanager.domain.operation_rules import check_planned
from scmanager.domain.ship_events import OwnerKind, Readiness
from scmanager.spaces.index import Key
from scmanager.spaces.space import Space

_AWAY = (member.Standing.LEFT, member.Standing.REMOVED, member.Standing.UNKNOWN)
_HERE = frozenset(member.Standing) - {*_AWAY, member.Standing.INVITED}
"""Who has not come in yet is not counted on, unless he was signed up."""
_FLAWS: Final = {Readiness.DAMAGED: Flaw.DAMAGED, Readiness.LOST: Flaw.LOST, Readiness.IN_CLAIM: Flaw.IN_CLAIM}


def _flying(operation: Operation) -> Collection[Id]:
    """Ships that an operation needs: none once it is over, or of a template."""
    if operation.template or operation.call.stage not in (Stage.PLANNED, Stage.STARTED):
        return ()
    return {slot.claims[0].value for slot in operation.ship_slots if slot.claims}


BY_MODEL: Final = Key(SHIPS, lambda one: (one.model,))
BY_STANDING: Final = Key(MEMBERS, lambda one: (one.standing,))
BY_SHIP: Final = Key(OPERATIONS, _flying)


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
    hands = _hands(space, operation)
    others = _others(space, operation) if everybody or operation.template else []
    coming = {*(each.member for each in hands), *others}
    begins = operation.window.starts if not operation.template else now_s
    return field(operation, hands, _hulls(space, operation, coming, max(begins, now_s)), others, anew=anew)


def _hands(space: Space, operation: Operation) -> list[Hand]:
    """Of those who answered: crew first, then who waits, is tentative or in reserve; each in order."""
    held = manifest(operation)
    said = dict.fromkeys((*held.crew, *held.waiting, *held.tentative, *held.reserve))
    roles = {each.member: each.roles for each in operation.sign_ups}
    return [Hand(each, roles.get(each, ())) for each in said if _standing(space, each) not in _AWAY]


def _others(space: Space, operation: Operation) -> list[Id]:
    """Everybody who is here and did not answer, sorted; nobody whose name was erased: they cannot be asked."""
    answered = {each.member for each in operation.sign_ups}
    here = sorted(chain.from_iterable(space.indices.ids(space, BY_STANDING, _HERE)))
    told = {opened.event.subject for opened in space.of_type(Erased.tag) if isinstance(opened.event, Erased)}
    return [each for each in here if each not in answered and not (each in told and _erased(space, each))]


def _erased(space: Space, who: Id) -> bool:
    """Whether the words that say what a member is called were erased."""
    one: Any = space.state(MEMBERS, who)
    opened = space.opened(one.profile) if one.profile and space.erased_keys() else None
    return opened is not None and any(each.key in space.erased_keys() for each in opened.entry.parts if each.key)


def _standing(space: Space, who: Id) -> member.Standing:
    one: Any = space.state(MEMBERS, who)
    standing: member.Standing = one.standing
    return standing


def _elsewhere(space: Space, operation: Operation, ships: Collection[Id]) -> set[Id]:
    """Those of some ships that are assigned to other operations whose windows touch this one's."""
    if operation.template:
        return set()
    window, away = operation.window, set[Id]()
    others: dict[Id, Any] = dict(space.indices.having(space, BY_SHIP, ships))
    for entity, other in others.items():
        if entity != operation.id and _at_once(window, other.window):
            away.update(_flying(other))
    return away


def _at_once(one: Window, other: Window) -> bool:
    return one.starts < other.ends and other.starts < one.ends


def _hulls(space: Space, operation: Operation, coming: Set[Id], at_s: int) -> list[Hull]:
    """The ships that a slot asks for or has: of very many most are of no model that is wanted."""
    if not operation.ship_slots:
        return []
    asked = _asked_for(space, operation)
    away = _elsewhere(space, operation, asked)
    found = [
        Hull(entity, one.model, _flaw(one, coming, at_s) or (Flaw.ELSEWHERE if entity in away else None))
        for entity, one in asked.items()
        if one.standing is not ship.Standing.UNKNOWN
    ]
    return sorted(found, key=lambda each: (each.model, each.ship))


def _asked_for(space: Space, operation: Operation) -> dict[Id, Any]:
    slots = operation.ship_slots
    if not all(slot.models for slot in slots):
        return dict(space.things(SHIPS))
    models = {model for slot in slots for model in slot.models}
    assigned = {claim.value for slot in slots for claim in slot.claims}
    found = dict(space.indices.having(space, BY_MODEL, sorted(models)))
    return found | {each: space.state(SHIPS, each) for each in assigned}


def _flaw(one: ship.Ship, coming: Set[Id], at_s: int) -> Flaw | None:
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

"""Who comes to an operation: crew, wait-list, slots; and what one may say about it.

Crew and wait-list are functions of the answers: the first to accept have the places, in the order of their answers;
when one of them declines, or there are more places, the next is in the crew, and nobody has to say so.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from scmanager.domain.clash import Knew
from scmanager.domain.contest import entries
from scmanager.domain.event import Decision, Id
from scmanager.domain.operation import Operation
from scmanager.domain.operation_events import (
    Answer,
    CheckedIn,
    CheckedInFor,
    SignedUp,
    SignedUpFor,
    SlotLeft,
    SlotLeftFor,
    SlotTaken,
    SlotTakenFor,
)
from scmanager.domain.operation_parts import CrewSlot, SignUp
from scmanager.domain.operation_rules import check_open, check_planned
from scmanager.domain.words import check_title
from scmanager.errors import Refused

ROLES_MAX = 16
RIVALS_MAX = 31
"""So many who are in the crew, and so many who wait, are told as rivals for a place, and settled at a time."""


class SlotUnknown(Refused):
    """The operation {title} has no such slot."""

    code = "operation-slot-unknown"
    hint = "List its slots with: scm operation show."


class SlotTakenAlready(Refused):
    """Somebody else has this slot ({role})."""

    code = "operation-slot-taken"
    hint = "Take another one, or ask whoever leads the operation."


class NotInCrew(Refused):
    """This member is not in the crew of {title} ({standing})."""

    code = "operation-not-in-crew"
    hint = "Sign up first, scm operation sign-up; who waits gets a slot when a place is free."


class TooManyRoles(Refused):
    """{count} roles are more than can be named."""

    code = "operation-too-many-roles"
    hint = f"Name up to {ROLES_MAX}, or none for any."


class Manifest(msgspec.Struct, frozen=True):
    """Who comes, by answer, each in the order in which it counts."""

    crew: tuple[Id, ...] = ()
    waiting: tuple[Id, ...] = ()
    tentative: tuple[Id, ...] = ()
    reserve: tuple[Id, ...] = ()
    declined: tuple[Id, ...] = ()

    def standing(self, member: Id) -> str:
        """`crew`, `waiting` or his answer; `no answer` if there is none."""
        return next((name for name in self.__struct_fields__ if member in getattr(self, name)), "no answer")


def places(operation: Operation) -> int | None:
    """How many can be in the crew; None for any number."""
    return operation.crew_most or len(operation.crew_slots) or None


def manifest(operation: Operation) -> Manifest:
    """Who is in the crew and who waits, tentative, reserve, declined."""
    by_answer: dict[Answer, list[Id]] = {answer: [] for answer in Answer}
    for each in operation.sign_ups:
        by_answer[each.answer].append(each.member)
    accepted, most = by_answer[Answer.ACCEPTED], places(operation)
    return Manifest(
        tuple(accepted[:most]),
        tuple(accepted[most:]) if most is not None else (),
        tuple(by_answer[Answer.TENTATIVE]),
        tuple(by_answer[Answer.RESERVE]),
        tuple(by_answer[Answer.DECLINED]),
    )


def taker(slot: CrewSlot, crew: frozenset[Id]) -> Id | None:
    """Who has a slot: the first of those put there who is in the crew."""
    return next((each.value for each in slot.claims if each.value in crew), None)


def rival_takers(slot: CrewSlot, crew: frozenset[Id]) -> tuple[Id, ...]:
    """Others in the crew who took it at the same time. Whoever leads settles it by putting one of them there."""
    return tuple(dict.fromkeys(each.value for each in slot.claims if each.value in crew))[1:]


def place_rivals(operation: Operation, knew: Knew) -> tuple[SignUp, ...]:
    """Those between whom it is open who is in the crew: first who is, then who waits; none if nothing is.

    One who waits is a rival if he had a place as far as he knew: of those before him enough signed up without his
    knowing. They are his rivals.
    """
    held = manifest(operation)
    crew, ahead = _sign_ups(operation, held.crew), _sign_ups(operation, held.waiting[:RIVALS_MAX])
    beside: list[SignUp] = []
    met: set[Id] = set()
    for number, one in enumerate(ahead):
        before = (*crew, *ahead[:number])
        strangers = [each for each in before if not (knew(one.since, each.since) or knew(each.since, one.since))]
        if len(strangers) > number:  # Fewer than there are places.
            beside.append(one)
            met |= {each.member for each in strangers}
    holders = [each for each in crew if each.member in met]
    return (*holders[-RIVALS_MAX:], *beside)


def _sign_ups(operation: Operation, members: Sequence[Id]) -> list[SignUp]:
    return [each for each in map(operation.sign_ups.get, members) if each is not None]


def slot_names(operation: Operation) -> dict[Id, str]:
    """What its slots are called, crew and ships: by role, numbered where several have it, and by title."""
    several, numbers = Counter(slot.role for slot in operation.crew_slots), Counter[str]()
    found = {slot.id: slot.title for slot in operation.ship_slots}
    for slot in operation.crew_slots:
        numbers[slot.role] += 1
        found[slot.id] = f"{slot.role} {numbers[slot.role]}" if several[slot.role] > 1 else slot.role
    return found


def sign_up(
    operation: Operation, actor: Id, member: Id, answer: Answer, roles: tuple[str, ...] = ()
) -> Iterator[Decision]:
    """Say whether one comes, and in which roles (none: any). For oneself, or for another.

    The same again is harmless. Raises OperationUnknown, OperationClosed, TitleUnusable, TooManyRoles.
    """
    check_open(operation)
    if len(roles) > ROLES_MAX:
        raise TooManyRoles(count=len(roles))
    named = tuple(dict.fromkeys(check_title(role) for role in roles))
    known = sign_up_of(operation, member)
    if known and (known.answer, known.roles) == (answer, named):
        return  # Said before.
    if member == actor:
        yield SignedUp(answer, named)
    else:
        yield SignedUpFor(member, answer, named, (known.entry,) if known else ())


def give_place(operation: Operation, member: Id, rivals: Sequence[Id]) -> Iterator[Decision]:
    """Settle who of those that signed up at once is in the crew: this one. Raises OperationClosed, NotInCrew."""
    check_open(operation)
    his = sign_up_of(operation, member)
    if his is None or his.answer is not Answer.ACCEPTED:
        raise NotInCrew(title=operation.title, standing=manifest(operation).standing(member))
    others = [each.since for each in _sign_ups(operation, rivals) if each.member != member]
    yield SignedUpFor(member, his.answer, his.roles, tuple(dict.fromkeys((his.entry, his.since, *others))))


def take_slot(operation: Operation, actor: Id, member: Id, slot_id: Id) -> Iterator[Decision]:
    """Take a crew slot, or put somebody there; the member leaves the one he had. Twice is harmless.

    A contested slot is settled by right only, for oneself too.

    Raises OperationUnknown, OperationClosed, SlotUnknown, NotInCrew, and for oneself SlotTakenAlready.
    """
    check_open(operation)
    slot, held = _crew_slot(operation, slot_id), manifest(operation)
    if member not in held.crew:
        raise NotInCrew(title=operation.title, standing=held.standing(member))
    crew = frozenset(held.crew)
    has, others = taker(slot, crew), rival_takers(slot, crew)
    if has == member and not others:
        return  # He has it.
    if member != actor or (others and member in (has, *others)):
        yield SlotTakenFor(slot_id, member, entries(slot.claims))
    elif has is not None:
        raise SlotTakenAlready(role=slot.role)
    else:
        yield SlotTaken(slot_id)


def leave_slot(operation: Operation, actor: Id, slot_id: Id) -> Iterator[Decision]:
    """Leave one's crew slot, or have whoever is in it leave. Harmless if it is free. Raises SlotUnknown."""
    check_open(operation)
    slot = _crew_slot(operation, slot_id)
    if any(each.value == actor for each in slot.claims):
        yield SlotLeft(slot_id)
    elif slot.claims:
        yield SlotLeftFor(slot_id, entries(slot.claims))


def check_in(operation: Operation, actor: Id, member: Id) -> Iterator[Decision]:
    """Say that one is there, or that another is; who never signed up may come too. Raises OperationClosed."""
    check_open(operation)
    if operation.checked_in.has(member):
        return  # He is.
    yield CheckedIn() if member == actor else CheckedInFor(member)


def sign_up_of(operation: Operation, member: Id) -> SignUp | None:
    """What a member answered, or somebody for him; None if there is no answer."""
    return operation.sign_ups.get(member)


def _crew_slot(operation: Operation, slot_id: Id) -> CrewSlot:
    found = next((each for each in operation.crew_slots if each.id == slot_id), None)
    if found is None:
        check_planned(operation)
        raise SlotUnknown(title=operation.title)
    return found

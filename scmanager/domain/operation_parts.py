"""What an operation is made of: window, squads, slots, answers, what became of it; and how each of them changes."""

import enum
from collections.abc import Callable
from typing import TypeVar

from scmanager.domain.contest import Claim, beside, drop, stake
from scmanager.domain.event import Envelope, Id, Id32, State, replace
from scmanager.domain.operation_events import Answer, CancelReason, Outcome
from scmanager.domain.roll import Roll

WINDOW_MAX_S = 31 * 24 * 3600
"""The longest window that is a window and not a slip."""


PEOPLE_MAX = 8192
"""As many answers, check-ins and names in a snapshot are counted; further ones are not."""


class Stage(enum.StrEnum):
    """Where an operation stands."""

    PLANNED = "planned"
    STARTED = "started"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Every(enum.StrEnum):
    """How often a series comes round."""

    DAY = "day"
    WEEK = "week"
    FORTNIGHT = "fortnight"


class Call(State):
    """What became of an operation, with the word that goes along."""

    stage: Stage
    outcome: Outcome | None = None
    reason: CancelReason | None = None


class TextKind(enum.StrEnum):
    """What a text of an operation is."""

    OBJECTIVE = "objective"
    CANCELLATION = "cancellation"


class Text(State):
    """An entry whose part may hold words, and who wrote them."""

    entry: Id32
    kind: TextKind
    by: Id


class Window(State):
    """From when to when, in UTC seconds, and the zone its planner meant. A template's begins at 0."""

    starts: int
    ends: int
    zone: str

    @property
    def length_s(self) -> int:
        """Seconds from beginning to end: what clocks on walls say does not matter."""
        return self.ends - self.starts


class Squad(State):
    """A part of an operation's crew and ships."""

    id: Id
    title: str


class CrewSlot(State):
    """A place for one member in a role."""

    id: Id
    role: str
    aboard: Id | None = None
    """The ship slot whose ship it is on; None: on foot, or whoever finds room."""
    squad: Id | None = None
    optional: bool = False
    claims: tuple[Claim[Id], ...] = ()
    """Members who were put there or took it. Who of them is in the crew: `operation_crew.taker`."""


class ShipSlot(State):
    """A place for one ship."""

    id: Id
    title: str
    models: tuple[str, ...] = ()
    squad: Id | None = None
    optional: bool = False
    claims: tuple[Claim[Id], ...] = ()
    """Ships that were assigned to it."""


class SignUp(State):
    """What a member answered, or somebody for him."""

    member: Id
    answer: Answer
    entry: Id32
    roles: tuple[str, ...] = ()
    own: bool = True
    since: Id32 = b""
    """The entry by which he has his place in the order: of the same answer said again the first."""


class Snapshot(State):
    """Who was there at a time (UTC seconds)."""

    id: Id
    at: int
    members: tuple[Id, ...] = ()


S = TypeVar("S", CrewSlot, ShipSlot)


def usable(starts: int, ends: int, *, template: bool) -> bool:
    """Whether this can be a window, or a template's length."""
    return (starts == 0 if template else starts > 0) and 0 < ends - starts <= WINDOW_MAX_S


def answered(
    sign_ups: Roll[Id, SignUp], said: SignUp, over: tuple[Id32, ...], envelope: Envelope
) -> Roll[Id, SignUp]:
    """The answers with this one. The same answer again keeps its place; another one goes to the end."""
    known = sign_ups.get(said.member)
    said = replace(said, since=said.entry)
    if known is None:
        return sign_ups.enter(said.member, said) if len(sign_ups) < PEOPLE_MAX else sign_ups
    if known.entry == said.entry or (known.own and not said.own and known.entry not in {*over, *envelope.saw}):
        return sign_ups  # His own word, which whoever spoke for him did not know.
    if known.answer is said.answer:
        return sign_ups.enter(said.member, replace(said, since=known.since))
    return sign_ups.enter_last(said.member, said)


def placed(sign_ups: Roll[Id, SignUp], member: Id, over: tuple[Id32, ...], envelope: Envelope) -> Roll[Id, SignUp]:
    """The answers once it is settled who of those that accepted at once has the place: this one.

    `over` names by what they have their places, his own too. He changes places with the last of them before him.
    """
    his = sign_ups.get(member)
    if len(over) < 2 or his is None or his.answer is not Answer.ACCEPTED or his.since not in over:
        return sign_ups
    named = [each for each in sign_ups if each.answer is his.answer and each.since in over]
    first = [each.member for each in named[: named.index(his)]]
    for each in named:
        sign_ups = sign_ups.enter(each.member, replace(each, since=envelope.entry))
    return sign_ups.swap(first[-1], member) if first else sign_ups


def taken(
    slots: tuple[CrewSlot, ...], slot: Id, member: Id, coming: frozenset[Id], envelope: Envelope
) -> tuple[CrewSlot, ...]:
    """With this member in the slot, by his own word: beside whoever of those that come is there, and in no other."""
    return _moved(slots, slot, member, lambda each: _beside(each, member, coming, envelope))


def _beside(slot: CrewSlot, member: Id, coming: frozenset[Id], envelope: Envelope) -> tuple[Claim[Id], ...]:
    there = tuple(each for each in slot.claims if each.value in coming)
    return there if any(each.value == member for each in there) else beside(there, member, envelope)


def put(slots: tuple[S, ...], slot: Id, value: Id, over: tuple[Id32, ...], envelope: Envelope) -> tuple[S, ...]:
    """With this member or ship in the slot, in place of those its author knew, and in no other."""
    return _moved(slots, slot, value, lambda each: stake(each.claims, value, over, envelope))


def _moved(slots: tuple[S, ...], slot: Id, value: Id, claims: Callable[[S], tuple[Claim[Id], ...]]) -> tuple[S, ...]:
    if all(each.id != slot for each in slots):
        return slots
    return tuple(replace(each, claims=claims(each)) if each.id == slot else _released(each, value) for each in slots)


def _released(slot: S, value: Id) -> S:
    kept = tuple(each for each in slot.claims if each.value != value)
    return slot if len(kept) == len(slot.claims) else replace(slot, claims=kept)


def left(slots: tuple[CrewSlot, ...], slot: Id, member: Id) -> tuple[CrewSlot, ...]:
    """Without this member in the slot."""
    return tuple(_released(each, member) if each.id == slot else each for each in slots)


def without_claims(slots: tuple[S, ...], slot: Id, over: tuple[Id32, ...], envelope: Envelope) -> tuple[S, ...]:
    """Without those in the slot that its author knew."""
    return tuple(
        replace(each, claims=drop(each.claims, over, envelope)) if each.id == slot else each for each in slots
    )


def together(one: tuple[Id, ...], other: tuple[Id, ...]) -> tuple[Id, ...]:
    """The names of both, each once."""
    return tuple(dict.fromkeys((*one, *other)))[:PEOPLE_MAX]


def seen(checked_in: Roll[Id, Claim[Id]], member: Id, envelope: Envelope) -> Roll[Id, Claim[Id]]:
    """With this member; once is enough."""
    if len(checked_in) >= PEOPLE_MAX or checked_in.has(member):
        return checked_in
    return checked_in.enter(member, Claim(member, envelope.entry))

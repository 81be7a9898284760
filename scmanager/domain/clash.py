"""Clashes: which values of a thing are contested, since when and by whom, and how those of the past were settled.

A field is contested in one of three ways, and all are worked out from the thing's valid events alone:

- *Claims* (`contest.Claim`) are kept by the state itself: the first in fold order holds.
- *Places* are claims too, but whether two of them knew of each other is asked of the events.
- A *register* is a value of which the state keeps the last in fold order. Its rivals are the settings that no later
  one knew: nobody who wrote since then has read them. Whoever sets it again knowing all of them settles it.

Nothing is lost by settling: what stood against each other stays in the settled contest, word for word.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from scmanager.domain.contest import Claim
from scmanager.domain.event import Envelope, Event, Id, Id32, Personal, State, replace
from scmanager.domain.fold import Fold
from scmanager.domain.payload import TUPLE_MAX

Contenders = Iterable[tuple[Id, tuple[Claim[Any], ...]]]
"""Claims by the part of a thing that they are about; the part is empty for the thing as a whole."""

Knew = Callable[[Id32, Id32], bool]
"""Whether the author of the first of two entries knew the second, or said it himself. Both are of `Field.writes`."""


class Field(State):
    """A value of one kind of thing that several can set at once."""

    name: str
    verb: str
    """What says a new value in the ordinary way."""
    says: type[Event]
    """The event that settles it: whoever has the right that it needs may do so."""
    claims: Callable[[Any], Contenders] | None = None
    """Of the state; None for a register, and for places."""
    met: Callable[[Any, Knew], Contenders] | None = None
    """For places, of the state: only those that are contested."""
    reads: Callable[[Any], Any] = lambda _: None
    """A register's value, of the state; for places who has one."""
    writes: tuple[type[Event], ...] = ()
    """What sets a register, or takes a place."""
    when: tuple[type[Event], ...] = ()
    """Which events can begin or end a contest of claims; empty for any."""
    own: Callable[[Id, Any], Id | None] = lambda _thing, _state: None
    """Of a thing's id and state: the member whose own it is, who needs no right to settle it."""
    closed: Callable[[Any], bool] = lambda _: False
    """Whether, as the state is, nobody can settle it: the thing is over. It is open again when that is taken back."""
    noun: str = ""
    """What an id that is the value stands for; empty where the value is no id."""
    words: type[Personal] | None = None
    """What the value's entry holds, if the value is words."""


class Rival(State):
    """One of the values that stand against each other, and who set it when (microseconds, the author's clock)."""

    entry: Id32
    member: Id
    at: int
    value: Any


class Contest(State):
    """Values that were set at once. The first holds. Settled, if `settled` names the entry that did it."""

    field: str
    part: Id
    rivals: tuple[Rival, ...]
    settled: Id32 = b""
    by: Id = b""
    at: int = 0
    outcome: Any = None
    """The value that held after it was settled; None for none."""

    @property
    def since(self) -> int:
        """When the second of them was set, in microseconds."""
        return sorted(each.at for each in self.rivals)[:2][-1]


Place = tuple[str, Id]
"""(field, part)"""


class _Author(NamedTuple):
    member: Id
    at: int


class Clashes:
    """Follows one thing's events in fold order and remembers what was contested in them."""

    def __init__(self, fold: Fold, fields: Sequence[Field]) -> None:
        self._fold, self._fields = fold, fields
        self._state: State = fold.empty
        self._done = 0
        self._authors: dict[Id32, _Author] = {}
        self._past: dict[Id32, frozenset[Id32]] = {}
        """The settings of registers that an event reaches by what it saw, itself included, as far as they stand."""
        self._marks: dict[Id32, int] = {}
        """The bit of each event that takes a place."""
        self._reach: dict[Id32, int] = {}
        """Which of these an event reaches by what it saw, itself included, by their bits."""
        self._standing: dict[str, tuple[Rival, ...]] = {}
        """By register."""
        self._episodes: dict[Place, dict[Id32, Rival]] = {}
        """What has stood against each other since the contest began."""
        self._settled: list[Contest] = []

    def follow(self, events: Sequence[tuple[Envelope, Event]]) -> tuple[Contest, ...]:
        """The open contests, then the settled ones in the order in which they were, at most 64.

        `events` are all of the thing's in fold order: those of the last time, and perhaps more behind them.
        """
        for envelope, event in events[self._done :]:
            self._take(event, envelope)
        self._done = len(events)
        return (*self.open(), *self._settled[-TUPLE_MAX:])

    def open(self) -> tuple[Contest, ...]:
        """What is contested now and can be settled."""
        return tuple(
            Contest(field.name, part, rivals)
            for field in self._fields
            if not field.closed(self._state)
            for part, rivals in self._contenders(field).items()
        )

    def _take(self, event: Event, envelope: Envelope) -> None:
        before, self._state = self._state, self._fold.evolve(self._state, event, envelope)
        self._authors[envelope.entry] = _Author(envelope.member, envelope.hlc)
        self._note_writes(event, envelope, counted=self._state is not before)
        self._note_reach(event, envelope)
        for field in self._fields:
            if not field.when or isinstance(event, field.when):
                self._note_contests(field, event, envelope)

    def _note_writes(self, event: Event, envelope: Envelope, *, counted: bool) -> None:
        known = frozenset().union(*(self._past.get(each, frozenset()) for each in envelope.saw))
        wrote = False
        for field in self._fields:
            if counted and field.writes and field.met is None and isinstance(event, field.writes):
                wrote = True
                kept = (each for each in self._standing.get(field.name, ()) if each.entry not in known)
                made = Rival(envelope.entry, envelope.member, envelope.hlc, field.reads(self._state))
                self._standing[field.name] = (*kept, made)[-TUPLE_MAX:]
        standing = {each.entry for rivals in self._standing.values() for each in rivals}
        known &= standing
        self._past[envelope.entry] = known | {envelope.entry} if wrote else known

    def _note_reach(self, event: Event, envelope: Envelope) -> None:
        places = tuple(each for field in self._fields if field.met is not None for each in field.writes)
        if not places:
            return
        reach = 0
        for each in envelope.saw:
            reach |= self._reach.get(each, 0)
        if isinstance(event, places):
            reach |= 1 << self._marks.setdefault(envelope.entry, len(self._marks))
        self._reach[envelope.entry] = reach

    def _knew(self, one: Id32, other: Id32) -> bool:
        mark = self._marks.get(other)
        return mark is not None and bool(self._reach.get(one, 0) >> mark & 1)

    def _note_contests(self, field: Field, event: Event, envelope: Envelope) -> None:
        now = self._contenders(field)
        for part, rivals in now.items():
            episode = self._episodes.setdefault((field.name, part), {})
            episode.update((each.entry, each) for each in rivals)
        over = [place for place in self._episodes if place[0] == field.name and place[1] not in now]
        for place in over:
            rivals = tuple(self._episodes.pop(place).values())
            outcome = self._outcome(field, place[1], event)
            ended = Contest(*place, rivals)
            self._settled.append(
                replace(ended, settled=envelope.entry, by=envelope.member, at=envelope.hlc, outcome=outcome)
            )

    def _contenders(self, field: Field) -> dict[Id, tuple[Rival, ...]]:
        """The rivals by part, one for each value; nothing where all agree."""
        if field.met is not None:
            claimed = field.met(self._state, self._knew)
            every: Mapping[Id, list[Rival]] = {
                part: [self._rival(each) for each in claims] for part, claims in claimed
            }
        elif field.claims is None:
            held = field.reads(self._state)
            standing = sorted(self._standing.get(field.name, ()), key=lambda each: each.value != held)
            every = {b"": standing}
        else:
            every = {part: [self._rival(each) for each in claims] for part, claims in field.claims(self._state)}
        distinct = {part: _distinct(rivals) for part, rivals in every.items()}
        return {part: rivals for part, rivals in distinct.items() if len(rivals) > 1}

    def _rival(self, claim: Claim[Any]) -> Rival:
        author = self._authors.get(claim.entry, _Author(b"", 0))
        return Rival(claim.entry, author.member, author.at, claim.value)

    def _outcome(self, field: Field, part: Id, event: Event) -> Any:
        if field.met is not None:
            given = getattr(event, "member", None) if isinstance(event, field.says) else None
            return given if given in field.reads(self._state) else None
        if field.claims is None:
            return field.reads(self._state)
        return next((claims[0].value for each, claims in field.claims(self._state) if each == part and claims), None)


def _distinct(rivals: Iterable[Rival]) -> tuple[Rival, ...]:
    """One for each value, the first that was set; two settings to one value are one opinion."""
    found: list[Rival] = []
    for each in rivals:
        if all(each.value != other.value for other in found):
            found.append(each)
    return tuple(found)

"""Given, when, then: a thing's past as events, one decision, and what comes of it.

    story = Scenario(Fleet(), evolve)
    given, when, then, then_refused, then_state = story.verbs()

Every event given knew all that was given before it; `meanwhile(event)` knew nothing but what `saw` says. The nth
event has the entry `entry(n)`. A decision is run twice (it must be pure); what it yields must survive its own wire
form, and is then added to the past.
"""

from collections.abc import Callable, Iterator
from typing import Any, Generic

import msgspec

from scmanager.domain.event import About, Decision, Envelope, Event, Evolve, Id, Id32, S
from scmanager.domain.governance import EVERY_RIGHT
from scmanager.errors import Refused


def who(name: str) -> Id:
    """A 16-byte id that a failing test can be read by."""
    return name.encode().ljust(16, b".")


def entry(number: int) -> Id32:
    """The id of the nth entry of a story."""
    return number.to_bytes(32, "big")


THING = who("the thing")
LEADER = who("leader")


class Told(msgspec.Struct, frozen=True):
    """An event with what its envelope says."""

    event: Event
    by: Id = LEADER
    rank: int = 0
    saw: tuple[Id32, ...] | None = None
    rights: frozenset[str] = frozenset({EVERY_RIGHT})


def told(event: Event, by: Id = LEADER, rank: int = 0, rights: frozenset[str] = frozenset({EVERY_RIGHT})) -> Told:
    """An event by a certain member, who knew all that came before."""
    return Told(event, by, rank, rights=rights)


def meanwhile(event: Event, by: Id = LEADER, rank: int = 0, saw: tuple[Id32, ...] = ()) -> Told:
    """An event by somebody who did not know of the others."""
    return Told(event, by, rank, saw)


class Scenario(Generic[S]):
    """One thing's story. `given` begins it anew."""

    def __init__(self, blank: S, evolve: Evolve[S], entity: Id = THING) -> None:
        self._blank, self._evolve, self._entity = blank, evolve, entity
        self.state = blank
        self._count = 0
        self._decided: list[Decision] = []
        self._refused: Refused | None = None

    def verbs(self) -> tuple[Callable[..., Any], ...]:
        """given, when, then, then_refused, then_state."""
        return self.given, self.when, self.then, self.then_refused, self.then_state

    def given(self, *past: Event | Told) -> None:
        self.state, self._count = self._blank, 0
        for each in past:
            self._add(each if isinstance(each, Told) else Told(each))

    def when(self, decide: Callable[..., Iterator[Decision]], *args: Any, by: Id = LEADER, rank: int = 0) -> None:
        self._decided, self._refused = [], None
        try:
            self._decided = list(decide(self.state, *args))
        except Refused as refused:
            self._refused = refused
            return
        assert self._decided == list(decide(self.state, *args)), "a decision must be pure"
        for each in self._decided:
            event = each.event if isinstance(each, About) else each
            assert wired(event) == event, "what is decided must survive its own wire form"
            self._add(Told(event, by, rank))

    def then(self, *expected: Decision) -> None:
        assert self._refused is None, f"refused: {self._refused!r}"
        assert [(type(each), each) for each in self._decided] == [(type(each), each) for each in expected]

    def then_refused(self, error: type[Refused], **facts: Any) -> None:
        assert self._refused is not None, f"not refused but decided: {self._decided}"
        assert type(self._refused) is error
        assert facts.items() <= self._refused.facts.items()
        assert "?" not in str(self._refused), "a fact is missing in the sentence"
        assert error.code != Refused.code
        assert error.hint != Refused.hint

    def then_state(self, **expected: Any) -> None:
        assert {name: getattr(self.state, name) for name in expected} == expected

    def in_either_order(self, one: Event | Told, other: Event | Told) -> tuple[S, S]:
        """The state after (one, other) and after (other, one), each written knowing the past but not the other."""
        base, known = self.state, tuple(entry(number) for number in range(1, self._count + 1))
        envelopes = []
        for number, each in enumerate((one, other), self._count + 1):
            each = each if isinstance(each, Told) else Told(each)
            saw = known if each.saw is None else each.saw
            envelopes.append((each.event, self._envelope(number, each, saw)))
        (first, second) = envelopes
        return (
            self._evolve(self._evolve(base, *first), *second),
            self._evolve(self._evolve(base, *second), *first),
        )

    def _add(self, each: Told) -> None:
        saw = tuple(entry(number) for number in range(1, self._count + 1)) if each.saw is None else each.saw
        self._count += 1
        envelope = self._envelope(self._count, each, saw)
        self.state = self._evolve(self.state, each.event, envelope)
        again = self._evolve(self.state, each.event, envelope)
        assert again == self.state, "the same entry twice must be harmless"

    def _envelope(self, number: int, each: Told, saw: tuple[Id32, ...]) -> Envelope:
        return Envelope(
            entry(number),
            each.by * 2,
            number,
            number,
            each.by * 2,
            each.by,
            each.rank,
            self._entity,
            saw=saw,
            rights=each.rights,
        )


def wired(event: Event) -> Event:
    """The event as a reader gets it. Raises msgspec.ValidationError if it is out of its bounds."""
    return msgspec.json.decode(msgspec.json.encode(event), type=type(event))

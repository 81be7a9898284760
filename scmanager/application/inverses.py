"""Inverses: how what a verb said is undone, declared beside the verb; nothing is deleted, something is said after it.

An inverse goes by the events that a verb records: from an event alone one must know what undoes it. It is the value
from before said again (`former`), another verb (`back`), or a reason why nothing undoes it (`final`).
"""

import inspect
from collections.abc import Callable
from typing import Any

import msgspec

from scmanager.application.desk import Desk
from scmanager.application.saying_again import SAY, Again, Step
from scmanager.domain.clash_fields import field_of
from scmanager.domain.event import Envelope, Event, Id
from scmanager.errors import Refused


class NotUndoable(Refused):
    """{what} cannot be undone: {why}"""

    code = "undo-impossible"
    hint = "Say by an ordinary command what shall hold from now on. What came earlier: scm undo EVENT (scm log show)."


class Past(msgspec.Struct, frozen=True):
    """An event as it was said: the thing's state before it, and the other events of its command."""

    desk: Desk
    event: Any
    envelope: Envelope
    before: Any
    command: tuple[tuple[Envelope, Event], ...]

    @property
    def thing(self) -> Id:
        """What it was said of."""
        return self.envelope.entity

    @property
    def kind(self) -> str:
        """The kind of that thing."""
        return str(self.event.tag.partition(".")[0])


Steps = Callable[[Past], list[Step]]
Key = Callable[[Any, Envelope], Any]


class Inverse(msgspec.Struct, frozen=True):
    """What undoes the events of one verb."""

    events: tuple[type[Event], ...] = ()
    steps: Steps | None = None
    why: str = ""
    """Why nothing does, in a sentence."""
    aspect: str = ""
    """What of the thing it is about: a later event of the same aspect and key has changed it since."""
    key: Key = lambda _event, _envelope: None
    begins: bool = False
    """It made the thing: everything that its command said of the thing goes with it."""
    like: str = ""
    """The verb whose events these are too."""
    silent: bool = False
    """There is nothing to be said."""
    told: str = ""
    """How, in a sentence."""


INVERSES: dict[type[Event], Inverse] = {}
"""By event type, twins (`...-for`) by the type that they are made from."""


def entered(inverse: Inverse) -> Inverse:
    """Enter it for its events. Raises TypeError when two verbs claim one event."""
    for event in inverse.events:
        if event in INVERSES:
            raise TypeError(f"two verbs say how {event.tag} is undone")
        INVERSES[event] = inverse
    return inverse


def inverse_of(event: Event) -> Inverse:
    """How an event is undone. Raises NotUndoable where nobody decided."""
    for kind in type(event).__mro__:
        if kind in INVERSES:
            return INVERSES[kind]
    raise NotUndoable(what=event.tag, why="no command says such a thing by itself.")


def is_declared(event: Event) -> bool:
    """Whether a verb says how it is undone, or why not; not of what needs no undoing, nor of what no verb says."""
    return any(not INVERSES[kind].silent for kind in type(event).__mro__ if kind in INVERSES)


# What stands beside the verbs


def former(field: str, *events: type[Event]) -> Inverse:
    """The value that the field had before is said again."""

    def steps(past: Past) -> list[Step]:
        said = again(past, field)
        return [SAY[past.kind, field](past.desk, said)]

    told = f"The former {field} is said again."
    return entered(Inverse(events, steps, aspect=field, key=lambda event, _: getattr(event, "slot", None), told=told))


def back(
    verb: str, *events: type[Event], aspect: str = "", thing: str = "", begins: bool = False, **arguments: Any
) -> Inverse:
    """Another verb undoes it. `thing`: its parameter for the thing; a string names a field of the event."""

    def steps(past: Past) -> list[Step]:
        ids = {thing: past.thing} if thing else {}
        return [Step(verb, ids | {name: _argument(value, past) for name, value in arguments.items()})]

    named = tuple(value for value in arguments.values() if type(value) is str)

    def key(event: Any, _envelope: Envelope) -> Any:
        return tuple(getattr(event, name, None) for name in named)

    told, about = f"By `{verb}`.", aspect or verb.partition(".")[0]
    return entered(Inverse(events, steps, aspect=about, key=key, begins=begins, told=told))


def by(
    steps: Steps,
    *events: type[Event],
    aspect: str,
    key: Key = lambda _event, _envelope: None,
    begins: bool = False,
) -> Inverse:
    """What these steps say undoes it."""
    return entered(Inverse(events, steps, aspect=aspect, key=key, begins=begins, told=inspect.getdoc(steps) or ""))


def final(why: str, *events: type[Event]) -> Inverse:
    """Nothing undoes it, for this reason: a sentence."""
    return entered(Inverse(events, why=why, aspect="final", told=f"Not at all: {why}"))


def silent(*events: type[Event]) -> Inverse:
    """It needs no undoing: by itself it changes nothing that anybody sees."""
    return entered(Inverse(events, silent=True, told="What else the command said is undone."))


def like(verb: str) -> Inverse:
    """It says the events of another verb, and is undone as that one."""
    return Inverse(like=verb, told=f"As `{verb}` is.")


SPOKEN = Inverse(like="the verbs it says", told="As what it said is.")
"""It says other verbs: what they said is undone."""


def again(past: Past, field: str) -> Again:
    """The value that a field had before. Raises NotUndoable where there was none that could be said."""
    known, part = field_of(past.kind, field), getattr(past.event, "slot", b"")
    if known is None:
        raise NotUndoable(what=past.event.tag, why="its field is not known.")
    value, entry = known.reads(past.before), b""
    if known.claims is not None:
        claims = next((each for at, each in known.claims(past.before) if at == part), ())
        value, entry = (claims[0].value, claims[0].entry) if claims else (None, b"")
    if not value and (past.kind, field) in NEVER_NONE:
        raise NotUndoable(what=past.event.tag, why="there was none before, and that cannot be said.")
    return Again(past.thing, part, value, entry)


NEVER_NONE = frozenset(
    {
        ("contact", "space"),
        ("contact", "reported"),
        ("operation", "report"),
        ("member", "profile"),
        ("role", "template"),
    }
)
"""Fields that nothing can be said of but another value."""


def _argument(value: Any, past: Past) -> Any:
    if callable(value):
        return value(past)
    return getattr(past.event, value) if type(value) is str else value

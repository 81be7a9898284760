"""Diplomacy: the words that contacts and treaties share. Who said what, how far it is proved, and the history of it.

Everything stands in our own log, so what *we* say is proved by the signature of who said it. What is told of *them*
is claimed by one of us, and stays a claim until their own signature can be shown.
"""

import enum
from typing import Final

from scmanager.domain.event import Envelope, Event, Id, Id32, State
from scmanager.domain.payload import TUPLE_MAX


class Side(enum.StrEnum):
    """Ours or theirs."""

    US = "us"
    THEM = "them"


class Proof(enum.StrEnum):
    """How far something said in a side's name is proved."""

    NONE = "none"
    CLAIMED = "claimed"
    """One of us says so."""
    PROVED = "proved"
    """Signed by somebody who had the right to."""


class Stance(enum.StrEnum):
    """How one organisation stands towards another."""

    ALLY = "ally"
    NON_AGGRESSION_PACT = "non-aggression-pact"
    FRIENDLY = "friendly"
    NEUTRAL = "neutral"
    HOSTILE = "hostile"
    WAR = "war"
    """Never set: declared, and ended by peace."""


HISTORY_MAX: Final = TUPLE_MAX
"""As many steps a state remembers; the trail of events keeps all of them."""


class Step(State):
    """One step of a history."""

    entry: Id32
    member: Id
    """Who wrote it."""
    act: str
    """The event's type without its version."""
    side: Side
    """In whose name."""
    said: str = ""
    """Where it led: a stance, or a reason."""


def other(side: Side) -> Side:
    """The other one."""
    return Side.THEM if side is Side.US else Side.US


def remembered(
    history: tuple[Step, ...], event: Event, envelope: Envelope, side: Side = Side.US, said: str = ""
) -> tuple[Step, ...]:
    """The history with one more step; the same entry twice is one step."""
    if any(step.entry == envelope.entry for step in history):
        return history
    step = Step(envelope.entry, envelope.member, event.tag.partition("/")[0], side, said)
    return (*history, step)[-HISTORY_MAX:]

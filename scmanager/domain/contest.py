"""A contested value: what stands when two people set the same thing and neither knew of the other.

Each setting is a claim. It ends the claims its author knew (the ones it names in `over`, and those in the envelope's
`saw`) and stands beside the others. The first in fold order holds, all are kept and shown, and whoever sets the value
again knowing them all settles it. Two claims to the same value are one opinion, not a contest.

So it is with how a thing begins. Ids are random, so two that begin one thing mean harm, or one lost his data: whoever
did it without knowing of the other (`begun_before`) is kept beside him, value by value.
"""

from typing import Generic, TypeVar

from scmanager.domain.event import Envelope, Id, Id32, State
from scmanager.domain.payload import TUPLE_MAX

V = TypeVar("V")

OF_ONE_AUTHOR_MAX = 4
"""Claims that stand beside each other by one member: he knows his own, but for those of his other devices."""


class Claim(State, Generic[V]):
    """A value and the entry that set it."""

    value: V
    entry: Id32
    author: Id = b""


def stake(claims: tuple[Claim[V], ...], value: V, over: tuple[Id32, ...], envelope: Envelope) -> tuple[Claim[V], ...]:
    """The claims once this one is made. Of one author 4 stand, of all 64: the first hold."""
    standing = _without(claims, {*over, *envelope.saw, envelope.entry})
    return (*standing, claim(value, envelope)) if _has_room(standing, envelope) else claims


def beside(claims: tuple[Claim[V], ...], value: V, envelope: Envelope) -> tuple[Claim[V], ...]:
    """The claims once this one is made that ends no other, whatever its author knew. At most 64, of one author 4."""
    if not _has_room(claims, envelope) or envelope.entry in entries(claims):
        return claims
    return (*claims, claim(value, envelope))


def claim(value: V, envelope: Envelope) -> Claim[V]:
    """What this event sets."""
    return Claim(value, envelope.entry, envelope.member)


def _has_room(standing: tuple[Claim[V], ...], envelope: Envelope) -> bool:
    """Nobody fills the place of the others, whatever date his claims bear."""
    if len(standing) < OF_ONE_AUTHOR_MAX:
        return True
    his = sum(each.author == envelope.member for each in standing)
    return len(standing) < TUPLE_MAX and his < OF_ONE_AUTHOR_MAX


def drop(claims: tuple[Claim[V], ...], over: tuple[Id32, ...], envelope: Envelope) -> tuple[Claim[V], ...]:
    """The claims without those that the author knew: nothing is set, unless somebody set it meanwhile."""
    return _without(claims, {*over, *envelope.saw})


def begun_before(begun: object, envelope: Envelope) -> bool:
    """Whether this beginning does not count: the thing is there, and its author knew that."""
    return bool(begun) and bool(envelope.saw)


def holder(claims: tuple[Claim[V], ...]) -> V | None:
    """The value that holds, or None."""
    return claims[0].value if claims else None


def rivals(claims: tuple[Claim[V], ...]) -> tuple[V, ...]:
    """The other values that stand beside the holder, in fold order; none if nothing is contested."""
    return tuple(dict.fromkeys(claim.value for claim in claims[1:] if claim.value != claims[0].value))


def entries(claims: tuple[Claim[V], ...]) -> tuple[Id32, ...]:
    """What a new claim by somebody who knows all of these names in `over`."""
    return tuple(claim.entry for claim in claims)


def _without(claims: tuple[Claim[V], ...], known: set[Id32]) -> tuple[Claim[V], ...]:
    return tuple(claim for claim in claims if claim.entry not in known)


class Titled(State):
    """A thing that people give a title, and may give two at the same time."""

    names: tuple[Claim[str], ...] = ()

    @property
    def title(self) -> str:
        """The name that holds; empty if none was ever given."""
        return holder(self.names) or ""

    @property
    def rival_titles(self) -> tuple[str, ...]:
        """Names given at the same time. Giving one of them again settles it."""
        return rivals(self.names)


class Led(Titled):
    """A thing that has a title, and that a member leads."""

    leads: tuple[Claim[Id], ...] = ()

    @property
    def lead(self) -> Id | None:
        """The member who leads it."""
        return holder(self.leads)

    @property
    def rival_leads(self) -> tuple[Id, ...]:
        """Members set to lead it at the same time. Assigning one of them again settles it."""
        return rivals(self.leads)

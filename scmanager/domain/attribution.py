"""Attribution: which living member a recorded entry is said to be, and by whose word that is sure."""

from typing import Final, TypeVar

from scmanager.domain.contest import Claim, drop, stake
from scmanager.domain.event import Envelope, Id, Id32, State, replace

CONFIRMING_RANK: Final = 1
"""Whoever is as high may erase anybody's words: what he says of whose an entry is lets its words go along."""


class Attributed(State):
    """What is said to be a member."""

    confirmed: tuple[Claim[Id], ...] = ()
    """Whose it is by the word of rank 0 or 1: only theirs ends it."""
    asserted: tuple[Claim[Id], ...] = ()
    """By the word of others."""

    @property
    def claims(self) -> tuple[Claim[Id], ...]:
        """Whose it was said to be, the word that holds first; also of who acts as itself by now."""
        return self.confirmed + self.asserted


A = TypeVar("A", bound=Attributed)


def attributed(one: A, whose: Id, over: tuple[Id32, ...], envelope: Envelope) -> A:
    """After one more claim: what rank 0 or 1 said holds before what others say, and no others end it."""
    if envelope.rank > CONFIRMING_RANK:
        return replace(one, asserted=stake(one.asserted, whose, over, envelope))
    asserted = drop(one.asserted, over, envelope)
    return replace(one, confirmed=stake(one.confirmed, whose, over, envelope), asserted=asserted)

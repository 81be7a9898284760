"""Rolls as tests write them down: one thing after the other."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from scmanager.domain.roll import Roll

K = TypeVar("K")
V = TypeVar("V")


def roll_of(things: Iterable[V], key: Callable[[V], K]) -> Roll[K, V]:
    """A roll of these, in this order."""
    made: Roll[K, V] = Roll()
    for one in things:
        made = made.enter(key(one), one)
    return made

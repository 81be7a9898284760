"""A roll: things by key, in the order in which they came. Every version stays, and the next one costs little.

What is entered keeps its place when it is entered again; what comes back, or is put last, goes to the end. It is
read like the tuple of its things, and equals it; looking up, entering and striking cost some log n of them.
"""

from collections.abc import Iterator
from operator import itemgetter
from typing import Generic, TypeVar

from scmanager.domain.event import State
from scmanager.domain.pages import Pages, entered, found

K = TypeVar("K")
V = TypeVar("V")

_place = itemgetter(0)


class Roll(State, Generic[K, V], eq=False):
    """Of things that differ by their key. Two are equal when they have equal things in one order."""

    pages: Pages[K, tuple[int, V] | None] = ()
    """The place of each and itself; None: struck."""
    next_place: int = 0
    count: int = 0

    def __iter__(self) -> Iterator[V]:
        """The things in their order."""
        merged: dict[K, tuple[int, V] | None] = {}
        for page in self.pages:
            merged.update(page)
        for _, one in sorted((each for each in merged.values() if each is not None), key=_place):
            yield one

    def __len__(self) -> int:
        return self.count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Roll | tuple) and len(self) == len(other) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def get(self, key: K) -> V | None:
        """What is under this key, or None."""
        held = found(self.pages, key)
        return held[1] if held is not None else None

    def has(self, key: K) -> bool:
        """Whether anything is under this key."""
        return found(self.pages, key) is not None

    def enter(self, key: K, one: V) -> "Roll[K, V]":
        """With this under its key: in its place if there is something already, else at the end."""
        held = found(self.pages, key)
        return self._put(key, one, held[0]) if held is not None else self._at_end(key, one, self.count + 1)

    def enter_last(self, key: K, one: V) -> "Roll[K, V]":
        """With this under its key, at the end in any case."""
        return self._at_end(key, one, self.count + (not self.has(key)))

    def swap(self, key: K, other: K) -> "Roll[K, V]":
        """With the two in each other's place. Harmless if one of them is not there."""
        one, two = found(self.pages, key), found(self.pages, other)
        return self if one is None or two is None else self._put(key, one[1], two[0])._put(other, two[1], one[0])

    def strike(self, key: K) -> "Roll[K, V]":
        """Without what is under this key. Harmless if there is nothing."""
        if not self.has(key):
            return self
        return Roll(_with(self.pages, key, None), self.next_place, self.count - 1)

    def _put(self, key: K, one: V, place: int) -> "Roll[K, V]":
        return Roll(_with(self.pages, key, (place, one)), self.next_place, self.count)

    def _at_end(self, key: K, one: V, count: int) -> "Roll[K, V]":
        return Roll(_with(self.pages, key, (self.next_place, one)), self.next_place + 1, count)


def _with(
    pages: Pages[K, tuple[int, V] | None], key: K, told: tuple[int, V] | None
) -> Pages[K, tuple[int, V] | None]:
    grown = entered(pages, {key: told})
    if len(grown) > 1:
        return grown
    kept: dict[K, tuple[int, V] | None]
    kept = {each: held for each, held in grown[0].items() if held is not None}  # Nothing older to hide.
    return (kept,) if kept else ()

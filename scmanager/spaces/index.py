"""Indices: which things of a kind have a value, found without a walk through all of them.

Each is made when it is first asked for, and redoes with each question what the journal says has changed since.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from scmanager.domain.event import Id, State
from scmanager.domain.fold import Fold

if TYPE_CHECKING:
    from scmanager.spaces.space import Space


class Key(msgspec.Struct, frozen=True, eq=False):
    """What things of a kind are found by."""

    fold: Fold
    values: Callable[[Any], Collection[Any]]
    """Of a state: under which values it is found, each once."""


class Indices:
    """Those of one space, by key. Under the lock that readers take."""

    def __init__(self) -> None:
        self._made: dict[Key, _Index] = {}

    def ids(self, space: "Space", key: Key, values: Iterable[Any]) -> Iterator[Sequence[Id]]:
        """For each of these values that anything has: the ids of what has it, sorted. Valid under this lock only."""
        index = self._made.setdefault(key, _Index(key))
        index.follow(space)
        return (found for value in values if (found := index.things.get(value)))

    def having(self, space: "Space", key: Key, values: Iterable[Any]) -> Iterator[tuple[Id, State]]:
        """The things with these values, in order of values, then of ids; one with several comes several times."""
        for found in self.ids(space, key, values):
            for entity in found:
                yield entity, space.state(key.fold, entity)


class _Index:
    def __init__(self, key: Key) -> None:
        self.key = key
        self.things: dict[Any, list[Id]] = {}
        self._values: dict[Id, Collection[Any]] = {}
        self._seen = -1
        """How much of the journal is in it; below 0: nothing was read yet."""

    def follow(self, space: "Space") -> None:
        changes = None if self._seen < 0 else space.journal.since(self._seen)
        if changes is None:
            self._read(space)
        else:
            for entity in frozenset().union(*(change.entities for change in changes)):
                self._forget(entity)
                thing = space.thing(self.key.fold, entity)
                if thing is not None and thing.tips:
                    self._note(entity, thing.state, insort)
        self._seen = space.journal.number

    def _read(self, space: "Space") -> None:
        self.things, self._values = {}, {}
        for entity, state in space.things(self.key.fold):
            self._note(entity, state, list.append)
        for found in self.things.values():
            found.sort()

    def _note(self, entity: Id, state: State, put: Callable[[list[Id], Id], None]) -> None:
        values = self.key.values(state)
        if values:
            self._values[entity] = values
        for value in values:
            put(self.things.setdefault(value, []), entity)

    def _forget(self, entity: Id) -> None:
        for value in self._values.pop(entity, ()):
            found = self.things[value]
            del found[bisect_left(found, entity)]
            if not found:
                del self.things[value]

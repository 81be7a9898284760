"""Indices: which things of a kind have a value, found without a walk through all of them.

Each is made when it is first asked for, and redoes with each question what the journal says has changed since.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from scmanager.domain.event import Id, State
from scmanager.domain.fold import Fold

if TYPE_CHECKING:
    from scmanager.spaces.space import Space


class Indices:
    """Those of one space, by kind of thing and attribute of its state. Under the lock that readers take."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], _Index] = {}

    def having(self, space: "Space", fold: Fold, attribute: str, values: Iterable[Any]) -> Iterator[tuple[Id, State]]:
        """The things of which this attribute has one of these values, in no order; a frozenset has many."""
        index = self._made.setdefault((fold.name, attribute), _Index(fold, attribute))
        index.follow(space)
        for value in values:
            for entity in index.things.get(value, ()):
                yield entity, space.state(fold, entity)


class _Index:
    def __init__(self, fold: Fold, attribute: str) -> None:
        self.fold, self.attribute = fold, attribute
        self.things: dict[Any, set[Id]] = {}
        self._values: dict[Id, Iterable[Any]] = {}
        self._seen = -1
        """How much of the journal is in it; below 0: nothing was read yet."""

    def follow(self, space: "Space") -> None:
        changes = None if self._seen < 0 else space.journal.since(self._seen)
        if changes is None:
            self.things, self._values = {}, {}
            for entity, state in space.things(self.fold):
                self._note(entity, state)
        else:
            for entity in frozenset().union(*(change.entities for change in changes)):
                self._forget(entity)
                thing = space.thing(self.fold, entity)
                if thing is not None and thing.tips:
                    self._note(entity, thing.state)
        self._seen = space.journal.number

    def _note(self, entity: Id, state: State) -> None:
        value = getattr(state, self.attribute)
        self._values[entity] = values = value if isinstance(value, frozenset) else (value,)
        for each in values:
            self.things.setdefault(each, set()).add(entity)

    def _forget(self, entity: Id) -> None:
        for each in self._values.pop(entity, ()):
            self.things[each].discard(entity)

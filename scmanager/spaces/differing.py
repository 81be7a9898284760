"""The difference between two states of one space: which things are others, which entries make it, which logs forked.

Two states are two sets of entries. What one set has more, and what both have but judge otherwise, is all that can
make a difference; so every thing that differs has such an entry, unless one side could not open what the other could.
"""

from collections.abc import Iterator

import msgspec

from scmanager.domain.event import Id, Id32, State
from scmanager.domain.fold import Fold
from scmanager.spaces.explaining import names_of
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space
from scmanager.spaces.state_digest import KINDS


class Changed(msgspec.Struct, frozen=True):
    """A thing that is another in the two."""

    fold: Fold
    entity: Id
    a: State
    b: State
    in_a: bool
    in_b: bool
    """Whether anything that counts was said of it there."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what differs."""
        return tuple(name for name in names_of(type(self.a)) if getattr(self.a, name) != getattr(self.b, name))


class Difference(msgspec.Struct, frozen=True):
    """Of two states of one space, `a` and `b`."""

    things: tuple[Changed, ...]
    only_a: tuple[Opened, ...]
    only_b: tuple[Opened, ...]
    judged: tuple[Opened, ...]
    """In both, with another verdict."""
    forked: tuple[Id32, ...]
    """Logs of which each side has entries that the other lacks: their writer signed two histories."""


def difference(a: Space, b: Space) -> Difference:
    """Entries in fold order as dated. The caller holds the locks of both."""
    ids_a = {each.entry.id32: each for each in a.entries()}
    ids_b = {each.entry.id32: each for each in b.entries()}
    only_a = [each for id32, each in ids_a.items() if id32 not in ids_b]
    only_b = [each for id32, each in ids_b.items() if id32 not in ids_a]
    judged = [
        each
        for id32, each in ids_a.items()
        if id32 in ids_b and a.verdicts.entries.get(id32) != b.verdicts.entries.get(id32)
    ]
    forked = {each.entry.log for each in only_a} & {each.entry.log for each in only_b}
    return Difference(
        tuple(_changed(a, b)), _sorted(only_a), _sorted(only_b), _sorted(judged), tuple(sorted(forked)),
    )  # fmt: skip


def _changed(a: Space, b: Space) -> Iterator[Changed]:
    for fold in KINDS:
        first, second = dict(a.things(fold)), dict(b.things(fold))
        for entity in dict.fromkeys((*first, *second)):
            one, other = first.get(entity, fold.empty), second.get(entity, fold.empty)
            if one != other or (entity in first) != (entity in second):
                yield Changed(fold, entity, one, other, entity in first, entity in second)


def _sorted(entries: list[Opened]) -> tuple[Opened, ...]:
    return tuple(sorted(entries, key=lambda each: each.order))

"""A valid grant while it is judged: its logs and keys by level, and the cuts that reach it."""

from collections.abc import Sequence

import msgspec

from scmanager.domain.event import Id32
from scmanager.domain.governance import Kept
from scmanager.domain.keeping import Keeping, lowest
from scmanager.domain.past import Held
from scmanager.domain.records import Fact, Grant, Reason, Standing


class Cut(msgspec.Struct, frozen=True):
    """A removal or recovery that reaches all of a grant's logs."""

    reason: Reason
    cause: Id32
    rows: tuple[Kept, ...]


class Cuts:
    """The removals and recoveries that reach a grant, in the order in which they are given as a reason."""

    def __init__(self, held: Held[Fact], cuts: Sequence[Cut] = ()) -> None:
        self._cuts = cuts
        self._every = (1 << len(cuts)) - 1
        self._keeping = Keeping(held, ((number, row) for number, cut in enumerate(cuts) for row in cut.rows))
        self.causes = tuple(cut.cause for cut in cuts)

    def struck(self, log: Id32, entries: Sequence[Fact]) -> dict[Id32, Cut]:
        """The held entries of a log, in the order of seq, that fall by one of them."""
        if not self._cuts:
            return {}
        kept = ((entry, lowest(self._every & ~mask)) for entry, mask in self._keeping.kept(log, entries))
        return {entry.id: self._cuts[first] for entry, first in kept if first is not None}

    def against(self, fact: Fact) -> Cut | None:
        """The first that voids an entry which is not held yet."""
        first = self._keeping.first_against(fact.log, fact.seq, self._every) if self._cuts else None
        return self._cuts[first] if first is not None else None


class Bench:
    """One grant and what is known about it so far."""

    def __init__(self, grant: Grant, cuts: Cuts) -> None:
        self.grant = grant
        self.cuts = cuts
        self.levels: dict[Id32, int] = {}
        self.devices: dict[bytes, int] = {}
        self.struck: dict[Id32, Cut] = {}
        """The held entries that fall by a removal or recovery."""
        self.own_cuts: dict[Id32, int] = {}
        """By log: the member's own cuts that reach it, as a mask."""
        self.own_keeping: Keeping[Fact] | None = None
        self.disowned: dict[Id32, Id32] = {}
        """The held entries that fall by an own cut, with the first such cut."""

    def standing(self) -> Standing:
        """What is told to the outside."""
        return Standing(
            grant=self.grant,
            levels=dict(self.levels),
            devices=dict(self.devices),
            cuts=self.cuts.causes,
            disowned=tuple(sorted(self.own_cuts)),
        )

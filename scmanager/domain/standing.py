"""A valid grant while it is judged: its logs and keys by level, and the cuts that reach it."""

import msgspec

from scmanager.domain.event import Id32
from scmanager.domain.past import Keeps
from scmanager.domain.records import Grant, Reason, Standing


class Cut(msgspec.Struct, frozen=True):
    """A removal or recovery that reaches all of a grant's logs."""

    reason: Reason
    cause: Id32
    keeps: Keeps


class OwnCut:
    """A member's cut of one of his devices, and what is spared from it (rule 6)."""

    def __init__(self, cause: Id32, rank: int, keeps: Keeps) -> None:
        self.cause = cause
        self.rank = rank
        self.keeps = keeps
        self.knowing: set[Id32] = set()
        """The entries that have the cut in their past: they build on nothing it voids."""
        self.touched: set[Id32] = set()
        """The entries that have something it reaches in their past."""
        self.spared: set[Id32] = set()


class Bench:
    """One grant and what is known about it so far."""

    def __init__(self, grant: Grant, cuts: tuple[Cut, ...]) -> None:
        self.grant = grant
        self.cuts = cuts
        self.levels: dict[Id32, int] = {}
        self.devices: dict[bytes, int] = {}
        self.own_cuts: dict[Id32, list[OwnCut]] = {}

    def standing(self) -> Standing:
        """What is told to the outside."""
        return Standing(
            grant=self.grant,
            levels=dict(self.levels),
            devices=dict(self.devices),
            cuts=tuple(cut.cause for cut in self.cuts),
            disowned=tuple(sorted(self.own_cuts)),
        )

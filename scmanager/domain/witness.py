"""Witnesses: what somebody above built on before he knew of a member's own cut is spared from it (rule 6).

An entry is spared from a cut when a valid entry above has it in its past and has not the cut. So for each entry two
masks say all there is to know, one bit a cut: the cuts in its past, and those in the past of *every* witness for it.
"""

from collections.abc import Iterable, Mapping

from scmanager.domain.event import Id32
from scmanager.domain.past import Held, parents
from scmanager.domain.records import Fact

UNSEEN = -1
"""All cuts: nobody above has built on it."""


def spread(held: Held[Fact], seeds: Mapping[Id32, int], less: Mapping[Id32, int] | None = None) -> dict[Id32, int]:
    """What each entry has of `seeds` in its past, itself included, but for what it, or one on the way, has `less`."""
    reached = held.future(seeds)
    missing = {entry: sum(parent in reached for parent in parents(held.by_id[entry])) for entry in reached}
    ready = [entry for entry, count in missing.items() if not count]
    masks: dict[Id32, int] = {}
    while ready:
        entry = ready.pop()
        mask = joined(masks, parents(held.by_id[entry]), seeds.get(entry, 0))
        if less is not None:
            mask &= ~less.get(entry, 0)
        if mask:
            masks[entry] = mask
        for child in held.children(entry):
            missing[child] -= 1
            if not missing[child]:
                ready.append(child)
    return masks


def joined(masks: Mapping[Id32, int], entries: Iterable[Id32], mask: int = 0) -> int:
    """The masks of some entries as one. Equal ones are one object: most entries learn of no further cut."""
    for entry in entries:
        other = masks.get(entry, 0)
        if other and other is not mask:
            both = mask | other
            mask = other if both == other else mask if both == mask else both
    return mask


class Witnesses:
    """For what may fall by an own cut: the cuts that every witness for it knew. Grows rank by rank."""

    def __init__(self, held: Held[Fact], known: Mapping[Id32, int], at_risk: Iterable[Id32]) -> None:
        """`known`: the cuts in each entry's past; `at_risk`: the held entries that one may reach."""
        self._held, self._known = held, known
        self._within = held.future(at_risk)
        self._agreed: dict[Id32, int] = {}

    def hear(self, above: Iterable[Id32]) -> None:
        """Take further valid entries that act above. Those that know least come first: the others change little."""
        fresh = [(self._known.get(entry, 0), entry) for entry in above if entry in self._within]
        for known, entry in sorted(fresh, key=lambda pair: pair[0].bit_count()):
            stack = [entry]
            while stack:
                for parent in parents(self._held.by_id[stack.pop()]):
                    if parent in self._within:
                        before = self._agreed.get(parent, UNSEEN)
                        after = before & known
                        if after != before:
                            self._agreed[parent] = after
                            stack.append(parent)

    def agreed(self, entry: Id32) -> int:
        """The cuts that every witness for it knew: it is spared from all others."""
        return self._agreed.get(entry, UNSEEN)

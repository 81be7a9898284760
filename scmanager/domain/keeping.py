"""What cuts keep: of several cuts at once, one bit each, so that many of them cost little more than one.

A cut's row keeps the chain of a listed head; while that head is not held, its log up to its seq (rule 8). What no row
of a cut keeps, the cut voids. Masks are whole numbers: bit i stands for the cut that was given the number i.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from scmanager.domain.event import Id32
from scmanager.domain.governance import Kept
from scmanager.domain.past import Held
from scmanager.domain.records import Clear

E = TypeVar("E", bound=Clear)


class Keeping(Generic[E]):
    """The rows of several cuts, by log."""

    def __init__(self, held: Held[E], rows: Iterable[tuple[int, Kept]]) -> None:
        """`rows`: each with the number of its cut."""
        self._held = held
        self._limits: dict[Id32, list[tuple[int, int]]] = {}
        """(seq, cut): kept is all up to there."""
        self._heads: dict[Id32, dict[Id32, int]] = {}
        """Of forked logs: the cuts that keep a head's chain."""
        self._chains: dict[Id32, dict[Id32, int]] = {}
        self._firsts: dict[Id32, _Firsts] = {}
        for cut, row in rows:
            head = held.by_id.get(row.head)
            if head is not None and (head.log, head.seq) == (row.log, row.seq) and held.forked(row.log):
                heads = self._heads.setdefault(row.log, {})
                heads[row.head] = heads.get(row.head, 0) | 1 << cut
            else:  # Not held: all up to its seq. Held and no fork: its chain is all up to its seq.
                self._limits.setdefault(row.log, []).append((row.seq, cut))

    def kept(self, log: Id32, entries: Sequence[E]) -> Iterator[tuple[E, int]]:
        """Which cuts keep each of these held entries of a log, which come in the order of seq; the last one first.

        `held` has them in that order too.
        """
        limits, chains = sorted(self._limits.get(log, ())), self._chains_of(log)
        mask = 0
        for entry in reversed(entries):
            while limits and limits[-1][0] >= entry.seq:
                mask |= 1 << limits.pop()[1]
            chained = chains.get(entry.id)
            yield entry, mask | chained if chained else mask

    def first_against(self, log: Id32, seq: int, among: int) -> int | None:
        """The first cut `among` some that does not keep an entry which is not held; always the same for one log."""
        firsts = self._firsts.get(log)
        if firsts is None:
            firsts = self._firsts[log] = _Firsts(self._limits.get(log, ()), among)
        return firsts.below(seq)

    def _chains_of(self, log: Id32) -> dict[Id32, int]:
        """The cuts that keep each entry as one of the chain of a head: passed down from the heads, once a log."""
        if log not in self._heads:
            return {}
        known = self._chains.get(log)
        if known is None:
            known = self._chains[log] = dict(self._heads[log])
            for entry in reversed(self._held.logs[log]):
                mask = known.get(entry.id)
                if mask is not None and entry.seq > 0:
                    known[entry.prev] = known[entry.prev] | mask if entry.prev in known else mask
        return known


class _Firsts:
    """For one log and some cuts: the first whose furthest row ends before a seq."""

    def __init__(self, limits: Iterable[tuple[int, int]], among: int) -> None:
        furthest: dict[int, int] = {}
        for seq, cut in limits:
            if among >> cut & 1:
                furthest[cut] = max(seq, furthest.get(cut, 0))
        without = among
        for cut in furthest:
            without ^= 1 << cut
        self._rowless = lowest(without)
        self._seqs: list[int] = []
        self._cuts: list[int] = []
        for seq, cut in sorted((seq, cut) for cut, seq in furthest.items()):
            self._seqs.append(seq)
            self._cuts.append(min(cut, self._cuts[-1]) if self._cuts else cut)

    def below(self, seq: int) -> int | None:
        ended = bisect_left(self._seqs, seq)
        found = [cut for cut in (self._rowless, self._cuts[ended - 1] if ended else None) if cut is not None]
        return min(found, default=None)


def lowest(mask: int) -> int | None:
    """The number of the first cut in a mask; None for none."""
    return (mask & -mask).bit_length() - 1 if mask else None

"""Parts that come later: whoever brought their entries first had left them out, or did not have them.

Pure; each store asks it inside the transaction that admits the run. A verified run's parts are those its entries
name, and an entry's id is a hash of it: so they belong to the entry that stands under the same id here. A store
cannot tell a part that was erased from one that never came: whoever admits leaves out what lies under erased keys.
"""

from collections.abc import Iterable, Mapping

import msgspec

from scmanager.eventstore.branches import Branch, Placement, pieces
from scmanager.eventstore.verification import VerifiedRun

Found = tuple[int, int, int | None]
"""(seq, pos, number of an erasable part that is held): a row a part; None in an entry's only row when it has none."""


class LatePart(msgspec.Struct, frozen=True):
    """An erasable part of an entry that is held without it."""

    pos: int
    number: int
    key: bytes
    bytes: bytes


def spans(run: VerifiedRun, placement: Placement, branches: Mapping[int, Branch]) -> list[tuple[int, int, int]]:
    """(branch number, first seq, seq it ends before): where those of the run's entries stand that are held already.

    Empty when none of them brings an erasable part.
    """
    held = run.sealed[: len(run.sealed) - len(placement.new)]
    bring = [one.entry.seq for one in held if any(one.parts[1:])]
    if not bring:
        return []
    branch = placement.fork.parent if placement.fork else placement.branch
    within = ((here, max(start, bring[0]), min(end, bring[-1] + 1)) for here, start, end in pieces(branches, branch))
    return [(here, first, end) for here, first, end in within if first < end]


def lacking(run: VerifiedRun, found: Iterable[Found]) -> list[LatePart]:
    """The parts that the run brings for what was found in its spans, and that are not held."""
    positions: dict[int, int] = {}
    held: set[tuple[int, int | None]] = set()
    for seq, pos, number in found:
        positions[seq] = pos
        held.add((seq, number))
    return [
        LatePart(positions[one.entry.seq], number, one.entry.parts[number].key, stored)
        for one in run.sealed
        if one.entry.seq in positions
        for number, stored in enumerate(one.parts)
        if number > 0 and stored and (one.entry.seq, number) not in held
    ]

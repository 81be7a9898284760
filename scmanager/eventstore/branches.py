"""Where a verified run goes: onto the branch it continues, or onto a new branch when it forks.

Pure; each store asks it inside its transaction. A branch holds the entries from its fork on; the entries before
belong to the branch it forked from, and so on down to branch 0.
"""

from collections.abc import Callable, Mapping

import msgspec

from scmanager.eventstore.entry import NUMBER_MAX
from scmanager.eventstore.own_log import Sealed
from scmanager.eventstore.verification import VerifiedRun


class Branch(msgspec.Struct, frozen=True):
    """One branch: its number, the branch it left, and the first seq that is its own."""

    number: int
    parent: int
    start: int
    size: int
    """Entries from genesis to its head."""


class Placement(msgspec.Struct, frozen=True):
    """Store `new` on `branch`; `fork` is the new branch's row when there was none."""

    branch: int
    new: tuple[Sealed, ...]
    fork: Branch | None = None


IdAt = Callable[[int, int], bytes | None]
"""(branch number, seq) -> id (64 bytes) of the entry on that branch or the branches it left; None beyond its head."""


def place(run: VerifiedRun, branches: dict[int, Branch], id_at: IdAt) -> Placement | None:
    """Where the run's entries go; None when none of the branches holds what the run continues."""
    first = run.after.size
    held = [b for b in branches.values() if first == 0 or id_at(b.number, first - 1) == run.after.id]
    if not held and branches:
        return None
    if not held:
        return Placement(0, run.sealed, Branch(0, 0, 0, 0)) if first == 0 else None
    branch, shared = max(
        ((b, _agreement(run, b, id_at)) for b in held), key=lambda found: (found[1], -found[0].number)
    )
    new = run.sealed[shared:]
    if not new or first + shared == branch.size:
        return Placement(branch.number, new)
    number = max(branches) + 1
    return Placement(number, new, Branch(number, branch.number, first + shared, first + shared))


def _agreement(run: VerifiedRun, branch: Branch, id_at: IdAt) -> int:
    """How many of the run's entries stand on the branch already."""
    for count, sealed in enumerate(run.sealed):
        if id_at(branch.number, run.after.size + count) != sealed.entry.id:
            return count
    return len(run.sealed)


def pieces(branches: Mapping[int, Branch], branch: int) -> list[tuple[int, int, int]]:
    """(branch number, first seq, seq it ends before): a branch and those it left, oldest first; empty if unknown."""
    found: list[tuple[int, int, int]] = []
    end = NUMBER_MAX
    while branch in branches:
        here = branches[branch]
        found.append((here.number, here.start, end))
        if here.start == 0:
            break
        branch, end = here.parent, here.start
    return found[::-1]

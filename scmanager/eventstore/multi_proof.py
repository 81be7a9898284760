"""Proofs for many leaves of one tree at once: only the hashes that the leaves themselves do not make.

The hashes stand from left to right: one for each largest subtree that holds none of the leaves. A single leaf needs
as many as its inclusion proof, a run of neighbours at most twice the height of the tree.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from scmanager.eventstore.merkle import HASH_BYTES, RootOf, node_hash


def prove_many(indices: Sequence[int], size: int, root: RootOf) -> list[bytes]:
    """What leads from the leaves at these indices, ascending and distinct, to the root over `size` leaves.

    Raises ValueError without any, for another order, or beyond the tree.
    """
    if not indices or list(indices) != sorted(set(indices)) or not 0 <= indices[0] <= indices[-1] < size:
        raise ValueError(f"no ascending leaves of {size}")
    return [root(low, high) for low, high, mine in _pieces(0, size, indices) if not mine]


def root_with(leaves: Mapping[int, bytes], size: int, hashes: Sequence[bytes]) -> bytes | None:
    """The root over `size` leaves that these leaf hashes and this proof make; None where they make none. Total."""
    indices = sorted(leaves)
    if not indices or not 0 <= indices[0] <= indices[-1] < size:
        return None
    pieces = list(_pieces(0, size, indices))
    if len(hashes) != len(pieces) - len(indices) or any(len(each) != HASH_BYTES for each in hashes):
        return None
    rest = iter(hashes)
    found = {(low, high): leaves[low] if mine else next(rest) for low, high, mine in pieces}
    return _joined(0, size, found)


def _pieces(low: int, high: int, mine: Sequence[int]) -> Iterator[tuple[int, int, Sequence[int]]]:
    """From left to right: the leaves that are given, and the largest subtrees without any."""
    if not mine or high - low == 1:
        yield low, high, mine
        return
    middle = _middle(low, high)
    cut = bisect_left(mine, middle)
    yield from _pieces(low, middle, mine[:cut])
    yield from _pieces(middle, high, mine[cut:])


def _joined(low: int, high: int, found: Mapping[tuple[int, int], bytes]) -> bytes:
    if (low, high) in found:
        return found[low, high]
    middle = _middle(low, high)
    return node_hash(_joined(low, middle, found), _joined(middle, high, found))


def _middle(low: int, high: int) -> int:
    """Where a tree parts: at the largest power of two below its size."""
    return low + (1 << (high - low - 1).bit_length() - 1)

"""The Merkle tree of RFC 6962 over SHA-256: roots, compact ranges, and one kind of proof that serves for all four.

Everything here speaks of *leaf hashes* (32 bytes each), never of entries. A *subtree* is a range `[start, end)` of
leaves whose start is a multiple of the smallest power of two not below its length (section 4 of the draft
draft-ietf-plants-merkle-tree-certs). One construction covers the proofs: that a subtree with a given hash sits at its
place in a tree with a given root. A leaf is the subtree `[index, index + 1)`, an older tree is `[0, its size)`.

Verification is total: it answers yes or no, for any bytes and any numbers.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from scmanager.errors import Untrusted

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves."""

SIZE_MAX: Final = 2**53
"""More entries than any log of ours has: seq stays below 2^53."""

_PROVABLE_MAX: Final = 2**64


class BadCompactRange(Untrusted):
    """This is not a compact range: {reason}."""

    code = "bad-compact-range"
    hint = "Recompute it from the entries of the log."


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf (RFC 6962, section 2.1)."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children."""
    return sha256(b"\1" + left + right).digest()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree with these leaves; `EMPTY_ROOT` without any."""
    nodes = list(leaf_hashes)
    while len(nodes) > 1:
        nodes = _pairs(nodes)
    return nodes[0] if nodes else EMPTY_ROOT


def _pairs(nodes: list[bytes]) -> list[bytes]:
    """The level above. A node without a neighbour moves up as it is."""
    pair = iter(nodes)
    above = [sha256(b"\1" + left + right).digest() for left, right in zip(pair, pair, strict=False)]
    if len(nodes) % 2:
        above.append(nodes[-1])
    return above


class CompactRange(msgspec.Struct, frozen=True):
    """A tree so far, in as few hashes as let it grow: one for each set bit of its size, the largest subtree first.

    Growing yields a new range: who rolls back simply keeps the old one.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "CompactRange":
        """This range and one more leaf hash."""
        kept = len(self.hashes)
        bits = self.size
        while bits & 1:
            kept -= 1
            leaf = node_hash(self.hashes[kept], leaf)
            bits >>= 1
        return CompactRange(self.size + 1, (*self.hashes[:kept], leaf))

    def extend(self, leaf_hashes: Iterable[bytes]) -> "CompactRange":
        """This range and these leaf hashes, level by level: about half a microsecond a leaf."""
        nodes = list(leaf_hashes)
        size = self.size + len(nodes)
        left = list(self.hashes)
        right: list[bytes] = []  # the smallest subtree first
        bits = self.size
        while nodes:
            if bits & 1:
                nodes.insert(0, left.pop())
            if len(nodes) % 2:
                right.append(nodes.pop())
            nodes = _pairs(nodes)
            bits >>= 1
        return CompactRange(size, (*left, *reversed(right)))

    def root(self) -> bytes:
        """The root of the whole tree."""
        if not self.hashes:
            return EMPTY_ROOT
        *larger, root = self.hashes
        for subtree in reversed(larger):
            root = node_hash(subtree, root)
        return root

    def to_bytes(self) -> bytes:
        """The size as u64, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> "CompactRange":
        """The range these bytes are. Raises BadCompactRange."""
        if len(data) < 8:
            raise BadCompactRange(reason="shorter than its size field")
        size = int.from_bytes(data[:8], "big")
        if size > SIZE_MAX:
            raise BadCompactRange(reason="larger than any log")
        if len(data) != 8 + HASH_BYTES * size.bit_count():
            raise BadCompactRange(reason="not one hash for each bit of its size")
        return cls(size, tuple(data[at : at + HASH_BYTES] for at in range(8, len(data), HASH_BYTES)))


RootOf = Callable[[int, int], bytes]
"""The root over the leaves `[start, end)`. A store may answer from its tiles."""


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The proof that the leaf at `index` is in the tree of these leaves. Raises ValueError beyond them."""
    return subtree_consistency_proof(index, index + 1, leaf_hashes)


def consistency_proof(size: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The proof that the tree of the first `size` leaves grew into the tree of them all. Raises ValueError for 0."""
    if not size:
        raise ValueError("an empty tree proves nothing")
    return subtree_consistency_proof(0, size, leaf_hashes)


def subtree_inclusion_proof(index: int, start: int, end: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The proof that the leaf at `index` is in the subtree `[start, end)` of this tree. Raises ValueError."""
    if not (is_subtree(start, end) and start <= index < end <= len(leaf_hashes)):
        raise ValueError(f"no leaf {index} in a subtree [{start}, {end}) of {len(leaf_hashes)} leaves")
    return inclusion_proof(index - start, leaf_hashes[start:end])


def subtree_consistency_proof(start: int, end: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The proof that the subtree `[start, end)` sits at its place in the tree of these leaves. Raises ValueError."""
    return prove(start, end, len(leaf_hashes), lambda low, high: root_of(leaf_hashes[low:high]))


def prove(start: int, end: int, size: int, root: RootOf) -> list[bytes]:
    """As `subtree_consistency_proof`, with the roots of ranges looked up. An empty subtree needs no proof."""
    if not (is_subtree(start, end) and end <= size):
        raise ValueError(f"no subtree [{start}, {end}) in {size} leaves")
    if start == end:
        return []
    path = _Path(start, end, size)
    proof = [] if path.starts_known else [root(*path.seed)]
    proof += [root(*sibling) for _, sibling in reversed(path.steps)]
    return proof


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` is the leaf hash at `index` of the tree with this size and root (RFC 9162, 2.1.3)."""
    return len(leaf) == HASH_BYTES and verify_subtree_consistency(index, index + 1, size, leaf, proof, root)


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> bool:
    """Whether the first tree is a prefix of the second (RFC 9162, 2.1.4). Never for an empty first tree."""
    return size1 > 0 and verify_subtree_consistency(0, size1, size2, root1, proof, root2)


def verify_subtree_inclusion(
    index: int, start: int, end: int, leaf: bytes, proof: Sequence[bytes], subtree: bytes
) -> bool:
    """Whether `leaf` is the leaf hash at `index` (counted in the whole tree) of the subtree `[start, end)`."""
    if not is_subtree(start, end):
        return False
    return verify_inclusion(index - start, end - start, leaf, proof, subtree)


def verify_subtree_consistency(
    start: int, end: int, size: int, subtree: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the subtree `[start, end)` with this hash sits at its place in the tree with this size and root.

    An empty subtree has the empty root and no proof, and is in every tree.
    """
    if not (is_subtree(start, end) and end <= size <= _PROVABLE_MAX):
        return False
    if start == end:
        return not proof and subtree == EMPTY_ROOT
    path = _Path(start, end, size)
    sums = _sums(path, [subtree, *proof] if path.starts_known else list(proof))
    return sums == (subtree, root)


def root_before(size1: int, size2: int, proof: Sequence[bytes], root2: bytes) -> bytes | None:
    """Which root a consistency proof shows over the first `size1` leaves of the second tree; None if it shows none.

    Where `size1` is a power of two a proof starts from that root instead of carrying it: None then, too.
    """
    if not 0 < size1 <= size2 <= _PROVABLE_MAX:
        return None
    path = _Path(0, size1, size2)
    sums = None if path.starts_known else _sums(path, list(proof))
    return sums[0] if sums and sums[1] == root2 else None


def _sums(path: "_Path", hashes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """What the hashes make of the older tree and of the newer one; None where they are not as many as there are."""
    if len(hashes) != len(path.steps) + 1:
        return None
    if len(hashes) > 1 and any(len(each) != HASH_BYTES for each in hashes):
        return None  # Two hashes of odd lengths could be cut elsewhere from the same 64 bytes.
    old = new = hashes[0]
    for (side, _), sibling in zip(reversed(path.steps), hashes[1:], strict=True):
        if side == _RIGHT:
            new = node_hash(new, sibling)
            continue
        new = node_hash(sibling, new)
        if side == _LEFT_OF_BOTH:
            old = node_hash(sibling, old)
    return old, new


def is_subtree(start: int, end: int) -> bool:
    """Whether `[start, end)` is a range that a tree keeps together, whatever grows after it."""
    return 0 <= start <= end and (end - start < 2 or start % (1 << (end - start - 1).bit_length()) == 0)


_RIGHT: Final = 0
_LEFT: Final = 1
_LEFT_OF_BOTH: Final = 2  # beside a node that is in the older tree as well


class _Path:
    """The way from the root down to where a subtree is whole: the sibling left behind at each step.

    Once the way cuts the subtree in two, its remainder is no node whose hash the verifier has: then the proof starts
    with that hash (`seed`), and the part cut off goes into both sums.
    """

    __slots__ = ("seed", "starts_known", "steps")

    def __init__(self, start: int, end: int, size: int) -> None:
        self.starts_known = True
        self.steps: list[tuple[int, tuple[int, int]]] = []
        low, high = 0, size  # the node we stand at
        while (low, high) != (start, end):
            middle = low + (1 << (high - low - 1).bit_length() - 1)
            if end <= middle:
                self.steps.append((_RIGHT, (middle, high)))
                high = middle
            elif start >= middle:
                self.steps.append((_LEFT, (low, middle)))
                low = middle
            else:
                self.steps.append((_LEFT_OF_BOTH, (low, middle)))
                self.starts_known = False
                low = start = middle
        self.seed = (low, high)

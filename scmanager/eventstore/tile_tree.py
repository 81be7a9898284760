"""A log's tree read from its tiles: roots and proofs of any size out of a few of them, wherever the tiles lie.

Who gives the tiles is not trusted. Every hash that is used has been led back to the root that the tree is made with:
the tiles on the right edge make that root, every other one is whole and has its own root in a tile above it.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from scmanager.eventstore import merkle
from scmanager.eventstore.merkle import EMPTY_ROOT, is_subtree, node_hash
from scmanager.eventstore.tiles import LEVEL_BITS, WIDTH, BadTile, TilePath, parse_tile

TILES_KEPT = 64

Fetch = Callable[[TilePath], bytes]
"""The bytes of a tile; `width` is what it has in a tree of this size. Raises BadTile, or what keeps it from that."""

Rows = tuple[Sequence[bytes], ...]
"""The hashes of a tile, and above them those of pairs, of fours and so on, as far as both children are there."""


class TileTree:
    """The tree of `size` leaves with this root. Raises BadTile when the tiles make another one, and as `fetch`."""

    def __init__(self, size: int, root: bytes, fetch: Fetch) -> None:
        self.size = size
        self._fetch = fetch
        self._rows = lru_cache(maxsize=TILES_KEPT)(self._read)
        self._edge: dict[tuple[int, int], Rows] = {}
        level, count = 0, size
        while count:
            if count % WIDTH:
                self._edge[level, count // WIDTH] = _rows(self._fetched(level, count // WIDTH))
            level, count = level + 1, count // WIDTH
        if (self._range(0, size) if size else EMPTY_ROOT) != root:
            raise BadTile(reason="it does not lead to the root that was signed")

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves, which the tree has."""
        return self._range(0, size) if size else EMPTY_ROOT

    def leaf(self, index: int) -> bytes:
        """The leaf hash at an index below the size."""
        return self._node(0, index)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """What leads from the leaf at `index` to the root over `size` leaves. Raises ValueError beyond them."""
        return merkle.prove(index, index + 1, self._known(size), self._range)

    def consistency(self, old: int, size: int) -> list[bytes]:
        """What shows that the tree of `old` leaves grew into that of `size`. Raises ValueError for 0 and beyond."""
        if not old:
            raise ValueError("an empty tree proves nothing")
        return merkle.prove(0, old, self._known(size), self._range)

    def subtree_consistency(self, low: int, high: int, size: int) -> list[bytes]:
        """What shows that leaves `[low, high)` sit at their place in the tree of `size` leaves. Raises ValueError."""
        return merkle.prove(low, high, self._known(size), self._range)

    def subtree(self, low: int, high: int) -> bytes:
        """The root over leaves `[low, high)` that some tree keeps together. Raises ValueError beyond the tree."""
        if not (low < high <= self.size and is_subtree(low, high)):
            raise ValueError(f"no subtree [{low}, {high}) in {self.size} leaves")
        return self._range(low, high)

    def tile(self, path: TilePath) -> bytes:
        """The first `width` hashes of a tile. Raises BadTile where the tree has fewer."""
        if path.level is None or not path.within(self.size):
            raise BadTile(reason="the tree has not so many hashes there")
        return b"".join(self._tile(path.level, path.index)[0][: path.width])

    def _known(self, size: int) -> int:
        if size > self.size:
            raise ValueError(f"{size} leaves, and the tree has {self.size}")
        return size

    def _range(self, low: int, high: int) -> bytes:
        """The root over leaves `[low, high)`, where `low` is a multiple of the largest power of two below it."""
        height = (high - low).bit_length() - 1
        left = self._node(height, low >> height)
        middle = low + (1 << height)
        return left if middle == high else node_hash(left, self._range(middle, high))

    def _node(self, height: int, index: int) -> bytes:
        level, above = divmod(height, LEVEL_BITS)
        tile, place = divmod(index << above, WIDTH)
        return self._tile(level, tile)[above][place >> above]

    def _tile(self, level: int, index: int) -> Rows:
        return self._edge.get((level, index)) or self._rows(level, index)

    def _read(self, level: int, index: int) -> Rows:
        """A whole tile, whose root stands in the one above."""
        rows = _rows(self._fetched(level, index))
        if rows[LEVEL_BITS][0] != self._node(LEVEL_BITS * (level + 1), index):
            raise BadTile(reason="it is not the one that the tile above it names")
        return rows

    def _fetched(self, level: int, index: int) -> list[bytes]:
        width = min(WIDTH, (self.size >> LEVEL_BITS * level) - index * WIDTH)
        return parse_tile(self._fetch(TilePath(level, index, width)), width)


def _rows(hashes: list[bytes]) -> Rows:
    rows: list[Sequence[bytes]] = [hashes]
    while len(rows[-1]) > 1:
        pair = iter(rows[-1])
        rows.append([node_hash(left, right) for left, right in zip(pair, pair, strict=False)])
    return tuple(rows)

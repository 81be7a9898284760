"""Tiles: a log as static files that any C2SP tlog-tiles client can fetch, and the way back into hashes and entries.

A tile holds up to 256 hashes of one level, an entry bundle up to 256 entries. Level 0 has the leaf hashes, each level
above one hash for every *full* tile below. What is not full is partial: `.p/<width>` at the end of its path.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore.merkle import HASH_BYTES, SIZE_MAX, root_of

WIDTH: Final = 256
LEVEL_BITS: Final = 8
"""A tile has eight levels of the tree in it: the hash over its 256 stands in the tile above."""
ENTRY_BYTES_MAX: Final = 65_535

_LEVEL_MAX: Final = 63
_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?",
    re.ASCII,
)


class BadTile(Untrusted):
    """This is not a tile: {reason}."""

    code = "bad-tile"
    hint = "Fetch it again, from another mirror if it stays so."


class TilePath(msgspec.Struct, frozen=True):
    """Which tile: `level` 0 to 63, or None for an entry bundle; its index in the level; how many items it has."""

    level: int | None
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= _LEVEL_MAX:
            raise BadTile(reason="no such level")
        if not 0 <= self.index <= SIZE_MAX:
            raise BadTile(reason="its index is beyond any log")
        if not 1 <= self.width <= WIDTH:
            raise BadTile(reason="no such width")

    def __str__(self) -> str:
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_grouped(self.index)}{partial}"

    @classmethod
    def parse(cls, path: str) -> "TilePath":
        """The tile that this path names in its one spelling. Raises BadTile."""
        match = _PATH.fullmatch(path)
        if not match:
            raise BadTile(reason="its path is none of a tile")
        level = None if match[1] == "entries" else int(match[1])
        index = int(match[2].replace("x", "").replace("/", ""))
        parsed = cls(level, index, int(match[3]) if match[3] else WIDTH)
        if str(parsed) != path:
            raise BadTile(reason="its path is spelled in another way")
        return parsed

    def full(self) -> "TilePath":
        """The full tile at this place: what to ask for when a partial one is gone."""
        return TilePath(self.level, self.index)

    def within(self, size: int) -> bool:
        """Whether a log of this size has so many items there."""
        return self.index * WIDTH + self.width <= size >> LEVEL_BITS * (self.level or 0)


def grown(size: int, since: int = 0) -> Iterator[TilePath]:
    """Every tile of hashes in a tree of this size, lowest level first; only those that differ from size `since`."""
    level = 0
    while size:
        for index in range(since // WIDTH, -(-size // WIDTH)):
            path = TilePath(level, index, min(WIDTH, size - index * WIDTH))
            if not path.within(since << LEVEL_BITS * level):
                yield path
        level, size, since = level + 1, size // WIDTH, since // WIDTH


def tiles_of(leaf_hashes: Sequence[bytes], since: int = 0) -> Iterator[tuple[TilePath, bytes]]:
    """Every tile of the tree with these leaves, lowest level first; only those that differ from size `since` on."""
    level, hashes, old = 0, leaf_hashes, since
    while hashes:
        for path, part in _cut(level, hashes, old):
            yield path, b"".join(part)
        hashes = [root_of(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        level, old = level + 1, old // WIDTH


def bundles_of(entries: Sequence[bytes], since: int = 0) -> Iterator[tuple[TilePath, bytes]]:
    """Every entry bundle of these entries; only those that differ from size `since` on."""
    for path, part in _cut(None, entries, since):
        yield path, bundle(part)


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each after its length as u16. Raises ValueError for one beyond 65,535 bytes."""
    pieces = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise ValueError(f"an entry of {len(entry)} bytes")
        pieces += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(pieces)


def parse_tile(data: bytes, width: int = WIDTH) -> list[bytes]:
    """The `width` hashes of a tile. Raises BadTile. Whether they are the log's shows only against a checkpoint."""
    if not 1 <= width <= WIDTH or len(data) != width * HASH_BYTES:
        raise BadTile(reason="not the hashes its path promises")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def parse_bundle(data: bytes, width: int = WIDTH) -> list[bytes]:
    """The `width` entries of a bundle. Raises BadTile."""
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < width:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if not 1 <= width <= WIDTH or len(entries) != width or at != len(data):
        raise BadTile(reason="not the entries its path promises")
    return entries


def _cut(level: int | None, items: Sequence[bytes], since: int) -> Iterator[tuple[TilePath, Sequence[bytes]]]:
    for index in range(since // WIDTH, -(-len(items) // WIDTH)):
        part = items[index * WIDTH : (index + 1) * WIDTH]
        if index * WIDTH + len(part) > since:
            yield TilePath(level, index, len(part)), part


def _grouped(index: int) -> str:
    """An index in groups of three digits, `x` before all but the last: 1234067 is x001/x234/067."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))

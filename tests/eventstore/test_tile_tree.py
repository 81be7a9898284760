"""A tree out of tiles that nobody vouches for: what comes of it is what the leaves make, or nothing."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore import merkle
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import BadTile, TilePath, grown, tiles_of

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]
LARGE = dict(tiles_of(LEAVES))


class Source:
    """Tiles of the first leaves, as anybody may serve them; it counts what was asked for."""

    def __init__(self, size: int) -> None:
        self.tiles = LARGE if size == len(LEAVES) else dict(tiles_of(LEAVES[:size]))
        self.asked: list[TilePath] = []

    def __call__(self, path: TilePath) -> bytes:
        self.asked.append(path)
        return self.tiles[path]


def tree_of(size: int, source: Callable[[TilePath], bytes] | None = None) -> TileTree:
    return TileTree(size, root_of(LEAVES[:size]), source or Source(size))


@given(st.integers(1, 1500) | st.sampled_from([255, 256, 257, 512]), st.data())
def test_roots_and_proofs_are_those_of_the_leaves(size: int, data: st.DataObject) -> None:
    tree, part = tree_of(size), data.draw(st.integers(1, size))
    old, index = data.draw(st.integers(1, part)), data.draw(st.integers(0, part - 1))
    assert tree.root(part) == root_of(LEAVES[:part])
    assert tree.leaf(index) == LEAVES[index]
    assert tree.inclusion(index, part) == merkle.inclusion_proof(index, LEAVES[:part])
    assert tree.consistency(old, part) == merkle.consistency_proof(old, LEAVES[:part])


@pytest.mark.parametrize("size", [65_536, 65_537, 69_999, 70_000])
def test_three_levels_of_tiles_make_one_tree(size: int) -> None:
    tree = tree_of(size)
    for part in (1, 255, 65_535, 65_536, size - 1, size):
        assert tree.root(part) == root_of(LEAVES[:part])
        proof = tree.inclusion(part - 1, size)
        assert merkle.verify_inclusion(part - 1, size, LEAVES[part - 1], proof, tree.root(size))
        proof = tree.consistency(part, size)
        assert merkle.verify_consistency(part, size, proof, tree.root(part), tree.root(size))


def test_a_proof_needs_a_tile_a_level_and_the_right_edge() -> None:
    source = Source(70_000)
    tree = tree_of(70_000, source)
    assert len(source.asked) == 3, "the right edge alone"
    tree.inclusion(12_345, 70_000)
    assert len(source.asked) <= 6
    before = len(source.asked)
    tree.inclusion(12_346, 70_000)
    assert len(source.asked) == before, "what was read is kept for a while"


def test_an_empty_tree_has_the_empty_root_and_proves_nothing() -> None:
    tree = tree_of(0)
    assert tree.root(0) == merkle.EMPTY_ROOT
    for ask in (lambda: tree.inclusion(0, 0), lambda: tree.consistency(0, 0), lambda: tree.consistency(1, 1)):
        with pytest.raises(ValueError):
            ask()
    with pytest.raises(BadTile):
        TileTree(0, bytes(32), Source(0))


def test_beyond_the_tree_nothing_is_proved() -> None:
    tree = tree_of(300)
    for ask in (lambda: tree.inclusion(300, 300), lambda: tree.inclusion(5, 301), lambda: tree.consistency(5, 301)):
        with pytest.raises(ValueError):
            ask()
    for path in (TilePath(0, 1, 45), TilePath(1, 0, 2), TilePath(2, 0, 1), TilePath(None, 0, 1)):
        with pytest.raises(BadTile, match="not so many"):
            tree.tile(path)


def test_a_tile_is_given_out_in_any_width_it_had() -> None:
    source = Source(70_000)
    tree = tree_of(70_000, source)
    for size in (3, 300, 66_000, 70_000):
        for path, data in tiles_of(LEAVES[:size]):
            if path.index % 40 == 0 or path.width < 256:
                assert tree.tile(path) == data


@given(st.integers(1, 800), st.data())
def test_no_changed_byte_of_any_tile_comes_through(size: int, data: st.DataObject) -> None:
    source = Source(size)
    path = data.draw(st.sampled_from(sorted(source.tiles, key=str)))
    raw = bytearray(source.tiles[path])
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    source.tiles[path] = bytes(raw)
    with pytest.raises(BadTile):
        tree_of(size, source).tile(path)


def test_of_a_wrong_tile_not_even_the_right_hashes_are_used() -> None:
    """A whole tile in the middle: the root is right, only who needs that tile is refused."""
    source = Source(70_000)
    changed = bytearray(source.tiles[TilePath(0, 7)])
    changed[0] ^= 1
    source.tiles = source.tiles | {TilePath(0, 7): bytes(changed)}
    tree = tree_of(70_000, source)
    assert tree.leaf(8 * 256) == LEAVES[8 * 256]
    with pytest.raises(BadTile, match="tile above it"):
        tree.leaf(7 * 256 + 200)


@given(st.integers(1, 700), st.binary(max_size=100) | st.just(b"\0" * 8192))
def test_noise_instead_of_tiles_is_untrusted(size: int, noise: bytes) -> None:
    with pytest.raises(Untrusted):
        tree_of(size, lambda _: noise).leaf(0)


@given(st.integers(0, 1200), st.integers(0, 1200))
@example(0, 65_536)
@example(65_535, 70_000)
@example(65_536, 70_000)
def test_what_grew_is_what_differs_between_two_sizes(one: int, other: int) -> None:
    old, new = sorted((one, other))
    assert list(grown(new, old)) == [path for path, _ in tiles_of(LEAVES[:new], old)]
    assert all(path.within(new) and not path.within(old) for path in grown(new, old))

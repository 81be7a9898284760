"""Tiles: the paths and examples of the specification, and a tree that comes back out of its tiles."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.tiles import (
    BadTile,
    TilePath,
    bundle,
    bundles_of,
    parse_bundle,
    parse_tile,
    tiles_of,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


def shape(size: int, since: int = 0) -> list[tuple[int | None, int, int]]:
    return [(path.level, path.index, path.width) for path, _ in tiles_of(LEAVES[:size], since)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (TilePath(0, 0), "tile/0/000"),
        (TilePath(0, 999, 1), "tile/0/999.p/1"),
        (TilePath(1, 1000), "tile/1/x001/000"),
        (TilePath(None, 1_234_067), "tile/entries/x001/x234/067"),
        (TilePath(63, 1_234_067, 255), "tile/63/x001/x234/067.p/255"),
        (TilePath(None, 2**53, 7), "tile/entries/x009/x007/x199/x254/x740/992.p/7"),
    ],
)
def test_a_path_is_written_as_the_specification_writes_it(path: TilePath, text: str) -> None:
    assert str(path) == text
    assert TilePath.parse(text) == path


@given(st.none() | st.integers(0, 63), st.integers(0, 2**53), st.integers(1, 256))
def test_a_path_survives_its_text(level: int | None, index: int, width: int) -> None:
    path = TilePath(level, index, width)
    assert TilePath.parse(str(path)) == path
    assert path.full() == TilePath(level, index, 256)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/000\n",
        "tile/0/００0",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/" + "x001/" * 5000 + "000",
        "tile/Entries/000",
        "tile/data/000",
        "checkpoint",
    ],
)
def test_any_other_spelling_is_no_path(text: str) -> None:
    with pytest.raises(BadTile):
        TilePath.parse(text)


@given(st.text(max_size=40) | st.from_regex(r"tile/[0-9a-z]{1,7}/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]+)?"))
def test_any_text_is_a_path_or_untrusted(text: str) -> None:
    try:
        path = TilePath.parse(text)
    except Untrusted:
        return
    assert str(path) == text


@pytest.mark.parametrize(("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_a_path_cannot_be_made_wrong(level: int, index: int, width: int) -> None:
    with pytest.raises(BadTile):
        TilePath(level, index, width)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("checkpoint", "its path is none of a tile"),
        ("tile/64/000", "no such level"),
        ("tile/0/000.p/999", "no such width"),
        ("tile/0/x009/x007/x199/x254/x740/993", "its index is beyond any log"),
        ("tile/0/000.p/256", "its path is spelled in another way"),
    ],
)
def test_a_path_that_is_refused_is_told_why(path: str, why: str) -> None:
    with pytest.raises(BadTile) as bad:
        TilePath.parse(path)
    assert bad.value.facts["reason"] == why


def test_seventy_thousand_leaves_make_the_tiles_of_the_specifications_example() -> None:
    expected = [(0, index, 256) for index in range(273)] + [(0, 273, 112), (1, 0, 256), (1, 1, 17), (2, 0, 1)]
    assert shape(70_000) == expected


def test_a_full_tile_alone_has_one_hash_above_it() -> None:
    assert shape(256) == [(0, 0, 256), (1, 0, 1)]
    assert shape(255) == [(0, 0, 255)]
    assert shape(1) == [(0, 0, 1)]
    assert shape(0) == []


@given(st.integers(0, 1500))
@example(256)
@example(512)
@example(1)
@example(0)
def test_the_tree_comes_back_out_of_its_tiles(size: int) -> None:
    hashes: list[bytes] = []
    above: list[bytes] = []
    for path, data in tiles_of(LEAVES[:size]):
        part = parse_tile(data, path.width)
        if path.level == 0:
            assert path.index * 256 == len(hashes)
            hashes += part
        else:
            above += part
    assert hashes == LEAVES[:size]
    assert above == [root_of(hashes[at : at + 256]) for at in range(0, size - 255, 256)]
    assert root_of(hashes) == root_of(LEAVES[:size])


def test_the_second_level_commits_to_the_tiles_below() -> None:
    tiles = {str(path): data for path, data in tiles_of(LEAVES[:65_536])}
    assert parse_tile(tiles["tile/2/000.p/1"], 1) == [root_of(LEAVES[:65_536])]


@given(st.integers(0, 1200), st.integers(0, 1200))
@example(255, 256)
@example(256, 256)
@example(256, 257)
def test_publishing_what_changed_leaves_what_publishing_all_would(one: int, other: int) -> None:
    old, new = sorted((one, other))
    entries = [b"%d" % number for number in range(new)]
    for make, items in ((tiles_of, LEAVES[:new]), (bundles_of, entries)):
        everything = dict(make(items))
        before = set(make(items[:old]))
        changed = dict(make(items, old))
        assert set(changed.items()) <= set(everything.items())
        assert set(everything.items()) - set(changed.items()) <= before
        assert not set(changed.items()) & before


def test_a_bundle_is_each_entry_after_its_length() -> None:
    assert bundle([b"", b"a", b"xyz"]) == b"\0\0\0\1a\0\3xyz"
    assert len(bundle([bytes(65_535)])) == 65_537
    with pytest.raises(ValueError, match="65536"):
        bundle([bytes(65_536)])


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=300))
@example([b"a"] * 256)
def test_entries_come_back_out_of_their_bundles(entries: list[bytes]) -> None:
    found: list[bytes] = []
    for path, data in bundles_of(entries):
        assert path.level is None
        found += parse_bundle(data, path.width)
    assert found == entries


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20), st.data())
def test_a_bundle_of_another_length_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    whole = bundle(entries)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"\0", whole + b"\0\0"):
        with pytest.raises(BadTile):
            parse_bundle(wrong, len(entries))


@given(st.binary(max_size=600), st.integers(-1, 300))
@example(b"", 0)
@example(b"\0" * 514, 257)
@example(bytes(257 * 32), 257)
@example(b"\0", 1)
@example(b"\xff\xff", 1)
def test_noise_is_untrusted_and_nothing_else(data: bytes, width: int) -> None:
    for parse, back in ((parse_tile, b"".join), (parse_bundle, bundle)):
        try:
            items = parse(data, width)
        except Untrusted:
            continue
        assert len(items) == width <= 256
        assert back(items) == data


def test_a_tile_or_bundle_that_is_not_what_its_path_promises_is_called_that() -> None:
    with pytest.raises(BadTile) as bad:
        parse_tile(bytes(31), 1)
    assert bad.value.facts["reason"] == "not the hashes its path promises"
    with pytest.raises(BadTile) as bad:
        parse_bundle(b"\0", 1)
    assert bad.value.facts["reason"] == "not the entries its path promises"

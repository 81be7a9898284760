import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.adapters.hangar_files import read_hangar
from scmanager.application.hangar_diff import Change, HangarDiff, KnownShip, diff
from scmanager.application.hangar_ships import HangarFile, ImportedShip

FIXTURES = Path(__file__).parent.parent / "fixtures" / "hangars"
FILES = sorted(path.name for path in FIXTURES.iterdir())
WORDS = ("name", "nickname", "serial", "pledge_id", "pledge_name", "pledge_date", "insurance_months", "lti")


def fixture(name: str) -> HangarFile:
    return read_hangar((FIXTURES / name).read_bytes())


def hangar(*ships: ImportedShip, wishes: tuple[ImportedShip, ...] = ()) -> HangarFile:
    return HangarFile("hangarxplor", ships, wishes=wishes)


def arrow(**words: Any) -> ImportedShip:
    return ImportedShip("ANVL_Arrow", "Arrow", **words)


def kept(ships: tuple[ImportedShip, ...]) -> list[KnownShip]:
    """The hangar as it stands after these rows were imported."""
    return [
        KnownShip(bytes([0, 0, i // 256, i % 256]), ship.key, **{word: getattr(ship, word) for word in WORDS})
        for i, ship in enumerate(ships)
    ]


def erased(known: list[KnownShip]) -> list[KnownShip]:
    return [KnownShip(ship.ship, ship.key, erased=True) for ship in known]


def sizes(found: HangarDiff) -> tuple[int, int, int, int]:
    return len(found.added), len(found.unchanged), len(found.changed), len(found.missing)


@pytest.mark.parametrize("name", FILES)
def test_the_same_file_again_changes_nothing(name: str) -> None:
    file = fixture(name)
    assert sizes(diff(kept(file.ships), file)) == (0, 7, 0, 0)


@pytest.mark.parametrize("first", FILES)
@pytest.mark.parametrize("second", FILES)
def test_another_tool_s_export_of_the_same_hangar_adds_and_misses_nothing(first: str, second: str) -> None:
    found = diff(kept(fixture(first).ships), fixture(second))
    assert (found.added, found.missing) == ((), ())


@pytest.mark.parametrize("name", FILES)
def test_after_an_erasure_every_hull_is_known_by_its_model_and_no_word_comes_back(name: str) -> None:
    file = fixture(name)
    found = diff(erased(kept(file.ships)), file)
    assert sizes(found) == (0, 7, 0, 0)


def test_a_tool_that_says_less_takes_nothing_away() -> None:
    known = kept(fixture("hangarxplor.json").ships)
    assert diff(known, fixture("starship42.json")).changed == ()


def test_a_newer_export_shows_what_was_bought_sold_and_renamed() -> None:
    known = kept((arrow(pledge_id="1"), arrow(pledge_id="2"), arrow(pledge_id="3")))
    file = hangar(arrow(pledge_id="3"), arrow(pledge_id="1", nickname="Dart"), ImportedShip("RSI_Polaris", "Polaris"))
    found = diff(known, file)
    assert [ship.key for ship in found.added] == ["RSI_Polaris"]
    assert [pair.known for pair in found.unchanged] == [known[2]]
    assert [(pair.known, pair.changes, pair.by) for pair in found.changed] == [
        (known[0], (Change("nickname", None, "Dart"),), "pledge")
    ]
    assert [gone.known for gone in found.missing] == [known[1]]


def test_equal_hulls_stay_as_many_as_they_are() -> None:
    three = (arrow(pledge_id="1"),) * 3
    assert sizes(diff(kept(three), hangar(*three))) == (0, 3, 0, 0)
    assert sizes(diff(kept(three), hangar(*three[:2]))) == (0, 2, 0, 1)
    assert sizes(diff(kept(three), hangar(*three, *three))) == (3, 3, 0, 0)


def test_a_pledge_says_more_than_a_serial_and_a_serial_more_than_a_nickname() -> None:
    known = kept((arrow(pledge_id="1", serial="A", nickname="x"),))
    rows = arrow(pledge_id="1", serial="B"), arrow(pledge_id="2", serial="A"), arrow(pledge_id="3", nickname="x")
    for most, by in ((0, "pledge"), (1, "serial"), (2, "nickname")):
        (pair,) = diff(known, hangar(*rows[most:])).changed
        assert (pair.imported, pair.by) == (rows[most], by)


def test_a_pledge_of_several_equal_hulls_is_told_apart_by_serial_or_nickname() -> None:
    known = kept((arrow(pledge_id="1", nickname="x"), arrow(pledge_id="1", serial="A")))
    rows = arrow(pledge_id="1", serial="A", lti=True), arrow(pledge_id="1", nickname="x", lti=True)
    paired = {pair.known.ship: pair.imported for pair in diff(known, hangar(*rows)).changed}
    assert paired == {known[0].ship: rows[1], known[1].ship: rows[0]}


def test_a_pledge_of_several_equal_hulls_is_told_apart_by_the_serial_alone() -> None:
    known = kept((arrow(pledge_id="1", serial="B"), arrow(pledge_id="1", serial="A")))
    rows = arrow(pledge_id="1", serial="A", lti=True), arrow(pledge_id="1", serial="B", lti=True)
    paired = {pair.known.ship: pair.imported for pair in diff(known, hangar(*rows)).changed}
    assert paired == {known[0].ship: rows[1], known[1].ship: rows[0]}


def test_hulls_known_by_model_alone_do_not_contradict_each_other_s_pledge_without_need() -> None:
    known = kept((arrow(), arrow(pledge_id="1")))
    found = diff(known, hangar(arrow(pledge_id="2"), arrow(nickname="x")))
    paired = {pair.known.ship: pair.imported for pair in found.changed}
    assert paired == {known[0].ship: arrow(pledge_id="2"), known[1].ship: arrow(nickname="x")}


def test_a_pledge_that_changed_is_shown_and_is_the_same_hull() -> None:
    (pair,) = diff(kept((arrow(pledge_id="1"),)), hangar(arrow(pledge_id="2"))).changed
    assert (pair.by, pair.changes) == ("model", (Change("pledge_id", "1", "2"),))


def test_another_model_is_never_the_same_hull() -> None:
    known = kept((arrow(pledge_id="1", serial="A", nickname="x"),))
    upgraded = ImportedShip("ANVL_Hawk", "Hawk", pledge_id="1", serial="A", nickname="x")
    assert sizes(diff(known, hangar(upgraded))) == (1, 0, 0, 1)


def test_what_is_missing_but_wished_for_says_so_and_is_still_only_missing() -> None:
    polaris = ImportedShip("RSI_Polaris", "Polaris")
    found = diff(kept((polaris, arrow())), hangar(wishes=(polaris,)))
    assert [(gone.known.key, gone.wished) for gone in found.missing] == [("RSI_Polaris", True), ("ANVL_Arrow", False)]


def test_a_model_that_is_recognised_only_now_is_the_same_hull() -> None:
    known = kept((ImportedShip(None, "MOLE Teach's Special", pledge_id="1"),))
    (pair,) = diff(known, hangar(ImportedShip("ARGO_Teach", "mole teachs special", pledge_id="1"))).changed
    assert pair.changes == (Change("key", None, "ARGO_Teach"),)


def test_a_person_s_answer_stands_against_the_catalogue_s() -> None:
    known = [replace(ship, key="DRAK_Cutlass_Red") for ship in kept((ImportedShip(None, "Cutlass"),) * 2)]
    for key in (None, "DRAK_Cutlass_Black"):
        assert sizes(diff(known, hangar(*(ImportedShip(key, "Cutlass"),) * 2))) == (0, 2, 0, 0)


def test_the_wording_of_an_answer_does_not_take_another_ship_s_place() -> None:
    known = [KnownShip(b"1", "DRAK_Cutlass_Red", "Cutlass", pledge_id="1")]
    rows = (
        ImportedShip(None, "Cutlass", pledge_id="1"),
        ImportedShip("DRAK_Cutlass_Red", "Cutlass Red", pledge_id="2"),
    )
    found = diff(known, hangar(*rows))
    assert [pair.imported for pair in found.unchanged] == [rows[0]]
    assert found.added == (rows[1],)


def test_an_erased_hull_that_nobody_recognised_takes_the_place_of_one_that_nobody_recognises() -> None:
    known = [KnownShip(b"1", None, erased=True)]
    found = diff(known, hangar(arrow(), ImportedShip(None, "Teach"), ImportedShip(None, "Other")))
    assert sizes(found) == (2, 1, 0, 0)
    assert found.unchanged[0].imported.key is None


def test_a_ship_moves_to_another_row_that_fits_if_that_leaves_room_for_one_more() -> None:
    known = [KnownShip(b"1", None, "Arrow"), KnownShip(b"2", "ANVL_Arrow", "Arrow", pledge_id="1")]
    rows = ImportedShip("ANVL_Arrow", "Anvil Arrow MkI"), ImportedShip(None, "Arrow", pledge_id="1")
    found = diff(known, hangar(*rows))
    pairs = (*found.unchanged, *found.changed)
    assert {pair.known.ship: pair.imported for pair in pairs} == {b"1": rows[1], b"2": rows[0]}
    assert (found.added, found.missing) == ((), ())


def test_a_long_chain_of_moves_is_found() -> None:
    known = [KnownShip(bytes([i]), f"K{i}", f"n{i}", pledge_id=f"{i}") for i in range(9)]
    rows = [ImportedShip(f"K{i + 1}", f"n{i}", pledge_id=f"{i}") for i in range(9)]
    assert sizes(diff(known, hangar(*rows))) == (0, 9, 0, 0)
    found = diff([*known, KnownShip(b"z", "K9", "y")], hangar(*rows, ImportedShip("K0", "z")))
    assert (found.added, found.missing) == ((), ())
    assert {pair.by for pair in (*found.unchanged, *found.changed)} == {"model"}


SHIPS = st.builds(
    ImportedShip,
    st.sampled_from([None, "ANVL_Arrow", "RSI_Polaris"]),
    st.sampled_from(["Arrow", "arrow ", "Polaris", "★", "☆"]),
    st.sampled_from([None, "x", "y"]),
    st.sampled_from([None, "S1"]),
    st.sampled_from([None, "1", "2"]),
    insurance_months=st.sampled_from([None, 6]),
    lti=st.sampled_from([None, True]),
)
HANGARS = st.lists(SHIPS, max_size=9).map(tuple)


@given(HANGARS)
@settings(deadline=None)
def test_any_hangar_compared_with_itself_is_unchanged(ships: tuple[ImportedShip, ...]) -> None:
    assert sizes(diff(kept(ships), hangar(*ships))) == (0, len(ships), 0, 0)


@given(HANGARS, HANGARS)
@settings(deadline=None, max_examples=300)
@pytest.mark.slow
def test_every_known_ship_and_every_row_is_accounted_for_once(
    before: tuple[ImportedShip, ...], after: tuple[ImportedShip, ...]
) -> None:
    known = kept(before)
    found = diff(known, hangar(*after))
    pairs = (*found.unchanged, *found.changed)
    assert sorted([p.known.ship for p in pairs] + [m.known.ship for m in found.missing]) == [s.ship for s in known]
    assert Counter([*(pair.imported for pair in pairs), *found.added]) == Counter(after)
    for model in {ship.key for ship in before} - {None}:
        had, has = (sum(ship.key == model for ship in ships) for ships in (before, after))
        gained = sum(ship.key == model for ship in found.added)
        lost = sum(gone.known.key == model for gone in found.missing)
        assert gained <= has
        assert not (gained and lost), (had, has)  # A hull is never both new and missing.


@given(HANGARS, HANGARS, st.randoms())
@settings(deadline=None)
def test_the_order_of_rows_does_not_matter(
    before: tuple[ImportedShip, ...], after: tuple[ImportedShip, ...], chance: random.Random
) -> None:
    known, rows = kept(before), list(after)
    found = diff(known, hangar(*rows))
    chance.shuffle(known)
    chance.shuffle(rows)
    assert diff(known, hangar(*rows)) == found


def test_rows_that_differ_by_how_the_model_is_told_have_an_order_too() -> None:
    rows = [ImportedShip(None, "Polaris", "x"), ImportedShip("RSI_Polaris", "Polaris", "x")]
    assert diff([], hangar(*rows)) == diff([], hangar(*reversed(rows)))


@given(HANGARS, HANGARS)
@settings(deadline=None)
def test_after_an_erasure_the_count_of_each_model_decides(
    before: tuple[ImportedShip, ...], after: tuple[ImportedShip, ...]
) -> None:
    known = erased(kept(before))
    found = diff(known, hangar(*after))
    had, has = (Counter(ship.key for ship in ships) for ships in (before, after))
    assert Counter(ship.key for ship in found.added) == has - had
    assert Counter(gone.known.key for gone in found.missing) == had - has
    assert not any(pair.changes for pair in found.changed)


@given(HANGARS, HANGARS)
@settings(deadline=None)
def test_an_import_that_was_confirmed_whole_leaves_nothing_to_do(
    before: tuple[ImportedShip, ...], after: tuple[ImportedShip, ...]
) -> None:
    first = diff(kept(before), hangar(*after))
    now = [
        *(replace(p.known, **{c.field: c.after for c in p.changes}) for p in (*first.unchanged, *first.changed)),
        *(replace(ship, ship=b"new" + ship.ship) for ship in kept(first.added)),
    ]
    again = diff(now, hangar(*after))
    assert (again.added, again.missing) == ((), ())


def test_a_large_hangar_is_compared_at_once() -> None:
    many = tuple(arrow(pledge_id=str(i % 7), nickname=str(i % 11)) for i in range(5000))
    assert sizes(diff(kept(many), hangar(*many))) == (0, 5000, 0, 0)

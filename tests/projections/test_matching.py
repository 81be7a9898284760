"""Matching keys and grams: what is the same to somebody who searches, in any script, and nothing is missed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.projections.matching import (
    NothingToSearch,
    grams,
    grams_of_search,
    key_of_search,
    match,
    matching_key,
    matching_keys,
)


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Ådá  Øresund", "ada oresund"),
        ("DRAK_Cutlass-Black", "cutlass black"),
        ("Zap\u200bhod\u202e", "ZAPHOD"),
        ("\u2067ש\u05c1ל\u05b8ו\u05b9ם\u2069", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("Straße", "STRASSE"),
        ("Ёжик", "ежик"),
        ("ＮＯＶＡ", "nova"),
        ("空の海賊", "海"),
        ("한국", "국"),
        ("Iİı", "iii"),
        ("\U0001f680 Crew", "\U0001f680"),
        ("---", "---"),
        ("Tom\tof\x07 Lyria", "tom of lyria"),
    ],
)
def test_what_people_type_finds_what_was_written(written: str, typed: str) -> None:
    assert match(key_of_search(typed), matching_keys([written])) is not None


@pytest.mark.parametrize(("written", "typed"), [("がき", "かき"), ("कि", "क"), ("Ada", "Adam"), ("", "a")])
def test_another_word_is_not_found(written: str, typed: str) -> None:
    assert match(key_of_search(typed), matching_keys([written])) in (None, 1)
    assert written == "कि" or match(key_of_search(typed), matching_keys([written])) is None


def test_the_better_match_has_the_lower_place() -> None:
    names = matching_keys(["Ada Vesper", "Vela"])
    asked = ("vela", "ada", "vesper", "esp", "vex", "a", "e")
    assert [match(key_of_search(each), names) for each in asked] == [0, 1, 2, 3, None, 1, None]


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u202e", "\ufe0f\u3164"])
def test_what_nobody_sees_cannot_be_searched_for(text: str) -> None:
    with pytest.raises(NothingToSearch):
        key_of_search(text)


@given(name=st.text(max_size=40))
def test_a_key_is_one_line_and_the_key_of_itself(name: str) -> None:
    key = matching_key(name)
    assert "\n" not in key
    assert key == " ".join(key.split())
    assert matching_key(key) == key


@given(names=st.lists(st.text(max_size=20), max_size=3), typed=st.text(min_size=1, max_size=6))
def test_whatever_matches_has_the_grams_of_the_search(names: list[str], typed: str) -> None:
    key, keys = matching_key(typed), matching_keys(names)
    if key and match(key, keys) is not None:
        assert set(grams_of_search(key)) <= set(grams(keys))


@given(name=st.text(min_size=3, max_size=30), data=st.data())
def test_every_part_of_a_key_finds_it(name: str, data: st.DataObject) -> None:
    key = matching_key(name)
    if len(key) > 2:
        first = data.draw(st.integers(0, len(key) - 2))
        part = key[first : first + data.draw(st.integers(2, len(key)))].strip()
        if len(part) > 1:
            assert match(part, matching_keys([name])) is not None
            assert set(grams_of_search(part)) <= set(grams(matching_keys([name])))


@given(name=st.text(alphabet=st.characters(max_codepoint=127), max_size=30))
def test_the_short_way_for_ascii_leads_where_the_long_one_does(name: str) -> None:
    assert matching_key(name + "\u200b") == matching_key(name)

"""Matching keys and grams: what is the same to somebody who searches, in any script, and nothing is missed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.projections.matching import (
    TEXT_INDEXED,
    NothingToSearch,
    excerpt,
    grams,
    grams_of_search,
    key_of_search,
    match,
    matching_key,
    matching_keys,
    text_key,
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


@given(text=st.text(max_size=300) | st.text(alphabet="ab か゛ﾞ\u3099\u200b각ᄀ\u1161\u11a8-。\n", max_size=300))
def test_a_texts_key_is_the_key_of_the_whole_wherever_it_was_cut(text: str) -> None:
    found = text_key(text)
    assert found.key in {f" {matching_key(text)} ", ""}
    assert found.key or not any(each.isalnum() for each in matching_key(text))
    assert list(found.starts) == sorted(set(found.starts))
    assert list(found.cuts) == sorted(set(found.cuts))
    assert len(found.cuts) == len(found.starts) + bool(found.starts)


@given(text=st.text(max_size=300), data=st.data())
def test_an_excerpt_holds_what_was_searched_for(text: str, data: st.DataObject) -> None:
    found = text_key(text)
    if len(words := found.key.strip()) > 1:
        first = data.draw(st.integers(0, len(words) - 2))
        key = words[first : first + data.draw(st.integers(2, 60))].strip()
        if len(key) > 1:
            told = excerpt(text, found, key)
            assert told is not None
            assert key in matching_key(told)
            assert set(grams_of_search(key)) <= set(grams(found.key))


def test_an_excerpt_is_the_text_around_a_match_as_it_is_written() -> None:
    text = "Béta squad\n\nmeets  at Évérus Harbor.\n---\n" + "Fly low over the ruins. " * 20 + "海賊は東へ。"
    found = text_key(text)
    assert (
        excerpt(text, found, "at everus")
        == "Béta squad meets at Évérus Harbor. --- Fly low over the ruins. Fly low over"
    )
    assert (excerpt(text, found, "東") or "").endswith("海賊は東へ。")
    assert excerpt(text, found, "nowhere") is None
    assert excerpt(text, found, "b") == excerpt(text, found, "beta squad")
    assert excerpt(text, found, "q") is None, "a single letter counts where a word begins"


def test_of_a_long_text_the_beginning_is_searched() -> None:
    text = "a" * (TEXT_INDEXED - 4) + " end" + " beyond"
    found = text_key(text)
    assert excerpt(text, found, "end") is not None
    assert excerpt(text, found, "beyond") is None


@pytest.mark.parametrize("sign", ["か\u3099", "ｶﾞ", "\u1100\u1161\u11a8", "か\u200b\u3099"])
@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_no_cut_parts_what_is_one_sign(before: str, sign: str) -> None:
    text = before + sign * 60
    assert text_key(text).key == f" {matching_key(text)} "

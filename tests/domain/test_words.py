"""Which words may stand where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.words import (
    PROSE_LENGTH_MAX,
    TitleUnusable,
    WordsUnusable,
    check_name,
    check_title,
    check_words,
    flaw_of_title,
)


@pytest.mark.parametrize(
    "title",
    [
        "V",
        "Größe & Söhne",
        "第一艦隊",
        "Jumptown (weekly)",
        "⚔️ Owls",
        "👨\u200d👩\u200d👧 Crew",
        "🏴\u200d☠️",
        "a" * 120,
    ],
)
def test_readable_titles_are_taken(title: str) -> None:
    assert check_title(title) == title


@pytest.mark.parametrize(
    ("title", "why"),
    [
        ("", "it is empty"),
        ("a" * 121, "it has 121 characters, 120 are allowed"),
        (" Owls", "it begins or ends with a blank"),
        ("Owls\u3000", "it begins or ends with a blank"),
        ("Ow\tls", "character 3 is the invisible U+0009"),
        ("Owls\x00", "character 5 is the invisible U+0000"),
        ("\u202eslwO", "character 1 is the invisible U+202E"),
        ("Ow\u200dls", "character 3 is the invisible U+200D"),
        ("Owls\u200d👧", "character 5 is the invisible U+200D"),
        ("👧\u200dOwls", "character 2 is the invisible U+200D"),
        ("👧\u200c👧", "character 2 is the invisible U+200C"),
        ("Ow\ufeffls", "character 3 is the invisible U+FEFF"),
        ("Ow\udc80ls", "character 3 is the invisible U+DC80"),
        ("Ow\u2066ls", "character 3 is the invisible U+2066"),
        ("Ow\u00adls", "character 3 is the invisible U+00AD"),
        ("Ow\U000e0041ls", "character 3 is the invisible U+E0041"),
    ],
)
def test_what_cannot_be_read_is_refused_and_named(title: str, why: str) -> None:
    with pytest.raises(TitleUnusable) as refused:
        check_title(title)
    assert refused.value.facts["why"] == why


@given(st.text(st.characters(exclude_categories=()), max_size=130))
def test_looking_for_a_flaw_never_fails_and_what_passes_can_be_encoded(title: str) -> None:
    if not flaw_of_title(title):
        title.encode()


def test_prose_has_lines_and_any_script_but_an_end() -> None:
    assert check_words("Line\n\u202bline\n") == "Line\n\u202bline\n"
    assert check_words("x" * PROSE_LENGTH_MAX)
    assert check_words("XX") == "XX"
    assert check_words("", may_be_empty=True) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("x" * (PROSE_LENGTH_MAX + 1), "it has 20001 characters, 20000 are allowed"),
        ("a\0", "character 2 is U+0000, which no text may have"),
        ("a\ud800", "character 2 is U+D800, which no text may have"),
    ],
)
def test_prose_that_cannot_be_kept_is_refused(text: str, why: str) -> None:
    with pytest.raises(WordsUnusable) as refused:
        check_words(text)
    assert refused.value.facts["why"] == why


@pytest.mark.parametrize(
    ("name", "place", "code"),
    [
        ("two\nlines", 4, "000A"),
        ("\x1b[2J", 1, "001B"),
        ("\u202eevil", 1, "202E"),
        ("a\u2066b", 2, "2066"),
        ("a\u2028b", 2, "2028"),
    ],
)
def test_a_name_steers_no_terminal_and_no_line(name: str, place: int, code: str) -> None:
    with pytest.raises(WordsUnusable) as refused:
        check_name(name)
    assert refused.value.facts["why"] == f"character {place} is U+{code}, which no name may have"


@pytest.mark.parametrize("name", ["Aýla 星", "نوري الطيّار", "👨\u200d🚀 Tevarin", "Vesper"])
def test_a_name_may_be_of_any_script(name: str) -> None:
    assert check_name(name) == name

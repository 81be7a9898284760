"""Which words may stand where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.character import CharacterSheet
from scmanager.domain.member import Profile
from scmanager.domain.ship_events import Nickname
from scmanager.domain.words import (
    PROSE_LENGTH_MAX,
    TitleUnusable,
    WordsUnusable,
    check_name,
    check_title,
    check_words,
    flaw_of_title,
    named_in,
    seen_of,
    shown_name,
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
        "1️⃣ Owls",
        "❤️\u200d🔥",
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
        ("Owls\u2800", "character 5 is the invisible U+2800"),
        ("Owls\ufe0f", "character 5 is the invisible U+FE0F"),
        ("⚔️️ Owls", "character 3 is the invisible U+FE0F"),
        ("4\ufe0f Owls", "character 2 is the invisible U+FE0F"),
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


HONEST = (
    "Aýla 星",
    "نوري الطيّار",
    "می\u200cخواهم",
    "க்\u200cஷ",
    "👨\u200d🚀 Tevarin",
    "❤️\u200d🔥",
    "1️⃣",
    "©️",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "Vesper",
)


@pytest.mark.parametrize("name", HONEST)
def test_a_name_may_be_of_any_script(name: str) -> None:
    assert check_name(name) == shown_name(name) == seen_of(name) == name


@pytest.mark.parametrize(
    "unseen", [*"\u2800\u034f\ufe0f\ufe00\u00ad\u200b\u200c\u200d\u200e\u3164\ufeff\U000e0061\U000e0100"]
)
def test_no_name_looks_like_another_by_what_nobody_sees(unseen: str) -> None:
    for name in (f"Ada{unseen}", f"A{unseen}da", f"{unseen}Ada", f"Иван{unseen}ов"):
        with pytest.raises(WordsUnusable, match=f"U[+]{ord(unseen):04X}, which no name may have"):
            check_name(name)
        assert shown_name(name) == name.replace(unseen, "\ufffd")
        assert seen_of(name) == name.replace(unseen, "")


@pytest.mark.parametrize("blank", " \u00a0\u2003\u3000")
def test_no_name_looks_like_another_by_its_blanks(blank: str) -> None:
    for name, shown, seen in (
        (f"Ada{blank}", "Ada\ufffd", "Ada"), (f"{blank}Ada", "\ufffdAda", "Ada"),
        (f"Ada{blank} Byron", f"Ada{blank}\ufffdByron", f"Ada{blank}Byron"),
    ):  # fmt: skip
        with pytest.raises(WordsUnusable, match="blank"):
            check_name(name)
        assert (shown_name(name), seen_of(name)) == (shown, seen)
    assert check_name(f"山田{blank}太郎") == shown_name(f"山田{blank}太郎") == f"山田{blank}太郎"


@pytest.mark.parametrize("name", ["نوري\u200c", "क\u200d", "نوري\u200c ب"])
def test_no_joiner_is_the_last_of_a_word(name: str) -> None:
    with pytest.raises(WordsUnusable, match="which no name may have"):
        check_name(name)
    assert shown_name(name) == name.replace("\u200c", "\ufffd").replace("\u200d", "\ufffd")


def test_what_unicode_ignores_by_default_is_no_name_by_itself() -> None:
    """DerivedCoreProperties of Unicode 15, Default_Ignorable_Code_Point."""
    spans = (
        (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
        (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    )  # fmt: skip
    for first, last in spans:
        for code in range(first, last + 1):
            assert shown_name(f"a{chr(code)}b") == "a\ufffdb", hex(code)


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)
    | st.text("aن\u200c\u200d\ufe0f\u2800⚔1\u20e3🏴\U000e0061 \u3000", max_size=80)
)
def test_every_name_can_be_shown_and_the_shown_one_be_said(name: str) -> None:
    for told in (shown_name(name), seen_of(name)):
        assert check_name(told, may_be_empty=True) == told


@pytest.mark.parametrize("kind", [Profile, CharacterSheet, Nickname])
def test_what_is_a_name_in_words_is_known_by_its_type(kind: type) -> None:
    assert set(named_in(kind)) == {
        Profile: {"handle", "display_name"}, CharacterSheet: {"name", "occupation", "origin"}, Nickname: {"text"},
    }[kind]  # fmt: skip

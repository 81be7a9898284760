"""Versions: the order of semver.org, and nothing else is a version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.master_ledger.version import LENGTH_MAX, BadVersion, is_release, precedence

IN_ORDER = [
    "0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
    "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "8.0.0-alpha.0.0.1", "8.0.0",
]  # fmt: skip


def test_versions_are_in_the_order_of_the_specification() -> None:
    newest_first = IN_ORDER[::-1]
    assert sorted(newest_first, key=precedence) == IN_ORDER


@given(st.sampled_from(IN_ORDER), st.sampled_from(IN_ORDER))
def test_only_equal_texts_have_equal_precedence(one: str, other: str) -> None:
    assert (precedence(one) == precedence(other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.0", "01.0.0", "1.0.0-", "1.0.0-a..b", "1.0.0-01", "1.0.0+build", "v1.0.0", "1.0.0\n", "1.0.0-ä",
     "1.0.0-" + "a" * 80, "1234567890.0.0", "1.0.0-1234567890", "١.0.0"],
)  # fmt: skip
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(BadVersion):
        precedence(text)


def test_a_version_of_the_length_that_is_allowed_is_one_and_each_refusal_names_it() -> None:
    longest = "1.0.0-" + "a" * (LENGTH_MAX - 6)
    assert precedence(longest)
    for bad, named in (("1.0.0-01", "1.0.0-01"), ("v1", "v1"), (longest + "a", longest)):
        with pytest.raises(BadVersion) as error:
            precedence(bad)
        assert error.value.facts == {"version": named}


def test_a_release_is_what_says_nothing_behind_its_three_numbers() -> None:
    assert [is_release(each) for each in ("1.0.0", "1.0.0-rc.1", "0.0.0-0", "0.0.0")] == [True, False, False, True]


@given(st.text(max_size=80) | st.from_regex(r"[0-9.a-zA-Z+-]{0,30}", fullmatch=True))
def test_any_text_is_a_version_or_untrusted(text: str) -> None:
    try:
        assert is_release(text) == ("-" not in text)
    except BadVersion:
        return

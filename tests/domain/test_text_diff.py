"""What changed between two texts."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.text_diff import Act, Hunk, Splice, apply, hunks, splices
from tests.support.effort import examples

TEXTS = st.text(alphabet="ab\n \N{ROCKET}\r\u2028\u0301", max_size=40)


@given(old=TEXTS, new=TEXTS)
@settings(max_examples=examples(400))
def test_splices_make_the_new_text_of_the_old_one_and_do_not_overlap(old: str, new: str) -> None:
    found = splices(old, new)
    assert apply(old, found) == new
    place = 0
    for each in found:
        assert each.at >= place
        assert each.out or each.put
        place = each.at + each.out


@given(old=TEXTS, new=TEXTS)
@settings(max_examples=examples(400))
def test_hunks_hold_both_texts_whole(old: str, new: str) -> None:
    found = hunks(old, new)
    assert "".join(each.text for each in found if each.act is not Act.ADDED) == old
    assert "".join(each.text for each in found if each.act is not Act.REMOVED) == new


def test_only_the_words_that_differ_are_replaced() -> None:
    old, new = "Meet at Everus.\nFly.\nHome.\n", "Meet at Baijini.\nFly.\nHome, all.\n"
    assert splices(old, new) == (Splice(8, 6, "Baijini"), Splice(25, 0, ", all"))
    assert splices(old, old) == ()


def test_hunks_show_whole_lines() -> None:
    assert hunks("a\nb\n", "a\nc\n") == (
        Hunk(Act.KEPT, "a\n"), Hunk(Act.REMOVED, "b\n"), Hunk(Act.ADDED, "c\n"),
    )  # fmt: skip


def test_large_texts_take_no_long_time() -> None:
    started = time.monotonic()
    lines = "\n" * 500_000
    assert splices(lines, "\n" * 250_000 + "x" + "\n" * 250_000) == (Splice(250_000, 0, "x"),)
    assert apply(lines, splices(lines, "x" + "\n" * 499_000 + "y")) == "x" + "\n" * 499_000 + "y"
    long = " ".join(str(number % 977) for number in range(200_000))
    assert apply(long, splices(long, long.replace(" 77 ", " x "))) == long.replace(" 77 ", " x ")
    assert time.monotonic() - started < 20

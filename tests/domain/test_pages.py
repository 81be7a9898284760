"""Pages: versions of a mapping that share what they have in common."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.pages import Pages, entered, found, members, moved

KEYS = st.integers(0, 40)


@given(st.lists(st.dictionaries(KEYS, st.integers(1, 9), min_size=1, max_size=3)))
def test_what_was_said_last_of_a_key_holds(steps: list[dict[int, int]]) -> None:
    pages: Pages[int, int] = ()
    plain: dict[int, int] = {}
    versions = []
    for step in steps:
        pages, plain = entered(pages, step), plain | step
        versions.append((pages, plain))
    for version, known in versions:  # Nothing was changed in place.
        assert {key: value for key in range(41) if (value := found(version, key))} == known
        assert all(len(older) >= 2 * len(newer) for older, newer in itertools.pairwise(version))


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 200), max_size=4))))
def test_a_set_has_what_came_and_did_not_go(steps: list[tuple[int, list[int]]]) -> None:
    pages: Pages[int, bool] = ()
    plain: set[int] = set()
    fresh = 0
    for more, picks in steps:
        gone = {sorted(plain)[pick % len(plain)] for pick in picks if plain}
        came = set(range(fresh, fresh + more))
        fresh += more
        before, held = pages, set(plain)
        pages = moved(pages, dict.fromkeys(gone, False) | dict.fromkeys(came, True))
        plain = plain - gone | came
        assert sorted(members(pages)) == sorted(plain)
        assert [bool(found(pages, key)) for key in range(fresh)] == [key in plain for key in range(fresh)]
        assert set(members(before)) == held


def test_what_comes_and_goes_leaves_nothing_behind() -> None:
    pages: Pages[int, bool] = ()
    for number in range(1_000):
        pages = moved(pages, {number: True, number - 1: False} if number else {number: True})
    assert sum(map(len, pages)) < 10


def test_a_long_mapping_has_few_pages() -> None:
    pages: Pages[int, int] = ()
    for number in range(1_000):
        pages = entered(pages, {number: 1})
    assert len(pages) <= 10

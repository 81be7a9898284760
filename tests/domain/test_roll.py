"""Rolls: things in the order in which they came, of which every version stays."""

from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.roll import Roll
from tests.support.rolls import roll_of

KEYS = st.integers(0, 12)
STEPS = st.lists(st.tuples(st.sampled_from(["enter", "enter_last", "strike"]), KEYS, st.integers(0, 3)), max_size=40)


def listed(known: tuple[tuple[int, int], ...], act: str, key: int, value: int) -> tuple[tuple[int, int], ...]:
    """The same with a plain tuple, read through from end to end."""
    if act == "enter" and any(each == key for each, _ in known):
        return tuple((each, value if each == key else held) for each, held in known)
    others = tuple((each, held) for each, held in known if each != key)
    return others if act == "strike" else (*others, (key, value))


@given(STEPS)
def test_a_roll_is_what_a_tuple_would_be_and_no_version_changes(steps: list[tuple[str, int, int]]) -> None:
    roll: Roll[int, tuple[int, int]] = Roll()
    plain: tuple[tuple[int, int], ...] = ()
    versions = []
    for act, key, value in steps:
        plain = listed(plain, act, key, value)
        roll = roll.strike(key) if act == "strike" else getattr(roll, act)(key, (key, value))
        versions.append((roll, plain))
    for version, known in versions:
        assert tuple(version) == known
        assert (version == known, len(version), bool(version)) == (True, len(known), bool(known))
        assert [version.get(key) for key in range(13)] == [
            next((each for each in known if each[0] == key), None) for key in range(13)
        ]
        assert [key for key in range(13) if version.has(key)] == sorted(key for key, _ in known)


def test_rolls_that_came_about_otherwise_are_equal_if_they_read_alike() -> None:
    one = roll_of("abc", ord)
    assert one == roll_of("xabc", ord).strike(ord("x")) == ("a", "b", "c")
    assert one != roll_of("acb", ord)
    assert one != roll_of("ab", ord)
    assert one != ["a", "b", "c"]


def test_two_change_places() -> None:
    roll = roll_of("abc", ord)
    assert roll.swap(ord("a"), ord("c")) == ("c", "b", "a")
    assert roll.swap(ord("a"), ord("x")) == roll == ("a", "b", "c")


def test_what_comes_and_goes_leaves_nothing_behind() -> None:
    roll: Roll[int, int] = Roll()
    for number in range(1_000):
        roll = roll.enter(number, number).strike(number - 1)
    assert sum(map(len, roll.pages)) < 10
    assert tuple(roll) == (999,)


def test_a_long_roll_has_few_pages() -> None:
    assert len(roll_of(range(1_000), int).pages) <= 10

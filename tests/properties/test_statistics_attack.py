"""An attacker with everything that was published, and the records of everybody else, must not beat guessing by more
than the stated margin. Each defence is shown to be needed: without it, the same attacker does beat it.
"""

import random
from collections.abc import Callable

import msgspec
import pytest

from scmanager.domain.statistics import FEATURES, Action, Record
from scmanager.domain.statistics_published import EPSILON_MILLI, EVERY_DAYS, GROUP_MIN, RULES, Measure
from scmanager.master_ledger.releasing import Rules, Totals, frame_of, release, totals
from tests.support.statistics import REGIONS, VERSIONS, day_of, others
from tests.support.statistics_attack import (
    Worlds,
    advantage,
    advantage_over_windows,
    differing,
    margin,
    slack,
    spent,
)

EPSILON = EPSILON_MILLI / 1000
REPLACED = 1.375
"""Epsilon between any two days of one who took part: each row that he may leave and enter counts twice."""
TRIALS = 1500
CROWD = others(600)
"""Enough that every table is shown."""
FLOOD = day_of(
    "mallory",
    starts=200,
    sessions=(1440,) * 200,
    used=FEATURES,
    versions=VERSIONS,
    regions=REGIONS,
    installs=99,
    errors=99,
)
"""One who tells as much as he can, of two versions and three regions."""
QUIET = day_of("mallory", starts=0, sessions=(), used=())


def change(**fields: int) -> dict[Measure, object]:
    return {measure: msgspec.structs.replace(rule, **fields) for measure, rule in RULES.items()}


NO_NOISE: Rules = change(scale=1)  # type: ignore[assignment]
NO_BOUND: Rules = change(bound=10**6)  # type: ignore[assignment]
NO_THRESHOLD: Rules = change(threshold=1)  # type: ignore[assignment]


def summed(*records: list[Record], rules: Rules = RULES) -> Totals:
    return totals(frame_of([record for each in records for record in each]), VERSIONS, REGIONS, rules)


def membership(rules: Rules = RULES) -> list[Worlds]:
    """Was he there at all?"""
    return [differing((summed(CROWD, rules=rules), summed(CROWD, FLOOD, rules=rules)))]


def feature(rules: Rules = RULES) -> list[Worlds]:
    """He was there: did he use the fleets?"""
    two = [day_of("mallory", used=used) for used in ([Action.SEARCH], [Action.SEARCH, Action.FLEETS])]
    return [differing((summed(CROWD, two[0], rules=rules), summed(CROWD, two[1], rules=rules)))]


def quiet_or_loud(rules: Rules = RULES) -> list[Worlds]:
    """He was there: did he do nothing, or everything that can be told?"""
    elsewhere = day_of("mallory", starts=0, sessions=(), used=(), versions=("9.9.9",), regions=("LI",))
    return [differing((summed(CROWD, elsewhere, rules=rules), summed(CROWD, FLOOD, rules=rules)))]


def joined(rules: Rules = RULES) -> list[Worlds]:
    """The same crowd on three days; he may have come on the last, or left after the first and come again."""
    day = membership(rules)[0]
    same = (day[0], day[0])
    return [same, same, day]


def small_group(rules: Rules = RULES) -> list[Worlds]:
    """He is the only one in his country, and of the few who have his version."""
    rare = day_of("mallory", versions=("9.9.9",), regions=("LI",))
    return [differing((summed(CROWD, rules=rules), summed(CROWD, rare, rules=rules)))]


QUESTIONS: list[tuple[Callable[..., list[Worlds]], float]] = [
    (membership, EPSILON),
    (feature, 1 / 12),
    (quiet_or_loud, REPLACED),
    (joined, EPSILON),
    (small_group, EPSILON),
]


@pytest.mark.parametrize(("question", "epsilon"), QUESTIONS, ids=lambda each: getattr(each, "__name__", ""))
def test_no_question_is_answered_better_than_the_margin(
    question: Callable[..., list[Worlds]], epsilon: float
) -> None:
    assert advantage(question(), RULES, TRIALS, seed=1) <= margin(epsilon) + slack(TRIALS)


@pytest.mark.parametrize("question", [membership, quiet_or_loud, joined, small_group], ids=lambda each: each.__name__)
def test_without_noise_every_question_is_answered(question: Callable[..., list[Worlds]]) -> None:
    assert advantage(question(), NO_NOISE, 300, seed=2) > margin(REPLACED) + slack(300)


@pytest.mark.parametrize("question", [membership, quiet_or_loud, joined], ids=lambda each: each.__name__)
def test_without_bounds_who_tells_much_is_seen(question: Callable[..., list[Worlds]]) -> None:
    assert advantage(question(NO_BOUND), RULES, 300, seed=3) > margin(REPLACED) + slack(300)


@pytest.mark.parametrize("measure", list(RULES))
def test_no_single_table_tells_more_than_its_share(measure: Measure) -> None:
    only = frozenset({measure})
    day = differing((summed(CROWD), summed(CROWD, FLOOD)), only)
    trials = 4000
    assert advantage([day], RULES, trials, seed=4) <= margin(spent(RULES, only)) + slack(trials)


@pytest.mark.parametrize("measure", [Measure.USERS_BY_VERSION, Measure.USERS_BY_REGION])
def test_without_bounds_one_of_many_places_tells_more_than_its_share(measure: Measure) -> None:
    only = frozenset({measure})
    versions = tuple(f"0.{number}.0" for number in range(12))
    regions = tuple(f"{letter}Z" for letter in "ABCDEFGHIJKL")
    everywhere = frame_of([*CROWD, *day_of("mallory", versions=versions, regions=regions)])
    with_him = totals(everywhere, versions, regions, NO_BOUND)
    without = totals(frame_of(CROWD), versions, regions, NO_BOUND)
    day = differing((without, with_him), only)
    seen = change(threshold=0)
    trials = 4000
    assert advantage([day], seen, trials, seed=5) > margin(spent(RULES, only)) + slack(trials)  # type: ignore[arg-type]


def test_who_was_there_every_day_of_a_window_is_not_seen_better_than_on_one_day() -> None:
    worlds = membership()[0]
    trials = 200
    found = advantage_over_windows(worlds, RULES, 1, EVERY_DAYS, trials, seed=6)
    assert found <= margin(EPSILON) + slack(trials)


def test_who_told_of_every_day_of_a_few_windows_would_be_seen() -> None:
    trials = 120
    days = membership() * (3 * EVERY_DAYS)
    assert advantage(days, RULES, trials, seed=7) > margin(EPSILON) + slack(trials, once_in=100)


def shown(rules: Rules, installations: int, releases: int) -> float:
    """How often a country with so many installations has a row."""
    few = [record for number in range(installations) for record in day_of(f"few {number}", regions=("LI",))]
    exact = {Measure.USERS_BY_REGION: {"LI": summed(few)[Measure.USERS_BY_REGION]["LI"]}}
    chance = random.Random(8)
    rows = (release(n, exact, chance.randrange, rules).tables[0].rows for n in range(releases))
    return sum(bool(row) for row in rows) / releases


def test_of_a_small_group_nothing_is_said() -> None:
    assert shown(RULES, GROUP_MIN - 1, 20_000) <= 1 / 1000


def test_without_thresholds_a_small_group_would_be_seen() -> None:
    assert shown(NO_THRESHOLD, GROUP_MIN - 1, 1000) > 1 / 2


def test_the_attacker_is_a_good_one() -> None:
    """With noise of half the budget he gets nearly what theory allows: the tests above would find a leak."""
    one: Worlds = ({Measure.ERRORS: {"all": 500}}, {Measure.ERRORS: {"all": 501}})
    rules = change(scale=1)
    found = advantage([one], rules, TRIALS, seed=9)  # type: ignore[arg-type]
    assert 0.85 * margin(1) < found <= margin(1) + slack(TRIALS)

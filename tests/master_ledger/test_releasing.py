"""A day's release: what one installation may add, what is left out, and what stands in the entry."""

import random
import secrets
from itertools import cycle

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.payload import INT_MAX, TUPLE_MAX
from scmanager.domain.statistics import FEATURES, Action, Category, Record
from scmanager.domain.statistics_published import (
    ALL,
    EPSILON_MILLI,
    EVERY_DAYS,
    METHOD,
    RULES,
    Measure,
    Row,
    Rule,
    StatisticsPublished,
    Table,
)
from scmanager.eventstore.entry import SHARED_BYTES_MAX, encode_json
from scmanager.master_ledger.noise import Below
from scmanager.master_ledger.releasing import added, frame_of, release, totals
from tests.support.effort import examples
from tests.support.statistics import DAY, REGIONS, USED, VERSIONS, day_of, others


def summed(records: list[Record]) -> dict[Measure, dict[str, int]]:
    return {measure: dict(rows) for measure, rows in totals(frame_of(records), VERSIONS, REGIONS).items()}


def test_a_day_of_three_is_summed_as_they_told_it() -> None:
    records = [
        *day_of("ada", starts=2, sessions=(10, 20)),
        *day_of("grace", used=USED[:1], versions=("0.2.0",), regions=(None,), errors=1),
        *day_of("joan", sessions=(), used=(), versions=("9.9.9",), regions=("DE",), installs=1),
    ]
    found = summed(records)
    assert {measure: rows[ALL] for measure, rows in found.items() if ALL in rows} == {
        Measure.ACTIVE_USERS: 3, Measure.APP_STARTS: 4, Measure.SESSIONS: 3, Measure.SESSION_MINUTES: 60,
        Measure.PLUGIN_INSTALLS: 1, Measure.ERRORS: 1,
    }  # fmt: skip
    assert found[Measure.USERS_BY_VERSION] == {"0.1.0": 1, "0.2.0": 1, "other": 1}
    assert found[Measure.USERS_BY_REGION] == {"AR": 1, "DE": 1, "LI": 0, "other": 1}
    used = {key: value for key, value in found[Measure.FEATURE_USE].items() if value}
    assert used == {"fleets": 2, "operations": 1, "diplomacy": 1}


def test_the_rows_there_could_be_do_not_depend_on_who_was_there() -> None:
    nobody, many = summed([]), summed(others(20))
    assert {measure: set(rows) for measure, rows in nobody.items()} == {
        each: set(rows) for each, rows in many.items()
    }
    assert not any(value for rows in nobody.values() for value in rows.values())


def test_one_who_tells_too_much_adds_no_more_than_the_rules_allow() -> None:
    flood = day_of(
        "mallory", starts=50, sessions=(1440,) * 50, used=FEATURES, versions=(*VERSIONS, "9.9.9"), regions=REGIONS,
        installs=50, errors=50,
    )  # fmt: skip
    alone = summed(flood)
    for measure, rule in RULES.items():
        rows = alone[measure].values()
        assert sum(rows) == rule.bound, measure
        assert max(rows) <= rule.each, measure


def test_of_many_features_of_one_any_few_count_not_the_first_by_name() -> None:
    counted = {
        key
        for number in range(40)
        for key, value in summed(day_of(f"user {number}", used=FEATURES))[Measure.FEATURE_USE].items()
        if value
    }
    assert len(counted) > len(FEATURES) * 3 // 4


@settings(max_examples=examples(30))
@given(st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(order: random.Random) -> None:
    records = [*others(12), *day_of("mallory", sessions=(5, 50, 500), used=FEATURES, versions=VERSIONS)]
    mixed = order.sample(records, len(records))
    assert summed(mixed) == summed(records)


def test_the_same_record_twice_is_one_session_and_one_feature() -> None:
    records = day_of("ada", starts=0)
    assert summed(records * 2) == summed(records)


@settings(max_examples=examples(40))
@given(
    st.dictionaries(
        st.sampled_from(list(RULES)), st.dictionaries(st.just("some"), st.integers(0, 2**53 - 1)), min_size=1
    ),
    st.randoms(use_true_random=False),
)
def test_no_row_below_its_threshold_is_ever_published(
    rows: dict[Measure, dict[str, int]], noise: random.Random
) -> None:
    said = release(DAY, rows, noise.randrange)
    for table in said.tables:
        assert all(row.value >= table.threshold for row in table.rows)
        assert list(table.rows) == sorted(table.rows, key=lambda row: (-row.value, row.key))
    assert msgspec.json.decode(encode_json(said), type=StatisticsPublished) == said


def test_a_day_of_few_is_published_without_a_row() -> None:
    said = release(DAY, summed(others(5)), random.Random(7).randrange)
    assert [table.measure for table in said.tables] == list(RULES)
    assert not any(table.rows for table in said.tables)


def test_a_day_of_many_ranks_features_and_averages_sessions() -> None:
    exact = summed(others(3000))
    said = release(DAY, exact, random.Random(7).randrange)
    tables = {table.measure: table for table in said.tables}
    rule = RULES[Measure.FEATURE_USE]
    assert {row.key for row in tables[Measure.FEATURE_USE].rows} == {"fleets", "operations", "diplomacy"}
    assert abs(tables[Measure.ACTIVE_USERS].rows[0].value - 3000) < 40 * RULES[Measure.ACTIVE_USERS].scale
    assert all(abs(row.value - 3000) < 40 * rule.scale for row in tables[Measure.FEATURE_USE].rows)
    sessions, minutes = tables[Measure.SESSIONS].rows[0].value, tables[Measure.SESSION_MINUTES].rows[0].value
    assert tables[Measure.AVERAGE_SESSION_S].rows == (Row(ALL, minutes * 60 // sessions),)


def test_the_largest_day_there_could_be_fits_into_an_entry() -> None:
    regions = [f"{first}{second}" for first in "ABCDEFGHIJ" for second in "ABCDEFGHIJ"]
    versions = [f"{'9' * 9}.{number}.0-release-candidate" for number in range(100)]
    exact = {
        measure: dict.fromkeys(keys, 10**12)
        for measure, keys in {
            **{measure: [ALL] for measure in RULES},
            Measure.USERS_BY_VERSION: versions,
            Measure.USERS_BY_REGION: regions,
            Measure.FEATURE_USE: list(FEATURES),
        }.items()
    }
    said = release(DAY, exact, secrets.randbelow)
    assert len(encode_json(said)) < SHARED_BYTES_MAX // 2


@pytest.mark.parametrize("column", ["version", "region"])
def test_one_that_tells_of_two_places_counts_in_one(column: str) -> None:
    measure = {"version": Measure.USERS_BY_VERSION, "region": Measure.USERS_BY_REGION}[column]
    found = summed(day_of("ada", versions=VERSIONS, regions=REGIONS))
    assert sum(found[measure].values()) == 1


def test_records_make_a_frame_of_plain_columns() -> None:
    frame = frame_of(day_of("ada"))
    assert frame.height == 5
    assert frame.schema["duration_ms"] == pl.Int64
    assert set(frame["category"]) == {Category.APP_STARTED, Category.SESSION_ENDED, Category.FEATURE_USED}
    assert set(frame["action"]) == {*USED, Action.NOTHING_CLOSER}


def test_thresholds_leave_room_for_a_group_and_for_its_noise() -> None:
    for rule in RULES.values():
        assert rule == Rule(rule.bound, rule.each, rule.scale, 10 * rule.each + 7 * rule.scale)


def noise_of(size: int, negative: bool = False) -> Below:
    """Draws that make each noise this one; see `discrete_laplace`."""
    drawn = cycle((size, size, 0, 1, int(negative)))
    return lambda _: next(drawn)


def test_noise_is_added_to_each_row_and_what_comes_of_it_is_held_against_the_threshold() -> None:
    rule = RULES[Measure.FEATURE_USE]
    exact = {Measure.FEATURE_USE: {"a": rule.threshold - 6, "b": rule.threshold - 5, "c": rule.threshold}}
    (table,) = release(DAY, exact, noise_of(5)).tables
    assert table.rows == (Row("c", rule.threshold + 5), Row("b", rule.threshold))
    (table,) = release(DAY, exact, noise_of(5, negative=True)).tables
    assert table.rows == ()
    assert (table.bound, table.scale, table.threshold) == (rule.bound, rule.scale, rule.threshold)


def test_rows_are_ranked_by_value_and_then_by_name_up_to_what_an_event_holds() -> None:
    rule = RULES[Measure.USERS_BY_VERSION]
    rows = {f"{number:03}": rule.threshold + number // 2 for number in reversed(range(2 * TUPLE_MAX))}
    (table,) = release(DAY, {Measure.USERS_BY_VERSION: rows}, noise_of(0)).tables
    pairs = [(f"{number:03}", f"{number + 1:03}") for number in range(2 * TUPLE_MAX - 2, TUPLE_MAX - 1, -2)]
    assert [row.key for row in table.rows] == [key for pair in pairs for key in pair]
    (most,) = release(DAY, {Measure.ERRORS: {"a": INT_MAX, "b": INT_MAX + 1}}, noise_of(0)).tables
    assert most.rows == (Row("a", INT_MAX),), "what no reader could read is left out"


def test_a_release_names_its_day_and_how_it_was_made() -> None:
    said = release(DAY, {}, noise_of(0))
    assert said == StatisticsPublished(DAY, EPSILON_MILLI, EVERY_DAYS, METHOD, ())


@pytest.mark.parametrize("missing", [None, Measure.SESSIONS, Measure.SESSION_MINUTES])
def test_sessions_have_an_average_where_both_of_its_halves_are_shown(missing: Measure | None) -> None:
    shown = {
        Measure.SESSIONS: {ALL: RULES[Measure.SESSIONS].threshold},
        Measure.SESSION_MINUTES: {ALL: RULES[Measure.SESSION_MINUTES].threshold},
    }
    small = shown | ({missing: {ALL: 0}} if missing else {})
    absent = {each: rows for each, rows in shown.items() if each is not missing}
    for exact in (small, absent):
        last = release(DAY, exact, noise_of(0)).tables[-1]
        if missing:
            assert last.measure is not Measure.AVERAGE_SESSION_S
            continue
        value = shown[Measure.SESSION_MINUTES][ALL] * 60 // shown[Measure.SESSIONS][ALL]
        assert last == Table(Measure.AVERAGE_SESSION_S, 0, 0, 0, (Row(ALL, value),))


def test_two_frames_of_other_installations_are_summed_row_by_row() -> None:
    one, other = summed(others(3)), summed(day_of("ada", errors=2))
    assert added(one, other) == summed([*others(3), *day_of("ada", errors=2)])


def ended(milliseconds: int | None, session: bytes = b"s" * 16, name: str = "ada") -> Record:
    (record,) = day_of(name, starts=0, sessions=(0,), used=())
    return msgspec.structs.replace(record, duration_ms=milliseconds, session_id=session)


def minutes(*records: Record) -> tuple[int, int]:
    found = summed(list(records))
    return found[Measure.SESSIONS][ALL], found[Measure.SESSION_MINUTES][ALL]


def test_a_session_lasts_whole_minutes_the_longest_that_was_told_of_it_and_none_where_nothing_was() -> None:
    assert minutes(ended(119_999)) == (1, 1)
    assert minutes(ended(120_000), ended(180_000), ended(None)) == (1, 3)
    assert minutes(ended(None)) == (1, 0)
    most = RULES[Measure.SESSION_MINUTES].bound // RULES[Measure.SESSIONS].bound
    for told in (most, most + 1):
        assert minutes(ended(told * 60_000)) == (1, most)
    few = [ended(60_000 * n, bytes((n,)) * 16) for n in (1, 2, 3)]
    assert minutes(*few) == (2, 3), "the first of them by their ids, which are random"
    assert minutes(ended(60_000), ended(60_000, name="grace")) == (2, 2)


def test_one_of_several_places_is_the_first_by_name() -> None:
    found = summed(day_of("ada", versions=VERSIONS[::-1], regions=(*REGIONS[:0:-1], None)))
    assert [found[Measure.USERS_BY_VERSION][each] for each in VERSIONS] == [1, 0]
    assert found[Measure.USERS_BY_REGION] == {"AR": 0, "DE": 1, "LI": 0, "other": 0}

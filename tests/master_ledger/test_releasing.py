"""A day's release: what one installation may add, what is left out, and what stands in the entry."""

import random
import secrets

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.statistics import FEATURES, Action, Category, Record
from scmanager.domain.statistics_published import ALL, RULES, Measure, Row, Rule, StatisticsPublished
from scmanager.eventstore.entry import SHARED_BYTES_MAX, encode_json
from scmanager.master_ledger.releasing import frame_of, release, totals
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
    said = release(DAY, exact, secrets.randbelow)
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

"""Records of use: enumerations, hashes and coarse numbers, and nothing that tells who it was."""

from hashlib import sha3_256

import msgspec
import pytest

from scmanager.domain.statistics import (
    DAY_S,
    FEATURES,
    METADATA,
    MINUTE_MS,
    Action,
    Category,
    MetaKey,
    MetaValue,
    Record,
    RecordUnusable,
    check,
    coarse_day_s,
    coarse_duration_ms,
    date_of,
    org_hash,
    user_hash,
)
from scmanager.domain.statistics_published import EPSILON_MILLI, RULES, SHARES, Measure

RECORD = Record(bytes(32), Category.SESSION_ENDED, Action.NOTHING_CLOSER, 20_800 * DAY_S, bytes(16), "0.1.0")


def test_there_are_31_categories() -> None:
    assert len(Category) == 31


def test_a_record_has_the_fields_of_the_specification_and_no_others() -> None:
    assert set(Record.__struct_fields__) == {
        "user_hash", "org_hash", "category", "action", "timestamp", "session_id", "version", "geo_region",
        "duration_ms", "metadata",
    }  # fmt: skip


def test_every_metadata_key_has_values_of_its_own() -> None:
    values = [value for key in MetaKey for value in METADATA[key]]
    assert sorted(values) == sorted(MetaValue)


def test_a_record_as_it_should_be_is_taken() -> None:
    check(RECORD)
    check(msgspec.structs.replace(RECORD, duration_ms=5 * MINUTE_MS, metadata={MetaKey.MODE: MetaValue.AGENT}))
    check(msgspec.structs.replace(RECORD, category=Category.FEATURE_USED, action=Action.FLEETS))


@pytest.mark.parametrize(
    ("flaw", "told"),
    [
        ({"timestamp": 20_800 * DAY_S + 3600}, "its time is closer than the day"),
        ({"action": Action.FLEETS}, "its action does not go with its category"),
        ({"category": Category.FEATURE_USED}, "its action does not go with its category"),
        ({"duration_ms": MINUTE_MS + 1}, "its duration is closer than the minute, or of what takes no time"),
        (
            {"category": Category.APP_STARTED, "duration_ms": MINUTE_MS},
            "its duration is closer than the minute, or of what takes no time",
        ),
        ({"metadata": {MetaKey.MODE: MetaValue.LINUX}}, "its metadata has a value under another key"),
        (
            {"metadata": {MetaKey.ANSWERS: MetaValue.SLOWER}},
            "it says how fast something was that is not measured",
        ),
    ],
)
def test_what_is_closer_than_it_may_be_is_refused(flaw: dict[str, object], told: str) -> None:
    with pytest.raises(RecordUnusable) as error:
        check(msgspec.structs.replace(RECORD, **flaw))
    assert str(error.value) == f"This is no record of use: {told}."


def test_hashes_are_what_their_formulas_say() -> None:
    salt, one, space = b"s" * 32, b"m" * 16, b"o" * 32
    assert user_hash(salt, one) == sha3_256(b"scm/statistics-user/1\n" + salt + one).digest()
    assert org_hash(salt, space) == sha3_256(b"scm/statistics-org/1\n" + salt + space).digest()


@pytest.mark.parametrize(("day", "told"), [(1, "1970-01-02"), (20_513, "2026-03-01"), (20_512, "2026-02-28")])
def test_a_day_is_written_as_people_write_it(day: int, told: str) -> None:
    assert date_of(day) == told


def test_hashes_of_two_days_two_machines_or_of_a_member_and_a_space_have_nothing_in_common() -> None:
    one, two = b"\1" * 32, b"\2" * 32
    made = [user_hash(one, bytes(16)), user_hash(two, bytes(16)), org_hash(one, bytes(16)), org_hash(two, bytes(16))]
    assert len(set(made)) == 4
    assert user_hash(one, bytes(16)) == made[0]


def test_times_are_of_the_day_and_of_the_begun_minute() -> None:
    assert coarse_day_s(20_800 * DAY_S + 86_399) == 20_800 * DAY_S
    assert [coarse_day_s(each) for each in (-5, 0, 1, DAY_S)] == [0, 0, 0, DAY_S]
    assert [coarse_duration_ms(each) // MINUTE_MS for each in (-1, 0, 1, 60_000, 60_001, 10**12)] == [
        0, 0, 1, 1, 2, 1440,
    ]  # fmt: skip


def test_the_shares_of_all_measures_are_the_whole_epsilon() -> None:
    assert set(RULES) == set(Measure) - {Measure.AVERAGE_SESSION_S}
    assert sum(rule.bound * 1000 / rule.scale for rule in RULES.values()) == EPSILON_MILLI
    assert SHARES == 16
    assert all(rule.each <= rule.bound for rule in RULES.values())


def test_features_are_all_actions_that_name_one() -> None:
    assert len(FEATURES) == len(Action) - 1

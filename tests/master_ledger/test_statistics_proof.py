"""Published statistics are checked by whoever reads them: who signed, what day, and by which rules."""

import random
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.domain.statistics_published import Measure, Row, StatisticsPublished
from scmanager.errors import Untrusted
from scmanager.master_ledger.releasing import frame_of, release, totals
from scmanager.master_ledger.statistics_proof import StatisticsAmiss, check_rules, verify
from scmanager.master_ledger.verification import LogNotListed, NotWitnessed, OtherStatement
from tests.support.effort import examples
from tests.support.ledger import NOW_S, POLICY, WITHOUT_WITNESSES, Server, first_manifest, trusted
from tests.support.statistics import DAY, REGIONS, VERSIONS, others

SAID = release(DAY, totals(frame_of(others(200)), VERSIONS, REGIONS), random.Random(1).randrange)
SERVER = Server("intake")
FIRST = first_manifest(SERVER)
KEYS = trusted(FIRST)
INDEX = SERVER.append(SAID)  # type: ignore[arg-type]  # it takes whatever has a tag
MANIFEST = SERVER.append(FIRST)
PROOF = SERVER.proof(INDEX).to_bytes()


def check(file: bytes = PROOF, day: int = DAY, **changed: Any) -> StatisticsPublished:
    return verify(file, day, **{"keys": KEYS, "policy": POLICY, "now_s": NOW_S} | changed)


def with_table(**changed: Any) -> StatisticsPublished:
    first, *rest = SAID.tables
    return replace(SAID, tables=(replace(first, **changed), *rest))


def test_a_release_that_is_in_the_log_is_read() -> None:
    assert check() == SAID


def test_a_log_that_is_not_the_author_s_says_nothing() -> None:
    with pytest.raises(LogNotListed):
        check(keys=trusted(first_manifest(Server("other"))))


def test_a_head_that_nobody_cosigned_is_none_under_a_policy_with_witnesses() -> None:
    bare = SERVER.proof(INDEX, SERVER.note(witnesses=())).to_bytes()
    assert check(bare, policy=WITHOUT_WITNESSES) == SAID
    with pytest.raises(NotWitnessed):
        check(bare)


def test_another_day_is_not_what_was_asked_for() -> None:
    with pytest.raises(StatisticsAmiss):
        check(day=DAY + 1)


def test_another_entry_of_the_log_is_no_release() -> None:
    with pytest.raises(OtherStatement):
        check(SERVER.proof(MANIFEST).to_bytes())


@pytest.mark.parametrize(
    "amiss",
    [
        replace(SAID, method=2),
        replace(SAID, tables=SAID.tables[1:]),
        replace(SAID, tables=(*SAID.tables, SAID.tables[0])),
        with_table(scale=1),
        with_table(bound=9),
        with_table(threshold=1),
        with_table(rows=(Row("all", 65),)),
    ],
)
def test_a_release_by_other_rules_is_amiss(amiss: StatisticsPublished) -> None:
    with pytest.raises(StatisticsAmiss):
        check_rules(amiss)


def test_the_first_table_is_of_active_users() -> None:
    assert SAID.tables[0].measure is Measure.ACTIVE_USERS


@settings(max_examples=examples(100))
@given(st.integers(0, len(PROOF) - 1), st.integers(1, 255))
def test_no_changed_byte_of_the_proof_passes_as_something_else(place: int, change: int) -> None:
    changed = bytearray(PROOF)
    changed[place] ^= change
    with suppress(Untrusted):
        assert check(bytes(changed)) == SAID  # A signature of somebody unknown: it is passed over.


@settings(max_examples=examples(60))
@given(st.binary(max_size=300))
def test_noise_is_untrusted_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(Untrusted):
        check(noise)


def test_what_is_released_reads_again_as_it_was() -> None:
    assert msgspec.json.decode(msgspec.json.encode(SAID), type=StatisticsPublished) == SAID

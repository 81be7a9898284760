"""Published statistics are checked by whoever reads them: who signed, what day, and by which rules."""

import random
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.domain.ledger import Final, LogKind
from scmanager.domain.statistics import date_of
from scmanager.domain.statistics_published import Measure, Row, StatisticsPublished
from scmanager.errors import Untrusted
from scmanager.eventstore import content
from scmanager.eventstore.entry import encode_json
from scmanager.eventstore.own_log import Draft
from scmanager.master_ledger import issuing
from scmanager.master_ledger.policy import ED25519, Vkey, parse
from scmanager.master_ledger.releasing import frame_of, release, totals
from scmanager.master_ledger.statistics_proof import StatisticsAmiss, check_rules, verify
from scmanager.master_ledger.verification import (
    LogClosed,
    LogNotAccepted,
    LogNotListed,
    NotIncluded,
    NotWitnessed,
    OtherStatement,
)
from tests.golden.logs import some
from tests.support.effort import examples
from tests.support.ledger import NOW_S, POLICY, ROOTS, WITHOUT_WITNESSES, Server, first_manifest, signed, trusted
from tests.support.statistics import DAY, REGIONS, VERSIONS, others

SAID = release(DAY, totals(frame_of(others(200)), VERSIONS, REGIONS), random.Random(1).randrange)
SERVER = Server("intake", kind=LogKind.INTAKE)
FIRST = first_manifest(SERVER)
KEYS = trusted(FIRST)
INDEX = SERVER.append(SAID)  # type: ignore[arg-type]  # it takes whatever has a tag
MANIFEST = SERVER.append(FIRST)
PROOF = SERVER.proof(INDEX).to_bytes()
THRESHOLD = SAID.tables[0].threshold


def check(file: bytes = PROOF, day: int = DAY, **changed: Any) -> StatisticsPublished:
    return verify(file, day, **{"keys": KEYS, "policy": POLICY, "now_s": NOW_S} | changed)


def with_table(**changed: Any) -> StatisticsPublished:
    first, *rest = SAID.tables
    return replace(SAID, tables=(replace(first, **changed), *rest))


def test_a_release_that_is_in_the_log_is_read() -> None:
    assert check() == SAID


def test_a_log_that_is_not_the_author_s_says_nothing() -> None:
    with pytest.raises(LogNotListed) as unlisted:
        check(keys=trusted(first_manifest(Server("other"))))
    assert unlisted.value.facts == {"n": 1, "origin": SERVER.origin}


def test_in_a_log_of_statements_nothing_is_released() -> None:
    with pytest.raises(LogNotListed):
        check(keys=trusted(first_manifest(Server("intake"))))


def test_an_entry_that_is_not_under_the_head_is_none_of_the_log() -> None:
    proof = SERVER.proof(INDEX)
    for hashes in (proof.hashes[:-1], (*proof.hashes, bytes(32)), (bytes(32), *proof.hashes[1:])):
        with pytest.raises(NotIncluded):
            check(replace(proof, hashes=hashes).to_bytes())


def test_an_entry_of_another_log_under_a_head_of_this_one_is_none_of_it() -> None:
    ours, other = Server("intake", kind=LogKind.INTAKE), Server("another", kind=LogKind.INTAKE)
    index = other.append(SAID)  # type: ignore[arg-type]
    ours.append(SAID)  # type: ignore[arg-type]
    ours.said[index], ours.leaves[index] = other.said[index], other.leaves[index]
    with pytest.raises(NotIncluded):
        check(ours.proof(index).to_bytes())


def test_in_a_log_that_was_closed_nothing_later_is_released() -> None:
    for size, refused in ((INDEX, True), (INDEX + 2, False)):
        head = Final(size, SERVER.head(size).root)
        closing = issuing.revocation(FIRST.statement, SERVER.key.public, {SERVER.log.log: head}, NOW_S)
        keys = trusted(FIRST, signed(closing, *ROOTS[:2]))
        if refused:
            with pytest.raises(LogClosed):
                check(keys=keys)
        else:
            assert check(keys=keys) == SAID


def test_a_head_that_nobody_cosigned_is_none_under_a_policy_with_witnesses() -> None:
    bare = SERVER.proof(INDEX, SERVER.note(witnesses=())).to_bytes()
    assert check(bare, policy=WITHOUT_WITNESSES) == SAID
    with pytest.raises(NotWitnessed):
        check(bare)


def test_a_log_that_the_policy_does_not_list_releases_nothing() -> None:
    other = Vkey(SERVER.origin, ED25519, some("another key")).text()
    with pytest.raises(LogNotAccepted):
        check(policy=parse(f"log {other}\nquorum none\n".encode()))


def test_another_day_is_not_what_was_asked_for() -> None:
    with pytest.raises(StatisticsAmiss) as amiss:
        check(day=DAY + 1)
    assert amiss.value.facts == {"reason": f"it is of {date_of(DAY)}"}


def test_another_entry_of_the_log_is_no_release() -> None:
    with pytest.raises(OtherStatement) as other:
        check(SERVER.proof(MANIFEST).to_bytes())
    assert other.value.facts == {"wanted": "statistics.published/1", "found": "keys.published/1"}


IN_ANOTHER_ORDER = msgspec.json.encode(dict(reversed(msgspec.json.decode(encode_json(SAID)).items())))


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b'{"day":"today"}', "its fields are others"),
        (IN_ANOTHER_ORDER, "it is spelled in another way"),
    ],
)
def test_a_release_that_is_not_written_as_its_type_is_amiss(payload: bytes, why: str) -> None:
    server = Server("intake", kind=LogKind.INTAKE)
    shared = content.encode(
        content.Shared(
            SAID.tag, some("grant"), some("command", 16), b"", some("entity", 16), (), msgspec.Raw(payload)
        )
    )
    server.own.add(Draft(shared, None), server.own.hlc + 1)
    index = server._commit()
    with pytest.raises(StatisticsAmiss) as amiss:
        check(server.proof(index).to_bytes())
    assert amiss.value.facts == {"reason": why}


OTHER_RULE, TABLES = "active-users has other bounds, noise or threshold", "a table is missing, or there twice"


@pytest.mark.parametrize(
    ("amiss", "why"),
    [
        (replace(SAID, method=2), "it was made by method 2, here 1 is known"),
        (replace(SAID, tables=SAID.tables[1:]), TABLES),
        (replace(SAID, tables=(*SAID.tables, SAID.tables[0])), TABLES),
        (with_table(scale=1), OTHER_RULE),
        (with_table(bound=9), OTHER_RULE),
        (with_table(threshold=1), OTHER_RULE),
        (with_table(rows=(Row("all", THRESHOLD - 1),)), "active-users has a row below its threshold"),
    ],
)
def test_a_release_by_other_rules_is_amiss(amiss: StatisticsPublished, why: str) -> None:
    with pytest.raises(StatisticsAmiss) as told:
        check_rules(amiss)
    assert told.value.facts == {"reason": why}


def test_a_row_of_just_the_threshold_keeps_the_rules() -> None:
    check_rules(with_table(rows=(Row("all", THRESHOLD),)))


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

"""An audit event: opened, told again with a growing count, left unlisted; and hashes that tell nothing."""

import hashlib

from scmanager.domain.audit_event import (
    AuditDetail,
    Noted,
    Repeated,
    Series,
    Unlisted,
    evolve,
    leave_unlisted,
    note,
    payload_hash,
    repeat,
    source_hash,
)
from scmanager.domain.audit_types import KINDS, AuditType, Severity
from scmanager.domain.event import About
from tests.support.scenario import Scenario, entry, told, who

ADA, GRACE = who("ada"), who("grace")
SALT = b"s" * 32
DETAIL = AuditDetail(SALT, "POST /graphql", "127.0.0.1")
NOTED = Noted(
    AuditType.PERMISSION_VIOLATION, "token-wrong", Severity.WARNING, b"q" * 32, payload_hash(SALT, DETAIL.text),
    "0.1.0", 1_000, 1_001, 3, "AR",
)  # fmt: skip
story = Scenario(Series(), evolve)
given, when, then, then_refused, then_state = story.verbs()


def test_the_first_opens_a_series_with_its_words_under_the_owners_key() -> None:
    given()
    when(note, ADA, NOTED, DETAIL, by=ADA)
    then(About(NOTED, ADA, DETAIL))
    then_state(
        log=ADA * 2, type=AuditType.PERMISSION_VIOLATION, code="token-wrong", severity=Severity.WARNING,
        source=b"q" * 32, payload=NOTED.payload, version="0.1.0", region="AR", first_s=1_000, last_s=1_001, count=3,
        tells=0, detail=entry(1),
    )  # fmt: skip
    when(note, ADA, NOTED, DETAIL)
    then()


def test_it_is_told_how_many_there_were_by_then() -> None:
    given(told(NOTED, by=ADA))
    when(repeat, 10, 2_000, by=ADA)
    then(Repeated(10, 2_000, 1))
    then_state(count=10, last_s=2_000, tells=1, first_s=1_000)
    when(repeat, 12, 1_500, by=ADA)
    then(Repeated(12, 2_000, 2))
    when(repeat, 12, 3_000)
    then()


def test_nothing_goes_on_that_nobody_opened_or_that_is_not_listed() -> None:
    given()
    when(repeat, 10, 2_000)
    then()
    given(Repeated(10, 2_000, 1))
    assert story.state == Series()
    given(told(Unlisted(AuditType.P2P_MISMATCH, Severity.WARNING, 5, 1, 2), by=ADA))
    before = story.state
    given(told(Unlisted(AuditType.P2P_MISMATCH, Severity.WARNING, 5, 1, 2), by=ADA), told(Repeated(10, 9, 1), by=ADA))
    assert story.state == before


def test_a_series_is_its_devices_alone_also_when_both_say_it_at_once() -> None:
    given(told(NOTED, by=ADA))
    before = story.state
    for event in (Repeated(10, 2_000, 1), NOTED, Unlisted(AuditType.P2P_MISMATCH, Severity.INFO, 5, 1, 2)):
        given(told(NOTED, by=ADA), told(event, by=GRACE))
        assert story.state == before
    given()
    one, two = story.in_either_order(told(NOTED, by=ADA), told(NOTED, by=GRACE))
    assert (one.log, two.log) == (ADA * 2, GRACE * 2)


def test_counts_only_grow_whichever_is_read_last() -> None:
    given(told(NOTED, by=ADA))
    one, two = story.in_either_order(told(Repeated(10, 2_000, 1), by=ADA), told(Repeated(7, 3_000, 2), by=ADA))
    assert one == two
    assert (one.count, one.last_s, one.tells) == (10, 3_000, 2)


def test_what_is_not_listed_is_counted_by_type_with_the_types_severity() -> None:
    given()
    when(leave_unlisted, AuditType.INTEGRITY_FAILURE, 999, 1, 2, by=ADA)
    then(Unlisted(AuditType.INTEGRITY_FAILURE, Severity.CRITICAL, 999, 1, 2))
    then_state(
        log=ADA * 2, type=AuditType.INTEGRITY_FAILURE, count=999, code="", first_s=1, last_s=2,
        severity=Severity.CRITICAL,
    )  # fmt: skip
    when(leave_unlisted, AuditType.INTEGRITY_FAILURE, 1, 1, 2)
    then()


def test_a_payload_is_proved_by_its_salt_and_by_nothing_else() -> None:
    expected = hashlib.sha3_256(b"scm/audit-payload/1\n" + SALT + b"POST /graphql").digest()
    assert payload_hash(SALT, "POST /graphql") == expected
    others = {payload_hash(bytes([number]) * 32, "POST /graphql") for number in range(50)}
    assert len(others | {expected}) == 51
    assert payload_hash(SALT, "\ud800") == payload_hash(SALT, "?")


def test_a_source_is_the_same_for_a_day_on_one_installation() -> None:
    secret = b"k" * 32
    assert source_hash(secret, 7, "10.0.0.1") == source_hash(secret, 7, "10.0.0.1")
    hashes = {
        source_hash(secret, 7, "10.0.0.1"),
        source_hash(secret, 8, "10.0.0.1"),
        source_hash(secret, 7, "10.0.0.2"),
        source_hash(b"l" * 32, 7, "10.0.0.1"),
        hashlib.sha3_256(b"10.0.0.1").digest(),
    }
    assert len(hashes) == 5


def test_hashes_are_what_their_formulas_say() -> None:
    secret, day = b"q" * 32, (20_000).to_bytes(8, "big")
    for text, clear in (("10.0.0.1", b"10.0.0.1"), ("ü", b"\xc3\xbc"), ("\ud800", b"?")):
        assert (
            source_hash(secret, 20_000, text)
            == hashlib.sha3_256(b"scm/audit-source/1\n" + secret + day + clear).digest()
        )
        assert payload_hash(SALT, text) == hashlib.sha3_256(b"scm/audit-payload/1\n" + SALT + clear).digest()


def test_there_are_25_types_each_with_an_emitter_and_a_trigger() -> None:
    assert len(AuditType) == 25 == len(KINDS)
    assert list(KINDS) == list(AuditType)
    assert all(kind.emitter and kind.trigger for kind in KINDS.values())


def test_four_types_are_statistics_that_need_a_consent() -> None:
    assert [each for each, kind in KINDS.items() if kind.consent] == [
        AuditType.FEATURE_USED, AuditType.ACTION_PERFORMED, AuditType.SESSION_STARTED, AuditType.SESSION_ENDED,
    ]  # fmt: skip

"""Reports on the wire: bounded, one spelling of what may be said, and no room for anybody's words."""

import contextlib
from contextlib import nullcontext
from hashlib import sha3_256
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.audit_types import AuditType
from scmanager.domain.consent import consent_hash
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.ledger import Final, LogKind
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import issuing, reports
from scmanager.master_ledger.reports import (
    AUDIT,
    BATCH_BYTES_MAX,
    ERRORS,
    HEALTH,
    KINDS,
    REPORTS_MAX,
    AuditReport,
    Batch,
    BatchMalformed,
    ConsentMissing,
    ErrorReport,
    Frame,
    HealthReport,
    Receipt,
    ReceiptMalformed,
    ReceiptUnlisted,
    blinded_state,
    check_consent,
    check_listed,
    health_salt,
    node_id_of,
    parse_batch,
    parse_receipt,
)
from tests.support.effort import examples
from tests.support.ledger import NOW_S, ROOTS, Server, first_manifest, signed, trusted

ID = b"i" * 16
NOTED = AuditReport(AuditType.P2P_MISMATCH, 1_760_000_000, b"s" * 32, b"p" * 32, "DE", "1.0.0", 3)
WELL = HealthReport(1_760_000_000, "1.0.0", (b"a" * 32, b"b" * 32), 7, 0)
FAULT = ErrorReport(
    "KeyError", (Frame("scmanager.cli", "<module>"), Frame("scmanager.spaces.space", "_fold")), "1.0.0", 1, 2, 9
)
SAMPLES: dict[str, Any] = {AUDIT.name: NOTED, HEALTH.name: WELL, ERRORS.name: FAULT}


def batch_of(kind: Any, *made: Any) -> Any:
    return Batch(ID, consent_hash(kind.purpose, 1), made or (SAMPLES[kind.name],))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_batch_is_read_as_it_was_written_and_rests_on_its_own_consent_alone(kind: Any) -> None:
    batch = batch_of(kind)
    assert parse_batch(kind, msgspec.json.encode(batch)) == batch
    check_consent(kind, batch)
    for other in Purpose:
        if other is not kind.purpose:
            with pytest.raises(ConsentMissing):
                check_consent(kind, msgspec.structs.replace(batch, consent=consent_hash(other, 1)))
    with pytest.raises(ConsentMissing):
        check_consent(kind, msgspec.structs.replace(batch, consent=bytes(32)))


def test_what_is_empty_too_long_or_of_another_kind_is_malformed() -> None:
    for bad in (
        msgspec.json.encode(Batch(ID, bytes(32), ())),
        msgspec.json.encode(Batch(ID, bytes(32), (NOTED,) * (REPORTS_MAX + 1))),
        msgspec.json.encode(Batch(ID[:15], bytes(32), (NOTED,))),
        msgspec.json.encode(batch_of(HEALTH)),
        b" " * BATCH_BYTES_MAX + msgspec.json.encode(batch_of(AUDIT)),
        b"[" * 100_000,
    ):
        with pytest.raises(BatchMalformed):
            parse_batch(AUDIT, bad)


@pytest.mark.parametrize(
    "field",
    [{"error": "ValueError: ada"}, {"error": "x" * 81}, {"version": "at home"}, {"version": "ada@example.org"}],
)
def test_no_words_fit_where_an_error_is_named(field: dict[str, str]) -> None:
    raw = msgspec.json.encode(batch_of(ERRORS, msgspec.structs.replace(FAULT, **field)))
    with pytest.raises(BatchMalformed):
        parse_batch(ERRORS, raw)


@pytest.mark.parametrize(
    "frame",
    [
        ("/home/ada/x.py", "f"),
        ("adas_plugin.main", "f"),
        ("scmanager.a.b.c.d", "f"),
        ("scmanager.cli", "f g"),
        ("scmanager.cli", "<ada>"),
        ("scmanager.cli\n", "f"),
    ],
)
def test_no_path_and_no_foreign_module_fits_where_a_function_is_named(frame: tuple[str, str]) -> None:
    raw = msgspec.json.encode(batch_of(ERRORS, msgspec.structs.replace(FAULT, frames=(Frame(*frame),))))
    with pytest.raises(BatchMalformed):
        parse_batch(ERRORS, raw)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(data=st.data())
@settings(max_examples=examples(200))
def test_whatever_bytes_come_they_are_a_batch_or_malformed(kind: Any, data: st.DataObject) -> None:
    whole = msgspec.json.encode(batch_of(kind))
    at = data.draw(st.integers(0, len(whole)))
    raw = data.draw(st.one_of(st.binary(max_size=200), st.just(whole[:at]), st.builds(
        lambda noise: whole[:at] + noise + whole[at + len(noise) :], st.binary(min_size=1, max_size=8))))  # fmt: skip
    for parse in (lambda: parse_batch(kind, raw), lambda: parse_receipt(1, raw)):
        with contextlib.suppress(BatchMalformed, ReceiptMalformed):
            parse()


def test_a_receipt_is_for_the_batch_that_was_sent_and_within_the_log() -> None:
    receipt = Receipt(b"s" * 32, b"l" * 32, b"g" * 32, 5, 2, 9, b"1" * 64, b"2" * 64, 7)
    assert parse_receipt(2, msgspec.json.encode(receipt)) == receipt
    with pytest.raises(ReceiptMalformed, match="another number"):
        parse_receipt(1, msgspec.json.encode(receipt))
    with pytest.raises(ReceiptMalformed, match="beyond"):
        parse_receipt(2, msgspec.json.encode(msgspec.structs.replace(receipt, first=6)))


def test_a_fingerprint_is_of_the_shape_and_not_of_the_version_or_the_count() -> None:
    again = msgspec.structs.replace(FAULT, version="2.0.0", count=1, first_s=5, last_s=6)
    assert again.fingerprint == FAULT.fingerprint
    assert msgspec.structs.replace(FAULT, error="ValueError").fingerprint != FAULT.fingerprint
    assert msgspec.structs.replace(FAULT, frames=FAULT.frames[:1]).fingerprint != FAULT.fingerprint


def test_one_state_is_another_hash_in_each_report_and_for_each_secret() -> None:
    one, other, state = b"1" * 32, b"2" * 32, b"s" * 32
    salts = {health_salt(secret, at_s) for secret in (one, other) for at_s in (1, 2)}
    hashes = {blinded_state(salt, state) for salt in salts}
    assert len({*salts, *hashes, node_id_of(one), node_id_of(other), state, one, other}) == 13
    assert blinded_state(health_salt(one, 1), state) == blinded_state(health_salt(one, 1), state)


def test_reports_say_no_more_than_the_texts_that_people_consent_to() -> None:
    """A new field needs a new text: change both, and this row."""
    fields = {kind: kind.__struct_fields__ for kind in (AuditReport, HealthReport, ErrorReport)}
    assert fields == {
        AuditReport: ("type", "at", "source", "payload", "region", "version", "count"),
        HealthReport: ("at", "version", "states", "running", "failing"),
        ErrorReport: ("error", "frames", "version", "first_s", "last_s", "count"),
    }
    assert {kind.purpose for kind in reports.KINDS} == set(Purpose) - {Purpose.STATISTICS}


def hashed(context: str, *parts: bytes) -> bytes:
    """By hand, as DESIGN writes H."""
    return sha3_256(context.encode() + b"\n" + b"".join(parts)).digest()


def test_what_is_hashed_here_is_what_its_formula_says() -> None:
    days = (20_000).to_bytes(8, "big")
    assert reports.batch_of(b"n" * 16) == hashed("scm/intake-batch/1", b"n" * 16)[:16]
    assert node_id_of(b"k" * 32) == hashed("scm/reporting-node/1", b"k" * 32)
    assert health_salt(b"s" * 32, 20_000) == hashed("scm/health-salt/1", b"s" * 32, days)
    assert blinded_state(b"1" * 32, b"s" * 32) == hashed("scm/blinded-state/1", b"1" * 32, b"s" * 32)
    shape = b'["KeyError",[["scmanager.cli","<module>"],["scmanager.spaces.space","_fold"]]]'
    assert FAULT.fingerprint == hashed("scm/error/1", shape)
    for asked, day in ((Purpose.ERROR_REPORTS, days), (Purpose.HEALTH, bytes(8))):
        seed = hashed("scm/reporter-key/1", b"s" * 32, day, asked.value.encode(), b"\n", b"a" * 32, b"b" * 32)
        made = reports.reporter_key(b"s" * 32, asked, [b"b" * 32, b"a" * 32], 20_000)
        assert made.public == SigningKey(seed).public


def test_a_refusal_names_the_kind_and_what_is_wrong() -> None:
    whole = msgspec.json.encode(batch_of(AUDIT))
    said = {
        whole.ljust(BATCH_BYTES_MAX + 1): "This is no batch of audit reports: more than 1048576 bytes.",
        b"[]": "This is no batch of audit reports: Expected `object`, got `array`.",
        b"{}": "This is no batch of audit reports: Object missing required field `id`.",
        b"{": "This is no batch of audit reports: Input data was truncated.",
    }
    for raw, told in said.items():
        with pytest.raises(BatchMalformed) as found:
            parse_batch(AUDIT, raw)
        assert str(found.value) == told
    assert parse_batch(AUDIT, whole.ljust(BATCH_BYTES_MAX)) == batch_of(AUDIT), "as long as may be"
    with pytest.raises(ConsentMissing, match=r"^Reports of health reports rest on"):
        check_consent(HEALTH, batch_of(AUDIT))
    long = msgspec.json.encode({"id": "x" * 300})
    with pytest.raises(BatchMalformed) as found:
        parse_batch(AUDIT, long.replace(b"id", b"y" * 300))
    assert len(str(found.value)) <= len("This is no batch of audit reports: .") + 200
    for raw, told in {
        b"{}": "This is no receipt for what was sent: Object missing required field `space`.",
        b"{": "This is no receipt for what was sent: Input data was truncated.",
    }.items():
        with pytest.raises(ReceiptMalformed) as refused:
            parse_receipt(1, raw)
        assert str(refused.value) == told


@pytest.mark.parametrize(
    ("changed", "final", "told"),
    [
        ({}, None, ""),
        ({}, 7, ""),
        ({}, 6, "that log was closed at 6 entries"),
        ({"log": b"x" * 32}, None, "manifest 1 lists no such log"),
        ({"space": b"x" * 32}, None, "manifest 1 lists no such log"),
    ],
)
def test_a_receipt_is_of_a_log_that_is_listed_for_reports_and_below_its_end(
    changed: dict[str, bytes], final: int | None, told: str
) -> None:
    server = Server("intake", kind=LogKind.INTAKE)
    log, manifests = server.log, [first_manifest(Server(), server)]
    if final is not None:
        closed = issuing.revocation(manifests[0].statement, log.key, {log.log: Final(final, b"r" * 32)}, NOW_S)
        manifests.append(signed(closed, *ROOTS[:2]))
    keys = trusted(*manifests)
    given = {"space": log.space, "log": log.log} | changed
    receipt = Receipt(given["space"], given["log"], b"g" * 32, 5, 2, 9, b"1" * 64, b"2" * 64, 7)
    with nullcontext() if not told else pytest.raises(ReceiptUnlisted) as found:
        check_listed(receipt, keys)
    assert found is None or str(found.value).endswith(f": {told}.")
    of_statements = msgspec.structs.replace(receipt, space=Server().log.space, log=Server().log.log)
    with pytest.raises(ReceiptUnlisted, match="that log takes no reports"):
        check_listed(of_statements, keys)

"""What keeps a statement from being one and a file from being read, word for word and on both sides of each bound."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from scmanager.domain.ledger import Channel, KeysPublished, Quorum, Retired, Signed, UpdateSigned, Upto
from scmanager.eventstore.entry import SHARED_BYTES_MAX, encode_json
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.statement import flaw_of, manifest_hash, message
from scmanager.master_ledger.submission import (
    FILE_BYTES_MAX,
    SIGNATURES_MAX,
    BadSubmission,
    SignatureForged,
    StatementUnusable,
)
from tests.golden.logs import key_of, some
from tests.support.ledger import LATER_RELEASE, NOW_S, RELEASE, ROOTS, Server, first_manifest, plugin, update

SERVER = Server()
FIRST = first_manifest(SERVER)
OLD = FIRST.statement
LEDGER = manifest_hash(OLD)
LOG = SERVER.log
UPDATE = submission.make(update(LEDGER), [RELEASE])


def quorum(m: int, *keys: bytes) -> Quorum:
    return Quorum(m, tuple(sorted(keys)))


A, B, C, D = sorted(some(f"key {n}") for n in range(4))


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({}, ""),
        ({"n": 2}, "the first manifest alone names none before it"),
        ({"n": 2, "prev": bytes(31)}, "the first manifest alone names none before it"),
        ({"n": 2, "prev": bytes(32)}, ""),
        ({"prev": bytes(32)}, "the first manifest alone names none before it"),
        ({"root": Quorum(2, (B, A))}, "the root keys are not distinct and in order"),
        ({"root": Quorum(2, (A, A))}, "the root keys are not distinct and in order"),
        ({"root": quorum(3, A, B)}, "more root keys are needed than there are"),
        ({"root": quorum(2, A, B)}, ""),
        ({"root": quorum(2, A, B, C)}, ""),
        ({"root": quorum(1, A, B)}, "two halves of the root keys could each sign a successor"),
        ({"root": quorum(2, A, B, C, D)}, "two halves of the root keys could each sign a successor"),
        ({"root": quorum(1, A)}, ""),
        ({"release": Quorum(1, (B, A))}, "the release keys are not distinct and in order"),
        ({"release": quorum(3, A, B)}, "more release keys are needed than there are"),
        ({"release": quorum(2, A, B)}, ""),
        ({"release": quorum(1, ROOTS[0].public)}, "one key has two roles"),
        ({"release": quorum(1, SERVER.key.public)}, "one key has two roles"),
        ({"root": quorum(1, SERVER.key.public)}, "one key has two roles"),
        ({"logs": (LOG, replace(LOG, log=A))}, "one key has two roles"),
        ({"logs": (LOG, replace(LOG, key=A))}, "one log is listed twice"),
        ({"logs": (LOG, replace(LOG, key=A, log=B))}, ""),
        ({"logs": ()}, ""),
        ({"retired": (Retired(A, ()), Retired(A, ()))}, "a retired key is listed twice or has a role"),
        ({"retired": (Retired(ROOTS[0].public, ()),)}, "a retired key is listed twice or has a role"),
        ({"retired": (Retired(LOG.key, ()),)}, "a retired key is listed twice or has a role"),
        ({"retired": (Retired(A, ()), Retired(B, (Upto(LOG.log, 1),)))}, ""),
        ({"retired": (Retired(A, ()), Retired(B, (Upto(A, 1),)))},
         "a retired key counts in a log that is not listed for statements, or twice in one"),
        ({"retired": (Retired(A, (Upto(LOG.log, 1), Upto(LOG.log, 2))),)},
         "a retired key counts in a log that is not listed for statements, or twice in one"),
    ],
)  # fmt: skip
def test_what_keeps_a_manifest_from_being_one(changed: dict[str, Any], flaw: str) -> None:
    assert flaw_of(replace(OLD, **changed)) == flaw


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({}, ""),
        ({"content_hash": "Qm"}, "This is no content hash that this release knows"),
        ({"version": "1.1"}, "1.1 is no semantic version"),
        ({"version": "1.0.0"}, ""),
        ({"version": "0.9.9"}, "it does not support itself: its lowest supported version is above its own"),
        ({"version": "1.1.0-rc.1"}, "a pre-release cannot be in the stable channel"),
        ({"version": "1.1.0-rc.1", "channel": Channel.RELEASE_CANDIDATE}, ""),
        ({"channel": Channel.BETA}, ""),
    ],
)
def test_what_keeps_an_update_from_being_one(changed: dict[str, Any], flaw: str) -> None:
    assert flaw_of(update(LEDGER, **changed)).removesuffix(".") == flaw


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({}, ""),
        ({"content_hash": "Qm"}, "This is no content hash that this release knows"),
        ({"version": "1"}, "1 is no semantic version"),
        ({"required_core_version": "2"}, "2 is no semantic version"),
        ({"permissions": ()}, ""),
        ({"permissions": ("b", "a")}, "its permissions are not distinct and in order"),
        ({"permissions": ("a", "a")}, "its permissions are not distinct and in order"),
        ({"registered_at": NOW_S}, ""),
        ({"registered_at": NOW_S + 1}, "it was updated before it was registered"),
        ({"name": "a\nb"}, "its name: "),
        ({"author": "a\nb"}, "its author: "),
        ({"description": "a\nb"}, "its description: "),
    ],
)
def test_what_keeps_a_plugin_from_being_one(changed: dict[str, Any], flaw: str) -> None:
    found = flaw_of(plugin(LEDGER, **changed)).removesuffix(".")
    assert found.startswith(flaw) if flaw.endswith(": ") else found == flaw


def test_a_later_manifest_is_signed_for_the_one_before_it() -> None:
    later = issuing.following(OLD, NOW_S)
    assert message(later) == b"scm/key-manifest/1\n" + manifest_hash(OLD) + encode_json(later)


# Files


def refused(data: bytes) -> object:
    with pytest.raises(BadSubmission) as bad:
        submission.parse(data)
    return bad.value.facts["reason"]


def line(kind: str = "update.signed/1", payload: bytes = b"{}") -> bytes:
    return b'{"type":"%s","payload":%s}\n' % (kind.encode(), payload)


def rows(*signatures: Signed) -> bytes:
    return submission.encode((UpdateSigned(update(LEDGER), signatures),))


ONE, OTHER = (Signed(each, bytes(64)) for each in (A, B))
SPACED = encode_json(UPDATE).replace(b'{"statement":', b'{ "statement":')


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x" * (FILE_BYTES_MAX + 1), "the file is too long"),
        (b"x" * FILE_BYTES_MAX, "the file is empty, or its last line does not end"),
        (b"", "the file is empty, or its last line does not end"),
        (line()[:-1], "the file is empty, or its last line does not end"),
        (b"x" * (SHARED_BYTES_MAX + 1) + b"\n", "a line is longer than any entry"),
        (b"x" * SHARED_BYTES_MAX + b"\n", "a line cannot be read"),
        (b'{"type":"a","payload":{},"more":1}\n', "a line cannot be read"),
        (line().replace(b":", b": ", 1), "a line is spelled in another way"),
        (line("grant.removed/1"), "it is of a type that the ledger does not know"),
        (line(), "its fields are not those of update.signed/1"),
        (line(payload=SPACED), "it is spelled in another way"),
        (rows(OTHER, ONE), "its signatures are not one a key and in order"),
        (rows(ONE, ONE), "its signatures are not one a key and in order"),
        (submission.encode((UpdateSigned(update(LEDGER, version="1.1.0-rc.1"), ()),)),
         "a pre-release cannot be in the stable channel"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_statements_is_told_by_its_reason(data: bytes, reason: str) -> None:
    assert refused(data) == reason


def test_a_file_has_a_line_for_each_statement_and_nothing_between() -> None:
    data = submission.encode((UPDATE, FIRST))
    assert data == submission.encode((UPDATE,)) + submission.encode((FIRST,))
    assert submission.parse(data) == (UPDATE, FIRST)


def test_an_entry_s_part_that_nobody_can_read_is_told_as_such() -> None:
    with pytest.raises(BadSubmission) as bad:
        submission.from_part(b"noise")
    assert bad.value.facts == {"reason": "the entry's shared part is malformed"}


def test_signatures_of_others_are_read_up_to_their_bound() -> None:
    assert submission.parse(rows(ONE, OTHER))[0].signatures == (ONE, OTHER)
    crowd: Sequence[Any] = [key_of(f"one of many {n}") for n in range(SIGNATURES_MAX)]
    assert len(submission.sign(UpdateSigned(update(LEDGER), ()), crowd).signatures) == SIGNATURES_MAX
    with pytest.raises(StatementUnusable) as many:
        submission.sign(UPDATE, crowd)
    assert many.value.facts == {"why": "it would have more than 64 signatures"}


def test_what_cannot_be_signed_is_told_by_what_is_wrong_with_it() -> None:
    with pytest.raises(StatementUnusable) as typed:
        submission.make(update(LEDGER, size_bytes=-1), [RELEASE])
    assert typed.value.facts == {"why": "Expected `int` >= 0 - at `$.size_bytes`"}
    with pytest.raises(StatementUnusable) as ruled:
        submission.make(update(LEDGER, version="1.1.0-rc.1"), [RELEASE])
    assert ruled.value.facts == {"why": "a pre-release cannot be in the stable channel"}


def test_a_forged_signature_is_told_with_the_key_that_it_claims() -> None:
    forged = msgspec.structs.replace(UPDATE, signatures=(Signed(RELEASE.public, bytes(64)),))
    with pytest.raises(SignatureForged) as told:
        submission.signers(forged, quorum(1, RELEASE.public))
    assert told.value.facts == {"what": "update.signed/1", "key": RELEASE.public.hex()}
    assert submission.signers(forged, quorum(1, LATER_RELEASE.public)) == frozenset()


def test_a_second_signature_takes_the_place_of_the_same_key_s_first() -> None:
    unsound = KeysPublished(OLD, (Signed(ROOTS[0].public, bytes(64)),))
    assert submission.sign(unsound, ROOTS[:2]) == submission.make(OLD, ROOTS[:2])

"""Submissions: one spelling, frozen bytes, and nothing but Untrusted for whatever else a file may hold."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.domain.ledger import Quorum, Signed
from scmanager.eventstore import content
from scmanager.eventstore.signing import verify
from scmanager.master_ledger import submission
from scmanager.master_ledger.statement import manifest_hash, message
from scmanager.master_ledger.submission import BadSubmission, SignatureForged, StatementUnusable, Submission
from tests.golden.logs import key_of
from tests.support.ledger import RELEASE, ROOTS, Server, first_manifest, plugin, update

SERVER = Server()
MANIFEST = first_manifest(SERVER)
LEDGER = manifest_hash(MANIFEST.statement)
UPDATE = submission.make(update(LEDGER), [RELEASE])
PLUGIN = submission.make(plugin(LEDGER), [RELEASE])
FILE = submission.encode((MANIFEST, UPDATE, PLUGIN))


def test_the_bytes_of_a_file_and_of_what_is_signed_are_frozen() -> None:
    assert LEDGER.hex() == "7e5d104d98d9acc37f65b5d9f7929490698bb0c209b2ce779feb17fbaa70a5ae"
    assert sha256(FILE).hexdigest() == "db02a01d1cbd7d6382eeb1486dbb8c3e9f632db285a62e279f754220f783d1b0"
    assert (
        sha256(b"".join(message(each.statement) for each in (MANIFEST, UPDATE, PLUGIN))).hexdigest()
        == "06947bc56bb019aecda50086bdb8a2e32647d6fa92cb2bc1c36002999194a02c"
    )


def test_a_file_reads_back() -> None:
    assert submission.parse(FILE) == (MANIFEST, UPDATE, PLUGIN)


def test_what_is_signed_names_its_purpose_and_its_ledger() -> None:
    assert message(MANIFEST.statement).startswith(b"scm/key-manifest/1\n" + bytes(32) + b"{")
    assert message(UPDATE.statement).startswith(b"scm/update/1\n" + LEDGER + b"{")
    assert message(PLUGIN.statement).startswith(b"scm/plugin/1\n" + LEDGER + b"{")
    assert verify(RELEASE.public, message(UPDATE.statement), UPDATE.signatures[0].signature)


@given(st.permutations(ROOTS))
def test_signatures_stand_in_one_order_and_signing_twice_changes_nothing(roots: list[object]) -> None:
    found = MANIFEST
    for root in roots:
        found = submission.sign(found, [root])  # type: ignore[list-item,assignment]
    assert found == submission.sign(MANIFEST, ROOTS)
    assert submission.sign(found, ROOTS[:1]) == found


def test_signatures_of_the_quorum_are_counted_and_others_passed_over() -> None:
    quorum = Quorum(1, tuple(sorted(each.public for each in ROOTS)))
    stranger = submission.sign(MANIFEST, [key_of("a stranger")])
    assert submission.signers(stranger, quorum) == {each.public for each in ROOTS[:2]}
    assert submission.signers(UPDATE, quorum) == frozenset()


@given(st.integers(0, 63), st.integers(1, 255))
def test_a_signature_of_a_known_key_that_does_not_hold_refuses_the_whole(at: int, bits: int) -> None:
    first, *others = MANIFEST.signatures
    value = first.signature
    forged = Signed(first.key, value[:at] + bytes((value[at] ^ bits,)) + value[at + 1 :])
    with pytest.raises(SignatureForged):
        submission.signers(type(MANIFEST)(MANIFEST.statement, (forged, *others)), MANIFEST.statement.root)


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_every_changed_byte_is_seen(at: int, bits: int) -> None:
    """A change that still reads is a change of what was signed, or of a signature."""
    try:
        found = submission.parse(FILE[:at] + bytes((FILE[at] ^ bits,)) + FILE[at + 1 :])
    except BadSubmission:
        return
    for each, was in zip(found, (MANIFEST, UPDATE, PLUGIN), strict=True):
        if each != was:
            assert not holds(each)


def holds(each: Submission) -> bool:
    keys = {key.public for key in (*ROOTS, RELEASE)}
    said = message(each.statement)
    return all(row.key in keys and verify(row.key, said, row.signature) for row in each.signatures)


@given(st.binary(max_size=300))
def test_noise_is_untrusted(noise: bytes) -> None:
    for data in (
        noise,
        noise + b"\n",
        b'{"type":"update.signed/1","payload":' + noise + b"}\n",
        FILE + noise + b"\n",
    ):
        with pytest.raises(BadSubmission):
            submission.parse(data)


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"update.signed/1","payload":{}}',
        b'{"type":"grant.removed/1","payload":{}}',
        b'{"payload":{},"type":"update.signed/1"}',
        b'{"type":"update.signed/1","payload":' + b"[" * 60_000 + b"}",
        b'{"type":"update.signed/1","payload":{"statement":null,"signatures":[]},"more":1}',
        b'{"type":"update.signed/1", "payload":{}}',
        b"null",
        b"",
    ],
)
def test_lines_that_are_none(line: bytes) -> None:
    with pytest.raises(BadSubmission):
        submission.parse(line + b"\n")


def test_fields_twice_or_in_another_order_or_more_of_them_are_another_spelling() -> None:
    line = submission.encode((UPDATE,))
    for old, new in ((b'"size_bytes":', b'"size_bytes":1,"size_bytes":'), (b'"ledger":', b'"price":1,"ledger":')):
        with pytest.raises(BadSubmission):
            submission.parse(line.replace(old, new))


def test_a_line_has_one_spelling_as_well() -> None:
    line = submission.encode((UPDATE,))
    head, payload = b'{"type":"update.signed/1",', line[26:-2]
    assert line == head + payload + b"}\n"
    for other in (b'{"type": "update.signed/1",' + payload, b"{" + payload + b',"type":"update.signed/1"'):
        with pytest.raises(BadSubmission, match="another way"):
            submission.parse(other + b"}\n")


def test_a_file_ends_and_is_not_endless() -> None:
    for data in (b"", FILE[:-1], b"\n" * 3, b"x" * (submission.FILE_BYTES_MAX + 1)):
        with pytest.raises(BadSubmission):
            submission.parse(data)


def test_an_entry_s_part_0_reads_as_what_was_submitted() -> None:
    index = SERVER.append(UPDATE)
    assert submission.from_part(SERVER.said[index][1]) == UPDATE


@given(st.binary(max_size=200))
def test_any_part_0_is_ours_or_untrusted(noise: bytes) -> None:
    with pytest.raises(BadSubmission):
        submission.from_part(noise)


def test_a_part_0_of_another_type_is_none() -> None:
    index = SERVER.append(UPDATE, kind="plugin.signed/1")
    assert content.read(SERVER.said[index][1]) is not None
    with pytest.raises(BadSubmission, match="fields are not those"):
        submission.from_part(SERVER.said[index][1])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"version": "1.1"}, "regex"),
        ({"version": "1.1.0-01"}, "no semantic version"),
        ({"min_supported_version": "1.1.1"}, "does not support itself"),
        ({"version": "1.1.0-rc.1"}, "pre-release"),
        ({"content_hash": "Qm"}, "regex"),
        ({"content_hash": "bafkrei" + "7" * 52}, "no content hash"),
        ({"changelog_url": "http://example.org"}, "regex"),
        ({"size_bytes": -1}, ">= 0"),
        ({"ledger": bytes(31)}, ">= 32"),
    ],
)
def test_an_update_that_breaks_a_rule_is_neither_signed_nor_read(changed: dict[str, object], why: str) -> None:
    statement = replace(update(LEDGER), **changed)
    with pytest.raises(StatementUnusable, match=why):
        submission.make(statement, [RELEASE])
    with pytest.raises(BadSubmission):
        submission.parse(submission.encode((type(UPDATE)(statement, ()),)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"permissions": ("read.fleet", "net:a")}, "in order"),
        ({"permissions": ("read.fleet", "read.fleet")}, "in order"),
        ({"permissions": ("Read",)}, "regex"),
        ({"id": "ωorg.example"}, "regex"),
        ({"name": "Mining\u202egnp"}, "invisible"),
        ({"description": "Two\nlines"}, "invisible"),
        ({"author": ""}, "length"),
        ({"registered_at": 2**40}, "before it was registered"),
        ({"required_core_version": "1.0.0-01"}, "no semantic version"),
    ],
)
def test_a_plugin_that_breaks_a_rule_is_neither_signed_nor_read(changed: dict[str, object], why: str) -> None:
    statement = replace(plugin(LEDGER), **changed)
    with pytest.raises(StatementUnusable, match=why):
        submission.make(statement, [RELEASE])
    with pytest.raises(BadSubmission):
        submission.parse(submission.encode((type(PLUGIN)(statement, ()),)))  # type: ignore[arg-type]


def test_more_signatures_than_anybody_needs_are_refused() -> None:
    crowd = [key_of(f"one of many {n}") for n in range(65)]
    with pytest.raises(StatementUnusable, match="64"):
        submission.sign(UPDATE, crowd)


def test_signatures_out_of_order_are_another_spelling() -> None:
    one, other = MANIFEST.signatures
    for rows in ((other, one), (one, one), (one, other, other)):
        with pytest.raises(BadSubmission, match="in order"):
            submission.parse(submission.encode((type(MANIFEST)(MANIFEST.statement, rows),)))

"""What verification tells, word for word, and from where a retired key's word counts."""

from typing import Any

import pytest
from msgspec.structs import replace

from scmanager.domain.ledger import AuditStatus, Channel, PluginSigned, UpdateSigned
from scmanager.master_ledger import issuing, policy, submission
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.policy import ED25519, Policy, Vkey
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import (
    STALE_S,
    Report,
    seen_by_a_quorum,
    verify_plugin,
    verify_update,
)
from tests.support.ledger import (
    CONTENT,
    HERE,
    LATER_RELEASE,
    NOW_S,
    POLICY,
    RELEASE,
    ROOTS,
    WITHOUT_WITNESSES,
    WITNESSES,
    Server,
    artefact,
    first_manifest,
    plugin,
    signed,
    trusted,
    update,
)


class Ledger:
    """One entry after another in the author's log, and a second log that is his too."""

    def __init__(self) -> None:
        self.server, self.other = Server(), Server("another server")
        self.first = first_manifest(self.server, self.other)
        self.id = manifest_hash(self.first.statement)
        self.keys = trusted(self.first)

    def proof(self, said: Any, server: Server | None = None, note: bytes | None = None) -> bytes:
        """Of a new entry that says this."""
        log = server or self.server
        signed_said = said if isinstance(said, UpdateSigned | PluginSigned) else submission.make(said, [RELEASE])
        return log.proof(log.append(signed_said), note).to_bytes()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def asked(
    ledger: Ledger,
    proof: bytes,
    data: bytes = CONTENT,
    keys: TrustedKeys | None = None,
    rules: Policy = POLICY,
    **here: Any,
) -> Report:
    return verify_update(artefact(data), proof, keys or ledger.keys, rules, replace(HERE, **here))


def told(report: Report) -> list[str]:
    return [str(each) for each in report.problems]


def test_what_is_wrong_with_an_update_is_told_with_what_was_found_and_what_was_signed(
    ledger: Ledger,
) -> None:
    said = update(ledger.id, channel=Channel.BETA, version="1.1.0-beta.1")
    report = asked(ledger, ledger.proof(said), b"another", version="2.0.0")
    other = update(ledger.id, b"another")
    assert told(report) == [
        f"The file is not what was signed: its content hash is {other.content_hash}, that of {said.content_hash} was"
        " signed.",
        "The file has 7 bytes, 33 were signed.",
        "Version 1.1.0-beta.1 is not newer than 2.0.0, which is installed.",
        "The update is for the channel beta, and this installation follows stable.",
    ]
    assert report.said == said, "what it claims is told all the same"


def test_what_is_wrong_with_a_plugin_is_told_likewise(ledger: Ledger) -> None:
    said = plugin(ledger.id, audit_status=AuditStatus.BLOCKED, required_core_version="1.0.1")
    report = verify_plugin(artefact(), ledger.proof(said), ledger.keys, POLICY, HERE)
    assert told(report) == [
        "The plugin's audit status is blocked.",
        "The plugin needs version 1.0.1; 1.0.0 is installed.",
    ]
    assert report.said == said


def test_a_statement_of_another_kind_is_told_with_both(ledger: Ledger) -> None:
    report = asked(ledger, ledger.proof(plugin(ledger.id)))
    assert told(report) == ["The entry is no update.signed/1, it is a plugin.signed/1."]
    assert report.said is None


def test_a_log_that_is_none_of_his_is_told_by_its_origin_and_the_manifest_that_was_asked(ledger: Ledger) -> None:
    own = Server("somebody's server")
    report = asked(ledger, ledger.proof(update(ledger.id), own))
    assert told(report) == [f"The proof is from a log that is none of the author's by key manifest 1: {own.origin}."]
    assert report.head == b"", "a head is named only where one of his logs signed it"


def test_the_head_that_the_proof_leads_to_is_named(ledger: Ledger) -> None:
    proof = ledger.proof(update(ledger.id))
    assert asked(ledger, proof).head == ledger.server.note()
    assert asked(ledger, proof, version="9.0.0").head == ledger.server.note()


def test_how_many_witnesses_counted_is_told(ledger: Ledger) -> None:
    index = ledger.server.append(submission.make(update(ledger.id), [RELEASE]))
    note = ledger.server.note(witnesses=WITNESSES[:1])
    report = asked(ledger, ledger.server.proof(index, note).to_bytes())
    assert told(report) == [
        "Too few witnesses have cosigned the head: 1 of those in the policy, which is no quorum.",
    ]


def test_where_a_log_was_closed_is_told_with_the_size_that_is_beyond_it(ledger: Ledger) -> None:
    log, head = issuing.head_of(ledger.first.statement, ledger.server.note(), POLICY, NOW_S)
    made = issuing.revocation(ledger.first.statement, ledger.server.key.public, {log: head}, NOW_S)
    keys = trusted(ledger.first, signed(made, *ROOTS))
    proof = ledger.proof(update(ledger.id))
    assert told(asked(ledger, proof, keys=keys)) == [
        "The author closed that log at 1 entries, and the proof's head (2) is not of that history.",
    ]


def test_a_log_of_the_author_s_that_the_policy_does_not_list_under_this_key(ledger: Ledger) -> None:
    other = Vkey(ledger.other.origin, ED25519, ledger.server.key.public).text()
    rules = policy.parse(f"log {other}\nquorum none\n".encode())
    report = asked(ledger, ledger.proof(update(ledger.id)), rules=rules)
    assert told(report) == ["The policy does not list the log that the proof is from."]


@pytest.mark.parametrize("file", [b"", b"c2sp.org/tlog-proof@v1\nindex 0\n\nno note"])
def test_a_file_that_is_no_proof_is_told_as_such_and_nothing_else_is(ledger: Ledger, file: bytes) -> None:
    report = asked(ledger, file)
    assert (report.said, len(report.problems), report.remarks, report.head) == (None, 1, (), b"")
    assert report.problems[0].code in {"bad-proof", "bad-note"}


def test_a_release_key_that_was_retired_counts_in_the_log_and_below_the_size_that_the_manifest_names(
    ledger: Ledger,
) -> None:
    """Whoever steals it later can add to the log, but not below that size, and not in another log of his."""
    before = ledger.proof(update(ledger.id))
    log, head = issuing.head_of(ledger.first.statement, ledger.server.note(), POLICY, NOW_S)
    made = issuing.revocation(ledger.first.statement, RELEASE.public, {log: head}, NOW_S, LATER_RELEASE.public)
    keys = trusted(ledger.first, signed(made, *ROOTS))
    assert asked(ledger, before, keys=keys).ok
    for server in (ledger.server, ledger.other):  # There behind that size, and here at an index below it.
        assert told(asked(ledger, ledger.proof(update(ledger.id), server), keys=keys)) == [
            "The release keys of manifest 2 have not signed this update.signed/1: 0 of 1.",
        ]
    later = submission.make(update(ledger.id), [LATER_RELEASE])
    assert asked(ledger, ledger.proof(later), keys=keys).ok


# Remarks


def test_remarks_are_whole_sentences_with_their_days(ledger: Ledger) -> None:
    proof = ledger.proof(update(ledger.id, min_supported_version="1.1.0"))
    unsupported = "By this update 1.0.0, which is installed, is not supported any more."
    assert asked(ledger, proof, now_s=NOW_S + STALE_S).remarks == (unsupported,)
    for later_s, days in ((1, 14), (86_399, 14), (86_400, 15)):
        stale = f"A quorum of witnesses saw this head {days} days ago: there may be newer releases, or keys."
        assert asked(ledger, proof, now_s=NOW_S + STALE_S + later_s).remarks == (stale, unsupported)
    alone = "The policy asks for no witness: nobody but the log vouches that others are shown the same."
    assert asked(ledger, proof, rules=WITHOUT_WITNESSES).remarks == (alone, unsupported)


def test_a_quorum_saw_a_head_when_the_last_that_it_needs_did() -> None:
    assert seen_by_a_quorum(POLICY, {b"w0": 5, b"w1": 9, b"w2": 7}) == 7
    assert seen_by_a_quorum(POLICY, {b"w0": 9, b"w2": 9}) == 9
    assert seen_by_a_quorum(POLICY, {b"w0": 5}) is None
    assert seen_by_a_quorum(WITHOUT_WITNESSES, {}) is None

"""Verification: good is told as good, each thing that is wrong by its code; a thief with one key gets nowhere."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.domain.ledger import AuditStatus, Channel, KeysPublished, LogKind, UpdateSigned
from scmanager.eventstore import checkpoint
from scmanager.eventstore.checkpoint import note_from
from scmanager.eventstore.merkle import inclusion_proof
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import issuing, policy, submission
from scmanager.master_ledger.cosignature import cosign
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.policy import ED25519, Policy, Vkey
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import AHEAD_S, STALE_S, Here, Report, verify_plugin, verify_update
from tests.golden.logs import key_of, some
from tests.support.effort import examples
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
    name_of,
    plugin,
    signed,
    trusted,
    update,
)


class Published:
    """A ledger in which an update and a plugin have been published."""

    def __init__(self) -> None:
        self.server = Server()
        self.manifest = first_manifest(self.server)
        self.ledger = manifest_hash(self.manifest.statement)
        self.keys = trusted(self.manifest)
        self.server.append(self.manifest)
        self.update = self.server.append(submission.make(update(self.ledger), [RELEASE]))
        self.plugin = self.server.append(submission.make(plugin(self.ledger), [RELEASE]))
        for n in range(4):
            later = update(self.ledger, version=f"1.0.{n}", min_supported_version="0.9.0")
            self.server.append(submission.make(later, [RELEASE]))

    def publish(self, statement: Any, *keys: SigningKey) -> int:
        return self.server.append(submission.make(statement, keys or [RELEASE]))


HELD = Published()
"""Nobody adds to it."""
PROOF = HELD.server.proof(HELD.update).to_bytes()


def verify(
    proof: bytes = PROOF, data: bytes = CONTENT, keys: TrustedKeys = HELD.keys, rules: Policy = POLICY, **here: Any
) -> Report:
    return verify_update(artefact(data), proof, keys, rules, replace(HERE, **here))


def codes(report: Report) -> set[str]:
    assert not report.ok
    assert all(str(each) and each.hint for each in report.problems)
    return {each.code for each in report.problems}


def test_what_the_author_released_is_good() -> None:
    report = verify()
    assert report.ok, report.problems
    assert report.remarks == ()
    assert report.said == update(HELD.ledger)


def test_a_plugin_he_passed_is_good() -> None:
    report = verify_plugin(artefact(), HELD.server.proof(HELD.plugin).to_bytes(), HELD.keys, POLICY, HERE)
    assert report.ok, report.problems
    assert report.said == plugin(HELD.ledger)


# Each thing that can be wrong, alone


def test_another_file_is_told_by_its_hash_and_its_size() -> None:
    assert codes(verify(data=CONTENT + b"!")) == {"content-differs", "size-differs"}
    assert codes(verify(data=CONTENT[:-1] + b"!")) == {"content-differs"}


def test_what_is_not_newer_than_what_is_installed() -> None:
    assert codes(verify(version="1.1.0")) == {"not-newer"}
    assert codes(verify(version="2.0.0")) == {"not-newer"}
    assert verify(version="1.1.0-rc.1").ok


def test_a_bolder_channel_than_the_one_followed() -> None:
    held = Published()
    index = held.publish(update(held.ledger, version="1.2.0-beta.1", channel=Channel.BETA))
    proof = held.server.proof(index).to_bytes()
    assert codes(verify(proof)) == {"other-channel"}
    assert codes(verify(proof, channel=Channel.RELEASE_CANDIDATE)) == {"other-channel"}
    assert verify(proof, channel=Channel.BETA).ok
    assert verify(proof, channel=Channel.ALPHA).ok


def test_a_plugin_s_proof_is_none_of_an_update_and_the_other_way_round() -> None:
    assert codes(verify(HELD.server.proof(HELD.plugin).to_bytes())) == {"other-statement"}
    assert codes(verify_plugin(artefact(), PROOF, HELD.keys, POLICY, HERE)) == {"other-statement"}


@pytest.mark.parametrize("status", [each for each in AuditStatus if each is not AuditStatus.PASS])
def test_a_plugin_that_he_did_not_pass(status: AuditStatus) -> None:
    held = Published()
    proof = held.server.proof(held.publish(plugin(held.ledger, audit_status=status))).to_bytes()
    assert codes(verify_plugin(artefact(), proof, held.keys, POLICY, HERE)) == {"plugin-not-passed"}


def test_a_plugin_that_needs_a_newer_core() -> None:
    proof = HELD.server.proof(HELD.plugin).to_bytes()
    told = verify_plugin(artefact(), proof, HELD.keys, POLICY, replace(HERE, version="1.0.0-rc.1"))
    assert codes(told) == {"core-too-old"}


def test_a_statement_for_another_author_s_ledger() -> None:
    held = Published()
    index = held.publish(update(some("another ledger")))
    assert codes(verify(held.server.proof(index).to_bytes())) == {"other-ledger"}


def test_that_it_is_another_author_s_is_told_before_what_follows_from_it() -> None:
    server = Server("another author's")
    theirs = manifest_hash(first_manifest(server).statement)
    proof = server.proof(server.append(submission.make(update(theirs), [RELEASE]))).to_bytes()
    first, *others = verify(proof).problems
    assert first.code == "other-ledger"
    assert "log-not-listed" in {each.code for each in others}


def test_a_log_that_is_none_of_his() -> None:
    other = Published.__new__(Published)
    other.server = Server("somebody's server")
    index = other.server.append(submission.make(update(HELD.ledger), [RELEASE]))
    assert codes(verify(other.server.proof(index).to_bytes())) == {"log-not-listed"}


def test_a_log_of_his_that_takes_reports() -> None:
    """Whoever has its key enters what the author signed long ago."""
    reports = Server("reports", kind=LogKind.INTAKE)
    listed = issuing.following(HELD.keys.manifest, NOW_S, logs=[reports.log])
    keys = HELD.keys.follow(signed(listed, *ROOTS[:2]))
    index = reports.append(submission.make(update(HELD.ledger), [RELEASE]))
    assert codes(verify(reports.proof(index).to_bytes(), keys=keys)) == {"log-of-reports"}


def test_a_log_that_the_policy_does_not_list() -> None:
    listed = Vkey(HELD.server.origin, ED25519, HELD.server.key.public).text()
    other = Vkey(HELD.server.origin, ED25519, key_of("another").public).text()
    assert verify(rules=policy.parse(f"log {listed}\nquorum none\n".encode())).ok
    assert codes(verify(rules=policy.parse(f"log {other}\nquorum none\n".encode()))) == {"log-not-accepted"}


def test_an_entry_that_is_not_under_the_head() -> None:
    proof = HELD.server.proof(HELD.update)
    for hashes in (proof.hashes[:-1], (*proof.hashes, bytes(32)), (bytes(32), *proof.hashes[1:])):
        assert codes(verify(replace(proof, hashes=hashes).to_bytes())) == {"not-included"}


def test_an_entry_of_another_log_under_a_head_of_this_one() -> None:
    """Its log would say by which size a retired key still counts."""
    ours, other = Published(), Server("another server")
    for _ in range(ours.update):
        index = other.append(submission.make(update(ours.ledger), [RELEASE]))
    ours.server.said[index], ours.server.leaves[index] = other.said[index], other.leaves[index]
    proof = ours.server.proof(index).to_bytes()
    assert codes(verify(proof, keys=ours.keys)) == {"not-included"}


def test_a_head_that_names_another_space_is_none_of_his_log() -> None:
    """Witnesses keep each origin apart: under another name the log could show another history."""
    server = HELD.server
    _, log = checkpoint.parse_origin(server.origin)
    head = replace(server.head(), origin=checkpoint.origin(some("another space"), log))
    note = checkpoint.sign_note(head, server.key)
    note += b"".join(cosign(head.text(), name_of(each), each, NOW_S) for each in WITNESSES)
    assert codes(verify(server.proof(HELD.update, note).to_bytes())) == {"log-not-listed"}


def test_a_proof_that_carries_no_entry_or_another_s() -> None:
    proof = HELD.server.proof(HELD.update)
    assert codes(verify(replace(proof, extra=b"").to_bytes())) == {"bad-proof"}
    other = replace(proof, extra=HELD.server.proof(HELD.plugin).extra)
    assert codes(verify(other.to_bytes())) == {"bad-proof"}


def test_a_head_that_its_log_did_not_sign() -> None:
    head = HELD.server.head()
    note = note_from(head, key_of("another").sign(head.text().encode()), key_of("another").public)
    note += b"".join(cosign(head.text(), name_of(each), each, NOW_S) for each in WITNESSES)
    assert codes(verify(HELD.server.proof(HELD.update, note).to_bytes())) == {"note-not-signed"}


def test_too_few_witnesses() -> None:
    for witnesses in ((), WITNESSES[:1], (WITNESSES[0], WITNESSES[0]), (WITNESSES[0], key_of("a stranger"))):
        note = HELD.server.note(witnesses=witnesses)
        assert codes(verify(HELD.server.proof(HELD.update, note).to_bytes())) == {"not-witnessed"}
    assert verify(HELD.server.proof(HELD.update, HELD.server.note(witnesses=WITNESSES[1:])).to_bytes()).ok


def test_a_known_witness_whose_line_does_not_hold() -> None:
    forged = cosign("another head\n", name_of(WITNESSES[2]), WITNESSES[2], NOW_S)
    note = HELD.server.note(witnesses=WITNESSES[:2]) + forged
    assert "note-wrong-signature" in codes(verify(HELD.server.proof(HELD.update, note).to_bytes()))


def test_cosignatures_of_the_future_do_not_count_and_of_a_clock_a_day_ahead_do() -> None:
    proof = HELD.server.proof(HELD.update, HELD.server.note(at_s=NOW_S + AHEAD_S)).to_bytes()
    assert verify(proof).ok
    assert codes(verify(proof, now_s=NOW_S - 1)) == {"not-witnessed"}


def test_replayed_cosignatures_of_an_older_head() -> None:
    older = HELD.server.note(HELD.update + 1)
    newer = HELD.server.note(witnesses=())
    lines = older.split(b"\n\n")[1].split(b"\n", 1)[1]
    assert "note-wrong-signature" in codes(verify(HELD.server.proof(HELD.update, newer + lines).to_bytes()))


def test_too_few_release_keys() -> None:
    both = issuing.quorum(2, [RELEASE.public, LATER_RELEASE.public])
    stricter = signed(issuing.following(HELD.manifest.statement, NOW_S, release=both), *ROOTS)
    assert codes(verify(keys=trusted(HELD.manifest, stricter))) == {"signatures-missing"}


def test_all_that_is_wrong_is_told_at_once() -> None:
    proof = HELD.server.proof(HELD.plugin, HELD.server.note(witnesses=()))
    told = verify(replace(proof, hashes=()).to_bytes(), data=b"another")
    assert codes(told) == {"not-witnessed", "not-included", "other-statement"}
    proof = HELD.server.proof(HELD.update, HELD.server.note(witnesses=()))
    told = verify(replace(proof, hashes=()).to_bytes(), data=b"another", version="9.0.0", channel=Channel.STABLE)
    assert codes(told) == {"not-witnessed", "not-included", "content-differs", "size-differs", "not-newer"}


# Age refuses nothing


def test_a_year_without_the_author_is_a_remark_with_its_age() -> None:
    year = verify(now_s=NOW_S + 365 * 86_400)
    assert year.ok
    assert any("365 days ago" in each for each in year.remarks)
    assert verify(now_s=NOW_S + STALE_S).remarks == ()


def test_the_age_is_that_of_the_newest_quorum() -> None:
    """One witness that is still about does not make the others fresh; one that is not makes none of them stale."""
    head = HELD.server.head()
    note = HELD.server.note(witnesses=())
    lines = [
        cosign(head.text(), name_of(each), each, at_s) for each, at_s in zip(WITNESSES, (0, 0, NOW_S), strict=True)
    ]
    assert verify(HELD.server.proof(HELD.update, note + b"".join(lines)).to_bytes()).remarks
    lines[1] = cosign(head.text(), name_of(WITNESSES[1]), WITNESSES[1], NOW_S)
    assert verify(HELD.server.proof(HELD.update, note + b"".join(lines)).to_bytes()).remarks == ()


def test_a_policy_without_witnesses_is_remarked_upon() -> None:
    told = verify(HELD.server.proof(HELD.update, HELD.server.note(witnesses=())).to_bytes(), rules=WITHOUT_WITNESSES)
    assert told.ok
    assert any("no witness" in each for each in told.remarks)


def test_an_installation_that_is_too_old_is_told_so() -> None:
    assert any("not supported" in each for each in verify(version="0.9.0").remarks)


# A closed log


@pytest.fixture
def closed() -> tuple[Published, TrustedKeys]:
    """The log was closed at a head that has the update under it; its key went on signing."""
    held = Published()
    log, head = issuing.head_of(held.manifest.statement, held.server.note(), POLICY, NOW_S)
    made = issuing.revocation(held.manifest.statement, held.server.key.public, {log: head}, NOW_S)
    return held, trusted(held.manifest, signed(made, *ROOTS))


def test_in_a_closed_log_the_final_head_counts_and_earlier_ones_that_witnesses_saw(
    closed: tuple[Published, TrustedKeys],
) -> None:
    held, keys = closed
    for rules in (POLICY, WITHOUT_WITNESSES):
        assert verify(held.server.proof(held.update).to_bytes(), keys=keys, rules=rules).ok
    earlier = held.server.proof(held.update, size=held.update + 1)
    assert verify(earlier.to_bytes(), keys=keys).ok
    assert codes(verify(earlier.to_bytes(), keys=keys, rules=WITHOUT_WITNESSES)) == {"head-unwitnessed"}


def test_in_a_closed_log_nothing_later_counts_and_no_other_history(closed: tuple[Published, TrustedKeys]) -> None:
    held, keys = closed
    later = held.publish(update(held.ledger, version="1.2.0"))
    assert codes(verify(held.server.proof(later).to_bytes(), keys=keys)) == {"log-closed"}
    forked = Server()
    while len(forked.leaves) < len(HELD.server.leaves):
        index = forked.append(submission.make(update(held.ledger, version="1.2.0"), [RELEASE]))
    assert codes(verify(forked.proof(index).to_bytes(), keys=keys)) == {"log-closed"}


# A thief


class Thief:
    """Whoever has the server: its log key, all that was ever published, and keys of his own.

    Witnesses cosign heads that extend what they saw, whatever stands in the log: they do not read it.
    """

    def __init__(self) -> None:
        self.held = Published()
        self.own = key_of("the thief")

    def says(self, statement: Any, *keys: SigningKey) -> bytes:
        index = self.held.server.append(submission.make(statement, keys))
        return self.held.server.proof(index).to_bytes()


MALWARE = b"Something else."


def with_his_own_key(thief: Thief) -> bytes:
    return thief.says(update(thief.held.ledger, MALWARE, version="1.2.0"), thief.own)


def with_the_log_key(thief: Thief) -> bytes:
    return thief.says(update(thief.held.ledger, MALWARE, version="1.2.0"), thief.held.server.key)


def unsigned(thief: Thief) -> bytes:
    return thief.says(update(thief.held.ledger, MALWARE, version="1.2.0"))


def with_a_borrowed_signature(thief: Thief) -> bytes:
    genuine = submission.make(update(thief.held.ledger), [RELEASE])
    forged = UpdateSigned(update(thief.held.ledger, MALWARE, version="1.2.0"), genuine.signatures)
    return thief.held.server.proof(thief.held.server.append(forged)).to_bytes()


def with_the_name_of_the_release_key(thief: Thief) -> bytes:
    statement = update(thief.held.ledger, MALWARE, version="1.2.0")
    row = submission.make(statement, [thief.own]).signatures[0]
    forged = UpdateSigned(statement, (replace(row, key=RELEASE.public),))
    return thief.held.server.proof(thief.held.server.append(forged)).to_bytes()


def with_a_ledger_of_his_own(thief: Thief) -> bytes:
    own = issuing.first(issuing.quorum(1, [thief.own.public]), issuing.quorum(1, [key_of("his").public]), [], NOW_S)
    return thief.says(update(manifest_hash(own), MALWARE, version="1.2.0"), key_of("his"))


def with_the_genuine_proof(thief: Thief) -> bytes:
    return thief.held.server.proof(thief.held.update).to_bytes()


def with_the_genuine_statement_once_more(thief: Thief) -> bytes:
    return thief.says(update(thief.held.ledger), RELEASE)


def with_the_genuine_statement_under_another_type(thief: Thief) -> bytes:
    genuine = submission.make(plugin(thief.held.ledger), [RELEASE])
    return thief.held.server.proof(thief.held.server.append(genuine, kind="update.signed/1")).to_bytes()


ATTACKS: list[Callable[[Thief], bytes]] = [
    with_his_own_key, with_the_log_key, unsigned, with_a_borrowed_signature, with_the_name_of_the_release_key,
    with_a_ledger_of_his_own, with_the_genuine_proof, with_the_genuine_statement_once_more,
    with_the_genuine_statement_under_another_type,
]  # fmt: skip


@pytest.mark.parametrize("rules", [POLICY, WITHOUT_WITNESSES], ids=["witnessed", "unwitnessed"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_stolen_online_key_alone_publishes_nothing_that_an_installation_would_run(
    attack: Callable[[Thief], bytes], rules: Policy
) -> None:
    thief = Thief()
    proof = attack(thief)
    assert not verify(proof, MALWARE, thief.held.keys, rules).ok
    assert not verify_plugin(artefact(MALWARE), proof, thief.held.keys, rules, HERE).ok


def test_a_stolen_online_key_makes_no_key_manifest() -> None:
    thief = Thief()
    old = thief.held.manifest.statement
    made = issuing.following(old, NOW_S, release=issuing.quorum(1, [RELEASE.public, thief.own.public]))
    said = submission.sign(KeysPublished(made, ()), [thief.own, thief.held.server.key, RELEASE])
    assert isinstance(said, KeysPublished)
    with pytest.raises(Exception, match="root keys of manifest 1"):
        thief.held.keys.follow(said)


def test_a_stolen_online_key_takes_nobody_back_to_an_older_release() -> None:
    """Replaying what was once good is all that is left to him, and it is not newer."""
    thief = Thief()
    assert codes(verify(with_the_genuine_statement_once_more(thief), version="1.1.0")) == {"not-newer"}


def test_a_stolen_release_key_alone_publishes_nothing_either() -> None:
    """He has no log of the author's: his own is not listed, and no witness he has is known."""
    own = Server("the thief's server")
    index = own.append(submission.make(update(HELD.ledger, MALWARE, version="1.2.0"), [RELEASE]))
    assert codes(verify(own.proof(index).to_bytes(), MALWARE)) == {"log-not-listed"}


# Bytes of strangers


@settings(max_examples=examples(300))
@given(st.integers(0, len(PROOF) - 1), st.integers(1, 255))
def test_a_changed_byte_of_a_proof_is_found_or_changes_nothing(at: int, bits: int) -> None:
    """What is left when it still holds: a signature line more or less of somebody who was not needed."""
    told = verify(PROOF[:at] + bytes((PROOF[at] ^ bits,)) + PROOF[at + 1 :])
    if told.ok:
        assert told.said == update(HELD.ledger)
        changed = Proof.parse(PROOF[:at] + bytes((PROOF[at] ^ bits,)) + PROOF[at + 1 :])
        was = Proof.parse(PROOF)
        assert replace(changed, note=b"") == replace(was, note=b"")
        assert changed.signed().text == was.signed().text


@given(st.binary(max_size=300))
def test_noise_is_told_as_wrong_and_raises_nothing(noise: bytes) -> None:
    for data in (noise, PROOF[: len(noise)] + noise, PROOF + noise if noise.strip() else noise):
        assert isinstance(verify(data), Report)
        assert not verify(data).ok or data.startswith(PROOF)
    assert not verify(noise).ok


@given(st.binary(max_size=200), st.integers(0, 7))
def test_an_entry_of_noise_under_a_genuine_head_is_told_as_wrong(noise: bytes, index: int) -> None:
    hashes = tuple(inclusion_proof(index % len(HELD.server.leaves), HELD.server.leaves))
    assert not verify(Proof(index, hashes, HELD.server.note(), noise or b"x").to_bytes()).ok


def test_an_installation_says_what_it_has() -> None:
    assert Here("1.0.0", Channel.STABLE, NOW_S) == HERE

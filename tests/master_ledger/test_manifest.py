"""Key manifests: walked forward by the thresholds of the one before and of their own; and a drill for each loss."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.domain.ledger import Final, KeyManifest, KeysPublished, Quorum, Retired, Upto
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import issuing, manifest, submission
from scmanager.master_ledger.issuing import HeadMissing, HeadUnusable, KeyWithoutRole
from scmanager.master_ledger.manifest import DoesNotFollow, NotThisLedger, SignaturesMissing, TrustedKeys
from scmanager.master_ledger.statement import flaw_of, manifest_hash
from scmanager.master_ledger.submission import SignatureForged, StatementUnusable
from tests.golden.logs import key_of, some
from tests.support.ledger import (
    LATER_RELEASE,
    NOW_S,
    POLICY,
    RELEASE,
    ROOTS,
    WITNESSES,
    Server,
    first_manifest,
    signed,
    trusted,
    update,
)

SERVER = Server()
FIRST = first_manifest(SERVER)
OLD = FIRST.statement
LEDGER = manifest_hash(OLD)
NEW_ROOT = key_of("root that replaces one")


def following(**changed: Any) -> KeyManifest:
    return replace(issuing.following(OLD, NOW_S + 1), **changed)


def test_the_first_manifest_is_the_one_whose_hash_one_was_given() -> None:
    keys = TrustedKeys.start(LEDGER, FIRST)
    assert (keys.ledger, keys.manifest) == (LEDGER, OLD)
    with pytest.raises(NotThisLedger) as other:
        TrustedKeys.start(some("another ledger"), FIRST)
    assert other.value.facts == {"found": LEDGER.hex(), "wanted": some("another ledger").hex()}


def test_only_a_walk_makes_trusted_keys() -> None:
    with pytest.raises(TypeError, match=r"^only a walk over manifests makes TrustedKeys$"):
        TrustedKeys(object(), LEDGER, OLD)


def test_a_first_manifest_needs_its_own_threshold() -> None:
    with pytest.raises(SignaturesMissing) as lacking:
        TrustedKeys.start(LEDGER, signed(OLD, ROOTS[0]))
    assert lacking.value.facts == {"role": "root", "n": 1, "what": "keys.published/1", "have": 1, "needed": 2}
    assert "countersign" in lacking.value.hint


def test_a_first_manifest_that_breaks_a_rule_founds_no_ledger_whoever_signs() -> None:
    halves = replace(OLD, root=Quorum(1, tuple(sorted(each.public for each in ROOTS[:2]))))
    said = submission.sign(KeysPublished(halves, ()), ROOTS)
    assert isinstance(said, KeysPublished)
    with pytest.raises(DoesNotFollow) as flawed:
        TrustedKeys.start(manifest_hash(halves), said)
    assert flawed.value.facts == {"n": 1, "reason": "two halves of the root keys could each sign a successor"}


def test_whose_signatures_are_missing_is_told() -> None:
    roots = issuing.quorum(2, [ROOTS[0].public, NEW_ROOT.public, key_of("another new root").public])
    made = issuing.following(OLD, NOW_S + 1, root=roots)
    wanted = {"role": "root", "what": "keys.published/1", "have": 1, "needed": 2}
    for keys, n in ((ROOTS[:1], 1), (ROOTS[:2], 2)):
        with pytest.raises(SignaturesMissing) as lacking:
            trusted(FIRST).follow(signed(made, *keys))
        assert lacking.value.facts == wanted | {"n": n}
    with pytest.raises(SignaturesMissing) as lacking:
        trusted(FIRST).check_release(submission.make(update(LEDGER), [ROOTS[0]]), SERVER.log.log, 1)
    assert lacking.value.facts == {"role": "release", "n": 1, "what": "update.signed/1", "have": 0, "needed": 1}


@given(st.sets(st.sampled_from((*ROOTS, NEW_ROOT)), max_size=4).map(tuple))
def test_the_next_needs_the_thresholds_of_both(signers: tuple[SigningKey, ...]) -> None:
    """Old: 2 of roots 0, 1, 2. New: 2 of roots 0, 1 and the new one."""
    roots = issuing.quorum(2, [ROOTS[0].public, ROOTS[1].public, NEW_ROOT.public])
    made = signed(issuing.following(OLD, NOW_S + 1, root=roots), *signers)
    enough = len(set(ROOTS) & set(signers)) >= 2 and len({*ROOTS[:2], NEW_ROOT} & set(signers)) >= 2
    try:
        keys = trusted(FIRST).follow(made)
    except SignaturesMissing:
        assert not enough
    else:
        assert enough
        assert keys.manifest.root == roots


def test_a_forged_signature_of_a_keeper_refuses_the_whole() -> None:
    made = signed(following(), *ROOTS)
    other = signed(following(signed_at=7), *ROOTS)
    with pytest.raises(SignatureForged):
        trusted(FIRST).follow(KeysPublished(made.statement, (made.signatures[0], *other.signatures[1:])))


def test_neither_release_nor_log_keys_make_a_manifest() -> None:
    with pytest.raises(SignaturesMissing):
        trusted(FIRST).follow(signed(following(), RELEASE, SERVER.key, LATER_RELEASE))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"n": 3}, "the number after 1 is wanted"),
        ({"n": 1, "prev": b""}, "the number after 1 is wanted"),
        ({"prev": some("another")}, "it names another one as the one before"),
        ({"prev": b""}, "the first manifest alone names none before it"),
        ({"logs": ()}, "a log is dropped, or has another key or kind"),
        ({"logs": (replace(SERVER.log, key=some("another key")),)}, "a log is dropped, or has another key or kind"),
        ({"release": Quorum(1, (LATER_RELEASE.public,))}, "a release key leaves without a word on what it signed"),
        ({"root": Quorum(2, (RELEASE.public, *sorted(each.public for each in ROOTS)[:2]))}, "one key has two roles"),
        (
            {"root": Quorum(1, tuple(sorted(each.public for each in ROOTS)))},
            "two halves of the root keys could each sign a successor",
        ),
        (
            {"root": Quorum(4, tuple(sorted(each.public for each in ROOTS)))},
            "more root keys are needed than there are",
        ),
        ({"release": Quorum(1, (RELEASE.public, RELEASE.public))}, "the release keys are not distinct and in order"),
        ({"logs": (SERVER.log, replace(SERVER.log, key=some("k")))}, "one log is listed twice"),
        ({"release": Quorum(1, (SERVER.key.public,))}, "one key has two roles"),
        ({"retired": (Retired(RELEASE.public, ()),)}, "a retired key is listed twice or has a role"),
        (
            {"retired": (Retired(some("k"), (Upto(some("no log"), 1),)),)},
            "a retired key counts in a log that is not listed for statements, or twice in one",
        ),
    ],
)
def test_a_manifest_that_breaks_a_rule_does_not_follow_whoever_signs(changed: dict[str, Any], why: str) -> None:
    broken = following(**changed)
    said = KeysPublished(broken, submission.sign(FIRST, ROOTS).signatures)
    if len(broken.prev) == 32:  # Else there is nothing that could be signed for.
        said = submission.sign(KeysPublished(broken, ()), ROOTS)  # type: ignore[assignment]
    with pytest.raises(DoesNotFollow) as flawed:
        trusted(FIRST).follow(said)
    assert flawed.value.facts == {"n": broken.n, "reason": why}


def test_what_a_manifest_ended_stays_ended() -> None:
    head = Final(1, SERVER.head(1).root)
    closed = trusted(FIRST, signed(issuing.revocation(OLD, SERVER.key.public, {SERVER.log.log: head}, NOW_S), *ROOTS))
    old = closed.manifest
    lowered = replace(old.logs[0], final=Final(0, some("root")))
    for log, flaw in (
        (SERVER.log, "a closed log is opened again"),
        (replace(old.logs[0], final=Final(2, some("root"))), "a closed log is opened again"),
        (replace(old.logs[0], final=Final(1, some("root"))), "a closed log ends in another head"),
        (lowered, ""),
    ):
        made = replace(issuing.following(old, NOW_S), logs=(log,))
        assert manifest.flaw_of_step(old, made) == flaw, log
    retired = issuing.revocation(old, RELEASE.public, {SERVER.log.log: head}, NOW_S, instead=LATER_RELEASE.public)
    row = retired.retired[0]
    for rows, flaw in (
        ((), "a retired key is forgotten"),
        ((replace(row, upto=(Upto(SERVER.log.log, 2),)),), "a retired key counts further than it did"),
        ((replace(row, upto=(Upto(SERVER.log.log, 0),)),), ""),
        ((replace(row, upto=()),), ""),
        ((row,), ""),
    ):
        made = replace(issuing.following(retired, NOW_S), retired=rows)
        assert manifest.flaw_of_step(retired, made) == flaw, rows


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"root": OLD.root}, "taken out comes back"),
        ({"release": issuing.quorum(1, [RELEASE.public, ROOTS[2].public])}, "another role"),
        ({"logs": (SERVER.log, replace(SERVER.log, log=some("log"), key=ROOTS[2].public))}, "another role"),
        ({"retired": (Retired(ROOTS[2].public, ()),)}, "another role"),
        ({}, ""),
    ],
)
def test_a_key_that_was_taken_out_comes_back_in_no_role(changed: dict[str, Any], why: str) -> None:
    """However many manifests later: a stolen root key is not signed in again by mistake."""
    second = signed(issuing.revocation(OLD, ROOTS[2].public, {}, NOW_S + 1, instead=NEW_ROOT.public), *ROOTS[:2])
    third = signed(issuing.following(second.statement, NOW_S + 2), *ROOTS[:2])
    keys = trusted(FIRST, second, third)
    fourth = replace(issuing.following(third.statement, NOW_S + 3), **changed)
    if not why:
        assert keys.follow(signed(fourth, *ROOTS[:2])).manifest == fourth
        return
    with pytest.raises(DoesNotFollow, match=why):
        keys.follow(signed(fourth, *ROOTS))


def test_a_chain_is_walked_in_order_and_without_a_gap() -> None:
    second = signed(issuing.following(OLD, NOW_S + 1), *ROOTS)
    third = signed(issuing.following(second.statement, NOW_S + 2), *ROOTS)
    keys = trusted(FIRST, second, third)
    assert (keys.manifest.n, keys.ledger) == (3, LEDGER)
    assert keys.log(some("another log")) is None
    for chain in ((FIRST, third), (FIRST, third, second), (FIRST, FIRST)):
        with pytest.raises(DoesNotFollow):
            trusted(*chain)
    for odd, n in (
        ((), 1),
        ((submission.make(update(LEDGER), [RELEASE]),), 1),
        ((FIRST, submission.make(update(LEDGER), [RELEASE])), 2),
    ):
        with pytest.raises(DoesNotFollow) as none:
            manifest.walk(LEDGER, odd)
        assert none.value.facts == {"n": n, "reason": "it is no key manifest"}


# Rotation


def test_release_keys_rotate_with_an_overlap_and_what_the_old_one_signed_goes_on_to_count() -> None:
    both = issuing.quorum(1, [RELEASE.public, LATER_RELEASE.public])
    overlap = signed(issuing.following(OLD, NOW_S + 1, release=both), *ROOTS)
    keys = trusted(FIRST, overlap)
    for key in (RELEASE, LATER_RELEASE):
        keys.check_release(submission.make(update(LEDGER), [key]), SERVER.log.log, 5)
    heads = {SERVER.log.log: Final(5, some("root"))}
    done = signed(issuing.revocation(overlap.statement, RELEASE.public, heads, NOW_S + 2), *ROOTS)
    keys = trusted(FIRST, overlap, done)
    old, new = (submission.make(update(LEDGER), [key]) for key in (RELEASE, LATER_RELEASE))
    keys.check_release(old, SERVER.log.log, 4)
    keys.check_release(new, SERVER.log.log, 5)
    for log, index in ((SERVER.log.log, 5), (some("another log"), 0)):
        with pytest.raises(SignaturesMissing):
            keys.check_release(old, log, index)


def test_a_log_key_rotates_by_a_second_log_while_the_first_goes_on() -> None:
    other = Server("second server")
    overlap = signed(issuing.following(OLD, NOW_S + 1, logs=[other.log]), *ROOTS)
    keys = trusted(FIRST, overlap)
    assert [keys.log(each.log.log) for each in (SERVER, other)] == [SERVER.log, other.log]
    head = Final(SERVER.head().size, SERVER.head().root)
    made = issuing.revocation(overlap.statement, SERVER.key.public, {SERVER.log.log: head}, NOW_S)
    done = trusted(FIRST, overlap, signed(made, *ROOTS))
    assert done.log(SERVER.log.log) == replace(SERVER.log, final=head)
    assert done.log(other.log.log) == other.log


# Recovery drills: one key lost or stolen at a time, and what the author does about it


def test_drill_a_root_key_is_lost_and_the_other_two_replace_it() -> None:
    made = issuing.revocation(OLD, ROOTS[2].public, {}, NOW_S + 1, instead=NEW_ROOT.public)
    keys = trusted(FIRST, signed(made, ROOTS[0], ROOTS[1]))
    next_ = issuing.following(keys.manifest, NOW_S + 2)
    assert keys.follow(signed(next_, ROOTS[0], NEW_ROOT)).manifest.n == 3
    with pytest.raises(SignaturesMissing):
        keys.follow(signed(next_, ROOTS[0], ROOTS[2]))


def test_drill_with_a_threshold_of_root_keys_lost_nothing_follows() -> None:
    """Then the author begins a new ledger, and says so by other ways."""
    with pytest.raises(SignaturesMissing):
        trusted(FIRST).follow(signed(following(), ROOTS[0], NEW_ROOT))


def test_drill_the_release_key_is_stolen() -> None:
    server = Server()
    first = first_manifest(server)
    ledger = manifest_hash(first.statement)
    before = submission.make(update(ledger), [RELEASE])
    index = server.append(before)
    log, head = issuing.head_of(first.statement, server.note(), POLICY, NOW_S)
    forged = submission.make(update(ledger, version="6.6.6"), [RELEASE])
    later = server.append(forged)
    made = issuing.revocation(first.statement, RELEASE.public, {log: head}, NOW_S, instead=LATER_RELEASE.public)
    keys = trusted(first, signed(made, *ROOTS[:2]))
    keys.check_release(before, log, index)
    with pytest.raises(SignaturesMissing):
        keys.check_release(forged, log, later)
    keys.check_release(submission.make(update(ledger, version="1.1.1"), [LATER_RELEASE]), log, later + 1)


def test_drill_the_only_release_key_is_stolen_before_any_word_of_it_was_good() -> None:
    keys = trusted(FIRST, signed(issuing.revocation(OLD, RELEASE.public, {}, NOW_S, LATER_RELEASE.public), *ROOTS))
    with pytest.raises(SignaturesMissing):
        keys.check_release(submission.make(update(LEDGER), [RELEASE]), SERVER.log.log, 0)


def test_a_key_s_word_is_ended_at_a_head_that_its_log_signed_and_witnesses_saw() -> None:
    assert issuing.head_of(OLD, SERVER.note(), POLICY, NOW_S) == (SERVER.log.log, Final(1, SERVER.head().root))
    assert issuing.head_of(OLD, SERVER.note(witnesses=()), None, NOW_S)[1].size == 1
    with pytest.raises(HeadUnusable, match="quorum"):
        issuing.head_of(OLD, SERVER.note(witnesses=WITNESSES[:1]), POLICY, NOW_S)
    with pytest.raises(HeadUnusable, match="no log of this ledger"):
        issuing.head_of(OLD, Server("a stranger's").note(), POLICY, NOW_S)


def test_what_cannot_be_revoked_is_refused() -> None:
    with pytest.raises(KeyWithoutRole):
        issuing.revocation(OLD, some("nobody"), {}, NOW_S)
    with pytest.raises(HeadMissing):
        issuing.revocation(OLD, SERVER.key.public, {}, NOW_S)
    with pytest.raises(StatementUnusable, match="needed than there are"):
        issuing.revocation(OLD, RELEASE.public, {}, NOW_S)
    with pytest.raises(StatementUnusable, match="without a word"):
        issuing.following(OLD, NOW_S, release=issuing.quorum(1, [LATER_RELEASE.public]))


def test_how_many_signatures_are_missing_is_told() -> None:
    made = issuing.following(OLD, NOW_S + 1)
    assert [issuing.missing(OLD, signed(made, *ROOTS[:n])) for n in range(4)] == [2, 1, 0, 0]
    release = Quorum(2, tuple(sorted((RELEASE.public, LATER_RELEASE.public))))
    assert issuing.missing(None, submission.make(update(LEDGER), [RELEASE]), release) == 1


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5), st.integers(1, 15))
def test_flaws_are_told_of_whatever_quorum(keys: list[bytes], m: int) -> None:
    """Total, and a sound one has more than half of its distinct keys."""
    flaw = flaw_of(replace(OLD, root=Quorum(m, tuple(keys))))
    sound = sorted(set(keys)) == keys and len(keys) >= m > len(keys) / 2
    assert (flaw == "") == sound

"""Who signed a head, by ours and by the verifier that stands alone: one answer, whatever lines stand under it."""

from base64 import b64encode
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ops import verify_bundle
from scmanager.domain.ledger import AuditStatus, Final
from scmanager.eventstore.checkpoint import SIGNATURES_MAX, WrongSignature, key_id, note_from, parse_note
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import issuing, policy, submission
from scmanager.master_ledger.cosignature import KIND, TIME_MAX_S, Witness, cosign, cosigned_at
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.policy import BadPolicy, Vkey
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import AHEAD_S, verify_plugin, verify_update
from tests.golden.logs import key_of, some
from tests.support.effort import examples
from tests.support.evidence import theirs
from tests.support.ledger import (
    CONTENT,
    HERE,
    NOW_S,
    RELEASE,
    ROOTS,
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

MINE, OTHER = WITNESSES[:2]
NAME = name_of(MINE)
KNOWN = Witness(NAME, MINE.public)
VKEY = Vkey(NAME, KIND, MINE.public).text()
TWINS = tuple(SigningKey(sha256(seed).digest()) for seed in (b"80128", b"113944"))
"""Keys of one id under this name: found by trying 114,000 of them."""
TWIN_NAME = "witness.example/collision"
UNTIL_S = NOW_S + AHEAD_S


@cache
def server() -> Server:
    made = Server()
    first = first_manifest(made)
    made.append(first)
    made.append(submission.make(update(manifest_hash(first.statement)), [RELEASE]))
    return made


@cache
def bare() -> bytes:
    """The head, signed by its log."""
    return server().note(witnesses=())


def text() -> str:
    return server().head().text()


def line(name: str, value: bytes) -> bytes:
    return f"— {name} {b64encode(value).decode()}\n".encode()


def value_of(signature_line: bytes) -> bytes:
    return verify_bundle.note(bare() + signature_line)[1][-1][1]


@cache
def lines() -> dict[str, bytes]:
    now = value_of(cosign(text(), NAME, MINE, NOW_S))
    older = server().head(1).text()
    return {
        "cosigned": cosign(text(), NAME, MINE, NOW_S),
        "cosigned at once": cosign(text(), NAME, MINE, 0),
        "cosigned earlier": cosign(text(), NAME, MINE, NOW_S - 400 * 86_400),
        "cosigned a day ahead": cosign(text(), NAME, MINE, UNTIL_S),
        "cosigned further ahead": cosign(text(), NAME, MINE, UNTIL_S + 1),
        "cosigned at the end of time": cosign(text(), NAME, MINE, TIME_MAX_S),
        "dated beyond it": line(NAME, now[:4] + (2**63).to_bytes(8, "big") + now[12:]),
        "dated later by another": line(NAME, now[:4] + (NOW_S + 1).to_bytes(8, "big") + now[12:]),
        "a bit changed": line(NAME, now[:-1] + bytes([now[-1] ^ 1])),
        "cut short": line(NAME, now[:-1]),
        "without a signature": line(NAME, now[:12]),
        "a byte more": line(NAME, now + b"x"),
        "replayed from an older head": cosign(older, NAME, MINE, NOW_S),
        "another's under its key's id": line(NAME, now[:4] + value_of(cosign(text(), NAME, OTHER, NOW_S))[4:]),
        "another's under its name": cosign(text(), NAME, OTHER, NOW_S),
        "its own under another name": cosign(text(), "witness.example/x", MINE, NOW_S),
        "its key as that of a log": line(NAME, key_id(NAME, MINE.public) + MINE.sign(text().encode())),
        "another witness": cosign(text(), name_of(OTHER), OTHER, NOW_S),
        "a made-up one": line("witness.example/x", some("noise", 40)),
    }  # fmt: skip


def ours_of(note: bytes) -> int | None:
    """When it cosigned by ours; None: it did not, or a line of it does not hold."""
    try:
        return cosigned_at(parse_note(note), KNOWN, UNTIL_S)
    except WrongSignature:
        return None


def theirs_of(note: bytes) -> int | None:
    try:
        return verify_bundle.cosigned(*verify_bundle.note(note), VKEY, NOW_S)
    except verify_bundle.Wrong:
        return None


HOLDS = {"cosigned", "cosigned at once", "cosigned earlier", "cosigned a day ahead"}
PASSED_OVER = {
    "another's under its name", "its own under another name", "its key as that of a log", "another witness",
    "a made-up one", "cosigned further ahead", "cosigned at the end of time",
}  # fmt: skip


@pytest.mark.parametrize("name", list(lines()))
def test_each_kind_of_line_alone_and_beside_one_that_holds(name: str) -> None:
    alone, beside = bare() + lines()[name], bare() + lines()["cosigned"] + lines()[name]
    assert (ours_of(alone) is not None) == (name in HOLDS)
    assert (ours_of(beside) is not None) == (name in HOLDS | PASSED_OVER)
    for note in (alone, beside):
        assert theirs_of(note) == ours_of(note)


@settings(max_examples=examples(120))
@given(st.lists(st.sampled_from(list(lines())), max_size=6))
@example(["cosigned earlier", "cosigned further ahead"])
@example(["cosigned further ahead", "cosigned further ahead", "a bit changed"])
def test_any_lines_under_a_head_mean_the_same_to_both(names: list[str]) -> None:
    note = bare() + b"".join(lines()[each] for each in names)
    assert theirs_of(note) == ours_of(note)
    both(note)


def both(note: bytes, keys: TrustedKeys | None = None, manifests: bytes = b"", witnessed: bool = True) -> bool:
    """The verdict on an update proved under this head by one that wants this witness, once both agree on it."""
    proof = server().proof(2, note=note).to_bytes()
    first = first_manifest(server())
    wanted = policy.parse(f"witness w {VKEY}\nquorum w\n".encode() if witnessed else b"quorum none\n")
    report = verify_update(artefact(), proof, keys or trusted(first), wanted, HERE)
    _, wrong = theirs(
        proof, [VKEY] if witnessed else [], log=issuing.vkey_of(server().log, server().origin),
        artefact=sha256(CONTENT).digest(), manifests=manifests or submission.encode([first]),
    )  # fmt: skip
    assert report.ok == (not wrong), (report.problems, wrong)
    return report.ok


@pytest.mark.parametrize("status", AuditStatus)
def test_a_plugin_that_its_own_entry_does_not_pass_is_one_to_neither(status: AuditStatus) -> None:
    made = Server()
    first = first_manifest(made)
    made.append(first)
    made.append(submission.make(plugin(manifest_hash(first.statement), audit_status=status), [RELEASE]))
    proof, told = made.proof(2).to_bytes(), {"log": issuing.vkey_of(made.log, made.origin)}
    told |= {"manifests": submission.encode([first])}
    report = verify_plugin(artefact(), proof, trusted(first), policy.parse(b"quorum none\n"), HERE)
    _, wrong = theirs(proof, artefact=sha256(CONTENT).digest(), **told)
    assert report.ok == (not wrong) == (status is AuditStatus.PASS), (report.problems, wrong)
    assert all(f"the author says of it: {status}" in each for each in wrong)
    assert theirs(proof, **told)[1] == [], "of the entry itself, with no file to judge, nothing is wrong"


def test_a_log_s_own_line_has_to_hold_wherever_it_stands() -> None:
    head, key = server().head(), server().key
    name, mine = server().origin, key_id(server().origin, key.public)
    good = value_of(note_from(head, key.sign(head.text().encode()), key.public).split(b"\n\n")[1])[4:]
    bad = line(name, mine + key_of("thief").sign(head.text().encode()))
    cosignature = lines()["cosigned"]
    assert both(bare() + cosignature)
    assert both(bare() + bare().split(b"\n\n")[1] + cosignature), "twice the same"
    assert not both(bare() + bad + cosignature)
    body = bare().split(b"\n\n")[0] + b"\n\n"
    assert not both(body + bad + line(name, mine + good) + cosignature)
    assert not both(body + cosignature), "the log has not signed it"
    assert not both(body + cosign(text(), name, key, NOW_S) + cosignature), "its key as that of a witness"
    assert both(body + cosignature + line(name, mine + good)), "the order says nothing"


def test_more_lines_than_a_note_may_have_spoil_it() -> None:
    junk = line("witness.example/x", bytes(8))
    for count, holds in ((SIGNATURES_MAX - 2, True), (SIGNATURES_MAX - 1, False)):
        assert both(bare() + junk * count + lines()["cosigned"]) == holds


def test_under_a_closed_log_the_same_heads_count_for_both() -> None:
    made, first = server(), first_manifest(server())
    for final, witnessed, alone in (
        (Final(3, made.head().root), True, True), (Final(4, some("later")), True, False),
        (Final(3, some("other")), False, False), (Final(2, made.head(2).root), False, False),
    ):  # fmt: skip
        closing = issuing.revocation(first.statement, made.key.public, {made.log.log: final}, NOW_S)
        second = signed(closing, *ROOTS[:2])
        keys, file = trusted(first, second), submission.encode([first, second])
        assert both(bare() + lines()["cosigned"], keys, file) == witnessed
        assert both(bare(), keys, file, witnessed=False) == alone


def test_keys_that_no_line_could_tell_apart_make_no_policy() -> None:
    first, second = (Vkey(TWIN_NAME, KIND, each.public) for each in TWINS)
    assert first.text().split("+")[1] == second.text().split("+")[1]
    assert first != second
    for each in (first, second):
        assert policy.parse(f"witness w {each.text()}\nquorum w\n".encode()).quorum
    with pytest.raises(BadPolicy, match="line 2"):
        policy.parse(f"witness a {first.text()}\nwitness b {second.text()}\nquorum a\n".encode())


def test_a_cosignature_by_a_twin_is_a_line_of_the_known_key_that_does_not_hold() -> None:
    known = Witness(TWIN_NAME, TWINS[0].public)
    note = bare() + cosign(text(), TWIN_NAME, TWINS[1], NOW_S)
    with pytest.raises(WrongSignature):
        cosigned_at(parse_note(note), known, UNTIL_S)
    vkey = Vkey(TWIN_NAME, KIND, TWINS[0].public).text()
    with pytest.raises(verify_bundle.Wrong, match="claims to be"):
        verify_bundle.cosigned(*verify_bundle.note(note), vkey, NOW_S)

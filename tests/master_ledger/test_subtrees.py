"""What is asked of sign-subtree, without a witness: any bytes, any change, and whose word it takes for granted."""

from base64 import b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore.merkle import is_subtree, root_of
from scmanager.master_ledger.cosignature import cosign, cosign_subtree, witness_of
from scmanager.master_ledger.ml_dsa import MlDsaKey
from scmanager.master_ledger.subtrees import BadSubtreeRequest, NotCosignedHere, SubtreeUnproved, parse
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S
from tests.support.witness import NAME, ShownLog, subtree_request

LOG = ShownLog("go.sum database tree", "sum.example.org", more="a line\n")
OLD, NEW = key_of("w"), MlDsaKey(bytes(32))
KEYS = witness_of(NAME, OLD), witness_of(NAME, NEW)


def word(size: int, key: MlDsaKey = NEW, at_s: int = NOW_S, name: str = NAME) -> bytes:
    return cosign(LOG.text(size), name, key, at_s)


GOOD = LOG.asks_part(8, 13, 14, word(14))


def refused(data: bytes) -> str:
    """Why; empty where it would be signed."""
    try:
        parse(data).check_cosigned(KEYS)
    except Untrusted as error:
        return error.code
    return ""


@given(st.integers(0, 70), st.integers(1, 70), st.integers(1, 70))
def test_every_subtree_of_a_cosigned_tree_is_taken_and_nothing_else_is_one(start: int, end: int, size: int) -> None:
    if start < end <= size and is_subtree(start, end):
        asked = parse(LOG.asks_part(start, end, size, word(size)))
        asked.check_cosigned(KEYS)
        assert (asked.start, asked.end, asked.root) == (start, end, root_of(LOG.leaves(size)[start:end]))
        return
    note = f"{LOG.text(size)}\n".encode() + word(size)
    with pytest.raises(BadSubtreeRequest):
        parse(subtree_request(f"subtree {start} {end}", [bytes(32)] * 3, note))


@given(st.binary(max_size=300))
def test_noise_is_no_request(data: bytes) -> None:
    for tried in (data, b"subtree 8 13\n" + data, GOOD + data, data + GOOD, GOOD.replace(b"\n\n", b"\n" + data, 1)):
        assert refused(tried) or tried == GOOD


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_changes_nothing_that_is_signed(at: int, octet: int) -> None:
    at %= len(GOOD)
    changed = GOOD[:at] + bytes((octet,)) + GOOD[at + 1 :]
    assume(changed != GOOD)
    if not refused(changed):
        asked, good = parse(changed), parse(GOOD)
        assert (asked.start, asked.end, asked.root) == (good.start, good.end, good.root)
        assert asked.point == good.point


@pytest.mark.parametrize(
    "span",
    [
        "subtree 0 0", "subtree 8 8", "subtree 9 13", "subtree 8 15", "subtree 13 8", "subtree 08 13",
        "subtree 8 013", "subtree  8 13", "subtree 8 13 ", "subtree +8 13", "subtree -8 13", "subtree 8",
        "subtree 8 13 14", "old 8", "Subtree 8 13", "subtree ٨ 13", "subtree 8 99999999999999999999",
        "subtree 0 9223372036854775808",
    ],
)  # fmt: skip
def test_what_is_no_range_is_bad(span: str) -> None:
    assert refused(GOOD.replace(b"subtree 8 13", span.encode(), 1)) == "subtree-request-bad"


def test_what_is_no_request_is_bad() -> None:
    note, hashes = GOOD.partition(b"\n\n")[2], [bytes(32)] * 64
    for body in (
        b"", note, b"subtree 8 13\n\n" + note, GOOD.replace(b"\n", b"\r\n"), GOOD[:-1],
        b"subtree 8 13\nAAAA\n\n" + note,
        subtree_request("subtree 8 13", [*hashes, bytes(32)], note), GOOD.replace(b"\n14\n", b"\n014\n"),
        GOOD.replace(b"=\n", b"\n", 1), GOOD.partition(b"\n\n")[0] + f"\n\n{LOG.text(14)}".encode(),
    ):  # fmt: skip
        assert refused(body) == "subtree-request-bad", body
    assert refused(subtree_request("subtree 8 13", hashes, note)) == "subtree-unproved", "as many as there may be"


def test_a_proof_that_does_not_lead_there_proves_nothing() -> None:
    head, _, note = GOOD.partition(b"\n\n")
    first, root, *proof = head.split(b"\n")
    other = b64encode(bytes(32))
    for lines in (
        [root], [root, *proof[:-1]], [root, *proof, other], [root, *proof[::-1]], [other, *proof],
        [root, other, *proof[1:]],
    ):  # fmt: skip
        with pytest.raises(SubtreeUnproved):
            parse(b"\n".join([first, *lines]) + b"\n\n" + note)
    assert refused(LOG.asks_part(8, 13, 14, word(14), left_at=10)) == "subtree-not-cosigned-here", "another history"


def test_whose_word_is_passed_on() -> None:
    """The ML-DSA-44 key's alone, at any time or none: who forges Ed25519 one day gets nothing from the other key."""
    old, stranger = cosign(LOG.text(14), NAME, OLD, NOW_S), word(14, MlDsaKey(bytes([1]) * 32))
    passed = cosign_subtree(LOG.origin, 0, 14, root_of(LOG.leaves(14)), NAME, NEW)
    part = cosign_subtree(LOG.origin, 0, 13, root_of(LOG.leaves(13)), NAME, NEW)
    own = LOG.head(14).rpartition(b"\n\n")[2]
    for lines in (word(14), word(14, at_s=0), old + word(14), own + stranger + word(14), passed):
        assert refused(LOG.asks_part(8, 13, 14, lines)) == "", lines
    broken = cosign(LOG.text(13), NAME, OLD, NOW_S)
    for lines in (own, old, stranger, word(14, name="witness.example/other"), word(13), part, broken + word(14),
                  word(13) + word(14)):  # fmt: skip
        assert refused(LOG.asks_part(8, 13, 14, lines)) == "subtree-not-cosigned-here", lines
    with pytest.raises(NotCosignedHere, match="ML-DSA-44"):
        parse(LOG.asks_part(8, 13, 14, old)).check_cosigned(KEYS)

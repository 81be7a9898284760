"""Proof files: C2SP tlog-proof, ours and those of others, byte for byte."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, sign_note
from scmanager.eventstore.entry import Links, compose
from scmanager.eventstore.merkle import inclusion_proof, leaf_hash, root_of
from scmanager.eventstore.parts import WrongPart, refer
from scmanager.master_ledger.proof import EXTRA_BYTES_MAX, FILE_BYTES_MAX, BadProof, Proof
from tests.golden.logs import key_of, some
from tests.support.ledger import Server, first_manifest

SERVER = Server()
MANIFEST = first_manifest(SERVER)
for _ in range(6):
    SERVER.append(MANIFEST)
PROOF = SERVER.proof(4)
BYTES = PROOF.to_bytes()

FOREIGN_LEAVES = [leaf_hash(b"record %d" % n) for n in range(11)]
FOREIGN_HEAD = Checkpoint("example.com/fancylog", 11, root_of(FOREIGN_LEAVES))
FOREIGN = Proof(7, tuple(inclusion_proof(7, FOREIGN_LEAVES)), sign_note(FOREIGN_HEAD, key_of("fancylog")))


def test_the_bytes_of_a_proof_are_frozen() -> None:
    assert sha256(BYTES).hexdigest() == "f2a989e4b05a4b983189c45fe1e2070a20bb9821f235c43da86112853efb6f51"


def test_a_proof_reads_as_the_specification_says() -> None:
    lines = BYTES.decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 4"
    assert lines.index("") == 3 + len(PROOF.hashes)
    assert BYTES.endswith(b"\n\n" + SERVER.note())
    assert Proof.parse(BYTES) == PROOF


def test_it_leads_from_the_entry_to_the_head_and_carries_what_was_said() -> None:
    one, shared = Proof.parse(BYTES).carried()
    assert (one.seq, shared) == (4, SERVER.said[4][1])
    assert PROOF.leads_from(leaf_hash(one.data), SERVER.head())
    assert not PROOF.leads_from(leaf_hash(SERVER.said[3][0].data), SERVER.head())


def test_a_proof_of_another_s_log_reads_too_and_carries_nothing_of_ours() -> None:
    read = Proof.parse(FOREIGN.to_bytes())
    assert read == FOREIGN
    assert read.leads_from(FOREIGN_LEAVES[7], FOREIGN_HEAD)


def test_a_log_of_one_entry_needs_no_hashes() -> None:
    lone = Server("alone")
    proof = lone.proof(0)
    assert proof.hashes == ()
    assert Proof.parse(proof.to_bytes()) == proof


@given(st.integers(0, len(BYTES) - 1), st.integers(1, 255))
def test_every_changed_byte_is_found_or_belongs_to_a_signature_nobody_asked_for(at: int, bits: int) -> None:
    """What is not the entry, its way or the head are the signatures: `verification` looks at those."""
    data = BYTES[:at] + bytes((BYTES[at] ^ bits,)) + BYTES[at + 1 :]
    try:
        read = Proof.parse(data)
        one, shared = read.carried()
    except Untrusted:
        return
    same_head = Checkpoint.parse(read.signed().text) == SERVER.head()
    if same_head and read.leads_from(leaf_hash(one.data), SERVER.head()):
        assert (one.data, shared) == (SERVER.said[4][0].data, SERVER.said[4][1])
        assert read.signed().signatures != PROOF.signed().signatures


@given(st.binary(max_size=400))
def test_noise_is_untrusted(data: bytes) -> None:
    for tried in (data, b"c2sp.org/tlog-proof@v1\n" + data, BYTES[:200] + data):
        with pytest.raises(Untrusted):
            Proof.parse(tried)


NO_INDEX, NO_BASE64 = "it names no index", "a line that is no plain base64"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"@v1", b"@v2", "its first line is another"),
        (BYTES, b"c2sp.org/tlog-proof@v1", "its first line is another"),  # Nothing follows: no note.
        (b"c2sp", b"\xff", "it is not text"),
        (b"index 4", b"index 04", NO_INDEX),
        (b"index 4", b"index -4", NO_INDEX),
        (b"index 4", b"index 99999999999999999", NO_INDEX),
        (b"index 4\n", b"", NO_INDEX),
        (BYTES, b"c2sp.org/tlog-proof@v1\n\n", NO_INDEX),
        (b"extra ", b"Extra ", NO_INDEX),
        (b"extra ", b"extra  ", NO_BASE64),
        (b"extra ", b"extra \nextra ", NO_BASE64),
        (b"index 4\n", b"index 4\n!!!!\n", NO_BASE64),
        (b"index 4\n", b"index 4\nQUI=\n", "a line that is no hash"),
        (b"index 4\n", b"index 4\nQUJ=\n", NO_BASE64),  # Bits that nobody reads.
        (b"index 4\n", b"index 4\nQUI=!\n", NO_BASE64),
    ],
)
def test_a_second_spelling_is_none(old: bytes, new: bytes, why: str) -> None:
    with pytest.raises(BadProof) as bad:
        Proof.parse(BYTES.replace(old, new, 1))
    assert bad.value.facts == {"reason": why}


def test_more_than_a_proof_can_hold_is_not_read() -> None:
    for data, why in ((bytes(FILE_BYTES_MAX + 1), "too long"), (bytes(FILE_BYTES_MAX), "its first line is another")):
        with pytest.raises(BadProof) as bad:
            Proof.parse(data)
        assert bad.value.facts == {"reason": why}
    high = Proof(0, tuple(some(str(n)) for n in range(64)), PROOF.note)
    with pytest.raises(BadProof) as bad:
        Proof.parse(high.to_bytes())
    assert bad.value.facts == {"reason": "more hashes than any tree is high"}
    assert Proof.parse(replace(high, hashes=high.hashes[:63]).to_bytes()).hashes == high.hashes[:63]
    assert len(Proof(0, (), PROOF.note, bytes(EXTRA_BYTES_MAX)).to_bytes()) < FILE_BYTES_MAX


SAID = b"what was said"


def test_an_entry_that_says_nothing_in_clear_is_none() -> None:
    sealed = compose(some("log"), 4, 1, b"p" * 64, Links((), (refer(bytes(99), some("key id")),)))
    for proof in (SERVER.proof(0), Proof.of(sealed, bytes(99), (), b"")):
        with pytest.raises(BadProof) as bad:
            proof.carried()
        assert bad.value.facts == {"reason": "its entry says nothing in clear"}


def test_an_entry_from_another_place_is_none() -> None:
    with pytest.raises(BadProof) as bad:
        replace(PROOF, index=5).carried()
    assert bad.value.facts == {"reason": "its entry is from another place in the log"}


def test_an_entry_with_other_words_than_its_own_is_none() -> None:
    one = compose(some("log"), 4, 1, b"p" * 64, Links((), (refer(SAID),)))
    assert Proof.of(one, SAID, (), b"").carried() == (one, SAID)
    with pytest.raises(WrongPart) as wrong:
        Proof.of(one, SAID + b".", (), b"").carried()
    assert wrong.value.facts == {"number": 0}


def test_a_proof_of_another_s_log_is_told_as_what_it_does_not_carry() -> None:
    with pytest.raises(BadProof) as bad:
        FOREIGN.carried()
    assert bad.value.facts == {"reason": "it does not carry the entry that it proves"}


@given(st.binary(max_size=300))
def test_what_a_proof_carries_is_hostile_until_checked(extra: bytes) -> None:
    with pytest.raises(Untrusted):
        Proof(4, PROOF.hashes, PROOF.note, extra).carried()

"""Anchor files: any bytes are one in its one spelling or refused, and another's log or entry proves nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.anchoring import HeadsAnchored
from scmanager.domain.ledger import Final, LogKind
from scmanager.errors import Untrusted
from scmanager.master_ledger import issuing
from scmanager.master_ledger.anchoring import (
    FILE_BYTES_MAX,
    Anchor,
    Anchored,
    BadAnchor,
    anchor_of,
    anchored_in,
    check_note,
)
from scmanager.master_ledger.proof import BadProof
from scmanager.master_ledger.verification import LogClosed, LogOfReports, NotIncluded, NotWitnessed
from tests.golden.logs import STARTED
from tests.support.ledger import NOW_S, POLICY, ROOTS, WITHOUT_WITNESSES, Server, first_manifest, signed, trusted
from tests.support.witness import ShownLog

NOTE, SALT = ShownLog().head(7), bytes(range(32))
SERVER = Server()
FIRST = first_manifest(SERVER)
SERVER.append(FIRST)
INDEX = SERVER.append(HeadsAnchored((anchor_of(NOTE, SALT),)))  # type: ignore[arg-type]
OTHER = SERVER.append(HeadsAnchored((bytes(32),)))  # type: ignore[arg-type]
KEYS = trusted(FIRST)
ANCHOR = Anchor(SALT, SERVER.proof(INDEX))


def test_it_proves_the_head_under_a_quorum() -> None:
    read = Anchor.parse(ANCHOR.to_bytes())
    assert read == ANCHOR
    found = read.verify(NOTE, KEYS, POLICY, NOW_S)
    assert (found.point.origin, found.point.size, found.index, found.size) == (ShownLog().origin, 7, INDEX, OTHER + 1)


def test_another_entry_or_another_path_proves_nothing() -> None:
    with pytest.raises(BadAnchor, match="names another"):
        Anchor(SALT, SERVER.proof(OTHER)).verify(NOTE, KEYS, POLICY, NOW_S)
    with pytest.raises(BadAnchor, match="names another"):
        Anchor(SALT, SERVER.proof(1)).verify(NOTE, KEYS, POLICY, NOW_S)
    with pytest.raises(BadAnchor, match="names another"):
        Anchor(bytes(32), ANCHOR.proof).verify(NOTE, KEYS, POLICY, NOW_S)
    moved = type(ANCHOR.proof)(INDEX, ANCHOR.proof.hashes[::-1], ANCHOR.proof.note, ANCHOR.proof.extra)
    with pytest.raises(NotIncluded):
        Anchor(SALT, moved).verify(NOTE, KEYS, WITHOUT_WITNESSES, NOW_S)


def test_a_log_that_is_not_the_authors_anchors_nothing() -> None:
    stranger = Server("stranger")
    index = stranger.append(HeadsAnchored((anchor_of(NOTE, SALT),)))  # type: ignore[arg-type]
    with pytest.raises(Untrusted, match="log"):
        Anchor(SALT, stranger.proof(index)).verify(NOTE, KEYS, WITHOUT_WITNESSES, NOW_S)


def test_nor_does_his_log_of_reports() -> None:
    reports = Server("reports", kind=LogKind.INTAKE)
    index = reports.append(HeadsAnchored((anchor_of(NOTE, SALT),)))  # type: ignore[arg-type]
    made = Anchor(SALT, reports.proof(index))
    with pytest.raises(LogOfReports):
        made.verify(NOTE, trusted(first_manifest(reports)), POLICY, NOW_S)


def test_what_it_proves_is_told_whole() -> None:
    two = Server()
    two.append(FIRST)
    index = two.append(HeadsAnchored(tuple(sorted((bytes(32), anchor_of(NOTE, SALT))))))  # type: ignore[arg-type]
    proof = two.proof(index)
    found = Anchor(SALT, proof).verify(NOTE, KEYS, POLICY, NOW_S)
    assert found == Anchored(check_note(NOTE), index, two.said[index][0].hlc // 1_000_000, index + 1)
    assert found.at_s == STARTED // 1_000_000 > 0


def test_the_hash_that_stands_in_the_ledger_is_frozen() -> None:
    assert anchor_of(NOTE, SALT).hex() == "6b2976d4fb1be8538b5afcfbfe0050a76986d8539d056593bc11deedd75a4c3f"
    assert anchor_of(SALT, NOTE) != anchor_of(NOTE, SALT)


def reason(data: bytes) -> object:
    with pytest.raises(BadAnchor) as bad:
        Anchor.parse(data)
    return bad.value.facts["reason"]


def test_what_is_no_anchor_is_told_by_its_reason() -> None:
    first, whole = "its first lines are none of an anchor", ANCHOR.to_bytes()
    for bad in (
        whole.replace(b"/1", b"/2", 1), whole.partition(b"\n\n")[0], Anchor(SALT[1:], ANCHOR.proof).to_bytes(),
        Anchor(SALT + b"x", ANCHOR.proof).to_bytes(), whole.replace(b"salt AA", b"salt !A", 1),
        whole + b"x" * (FILE_BYTES_MAX + 1 - len(whole)),
    ):  # fmt: skip
        assert reason(bad) == first
    assert reason(whole.replace(b"salt ", b"", 1)) == "spelled in another way"
    with pytest.raises(BadProof):  # Within its bound the proof is to blame.
        Anchor.parse(whole + b"x" * (FILE_BYTES_MAX - len(whole)))


def test_an_anchor_of_another_note_or_salt_is_told_as_that() -> None:
    for anchor, note in ((ANCHOR, ShownLog().head(8)), (Anchor(bytes(32), ANCHOR.proof), NOTE)):
        with pytest.raises(BadAnchor) as other:
            anchor.verify(note, KEYS, POLICY, NOW_S)
        assert other.value.facts == {"reason": "the entry names another"}


def test_the_head_it_leads_to_is_one_to_go_by() -> None:
    with pytest.raises(NotWitnessed):  # What is dated later is no word yet.
        ANCHOR.verify(NOTE, KEYS, POLICY, NOW_S - 1)
    final = {SERVER.log.log: Final(INDEX, SERVER.head(INDEX).root)}
    closed = trusted(FIRST, signed(issuing.revocation(FIRST.statement, SERVER.key.public, final, NOW_S), *ROOTS))
    with pytest.raises(LogClosed):
        ANCHOR.verify(NOTE, closed, POLICY, NOW_S)
    earlier = Anchor(SALT, SERVER.proof(INDEX, size=INDEX + 1)).verify(NOTE, KEYS, POLICY, NOW_S)
    assert earlier.size == INDEX + 1


def test_an_entry_of_another_log_of_his_under_a_head_of_this_one_anchors_nothing() -> None:
    ours, other = Server(), Server("another server")
    while len(ours.leaves) <= len(other.leaves):
        ours.append(FIRST)
    index = other.append(HeadsAnchored((anchor_of(NOTE, SALT),)))  # type: ignore[arg-type]
    ours.said[index], ours.leaves[index] = other.said[index], other.leaves[index]
    with pytest.raises(NotIncluded):
        Anchor(SALT, ours.proof(index)).verify(NOTE, KEYS, POLICY, NOW_S)


def test_an_entry_of_that_type_that_nobody_can_read_anchors_nothing() -> None:
    index = SERVER.append(FIRST, kind=HeadsAnchored.tag)
    assert anchored_in(SERVER.said[index][1]) is None
    assert anchored_in(SERVER.said[INDEX][1]) == HeadsAnchored((anchor_of(NOTE, SALT),))  # type: ignore[arg-type]


@given(st.binary(max_size=300))
def test_noise_is_an_anchor_or_refused_as_none(data: bytes) -> None:
    assert anchored_in(data) is None
    for tried in (data, b"scm.anchor/1\nsalt " + data, ANCHOR.to_bytes()[:70] + data):
        with pytest.raises(Untrusted):
            Anchor.parse(tried)


@given(st.integers(0, 10**5), st.integers(1, 255))
def test_no_changed_byte_proves_anything(at: int, bits: int) -> None:
    whole = ANCHOR.to_bytes()
    at %= whole.index(b"\n\n", whole.index(b"index")) + 2  # The note's lines of others may be anything.
    with pytest.raises(Untrusted):
        Anchor.parse(whole[:at] + bytes((whole[at] ^ bits,)) + whole[at + 1 :]).verify(NOTE, KEYS, POLICY, NOW_S)

"""Anchor files: any bytes are one in its one spelling or refused, and another's log or entry proves nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.anchoring import HeadsAnchored
from scmanager.errors import Untrusted
from scmanager.master_ledger.anchoring import Anchor, BadAnchor, anchor_of, anchored_in
from scmanager.master_ledger.verification import NotIncluded
from tests.support.ledger import NOW_S, POLICY, WITHOUT_WITNESSES, Server, first_manifest, trusted
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

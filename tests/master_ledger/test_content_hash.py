"""Content hashes: CIDs in their one spelling."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.master_ledger.content_hash import BadContentHash, cid, sha256_of

HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
"""What other programs print for these bytes."""


def test_it_is_what_other_programs_print() -> None:
    assert cid(sha256(b"hello world").digest()) == HELLO


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_and_its_text_are_one_another(digest: bytes) -> None:
    assert sha256_of(cid(digest)) == digest


@given(st.integers(0, 58), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_character_is_another_hash_or_none(at: int, other: str) -> None:
    changed = HELLO[:at] + other + HELLO[at + 1 :]
    try:
        assert (sha256_of(changed) == sha256_of(HELLO)) == (changed == HELLO)
    except BadContentHash:
        assert changed != HELLO


@given(st.text(max_size=70))
def test_any_other_text_is_untrusted(text: str) -> None:
    with pytest.raises(Untrusted):
        sha256_of(text)

"""Proofs that a log left its own head: made of a kept head alone, checked by anybody, else worth nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, NotSigned, origin, sign_note
from scmanager.eventstore.head_fork import BadHeadFork, HeadFork
from scmanager.eventstore.merkle import consistency_proof, leaf_hash, root_of
from scmanager.eventstore.signing import SigningKey
from tests.golden.logs import key_of

LOG, OTHER = key_of("log"), key_of("another log")
ORIGIN = origin(b"\1" * 32, b"\2" * 32)
ONE = [leaf_hash(b"%d" % number) for number in range(40)]
TWO = [*ONE[:5], leaf_hash(b"another"), *ONE[6:]]


def note(leaves: list[bytes], size: int, key: SigningKey = LOG, name: str = ORIGIN) -> bytes:
    return sign_note(Checkpoint(name, size, root_of(leaves[:size])), key)


def fork(old: int = 7, size: int = 40) -> HeadFork:
    path = tuple(consistency_proof(old, TWO[:size]))
    return HeadFork.make(LOG.public, note(ONE, old), note(TWO, size), root_of(TWO[:old]), path)


@pytest.mark.parametrize(("old", "size"), [(6, 6), (6, 7), (7, 40), (8, 40), (39, 40), (40, 40)])
def test_two_heads_of_two_histories_convict(old: int, size: int) -> None:
    proof = fork(old, size)
    again = HeadFork.parse(proof.to_bytes())
    assert again == proof
    again.verify(LOG.public)
    assert again.origin == ORIGIN


def test_cosignatures_are_left_out_and_change_nothing() -> None:
    line = "— witness.example AAAAAAAA\n".encode()
    path = tuple(consistency_proof(7, TWO))
    assert HeadFork.make(LOG.public, note(ONE, 7) + line, note(TWO, 40) + line, root_of(TWO[:7]), path) == fork()


def test_a_log_that_grew_is_accused_of_nothing() -> None:
    path = tuple(consistency_proof(5, ONE))
    with pytest.raises(BadHeadFork, match="continues"):
        HeadFork.make(LOG.public, note(ONE, 5), note(ONE, 40), root_of(ONE[:5]), path)
    with pytest.raises(BadHeadFork, match="continues"):
        HeadFork.make(LOG.public, note(ONE, 5), note(ONE, 5), root_of(ONE[:5]), ())


def test_a_server_that_gives_wrong_hashes_convicts_nobody() -> None:
    path = tuple(consistency_proof(7, ONE))
    with pytest.raises(BadHeadFork, match="do not lead"):
        HeadFork.make(LOG.public, note(ONE, 7), note(ONE, 40), root_of(TWO[:7]), path)
    with pytest.raises(BadHeadFork, match="do not lead"):
        HeadFork.make(LOG.public, note(ONE, 40), note(TWO, 7), root_of(TWO[:7]), ())


def test_heads_of_two_logs_or_of_another_key_accuse_nobody() -> None:
    path = tuple(consistency_proof(7, TWO))
    with pytest.raises(NotSigned):
        HeadFork.make(LOG.public, note(ONE, 7, OTHER), note(TWO, 40), root_of(TWO[:7]), path)
    with pytest.raises(NotSigned):
        HeadFork.make(LOG.public, note(ONE, 7), note(TWO, 40, OTHER), root_of(TWO[:7]), path)
    elsewhere = origin(b"\3" * 32, b"\2" * 32)
    with pytest.raises(BadHeadFork, match="two logs"):
        HeadFork.make(LOG.public, note(ONE, 7), note(TWO, 40, name=elsewhere), root_of(TWO[:7]), path)
    with pytest.raises(Untrusted):
        fork().verify(OTHER.public)


def test_an_empty_head_is_no_evidence() -> None:
    with pytest.raises(Untrusted):
        HeadFork.make(LOG.public, note([], 0), note(TWO, 40), root_of(TWO), ())


@given(st.data())
def test_no_changed_byte_is_accepted(data: st.DataObject) -> None:
    raw = bytearray(fork().to_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Untrusted):
        HeadFork.parse(bytes(raw)).verify(LOG.public)


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode) | st.builds(
    lambda cut, more: fork().to_bytes()[:cut] + more, st.integers(0, 900), st.binary(max_size=40)
))  # fmt: skip
def test_noise_is_untrusted_and_nothing_else(noise: bytes) -> None:
    try:
        HeadFork.parse(noise).verify(LOG.public)
    except Untrusted:
        return
    assert noise == fork().to_bytes()


def test_what_is_too_long_is_not_looked_at() -> None:
    with pytest.raises(BadHeadFork, match="too long"):
        HeadFork.parse(b"a" * 20_000)

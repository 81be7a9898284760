"""What is said in a session: for the other side, for this path, and for nobody in between."""

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger.sealed import OVERHEAD_BYTES, Channel, Once, SessionSealBroken
from tests.golden.logs import key_of, some
from tests.support.effort import examples

SERVER, REPORTER = key_of("server"), key_of("reporter")


ONCE = {SERVER: Once(some("of the server, once")), REPORTER: Once(some("of the reporter, once"))}
THIEF = Once(some("of a thief, once"))


def channel(
    mine: SigningKey, theirs: SigningKey, once: Once | None = None, their_once: Once | None = None
) -> Channel:
    key = (once or ONCE[mine]).agreed(mine, theirs.public, (their_once or ONCE[theirs]).public)
    return Channel(key, theirs.public, lambda: secrets.token_bytes(32))


ASKING, ANSWERING = channel(REPORTER, SERVER), channel(SERVER, REPORTER)
SEALED = ASKING.seal_request("/audit", b"said")
ANSWERED = ANSWERING.seal_answer(SEALED, 200, b"taken")


def test_the_bytes_of_what_is_sealed_are_frozen() -> None:
    key = ONCE[REPORTER].agreed(REPORTER, SERVER.public, ONCE[SERVER].public)
    asking, answering = (
        Channel(key, theirs, lambda: bytes(range(32))) for theirs in (SERVER.public, REPORTER.public)
    )
    sealed = asking.seal_request("/audit", b"said")
    answered = answering.seal_answer(sealed, 200, b"taken")
    assert (sealed[:24], answered[:24]) == (bytes(range(24)), bytes(range(24)))
    assert sealed[24:].hex() == "f0f97c066a8c86eacf689c41854203fa107ac221"
    assert answered[24:].hex() == "f7f97e0778ac729a5fe8e04903611032beaa98d0f5"
    assert answering.open_request("/audit", sealed) == b"said"
    assert asking.open_answer(sealed, 200, answered) == b"taken"
    with pytest.raises(SessionSealBroken):
        asking.open_answer(sealed, 201, answered)


def test_nothing_is_sealed_too() -> None:
    assert ANSWERING.open_request("/audit", ASKING.seal_request("/audit", b"")) == b""


def test_what_one_side_seals_the_other_opens() -> None:
    assert ANSWERING.open_request("/audit", SEALED) == b"said"
    assert ASKING.open_answer(SEALED, 200, ANSWERED) == b"taken"
    assert len(SEALED) == len(b"said") + OVERHEAD_BYTES
    assert ASKING.seal_request("/audit", b"said") != SEALED, "never twice with one nonce"


@pytest.mark.parametrize(
    "one",
    [
        channel(key_of("a thief"), REPORTER, once=ONCE[SERVER]),
        channel(SERVER, key_of("a thief"), their_once=ONCE[REPORTER]),
        channel(SERVER, REPORTER, once=THIEF),
        channel(REPORTER, SERVER, once=THIEF),
    ],
)
def test_who_has_not_all_keys_of_one_side_opens_nothing(one: Channel) -> None:
    """Nor who kept what was said, and steals the keys of both that last: those of the handshake are forgotten."""
    with pytest.raises(SessionSealBroken):
        one.open_request("/audit", SEALED)


def test_it_is_for_one_path_one_status_and_one_question_and_goes_one_way() -> None:
    with pytest.raises(SessionSealBroken):
        ANSWERING.open_request("/errors", SEALED)
    with pytest.raises(SessionSealBroken):
        ASKING.open_answer(SEALED, 403, ANSWERED)
    with pytest.raises(SessionSealBroken):
        ASKING.open_answer(ASKING.seal_request("/audit", b"said"), 200, ANSWERED)
    with pytest.raises(SessionSealBroken):
        ASKING.open_answer(SEALED, 200, SEALED)


@pytest.mark.parametrize("theirs", [b"", bytes(32), bytes([1]) + bytes(31), b"\xff" * 32, bytes(31)])
def test_with_a_key_of_nobody_there_is_no_session(theirs: bytes) -> None:
    with pytest.raises(SessionSealBroken):
        THIEF.agreed(SERVER, theirs, ONCE[REPORTER].public)


@pytest.mark.parametrize("once", [b"", bytes(32), bytes([1]) + bytes(31), bytes(31), bytes(33)])
def test_with_a_key_for_this_handshake_that_is_nobodys_there_is_no_session(once: bytes) -> None:
    with pytest.raises(SessionSealBroken):
        THIEF.agreed(SERVER, REPORTER.public, once)


@given(st.binary(max_size=120))
@settings(max_examples=examples(200))
def test_noise_is_not_opened(noise: bytes) -> None:
    with pytest.raises(SessionSealBroken):
        ANSWERING.open_request("/audit", noise)


@given(st.integers(0, 8 * len(SEALED) - 1))
@settings(max_examples=examples(200))
def test_every_changed_bit_is_found(place: int) -> None:
    changed = bytearray(SEALED)
    changed[place // 8] ^= 1 << place % 8
    with pytest.raises(SessionSealBroken):
        ANSWERING.open_request("/audit", bytes(changed))

"""Signatures: libsodium's verdict, total verification, secrets that stay secret, purposes that do not mix."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scmanager.eventstore.signing import SigningKey, purpose, verify

WYCHEPROOF = json.loads(
    (Path(__file__).parent.parent / "vectors" / "wycheproof" / "ed25519_test.json").read_text(encoding="utf-8")
)
CASES = [
    pytest.param(group["publicKey"]["pk"], case, id=f"{case['tcId']}-{case['result']}")
    for group in WYCHEPROOF["testGroups"]
    for case in group["tests"]
]
KEY = SigningKey(bytes(range(32)))


def test_no_wycheproof_case_is_left_out() -> None:
    assert len(CASES) == WYCHEPROOF["numberOfTests"] == 151
    assert {case.values[1]["result"] for case in CASES} == {"valid", "invalid"}


@pytest.mark.parametrize(("public", "case"), CASES)
def test_the_verdict_is_wycheproofs(public: str, case: dict[str, Any]) -> None:
    verdict = verify(bytes.fromhex(public), bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
    assert verdict is (case["result"] == "valid")


def test_the_first_vector_of_rfc_8032_is_signed_byte_for_byte() -> None:
    key = SigningKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


@given(st.binary(max_size=300))
def test_what_a_key_signed_verifies_with_its_public_half(message: bytes) -> None:
    assert verify(KEY.public, message, KEY.sign(message))
    assert not verify(KEY.public, message + b"\0", KEY.sign(message))
    assert not verify(SigningKey(bytes(32)).public, message, KEY.sign(message))


@given(st.integers(0, 511))
def test_one_changed_bit_of_a_signature_is_one_too_many(bit: int) -> None:
    signature = bytearray(KEY.sign(b"message"))
    signature[bit // 8] ^= 1 << bit % 8
    assert not verify(KEY.public, b"message", bytes(signature))


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
@example(b"", b"", b"")
@example(KEY.public, b"", b"")
@example(KEY.public[:31], b"m", KEY.sign(b"m"))
@example(KEY.public + b"\0", b"m", KEY.sign(b"m"))
@example(KEY.public, b"", KEY.sign(b"m") + b"m")
def test_junk_is_not_a_signature_and_nothing_worse(public: bytes, message: bytes, signature: bytes) -> None:
    assert verify(public, message, signature) is False


@pytest.mark.parametrize(
    "public",
    [
        bytes(32),
        b"\x01" + bytes(31),
        b"\xec" + b"\xff" * 30 + b"\x7f",
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    ],
)
def test_a_key_of_small_order_vouches_for_nothing(public: bytes) -> None:
    # Under such a key the all-zero scalar with the neutral point "signs" many messages, and libraries disagree.
    assert not verify(public, b"message", b"\x01" + bytes(63))
    assert not verify(public, b"message", public + bytes(32))


def test_two_generated_keys_differ_and_a_seed_brings_its_key_back() -> None:
    one, other = SigningKey.generate(), SigningKey.generate()
    assert one.public != other.public
    assert SigningKey(one.reveal_seed()).public == one.public


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_has_thirty_two_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        SigningKey(bytes(length))


def test_a_key_shows_its_public_half_only() -> None:
    seed = bytes(range(100, 132))
    key = SigningKey(seed)
    for shown in (repr(key), str(key), f"{key}", repr([key])):
        assert key.public.hex() in shown
        assert seed.hex() not in shown
        assert repr(seed)[2:-1] not in shown


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_key_is_neither_pickled_nor_copied(leak: Any) -> None:
    with pytest.raises(TypeError, match=r"^a secret key is not pickled$"):
        leak(KEY)


def test_a_purpose_names_itself_and_its_audience() -> None:
    assert purpose("log-in", b"a" * 32, b"b" * 16) == b"scm/log-in/1\n" + b"a" * 32 + b"b" * 16
    assert purpose("continue") == b"scm/continue/1\n"


@pytest.mark.parametrize("name", ["", "Log", "log in", "a/b", "a\n", "a-", "-a", "ä"])
def test_a_purpose_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        purpose(name)


@pytest.mark.parametrize("field", [b"", b"x", bytes(31), bytes(33)])
def test_an_audience_is_made_of_whole_ids(field: bytes) -> None:
    with pytest.raises(ValueError, match=r"^an audience is made of ids, keys and hashes$"):
        purpose("log-in", bytes(32), field)

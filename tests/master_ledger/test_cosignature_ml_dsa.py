"""ML-DSA-44 cosignatures: the message that the specification names, of the name, origin and tree it says."""

import pickle
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.eventstore.checkpoint import BadCheckpoint, Note, WrongSignature, parse_note
from scmanager.master_ledger import ml_dsa, policy
from scmanager.master_ledger.cosignature import ML_DSA_44, Witness, cosign, cosigned_at, witness_of
from scmanager.master_ledger.ml_dsa import MlDsaKey
from scmanager.master_ledger.policy import Vkey
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S, WITNESSES, Server, name_of, policy_text

KEY = MlDsaKey(sha256(b"a witness for long years").digest())
NAME = "witness.example/pq"
WITNESS = Witness(NAME, KEY.public, ML_DSA_44)
SERVER = Server()
TEXT = SERVER.head().text()
BARE = SERVER.note(witnesses=())
GOOD = parse_note(BARE + cosign(TEXT, NAME, KEY, NOW_S))


def _message(name: bytes, time_s: int, start: int, end: int, root: bytes) -> bytes:
    """`cosigned_message`, written from the page alone."""
    origin = SERVER.origin.encode()
    ends = start.to_bytes(8, "big") + end.to_bytes(8, "big")
    named = bytes([len(name)]) + name
    return b"subtree/v1\n\x00" + named + time_s.to_bytes(8, "big") + bytes([len(origin)]) + origin + ends + root


def _with(value: bytes) -> Note:
    *others, mine = GOOD.signatures
    return Note(GOOD.text, (*others, type(mine)(mine.name, mine.key_id, value)))


def test_the_signed_bytes_are_those_of_the_specification() -> None:
    mine = GOOD.signatures[-1]
    assert mine.key_id == sha256(NAME.encode() + b"\n\x06" + KEY.public).digest()[:4]
    assert len(mine.value) == 8 + 2420
    head = SERVER.head()
    said = _message(NAME.encode(), NOW_S, 0, head.size, head.root)
    assert ml_dsa.verify(KEY.public, said, mine.value[8:])
    assert cosigned_at(GOOD, WITNESS) == NOW_S


def test_what_others_sign_by_that_page_is_understood() -> None:
    head = SERVER.head()
    signed = KEY.sign(_message(NAME.encode(), NOW_S, 0, head.size, head.root))
    assert cosigned_at(_with(NOW_S.to_bytes(8, "big") + signed), WITNESS) == NOW_S


@pytest.mark.parametrize(
    ("name", "time_s", "start", "more", "root"),
    [
        (b"witness.example/other", NOW_S, 0, 0, None),
        (NAME.encode(), NOW_S + 1, 0, 0, None),
        (NAME.encode(), NOW_S, 1, 0, None),
        (NAME.encode(), NOW_S, 0, 1, None),
        (NAME.encode(), NOW_S, 0, 0, bytes(32)),
    ],
)
def test_another_name_time_tree_or_root_spoils_the_note(
    name: bytes, time_s: int, start: int, more: int, root: bytes | None
) -> None:
    head = SERVER.head()
    signed = KEY.sign(_message(name, time_s, start, head.size + more, root or head.root))
    with pytest.raises(WrongSignature):
        cosigned_at(_with(NOW_S.to_bytes(8, "big") + signed), WITNESS)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2427), st.integers(1, 255))
def test_a_changed_line_spoils_the_note(at: int, bits: int) -> None:
    value = GOOD.signatures[-1].value
    with pytest.raises(WrongSignature):
        cosigned_at(_with(bytes((*value[:at], value[at] ^ bits, *value[at + 1 :]))), WITNESS)


@pytest.mark.parametrize("width", [0, 8, 72, 2427, 2429])
def test_a_value_of_another_width_is_none(width: int) -> None:
    with pytest.raises(WrongSignature):
        cosigned_at(_with(bytes(width)), WITNESS)


def test_without_a_time_it_says_nothing_of_a_newest_head() -> None:
    assert cosigned_at(parse_note(BARE + cosign(TEXT, NAME, KEY, 0)), WITNESS) is None


def test_what_is_dated_ahead_hides_nothing_that_was_said_before() -> None:
    for key in (KEY, key_of("a witness")):
        lines = b"".join(cosign(TEXT, NAME, key, at_s) for at_s in (NOW_S - 9, NOW_S + 9, NOW_S - 5))
        assert cosigned_at(parse_note(BARE + lines), witness_of(NAME, key), NOW_S) == NOW_S - 5


def test_one_name_may_sign_with_both_kinds_of_keys() -> None:
    old = key_of("a witness")
    note = parse_note(BARE + cosign(TEXT, NAME, old, NOW_S - 1) + cosign(TEXT, NAME, KEY, NOW_S))
    assert (cosigned_at(note, witness_of(NAME, old)), cosigned_at(note, WITNESS)) == (NOW_S - 1, NOW_S)


def test_what_is_no_checkpoint_is_not_signed_and_no_line_under_it_holds() -> None:
    text = "If you think cryptography is the answer\n"
    with pytest.raises(BadCheckpoint):
        cosign(text, NAME, KEY, NOW_S)
    with pytest.raises(WrongSignature):
        cosigned_at(Note(text, GOOD.signatures), WITNESS)


@pytest.mark.parametrize("name", ["n" * 256, ""])
def test_a_name_without_bytes_or_with_too_many_signs_nothing(name: str) -> None:
    with pytest.raises(BadCheckpoint) as refused:
        cosign(TEXT, name, KEY, NOW_S)
    assert refused.value.facts == {"reason": "a name or origin of 1 to 255 bytes is signed, and no other"}


@pytest.mark.parametrize("name", ["n", "n" * 255])
def test_a_name_of_one_byte_or_as_many_as_may_be_signs(name: str) -> None:
    assert cosigned_at(parse_note(BARE + cosign(TEXT, name, KEY, NOW_S)), witness_of(name, KEY)) == NOW_S


def test_the_secret_does_not_show() -> None:
    assert KEY.reveal_seed().hex() not in repr(KEY)
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


@given(st.binary(max_size=1400), st.binary(max_size=2500))
def test_any_bytes_may_be_asked_about(public: bytes, signature: bytes) -> None:
    assert not ml_dsa.verify(public, b"", signature)


def test_a_policy_takes_both_kinds_and_passes_over_those_it_does_not_know() -> None:
    later = Vkey("witness.example/later", 0x07, b"a key of another age").text()
    lines = [
        f"witness pq {Vkey(NAME, ML_DSA_44, KEY.public).text()} https://witness.example/pq",
        f"witness later {later}",
        f"log {later}",
        "group G 2 pq w0 later",
        "quorum G",
    ]
    before = policy_text().partition("group")[0]
    rules = policy.parse((before + "\n".join(lines) + "\n").encode())
    assert rules.addresses == {b"pq": "https://witness.example/pq"}
    forged = f"— witness.example/later {'A' * 40}\n".encode()
    note = parse_note(SERVER.note(witnesses=WITNESSES[:1]) + cosign(TEXT, NAME, KEY, NOW_S) + forged)
    assert rules.cosigned(note, NOW_S) == {b"w0": NOW_S, b"pq": NOW_S}
    assert rules.is_met(rules.cosigned(note, NOW_S))
    assert not rules.is_met({b"pq": NOW_S})
    assert not rules.accepts_log(SERVER.origin, SERVER.key.public)  # Of the one log it lists it knows no key.


def test_a_key_of_the_wrong_width_is_no_witness() -> None:
    vkey = Vkey(NAME, ML_DSA_44, KEY.public[1:]).text()
    with pytest.raises(policy.BadPolicy, match="1312 bytes"):
        policy.parse(f"witness pq {vkey}\nquorum pq\n".encode())


def test_one_key_is_one_witness_whatever_it_is_called() -> None:
    lines = [f"witness {n} {Vkey(n, ML_DSA_44, KEY.public).text()}" for n in ("a", "b")]
    with pytest.raises(policy.BadPolicy, match="listed before"):
        policy.parse("\n".join([*lines, "quorum a"]).encode())


def test_sixteen_of_the_largest_signatures_are_taken() -> None:
    names = [f"witness.example/{n}" for n in range(16)]
    note = parse_note(BARE + b"".join(cosign(TEXT, each, KEY, NOW_S) for each in names))
    assert [cosigned_at(note, Witness(each, KEY.public, ML_DSA_44)) for each in names] == [NOW_S] * 16


def test_a_stranger_with_the_id_of_a_known_key_is_passed_over_under_his_own_name() -> None:
    known, stranger = Witness(name_of(WITNESSES[0]), WITNESSES[0].public), key_of("stranger")
    *_, line = parse_note(BARE + cosign(TEXT, "witness.example/x", stranger, NOW_S)).signatures
    good = parse_note(SERVER.note(witnesses=WITNESSES[:1]))
    elsewhere = type(line)("witness.example/x", known.key_id, line.value)
    assert cosigned_at(Note(good.text, (*good.signatures, elsewhere)), known) == NOW_S
    there = type(line)(known.name, known.key_id, line.value)
    with pytest.raises(WrongSignature):
        cosigned_at(Note(good.text, (*good.signatures, there)), known)

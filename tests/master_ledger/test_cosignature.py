"""Cosignatures: as C2SP spells them, and worth nothing for another text, time, name or key."""

from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scmanager.eventstore.checkpoint import WrongSignature, parse_note
from scmanager.eventstore.signing import verify
from scmanager.master_ledger.cosignature import TIME_MAX_S, Witness, cosign, cosigned_at
from scmanager.master_ledger.policy import Vkey
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S, Server

KEY = key_of("a witness")
NAME = "witness.example/a"
WITNESS = Witness(NAME, KEY.public)
SERVER = Server()
TEXT = SERVER.head().text()
BARE = SERVER.note(witnesses=())


CT_LOG = "coachandhorses2026h1.staging.certificate.transparency.goog"
CT_SIGNATURE = "MpXgsHy8ZwxXnO+WjtVrPxAzL49Rs1gWTkNVNeEa//5peAzaocRCB3qt3EaibjzY5GILLtGgBP7dBhgcSHy+JQh0OAc="
WITNESS_OF_OTHERS = "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G"
THEIR_LINE = (
    "o+AP4gAAAABqb7DzNrGFRJnQ9vrJ8xpnwZytnr/ZYczDIsvwvouiSjwOjn7a72ccxBk+lKnZ7dKqkYKER1s/KxLTaVwQD7lJZTC/CQ=="
)
"""A checkpoint of a public Certificate Transparency log as a public witness cosigned it; its other line, of the
ML-DSA-44 type, is cut short here."""


def test_a_witness_that_others_run_is_understood() -> None:
    vkey = Vkey.parse(WITNESS_OF_OTHERS)
    text = f"{CT_LOG}\n185550722\nYXAM0VmnrfvLaBCOOYSJhCaE5F10oGBOo+hkbDa1kng=\n"
    lines = f"— {CT_LOG} {CT_SIGNATURE}\n— {vkey.name} {THEIR_LINE}\n— {vkey.name} a8RCSQAAAABqb7DzKgaC\n"
    note = parse_note(f"{text}\n{lines}".encode())
    assert cosigned_at(note, Witness(vkey.name, vkey.key)) == 0x6A6FB0F3
    with pytest.raises(WrongSignature):
        cosigned_at(
            type(note)(note.text.replace("185550722", "185550723"), note.signatures), Witness(vkey.name, vkey.key)
        )


def test_the_signed_bytes_are_those_of_the_specification() -> None:
    line = cosign(TEXT, NAME, KEY, 1679315147)
    (signature,) = [each for each in parse_note(BARE + line).signatures if each.name == NAME]
    assert signature.key_id == sha256(NAME.encode() + b"\n\x04" + KEY.public).digest()[:4]
    assert signature.value[:8] == (1679315147).to_bytes(8, "big")
    assert verify(KEY.public, f"cosignature/v1\ntime 1679315147\n{TEXT}".encode(), signature.value[8:])


@given(st.integers(0, TIME_MAX_S))
@example(TIME_MAX_S)
def test_a_cosignature_tells_its_time(at_s: int) -> None:
    assert cosigned_at(parse_note(BARE + cosign(TEXT, NAME, KEY, at_s)), WITNESS) == at_s


def test_a_time_that_nobody_can_tell_spoils_the_note() -> None:
    with pytest.raises(WrongSignature):
        cosigned_at(parse_note(BARE + cosign(TEXT, NAME, KEY, TIME_MAX_S + 1)), WITNESS)


def test_of_several_the_newest_counts() -> None:
    lines = b"".join(cosign(TEXT, NAME, KEY, at_s) for at_s in (7, 9, 8))
    assert cosigned_at(parse_note(BARE + lines), WITNESS) == 9


def test_whoever_is_not_known_is_passed_over() -> None:
    other = cosign(TEXT, NAME, key_of("another"), NOW_S)
    renamed = cosign(TEXT, "witness.example/b", KEY, NOW_S)
    assert cosigned_at(parse_note(BARE), WITNESS) is None
    assert cosigned_at(parse_note(BARE + other + renamed), WITNESS) is None


@given(st.integers(0, 71), st.integers(1, 255))
def test_a_line_of_a_known_witness_that_does_not_hold_spoils_the_note(at: int, bits: int) -> None:
    good = parse_note(BARE + cosign(TEXT, NAME, KEY, NOW_S))
    *others, mine = good.signatures
    value = bytes((*mine.value[:at], mine.value[at] ^ bits, *mine.value[at + 1 :]))
    changed = type(mine)(mine.name, mine.key_id, value)
    with pytest.raises(WrongSignature):
        cosigned_at(type(good)(good.text, (*others, changed)), WITNESS)


def test_a_cosignature_of_another_head_is_worth_nothing() -> None:
    with pytest.raises(WrongSignature):
        cosigned_at(parse_note(BARE + cosign(TEXT.replace("\n1\n", "\n2\n"), NAME, KEY, NOW_S)), WITNESS)


@pytest.mark.parametrize("width", [0, 7, 8, 63, 71, 73, 2428])
def test_a_value_of_another_width_is_none(width: int) -> None:
    note = parse_note(BARE)
    line = type(note.signatures[0])(NAME, WITNESS.key_id, bytes(width))
    with pytest.raises(WrongSignature):
        cosigned_at(type(note)(note.text, (line,)), WITNESS)

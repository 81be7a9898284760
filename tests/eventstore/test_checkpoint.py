"""Checkpoints and notes: golden bytes, the published examples, and every way a note can lie."""

from base64 import b64decode, b64encode
from contextlib import suppress
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import example, given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    BadCheckpoint,
    BadNote,
    Checkpoint,
    Note,
    NotSigned,
    Signature,
    WrongSignature,
    key_id,
    note_from,
    origin,
    parse_note,
    parse_origin,
    sign_note,
    verify_note,
)
from scmanager.eventstore.merkle import EMPTY_ROOT, SIZE_MAX, leaf_hash, root_of
from scmanager.eventstore.signing import SigningKey, purpose, verify

KEY = SigningKey(bytes(range(32)))
SPACE, LOG = b"\xaa" * 32, b"\xbb" * 32
ORIGIN = origin(SPACE, LOG)
CHECKPOINT = Checkpoint(ORIGIN, 3, root_of([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]))
NOTE = sign_note(CHECKPOINT, KEY)

# Frozen: a change here is a change of what has been signed.
GOLDEN = (
    f"scm.log/1/{'aa' * 32}/{'bb' * 32}\n"
    "3\n"
    "NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=\n"
    "\n"
    f"— scm.log/1/{'aa' * 32}/{'bb' * 32} "
    "NtveLJiA6ezhq+ZdsYTMBfssaBNB4cBAsjSu0IJAaCRJDZEpMuUDNnH1kikPguWZR3JSprvVQx4SxLZVZcsn4ZR0PwI=\n"
).encode()

# The key and note of Go's reference implementation (golang.org/x/mod/sumdb/note, documentation and tests).
GO_NAME = "PeterNeumann"
GO_KEY = b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
GO_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


def line(name: str, value: bytes) -> bytes:
    return f"— {name} {b64encode(value).decode()}\n".encode()


def replaced(old: bytes, new: bytes) -> bytes:
    assert NOTE.count(old) >= 1
    return NOTE.replace(old, new)


def signed(text: str) -> bytes:
    """Any text at all, well signed: what a hostile holder of the key could make."""
    return text.encode() + b"\n" + line(ORIGIN, key_id(ORIGIN, KEY.public) + KEY.sign(text.encode()))


def test_the_bytes_of_a_note_are_frozen() -> None:
    assert NOTE == GOLDEN
    assert verify_note(GOLDEN, ORIGIN, KEY.public) == CHECKPOINT


def test_the_example_note_of_go_verifies() -> None:
    assert GO_KEY[0] == GO_SEED[0] == 1
    note = parse_note(GO_NOTE)
    assert key_id(GO_NAME, GO_KEY[1:]).hex() == "c74f20a3"
    assert len(note.signature_by(GO_NAME, GO_KEY[1:])) == 64


def test_the_example_note_of_go_comes_out_byte_for_byte() -> None:
    key, text = SigningKey(GO_SEED[1:]), parse_note(GO_NOTE).text
    assert key.public == GO_KEY[1:]
    assert text.encode() + b"\n" + line(GO_NAME, key_id(GO_NAME, key.public) + key.sign(text.encode())) == GO_NOTE


def test_the_example_checkpoint_of_c2sp_is_read_and_written_back() -> None:
    example_note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5"
        "/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    ).encode()
    note = parse_note(example_note)
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == note.text
    assert note.signatures[0].key_id.hex() == "033de0ae"


def test_the_example_note_of_c2sp_with_an_empty_line_in_its_text_is_read() -> None:
    note = parse_note(
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihA"
        "QwaqP3ZekRwNtIc=\n".encode()
    )
    assert note.text.endswith("\n\ned è subito sera.\n")
    assert [each.name for each in note.signatures] == ["quasimodo.example/salvatore"]


def test_another_library_and_another_reading_of_the_format_agree() -> None:
    text, _, rest = NOTE.partition("\n\n— ".encode())
    name, encoded = rest.split()
    raw = b64decode(encoded)
    assert raw[:4] == sha256(name + b"\n\x01" + KEY.public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(KEY.public).verify(raw[4:], text + b"\n")
    assert text.split(b"\n") == [name, b"3", b64encode(CHECKPOINT.root)]


def test_an_origin_names_space_and_log() -> None:
    assert f"scm.log/1/{'aa' * 32}/{'bb' * 32}" == ORIGIN
    assert parse_origin(ORIGIN) == (SPACE, LOG)


@pytest.mark.parametrize(
    "text", ["", ORIGIN[:-1], ORIGIN + "0", ORIGIN + "\n", ORIGIN.upper(), ORIGIN.replace("/1/", "/2/"), "a.example"]
)
def test_another_logs_origin_names_nothing_of_ours(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        parse_origin(text)


@pytest.mark.parametrize(
    ("space", "log"),
    [(b"", LOG), (SPACE, b""), (SPACE[:31], LOG + b"\0"), (SPACE + b"\0", LOG), (SPACE, LOG + b"\0")],
)
def test_an_origin_is_made_of_whole_ids(space: bytes, log: bytes) -> None:
    with pytest.raises(ValueError, match=r"^a space and a log each have an id of 32 bytes$"):
        origin(space, log)


@given(st.integers(0, SIZE_MAX), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_what_a_key_signs_is_what_its_reader_gets(size: int, root: bytes, seed: bytes) -> None:
    key = SigningKey(seed)
    checkpoint = Checkpoint(ORIGIN, size, root if size else EMPTY_ROOT)
    note = sign_note(checkpoint, key)
    assert verify_note(note, ORIGIN, key.public) == checkpoint
    assert note_from(checkpoint, parse_note(note).signature_by(ORIGIN, key.public), key.public) == note


def test_a_note_may_be_signed_under_another_name() -> None:
    note = sign_note(CHECKPOINT, KEY, "witness.example")
    assert verify_note(note, "witness.example", KEY.public) == CHECKPOINT
    with pytest.raises(NotSigned):
        verify_note(note, ORIGIN, KEY.public)


@pytest.mark.parametrize("name", ["", "two words", "plus+sign", "non\u00a0breaking", "ideo\u3000graphic", "a\nb"])
def test_a_signers_name_has_no_spaces_and_no_plus(name: str) -> None:
    with pytest.raises(BadNote):
        sign_note(CHECKPOINT, KEY, name)
    with pytest.raises(BadNote):
        parse_note(CHECKPOINT.text().encode() + b"\n" + line(name, bytes(68)))


def test_the_lines_of_unknown_signers_are_passed_over() -> None:
    strangers = [
        line("witness.example", bytes(4) + b"signature of some other kind"),
        line(ORIGIN, bytes(4) + bytes(64)),  # our name, another key's id
        line("another.example", key_id(ORIGIN, KEY.public) + bytes(64)),  # our id, another name
        line("post-quantum.example", bytes(4900)),
    ]
    text, own = NOTE.split(b"\n\n")
    for crowd in (own + b"".join(strangers), b"".join(strangers) + own):
        assert verify_note(text + b"\n\n" + crowd, ORIGIN, KEY.public) == CHECKPOINT


def test_sixteen_large_signatures_and_more_are_accepted() -> None:
    crowd = b"".join(line(f"witness-{number}.example", bytes(4 + 4900)) for number in range(16))
    assert verify_note(NOTE + crowd, ORIGIN, KEY.public) == CHECKPOINT
    small = b"".join(line(f"witness-{number}.example", bytes(68)) for number in range(SIGNATURES_MAX - 1))
    assert verify_note(NOTE + small, ORIGIN, KEY.public) == CHECKPOINT
    with pytest.raises(BadNote) as bad:
        verify_note(NOTE + small + line("one-more.example", bytes(68)), ORIGIN, KEY.public)
    assert bad.value.facts["reason"] == "too many signatures"
    assert SIGNATURES_MAX == 100, "as many as Go's module for notes takes"


def test_a_known_key_with_a_wrong_signature_spoils_the_note_even_beside_a_right_one() -> None:
    wrong = line(ORIGIN, key_id(ORIGIN, KEY.public) + bytes(64))
    text, own = NOTE.split(b"\n\n")
    for crowd in (own + wrong, wrong + own, wrong):
        with pytest.raises(WrongSignature):
            verify_note(text + b"\n\n" + crowd, ORIGIN, KEY.public)


@pytest.mark.parametrize("length", [1, 63, 65, 128])
def test_a_signature_of_another_length_under_a_known_key_spoils_the_note(length: int) -> None:
    with pytest.raises(WrongSignature):
        verify_note(NOTE + line(ORIGIN, key_id(ORIGIN, KEY.public) + bytes(length)), ORIGIN, KEY.public)


def test_the_same_signature_twice_is_one() -> None:
    assert verify_note(NOTE + NOTE.split(b"\n\n")[1], ORIGIN, KEY.public) == CHECKPOINT


def test_a_note_of_another_key_is_not_signed() -> None:
    with pytest.raises(NotSigned):
        verify_note(sign_note(CHECKPOINT, SigningKey(bytes(32))), ORIGIN, KEY.public)


def test_a_key_whose_id_collides_still_has_to_sign() -> None:
    forged = CHECKPOINT.text().encode() + b"\n"
    forged += line(ORIGIN, key_id(ORIGIN, KEY.public) + SigningKey(bytes(32)).sign(CHECKPOINT.text().encode()))
    with pytest.raises(WrongSignature):
        verify_note(forged, ORIGIN, KEY.public)


def test_a_key_of_the_wrong_length_verifies_nothing() -> None:
    for public in (b"", KEY.public[:31], KEY.public + b"\0"):
        with pytest.raises(NotSigned):
            verify_note(NOTE, ORIGIN, public)


ROOT64 = b64encode(CHECKPOINT.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n03\n{ROOT64}\n",
        f"{ORIGIN}\n+3\n{ROOT64}\n",
        f"{ORIGIN}\n-3\n{ROOT64}\n",
        f"{ORIGIN}\n 3\n{ROOT64}\n",
        f"{ORIGIN}\n3_0\n{ROOT64}\n",
        f"{ORIGIN}\n３\n{ROOT64}\n",
        f"{ORIGIN}\n٣\n{ROOT64}\n",
        f"{ORIGIN}\n\n{ROOT64}\n",
        f"{ORIGIN}\n{SIZE_MAX + 1}\n{ROOT64}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT64}\n",
        f"{ORIGIN}\n0\n{ROOT64}\n",
        f"{ORIGIN}\n3\n{ROOT64[:-1]}\n",
        f"{ORIGIN}\n3\n{ROOT64}=\n",
        f"{ORIGIN}\n3\n{ROOT64} \n",
        f"{ORIGIN}\n3\n {ROOT64}\n",
        f"{ORIGIN}\n3\n{ROOT64[:20]}\n{ROOT64[20:]}\n",
        f"{ORIGIN}\n3\n{ROOT64[:20]}*{ROOT64[20:]}\n",
        f"{ORIGIN}\n3\nAAAA\n",
        f"{ORIGIN}\n3\n{'A' * 42}B=\n",
        f"{ORIGIN}\n3\n{'-' * 43}=\n",
        f"{ORIGIN}\n3\n{'é' * 43}=\n",
        f"{ORIGIN}\n3\n\n",
        f"{ORIGIN}\n3\n{ROOT64}\nextension\n",
        f"{ORIGIN}\n3\n",
        f"{ORIGIN}\n",
        f"\n3\n{ROOT64}\n",
        f"{'x' * 256}\n3\n{ROOT64}\n",
        f"scm/continue/1\n3\n{ROOT64}\n",
    ],
)
def test_a_signed_text_that_is_no_plain_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        verify_note(signed(text), ORIGIN, KEY.public)


def test_unused_bits_in_base64_are_refused() -> None:
    last = ROOT64[-2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = ROOT64[:-2] + alphabet[alphabet.index(last) + 1] + "="
    assert b64decode(twin) == CHECKPOINT.root
    with pytest.raises(BadCheckpoint):
        verify_note(signed(f"{ORIGIN}\n3\n{twin}\n"), ORIGIN, KEY.public)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"\n\n\n",
        NOTE[:-1],
        NOTE + b"\n",
        b"\xef\xbb\xbf" + NOTE.replace("—".encode(), b"-"),
        replaced(b"\n", b"\r\n"),
        replaced(b"\n3\n", b"\n3\r\n"),
        replaced(b"\n3\n", b"\n3\t\n"),
        replaced(b"\n3\n", b"\n3\0\n"),
        replaced(b"\n3\n", b"\n3\x1b\n"),
        replaced(b"\n3\n", b"\n3\xff\n"),
        replaced(b"\n3\n", b"\n3\xed\xa0\x80\n"),
        replaced(b"\n\n", b"\n"),
        replaced("— ".encode(), b"- "),
        replaced("— ".encode(), "—".encode()),
        replaced("— ".encode(), "—  ".encode()),
        NOTE.replace(b"=\n", b"= \n"),
        NOTE + "— \n".encode(),
        NOTE + "— name\n".encode(),
        NOTE + "— name \n".encode(),
        NOTE + "— name AAAA\n".encode(),
        NOTE + "— name AAAAAAA\n".encode(),
        NOTE + "— name AAAAAA==\n".encode(),
        NOTE + "— name AAAAAAE=\n".encode() + b"x",
        NOTE + "— name AAAAAAF=\n".encode(),
        NOTE + "— name AAAAA AAA\n".encode(),
        NOTE + line("x", bytes(NOTE_BYTES_MAX)),
        CHECKPOINT.text().encode() + b"\n",
        CHECKPOINT.text().encode(),
    ],
)
def test_what_is_not_quite_a_note_is_no_note(data: bytes) -> None:
    with pytest.raises(BadNote):
        parse_note(data)


def test_no_changed_byte_of_a_note_goes_unseen() -> None:
    for at, was in enumerate(NOTE):
        for now in {0, 10, 13, 32, 48, 49, 65, was ^ 1, was ^ 32, 255} - {was}:
            with pytest.raises(Untrusted):
                verify_note(NOTE[:at] + bytes([now]) + NOTE[at + 1 :], ORIGIN, KEY.public)
        with pytest.raises(Untrusted):
            verify_note(NOTE[:at], ORIGIN, KEY.public)


note_like = st.lists(
    st.sampled_from(
        [b"\n", b"\n\n", b" ", b"3", b"=", "— ".encode(), ORIGIN.encode(), ROOT64.encode(), b"\xff", b"\r"]
    )
    | st.binary(max_size=20)
    | st.just(NOTE.split(b"\n\n")[1]),
    max_size=12,
).map(b"".join)


@given(note_like | st.binary(max_size=300), st.text(max_size=20), st.binary(max_size=40))
@example(NOTE, "lone \ud800 surrogate", KEY.public)
def test_noise_is_untrusted_and_nothing_else(data: bytes, name: str, public: bytes) -> None:
    for signer, key in ((name, public), (ORIGIN, KEY.public)):
        try:
            checkpoint = verify_note(data, signer, key)
        except Untrusted:
            continue
        assert data.startswith(checkpoint.text().encode())


@given(st.text(max_size=80))
def test_any_text_is_a_checkpoint_or_untrusted(text: str) -> None:
    with suppress(BadCheckpoint):
        assert Checkpoint.parse(text).text() == text


@pytest.mark.parametrize(
    ("name", "size", "root"),
    [
        ("a\nb", 1, bytes(32)),
        ("a\tb", 1, bytes(32)),
        ("a\ud800", 1, bytes(32)),
        ("", 1, bytes(32)),
        ("a", -1, bytes(32)),
        ("a", SIZE_MAX + 1, bytes(32)),
        ("a", 1, bytes(31)),
        ("a", 0, bytes(32)),
    ],
)
def test_a_checkpoint_cannot_be_made_wrong(name: str, size: int, root: bytes) -> None:
    with pytest.raises(BadCheckpoint):
        Checkpoint(name, size, root)


def test_a_signature_for_another_purpose_is_never_a_note() -> None:
    statement = purpose("continue", LOG) + CHECKPOINT.text().encode()
    assert not verify(KEY.public, CHECKPOINT.text().encode(), KEY.sign(statement))
    assert not CHECKPOINT.text().startswith("scm/")
    with pytest.raises(BadCheckpoint) as bad:
        Checkpoint(purpose("continue").decode().strip(), 3, CHECKPOINT.root)
    assert bad.value.facts["reason"] == "its origin reads like the purpose of another signature"


def test_a_store_cannot_rebuild_a_note_from_half_a_signature() -> None:
    with pytest.raises(BadNote) as bad:
        note_from(CHECKPOINT, bytes(63), KEY.public)
    assert bad.value.facts["reason"] == "an Ed25519 signature has 64 bytes"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"\n3\n{ROOT64}\n", "its origin is empty, too long or not text"),
        (f"{'x' * 256}\n3\n{ROOT64}\n", "its origin is empty, too long or not text"),
        (f"{ORIGIN}\n{SIZE_MAX + 1}\n{ROOT64}\n", "its size is beyond any log"),
        (f"{ORIGIN}\n03\n{ROOT64}\n", "its size is no plain number"),
        (f"{ORIGIN}\n3\nAAAA\n", "its root is no SHA-256"),
        (f"{ORIGIN}\n3\n{ROOT64}*\n", "its root is no plain base64"),
        (f"{ORIGIN}\n0\n{ROOT64}\n", "an empty log has another root"),
        (f"{ORIGIN}\n3\n", "it has not three lines"),
    ],
)
def test_what_is_no_checkpoint_is_told_why(text: str, why: str) -> None:
    with pytest.raises(BadCheckpoint) as bad:
        Checkpoint.parse(text)
    assert bad.value.facts["reason"] == why


def test_a_checkpoint_is_as_large_as_it_may_be() -> None:
    for name, size in (("a", 1), ("a" * 255, SIZE_MAX)):
        assert Checkpoint.parse(f"{name}\n{size}\n{ROOT64}\n") == Checkpoint(name, size, CHECKPOINT.root)


def test_an_origin_that_is_none_of_ours_is_called_that() -> None:
    with pytest.raises(BadCheckpoint) as bad:
        parse_origin("a.example")
    assert bad.value.facts["reason"] == "its origin is none of ours"


def test_a_name_that_cannot_sign_is_told_why() -> None:
    with pytest.raises(BadNote) as bad:
        sign_note(CHECKPOINT, KEY, "two words")
    assert bad.value.facts["reason"] == "a key's name has no spaces and no plus"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (NOTE + b"x" * (NOTE_BYTES_MAX + 1 - len(NOTE)), "too long"),
        (NOTE + b"x" * (NOTE_BYTES_MAX - len(NOTE)), "no line of signatures that ends"),
        (replaced(b"\n3\n", b"\n3\xff\n"), "not UTF-8"),
        (replaced(b"\n3\n", b"\n3\0\n"), "a control character"),
        (replaced(b"\n\n", b"\n"), "no empty line before the signatures"),
        (NOTE[:-1], "no line of signatures that ends"),
        (NOTE + b"- name AAAAAAA=\n", "a line that is no signature"),
        (NOTE + "— na+me AAAAAAA=\n".encode(), "a line that is no signature"),
        (NOTE + "— name AAAA\n".encode(), "a signature that is no plain base64"),
        (NOTE + "— name AAAAA AAA\n".encode(), "a signature that is no plain base64"),
    ],
)
def test_what_is_no_note_is_told_why(data: bytes, why: str) -> None:
    with pytest.raises(BadNote) as bad:
        parse_note(data)
    assert bad.value.facts["reason"] == why


def test_a_text_may_be_a_lone_newline() -> None:
    assert parse_note(b"\n\n" + line("a", bytes(5))).text == "\n"


def test_an_unverified_note_is_only_text_and_lines() -> None:
    assert parse_note(b"any text\n\n" + line("a", b"abcdefg")) == Note(
        "any text\n", (Signature("a", b"abcd", b"efg"),)
    )

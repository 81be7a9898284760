"""Key boxes: what goes in comes out for one device, and noise is refused by one family."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey, PublicKey, SealedBox

from scmanager.adapters.key_box import (
    KEYS_IN_A_BOX_MAX,
    BoxKeyUnusable,
    KeyBoxBroken,
    SpaceKey,
    open_box,
    seal_box,
    seal_secret,
)
from scmanager.eventstore.entry import digest
from scmanager.eventstore.parts import is_box_key, key_id

SECRET = PrivateKey.generate()
PUBLIC = bytes(SECRET.public_key)
SPACE, SUBJECT = b"s" * 32, b"m" * 16
LOW_ORDER = [
    each.to_bytes(32, "little")
    for p in (2**255 - 19,)
    for each in (
        0, 1, p - 1, p, p + 1, 2**255, 2**255 + 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    )
]  # fmt: skip
"""The points of order 1, 2, 4 and 8, in the spellings that libsodium knows, and with the bit that it passes over."""

space_keys = st.builds(
    SpaceKey,
    st.binary(min_size=32, max_size=32),
    st.just(b"") | st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32),
)


def sealed(plain: bytes) -> bytes:
    return SealedBox(PublicKey(PUBLIC)).encrypt(plain)


def test_a_key_id_is_the_hash_the_design_names() -> None:
    key = SpaceKey(SPACE, SUBJECT, bytes(32))
    assert key.key == digest("scm/bound-key/1", SPACE, SUBJECT, bytes(32))
    assert key.key_id == digest("scm/key/1", key.key)
    assert key_id(bytes(32)).hex() == "19ffebf1b00c1236367a1eac01e16115001d34bf159738c8e5c54678775c1635"


def test_every_label_makes_another_key() -> None:
    labels = ((SPACE, SUBJECT), (SPACE, b""), (SPACE, b"n" * 16), (b"t" * 32, SUBJECT))
    assert len({SpaceKey(space, subject, bytes(32)).key_id for space, subject in labels}) == len(labels)


@given(st.lists(space_keys, max_size=20))
def test_a_device_finds_the_keys_that_were_sealed_to_it(keys: list[SpaceKey]) -> None:
    assert open_box(bytes(SECRET), seal_box(PUBLIC, keys)) == tuple(keys)


def test_the_largest_box_opens() -> None:
    keys = [SpaceKey(SPACE, SUBJECT, number.to_bytes(32, "big")) for number in range(KEYS_IN_A_BOX_MAX)]
    assert len(open_box(bytes(SECRET), seal_box(PUBLIC, keys))) == KEYS_IN_A_BOX_MAX
    with pytest.raises(ValueError, match="at most"):
        seal_box(PUBLIC, [*keys, keys[0]])


def test_another_device_finds_nothing() -> None:
    box = seal_box(PUBLIC, [SpaceKey(SPACE, b"", bytes(32))])
    with pytest.raises(KeyBoxBroken):
        open_box(bytes(PrivateKey.generate()), box)


@pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31), b"short", b""])
def test_nothing_is_sealed_to_a_key_that_hides_nothing(public: bytes) -> None:
    with pytest.raises(BoxKeyUnusable):
        seal_box(public, [SpaceKey(SPACE, b"", bytes(32))])
    assert not is_box_key(public)


@given(st.binary(min_size=32, max_size=32) | st.sampled_from(LOW_ORDER))
def test_a_key_is_a_box_key_exactly_if_something_can_be_sealed_to_it(public: bytes) -> None:
    try:
        seal_secret(public, bytes(32))
    except BoxKeyUnusable:
        assert not is_box_key(public)
    else:
        assert is_box_key(public)


@given(st.binary(max_size=300))
def test_noise_is_not_a_box(noise: bytes) -> None:
    with pytest.raises(KeyBoxBroken):
        open_box(bytes(SECRET), noise)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.just(b"[" * 100_000) | st.just(b'"\xff"'))
def test_noise_in_a_box_is_refused(noise: bytes) -> None:
    with pytest.raises(KeyBoxBroken):
        open_box(bytes(SECRET), sealed(noise))


def test_a_box_beyond_all_measure_is_refused_before_it_is_opened() -> None:
    with pytest.raises(KeyBoxBroken):
        open_box(bytes(SECRET), sealed(b" " * (1 << 20)))


def test_only_the_canonical_spelling_of_proper_keys_is_taken() -> None:
    good = {"format": "scm-keys/1", "keys": [{"space": SPACE, "subject": SUBJECT, "secret": bytes(32)}]}
    assert open_box(bytes(SECRET), sealed(msgspec.json.encode(good)))
    hostile = (
        msgspec.json.encode(good) + b" ",
        msgspec.json.encode({**good, "more": 1}),
        msgspec.json.encode({**good, "format": "scm-keys/2"}),
        msgspec.json.encode({**good, "keys": [{"space": SPACE, "subject": b"short", "secret": bytes(32)}]}),
        msgspec.json.encode({**good, "keys": [{"space": SPACE, "subject": b"", "secret": bytes(31)}]}),
        msgspec.json.encode({**good, "keys": good["keys"] * (KEYS_IN_A_BOX_MAX + 1)}),
        msgspec.json.encode({"keys": good["keys"], "format": "scm-keys/1"}),
    )
    for plain in hostile:
        with pytest.raises(KeyBoxBroken):
            open_box(bytes(SECRET), sealed(plain))


def test_no_key_shows_in_a_repr() -> None:
    key = SpaceKey(SPACE, SUBJECT, b"k" * 32)
    assert repr(key) == f"SpaceKey({key.key_id.hex()})"

"""Key files of the author: 64 bytes, plain or sealed, and a distinct error for each thing that can be wrong."""

import stat
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_sign_seed_keypair
from nacl.pwhash import argon2id

from scmanager.adapters import author_key
from scmanager.adapters.author_key import (
    AuthorKeyDamaged,
    AuthorKeyHalves,
    AuthorKeyLength,
    AuthorKeyMissing,
    AuthorKeyRole,
    AuthorPassphraseWrong,
    open_author_key,
    parse_plain,
    parse_sealed,
    read_author_key,
    write_author_key,
)
from scmanager.adapters.private_files import PrivateFileExists
from scmanager.adapters.wrapping import PassphraseProtection, PassphraseTooShort
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore.signing import SigningKey
from tests.support.effort import examples

SEED = bytes(range(32))
KEY = SigningKey(SEED)
PLAIN = SEED + KEY.public


FROZEN = b"""{
  "format": "scm-author-key/1",
  "role": "root",
  "public": "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
  "lock": {
    "type": "passphrase",
    "salt": "adXs+NIG4oaBXR7d+AcX/w==",
    "passes": 1,
    "memory_bytes": 8192
  },
  "sealed": "PX8MIcf+Sndm6vv92r4KoHVqBFJfVM8v4bHQunykgTOJNKIz8oYOnZERn+DVP/scrxUYORkE1jPeCOwJegrtvG0Cnu6qduRXYZFlJERXoU5enmEnx6HV+36XGHZJl4WJElyq8GPUZPk="
}
"""  # noqa: E501
"""As an earlier release wrote it: keys lie in drawers for years."""


def quick(passphrase: str = "correct horse battery") -> PassphraseProtection:
    return PassphraseProtection(passphrase, passes=argon2id.OPSLIMIT_MIN, memory_bytes=argon2id.MEMLIMIT_MIN)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("keys") / "root.key"
    write_author_key(path, "root", KEY, quick())
    return read_author_key(path)


def test_a_plain_key_is_64_bytes_the_secret_half_first(tmp_path: Path) -> None:
    write_author_key(tmp_path / "k", "release", KEY, None)
    assert (tmp_path / "k").read_bytes() == PLAIN
    assert crypto_sign_seed_keypair(SEED) == (KEY.public, PLAIN), "as libsodium keeps a secret key"
    assert open_author_key(PLAIN, "release").public == KEY.public
    assert open_author_key(PLAIN, "root").sign(b"x") == KEY.sign(b"x"), "it does not say what it is for"


@given(st.binary(max_size=200).filter(lambda raw: len(raw) != 64))
def test_another_length_is_named_as_such(raw: bytes) -> None:
    with pytest.raises(AuthorKeyLength) as wrong:
        parse_plain(raw)
    assert wrong.value.facts["found"] == len(raw)


@given(st.integers(0, 63), st.integers(1, 255))
def test_halves_that_do_not_belong_together_are_named_as_such(at: int, bits: int) -> None:
    with pytest.raises(AuthorKeyHalves):
        parse_plain(PLAIN[:at] + bytes((PLAIN[at] ^ bits,)) + PLAIN[at + 1 :])


def test_halves_in_the_other_order_are_no_key() -> None:
    with pytest.raises(AuthorKeyHalves):
        parse_plain(KEY.public + SEED)


def test_a_sealed_key_opens_by_its_passphrase_for_its_own_work_only(sealed: bytes) -> None:
    assert author_key.is_sealed(sealed)
    assert SEED not in sealed
    assert open_author_key(sealed, "root", quick()).public == KEY.public
    for protection in (quick("another passphrase"), None):
        with pytest.raises(AuthorPassphraseWrong):
            open_author_key(sealed, "root", protection)
    with pytest.raises(AuthorKeyRole) as role:
        open_author_key(sealed, "release", quick())
    assert role.value.facts == {"found": "root", "wanted": "release"}


def test_a_key_file_that_was_written_once_opens_for_ever() -> None:
    assert open_author_key(FROZEN, "root", quick()).public == KEY.public


def test_what_stands_in_clear_is_sealed_with_it(sealed: bytes) -> None:
    """A root key's file cannot be turned into a release key's, nor show another public key."""
    file = parse_sealed(sealed)
    for changed in ({"role": "release"}, {"public": bytes(32)}):
        raw = msgspec.json.encode(msgspec.structs.replace(file, **changed))
        with pytest.raises(AuthorPassphraseWrong):
            open_author_key(raw, "release" if "role" in changed else "root", quick())


@settings(max_examples=examples(60))
@given(st.data())
def test_every_changed_byte_of_a_sealed_file_is_seen(sealed: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:at] + bytes((sealed[at] ^ data.draw(st.integers(1, 255)),)) + sealed[at + 1 :]
    try:
        same = parse_sealed(changed) == parse_sealed(sealed)
    except AuthorKeyDamaged:
        return
    if not same and parse_sealed(changed).lock == parse_sealed(sealed).lock:
        with pytest.raises((Untrusted, Refused)):
            open_author_key(changed, "root", quick())


@given(st.binary(max_size=300))
def test_noise_is_untrusted(noise: bytes) -> None:
    for raw in (noise, b"{" + noise, b'{"format":"scm-author-key/1",' + noise):
        with pytest.raises(AuthorKeyDamaged):
            parse_sealed(raw)
        if len(raw) != 64:
            with pytest.raises(Untrusted):
                open_author_key(raw, "root", quick())


def test_a_foreign_file_cannot_ask_for_all_the_memory(sealed: bytes) -> None:
    hungry = sealed.replace(b'"memory_bytes": 8192', b'"memory_bytes": 99999999999')
    assert hungry != sealed
    with pytest.raises(AuthorKeyDamaged):
        open_author_key(hungry, "root", quick())


def test_a_key_file_is_its_owner_s_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    write_author_key(path, "root", KEY, quick())
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(PrivateFileExists):
        write_author_key(path, "root", KEY, None)
    with pytest.raises(PassphraseTooShort):
        write_author_key(tmp_path / "other", "root", KEY, quick("short"))
    assert not (tmp_path / "other").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuthorKeyMissing):
        read_author_key(tmp_path / "none")

"""Device identity: made once, opened only by its protection, and nothing signs without a purpose."""

import contextlib
import json
import sys
import threading
from pathlib import Path

import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.public import PrivateKey, SealedBox
from nacl.public import PublicKey as BoxKey
from nacl.signing import SigningKey, VerifyKey

from scmanager.adapters.identity import (
    FILE_NAME,
    DeviceFile,
    IdentityDamaged,
    IdentityExists,
    IdentityMissing,
    WrongPassphrase,
    change_protection,
    create_identity,
    open_identity,
    parse_device_file,
    protection_kind,
    signed_bytes,
)
from scmanager.adapters.wrapping import (
    FileLock,
    FileProtection,
    KeyringFailed,
    KeyringProtection,
    PassphraseLock,
    PassphraseProtection,
    PassphraseTooShort,
    Protection,
    ProtectionDiffers,
    SealBroken,
    WrappingKeyMissing,
    unwrap,
    wrap,
)


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 1  # type: ignore[assignment]  # The library's own backends set it so.

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))


class LockedKeyring(MemoryKeyring):
    """A keyring whose daemon went away."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("the message bus is gone")


def quick(passphrase: str) -> PassphraseProtection:
    return PassphraseProtection(passphrase, passes=1, memory_bytes=1 << 16)


def test_a_new_passphrase_lock_takes_256_mib_and_three_passes() -> None:
    lock, key = PassphraseProtection("correct horse battery").make()
    assert isinstance(lock, PassphraseLock)
    assert (lock.passes, lock.memory_bytes) == (3, 256 << 20)
    assert PassphraseProtection("correct horse battery", passes=1).open(lock) == key


MEMORY_KEYRING = MemoryKeyring()


@pytest.fixture(params=["file", "passphrase", "keyring"])
def protection(request: pytest.FixtureRequest, tmp_path: Path) -> Protection:
    return {
        "file": FileProtection(tmp_path / "state"),
        "passphrase": quick("correct horse battery"),
        "keyring": KeyringProtection(MEMORY_KEYRING),
    }[request.param]


def test_an_identity_opens_again_with_the_same_keys(tmp_path: Path, protection: Protection) -> None:
    made = create_identity(tmp_path / "data", protection)
    opened = open_identity(tmp_path / "data", protection)
    assert opened.secrets() == made.secrets()
    assert (opened.device, opened.box, opened.transport) == (made.device, made.box, made.transport)
    assert protection_kind(tmp_path / "data") == protection.kind


def test_the_three_keys_are_three_keys(tmp_path: Path) -> None:
    one = create_identity(tmp_path / "one", FileProtection(tmp_path / "state"))
    two = create_identity(tmp_path / "two", FileProtection(tmp_path / "state"))
    secrets = [identity.secrets()[at : at + 32] for identity in (one, two) for at in range(0, 128, 32)]
    assert len(set(secrets)) == 8
    assert one.device == bytes(SigningKey(secrets[0]).verify_key)
    assert SealedBox(PrivateKey(one.box_secret)).decrypt(SealedBox(BoxKey(one.box)).encrypt(b"hello")) == b"hello"
    assert one.transport == bytes(SigningKey(one.transport_seed).verify_key)


def test_no_secret_stands_in_the_file_or_in_a_repr(tmp_path: Path, protection: Protection) -> None:
    identity = create_identity(tmp_path, protection)
    raw = (tmp_path / FILE_NAME).read_bytes()
    for at in range(0, 128, 32):
        secret = identity.secrets()[at : at + 32]
        assert secret not in raw
        assert msgspec.json.encode(secret).strip(b'"') not in raw
        assert secret.hex() not in repr(identity)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    create_identity(tmp_path, quick("correct horse battery"))
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_an_identity_is_made_once(tmp_path: Path, protection: Protection) -> None:
    made = create_identity(tmp_path, protection)
    with pytest.raises(IdentityExists):
        create_identity(tmp_path, protection)
    assert open_identity(tmp_path, protection).device == made.device


def test_of_two_that_make_it_at_once_one_is_refused(tmp_path: Path) -> None:
    made: list[bytes] = []
    gate = threading.Barrier(4)

    def make() -> None:
        gate.wait()
        try:
            made.append(create_identity(tmp_path / "data", FileProtection(tmp_path / "state")).device)
        except IdentityExists:
            return

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [open_identity(tmp_path / "data", FileProtection(tmp_path / "state")).device]


def test_a_folder_without_identity_says_so(tmp_path: Path) -> None:
    assert protection_kind(tmp_path) is None
    with pytest.raises(IdentityMissing):
        open_identity(tmp_path, FileProtection(tmp_path))


def test_a_wrong_passphrase_has_an_error_of_its_own(tmp_path: Path) -> None:
    create_identity(tmp_path, quick("correct horse battery"))
    with pytest.raises(WrongPassphrase) as refused:
        open_identity(tmp_path, quick("correct horse batterx"))
    assert refused.value.code == "wrong-passphrase"
    assert not refused.value.facts


def test_a_changed_file_and_a_wrong_passphrase_cannot_be_told_apart(tmp_path: Path) -> None:
    create_identity(tmp_path, quick("correct horse battery"))
    change_file(tmp_path, device="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    with pytest.raises(WrongPassphrase):
        open_identity(tmp_path, quick("correct horse battery"))


def test_a_passphrase_typed_with_composed_accents_is_the_same(tmp_path: Path) -> None:
    made = create_identity(tmp_path, quick("cafe\u0301 au lait"))
    assert open_identity(tmp_path, quick("caf\u00e9 au lait")).device == made.device


def test_a_short_passphrase_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(PassphraseTooShort):
        create_identity(tmp_path, quick("1234567"))
    assert protection_kind(tmp_path) is None


def test_a_copied_data_folder_does_not_open_without_the_state_folder(tmp_path: Path) -> None:
    create_identity(tmp_path / "data", FileProtection(tmp_path / "state"))
    with pytest.raises(WrappingKeyMissing):
        open_identity(tmp_path / "data", FileProtection(tmp_path / "elsewhere"))


def test_the_wrong_kind_of_protection_is_named(tmp_path: Path) -> None:
    create_identity(tmp_path / "data", FileProtection(tmp_path / "state"))
    for wrong in (quick("correct horse battery"), KeyringProtection(MemoryKeyring())):
        with pytest.raises(ProtectionDiffers, match="protected by a file"):
            open_identity(tmp_path / "data", wrong)
    change_protection(tmp_path / "data", FileProtection(tmp_path / "state"), quick("correct horse battery"))
    with pytest.raises(ProtectionDiffers, match="protected by a passphrase"):
        open_identity(tmp_path / "data", FileProtection(tmp_path / "state"))


def test_changing_the_protection_keeps_the_keys(tmp_path: Path) -> None:
    made = create_identity(tmp_path / "data", FileProtection(tmp_path / "state"))
    change_protection(tmp_path / "data", FileProtection(tmp_path / "state"), quick("correct horse battery"))
    assert open_identity(tmp_path / "data", quick("correct horse battery")).secrets() == made.secrets()
    with pytest.raises(WrongPassphrase):
        open_identity(tmp_path / "data", quick("something else"))


@pytest.mark.parametrize(
    "backend",
    [keyring.backends.fail.Keyring(), keyring.backends.null.Keyring(), LockedKeyring()],
    ids=lambda backend: type(backend).__module__,
)
def test_a_keyring_that_fails_says_what_else_there_is(
    tmp_path: Path, backend: keyring.backend.KeyringBackend
) -> None:
    with pytest.raises(KeyringFailed) as failed:
        create_identity(tmp_path, KeyringProtection(backend))
    assert "file" in failed.value.hint
    assert "passphrase" in failed.value.hint
    assert protection_kind(tmp_path) is None
    create_identity(tmp_path, quick("correct horse battery"))  # The fallback finds a clean folder.


def test_a_keyring_that_was_emptied_is_not_a_damaged_identity(tmp_path: Path) -> None:
    backend = MemoryKeyring()
    create_identity(tmp_path, KeyringProtection(backend))
    for broken in ("", "not base64!", "c2hvcnQ="):
        backend.kept = dict.fromkeys(backend.kept, broken)
        with pytest.raises(WrappingKeyMissing):
            open_identity(tmp_path, KeyringProtection(backend))


def change_file(folder: Path, **fields: object) -> None:
    path = folder / FILE_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("field", ["device", "box", "transport"])
def test_a_public_key_put_in_by_somebody_else_is_noticed(tmp_path: Path, field: str) -> None:
    create_identity(tmp_path / "data", FileProtection(tmp_path / "state"))
    change_file(tmp_path / "data", **{field: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
    with pytest.raises(IdentityDamaged):
        open_identity(tmp_path / "data", FileProtection(tmp_path / "state"))


def test_a_lock_cannot_name_a_file_elsewhere_or_eat_the_machine(tmp_path: Path) -> None:
    create_identity(tmp_path, quick("correct horse battery"))
    salt = "AAAAAAAAAAAAAAAAAAAAAA=="
    for lock in (
        {"type": "file", "name": "../../../../etc/passwd"},
        {"type": "passphrase", "salt": salt, "passes": 1 << 30, "memory_bytes": 1 << 16},
        {"type": "passphrase", "salt": salt, "passes": 1, "memory_bytes": 1 << 40},
        {"type": "passphrase", "salt": salt, "passes": 1, "memory_bytes": 1},
    ):
        change_file(tmp_path, lock=lock)
        with pytest.raises(IdentityDamaged):
            open_identity(tmp_path, quick("correct horse battery"))


def test_a_signature_is_over_the_purpose_and_the_fields(tmp_path: Path) -> None:
    identity = create_identity(tmp_path / "data", FileProtection(tmp_path / "state"))
    signature = identity.sign("login", b"audience", b"nonce")
    key = VerifyKey(identity.device)
    key.verify(b"scm/login/1\naudiencenonce", signature)
    with pytest.raises(BadSignatureError):
        key.verify(b"scm/continue/1\naudiencenonce", signature)
    with pytest.raises(BadSignatureError):
        key.verify(b"audiencenonce", signature)


@pytest.mark.parametrize("purpose", ["", "Log/1\nx", "a/b", "a\n", "9", "a" * 33, "log in"])
def test_a_purpose_is_a_short_word(purpose: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        signed_bytes(purpose, b"")


@given(st.binary(), st.binary())
def test_no_signed_bytes_can_be_a_checkpoint_of_a_log(audience: bytes, nonce: bytes) -> None:
    assert not signed_bytes("login", audience, nonce).startswith(b"scm.log/")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | st.just(b"[" * 100_000))
def test_noise_in_place_of_the_file_is_damaged_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(IdentityDamaged):
        parse_device_file(noise)


def test_a_file_without_end_is_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b" " * (3 << 20))
    with pytest.raises(IdentityDamaged):
        protection_kind(tmp_path)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_a_changed_byte_is_parsed_or_damaged_and_nothing_else(at: int, byte: int) -> None:
    key = bytes(32)
    raw = bytearray(msgspec.json.encode(DeviceFile("scm-device/1", key, key, key, FileLock("0" * 32), b"sealed")))
    assert parse_device_file(bytes(raw)).lock == FileLock("0" * 32)
    raw[at % len(raw)] = byte
    with contextlib.suppress(IdentityDamaged):
        assert isinstance(parse_device_file(bytes(raw)), DeviceFile)


@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=40), st.integers(min_value=0))
def test_a_seal_opens_only_whole_and_in_its_place(secret: bytes, context: bytes, noise: bytes, at: int) -> None:
    key = bytes(32)
    wrapped = wrap(key, secret, context)
    assert unwrap(key, wrapped, context) == secret
    changed = bytearray(wrapped)
    changed[at % len(changed)] ^= 1
    for broken, where in (
        (bytes(changed), context),
        (wrapped, context + b"x"),
        (noise, context),
        (wrapped[:-1], context),
    ):
        with pytest.raises(SealBroken):
            unwrap(key, broken, where)

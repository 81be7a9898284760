"""The backup's format: what is sealed opens whole or not at all, whatever somebody did to its bytes."""

import base64
import io
import itertools
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.backup_file import (
    FRAME_BYTES,
    Backup,
    BackupDamaged,
    Header,
    OpenLock,
    WrongBackupPassphrase,
    is_backup,
    new_lock,
    sealed,
    sealed_bytes,
    sealed_stream,
)
from scmanager.adapters.wrapping import PassphraseLock, PassphraseTooShort
from tests.support.backups import PASSPHRASE, manifest_of, opened, packed, read_all, read_through

FILES = {"device.json": b"device", "keys.db": b"k" * 3000, "events.db": random.Random(1).randbytes(600_000)}


def whole(files: dict[str, bytes] = FILES, *, is_open: bool = False) -> bytes:
    return packed(manifest_of(files), files.values(), is_open=is_open)


@pytest.mark.parametrize("is_open", [False, True])
def test_what_went_in_comes_out(is_open: bool) -> None:
    data = whole(is_open=is_open)
    assert read_through(data) == FILES
    assert opened(data).is_sealed is not is_open
    assert is_backup(data[:64])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 3 * FRAME_BYTES), st.integers(1, 2 * FRAME_BYTES))
def test_its_size_is_known_before_it_is_written(size: int, cut: int) -> None:
    files = {"device.json": b"x", "events.db": bytes(size)}
    manifest, (lock, key) = manifest_of(files), new_lock(None)
    bodies = [b"x", *(bytes(min(cut, size - at)) for at in range(0, size, cut))]
    data = b"".join(sealed(lock, key, manifest, bodies))
    assert len(data) == sealed_bytes(data.index(b"\n") + 1, manifest)
    assert read_through(data) == files


def test_nothing_of_a_sealed_backup_stands_in_it_in_clear() -> None:
    data = whole({"device.json": b"device-in-clear" * 50})
    assert b"device-in-clear" not in data
    assert b"device.json" not in data


def test_a_wrong_passphrase_is_said_as_such() -> None:
    with pytest.raises(WrongBackupPassphrase):
        opened(whole(), "another one")
    with pytest.raises(PassphraseTooShort):
        new_lock("short")


def test_every_cut_is_noticed() -> None:
    data = whole(is_open=True)
    cuts = {*range(300), *range(len(data) - 300, len(data)), *random.Random(2).sample(range(len(data)), 60)}
    for cut in cuts:
        with pytest.raises(BackupDamaged):
            read_through(data[:cut])


@pytest.mark.parametrize("is_open", [False, True])
def test_every_changed_bit_is_noticed(is_open: bool) -> None:
    files = {"device.json": b"d" * 300, "keys.db": b"k" * 700}
    data = whole(files, is_open=is_open)
    for at in range(0, len(data), 3 if is_open else 29):
        changed = bytearray(data)
        changed[at] ^= 1 << (at % 8)
        with pytest.raises((BackupDamaged, WrongBackupPassphrase)):
            read_through(bytes(changed))


def test_frames_that_change_places_are_noticed() -> None:
    data = whole(is_open=True)
    head = data.index(b"\n") + 1
    size = 4 + FRAME_BYTES + 17
    frames = [data[at : at + size] for at in range(head, len(data), size)]
    assert len(frames) == 3
    for order in itertools.permutations(frames):
        if list(order) != frames:
            with pytest.raises(BackupDamaged):
                read_through(data[:head] + b"".join(order))


def test_what_follows_the_end_is_refused_without_being_read() -> None:
    with pytest.raises(BackupDamaged, match="beyond its end"):
        read_through(whole() + b"\x00")
    with pytest.raises(BackupDamaged, match="beyond its end"):
        read_through(packed(manifest_of(FILES), [*FILES.values(), b"more"]))


class Endless(io.RawIOBase):
    """A file without an end, that counts what is read of it."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning, self.read_bytes = io.BytesIO(beginning), 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray) -> int:  # type: ignore[override]
        piece = self._beginning.read(len(into)) or b"\x00" * len(into)
        into[: len(piece)] = piece
        self.read_bytes += len(piece)
        return len(piece)


@pytest.mark.parametrize("beginning", [b"", b'{"format":"scm-backup/1"', whole(is_open=True)])
def test_an_endless_file_is_left_soon(beginning: bytes) -> None:
    file = Endless(beginning)
    with pytest.raises(BackupDamaged):
        read_all(Backup(io.BufferedReader(file), lambda: PASSPHRASE))
    assert file.read_bytes < len(beginning) + 2 * FRAME_BYTES


@pytest.mark.parametrize(
    "name",
    [
        "../device.json", "..", "", "/etc/passwd", "a/b.key", "C:\\x", "keys.db\n", "x\x00", "node.json", "folder.id",
        "recovery-..txt", "recovery-/x.txt", "KEYS.DB", "f" * 32 + ".key/", "f" * 33 + ".key",
    ],
)  # fmt: skip
def test_a_name_that_is_not_ours_is_refused(name: str) -> None:
    with pytest.raises(BackupDamaged, match="manifest"):
        read_through(whole({"device.json": b"", name: b"x"}, is_open=True))


def test_a_manifest_must_name_each_file_once_and_the_device() -> None:
    twice = manifest_of(FILES)
    twice = msgspec.structs.replace(twice, items=(*twice.items, twice.items[0]))
    without = manifest_of({"keys.db": b""})
    large = manifest_of({"device.json": bytes((1 << 20) + 1)})
    for manifest in (twice, without, large):
        with pytest.raises(BackupDamaged):
            opened(packed(manifest, []))


def test_a_file_that_is_not_what_the_manifest_says_is_named() -> None:
    with pytest.raises(BackupDamaged, match=r"keys\.db"):
        read_through(packed(manifest_of(FILES), [b"device", b"j" * 3000, FILES["events.db"]]))


def test_a_foreign_lock_cannot_ask_for_all_the_memory() -> None:
    greedy = PassphraseLock(b"s" * 16, 3, 1 << 40)
    line = msgspec.json.encode(Header("scm-backup/1", greedy, bytes(24))) + b"\n"
    with pytest.raises(BackupDamaged):
        opened(line + bytes(100))


_HEADERS = st.builds(
    lambda key, stream: msgspec.json.encode(Header("scm-backup/1", OpenLock(key), stream)) + b"\n",
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=24, max_size=24),
)


@settings(deadline=None)
@given(st.binary(max_size=400), st.one_of(st.just(b""), _HEADERS))
def test_noise_is_refused_as_damaged_and_as_nothing_else(noise: bytes, header: bytes) -> None:
    with pytest.raises(BackupDamaged):
        read_through(header + noise)


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_a_hostile_manifest_under_a_right_seal_is_refused(noise: bytes, within: bool) -> None:
    """Whoever knows the passphrase may seal what he likes."""
    spelled = b'{"format":"scm-backup-manifest/1","items":[' + base64.b64encode(noise) + b"]}" if within else noise
    data = b"".join(sealed_stream(*new_lock(None), [len(spelled).to_bytes(4, "big"), spelled]))
    with pytest.raises(BackupDamaged):
        read_through(data)

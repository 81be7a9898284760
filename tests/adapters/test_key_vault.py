"""The key vault: what it took it has after a crash, and what it erased is in no byte of the folder."""

import os
import random
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from scmanager.adapters import key_vault
from scmanager.adapters.erased_keys import erased_here, remember_erased
from scmanager.adapters.key_box import BoxKeyUnusable, SpaceKey, open_box
from scmanager.adapters.key_vault import (
    FILE_NAME,
    KeyIdDiffers,
    KeyVault,
    VaultDamaged,
    VaultFailed,
    VaultFromNewerRelease,
    VaultLocked,
)
from scmanager.adapters.private_files import StateInsideData
from scmanager.adapters.space_file import open_keys, seal_keys
from scmanager.adapters.wrapping import WrappingKeyMissing
from scmanager.eventstore.file_faults import DiskFull, FileHeld, FileMoved
from scmanager.eventstore.parts import key_id as key_id_of
from tests.support.forked import unmeasured

SPACE, OTHER_SPACE = b"s" * 32, b"t" * 32
ADA, GRACE = b"a" * 16, b"g" * 16


class Place:
    """A data folder and the state folder that belongs to it."""

    def __init__(self, root: Path) -> None:
        self.data, self.state = root / "data", root / "state"

    def open(self, secret: bytes = b"identity") -> KeyVault:
        return KeyVault(self.data, state=self.state, secret=secret)

    def wrapped(self, key_id: bytes) -> bytes:
        database = sqlite3.connect(self.data / FILE_NAME)
        try:
            found: bytes = database.execute("SELECT wrapped FROM keys WHERE key_id = ?", (key_id,)).fetchone()[0]
        finally:
            database.close()
        return found

    def everything(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.data.rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def vault(place: Place) -> Iterator[KeyVault]:
    with place.open() as vault:
        yield vault


def test_a_new_key_is_random_and_named_by_its_hash(vault: KeyVault) -> None:
    one, two = vault.new_key(SPACE), vault.new_key(SPACE)
    assert one != two
    key = vault.get(one)
    assert key is not None
    assert len(key) == 32
    assert key_id_of(key) == one


def test_keys_are_found_by_space_and_subject(vault: KeyVault) -> None:
    epochs = sorted(vault.new_key(SPACE) for _ in range(3))
    ada = vault.new_key(SPACE, ADA)
    elsewhere = vault.new_key(OTHER_SPACE, ADA)
    assert vault.keys_of(SPACE) == tuple(epochs)
    assert vault.keys_of(SPACE, ADA) == (ada,)
    assert vault.keys_of(OTHER_SPACE, ADA) == (elsewhere,)
    assert vault.keys_of(SPACE, GRACE) == ()
    assert vault.keys_of(SPACE, None) == tuple(sorted([*epochs, ada]))


def test_a_log_is_listed_as_soon_as_its_seed_is_kept(vault: KeyVault) -> None:
    assert vault.logs_of(SPACE) == ()
    vault.put_log(b"m" * 32, SPACE, b"seed" * 8)
    assert vault.logs_of(SPACE) == (b"m" * 32,)
    vault.put_log(b"l" * 32, SPACE, b"seed" * 8)
    assert vault.logs_of(SPACE) == (b"l" * 32, b"m" * 32)


def test_a_key_that_nobody_gave_is_none(vault: KeyVault) -> None:
    assert vault.get(b"x" * 32) is None
    assert vault.log_seed(b"x" * 32) is None


def test_keys_and_seeds_are_there_after_a_new_start(place: Place) -> None:
    with place.open() as vault:
        key_id = vault.new_key(SPACE, ADA)
        key = vault.get(key_id)
        vault.put_log(b"l" * 32, SPACE, b"seed" * 8)
    with place.open() as vault:
        assert vault.get(key_id) == key
        assert vault.log_seed(b"l" * 32) == b"seed" * 8
        assert vault.logs_of(SPACE) == (b"l" * 32,)
        assert vault.logs_of(OTHER_SPACE) == ()


def test_a_received_key_must_have_the_id_that_was_promised(vault: KeyVault) -> None:
    key = SpaceKey(SPACE, ADA, b"k" * 32)
    with pytest.raises(KeyIdDiffers):
        vault.put(SPACE, key.secret, ADA, key_id=b"x" * 32)
    assert vault.keys_of(SPACE, None) == ()
    assert vault.put(SPACE, key.secret, ADA, key_id=key.key_id)
    assert vault.get(key.key_id) == key.key


@pytest.mark.parametrize(("space", "subject"), [(SPACE, GRACE), (SPACE, b""), (OTHER_SPACE, ADA)])
def test_a_key_under_a_wrong_label_is_another_key(vault: KeyVault, space: bytes, subject: bytes) -> None:
    key = SpaceKey(SPACE, ADA, b"k" * 32)
    with pytest.raises(KeyIdDiffers):
        vault.put(space, key.secret, subject, key_id=key.key_id)
    assert vault.put(space, key.secret, subject)
    assert vault.get(key.key_id) is None
    assert vault.keys_of(SPACE, ADA) == ()


def test_the_first_seed_of_a_log_stays(vault: KeyVault) -> None:
    vault.put_log(b"l" * 32, SPACE, b"1" * 32)
    vault.put_log(b"l" * 32, SPACE, b"2" * 32)
    assert vault.log_seed(b"l" * 32) == b"1" * 32


def test_one_bad_key_in_a_batch_keeps_the_whole_batch_out(vault: KeyVault) -> None:
    def keys() -> Iterator[SpaceKey]:
        yield SpaceKey(SPACE, ADA, b"1" * 32)
        yield SpaceKey(SPACE, ADA, b"short")

    with pytest.raises(ValueError, match="32 bytes"):
        vault.put_all(keys())
    assert vault.keys_of(SPACE, ADA) == ()
    assert vault.put_all([SpaceKey(SPACE, ADA, b"1" * 32)]) == ()


def test_no_secret_stands_in_the_folder_in_clear(place: Place, vault: KeyVault) -> None:
    key = vault.get(vault.new_key(SPACE, ADA)) or b""
    vault.put_log(b"l" * 32, SPACE, b"seed" * 8)
    assert key not in place.everything()
    assert b"seedseed" not in place.everything()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_file_is_for_its_owner_only(place: Place, vault: KeyVault) -> None:
    assert (place.data / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_an_erased_key_is_in_no_byte_of_the_folder(place: Place, vault: KeyVault) -> None:
    key_id = vault.new_key(SPACE, ADA)
    kept = vault.new_key(SPACE, GRACE)
    key, wrapped = vault.get(key_id) or b"", place.wrapped(key_id)
    assert wrapped in place.everything()
    assert vault.erase([key_id, b"x" * 32]) == (key_id,)
    assert vault.get(key_id) is None
    assert vault.keys_of(SPACE, ADA) == ()
    assert wrapped not in place.everything()
    assert wrapped[-48:] not in place.everything()
    assert key not in place.everything()
    assert vault.get(kept) is not None


def test_a_key_is_overwritten_by_the_erasing_commit_already(
    place: Place, vault: KeyVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the process die before the file is rewritten, the row itself is gone at least."""
    key_id = vault.new_key(SPACE, ADA)
    wrapped = place.wrapped(key_id)
    monkeypatch.setattr(key_vault, "_clean", lambda _: None)
    vault.erase([key_id])
    assert wrapped not in place.everything()


def test_erased_keys_leave_nothing_among_many_others(place: Place, vault: KeyVault) -> None:
    """Pages split and shift while hundreds of keys come and go: no copy may stay behind in a gap."""
    chance = random.Random(7)
    keys = {
        key.key_id: key for key in (SpaceKey(SPACE, chance.randbytes(16), chance.randbytes(32)) for _ in range(900))
    }
    order = list(keys)
    gone: dict[bytes, bytes] = {}
    for at in range(0, 900, 100):
        vault.put_all([keys[key_id] for key_id in order[at : at + 100]])
        for key_id in chance.sample([k for k in order[: at + 100] if k not in gone], 40):
            gone[key_id] = place.wrapped(key_id)
        vault.erase(gone)
        everything = place.everything()
        assert not [key_id for key_id, wrapped in gone.items() if wrapped[-48:] in everything]
    assert all(vault.get(key_id) == keys[key_id].key for key_id in keys if key_id not in gone)


def test_an_erased_key_is_refused_on_sight_also_after_a_new_start(place: Place) -> None:
    with place.open() as vault:
        key, other = (SpaceKey(SPACE, ADA, letter * 32) for letter in (b"k", b"n"))
        vault.put_all([key])
        vault.erase([key.key_id])
        assert not vault.put(SPACE, key.secret, ADA)
    with place.open() as vault:
        assert vault.is_erased(key.key_id)
        assert vault.put_all([key, other]) == (key.key_id,)
        assert vault.get(key.key_id) is None
        assert vault.get(other.key_id) == other.key


def test_a_key_named_erased_before_it_arrives_is_refused_too(vault: KeyVault) -> None:
    assert vault.erase([SpaceKey(SPACE, ADA, b"k" * 32).key_id]) == ()
    assert not vault.put(SPACE, b"k" * 32, ADA)


def restored(place: Place) -> bytes:
    """A key that was destroyed, and came back with an older copy of the file; its id."""
    with place.open() as vault:
        key_id = vault.new_key(SPACE, ADA)
    backup = (place.data / FILE_NAME).read_bytes()
    with place.open() as vault:
        vault.erase([key_id])
    (place.data / FILE_NAME).write_bytes(backup)
    return key_id


def test_an_older_copy_of_the_vault_loses_what_this_machine_destroyed(place: Place) -> None:
    key_id = restored(place)
    wrapped = place.wrapped(key_id)
    with place.open() as vault:
        assert vault.get(key_id) is None
        assert vault.is_erased(key_id)
        assert wrapped not in place.everything()


def test_an_older_copy_on_another_machine_obeys_when_the_erasure_is_repeated(place: Place) -> None:
    key_id = restored(place)
    for path in place.state.glob("*.erased"):
        path.unlink()
    with place.open() as vault:
        wrapped = place.wrapped(key_id)
        assert vault.erase([key_id]) == (key_id,)
        assert wrapped not in place.everything()


def test_what_a_vault_knows_as_erased_is_kept_outside_of_it_from_the_next_start_on(place: Place) -> None:
    with place.open() as vault:
        key_id = vault.new_key(SPACE, ADA)
        vault.erase([key_id])
    (path,) = place.state.glob("*.erased")
    path.unlink()
    with place.open():
        assert path.read_text(encoding="utf-8").split() == [key_id.hex()]


def test_a_line_that_a_power_cut_tore_spoils_no_other(tmp_path: Path) -> None:
    remember_erased(tmp_path, "v", [b"a" * 32])
    path = tmp_path / "v.erased"
    path.write_bytes(path.read_bytes() + b"\n6262")
    remember_erased(tmp_path, "v", [b"c" * 32])
    assert erased_here(tmp_path, "v") == {b"a" * 32, b"c" * 32}


def test_an_erasure_cut_short_after_its_commit_is_finished_at_the_next_start(place: Place) -> None:
    with place.open() as vault:
        ids = [vault.new_key(SPACE, ADA) for _ in range(80)]
    database = sqlite3.connect(place.data / FILE_NAME, isolation_level=None)
    wrapped = {key_id: place.wrapped(key_id) for key_id in ids}
    database.execute("PRAGMA secure_delete = OFF")  # Stands for the copies that a split leaves.
    database.execute("BEGIN")
    database.executemany("DELETE FROM keys WHERE key_id = ?", [(key_id,) for key_id in ids])
    database.execute("UPDATE vault SET unclean = 1")
    database.execute("COMMIT")
    database.close()
    assert any(value in place.everything() for value in wrapped.values())
    with place.open():
        assert not any(value in place.everything() for value in wrapped.values())


KILLED = """
import sys
from pathlib import Path
from scmanager.adapters.key_vault import KeyVault

vault = KeyVault(Path(sys.argv[1]), state=Path(sys.argv[2]), secret=b"identity")
held = []
say = lambda *words: print(*words, flush=True)
while True:
    for _ in range(3):
        key_id = vault.new_key(b"s" * 32, b"a" * 16)
        held.append(key_id)
        say("held", key_id.hex(), vault.get(key_id).hex())
    key_id = held.pop(0)
    say("erasing", key_id.hex())
    vault.erase([key_id])
    say("erased", key_id.hex())
"""


@pytest.mark.parametrize("lines", [1, 4, 5, 9, 14, 23, 31, 47])
@pytest.mark.slow
def test_a_killed_process_kept_what_it_said_it_kept_and_erased_what_it_said(place: Place, lines: int) -> None:
    command = [sys.executable, "-c", KILLED, str(place.data), str(place.state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=unmeasured()) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(lines)]
        threading.Event().wait(random.Random(lines).random() / 100)
        os.kill(process.pid, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        said += [line.split() for line in process.stdout if line.endswith("\n")]
    keys = {words[1]: words[2] for words in said if words[0] == "held"}
    erasing = {words[1] for words in said if words[0] == "erasing"}
    erased = {words[1] for words in said if words[0] == "erased"}
    with place.open() as vault:
        for key_id, key in keys.items():
            found = vault.get(bytes.fromhex(key_id))
            if key_id in erased:
                assert found is None
                assert vault.is_erased(bytes.fromhex(key_id))
            elif key_id not in erasing:
                assert found == bytes.fromhex(key)
        assert vault.new_key(SPACE)
    assert [path.name for path in place.data.iterdir()] == [FILE_NAME]  # No journal with old pages is left.


def test_threads_share_one_vault(vault: KeyVault) -> None:
    made: list[bytes] = []
    gate = threading.Barrier(4)

    def work(subject: bytes) -> None:
        gate.wait()
        for _ in range(10):
            key_id = vault.new_key(SPACE, subject)
            assert vault.get(key_id)
            made.append(key_id)
        vault.erase([made[0]])

    threads = [threading.Thread(target=work, args=(bytes([number]) * 16,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 40
    assert set(vault.keys_of(SPACE, None)) == set(made[1:])


def test_keys_travel_in_a_box_to_one_device(place: Place, vault: KeyVault, tmp_path: Path) -> None:
    device = PrivateKey.generate()
    ids = [vault.new_key(SPACE), vault.new_key(SPACE, ADA)]
    (box,) = vault.boxes_for(bytes(device.public_key), SPACE)
    keys = open_box(bytes(device), box)
    assert {key.key_id for key in keys} == set(ids)
    with Place(tmp_path / "phone").open() as phone:
        assert phone.put_all(keys) == ()
        assert phone.keys_of(SPACE, ADA) == (ids[1],)
        assert phone.get(ids[0]) == vault.get(ids[0])


def test_a_box_holds_what_is_held_of_one_space(vault: KeyVault) -> None:
    device = PrivateKey.generate()
    gone, kept = vault.new_key(SPACE, ADA), vault.new_key(SPACE, GRACE)
    vault.new_key(OTHER_SPACE)
    vault.erase([gone])
    (box,) = vault.boxes_for(bytes(device.public_key), SPACE)
    assert [key.key_id for key in open_box(bytes(device), box)] == [kept]
    with pytest.raises(BoxKeyUnusable):
        vault.boxes_for(bytes(32), SPACE)


def test_more_keys_than_a_box_holds_travel_in_several(vault: KeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_vault, "KEYS_IN_A_BOX_MAX", 2)
    device = PrivateKey.generate()
    ids = {vault.new_key(SPACE) for _ in range(5)}
    boxes = [open_box(bytes(device), each) for each in vault.boxes_for(bytes(device.public_key), SPACE)]
    assert [len(keys) for keys in boxes] == [2, 2, 1]
    assert {key.key_id for keys in boxes for key in keys} == ids


def test_the_data_folder_alone_opens_nothing(place: Place, tmp_path: Path) -> None:
    with place.open() as vault:
        vault.new_key(SPACE)
    with pytest.raises(WrappingKeyMissing):
        KeyVault(place.data, state=tmp_path / "elsewhere", secret=b"identity")


def test_the_state_folder_without_the_identity_opens_nothing(place: Place) -> None:
    place.open().close()
    with pytest.raises(VaultLocked):
        place.open(secret=b"another identity")
    place.open().close()


def test_the_identity_without_the_state_folder_that_belongs_to_it_opens_nothing(place: Place) -> None:
    place.open().close()
    next(place.state.glob("*.key")).write_bytes(b"o" * 32)
    with pytest.raises(VaultLocked):
        place.open()


def test_data_and_state_put_back_together_on_a_new_machine_open(place: Place, tmp_path: Path) -> None:
    with place.open() as vault:
        key_id = vault.new_key(SPACE)
        key = vault.get(key_id)
    new = Place(tmp_path / "new machine")
    shutil.copytree(place.data, new.data)
    shutil.copytree(place.state, new.state)
    with new.open() as vault:
        assert vault.get(key_id) == key


def test_a_founding_cut_short_is_begun_anew(place: Place) -> None:
    place.data.mkdir()
    (place.data / FILE_NAME).touch()
    with place.open() as vault:
        key_id = vault.new_key(SPACE)
    with place.open() as vault:
        assert vault.get(key_id)


def test_the_wrapping_key_may_not_lie_in_the_data_folder(tmp_path: Path) -> None:
    with pytest.raises(StateInsideData):
        KeyVault(tmp_path, state=tmp_path / "state")


def test_a_row_moved_to_another_name_is_damage(place: Place) -> None:
    with place.open() as vault:
        one, two = vault.new_key(SPACE, ADA), vault.new_key(SPACE, GRACE)
    database = sqlite3.connect(place.data / FILE_NAME)
    database.execute("UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE key_id = ?)", (one,))
    database.commit()
    database.close()
    with place.open() as vault:
        assert vault.get(one)
        with pytest.raises(VaultDamaged):
            vault.get(two)


@pytest.mark.parametrize("noise", [b"not a database at all" * 400, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_file_that_is_no_database_is_damage(place: Place, noise: bytes) -> None:
    place.data.mkdir()
    (place.data / FILE_NAME).write_bytes(noise)
    with pytest.raises(VaultDamaged):
        place.open()


def test_a_vault_of_a_newer_release_is_left_alone(place: Place) -> None:
    place.open().close()
    database = sqlite3.connect(place.data / FILE_NAME)
    database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(VaultFromNewerRelease):
        place.open()


def test_a_vault_in_use_by_another_program_is_unavailable(place: Place, vault: KeyVault) -> None:
    vault._database.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(place.data / FILE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(FileHeld, match="locked"):
        vault.new_key(SPACE)
    other.close()
    assert vault.new_key(SPACE)


def test_a_vault_whose_folder_went_says_so_and_goes_on_when_it_is_back(place: Place, vault: KeyVault) -> None:
    moved = place.data.with_name("moved")
    place.data.rename(moved)
    with pytest.raises(FileMoved):
        vault.new_key(SPACE)
    place.data.mkdir()
    with pytest.raises(FileMoved):
        vault.new_key(SPACE)
    place.data.rmdir()
    moved.rename(place.data)
    assert vault.new_key(SPACE)


def test_a_full_vault_takes_no_key_and_goes_on_later(place: Place, vault: KeyVault) -> None:
    (pages,) = vault._database.execute("PRAGMA page_count").fetchone()
    vault._database.execute(f"PRAGMA max_page_count = {pages}")
    held = vault.keys_of(SPACE, None)
    with pytest.raises(DiskFull):
        vault.put_new(SPACE, [(secrets.token_bytes(16), secrets.token_bytes(32)) for _ in range(200)])
    assert vault.keys_of(SPACE, None) == held
    vault._database.execute("PRAGMA max_page_count = 100000")
    assert vault.new_key(SPACE)


def test_a_closed_vault_says_so(place: Place) -> None:
    vault = place.open()
    vault.close()
    with pytest.raises(VaultFailed):
        vault.get(b"x" * 32)


def test_keys_that_are_destroyed_while_a_space_is_boxed_stop_nothing(vault: KeyVault) -> None:
    """An export beside an erasure: its boxes have the keys of one moment."""
    device = PrivateKey.generate()
    stays, goes = vault.new_key(SPACE), [vault.new_key(SPACE, ADA) for _ in range(60)]
    destroyed = 0

    def destroy() -> None:
        nonlocal destroyed
        for key_id in goes:
            vault.erase([key_id])
            destroyed += 1

    with ThreadPoolExecutor(1) as aside:
        erasing = aside.submit(destroy)
        while not erasing.done():
            before = destroyed
            line = seal_keys(vault, SPACE, lambda: [bytes(device.public_key)])
            boxed = {key.key_id for key in open_keys(line, bytes(device.public_key), bytes(device))}
            gone = len(goes) + 1 - len(boxed)
            assert boxed == {stays, *goes[gone:]}
            assert before <= gone <= destroyed + 1
    assert vault.keys_of(SPACE, None) == (stays,)

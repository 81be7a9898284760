"""Places for PostgreSQL outside of a node's folder: real servers in copied, renamed and removed folders."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.actors import READ_MODELS
from scmanager.adapters.folder_lock import FolderLock
from scmanager.adapters.postgres_account import account
from scmanager.adapters.postgres_outside import (
    RECORD,
    Outside,
    Owner,
    owner_of,
    parse_owner,
    read_record,
    remove_abandoned,
)
from scmanager.adapters.postgres_server import remove
from scmanager.cli import demo
from scmanager.config import Settings
from tests.adapters.test_postgres_server import ROOT, gone, holds, leave_orphan, mark, outside, private
from tests.adapters.test_postgres_server import _no_named_server as _no_named_server
from tests.adapters.test_postgres_server import binaries as binaries

pytestmark = [
    pytest.mark.services,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not ROOT, reason="for an ordinary user the data stands outside on a stick only"),
]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A temporary place of one's own, as /tmp is: what is made outside of `home` is made here."""
    with tempfile.TemporaryDirectory(prefix="places-") as made:
        Path(made).chmod(0o1777)
        yield Path(made)


@pytest.fixture
def home(temporary: Path) -> Path:
    """Where the user who runs PostgreSQL may not go."""
    home = temporary / "home"
    home.mkdir(mode=0o700)
    return home


def place_of(node: Path) -> Path:
    place = Path(read_record(node).cluster)
    assert place.name.startswith("scm-data-")
    return place


def left_by(node: Path) -> Path:
    """A place whose node was stopped and removed."""
    private(node).stop()
    place = place_of(node)
    shutil.rmtree(node)
    return place


def swept(temporary: Path) -> list[Path]:
    return remove_abandoned([str(temporary)], account())


def test_a_copied_folder_gets_a_place_of_its_own_and_leaves_the_originals_alone(home: Path) -> None:
    with private(home / "node") as original:
        name = mark(original)
        shutil.copytree(home / "node", home / "copy")
        with private(home / "copy") as copy:
            assert not holds(copy, name)
            assert copy.pid != original.pid
            other = mark(copy)
            assert not holds(original, other)
        assert not outside(home / "node") & outside(home / "copy")
        remove(home / "copy")
        assert original.alive()
        assert holds(original, name)
    with private(home / "node") as original:
        assert holds(original, name)


def test_a_copy_of_a_stopped_folder_does_not_take_the_place_that_the_original_comes_back_to(home: Path) -> None:
    with private(home / "node") as original:
        name = mark(original)
    shutil.copytree(home / "node", home / "copy")
    with private(home / "copy") as copy:
        assert not holds(copy, name)
        with private(home / "node") as original:
            assert holds(original, name)


def test_a_renamed_folder_keeps_its_place_and_says_so_there(home: Path, temporary: Path) -> None:
    with private(home / "node") as server:
        name = mark(server)
    (home / "node").rename(home / "renamed")
    with private(home / "renamed") as server:
        assert holds(server, name)
    said = owner_of(place_of(home / "renamed"))
    assert said is not None
    assert said.path == str(home / "renamed")
    assert swept(temporary) == []


def test_a_place_is_ours_and_only_the_data_in_it_the_accounts(home: Path) -> None:
    with private(home / "node") as server:
        place = place_of(home / "node")
        assert [place.stat().st_uid, (place / "owner.json").stat().st_uid, (place / "lock").stat().st_uid] == [0] * 3
        assert stat.S_IMODE(place.stat().st_mode) == 0o711
        assert server.data_folder.parent.stat().st_uid == account().uid
        assert stat.S_IMODE(server.data_folder.parent.stat().st_mode) == 0o700


def test_a_start_removes_the_place_of_a_folder_that_is_gone(home: Path) -> None:
    place = left_by(home / "gone")
    assert place.exists()
    with private(home / "node"):
        assert not place.exists()
    assert place_of(home / "node").exists()


def test_a_place_in_which_a_killed_nodes_server_runs_is_left_until_it_has_ended(home: Path, temporary: Path) -> None:
    orphan = leave_orphan(home / "gone")
    try:
        place = place_of(home / "gone")
        shutil.rmtree(home / "gone")
        assert swept(temporary) == []
        assert psutil.pid_exists(orphan)
    finally:
        os.kill(orphan, signal.SIGINT)
        while not gone(orphan):
            time.sleep(0.05)
    assert swept(temporary) == [place]


def test_a_place_that_is_held_is_left(home: Path, temporary: Path) -> None:
    with private(home / "gone") as server:
        place = place_of(home / "gone")
        shutil.rmtree(home / "gone")
        assert swept(temporary) == []
        assert server.alive()
    assert swept(temporary) == [place]


def test_a_folder_without_our_mark_of_somebody_else_or_behind_a_link_is_left(home: Path, temporary: Path) -> None:
    place = left_by(home / "gone")
    unmarked, theirs, forged, link = (
        temporary / f"scm-data-{name}" for name in ("plain", "theirs", "forged", "link")
    )
    unmarked.mkdir()
    for copied in (theirs, forged):
        shutil.copytree(place, copied)
    os.chown(theirs, account().uid, account().gid)
    os.chown(forged / "owner.json", account().uid, account().gid)
    kept = temporary / "kept"
    place.rename(kept)
    link.symlink_to(kept)
    assert swept(temporary) == []
    assert all(path.exists() for path in (unmarked, theirs, forged, link, kept))
    kept.rename(place)
    assert swept(temporary) == [place]


def test_at_one_start_only_a_few_are_removed(home: Path, temporary: Path) -> None:
    place = left_by(home / "gone")
    for number in range(5):
        shutil.copytree(place, temporary / f"scm-data-{number}")
    assert [len(swept(temporary)) for _ in range(3)] == [4, 2, 0]


def test_a_place_that_another_process_holds_is_not_taken(home: Path) -> None:
    with private(home / "node") as server:
        name = mark(server)
    place = place_of(home / "node")
    with FolderLock(place / "lock"), private(home / "node") as server:
        assert not holds(server, name)
        assert place_of(home / "node") != place


def test_a_place_whose_mark_names_another_folder_is_not_taken(home: Path) -> None:
    private(home / "node").stop()
    place = place_of(home / "node")
    said = owner_of(place)
    assert said is not None
    assert Outside.take(place, account(), msgspec.structs.replace(said, folder="1/2/3")) is None
    assert Outside.take(place, account(), msgspec.structs.replace(said, id="0" * 32)) is None
    taken = Outside.take(place, account(), said)
    assert taken is not None
    taken.release()


def test_two_nodes_of_one_user_that_were_killed_come_back_each_to_its_own(home: Path) -> None:
    for name in ("one", "other"):
        leave_orphan(home / name)
    places = {place_of(home / name) for name in ("one", "other")}
    for name in ("one", "other"):
        with private(home / name) as server:
            assert server.adopted
    assert {place_of(home / name) for name in ("one", "other")} == places


def test_up_names_the_place_of_the_read_models(home: Path) -> None:
    given_ = {**os.environ, "SCM_DATA": str(home / "data"), "SCM_STATE": str(home / "state"), "SCM_PORT": "0"}
    scm = [sys.executable, "-m", "scmanager"]
    subprocess.run([*scm, "init"], env=given_, check=True, capture_output=True)
    with (home / "said").open("wb") as said:
        node = subprocess.Popen([*scm, "up"], env=given_, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 60
        while b"words in clear" not in (home / "said").read_bytes() and time.monotonic() < deadline:
            time.sleep(0.1)
        place = place_of(home / "data" / READ_MODELS)
        assert f"The read models, words in clear, are in {place}:" in (home / "said").read_text()
    finally:
        node.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            node.wait(40)
        node.kill()


def test_a_demo_that_goes_takes_its_read_models_along(home: Path) -> None:
    with demo._folder(Settings(home, home / "state"), None) as settings:
        private(settings.data / READ_MODELS).stop()
        place = place_of(settings.data / READ_MODELS)
        assert place.exists()
    assert not place.exists()


@given(st.binary(max_size=400))
def test_noise_is_no_owner(noise: bytes) -> None:
    assert parse_owner(noise) is None


@given(st.binary(max_size=200))
def test_a_record_of_noise_names_nothing_to_remove(noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / RECORD).write_bytes(noise)
        assert read_record(Path(made)).cluster == ""


@given(st.builds(Owner, st.just("scm-cluster/1"), st.text(), st.text(), st.text()))
def test_what_an_owner_says_is_read_back(owner: Owner) -> None:
    assert parse_owner(msgspec.json.encode(owner)) == owner

"""One process at a time in a folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from scmanager.adapters.folder_lock import FolderInUse, FolderLock, FolderNotLockable

HOLD = """
import sys, time
from pathlib import Path
from scmanager.adapters.folder_lock import FolderLock
FolderLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_lock_on_the_same_file_is_refused_until_the_first_is_given_back(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(FolderInUse):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_it_is_given_back_when_the_block_ends_in_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), FolderLock(tmp_path / "lock"):
        raise RuntimeError
    with FolderLock(tmp_path / "lock") as lock:
        assert lock.held


def test_another_process_is_named_and_its_death_frees_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(FolderInUse) as caught:
            FolderLock(path).acquire()
        assert caught.value.facts["holder"] == str(other.pid)
    finally:
        other.kill()
        other.communicate()
    with FolderLock(path):
        pass


def test_programs_started_by_the_holder_do_not_keep_it(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "lock")
    lock.acquire()
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        lock.release()
        with FolderLock(tmp_path / "lock"):
            pass
    finally:
        child.communicate()


def test_a_folder_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(FolderNotLockable):
        FolderLock(tmp_path / "missing" / "lock").acquire()

"""Private files: whole or not at all, for their owner only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scmanager.adapters.private_files import (
    PrivateFileExists,
    PrivateFileFailed,
    StateInsideData,
    keep_apart,
    private_folder,
    read_private,
    state_folder,
    write_private,
)

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


@POSIX_ONLY
def test_only_the_owner_may_read_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(private_folder(tmp_path / "new") / "secret", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_second_writing_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", b"first")
    write_private(tmp_path / "secret", b"second")
    assert read_private(tmp_path / "secret") == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_file_that_must_be_new_is_never_overwritten(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", b"first", replace=False)
    with pytest.raises(PrivateFileExists):
        write_private(tmp_path / "secret", b"second", replace=False)
    assert read_private(tmp_path / "secret") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_file_that_must_be_new_can_be_made_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # What a FAT stick answers.

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    write_private(tmp_path / "secret", b"first", replace=False)
    with pytest.raises(PrivateFileExists):
        write_private(tmp_path / "secret", b"second", replace=False)
    assert read_private(tmp_path / "secret") == b"first"


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    write_private(tmp_path / "secret", b"first")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PrivateFileFailed, match="No space left"):
        write_private(tmp_path / "secret", b"second")
    assert read_private(tmp_path / "secret") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_missing_file_reads_as_none(tmp_path: Path) -> None:
    assert read_private(tmp_path / "nowhere") is None


AS_NOBODY = """
import os, sys
from pathlib import Path
from scmanager.adapters.private_files import PrivateFileFailed, private_folder, read_private, write_private
if os.getuid() == 0:  # Everything is imported by now: the interpreter itself may lie where nobody can read.
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for act in (lambda p: read_private(p / "secret"), lambda p: write_private(p / "other", b"x"),
            lambda p: private_folder(p / "below")):
    try:
        act(Path(sys.argv[1]))
        print("allowed")
    except PrivateFileFailed as error:
        print(error.facts["act"], error)
"""


@POSIX_ONLY
def test_a_folder_that_is_not_ours_gives_a_clear_error(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    write_private(closed / "secret", b"x")
    closed.chmod(0o500 if os.getuid() else 0o700)
    if os.getuid():
        (closed / "secret").chmod(0)
    run = [sys.executable, "-c", AS_NOBODY, str(closed)]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in said] == ["read", "written", "made"]
    assert all("Permission denied" in line for line in said)


def test_the_state_folder_may_not_travel_with_the_data(tmp_path: Path) -> None:
    keep_apart(tmp_path / "data", tmp_path / "state")
    with pytest.raises(StateInsideData):
        keep_apart(tmp_path / "data", tmp_path / "data" / "state")
    with pytest.raises(StateInsideData):
        keep_apart(tmp_path / "data", tmp_path / "data")


def test_ghost_mode_keeps_its_state_beside_the_data(tmp_path: Path) -> None:
    assert state_folder(ghost=tmp_path / "data") == tmp_path / "data.state"
    assert tmp_path not in state_folder().parents


def test_an_unwritable_place_is_unavailable_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PrivateFileFailed):
        write_private(tmp_path / "file" / "below", b"x")

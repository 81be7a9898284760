"""Kill -9 at every step of a backup and of a restore, and full disks: what stands there is whole, or nothing does."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scmanager.adapters.backup_restore import verify
from tests.support.backups import PASSPHRASE, backup_of, left_beside, opened
from tests.support.forked import unmeasured
from tests.support.machines import Machine, found
from tests.support.processes import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a machine in it, an earlier backup of it, and one of what it is now."""
    machine = Machine(tmp_path.parent, tmp_path.name)
    with machine.open() as node:
        space = found(node)
    (tmp_path / "earlier").write_bytes(backup_of(machine.settings, is_open=True))
    with machine.open() as node:
        node.do("organisation.rename", space, {"title": "Later"})
    (tmp_path / "whole.scm-backup").write_bytes(backup_of(machine.settings))
    return tmp_path


def dying(job: str, place: Path, *more: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tests.support.dying", job, str(place), *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=unmeasured())
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr


def test_a_backup_that_is_killed_leaves_the_earlier_one_or_the_new_one(place: Path) -> None:
    code, said = dying("backup", place, str(opened((place / "whole.scm-backup").read_bytes()).manifest.entries))
    assert code == 0, said
    assert int(said) > 15


def test_a_restore_that_is_killed_leaves_a_whole_folder_or_none(place: Path) -> None:
    code, said = dying("restore", place)
    assert code == 0, said
    assert int(said) > 25
    assert not left_beside(place)  # The attempt that came through removed what the others left.


# Full disks


def limited(size_bytes: int, *arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    """The command line where no file may grow beyond that: as if the disk were full."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    environment = unmeasured() | {"SCM_BACKUP_PASSPHRASE": PASSPHRASE}
    return subprocess.run(
        [sys.executable, "-m", "scmanager", *arguments], cwd=ROOT, preexec_fn=limit,
        env=environment | {"SCM_STATE": str(state)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("size_bytes", [1, 4096, 60_000, 110_000])
def test_a_disk_that_is_full_keeps_the_earlier_backup(place: Path, size_bytes: int) -> None:
    target = place / "target.scm-backup"
    earlier = (place / "earlier").read_bytes()
    target.write_bytes(earlier)
    arguments = ("--data", str(place / "data"), "backup", "--plain", "--replace", str(target))
    said = limited(size_bytes, *arguments, state=place / "state")
    assert said.returncode == 3
    assert said.stderr.split(":")[0] in {"backup-snapshot-failed", "private-file-failed", "folder-not-lockable"}
    assert "disk" in said.stderr
    assert target.read_bytes() == earlier
    assert not left_beside(place)
    assert not left_beside(place / "data")
    assert limited(1 << 30, *arguments, state=place / "state").returncode == 0
    assert verify(opened(target.read_bytes())).ok


@pytest.mark.parametrize("size_bytes", [1, 20_000, 60_000])
def test_a_disk_that_is_full_leaves_no_half_of_a_folder(place: Path, size_bytes: int) -> None:
    arguments = ("--data", str(place / "restored"), "restore", str(place / "whole.scm-backup"))
    said = limited(size_bytes, *arguments, state=place / "state")
    assert (said.returncode, said.stderr.split(":")[0]) == (3, "private-file-failed")
    assert "disk" in said.stderr
    assert not (place / "restored").exists()
    assert not left_beside(place)
    assert limited(1 << 30, *arguments, state=place / "state").returncode == 0

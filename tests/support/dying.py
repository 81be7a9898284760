"""A backup, or a restore, killed at one file-system act after another: `python -m tests.support.dying JOB DIR`.

Each attempt is a fork of its own, killed with SIGKILL just before its n-th act on a file or folder below DIR; then
what it left is looked at: a whole thing or nothing. Prints how many acts there were until it came through. DIR holds
`data`, `state`, and for a restore `whole.scm-backup`.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from scmanager.adapters import backup_restore  # noqa: F401 - imported before the forks
from scmanager.adapters.backup_file import Backup
from scmanager.cli.entry import run
from scmanager.config import Settings
from scmanager.runtime import Node
from tests.support.backups import PASSPHRASE

ACTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "sqlite3.connect"}


def forked(act: Callable[[], int]) -> int:
    """The exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        os._exit(act())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dying(place: Path, number: int, *arguments: str) -> Callable[[], int]:
    """The command, killed before its n-th act."""
    left = number

    def hook(event: str, values: tuple[object, ...]) -> None:
        nonlocal left
        if event in ACTS and str(place) in str(values[0]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def act() -> int:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        sys.addaudithook(hook)
        return run(list(arguments))

    return act


def whole(path: Path) -> int:
    """The number of entries in a backup that is read to its end."""
    with path.open("rb") as file:
        backup = Backup(file, lambda: PASSPHRASE)
        for _, body in backup.files():
            for _ in body:
                pass
        return backup.manifest.entries


def check_backup(place: Path, before: int, after: int) -> None:
    """The earlier backup or the new one stands there; the folder opens, and nothing is left in it."""
    assert whole(place / "target.scm-backup") in (before, after)
    settings = Settings(place / "data", place / "state", port=0)

    def opens() -> int:
        with Node(settings) as node:
            assert node.doubt is None
            assert node.store.last_pos() == after
        return 0

    assert forked(opens) == 0
    assert not list((place / "data").glob(".backup*"))


def check_restored(place: Path, entries: int) -> None:
    """There is no folder, or a whole one that begins a log of its own."""
    folder = place / "restored"
    if not folder.exists():
        return

    def opens() -> int:
        with Node(Settings(folder, place / "elsewhere", port=0)) as node:
            assert node.store.last_pos() > entries
            assert node.doubt is not None
        return 0

    assert forked(opens) == 0


def main() -> int:
    job, place = sys.argv[1], Path(sys.argv[2])
    os.environ["SCM_STATE"] = str(place / ("state" if job == "backup" else "elsewhere"))
    os.environ["SCM_BACKUP_PASSPHRASE"] = PASSPHRASE
    number = 0
    while True:
        number += 1
        if job == "backup":
            target = place / "target.scm-backup"
            target.write_bytes((place / "earlier").read_bytes())
            code = forked(
                dying(place, number, "--data", str(place / "data"), "backup", "--plain", "--replace", str(target))
            )
            check_backup(place, whole(place / "earlier"), int(sys.argv[3]))
        else:
            folder, source = place / "restored", place / "whole.scm-backup"
            code = forked(dying(place, number, "--data", str(folder), "restore", str(source)))
            check_restored(place, whole(source))
            if folder.exists():  # Out of the way of the next attempt.
                folder.rename(place / f"done-{number}")
        assert code in (0, -signal.SIGKILL), code
        if code == 0:
            print(number - 1)
            return 0


if __name__ == "__main__":
    sys.exit(main())

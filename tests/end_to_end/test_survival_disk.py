"""Full disks, folders that cannot be used, files that were damaged: said with a code and a hint, nothing lost."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from scmanager.domain.catalogue import MEMBERS
from scmanager.errors import ScManagerError
from tests.support.machines import Machine, found
from tests.support.processes import NodeProcess, outcome, wait_until

pytestmark = [pytest.mark.services]
posix = pytest.mark.skipif(sys.platform == "win32", reason="limits, owners and modes are POSIX")
linux = pytest.mark.skipif(not shutil.which("prlimit"), reason="another process is limited on Linux only")
NOBODY = 65534


def record(node: NodeProcess, space: str, number: int) -> dict[str, Any]:
    return node.try_("do", verb="member.record", space=space, number=number, handle=f"pilot-{number}")


def rename(node: NodeProcess, space: str, number: int) -> dict[str, Any]:
    return node.try_("do", verb="organisation.rename", space=space, number=number, title=f"Nova {number}")


@posix
def test_commands_are_refused_while_the_disk_is_full_and_work_when_it_is_not(tmp_path: Path) -> None:
    with NodeProcess(tmp_path, "--no-serving") as node:
        space = node.ask("found", number=1)["space"]
        kept = [record(node, space, number)["member"] for number in range(2, 6)]
        node.ask("limit", size_bytes=(node.data / "events.db-wal").stat().st_size)
        for number in range(6, 9):
            said = record(node, space, number)
            assert said["error"] == "disk-full"
            assert "space" in said["hint"]
        node.ask("limit", size_bytes=0)
        kept += [record(node, space, number)["member"] for number in range(6, 9)]
        node.kill()
    with NodeProcess(tmp_path, "--no-serving") as node:
        assert set(kept) < set(node.ask("members", space=space)["members"])
        assert len(node.ask("members", space=space)["members"]) == 1 + len(kept)
        assert len(node.ask("logs")["logs"]) == 1
        assert record(node, space, 7)["member"] == kept[5]


@posix
def test_a_key_that_cannot_be_kept_refuses_the_command_that_needs_it(tmp_path: Path) -> None:
    with NodeProcess(tmp_path, "--no-serving") as node:
        space = node.ask("found", number=1)["space"]
        size = node.ask("logs")["logs"][0]["size"]
        node.ask("limit", size_bytes=1)
        said = record(node, space, 2)
        assert said["error"] == "disk-full"
        assert "disk" in said["hint"]
        assert node.ask("logs")["logs"][0]["size"] == size
        node.ask("limit", size_bytes=0)
        assert record(node, space, 2)["member"]


@posix
def test_a_disk_that_is_full_at_the_start_is_the_reason_that_is_given(tmp_path: Path) -> None:
    with NodeProcess(tmp_path, "--no-serving") as node:
        node.ask("found", number=1)
    said = outcome(tmp_path, "--no-serving", "--limit", "1")
    assert said["error"] in {"disk-full", "private-file-failed"}
    assert "disk" in said["hint"]


@linux
@pytest.mark.slow
def test_a_full_disk_for_the_database_stops_the_read_models_only(tmp_path: Path) -> None:
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        node.ask("projected")
        limit(node.up["database"], "8192")
        for number in range(2, 60):
            assert record(node, space, number)["member"]
        wait_until(lambda: not node.ask("projected", timeout_s=0.1)["shown"])
        wait_until(lambda: node.http("GET", "/health").status_code == 503)
        assert record(node, space, 60)["member"]
        limit(node.up["database"], "unlimited")
        wait_until(lambda: node.http("GET", "/health").status_code == 200, 60)
        shown = node.ask("projected")
        assert shown["shown"]
        assert node.ask("rebuild")["digests"] == shown["digests"]


def limit(pid: int, size_bytes: str) -> None:
    """No file of this server may grow beyond it. Done as the server's user, as its limits are his."""
    with contextlib.suppress(psutil.NoSuchProcess):
        server = psutil.Process(pid)
        for process in (server, *server.children(recursive=True)):
            who = {"user": server.uids().real, "group": server.gids().real} if os.geteuid() == 0 else {}
            subprocess.run(["prlimit", f"--pid={process.pid}", f"--fsize={size_bytes}:"], check=False, **who)


# Folders


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach."""
    folder = Path(tempfile.mkdtemp(prefix="scm-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@posix
def test_a_folder_that_may_only_be_read_is_named(open_folder: Path) -> None:
    with NodeProcess(open_folder, "--no-serving") as node:
        node.ask("found", number=1)
    other: tuple[str, ...] = ()
    if os.geteuid() == 0:
        other = ("--user", str(NOBODY))
        for path in (open_folder, *open_folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        (open_folder / "data" / "node.lock").chmod(0o666)
    else:
        (open_folder / "data").chmod(0o500)
    said = outcome(open_folder, "--no-serving", *other)
    (open_folder / "data").chmod(0o700)
    assert said["error"] in {"folder-not-lockable", "private-file-failed", "file-read-only", "file-not-opened"}
    assert "disk" in said["hint"]
    assert any(word in said["message"] for word in ("readonly", "Permission denied", "unable to open")), said


@pytest.mark.slow
def test_a_long_path_with_spaces_and_letters_of_all_kinds_works(tmp_path: Path) -> None:
    folder = tmp_path / ("Ärger mit Leerzeichen " + "名" * 30) / ("x" * 120) / 'it\'s, "quoted" %s {0}'
    folder.mkdir(parents=True)
    assert len(str(folder)) > 200
    with NodeProcess(folder) as node:
        node.ask("found", number=1)
        assert node.ask("projected")["shown"]
        psutil.Process(node.up["database"]).kill()
        node.ask("found", number=2)
        assert node.ask("projected")["shown"]  # Wherever its socket is by now.
        assert node.end() == 0


@posix
@pytest.mark.slow
def test_a_folder_removed_under_a_running_node_acknowledges_nothing_more(tmp_path: Path) -> None:
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        moved = tmp_path / "moved"
        node.data.rename(moved)
        said = rename(node, space, 2)
        assert said["error"] == "file-moved"
        assert "moved, removed or replaced" in said["message"]
        assert record(node, space, 3)["error"] == "file-moved"  # It needs a new key: another file, the same answer.
        moved.rename(node.data)
        assert rename(node, space, 2)["space"] == space  # Put back, it goes on.
        shutil.rmtree(node.data)
        assert rename(node, space, 4)["error"] == "file-moved"
        assert node.end() == 0
        assert b"Traceback" not in node.stderr, node.stderr.decode()


# Damage


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Path, bytes]:
    """A machine, a copy of its files, and its space with 30 members."""
    folder = tmp_path_factory.mktemp("sound")
    machine = Machine(folder, "ada")
    with machine.open() as node:
        space = found(node)
        for number in range(29):
            node.do("member.record", space, {"handle": f"pilot-{number}"})
    shutil.copytree(machine.settings.data, folder / "copy")
    return machine, folder / "copy", space


@pytest.fixture
def machine(sound: tuple[Machine, Path, bytes]) -> Machine:
    """The same, whole again."""
    machine, copy, _ = sound
    for path in [*machine.settings.data.iterdir()]:
        if not (copy / path.name).exists():
            path.unlink()
    for path in copy.iterdir():
        (machine.settings.data / path.name).write_bytes(path.read_bytes())
    return machine


def opening(machine: Machine, space: bytes) -> str:
    """The code it refuses with; empty when it opens and nothing lacks."""
    try:
        with machine.open() as node:
            assert len(list(node.shelf.space(space).things(MEMBERS))) == 30
    except ScManagerError as error:
        return error.code if error.hint else "no hint"
    return ""


@pytest.mark.parametrize("left", [0, 1, 100, 0.3, 0.7])
@pytest.mark.parametrize(
    ("name", "code"),
    [("events.db", "store-damaged"), ("keys.db", "vault-damaged"), ("device.json", "identity-damaged")],
)
def test_a_file_cut_short_refuses_the_start(
    name: str, code: str, left: float, machine: Machine, sound: tuple[Machine, Path, bytes]
) -> None:
    path = machine.settings.data / name
    size = int(path.stat().st_size * left) if isinstance(left, float) else left
    os.truncate(path, size)
    assert opening(machine, sound[2]) == code
    assert path.stat().st_size == size  # What is left is left alone.


@pytest.mark.parametrize("name", ["events.db", "keys.db", "device.json"])
def test_bits_that_flip_never_hide_anything(name: str, machine: Machine, sound: tuple[Machine, Path, bytes]) -> None:
    path, chance, codes = machine.settings.data / name, random.Random(7), set()
    whole = path.read_bytes()
    for _ in range(40):
        flipped = bytearray(whole)
        flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        codes.add(opening(machine, sound[2]))
    wanted = {"events.db": "store-damaged", "keys.db": "vault-damaged", "device.json": "identity-damaged"}
    assert codes <= {"", wanted[name], "wrapping-key-missing"}
    assert wanted[name] in codes or name == "keys.db"  # Most of that file's pages are empty.


def test_a_lost_key_file_refuses_the_start(machine: Machine, sound: tuple[Machine, Path, bytes]) -> None:
    (machine.settings.data / "keys.db").unlink()
    assert opening(machine, sound[2]) == "vault-damaged"
    assert not (machine.settings.data / "keys.db").exists()

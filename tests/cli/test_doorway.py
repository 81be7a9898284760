"""Two commands on one folder: the later waits for the earlier, and for a node that starts, but not for ever."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from scmanager.adapters.folder_lock import FolderInUse, FolderLock, Holder
from scmanager.cli import doorway
from tests.cli.conftest import Scm
from tests.support.forked import unmeasured

HOLD = """
import sys
from pathlib import Path
from scmanager.adapters.folder_lock import FolderLock, Holder
with FolderLock(Path(sys.argv[1]), Holder(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(lock: Path, what: Holder) -> "subprocess.Popen[str]":
    """A process that holds a lock until its input ends."""
    lock.parent.mkdir(exist_ok=True)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock), what.value],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    return holder


def take(lock: Path) -> FolderLock:
    taken = FolderLock(lock)
    taken.acquire()
    return taken


def started(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = unmeasured() | {"SCM_STATE": f"{folder}.state", "SCM_PORT": "0"}
    return subprocess.Popen(
        [sys.executable, "-m", "scmanager", "--data", str(folder), *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(processes: "list[subprocess.Popen[str]]") -> list[tuple[str, str]]:
    """What those said that failed; all have ended."""
    try:
        said = [process.communicate(timeout=180) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [each for each, process in zip(said, processes, strict=True) if process.returncode]


def test_a_command_waits_for_another_that_is_short(tmp_path: Path) -> None:
    lock, refused = tmp_path / "a" / "node.lock", 0
    with hold(lock, Holder.COMMAND) as holder:

        def work() -> FolderLock:
            nonlocal refused
            try:
                return take(lock)
            except FolderInUse:
                refused += 1
                assert holder.stdin
                holder.stdin.close()
                raise

        entered = doorway.enter(lock.parent, work, command_s=60)
    assert isinstance(entered, FolderLock)
    entered.release()
    assert refused


@pytest.mark.parametrize("what", [Holder.COMMAND, Holder.PROCESS])
def test_one_that_stays_is_named_as_what_it_is(tmp_path: Path, what: Holder) -> None:
    lock = tmp_path / "a" / "node.lock"
    with hold(lock, what) as holder:
        with pytest.raises(FolderInUse) as caught:
            doorway.enter(lock.parent, lambda: take(lock), command_s=0.3)
        assert holder.poll() is None
        assert holder.stdin
        holder.stdin.close()
    assert str(caught.value).startswith(f"Another {what.value} (number {holder.pid}) already works in ")


def test_the_wait_begins_anew_when_another_has_come_in_between(tmp_path: Path) -> None:
    """Each of three stays for less than anybody is waited for; together they stay for longer."""
    began = time.monotonic()

    def work() -> str:
        turn = int((time.monotonic() - began) / 0.3)
        if turn < 3:
            raise FolderInUse(folder="a", holder=str(turn), what=Holder.COMMAND.value)
        return "in"

    assert doorway.enter(tmp_path, work, command_s=0.6) == "in"


@pytest.mark.slow
def test_ten_commands_at_once_are_all_done(nova: Scm, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    assert ended([started(folder, "member", "record", f"Pilot{number}") for number in range(10)]) == []
    assert len(nova("member", "list", "--json").json) == 11


@pytest.mark.slow
@pytest.mark.services
def test_queries_and_commands_at_once_are_all_answered(nova: Scm, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    asked = [started(folder, "query", "{ organisations { nodes { sid } } }") for _ in range(3)]
    done = [started(folder, "member", "record", f"Pilot{number}") for number in range(3)]
    assert ended([*asked, *done]) == []
    assert not (folder / "node.json").exists(), "nobody goes through a node that is gone in a moment"


@pytest.mark.slow
@pytest.mark.services
def test_a_command_beside_a_node_that_starts_goes_through_it(nova: Scm, tmp_path: Path) -> None:
    up = started(tmp_path / "a", "up")
    try:
        lock = tmp_path / "a" / "node.lock"
        end = time.monotonic() + 60
        while not lock.read_text().endswith(f"{up.pid} node"):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert not (tmp_path / "a" / "node.json").exists(), "it does not answer yet"
        told = nova("member", "record", "Ayla", "--json")
        assert told.code == 0, told.err
        assert "It runs already" in nova("up").out
        assert up.poll() is None
    finally:
        up.terminate()
        up.communicate()

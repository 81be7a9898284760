"""A node is killed, its database is killed, others want its folder or its port: nothing acknowledged is ever lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from scmanager.adapters.folder_lock import FolderInUse, FolderLock
from scmanager.adapters.node_file import NODE_FILE, NodeFile, find_node, write_node_file
from scmanager.api.serving import PortTaken, listen
from scmanager.serving import Serving
from tests.support.machines import Machine
from tests.support.processes import NodeProcess, outcome, wait_until

pytestmark = [pytest.mark.services, pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")]

SECOND_START_S = 10.0
"""Far above what it takes; a loaded machine must pass too. tests/benchmarks/start.py has the real number."""


@pytest.mark.slow
def test_a_node_killed_under_load_again_and_again_keeps_all_it_acknowledged_once(tmp_path: Path) -> None:
    acknowledged: dict[int, str] = {}
    databases = set()
    space = ""
    for life in range(3):
        with NodeProcess(tmp_path) as node:
            assert life == 0 or node.start_s < SECOND_START_S
            databases.add(node.up["database"])
            space = node.ask("found", number=1)["space"]  # Sent again in each life: founded once.
            for wave in range(40):
                node.send("load", space=space, first=life * 1000 + wave * 20 + 10, count=20)
            wait_until(lambda: len(node.acknowledged) > 150 * (life + 1) // 2)  # noqa: B023 - within this life
            node.kill()
            assert not node.refused
            acknowledged |= node.acknowledged
    assert len(databases) == 1  # Each life took over the database that the one before left behind.
    with NodeProcess(tmp_path) as node:
        assert find_node(node.data) == NodeFile(node.child.pid, int(node.up["address"][17:]), node.up["token"])
        for number in sorted(acknowledged)[::40]:
            again = node.ask("do", verb="member.record", space=space, number=number, handle="another word")
            assert again["member"] == acknowledged[number]
        members = node.ask("members", space=space)["members"]
        assert set(acknowledged.values()) <= set(members)
        assert len(members) == len(set(members))
        logs = node.ask("logs")
        assert [log["branch"] for log in logs["logs"]] == [0]
        assert logs["logs"][0]["size"] == node.ask("projected")["pos"]
        shown = node.ask("projected")
        assert shown["shown"]
        assert node.ask("rebuild")["digests"] == shown["digests"]


@pytest.mark.slow
def test_a_node_killed_while_it_starts_for_the_first_time_starts_the_next_time(tmp_path: Path) -> None:
    for seconds in (0.7, 1.2, 1.7, 2.2):
        with NodeProcess(tmp_path, wait=False) as node:
            time.sleep(seconds)
            node.kill()
    (tmp_path / "data").mkdir(exist_ok=True)  # On a busy machine none came so far.
    (tmp_path / "data" / ".node.json.0123456789abcdef.new").touch()
    with NodeProcess(tmp_path) as node:
        node.ask("found", number=1)
        assert node.ask("projected")["shown"]
        assert not list(node.data.glob(".*.new"))


@pytest.mark.slow
def test_a_database_killed_under_a_running_node_is_missed_said_and_replaced(tmp_path: Path) -> None:
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        psutil.Process(node.up["database"]).kill()
        node.ask("do", verb="member.record", space=space, number=2, handle="grace")
        answer = node.query("{ organisations { edges { node { id } } } }")
        told = [error["extensions"] for error in answer.get("errors", ())]
        assert {error["family"] for error in told} <= {"Unavailable"}
        assert {error["code"] for error in told} <= {"database-away", "read-models-unavailable"}
        wait_until(lambda: not node.ask("health")["health"]["database"][0] or told)
        wait_until(lambda: node.http("GET", "/health").status_code == 200)
        shown = node.ask("projected")
        assert shown["shown"]
        assert node.ask("rebuild")["digests"] == shown["digests"]
        assert len(node.query("{ organisations { edges { node { id } } } }")["data"]["organisations"]["edges"]) == 1


@pytest.mark.slow
def test_health_names_what_is_down_and_commands_go_on_without_a_database(tmp_path: Path) -> None:
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        log = node.data / "read-models" / "postgres.log"
        log.unlink()
        log.mkdir()  # Now PostgreSQL cannot be started again.
        psutil.Process(node.up["database"]).kill()
        wait_until(lambda: not node.ask("health")["health"]["database"][0])
        said = node.http("GET", "/health")
        assert said.status_code == 503
        assert "database" in [one["name"] for one in said.json()["actors"] if not one["ok"]]
        assert node.ask("do", verb="member.record", space=space, number=2, handle="grace")["member"]
        error = node.query("{ organisations { edges { node { id } } } }")["errors"][0]["extensions"]
        assert (error["code"], error["family"]) == ("database-away", "Unavailable")
        assert error["hint"]
        log.rmdir()
        wait_until(lambda: node.http("GET", "/health").status_code == 200, 60)
        assert node.ask("projected")["shown"]


def test_a_second_process_on_a_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    with NodeProcess(tmp_path, "--no-serving") as node:
        said = outcome(tmp_path, "--no-serving")
        assert said["error"] == FolderInUse.code
        assert str(node.child.pid) in said["message"]


def test_a_taken_port_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    with listen(0) as taken:
        said = outcome(tmp_path, "--port", str(taken.getsockname()[1]))
        assert said["error"] == PortTaken.code
        assert str(taken.getsockname()[1]) in said["message"]
    with FolderLock(tmp_path / "data" / "node.lock"):
        assert not (tmp_path / "data" / NODE_FILE).exists()
        assert not (tmp_path / "data" / "read-models").exists()  # Nor was a database begun.


def test_a_start_that_fails_in_the_middle_stops_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, "ada")
    databases: list[int | None] = []

    def never(self: Serving, stop: object, ready: object) -> None:
        databases.append(self.database_pid)
        raise ConnectionError("nobody may see these words")

    monkeypatch.setattr(Serving, "_run_api", never)
    with machine.open() as node:
        serving = Serving(node)
        with pytest.raises(Exception, match="api is restarting") as raised:
            serving.start()
        assert "nobody" not in str(raised.value)
        assert not (node.settings.data / NODE_FILE).exists()
        with FolderLock(node.settings.data / "read-models" / "postgres.lock"):
            pass  # Given back.
    assert not any(pid and psutil.pid_exists(pid) for pid in databases)
    with machine.open():
        pass  # The folder, too.


def test_a_database_that_will_not_start_is_the_reason_that_a_start_gives(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "ada")
    log = machine.settings.data / "read-models" / "postgres.log"
    log.mkdir(parents=True)
    began = time.monotonic()
    assert outcome(tmp_path / "ada")["error"] == "postgres-folder-unusable"
    assert time.monotonic() - began < 30
    log.rmdir()


def test_what_a_killed_node_left_in_node_json_is_no_running_node(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "ada")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with machine.open():
        write_node_file(machine.settings.data, NodeFile(gone.pid, 1, "t"))
        assert find_node(machine.settings.data) is None
        write_node_file(machine.settings.data, NodeFile(os.getpid(), 1, "t"))
        assert find_node(machine.settings.data) == NodeFile(os.getpid(), 1, "t")
    write_node_file(machine.settings.data, NodeFile(os.getppid(), 1, "t"))
    assert find_node(machine.settings.data) is None  # Alive, but it does not hold the folder.


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_node_cleanly_and_soon(how: signal.Signals, tmp_path: Path) -> None:
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        node.send("load", space=space, first=10, count=200)
        wait_until(lambda: node.acknowledged or node.refused)
        family = node.family()
        began = time.monotonic()
        assert node.end(how) == 0
        assert time.monotonic() - began < 20
        assert node.next() == {"stopped": True, "late": []}
        assert not [process for process in family if process.is_running() and process.status() != "zombie"]
        assert not (node.data / NODE_FILE).exists()
        acknowledged = node.acknowledged
    with NodeProcess(tmp_path, "--no-serving") as node:
        assert set(acknowledged.values()) <= set(node.ask("members", space=space)["members"])
        assert not node.ask("logs")["doubt"]
        node.child.stdin.close()  # type: ignore[union-attr] # it was opened as a pipe
        assert node.child.wait(20) == 0


def test_a_signal_during_the_start_ends_it_cleanly(tmp_path: Path) -> None:
    with NodeProcess(tmp_path, wait=False) as node:
        wait_until(lambda: (node.data / "read-models").exists())
        assert node.end() == 0
        node._readers[1].join(20)
        assert node.stderr == b""
        with FolderLock(node.data / "read-models" / "postgres.lock"):
            pass

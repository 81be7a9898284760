"""Node processes as a test sees them: started, asked, killed; nothing they started stays behind."""

import contextlib
import json
import queue
import signal
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from scmanager.adapters import postgres_server
from tests.support.forked import unmeasured

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain HTTP: httpx reads all the world's certificates for each request otherwise, 50 ms of a processor."""


class NodeProcess:
    """One process with a node on a folder. `Refused` if it does not come up."""

    def __init__(self, folder: Path, *options: str, wait: bool = True, **popen: Any) -> None:
        self.data, self.state = folder / "data", folder / "state"
        command = [sys.executable, "-m", "tests.support.node_process", str(self.data), str(self.state), *options]
        popen["env"] = unmeasured(popen.get("env"))  # Most are killed, and then write no report of their coverage.
        self.began = time.monotonic()
        self.child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen
        )
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.acknowledged: dict[int, str] = {}
        self.refused: dict[int, dict[str, Any]] = {}
        self.stderr = b""
        self._readers = [threading.Thread(target=each, daemon=True) for each in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()
        if wait:
            self.up = self.next()
            self.start_s = time.monotonic() - self.began
            assert "error" not in self.up, self.up

    def __enter__(self) -> "NodeProcess":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it cleanly, else by force; PostgreSQL with it."""
        family = self.family()
        if self.child.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.end()
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.child.wait(TIMEOUT_S)
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            said = json.loads(line)
            if "ack" in said:
                self.acknowledged[said["ack"]] = said["member"]
            elif "nack" in said:
                self.refused[said["nack"]] = said
            else:
                self._lines.put(said)

    def _read_errors(self) -> None:
        assert self.child.stderr is not None
        for line in self.child.stderr:
            self.stderr += line

    def next(self, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """Its next word. AssertionError with its standard error when it ends or says nothing."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                return self._lines.get(timeout=0.05)
            assert self._readers[0].is_alive() or not self._lines.empty(), self.stderr.decode()
        raise AssertionError(f"no word in {timeout_s} s; {self.stderr.decode()}")

    def send(self, op: str, **given: Any) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps({"op": op, **given}).encode() + b"\n")
        self.child.stdin.flush()

    def ask(self, op: str, **given: Any) -> dict[str, Any]:
        """An answer that is no error."""
        answer = self.try_(op, **given)
        assert "error" not in answer, answer
        return answer

    def try_(self, op: str, **given: Any) -> dict[str, Any]:
        self.send(op, **given)
        return self.next()

    def family(self) -> list[psutil.Process]:
        """It and its descendants, and the database, which an earlier one may have started."""
        with contextlib.suppress(psutil.Error):
            mine = psutil.Process(self.child.pid)
            below = [mine, *mine.children(recursive=True)]
            if (database := getattr(self, "up", {}).get("database")) and psutil.pid_exists(database):
                server = psutil.Process(database)
                below += [server, *server.children(recursive=True)]
            return list({process.pid: process for process in below}.values())
        return []

    def kill(self) -> None:
        """As a power cut would, but for its database."""
        self.child.kill()
        self.child.wait(TIMEOUT_S)
        for reader in self._readers:
            reader.join(TIMEOUT_S)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.child.send_signal(how)
        return self.child.wait(TIMEOUT_S)

    def http(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.up['token']}"}
        return httpx.request(
            method, self.up["address"] + path, headers=headers, timeout=30, trust_env=False, verify=NO_TLS, **more
        )

    def query(self, text: str) -> Any:
        return self.http("POST", "/graphql", json={"query": text}).json()


def outcome(folder: Path, *options: str, **popen: Any) -> dict[str, Any]:
    """What a node that cannot start says. Its exit code is 3 and it leaves no traceback."""
    with NodeProcess(folder, *options, wait=False, **popen) as process:
        said = process.next()
        code = process.child.wait(TIMEOUT_S) if "error" in said else process.end()
        process._readers[1].join(TIMEOUT_S)
        assert b"Traceback" not in process.stderr, process.stderr.decode()
        assert (code == 3) == ("error" in said), (code, said)
        return said


def clear(folder: Path) -> None:
    """End and remove the databases of all nodes below a folder, those that stand outside of it too."""
    for lock in folder.rglob("postgres.lock"):
        postgres_server.remove(lock.parent)


def wait_until(condition: Any, timeout_s: float = 30.0) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)

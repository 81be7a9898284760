"""Start: from the command to a node that serves, from nothing (PostgreSQL's folder is made), and again."""

import compileall
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from scmanager.adapters.node_file import find_node
from tests.support.processes import ROOT, TIMEOUT_S, NodeProcess, clear

ROUNDS = 3
QUERY = "{ organisations { nodes { title } } }"


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds; each start is a new process, imports included. The adopted one finds its database still running."""
    as_installed()
    first, second, answered, adopted, command, spent = [], [], [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            with NodeProcess(Path(folder)) as node:
                first.append(node.start_s)
                node.ask("found", number=1)
                assert node.ask("projected")["shown"]
            with NodeProcess(Path(folder)) as node:
                second.append(node.start_s)
                assert node.query(QUERY)["data"]["organisations"]["nodes"]
                answered.append(time.monotonic() - node.began)
            answer_s, cpu_s = _by_command(Path(folder))
            command.append(answer_s)
            spent.append(cpu_s)
            with NodeProcess(Path(folder)) as node:
                node.kill()
            with NodeProcess(Path(folder)) as node:
                adopted.append(node.start_s)
            clear(Path(folder))
    return {
        "first start, s": _figure(first, "< 15"),
        "second start, s": _figure(second, "< 1"),
        "second start, to its first GraphQL answer, s": _figure(answered, "< 1"),
        "scm up again, to its first GraphQL answer, s": _figure(command, "< 1"),
        "scm up again, processor seconds": _figure(spent, ""),
        "start after a kill, s": _figure(adopted, ""),
    }


def as_installed() -> None:
    """With byte code beside the sources, as pip and make leave it: a start is no compilation."""
    compileall.compile_dir(ROOT / "scmanager", quiet=1)


def _by_command(folder: Path) -> tuple[float, float]:
    """`scm up` on a folder that a node had: seconds until GraphQL answers, and those of the processor."""
    environment = os.environ | {"SCM_STATE": str(folder / "state"), "SCM_PORT": "0"}
    command = [sys.executable, "-m", "scmanager", "--data", str(folder / "data"), "up"]
    began = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            while (found := find_node(folder / "data")) is None:
                assert process.poll() is None
                assert time.monotonic() - began < TIMEOUT_S
                time.sleep(0.005)
            times = psutil.Process(process.pid).cpu_times()
            address, headers = f"http://127.0.0.1:{found.port}/graphql", {"authorization": f"Bearer {found.token}"}
            answer = httpx.post(address, json={"query": QUERY}, headers=headers, trust_env=False)
            answered = time.monotonic() - began
            assert answer.json()["data"]["organisations"]["nodes"]
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            process.wait(TIMEOUT_S)
    return answered, times.user + times.system


def _figure(seconds: list[float], aim: str) -> dict[str, Any]:
    figure: dict[str, Any] = {"median": round(statistics.median(seconds), 2)}
    figure |= {"min": round(min(seconds), 2), "max": round(max(seconds), 2)}
    return figure | ({"aim": aim} if aim else {})

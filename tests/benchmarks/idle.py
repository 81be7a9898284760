"""Idle: memory, processor time and wake-ups of a node that nobody asks anything, its PostgreSQL included."""

import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from scmanager.projections.runner import REST_S
from tests.benchmarks.start import as_installed
from tests.support.processes import NodeProcess, clear

QUIET_S = 60.0
SETTLE_S = REST_S + 5.0
"""Then connections that nobody uses are closed."""
MEMBERS = 20


def measure(quiet_s: float = QUIET_S) -> dict[str, Any]:
    """PSS in MB (of all processes, and of the node alone), percent of a core, wake-ups a second."""
    as_installed()
    with tempfile.TemporaryDirectory() as folder:
        with NodeProcess(Path(folder)) as node:
            found = _measured(node, quiet_s)
        clear(Path(folder))
    return found


def _measured(node: NodeProcess, quiet_s: float) -> dict[str, Any]:
    space = node.ask("found", number=1)["space"]
    for number in range(2, 2 + MEMBERS):
        node.ask("do", verb="member.record", space=space, number=number, handle=f"pilot-{number}")
    assert node.ask("projected")["shown"]
    assert node.query("{ organisations { nodes { title } } }")["data"]
    time.sleep(SETTLE_S)
    family = node.family()
    before, began = _spent(family), time.monotonic()
    time.sleep(quiet_s)
    after, seconds = _spent(family), time.monotonic() - began
    memory = {process.pid: _pss_mb(process) for process in node.family()}
    mine = memory[node.child.pid]
    return {
        "memory, all, PSS MB": {"value": round(sum(memory.values()), 1), "aim": "< 100"},
        "memory, node alone, PSS MB": round(mine, 1),
        "processes": len(memory),
        "processor, % of a core": {"value": round((after[0] - before[0]) / seconds * 100, 2), "aim": "< 0.5"},
        "wake-ups a second": round((after[1] - before[1]) / seconds, 1),
    }


def _pss_mb(process: psutil.Process) -> float:
    """What it has alone, and its share of what it has in common. RSS where the system does not tell."""
    with contextlib.suppress(psutil.Error):
        return float(getattr(process.memory_full_info(), "pss", process.memory_info().rss)) / 1e6
    return float(process.memory_info().rss) / 1e6


def _spent(family: list[psutil.Process]) -> tuple[float, int]:
    """Processor seconds, and how often a thread gave up the processor to wait."""
    seconds, waits = 0.0, 0
    for process in family:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            seconds += times.user + times.system
            waits += sum(_waits(process.pid, thread.id) for thread in process.threads())
    return seconds, waits


def _waits(pid: int, thread: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/task/{thread}/status").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name == "voluntary_ctxt_switches":
                return int(value)
    return 0

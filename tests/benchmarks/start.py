"""Start: from the command to a node that serves, from nothing (PostgreSQL's folder is made), and again."""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.support.processes import NodeProcess, clear

ROUNDS = 3


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds; each start is a new process, imports included. The adopted one finds its database still running."""
    first, second, adopted = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            with NodeProcess(Path(folder)) as node:
                first.append(node.start_s)
                node.ask("found", number=1)
                assert node.ask("projected")["shown"]
            with NodeProcess(Path(folder)) as node:
                second.append(node.start_s)
                node.kill()
            with NodeProcess(Path(folder)) as node:
                adopted.append(node.start_s)
            clear(Path(folder))
    return {
        "first start, s": _figure(first, "< 15"),
        "second start, s": _figure(second, "< 1"),
        "start after a kill, s": _figure(adopted, ""),
    }


def _figure(seconds: list[float], aim: str) -> dict[str, Any]:
    figure: dict[str, Any] = {"median": round(statistics.median(seconds), 2)}
    figure |= {"min": round(min(seconds), 2), "max": round(max(seconds), 2)}
    return figure | ({"aim": aim} if aim else {})

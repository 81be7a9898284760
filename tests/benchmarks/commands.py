"""Sixty-four commands at once against one at a time: with the disk as it is, and with 5 ms added to each commit."""

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scmanager.application import members, organisations
from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.eventstore.own_log import Batch
from scmanager.eventstore.store import Outcome
from scmanager.runtime import Node
from tests.support.machines import Machine, found

AT_ONCE = 64
ROUNDS = 5


def measure() -> dict[str, object]:
    """Ratios, each the median of interleaved rounds."""
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as folder, Machine(Path(folder), "node").open() as node:
        space = found(node)
        return {
            "concurrent_ratio": _compare(node, space, _record, 0.0, ">= 4"),
            "concurrent_ratio_hot_entity": _compare(node, space, _rename(), 0.0, ">= 4"),
            "concurrent_ratio_5ms": _compare(node, space, _record, 0.005, ">= 10"),
            "concurrent_ratio_5ms_hot_entity": _compare(node, space, _rename(), 0.005, ">= 10"),
            "commits_for_64_commands": _commits(node, space),
        }


def _record(desk: Desk) -> dict[str, Any]:
    return members.record(desk, handle="somebody")


def _rename() -> Callable[[Desk], dict[str, Any]]:
    count = 0

    def act(desk: Desk) -> dict[str, Any]:
        nonlocal count
        count += 1
        return organisations.rename(desk, title=f"Name {count}")

    return act


def _compare(
    node: Node, space: bytes, act: Callable[[Desk], dict[str, Any]], delay_s: float, aim: str
) -> dict[str, object]:
    append = node.store.append

    def slow(batch: Batch, outcomes: Sequence[Outcome] = ()) -> int:
        time.sleep(delay_s)
        return append(batch, outcomes)

    node.store.append = slow  # type: ignore[method-assign]
    try:
        ratios = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(AT_ONCE):
                node.writer.do(Command(secrets.token_bytes(16), space, act))
            alone = time.perf_counter() - began
            began = time.perf_counter()
            answers = [node.writer.submit(Command(secrets.token_bytes(16), space, act)) for _ in range(AT_ONCE)]
            for answer in answers:
                answer.result()
            ratios.append(alone / (time.perf_counter() - began))
    finally:
        node.store.append = append  # type: ignore[method-assign]
    return {
        "median": round(statistics.median(ratios), 1), "min": round(min(ratios), 1), "max": round(max(ratios), 1),
        "aim": aim,
    }  # fmt: skip


def _commits(node: Node, space: bytes) -> dict[str, object]:
    counts = []
    for _ in range(ROUNDS):
        before = node.writer.commits
        answers = [node.writer.submit(Command(secrets.token_bytes(16), space, _record)) for _ in range(AT_ONCE)]
        for answer in answers:
            answer.result()
        counts.append(node.writer.commits - before)
    return {"median": statistics.median(counts), "max": max(counts), "aim": "<= 4"}

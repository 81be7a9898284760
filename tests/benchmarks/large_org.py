"""A large organisation: 5,000 members, 50,000 ships, 2,000 operations. Queries, a sign-up, folding, memory."""

import gc
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from scmanager.adapters.postgres_server import remove, start
from scmanager.application.writer import Command
from scmanager.domain import operation_crew as crew
from scmanager.domain.catalogue import FOLDS, OPERATIONS
from scmanager.domain.operation_events import Answer
from scmanager.runtime import Node, clock_us
from scmanager.spaces.shelf import Shelf
from tests.benchmarks.api import _timed
from tests.support.api_docs import documented
from tests.support.api_node import ApiNode, serving
from tests.support.large_org import Large, fill
from tests.support.machines import found

MEMBERS, SHIPS, OPERATIONS_COUNT = 5_000, 50_000, 2_000
ROUNDS = 40
SIGN_UPS = 200
SEARCHES = ("pilot-1234", "pilot", "moonbeam", "gladius", "patrol 19", "a", "nobody")
"""One thing, every member, every fifth ship, many ships, a hundred operations, a single letter, nothing."""


def measure() -> dict[str, Any]:
    """Milliseconds by query and by search; of a sign-up; entries a second from the store to states; megabytes."""
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as name:
        folder = Path(name)
        with start(folder / "postgres") as postgres, ApiNode(folder, postgres.dsn) as node:
            space = found(node.node)
            began = time.perf_counter()
            made = fill(node.node, space, members=MEMBERS, ships=SHIPS, operations=OPERATIONS_COUNT)
            writing = time.perf_counter() - began
            assert node.wait_projected(node.last_pos(), 600)
            memory = _megabytes()
            queries, searches = _queries(node, space, made)
            sign_up = _sign_ups(node, space, made)
            folding = _folding(node.node)
        remove(folder / "postgres")
    return {
        "entries": made.entries,
        "written_a_second": round(made.entries / writing),
        "folded_a_second": folding,
        "node_megabytes": memory,
        "queries": queries,
        "worst_p95_ms": {"value": max(each["p95_ms"] for each in queries.values()), "aim": "<= 12 plus transfer"},
        "searches": searches,
        "sign_up": sign_up,
    }


def _queries(node: ApiNode, space: bytes, made: Large) -> tuple[dict[str, Any], dict[str, Any]]:
    given = {"space": space.hex(), "organisation": space[:16].hex(), "operation": made.operations[0].hex()}
    asked = {each.name: each.text for each in documented() if each.kind == "query"}
    with serving(node) as api:
        queries = {
            name: _timed(api, text, given | {"text": "pilot-12"}, ROUNDS) for name, text in sorted(asked.items())
        }
        searches = {text: _timed(api, asked["Find"], {"text": text}, ROUNDS) for text in SEARCHES}
    return queries, searches


def _sign_ups(node: ApiNode, space: bytes, made: Large) -> dict[str, Any]:
    """Answers to one operation, each durable; and until it is shown, which rewrites all rows of the operation."""
    outing, taken, shown = made.operations[1], [], []
    for each in made.members[1_000 : 1_000 + SIGN_UPS]:

        def act(desk: Any, member: bytes = each) -> dict[str, Any]:
            desk.decide(OPERATIONS, outing, crew.sign_up, desk.me, member, Answer.ACCEPTED)
            return {}

        began = time.perf_counter()
        node.node.writer.do(Command(secrets.token_bytes(16), space, act))
        taken.append((time.perf_counter() - began) * 1000)
        assert node.wait_projected(node.last_pos(), 30)
        shown.append((time.perf_counter() - began) * 1000)
    return {
        "median_ms": round(statistics.median(taken), 1),
        "p99_ms": {"value": round(_at(taken, 0.99), 1), "aim": "<= 25"},
        "shown_median_ms": round(statistics.median(shown), 1),
        "shown_p99_ms": round(_at(shown, 0.99), 1),
    }


def _folding(node: Node) -> int:
    """Entries a second from the store: read, checked, opened, judged, folded, as at a start."""
    gc.collect()
    shelf = Shelf(node.store, FOLDS, node.vault.get, clock_us, node.vault.subjects)
    began = time.perf_counter()
    shelf.follow()
    return round(shelf.pos / (time.perf_counter() - began))


def _megabytes() -> float:
    """Of this process: the node with everything folded, its API, and what measures it."""
    gc.collect()
    return round(psutil.Process().memory_info().rss / 1e6)


def _at(taken: list[float], part: float) -> float:
    return sorted(taken)[min(int(len(taken) * part), len(taken) - 1)]


if __name__ == "__main__":
    import json

    print(json.dumps(measure(), indent=2))

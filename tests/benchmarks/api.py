"""How long the documented queries take over HTTP: one organisation, 200 members, 600 ships (C6)."""

import gc
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from scmanager.adapters.postgres_server import remove, start
from tests.support.api_docs import documented
from tests.support.api_node import Api, ApiNode, serving
from tests.support.fleet_of import populate

MEMBERS, SHIPS = 200, 600
ROUNDS = 60


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Milliseconds by query: p50, p95, and bytes of the answer; `worst_p95_ms` over all, to be 12 at most."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with start(folder / "postgres") as postgres, ApiNode(folder, postgres.dsn) as node:
            nova = populate(node, members=MEMBERS, ships=SHIPS)
            variables = {"space": nova.space, "organisation": nova.organisation, "operation": nova.operation}
            variables["text"] = "pilot-1"
            queries = {each.name: each.text for each in documented() if each.kind == "query"}
            with serving(node) as api:
                found = {query: _timed(api, text, variables, rounds) for query, text in queries.items()}
            with serving(node, direct=False) as slow:
                executor = _timed(slow, queries["Roster"], variables, max(rounds // 6, 3))
        remove(folder / "postgres")
    worst = max(each["p95_ms"] for each in found.values())
    return {"members": MEMBERS, "ships": SHIPS, "queries": found, "executor": executor, "worst_p95_ms": worst}


def _timed(api: Api, text: str, variables: dict[str, Any], rounds: int) -> dict[str, Any]:
    body = json.dumps({"query": text, "variables": {k: v for k, v in variables.items() if f"${k}" in text}})
    headers = {"content-type": "application/json"}
    size = 0
    for _ in range(8):
        answer = api.client.post("/graphql", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        size = len(answer.content)
    taken = []
    gc.collect()
    for _ in range(rounds):
        begun = time.perf_counter()
        api.client.post("/graphql", content=body, headers=headers)
        taken.append((time.perf_counter() - begun) * 1000)
    taken.sort()
    p95 = taken[min(int(len(taken) * 0.95), len(taken) - 1)]
    best, middle = taken[0], statistics.median(taken)
    return {"best_ms": round(best, 2), "p50_ms": round(middle, 2), "p95_ms": round(p95, 2), "bytes": size}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))

"""Replays of a space of about 100,000 entries: everything, half of it by position and by date, a digest, a frontier.

Each is read from the file anew, opened, judged and folded, as `scm audit` does; beside it how fast the same entries
are parsed alone. Medians of some rounds, in seconds of processor time: all of it is one process that computes.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from scmanager.application.audit_tables import entries, verdicts
from scmanager.application.replaying import signed_heads
from scmanager.spaces.differing import difference
from scmanager.spaces.explaining import steps
from scmanager.spaces.frontiers import find_frontier
from scmanager.spaces.opening import parse_row
from scmanager.spaces.replay import by_position, by_time, hlc_of, rows_of
from scmanager.spaces.state_digest import KINDS, state_digest
from tests.support.large_org import fill
from tests.support.machines import Machine, found
from tests.support.replays import past

MEMBERS, SHIPS, OPERATIONS_COUNT = 1_000, 10_000, 2_450
ROUNDS = 3


def measure(members: int = MEMBERS, ships: int = SHIPS, operations: int = OPERATIONS_COUNT) -> dict[str, Any]:
    """Seconds of processor time by what is asked, and the memory of this process after all of it."""
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as name:
        machine = Machine(Path(name), "ada")
        with machine.open() as node:
            space = found(node)
            fill(node, space, members=members, ships=ships, operations=operations)
            rows = list(rows_of(node.store, space, node.store.last_pos()))
            last, middle = rows[-1].pos, hlc_of(rows[len(rows) // 2])
            told: dict[str, Any] = {"entries": len(rows)}
            told["parsing alone"] = _seconds(lambda: [parse_row(row) for row in rows])
            for called, within in (("everything", by_position(last)), ("half by position", by_position(last // 2)),
                                   ("half by date", by_time(middle))):  # fmt: skip

                def replay(within: Any = within) -> None:
                    with past(node, within) as shelf:
                        shelf.space(space)

                told[f"replay {called}"] = _seconds(replay)
            with past(node) as shelf, past(node, by_position(last // 2)) as earlier:
                whole, half = shelf.space(space), earlier.space(space)
                told["state digest"] = _seconds(lambda: state_digest(whole))
                told["heads against notes"] = _seconds(lambda: signed_heads(node.store, whole, shelf.tops))
                told["find a frontier"] = _seconds(lambda: find_frontier(space, rows, whole.frontier().hex()))
                told["difference of the halves"] = _seconds(lambda: difference(half, whole))
                told["explain one thing"] = _seconds(lambda: steps(whole, KINDS[0], space[:16]))
                told["rows of the tables"] = _seconds(
                    lambda: (sum(1 for _ in entries(node.store, whole, None, None)), sum(1 for _ in verdicts(whole)))
                )
        told["megabytes, two states held"] = round(psutil.Process().memory_info().rss / 1e6)
    return told


def _seconds(act: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        spent.append(time.process_time() - began)
    return round(statistics.median(spent), 3)

"""Proofs of a ledger of a million entries: from the kept tree, against reading the log for each; and publishing more.

The reference is what a proof took before the tree was kept: every entry read and hashed, the proof made from the
leaves. Proofs are of random entries; a *cold* one is the first that a tree which was just opened makes.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from scmanager.adapters import tile_folder
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.merkle import inclusion_proof, leaf_hash, verify_inclusion
from scmanager.eventstore.own_log import Draft, OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Store
from tests.benchmarks import audit as logs

ENTRIES = 1_000_000
PROOFS = 2_000
COLD = 50
GROWTH = 1_000
REFERENCES = 3
AIM_MS = 1.0


def measure(entries: int = ENTRIES) -> dict[str, object]:
    """Milliseconds of each, how many times faster than the reference, and what publishing more entries writes."""
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as name:
        folder = Path(name)
        logs._build(folder / "events.db", entries)
        store = SqliteStore(folder / "events.db")
        try:
            return _measure(store, folder)
        finally:
            store.close()


def _measure(store: Store, folder: Path) -> dict[str, object]:
    size, pick = store.heads()[0].size, random.Random(4)
    first_s = _timed(lambda: _tree(store, folder))
    reference = [_timed(lambda: _from_the_log(store, pick.randrange(size))) for _ in range(REFERENCES)]
    cold = [_timed(lambda: _tree(store, folder).inclusion(pick.randrange(size), size)) for _ in range(COLD)]
    tree, made, checked, grown = _tree(store, folder), [], [], []
    root = tree.root(size)
    for _ in range(PROOFS):
        index, old = pick.randrange(size), pick.randrange(1, size)
        made.append(_timed(lambda index=index: tree.inclusion(index, size)))  # type: ignore[misc]
        grown.append(_timed(lambda old=old: tree.consistency(old, size)))  # type: ignore[misc]
        leaf, proof = tree.leaf(index), tree.inclusion(index, size)
        assert verify_inclusion(index, size, leaf, proof, root)
        checked.append(_timed(lambda: verify_inclusion(index, size, leaf, proof, root)))  # noqa: B023
    return {
        "inclusion_ms": _spread(made, AIM_MS),
        "consistency_ms": _spread(grown, AIM_MS),
        "check_ms": _spread(checked, AIM_MS),
        "opened_and_first_proof_ms": _spread(cold),
        "from_the_log_ms": _spread(reference),
        "times_faster_than_from_the_log": round(statistics.median(reference) / statistics.median(made)),
        "first_tree_s": round(first_s, 2),
        "publish": _publishing(store, folder),
        "entries": size,
    }


def _publishing(store: Store, folder: Path) -> dict[str, object]:
    """All of it once, then a few entries more."""
    full_s = _timed(lambda: tile_folder.publish(_tree(store, folder), folder / "public"))
    key = SigningKey(b"b" * 32)
    log, plain = OwnLog(store.heads()[0], key), logs._plain()
    for _ in range(GROWTH):
        log.add(Draft(plain, logs.KEY), log.hlc + 1)
    store.append(log.commit())
    began = time.perf_counter()
    files = tile_folder.publish(_tree(store, folder), folder / "public").files
    more_s = time.perf_counter() - began
    return {
        "all_s": round(full_s, 2),
        "more_entries": GROWTH,
        "more_files": files,
        "more_ms": round(more_s * 1000, 1),
        "share_of_all": round(more_s / full_s, 4),
    }


def _tree(store: Store, folder: Path) -> LogTree:
    return LogTree(store, store.heads()[0], folder)


def _from_the_log(store: Store, index: int) -> None:
    head, leaves = store.heads()[0], list[bytes]()
    while len(leaves) < head.size:
        rows = store.read(head.log, head.branch, len(leaves), 2_000)
        leaves += [leaf_hash(row.data) for row in rows]
    inclusion_proof(index, leaves)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _spread(seconds: list[float], aim_ms: float | None = None) -> dict[str, object]:
    ordered = sorted(each * 1000 for each in seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    spread: dict[str, object] = {"median": round(statistics.median(ordered), 4), "min": round(ordered[0], 4)}
    spread |= {"max": round(ordered[-1], 4), "p99": round(p99, 4)}
    return spread | ({"aim": f"<= {aim_ms}"} if aim_ms else {})

"""Deep verification of a million entries by two processes, against only the hashing that it cannot do without.

The reference runs in the same minute on two processes as well: for each entry a leaf, a node, an id and a part hash
of bytes of the same lengths, held in memory. Ours reads the file, parses, chains, builds trees and checks notes.
"""

import multiprocessing
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha3_256, sha3_512, sha256
from pathlib import Path

import msgspec

from scmanager.eventstore import audit, content
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import Genesis, RecoveryKeys
from scmanager.eventstore.own_log import Draft, OwnLog, Secret
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore

ENTRIES = 1_000_000
COMMIT = 1_000
PROCESSES = 2
ROUNDS = 3
SAMPLE = 20_000
KEY = Secret.of(b"k" * 32)


def measure(entries: int = ENTRIES) -> dict[str, object]:
    """The ratio, and how many entries a second that is."""
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as folder:
        path = Path(folder) / "events.db"
        sample = _build(path, entries)
        rounds = [(_reference(sample, entries), _ours(path, entries, deep=True)) for _ in range(ROUNDS)]
        fast = _ours(path, entries, deep=False)
    ratios = [limit / own for limit, own in rounds]
    own = statistics.median(own for _, own in rounds)
    return {
        "deep_ratio_to_hashlib": {
            "median": round(statistics.median(ratios), 3),
            "min": round(min(ratios), 3),
            "max": round(max(ratios), 3),
            "aim": ">= 0.5",
        },
        "deep_entries_per_s": round(entries / own),
        "fast_entries_per_s": round(entries / fast),
        "entries": entries,
    }


def _build(path: Path, entries: int) -> list[tuple[bytes, bytes]]:
    """A log of that many entries; some of them, as (entry, part 0)."""
    store = SqliteStore(path)
    key = SigningKey(b"b" * 32)
    genesis = Genesis(
        (), (), b"", "personal", "ed25519", key.public, bytes(32), recovery=RecoveryKeys(0, ()),
        device=bytes(32), box=bytes(32),
    )  # fmt: skip
    log, plain = OwnLog.found(genesis, key, 1), _plain()
    sample: list[tuple[bytes, bytes]] = []
    for _ in range(entries // COMMIT):
        while log.added < COMMIT:
            log.add(Draft(plain, KEY), log.hlc + 1)
        batch = log.commit()
        store.append(batch)
        log.committed(batch)
        if len(sample) < SAMPLE:
            sample += [(one.entry.data, one.parts[0]) for one in batch.sealed if one.parts]
    store.close()
    return sample


def _plain() -> bytes:
    payload = msgspec.json.encode({"member": "x" * 24, "seat": 3, "note": "y" * 90})
    return content.encode(
        Shared("operation.crew-enlisted/1", bytes(32), bytes(16), b"", bytes(16), (bytes(32),), msgspec.Raw(payload))
    )


def _ours(path: Path, entries: int, *, deep: bool) -> float:
    began = time.perf_counter()
    report = audit.verify(path, deep=deep, processes=PROCESSES)
    took = time.perf_counter() - began
    assert report.ok
    assert report.entries == entries
    return took


def _reference(sample: list[tuple[bytes, bytes]], entries: int) -> float:
    """Seconds of the slower of two processes; starting them does not count."""
    share = [(sample, entries // PROCESSES)] * PROCESSES
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        return max(pool.map(_hash, share))


def _hash(task: tuple[list[tuple[bytes, bytes]], int]) -> float:
    sample, count = task
    node = bytes(65)
    began = time.perf_counter()
    done = 0
    while done < count:
        for entry, part in sample[: count - done]:
            sha256(entry).digest()
            sha256(node).digest()
            sha3_512(entry).digest()
            sha3_256(part).digest()
        done += len(sample)
    return time.perf_counter() - began

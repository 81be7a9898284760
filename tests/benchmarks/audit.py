"""Verification of a million entries by two processes, against only the hashing that it cannot do without.

The reference runs in the same minute on two processes as well, over bytes of the same lengths held in memory: for
each entry a leaf and a node (Merkle only), and an id and a part hash too (deep). Ours reads the file, parses, chains,
builds trees and checks notes. What a signature an entry would cost is measured on a sample and multiplied.
"""

import multiprocessing
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha3_256, sha3_512, sha256
from pathlib import Path

import msgspec

from scmanager.eventstore import audit, content, signing
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
SIGNATURES = 5_000
KEY = Secret.of(b"k" * 32)


def measure(entries: int = ENTRIES) -> dict[str, object]:
    """The ratios, and how many entries a second that is."""
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as folder:
        path = Path(folder) / "events.db"
        sample = _build(path, entries)
        rounds = {"merkle": list[tuple[float, float]](), "deep": list[tuple[float, float]]()}
        for _ in range(ROUNDS):
            for depth, figures in rounds.items():
                deep = depth == "deep"
                figures.append((_reference(sample, entries, deep=deep), _ours(path, entries, deep=deep)))
    told: dict[str, object] = {"entries": entries, "processes": PROCESSES}
    for (depth, figures), aim in zip(rounds.items(), (">= 0.3", ">= 0.5"), strict=True):
        ratios = [limit / own for limit, own in figures]
        told[f"{depth}_ratio_to_hashlib"] = {
            "median": round(statistics.median(ratios), 3),
            "min": round(min(ratios), 3),
            "max": round(max(ratios), 3),
            "aim": aim,
        }
        own = statistics.median(own for _, own in figures)
        told |= {f"{depth}_entries_per_s": round(entries / own), f"{depth}_s": round(own, 2)}
    each_s = _signature_s()
    told["signature_each_us_sampled"] = round(each_s * 1e6, 1)
    told[f"signatures_of_{entries}_s_extrapolated_to_{PROCESSES}_processes"] = round(each_s * entries / PROCESSES, 1)
    return told


def _signature_s() -> float:
    """Seconds that one signature over an entry takes to check: the median of some rounds on one process."""
    key = SigningKey(b"b" * 32)
    said = [(message, key.sign(message)) for message in (bytes([n % 256]) * 300 for n in range(SIGNATURES))]
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert all(signing.verify(key.public, message, signature) for message, signature in said)
        taken.append((time.perf_counter() - began) / len(said))
    return statistics.median(taken)


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


def _reference(sample: list[tuple[bytes, bytes]], entries: int, *, deep: bool) -> float:
    """Seconds of the slower of two processes; starting them does not count."""
    share = [(sample, entries // PROCESSES, deep)] * PROCESSES
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        return max(pool.map(_hash, share))


def _hash(task: tuple[list[tuple[bytes, bytes]], int, bool]) -> float:
    sample, count, deep = task
    node = bytes(65)
    began = time.perf_counter()
    done = 0
    while done < count:
        if deep:
            for entry, part in sample[: count - done]:
                sha256(entry).digest()
                sha256(node).digest()
                sha3_512(entry).digest()
                sha3_256(part).digest()
        else:
            for entry, _ in sample[: count - done]:
                sha256(entry).digest()
                sha256(node).digest()
        done += len(sample)
    return time.perf_counter() - began

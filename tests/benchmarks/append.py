"""Appending to SQLite, everything on (seal, chain, tree, note), against a raw insert of the same rows as durably.

Interleaved rounds in one process, medians of the rounds' ratios. The same for the CPU that is added per event,
against hashing and AES-GCM of the same bytes. fdatasync's latency is stated beside, because everything durable
depends on it.
"""

import os
import sqlite3
import statistics
import tempfile
import time
from hashlib import sha3_256, sha3_512, sha256
from importlib.resources import files
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from scmanager.eventstore import content
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import Genesis, RecoveryKeys
from scmanager.eventstore.own_log import Batch, Draft, OwnLog, Secret
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore

BATCH = 10
COMMITS = 150
ROUNDS = 7
KEY = Secret.of(b"k" * 32)


def measure() -> dict[str, object]:
    """The ratios, and the noise they were measured in."""
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as folder:
        path = Path(folder)
        rounds = [_round(path / str(number)) for number in range(ROUNDS)]
        added = [_added_cpu() for _ in range(ROUNDS)]
        sync = _fdatasync_ms(path)
    ratios = [raw / own for own, raw in rounds]
    return {
        "append_ratio_to_raw": _figure(ratios, ">= 0.6"),
        "append_events_per_s": round(BATCH * COMMITS / statistics.median(own for own, _ in rounds)),
        "added_cpu_ratio": _figure(added, "<= 2.5"),
        "fdatasync_ms": round(sync, 3),
    }


def _figure(values: list[float], aim: str) -> dict[str, object]:
    low, high = min(values), max(values)
    return {"median": round(statistics.median(values), 3), "min": round(low, 3), "max": round(high, 3), "aim": aim}


def _round(path: Path) -> tuple[float, float]:
    """Seconds for our append, and for the raw insert of exactly the rows it made."""
    path.mkdir()
    store = SqliteStore(path / "own.db")
    log = _log(store)
    plain = _plain()
    batches: list[Batch] = []
    began = time.perf_counter()
    for _ in range(COMMITS):
        for _ in range(BATCH):
            log.add(Draft(plain, KEY), log.hlc + 1)
        batch = log.commit()
        store.append(batch)
        log.committed(batch)
        batches.append(batch)
    own = time.perf_counter() - began
    store.close()
    return own, _raw(path / "raw.db", batches)


def _raw(path: Path, batches: list[Batch]) -> float:
    """The same tables without triggers, the same rows, the same pragmas; nothing is computed."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA fullfsync=ON;")
    schema = files("scmanager.eventstore").joinpath("sql/sqlite.sql").read_text(encoding="utf-8")
    db.executescript(schema.partition("CREATE TRIGGER")[0])
    db.execute("INSERT INTO log VALUES (1, ?, ?, ?)", (b"l" * 32, b"s" * 32, b"p" * 32))
    rows = []
    pos = 0
    for batch in batches:
        entries = []
        for one in batch.sealed:
            pos += 1
            entries.append((pos, 1, 0, one.entry.seq, one.entry.data, one.parts[0]))
        head = (1, 0, batch.head.size, batch.head.id, batch.head.hlc, batch.head.tree)
        rows.append((entries, (1, 0, batch.head.size, batch.root, batch.signature), head))
    began = time.perf_counter()
    for entries, note, head in rows:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", entries)
        db.execute("INSERT INTO note VALUES (?, ?, ?, ?, ?)", note)
        db.execute("INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?, ?)", head)
        db.execute("COMMIT")
    took = time.perf_counter() - began
    db.close()
    return took


def _added_cpu() -> float:
    """CPU of building one commit of 1,000 events, against hashing and sealing the same bytes."""
    key = SigningKey(b"b" * 32)
    log = OwnLog.found(_genesis(key), key, 1)
    plain = _plain()
    began = time.process_time()
    for _ in range(1000):
        log.add(Draft(plain, KEY), log.hlc + 1)
    batch = log.commit()
    own = time.process_time() - began
    began = time.process_time()
    for one in batch.sealed[1:]:
        salt = os.urandom(32)
        stored = AESGCM(sha3_256(salt).digest()).encrypt(bytes(12), plain, None)
        sha3_256(stored).digest()
        sha3_512(one.entry.data).digest()
        sha256(one.entry.data).digest()
        sha256(one.entry.data[:65]).digest()
    return own / (time.process_time() - began)


def _fdatasync_ms(path: Path) -> float:
    handle = os.open(path / "sync", os.O_WRONLY | os.O_CREAT, 0o600)
    sync = getattr(os, "fdatasync", os.fsync)
    times = []
    for _ in range(50):
        os.write(handle, b"x" * 4096)
        began = time.perf_counter()
        sync(handle)
        times.append(time.perf_counter() - began)
    os.close(handle)
    return statistics.median(times) * 1000


def _plain() -> bytes:
    payload = msgspec.json.encode({"member": "x" * 24, "seat": 3, "note": "y" * 90})
    return content.encode(
        Shared("operation.crew-enlisted/1", bytes(32), bytes(16), b"", bytes(16), (bytes(32),), msgspec.Raw(payload))
    )


def _genesis(key: SigningKey) -> Genesis:
    own = b"\5" * 32
    keys = RecoveryKeys(1, (b"\7" * 32,))
    return Genesis((), (), b"", "org", "ed25519", key.public, bytes(32), recovery=keys, device=own, box=own)


def _log(store: SqliteStore) -> OwnLog:
    key = SigningKey(b"a" * 32)
    log = OwnLog.found(_genesis(key), key, 1)
    batch = log.commit()
    store.append(batch)
    log.committed(batch)
    return log

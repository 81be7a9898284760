"""Append to PostgreSQL against a raw unnest insert of the same rows.

Interleaved, medians of the rounds' ratios; every commit durable on both sides. "store" is the append alone,
"everything on" also seals, chains, grows the tree and signs. The reference writes the same entry and note rows into
the same tables with the same indexes.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from psycopg.types.numeric import Int8

from scmanager.adapters.postgres_server import remove, start
from scmanager.eventstore import content
from scmanager.eventstore.content import Shared
from scmanager.eventstore.own_log import Batch, Draft, OwnLog
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.postgres_connections import connect
from scmanager.eventstore.postgres_install import Roles, install
from tests.support.stores import KEY, PASSWORD, dsn_of, genesis, signing_key

ROUNDS = 40
SYNCS = 50

TABLES = """
DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw;
CREATE TABLE raw.entry (LIKE scm_events.entry INCLUDING ALL);
CREATE TABLE raw.note (LIKE scm_events.note INCLUDING ALL);
"""
RAW = b"""
WITH entries AS (
    INSERT INTO raw.entry SELECT * FROM unnest(%(pos)b::bigint[], %(logs)b::int[], %(branches)b::int[],
        %(seqs)b::bigint[], %(data)b::bytea[], %(shared)b::bytea[])
)
INSERT INTO raw.note VALUES (1, 0, %(size)s, %(root)s, %(signature)s)
"""


def payload() -> Draft:
    text = b'{"title":"' + b"x" * 160 + b'"}'
    shared = Shared("operation.planned/1", bytes(32), bytes(16), b"", bytes(16), (), msgspec.Raw(text))
    return Draft(content.encode(shared), KEY)


class Bench:
    def __init__(self, admin: str) -> None:
        install(admin, PASSWORD, PASSWORD)
        self.store = PostgresStore(dsn_of(admin, Roles().writer))
        self.raw = connect(admin, "-c plan_cache_mode=force_generic_plan")
        self.raw.execute(TABLES.encode())
        key = signing_key(1)
        self.log = OwnLog.found(genesis(key), key, hlc=10)
        self.draft = payload()
        self.pos = 0
        self.append(self.log.commit())

    def append(self, batch: Batch) -> None:
        self.store.append(batch)
        self.log.committed(batch)

    def prepare(self, size: int) -> Batch:
        for _ in range(size):
            self.log.add(self.draft, self.log.hlc + 1)
        return self.log.commit()

    def insert_raw(self, batch: Batch) -> None:
        count = len(batch.sealed)
        self.raw.execute(
            RAW,
            {
                "pos": [Int8(self.pos + n) for n in range(1, count + 1)],
                "logs": [1] * count,
                "branches": [0] * count,
                "seqs": [Int8(one.entry.seq) for one in batch.sealed],
                "data": [one.entry.data for one in batch.sealed],
                "shared": [one.parts[0] for one in batch.sealed],
                "size": Int8(batch.head.size),
                "root": batch.root,
                "signature": batch.signature,
            },
            prepare=True,
        )
        self.pos += count

    def ratios(self, size: int) -> tuple[list[float], list[float]]:
        """Raw to the append alone, and raw to everything, of each round."""
        alone, everything = [], []
        for _ in range(ROUNDS):
            batch = self.prepare(size)
            raw = seconds(lambda: self.insert_raw(batch))  # noqa: B023
            alone.append(raw / seconds(lambda: self.append(batch)))  # noqa: B023
            everything.append(raw / seconds(lambda: self.append(self.prepare(size))))
        return alone, everything


def seconds(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def fdatasync_ms(folder: Path) -> float:
    file = os.open(folder / "probe", os.O_CREAT | os.O_WRONLY)
    times = []
    for _ in range(SYNCS):
        os.write(file, b"x" * 4096)
        times.append(seconds(lambda: os.fdatasync(file)))
    os.close(file)
    (folder / "probe").unlink()
    return statistics.median(times) * 1000


def measure() -> dict[str, Any]:
    """The ratios by batch size; aims at batch 10 (DESIGN 10)."""
    folder = Path(tempfile.mkdtemp(prefix="scm-bench-"))
    figures: dict[str, Any] = {}
    with start(folder) as server:
        bench = Bench(server.dsn)
        bench.ratios(10)  # Warm: plans, prepared statements, pages.
        for size in (1, 10, 100):
            alone, everything = bench.ratios(size)
            figures[f"store alone, batch {size}, ratio to raw"] = _figure(alone)
            figures[f"everything on, batch {size}, ratio to raw"] = _figure(everything)
        bench.store.close()
        bench.raw.close()
        figures["fdatasync_ms"] = round(fdatasync_ms(folder), 3)
    remove(folder)
    figures["everything on, batch 10, ratio to raw"]["aim"] = ">= 0.7"
    return figures


def _figure(ratios: list[float]) -> dict[str, Any]:
    """Median, and the middle half of the rounds: a single commit's latency says little."""
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {"median": round(middle, 3), "min": round(low, 3), "max": round(high, 3)}

"""Append to PostgreSQL against a raw unnest insert of the same rows: `python -m tests.benchmarks.postgres_append`.

Interleaved, medians; every commit durable on both sides. "store" is the append alone, "all" also seals, chains, grows
the tree and signs. The reference writes the same entry and note rows into the same tables with the same indexes.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg
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

    def measure(self, size: int) -> dict[str, float]:
        spent: dict[str, list[float]] = {"raw": [], "store": [], "all": []}
        for _ in range(ROUNDS):
            batch = self.prepare(size)
            spent["raw"].append(seconds(lambda: self.insert_raw(batch)))  # noqa: B023
            spent["store"].append(seconds(lambda: self.append(batch)))  # noqa: B023
            spent["all"].append(seconds(lambda: self.append(self.prepare(size))))
        return {name: statistics.median(times) for name, times in spent.items()}


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


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="scm-bench-"))
    with start(folder, dsn=sys.argv[1] if len(sys.argv) > 1 else None) as server:
        version = psycopg.connect(server.dsn).info.server_version
        print(f"PostgreSQL {version}, fdatasync {fdatasync_ms(folder):.2f} ms")
        bench = Bench(server.dsn)
        bench.measure(10)  # Warm: plans, prepared statements, pages.
        print("batch   raw ev/s   store/raw   all/raw")
        for size in (1, 10, 100):
            got = bench.measure(size)
            print(
                f"{size:5} {size / got['raw']:10.0f} {got['raw'] / got['store']:11.2f} {got['raw'] / got['all']:9.2f}"
            )
        bench.store.close()
        bench.raw.close()
    remove(folder)


if __name__ == "__main__":
    main()

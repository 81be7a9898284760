"""Reports taken in by the real server: 50 clients with batches of 100, all durable, then kill -9 and a count.

The server is the app of `scm author serve` in a process of its own, with sequencing, publishing, limits, and fsync.
Clients run in another one, keep their connections, and come from another address with every batch. The reference is
raw SQLite: rows of the same bytes, as many in a transaction, with the same durability. What the server needs of a
processor is told beside: on a machine that does other work the rate says little.
"""

import http.client
import json
import multiprocessing
import os
import secrets
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from hashlib import sha3_512
from pathlib import Path
from typing import Any

import msgspec
import psutil

from scmanager.master_ledger.reports import Receipt, batch_of

CLIENTS = 50
REPORTS = 100
SECONDS = float(os.environ.get("SCM_INTAKE_SECONDS", "60"))
"""How long it is loaded."""
AIM_PER_S = 5_000

_SERVER = """
import sys
from pathlib import Path
from scmanager.api.serving import listen, server
from tests.support.intake import Site

site = Site(Path(sys.argv[1]))
site.remember()
with site.taking() as taking, site.counting(taking) as counted, listen(0) as taken:
    print(taken.getsockname()[1], flush=True)
    server(site.app(counted)).run(sockets=[taken])
"""


def measure(seconds: float = SECONDS) -> dict[str, object]:
    """Events a second, the latency of a batch, what was lost, and the share of raw inserts."""
    from tests.support.intake import Site

    with tempfile.TemporaryDirectory(prefix="scm-bench-") as name:
        site = Site(Path(name)).make()
        site.keep()
        command = [sys.executable, "-c", _SERVER, name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                loading = pool.apply_async(_load, (port, seconds))
                began_s = _cpu_s(process.pid)
                time.sleep(seconds)
                cpu_s = _cpu_s(process.pid) - began_s
                process.send_signal(signal.SIGKILL)  # While they go on sending.
                latencies, receipts, refused = loading.get(60)
            process.wait(30)
        held, missing, commits = _found(site, receipts)
        fsync_ms = _fsync_ms(Path(name))
        raw = _raw(site, Path(name), held, max(1, commits))
    counted = sum(json.loads(said)["count"] for _, said, _ in receipts)
    times = sorted(at for _, _, at in receipts)
    rate = counted / (times[-1] - times[0])
    return {
        "events_per_s": {"value": round(rate), "aim": f">= {AIM_PER_S}"},
        "batch_ms_median": round(statistics.median(latencies) * 1e3, 1),
        "batch_ms_p99": round(statistics.quantiles(latencies, n=100)[98] * 1e3, 1),
        "acknowledged": counted,
        "acknowledged_and_lost": {"value": missing, "aim": "0"},
        "stored": held,
        "refused": refused,
        "server_cpu_us_an_event": round(cpu_s / counted * 1e6, 1),
        "events_a_commit": round(held / max(1, commits)),
        "raw_rows_per_s": round(raw),
        "ratio_to_raw": round(rate / raw, 3),
        "fdatasync_ms": fsync_ms,
        "clients": CLIENTS,
        "seconds": seconds,
    }


def _load(port: int, seconds: float) -> tuple[list[float], list[tuple[str, str, float]], int]:
    """(latencies, batches with their receipts, refused); the clients share one process."""
    latencies: list[float] = []
    receipts: list[tuple[str, str, float]] = []
    refused = [0]
    bodies = [_reports(n) for n in range(CLIENTS)]
    end = time.monotonic() + seconds + 5
    threads = [
        threading.Thread(target=_client, args=(port, end, bodies[n], latencies, receipts, refused))
        for n in range(CLIENTS)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return latencies, receipts, refused[0]


def _reports(seed: int) -> str:
    from tests.support.intake import audit_batch

    return json.dumps(audit_batch(REPORTS, bytes([seed]) * 16)["reports"])


def _client(
    port: int,
    end: float,
    reports: str,
    latencies: list[float],
    receipts: list[tuple[str, str, float]],
    refused: list[int],
) -> None:
    from tests.support.intake import CONSENT, base64

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while time.monotonic() < end:
        batch = secrets.token_bytes(16)
        body = f'{{"id":"{base64(batch)}","consent":"{base64(CONSENT)}","reports":{reports}}}'
        address = ".".join(str(each) for each in secrets.token_bytes(4))
        headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
        began = time.perf_counter()
        try:
            connection.request("POST", "/api/v1/audit", body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return  # It was killed.
        if answer.status != 200:
            refused[0] += 1
            time.sleep(0.05)
            continue
        latencies.append(time.perf_counter() - began)
        receipts.append((batch.hex(), said.decode(), time.monotonic()))


def _found(site: Any, receipts: list[tuple[str, str, float]]) -> tuple[int, int, int]:
    """(entries stored, acknowledged and not found, commits). Every receipt is looked for in the store."""
    missing = 0
    with site.open() as intake:
        assert intake.doubt is None
        head = intake.head()
        for batch, said, _ in receipts:
            kept = intake.store.outcome(head.log, batch_of(bytes.fromhex(batch)))
            receipt = msgspec.json.decode(said, type=Receipt)
            if kept is None or kept.decode() != said or receipt.first + receipt.count > head.size:
                missing += receipt.count
        ends = receipts[:: max(1, len(receipts) // 200)]
        for _, said, _ in ends:
            receipt = msgspec.json.decode(said, type=Receipt)
            (row,) = intake.store.read(head.log, 0, receipt.first + receipt.count - 1, 1)
            missing += sha3_512(row.data).digest() != receipt.last
    with sqlite3.connect(site.settings.data / "intake" / "events.db") as database:
        (commits,) = database.execute("SELECT count(*) FROM note").fetchone()
    return head.size, missing, int(commits)


def _raw(site: Any, folder: Path, rows: int, commits: int) -> float:
    """Rows a second of plain inserts: the entries that were stored, into a table alone, as many a commit."""
    a_commit, rows = max(1, rows // commits), min(rows, 100_000)
    with sqlite3.connect(site.settings.data / "intake" / "events.db") as held:
        found = held.execute("SELECT pos, log, branch, seq, data, shared FROM entry LIMIT ?", (rows,)).fetchall()
    database = sqlite3.connect(folder / "raw.db", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA fullfsync=ON;"
        "CREATE TABLE entry (pos INTEGER PRIMARY KEY, log, branch, seq, data, shared, UNIQUE (log, branch, seq))"
    )
    began = time.perf_counter()
    for at in range(0, len(found), a_commit):
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", found[at : at + a_commit])
        database.execute("COMMIT")
    took = time.perf_counter() - began
    database.close()
    return len(found) / took


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _fsync_ms(folder: Path) -> float:
    times = []
    with (folder / "synced").open("wb") as file:
        for _ in range(50):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1e3, 2)

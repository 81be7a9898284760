"""Tiles and proofs by HTTP: requests a second of one server process, and beside it of an app that does nothing.

The reference is a bare ASGI app on the same server, which sends as many bytes: what uvicorn leaves to anybody.
Readers keep their connections, ask for random tiles, and run in a process of their own.
"""

import multiprocessing
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from scmanager.adapters import tile_folder
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.tiles import TilePath
from tests.benchmarks import audit as logs

ENTRIES = 100_000
CONNECTIONS = 8
SECONDS = 4.0
ROUNDS = 3
AIM_TILES = 2_000

_SERVER = """
import sys, threading
from pathlib import Path
from scmanager.adapters.ledger_source import from_folder
from scmanager.api.ledger_app import make_ledger_app
from scmanager.api.serving import listen, server

async def bare(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            said = await receive()
            await send({"type": said["type"] + ".complete"})
            if said["type"].endswith("shutdown"):
                return
    headers = [(b"content-length", b"8192")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(8192)})

app = bare if sys.argv[1] == "bare" else make_ledger_app(from_folder(Path(sys.argv[1])))
taken = listen(0)
print(taken.getsockname()[1], flush=True)
server(app).run(sockets=[taken])
"""


def measure(entries: int = ENTRIES) -> dict[str, object]:
    """Requests a second, and the share of what the bare app answers."""
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as name:
        folder = Path(name)
        logs._build(folder / "events.db", entries)
        store = SqliteStore(folder / "events.db")
        tile_folder.publish(LogTree(store, store.heads()[0], folder), folder / "public")
        store.close()
        tiles = [f"/{TilePath(0, number)}" for number in range(entries // 256)]
        proofs = [f"/api/v1/ledger/inclusion/{n}?size={entries}" for n in range(0, entries, 997)]
        rounds = [
            (_rate("bare", tiles), _rate(str(folder / "public"), tiles), _rate(str(folder / "public"), proofs))
            for _ in range(ROUNDS)
        ]
    bare, served, proved = (list(each) for each in zip(*rounds, strict=True))
    return {
        "tiles_per_s": {**_spread(served), "aim": f">= {AIM_TILES}"},
        "inclusion_proofs_per_s": _spread(proved),
        "bare_app_per_s": _spread(bare),
        "tiles_ratio_to_bare": round(statistics.median(t / b for b, t, _ in rounds), 3),
        "connections": CONNECTIONS,
    }


def _rate(what: str, paths: list[str]) -> float:
    with subprocess.Popen([sys.executable, "-c", _SERVER, what], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.apply(_ask, (port, paths))
        finally:
            process.terminate()
            process.wait(30)


def _ask(port: int, paths: list[str]) -> float:
    counts, ready = [0] * CONNECTIONS, threading.Barrier(CONNECTIONS + 1)
    threads = [threading.Thread(target=_one, args=(port, paths, counts, n, ready)) for n in range(CONNECTIONS)]
    for each in threads:
        each.start()
    ready.wait()
    began = time.perf_counter()
    for each in threads:
        each.join()
    return sum(counts) / (time.perf_counter() - began)


def _one(port: int, paths: list[str], counts: list[int], number: int, ready: threading.Barrier) -> None:
    pick = random.Random(number)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _answered(raw, paths[0])
        ready.wait()
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            _answered(raw, pick.choice(paths))
            counts[number] += 1


def _answered(raw: socket.socket, path: str) -> None:
    raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    said = b""
    while b"\r\n\r\n" not in said:
        said += raw.recv(65_536)
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += raw.recv(65_536)


def _spread(rates: list[float]) -> dict[str, object]:
    return {"median": round(statistics.median(rates)), "min": round(min(rates)), "max": round(max(rates))}

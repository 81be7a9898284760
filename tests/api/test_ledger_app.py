"""The ledger's server: what anybody's tools ask for, proofs that hold, and a door that only lets readers in."""

import contextlib
import json
import os
import socket
import time
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.api import ledger_door
from scmanager.api.handshake import Identity
from scmanager.api.ledger_door import PIECE_BYTES
from scmanager.api.listening import REQUESTS_MAX
from scmanager.application.published import BUNDLE_BYTES_MAX
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import root_of, verify_consistency, verify_inclusion
from scmanager.eventstore.tiles import TilePath, bundle, parse_bundle, parse_tile, tiles_of
from scmanager.master_ledger import submission
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import CONTENT, RELEASE, plugin, update
from tests.support.ledger_server import Ledger, served

SNAPSHOT = Path(__file__).parent / "ledger-openapi.json"
PROOFS = "/api/v1/ledger"
CID = cid(sha256(CONTENT).digest())


class Asked:
    """The server, and what it was made of."""

    def __init__(self, ledger: Ledger, client: httpx.Client) -> None:
        self.ledger, self.client = ledger, client

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.client.get(path, **given)

    def code(self, path: str) -> tuple[int, str]:
        answer = self.get(path)
        return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    store = MemoryStore()
    ledger = Ledger(store, tmp_path_factory.mktemp("ledger"))
    ledger.fill(298)
    ledger.say(ledger.first, submission.make(update(manifest_hash(ledger.first.statement)), [RELEASE]))
    ledger.fill(699)
    ledger.publish()
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield Asked(ledger, client)
    store.close()


def test_the_checkpoint_is_the_file_and_is_asked_for_anew(asked: Asked) -> None:
    answer = asked.get("/checkpoint")
    assert answer.content == (asked.ledger.public / "checkpoint").read_bytes()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = asked.get("/checkpoint", headers={"if-none-match": f'"other", {answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert asked.get("/checkpoint", headers={"if-none-match": '"other"'}).status_code == 200


def test_every_tile_and_bundle_is_there_and_for_ever(asked: Asked) -> None:
    leaves = asked.ledger.server.leaves
    assert len(leaves) == 1000
    for path, data in tiles_of(leaves):
        answer = asked.get(f"/{path}")
        assert (answer.content, answer.headers["content-type"]) == (data, "application/octet-stream"), path
        assert "immutable" in answer.headers["cache-control"]
        assert asked.get(f"/{path}", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    said = asked.ledger.server.said
    for number, width in ((0, 256), (3, 232)):
        path = str(TilePath(None, number, width))
        pieces = said[number * 256 : number * 256 + width]
        assert asked.get(f"/{path}").content == bundle(one.data for one, _ in pieces)
        assert asked.get("/" + path.replace("tile/entries", "shared")).content == bundle(part for _, part in pieces)


def test_manifests_are_there(asked: Asked) -> None:
    assert submission.parse(asked.get("/manifests").content) == (asked.ledger.first,)


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 1000), (299, 300), (255, 256), (700, 999), (999, 1000)])
def test_inclusion_is_proved(asked: Asked, index: int, size: int) -> None:
    answer = asked.get(f"{PROOFS}/inclusion/{index}", params={"size": size})
    told, leaves = answer.json(), asked.ledger.server.leaves
    assert b64decode(told["root"]) == root_of(leaves[:size])
    assert b64decode(told["leaf"]) == leaves[index]
    path = [b64decode(each) for each in told["hashes"]]
    assert verify_inclusion(index, size, leaves[index], path, b64decode(told["root"]))
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(("old", "size"), [(1, 1), (1, 1000), (256, 257), (300, 999), (999, 1000), (1000, 1000)])
def test_growth_is_proved(asked: Asked, old: int, size: int) -> None:
    told, leaves = asked.get(f"{PROOFS}/consistency/{old}", params={"size": size}).json(), asked.ledger.server.leaves
    path, roots = [b64decode(each) for each in told["hashes"]], (b64decode(told["oldRoot"]), b64decode(told["root"]))
    assert roots == (root_of(leaves[:old]), root_of(leaves[:size]))
    assert verify_consistency(old, size, path, *roots)


def test_without_a_size_it_is_that_of_the_checkpoint_and_asked_for_anew(asked: Asked) -> None:
    for path in ("inclusion/3", "consistency/3"):
        answer = asked.get(f"{PROOFS}/{path}")
        assert (answer.json()["size"], answer.headers["cache-control"]) == (1000, "no-cache")


def test_a_file_is_proved_by_its_content_hash(asked: Asked) -> None:
    answer = asked.get(f"{PROOFS}/proofs/{CID}")
    proof = Proof.parse(answer.content)
    one, shared = proof.carried()
    assert proof.index == one.seq == 300
    assert submission.from_part(shared).statement.content_hash == CID  # type: ignore[union-attr]
    assert asked.code(f"{PROOFS}/proofs/{cid(bytes(32))}") == (404, "not-entered")
    assert asked.code(f"{PROOFS}/proofs/noise") == (400, "bad-content-hash")


@pytest.mark.parametrize(
    "path",
    [
        "/", "/tile/0/004", "/tile/0/003.p/231", "/tile/0/003", "/tile/64/000", "/tile/0/0", "/tile/0/000/", "/docs",
        "/checkpoint%0a", "/tile/0/%2e%2e/%2e%2e/checkpoint", "/shared/%2e%2e/checkpoint", "/shared/0",
        "/shared/0/000", "/shared/entries/000", "/tile/entries/004", "/.publishing", "/checkpoint/", "/checkpoint%00",
        "/tile/0/000%0a", f"{PROOFS}/inclusion/-1", f"{PROOFS}/inclusion/1000", f"{PROOFS}/inclusion/0?size=1001",
        f"{PROOFS}/inclusion/5?size=5", f"{PROOFS}/inclusion/0?size=0", f"{PROOFS}/consistency/0", f"{PROOFS}/x",
        f"{PROOFS}/consistency/5?size=4", f"{PROOFS}/consistency/1?size=99999999999999999999",
        f"{PROOFS}/inclusion/١", f"{PROOFS}/inclusion/1e3", "/api/v1/updates/1.0.0/verify", "/api/v1/nothing",
        "/tile/" + "x" * 5000,
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_so(asked: Asked, path: str) -> None:
    answer = asked.client.send(asked.client.build_request("GET", path))
    assert answer.status_code == 404, answer.text
    assert answer.json()["errors"][0]["extensions"]["hint"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "path",
    ["/tile/entries/../../checkpoint", "/shared/../checkpoint", "/tile/0/../../../../../etc/passwd", "//checkpoint"],
)
def test_no_path_leads_out_of_where_it_begins(asked: Asked, path: str) -> None:
    host, port = asked.client.base_url.host, asked.client.base_url.port
    assert port is not None
    with socket.create_connection((host, port), timeout=10) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert raw.recv(65_536).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_is_written_here(asked: Asked, method: str) -> None:
    answer = asked.client.request(method, "/checkpoint")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_head_says_what_get_would_without_its_body(asked: Asked) -> None:
    for path in ("/checkpoint", "/tile/0/000", f"{PROOFS}/inclusion/3?size=10", "/nothing"):
        got, head = asked.get(path), asked.client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        assert head.headers.get("etag") == got.headers.get("etag")


def test_a_body_is_not_read(asked: Asked) -> None:
    answer = asked.client.request("GET", "/checkpoint", content=b"x" * 100)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    answer = asked.client.request("GET", "/checkpoint", content=iter([b"x"] * 3))
    assert answer.status_code == 413


@given(st.binary(max_size=80))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_noise_is_answered_and_breaks_nothing(asked: Asked, noise: bytes) -> None:
    host, port = asked.client.base_url.host, asked.client.base_url.port
    assert port is not None
    target = bytes(each for each in noise if 0x21 <= each < 0x7F)
    with socket.create_connection((host, port), timeout=10) as raw:
        raw.sendall(b"GET /" + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = raw.recv(65_536)
    assert said.startswith((b"HTTP/1.1 200", b"HTTP/1.1 404", b"HTTP/1.1 400")), said
    assert asked.get("/checkpoint").status_code == 200


def test_what_is_published_while_it_serves_is_served(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger = Ledger(store, tmp_path)
    ledger.publish()
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get(f"{PROOFS}/inclusion/0").json()["size"] == 1
        assert client.get(f"{PROOFS}/proofs/{CID}").status_code == 404
        id_ = manifest_hash(ledger.first.statement)
        ledger.fill(300)
        ledger.say(ledger.first, submission.make(update(id_), [RELEASE]))
        ledger.publish()
        assert client.get(f"{PROOFS}/consistency/1").json()["size"] == 303
        assert Proof.parse(client.get(f"{PROOFS}/proofs/{CID}").content).index == 302
        ledger.say(submission.make(plugin(id_), [RELEASE]))
        ledger.publish()
        assert Proof.parse(client.get(f"{PROOFS}/proofs/{CID}").content).index == 303, "the newest statement"
    store.close()


def test_a_folder_that_is_not_what_its_checkpoint_says_proves_nothing(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger = Ledger(store, tmp_path)
    ledger.fill(40)
    ledger.say(submission.make(update(bytes(32)), [RELEASE]))
    ledger.publish()
    shared = ledger.public / "shared" / "000.p" / "42"
    parts = parse_bundle(shared.read_bytes(), 42)
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:

        def code(path: str) -> tuple[int, str]:
            answer = client.get(path)
            return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]

        parts[41] = parts[41].replace(b'"1.1.0"', b'"1.1.1"')
        shared.write_bytes(bundle(parts))
        assert code(f"{PROOFS}/proofs/{CID}") == (503, "ledger-files-broken")
    tile = ledger.public / "tile" / "0" / "000.p" / "42"
    hashes = parse_tile(tile.read_bytes(), 42)
    tile.write_bytes(b"".join(hashes[::-1]))
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert code(f"{PROOFS}/inclusion/3") == (503, "ledger-files-broken")
        (ledger.public / "checkpoint").write_bytes(b"noise")
        assert code(f"{PROOFS}/inclusion/3") == (503, "ledger-files-broken")
        (ledger.public / "checkpoint").unlink()
        assert code("/checkpoint") == (404, "ledger-file-unknown")
        assert code(f"{PROOFS}/inclusion/3") == (503, "ledger-source-lacks")
    store.close()


def test_who_asks_and_does_not_read_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large answers that nobody takes: each is let go in time, and there is room for others."""
    monkeypatch.setattr(ledger_door, "ANSWER_S", 1.0)
    bundle_path = tmp_path / "tile" / "entries" / "000"
    bundle_path.parent.mkdir(parents=True)
    bundle_path.write_bytes(bytes(BUNDLE_BYTES_MAX))
    (tmp_path / "checkpoint").write_bytes(b"a checkpoint")
    with served(tmp_path) as url, contextlib.ExitStack() as opened:
        port = httpx.URL(url).port
        assert port is not None
        held = [opened.enter_context(socket.socket()) for _ in range(REQUESTS_MAX)]
        for raw in held:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(("127.0.0.1", port))
            raw.sendall(b"GET /tile/entries/000 HTTP/1.1\r\nHost: x\r\n\r\n")
        end, status = time.monotonic() + 30, 0
        while status != 200 and time.monotonic() < end:
            with contextlib.suppress(httpx.HTTPError):
                status = httpx.get(f"{url}/checkpoint", trust_env=False).status_code
        assert status == 200
        while (kept := open_at(port)) and time.monotonic() < end:
            time.sleep(0.1)
        assert kept == 0, "nor is anything kept for who does not take it"


def open_at(port: int) -> int:
    """How many connections this process, which is the server too, holds there."""
    found = psutil.Process().net_connections("tcp4")
    return sum(each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED for each in found)


def test_a_large_bundle_comes_whole(tmp_path: Path) -> None:
    path = tmp_path / "tile" / "entries" / "000"
    path.parent.mkdir(parents=True)
    for size in (PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES):
        path.write_bytes(os.urandom(size))
        with served(tmp_path) as url:
            assert httpx.get(f"{url}/tile/entries/000", trust_env=False).content == path.read_bytes()


def test_openapi_describes_what_is_offered(asked: Asked) -> None:
    """`UPDATE=1` writes the snapshot anew."""
    identity = Identity(RELEASE, lambda: 0, lambda: bytes(32))
    with served(asked.ledger.public, identity) as url:
        said = httpx.get(f"{url}/openapi.json", trust_env=False).json()
    text = json.dumps(said | {"info": said["info"] | {"version": "*"}}, indent=1, sort_keys=True) + "\n"
    if os.environ.get("UPDATE") == "1":
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert text == SNAPSHOT.read_text(encoding="utf-8")

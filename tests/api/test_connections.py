"""Who connects and says nothing keeps nobody else out, and does not stay."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import scmanager
from scmanager.api import connections, pace
from scmanager.api.guard import ROOM_FULL
from scmanager.api.listening import REQUESTS_MAX
from scmanager.api.serving import server
from tests.support.api_node import Api, Socket
from tests.support.app_server import served

SOURCES = Path(scmanager.__file__).parent
HALF = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "


def asking(api: Api, more: str = "") -> bytes:
    return f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\n{more}\r\n".encode()


@contextlib.contextmanager
def connected(api: Api, count: int, said: bytes = b"") -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as opened:
        made = []
        for _ in range(count):
            made.append(opened.enter_context(socket.create_connection(("127.0.0.1", api.port), timeout=20)))
            if said:
                made[-1].sendall(said)
        yield made


def closed_within(raw: socket.socket, dribble: bytes = b"") -> float:
    """After how many seconds the node closes it, while it is sent a byte now and then."""
    began = time.monotonic()
    raw.settimeout(0.1)
    while time.monotonic() - began < 15:
        try:
            if dribble:
                raw.sendall(dribble)
            if raw.recv(4096) == b"":
                return time.monotonic() - began
        except TimeoutError:
            continue
        except ConnectionError:
            return time.monotonic() - began
    raise AssertionError("it is still open")


def test_a_request_in_absolute_form_is_that_of_the_host_in_it(api: Api) -> None:
    """RFC 9112, 3.2.2: servers take it, and pass over what the header says of the host."""

    def said(target: str, host: str) -> bytes:
        with connected(
            api, 1, f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        ) as made:
            return b"".join(iter(lambda: made[0].recv(65_536), b""))

    mine, foreign = f"127.0.0.1:{api.port}", "example.org"
    plain = said("/nowhere", mine).partition(b"\r\n")[0]
    for target in (f"http://{mine}/nowhere", f"HTTP://{mine}/nowhere?a=http://{foreign}/"):
        for host in (mine, foreign):
            assert said(target, host).partition(b"\r\n")[0] == plain
    assert b"host-foreign" in said("/nowhere", foreign)
    assert b"host-foreign" in said(f"http://{foreign}/nowhere", mine)
    assert b"host-foreign" in said(f"http://{foreign}", mine)
    assert b"host-foreign" in said(f"http://x@{mine}/nowhere", mine)


@pytest.mark.parametrize("said", [b"", HALF], ids=["silent", "half a head"])
def test_silent_connections_keep_nobody_out(api: Api, said: bytes) -> None:
    with connected(api, REQUESTS_MAX * 2, said) as made:
        for _ in range(3):
            with httpx.Client(base_url=api.url, headers=dict(api.client.headers), trust_env=False) as owner:
                assert owner.post("/graphql", json={"query": "{ node { pos } }"}).status_code == 200
        assert closed_within(made[0]) < connections.HEAD_S / 2, "the oldest made room"
        made[-1].settimeout(0.1)
        with pytest.raises(TimeoutError):
            made[-1].recv(1)


def test_connections_that_were_answered_and_wait_make_room_too(api: Api) -> None:
    with connected(api, REQUESTS_MAX + 20, asking(api)) as made:
        for raw in made[-20:]:
            assert raw.recv(4096).startswith(b"HTTP/1.1 401 ")
        assert httpx.get(api.url + "/health", trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("said", "dribble"), [(b"", b""), (HALF, b""), (HALF, b"x")], ids=["silent", "half a head", "a byte at a time"]
)
def test_who_does_not_say_what_he_wants_is_let_go(
    api: Api, monkeypatch: pytest.MonkeyPatch, said: bytes, dribble: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    with connected(api, 1, said) as (raw,):
        assert closed_within(raw, dribble) >= 0.4


def test_a_body_that_nobody_waits_for_holds_no_connection(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "KEEP_ALIVE_S", 0.5)
    with connected(api, 1, asking(api, more="Content-Length: 100000\r\n")) as (raw,):
        assert raw.recv(4096).startswith(b"HTTP/1.1 401 ")
        assert closed_within(raw, b"x") >= 0.4


def test_who_asks_stays_between_questions_and_while_he_is_answered(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    token = f"Authorization: Bearer {api.node.token}\r\nContent-Type: application/json\r\n"
    body = b'{"query": "{ node { pos } }"}'
    with connected(api, 1) as (raw,), Socket(api).begin() as heard:
        for _ in range(2):
            raw.sendall(asking(api, f"{token}Content-Length: {len(body)}\r\n"))
            time.sleep(0.6)
            raw.sendall(body)
            answer = raw.recv(4096)
            while b'"pos"' not in answer:
                answer += raw.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 ")
            time.sleep(0.6)
        heard.subscribe("{ node { pos } }")
        assert heard.next()["node"]


def test_a_body_that_stands_still_is_let_go_whoever_sends_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PAUSE_S", 0.5)
    token = f"Authorization: Bearer {api.node.token}\r\nContent-Type: application/json\r\n"
    with connected(api, 1, asking(api, f"{token}Content-Length: 100000\r\n")) as (raw,):
        assert 0.4 <= closed_within(raw, b"x") < 5


def test_every_listener_is_served_with_these_connections() -> None:
    serving = [each for each in SOURCES.rglob("*.py") if "uvicorn." in each.read_text("utf-8")]
    assert [each.relative_to(SOURCES).as_posix() for each in sorted(serving)] == [
        "api/connections.py", "api/serving.py",
    ]  # fmt: skip
    assert server(lambda *_: None).config.http is connections.Connection


def test_when_all_are_being_answered_the_next_one_hears_why_he_is_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "PAUSE_S", 600.0)  # On a busy machine it takes seconds until all of them are there.
    unfinished = asking(
        api,
        f"Authorization: Bearer {api.node.token}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n",
    )  # fmt: skip
    begun, begins = list[object](), connections.Connection._body_begins

    def begin(each: connections.Connection, cycle: object) -> None:
        begins(each, cycle)
        begun.append(each)

    monkeypatch.setattr(connections.Connection, "_body_begins", begin)
    with connected(api, REQUESTS_MAX, unfinished):
        deadline = time.monotonic() + 20
        while len(begun) < REQUESTS_MAX:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        answer = httpx.get(api.url + "/health", trust_env=False)
        said = answer.json()["errors"][0]["extensions"]
        assert (answer.status_code, said["code"]) == (503, "too-many-connections")
        assert (said["facts"], said["requestId"]) == (
            {"connections_max": REQUESTS_MAX}, answer.headers["x-request-id"],
        )  # fmt: skip
    deadline = time.monotonic() + 10
    while httpx.get(api.url + "/health", trust_env=False).status_code != 200:
        assert time.monotonic() < deadline


LARGE_BYTES = 8 << 20
"""More than the system keeps for who does not take it."""


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await Response(bytes(LARGE_BYTES if scope["path"] == "/large" else 0))(scope, receive, send)


def open_at(url: str) -> int:
    """How many connections this process, which is the server too, holds there."""
    found = psutil.Process().net_connections("tcp4")
    return sum(each.laddr.port == httpx.URL(url).port and each.status != psutil.CONN_LISTEN for each in found)


def unread(url: str, opened: contextlib.ExitStack, said: bytes, *, small: bool = False) -> socket.socket:
    """One that asks and takes next to nothing of the answer."""
    raw = opened.enter_context(socket.socket())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    if small:  # So little that the system keeps little for it.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88)
    raw.connect(("127.0.0.1", httpx.URL(url).port))
    raw.sendall(said)
    assert raw.recv(1)
    return raw


ASKED = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
ASKED_ONCE = ASKED[:-2] + b"Connection: close\r\n\r\n"


@pytest.mark.parametrize("said", [ASKED, ASKED_ONCE, ASKED + b"no request\r\n\r\n"], ids=["", "once", "and more"])
def test_an_answer_that_nobody_takes_holds_no_connection(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(connections, "KEEP_ALIVE_S", 0.5)
    with served(large) as url, contextlib.ExitStack() as opened:
        unread(url, opened, said)
        end = time.monotonic() + 20
        while open_at(url):
            assert time.monotonic() < end
            time.sleep(0.1)


def test_many_that_do_not_take_their_answer_hold_no_more_than_there_is_room_for() -> None:
    with served(large) as url, contextlib.ExitStack() as opened:
        for _ in range(REQUESTS_MAX * 2):
            unread(url, opened, ASKED)
        assert httpx.get(url, trust_env=False).status_code == 200
        end = time.monotonic() + connections.KEEP_ALIVE_S / 2
        while open_at(url) > REQUESTS_MAX:
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell how much of their own buffer is taken")
def test_who_takes_his_answer_slowly_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """So slowly that this program's part of it is not touched for longer than it waits."""
    monkeypatch.setattr(connections, "KEEP_ALIVE_S", 0.7)
    with served(large) as url, contextlib.ExitStack() as opened:
        raw, taken = unread(url, opened, ASKED_ONCE), 1
        raw.settimeout(20)
        end = time.monotonic() + 3 * connections.KEEP_ALIVE_S
        while taken < LARGE_BYTES:
            some = raw.recv(4096 if time.monotonic() < end else 1 << 18)
            assert some, taken
            taken += len(some)
            time.sleep(0.02 if time.monotonic() < end else 0)


UPGRADE = (
    b"GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
BROKEN_BODY = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"


@pytest.mark.parametrize("last", [BROKEN_BODY, UPGRADE], ids=["broken body", "upgrade"])
def test_small_answers_that_nobody_takes_hold_no_connection_whatever_is_asked_last(
    monkeypatch: pytest.MonkeyPatch, last: bytes
) -> None:
    """Fewer bytes than stop an app, and then what the library ends by itself or hands on."""
    monkeypatch.setattr(connections, "KEEP_ALIVE_S", 0.5)
    made, make = list[connections.Connection](), connections.Connection.connection_made

    def noted(each: connections.Connection, transport: asyncio.BaseTransport) -> None:
        make(each, transport)
        made.append(each)

    monkeypatch.setattr(connections.Connection, "connection_made", noted)
    with served(large) as url, contextlib.ExitStack() as opened:
        raw = unread(url, opened, ASKED.replace(b"/large", b"/"), small=sys.platform == "linux")
        while made[0].transport.get_write_buffer_size() < 3000:
            raw.sendall(ASKED.replace(b"/large", b"/") * 20)
            time.sleep(0.01)
        raw.sendall(last)
        end = time.monotonic() + 20
        while open_at(url):
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_websocket_that_asks_and_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SOCKET_UNSENT_MAX", 10_000)
    monkeypatch.setattr(connections, "WATCH_S", 0.1)

    async def accepts(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()

    ping = b"\x89\xfd" + bytes(4) + bytes(125)
    with served(accepts) as url, contextlib.ExitStack() as opened:
        raw = unread(url, opened, UPGRADE)
        raw.settimeout(5)
        with contextlib.suppress(OSError):
            for _ in range(2000):
                raw.sendall(ping * 100)
        end = time.monotonic() + 20
        while open_at(url):
            assert time.monotonic() < end
            time.sleep(0.1)


def test_who_has_a_place_is_not_told_that_there_is_none() -> None:
    """Whoever is being answered keeps it and may ask again; who came beyond hears that it is full."""
    go_on, held = set[str](), set[str]()

    async def waits(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        held.add(path := scope["path"])
        full = scope[ROOM_FULL]
        while path not in go_on and not full:
            await asyncio.sleep(0.01)
        await Response(status_code=503 if full else 200)(scope, receive, send)

    def asked(raw: socket.socket, path: str) -> None:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def said(raw: socket.socket) -> bytes:
        return raw.recv(4096)[:12]

    with served(waits) as url, contextlib.ExitStack() as opened:
        at = "127.0.0.1", httpx.URL(url).port
        made = [opened.enter_context(socket.create_connection(at, timeout=20)) for _ in range(REQUESTS_MAX)]
        for number, raw in enumerate(made):
            asked(raw, f"/{number}")
        end = time.monotonic() + 20
        while len(held) < REQUESTS_MAX:
            assert time.monotonic() < end
            time.sleep(0.01)
        late = opened.enter_context(socket.create_connection(at, timeout=20))
        asked(late, "/late")
        assert said(late) == b"HTTP/1.1 503"
        go_on |= {"/0", "/again"}
        assert said(made[0]) == b"HTTP/1.1 200"
        asked(made[0], "/again")
        assert said(made[0]) == b"HTTP/1.1 200"
        go_on |= {f"/{number}" for number in range(REQUESTS_MAX)}

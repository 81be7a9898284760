"""Who connects and says nothing keeps nobody else out, and does not stay."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import scmanager
from scmanager.api import connections, pace
from scmanager.api.listening import REQUESTS_MAX
from scmanager.api.serving import server
from tests.support.api_node import Api, Socket

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

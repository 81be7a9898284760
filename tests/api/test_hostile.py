"""What strangers, mistakes and attackers send; each is answered with a code, quickly, and the node goes on."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.api.cursors import CursorMalformed, read
from scmanager.api.filters import MemberSort
from scmanager.api.models import TABLES
from tests.support.api_node import Api
from tests.support.fleet_of import Nova

QUICKLY_S = 3.0


def _code(answer: httpx.Response) -> str:
    extensions = answer.json()["errors"][0]["extensions"]
    assert extensions["hint"]
    assert extensions["requestId"] == answer.headers["x-request-id"]
    return str(extensions["code"])


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x"])
def test_without_the_token_nothing_is_told(api: Api, shown: str) -> None:
    headers = {"authorization": shown.format(token=api.node.token)} if shown else {}
    for path in ("/graphql", "/metrics", "/nothing"):
        answer = httpx.get(api.url + path, headers=headers, trust_env=False)
        assert (answer.status_code, _code(answer)) == (401, "token-wrong")


def test_health_needs_no_token_and_tells_nothing_about_anybody(api: Api, nova: Nova) -> None:
    answer = httpx.get(api.url + "/health", trust_env=False)
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "actors": [
            {"name": "writer", "ok": True, "detail": ""},
            {"name": "projections", "ok": True, "detail": ""},
        ],
    }


def test_metrics_are_prometheus_text(api: Api) -> None:
    answer = api.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "# TYPE scm_writer_commits_total counter\nscm_writer_commits_total " in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "127.0.0.1:1",
        "localhost",
        "[::1].evil:{port}",
        "",
        "user@127.0.0.1:{port}",
        "0.0.0.0:{port}",
        "[::1%evil.example]:{port}",
        "::1%evil.example:{port}",
    ],
)
def test_a_host_that_is_not_ours_is_refused(api: Api, host: str) -> None:
    answer = api.client.get("/health", headers={"host": host.format(port=api.port)})
    assert (answer.status_code, _code(answer)) == (421, "host-foreign")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_loopback_names_with_our_port_are_ours(api: Api, host: str) -> None:
    assert api.client.get("/health", headers={"host": host.format(port=api.port)}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://", "http://localhost"]
)
def test_a_page_of_another_origin_is_refused_even_with_the_token(api: Api, origin: str) -> None:
    answer = api.client.post("/graphql", json={"query": "{ node { pos } }"}, headers={"origin": origin})
    assert (answer.status_code, _code(answer)) == (403, "origin-foreign")


@pytest.mark.parametrize("name", ["Origin", "Authorization", "Host"])
def test_a_header_by_which_is_decided_is_said_once(api: Api, name: str) -> None:
    said = {"Origin": api.url, "Authorization": f"Bearer {api.node.token}", "Host": f"127.0.0.1:{api.port}"}
    lines = [*said.items(), (name, said[name])]
    head = "GET /health HTTP/1.1\r\n" + "".join(f"{each}: {value}\r\n" for each, value in lines)
    with socket.create_connection(("127.0.0.1", api.port), timeout=5) as raw:
        raw.sendall(f"{head}Connection: close\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_our_own_page_is_let_in(api: Api) -> None:
    origin = {"origin": f"http://localhost:{api.port}"}
    assert api.client.post("/graphql", json={"query": "{ node { pos } }"}, headers=origin).status_code == 200


def test_wrong_paths_methods_and_types_say_what_is_right(api: Api) -> None:
    assert (api.client.get("/nothing").status_code, _code(api.client.get("/nothing"))) == (404, "no-such-page")
    deleted = api.client.delete("/graphql")
    assert (deleted.status_code, _code(deleted)) == (405, "method-not-offered")
    posted = api.client.post("/health")
    assert (posted.status_code, _code(posted)) == (405, "method-not-offered")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = api.client.post("/graphql", content=b'{"query":"{ node { pos } }"}', headers={"content-type": kind})
        assert (answer.status_code, _code(answer)) == (415, "media-type-unknown")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"[1]",
        b'{"query": 1}',
        b"{}",
        b'{"query": null}',
        b'{"query":"{a}","variables":[]}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"query":"{a}","variables":' + b'{"a":' * 50_000,
    ],
)
def test_bodies_that_are_no_request_are_refused(api: Api, body: bytes) -> None:
    answer = api.client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert _code(answer) in ("request-malformed", "batch-too-large")


def test_a_body_over_the_limit_is_refused_by_its_length_and_while_it_streams(api: Api) -> None:
    declared = api.client.post("/graphql", content=b" " * 1_000_000, headers={"content-type": "application/json"})
    assert (declared.status_code, _code(declared)) == (413, "body-too-large")

    def stream() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    try:
        streamed = api.client.post("/graphql", content=stream(), headers={"content-type": "application/json"})
    except httpx.HTTPError:
        return  # The connection was closed in the middle of it: as good.
    assert (streamed.status_code, _code(streamed)) == (413, "body-too-large")


NESTED = "{ organisation(id: $o) " + "{ members { nodes { organisation " * 5 + "{ id }" + "}}}" * 5 + "}"
BOMB = "query { ...F0 } " + " ".join(
    f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} organisations {{ totalCount }} }}" for n in range(18)
) + " fragment F18 on Query { node { pos } }"  # fmt: skip


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{" + " ".join(f"a{n}: node {{ pos }}" for n in range(1000)) + "}", "query-too-long"),
        ("{" + " ".join(f"a{n}: node {{ pos }}" for n in range(300)) + "}", "query-too-many-aliases"),
        ("{ node {" + " pos" * 1500 + "} }", "query-too-many-fields"),
        ("{ node {" + " pos" * 46 + "} }", "query-too-many-fields"),
        ("{ a" * 10_000 + "}" * 10_000, "query-too-long"),
        ("{a" * 10_000 + "}" * 10_000, "query-too-deep"),
        ("{ a(b: " + "[" * 10_000 + "]" * 10_000 + ") }", "query-too-deep"),
        ("query ($o: ID!) " + NESTED, "query-too-deep"),
        ("{ members(first: 200) { nodes { ships(first: 200) { nodes { squadrons(first: 200) "
         "{ nodes { id } } } } } } }",
         "query-too-costly"),
        ("{ node { pos } } #" + "x" * 100_000, "query-too-long"),
        ("fragment A on Query { ...B } fragment B on Query { ...A } { ...A }", "query-invalid"),
        ("{ node { pos } } " + " ".join(f"fragment F{n} on Query {{ node {{ pos }} }}" for n in range(30)),
         "query-too-many-fields"),
        ("{ nothing }", "query-invalid"),
        ("{ node", "query-invalid"),
        ("", "query-invalid"),
        ("\x00", "query-invalid"),
        ("{ node { pos } } { node { pos } }", "query-invalid"),
        ("subscription { changes { pos } }", "request-malformed"),
        ("query A { node { pos } } query B { node { pos } }", "request-malformed"),
    ],
    ids=range(19),
)  # fmt: skip
def test_queries_that_would_cost_too_much_or_mean_nothing_are_refused_quickly(
    api: Api, query: str, code: str
) -> None:
    begun = time.perf_counter()
    answer = api.client.post("/graphql", json={"query": query, "variables": {}})
    assert time.perf_counter() - begun < QUICKLY_S
    assert (answer.status_code, _code(answer)) == (400, code)


def test_fragments_that_multiply_each_other_are_counted_once_and_answered_or_refused_quickly(api: Api) -> None:
    begun = time.perf_counter()
    answer = api.client.post("/graphql", json={"query": BOMB})
    assert time.perf_counter() - begun < QUICKLY_S
    assert answer.status_code in (200, 400)


def test_a_batch_that_is_too_long_is_refused(api: Api) -> None:
    answer = api.client.post("/graphql", json=[{"query": "{ node { pos } }"}] * 11)
    assert (answer.status_code, _code(answer)) == (400, "batch-too-large")


@pytest.mark.parametrize(
    "hostile", ["'", '"; drop table member; --', "%s", "%(p1)s", "\\", "🜁", "a" * 5_000, "{c}", "{v}"]
)
def test_text_of_a_caller_is_never_sql(api: Api, nova: Nova, hostile: str) -> None:
    query = "query ($s: ID!, $t: String!) { members(space: $s, filter: {text: $t}) { totalCount } ships(space: $s, filter: {model: [$t]}) { totalCount } }"  # noqa: E501
    assert api.ask(query, s=nova.space, t=hostile) == {"members": {"totalCount": 0}, "ships": {"totalCount": 0}}
    assert api.ask(query, s=nova.space, t="Pilot-001")["members"]["totalCount"] == 1


@pytest.mark.parametrize(
    "wrong", ["", "zz", "00", "G" * 32, "a" * 33, "A" * 32, " " + "a" * 31, "a" * 64 + "\n", "é" * 32]
)
def test_ids_are_checked_by_their_shape(api: Api, wrong: str) -> None:
    query = "query ($id: ID!) { organisation(id: $id) { title } }"
    assert api.refused(query, id=wrong)["code"] == "id-malformed"


@pytest.mark.parametrize(
    "arguments",
    ['after: "x"', 'after: ""', 'after: "WyJ4Il0"', f'after: "{"A" * 2000}"', "first: 0", "first: -1", "last: -1",
     'first: 1, last: 1', 'before: "x", after: "y"', 'first: 1, before: "x"'],
)  # fmt: skip
def test_pages_that_cannot_be_are_refused(api: Api, nova: Nova, arguments: str) -> None:
    refused = api.refused(f'{{ members(space: "{nova.space}", {arguments}) {{ nodes {{ id }} }} }}')
    assert refused["code"] in ("cursor-malformed", "page-unclear")


def test_a_cursor_of_another_list_or_sort_is_refused(api: Api, nova: Nova) -> None:
    page = api.ask(f'{{ members(space: "{nova.space}", first: 1) {{ pageInfo {{ endCursor }} }} }}')
    cursor = page["members"]["pageInfo"]["endCursor"]
    for other in (f'members(sort: RANK, after: "{cursor}")', f'members(descending: true, after: "{cursor}")',
                  f'ships(after: "{cursor}")'):  # fmt: skip
        assert api.refused(f"{{ {other} {{ nodes {{ id }} }} }}")["code"] == "cursor-malformed"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_noise_for_a_cursor_is_malformed_and_nothing_else(noise: str) -> None:
    with pytest.raises(CursorMalformed):
        read(noise, "member.JOINED+", MemberSort.JOINED.value, TABLES["Member"])


@pytest.mark.parametrize(
    "time_given",
    ["2026-13-01T00:00:00Z", "2026-01-01", "now", "", "2026-01-01T00:00:00", "9999-12-31T23:59:59-01:00"],
)
def test_times_without_sense_or_zone_are_refused(api: Api, nova: Nova, time_given: str) -> None:
    query = "query ($s: ID!, $t: DateTime!) { audit(space: $s, filter: {since: $t}) { totalCount } }"
    assert api.refused(query, s=nova.space, t=time_given)["code"] == "query-invalid"


@pytest.mark.parametrize("words", ["a\0b", ["a", "b\0"]])
def test_text_that_no_database_takes_is_refused_as_what_it_is(api: Api, nova: Nova, words: Any) -> None:
    kind = "String" if isinstance(words, str) else "[String!]"
    name = "text" if isinstance(words, str) else "model"
    query = f"query ($w: {kind}) {{ ships(filter: {{{name}: $w}}) {{ totalCount }} }}"
    assert api.refused(query, w=words)["code"] == "words-unusable"


def test_a_fault_of_ours_is_masked_and_carries_the_request_id(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise KeyError("secret detail")

    monkeypatch.setattr(api.node, "last_pos", broken)
    api.node.faults.clear()
    answer = api.client.post("/graphql", json={"query": "{ node { pos } }"})
    assert _code(answer) == "internal"
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text
    monkeypatch.undo()
    monkeypatch.setattr(api.node, "metrics", broken)
    assert (api.client.get("/metrics").status_code, _code(api.client.get("/metrics"))) == (500, "internal")
    assert [type(each) for each in api.node.faults] == [KeyError] * 3, "each once"


def test_what_a_client_does_wrong_is_no_fault_of_ours(api: Api) -> None:
    api.node.faults.clear()
    with socket.create_connection(("127.0.0.1", api.port), timeout=5) as raw:
        head = f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\nAuthorization: Bearer {api.node.token}\r\n"
        raw.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode())
    api.post("{ nonsense }")
    api.post('{ fleet(id: "x") { id } }')
    assert api.client.get("/health").status_code == 200
    assert api.node.faults == []


def test_broken_http_does_not_stop_the_node(api: Api) -> None:
    for noise in (b"\x00\x01\x02", b"GET / HTTP/9.9\r\n\r\n", b"POST /graphql HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                  b"A" * 100_000):  # fmt: skip
        with socket.create_connection(("127.0.0.1", api.port), timeout=5) as raw:
            raw.sendall(noise)
            raw.shutdown(socket.SHUT_WR)
            try:
                raw.recv(4096)
            except ConnectionError:
                continue
    assert api.client.get("/health").status_code == 200

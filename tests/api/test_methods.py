"""HEAD, OPTIONS and methods that a path does not know, over a real socket: answered as the path is, or told which."""

import socket

import pytest

from tests.support.api_node import Api


def asked(api: Api, line: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request on a connection of its own, as they went over the wire."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as raw:
        head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\nConnection: close\r\n"
        raw.sendall(f"{head}Authorization: Bearer {api.node.token}\r\n\r\n".encode())
        said = b"".join(iter(lambda: raw.recv(65536), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return int(first.split(" ")[1]), {k.lower(): v for k, v in (each.split(": ", 1) for each in rest)}, body


GRAPHQL, QUERY = "/graphql", "/graphql?query=%7Bnode%7Bpos%7D%7D"
ALLOWED = {
    GRAPHQL: "GET, HEAD, POST", "/health": "GET, HEAD", "/metrics": "GET, HEAD", "/openapi.json": "GET, HEAD",
    "/export": "GET", "/exchange/export": "GET", "/exchange/import": "POST", "/backup": "POST",
}  # fmt: skip


@pytest.mark.parametrize("path", [GRAPHQL, QUERY, "/health", "/openapi.json", "/nothing"])
def test_a_head_is_answered_as_the_get_without_its_body(api: Api, path: str) -> None:
    (status, headers, body), (head, told, nothing) = asked(api, f"GET {path}"), asked(api, f"HEAD {path}")
    assert (head, nothing) == (status, b"")
    kept = ("content-type", "content-length")
    assert [told[each] for each in kept] == [headers[each] for each in kept]
    assert int(told["content-length"]) == len(body)


@pytest.mark.parametrize("method", ["OPTIONS", "DELETE", "PUT", "TRACE", "FOO"])
@pytest.mark.parametrize("path", ALLOWED)
def test_a_method_that_a_path_does_not_know_is_told_those_it_has(api: Api, method: str, path: str) -> None:
    status, headers, body = asked(api, f"{method} {path}")
    assert (status, headers["allow"]) == (405, ALLOWED[path])
    assert b'"method-not-offered"' in body
    assert not [each for each in headers if each.startswith("access-control-")], "no page elsewhere is let in"


@pytest.mark.parametrize("path", [each for each, allowed in ALLOWED.items() if "HEAD" not in allowed])
def test_what_would_be_made_for_nobody_has_no_head(api: Api, path: str) -> None:
    status, headers, body = asked(api, f"HEAD {path}")
    assert (status, headers["allow"], body) == (405, ALLOWED[path], b"")


def test_a_path_that_is_not_there_allows_nothing(api: Api) -> None:
    status, headers, _ = asked(api, "OPTIONS /nothing")
    assert status == 404
    assert "allow" not in headers

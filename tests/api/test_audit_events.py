"""Audit events through the API: what refused requests leave behind, filtered, sorted, page by page."""

from collections.abc import Iterator

import pytest

from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.domain.audit_types import AuditType
from tests.support.api_node import Api, ApiNode, serving
from tests.support.postgres import fresh

LISTED = """query ($filter: AuditEventFilter, $first: Int, $after: String) {
  auditEvents(filter: $filter, sort: LAST, first: $first, after: $after) {
    totalCount nextStep pageInfo { hasNextPage endCursor }
    nodes { type severity code count source detail words version region firstAt lastAt sourceHash payloadHash } } }"""


@pytest.fixture(scope="module")
def bare(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A node whose owner has no space of his own yet."""
    folder = tmp_path_factory.mktemp("audit")
    with fresh(postgres) as dsn, ApiNode(folder, dsn) as node, serving(node) as served:
        yield served


@pytest.fixture(scope="module")
def noticing(bare: Api) -> Api:
    """The same, after an owner's space was founded and some requests were refused."""
    assert "personalFound" in bare.ask(LISTED)["auditEvents"]["nextStep"]
    bare.do("personalFound")
    url = bare.url + "/graphql"
    for token in ("one", "two"):
        assert bare.client.post(url, json={}, headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert bare.client.post(url, json={}, headers={"origin": "https://evil.example"}).status_code == 403
    bare.node.note(AuditType.INTEGRITY_FAILURE, "store-damaged", "own folder")
    for number in range(100):
        bare.node.note(AuditType.P2P_MISMATCH, "chain-broken", str(number))
    bare.node.auditor.work(closing=True)
    assert bare.node.wait_projected(bare.node.last_pos(), 20)
    return bare


def test_what_was_refused_is_told_to_the_owner(noticing: Api) -> None:
    nodes = noticing.ask(LISTED, filter={"type": ["PERMISSION_VIOLATION"], "code": ["token-wrong"]})
    (one,) = nodes["auditEvents"]["nodes"]
    assert (one["severity"], one["count"], one["source"], one["words"]) == ("WARNING", 2, "127.0.0.1", "OPEN")
    assert one["detail"].startswith("http POST /graphql")
    assert one["region"] is None
    assert len(one["sourceHash"]) == len(one["payloadHash"]) == 64
    assert one["firstAt"] <= one["lastAt"]


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [
        ({}, 28),
        ({"type": ["P2P_MISMATCH"]}, 25),
        ({"type": ["P2P_MISMATCH"], "listed": False}, 1),
        ({"severity": ["CRITICAL"]}, 1),
        ({"severity": ["CRITICAL", "WARNING"]}, 28),
        ({"type": ["SESSION_STARTED"]}, 0),
        ({"since": "2100-01-01T00:00:00Z"}, 0),
        ({"until": "2000-01-01T00:00:00Z"}, 0),
        ({"since": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}, 28),
    ],
)
def test_filters_narrow_the_list(noticing: Api, narrowed: dict[str, object], count: int) -> None:
    found = noticing.ask(LISTED, filter=narrowed, first=100)["auditEvents"]
    assert found["totalCount"] == len(found["nodes"]) == count
    assert (found["nextStep"] is None) == (count > 0)


def test_the_list_is_turned_page_by_page(noticing: Api) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = noticing.ask(LISTED, first=10, after=after)["auditEvents"]
        seen += [str(node) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == 28 == len(set(seen))


def test_what_was_only_counted_has_no_code_and_no_words(noticing: Api) -> None:
    (rest,) = noticing.ask(LISTED, filter={"listed": False})["auditEvents"]["nodes"]
    assert (rest["code"], rest["count"], rest["words"], rest["sourceHash"]) == (None, 76, "NONE", None)

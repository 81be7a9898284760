"""Subscriptions over real websockets: what changed, live views, and who is not let in or let go."""

import contextlib
import time
from collections.abc import Iterator

import psycopg
import pytest
from websockets.exceptions import InvalidStatus

from scmanager.api import feed, sockets
from tests.support.api_node import Api, Socket

LIVE = "subscription ($s: ID!) { members(space: $s) { totalCount nodes { handle standing } } }"


@pytest.fixture(scope="module")
def space(api: Api) -> str:
    return str(api.do("organisationFound", 'title: "Heard", handle: "lead"')["space"])


def test_a_change_is_told_with_its_space_tables_and_position(api: Api, space: str) -> None:
    with Socket(api).begin() as heard:
        heard.subscribe("subscription ($s: ID!) { changes(space: $s) { space tables pos } }", s=space)
        _listening(api, heard, space)
        done = api.do("memberRecord", f'space: "{space}", handle: "Heard"')
        told = [heard.next()["changes"]]
        while told[-1]["pos"] < done["pos"]:  # The command's entries may be shown in more than one batch.
            told.append(heard.next()["changes"])
        assert {each["space"] for each in told} == {space}
        assert told[-1]["pos"] == done["pos"]
        assert "member" in {table for each in told for table in each["tables"]}


def test_a_live_view_answers_at_once_and_when_its_answer_changes(api: Api, space: str) -> None:
    with Socket(api).begin() as heard:
        heard.subscribe(LIVE, s=space)
        before = heard.next()["members"]
        api.do("organisationSetSid", f'space: "{space}", sid: "HRD"')  # Changes another table: nothing is told.
        api.do("memberRecord", f'space: "{space}", handle: "Alive"')
        after = heard.next()["members"]
        assert after["totalCount"] == before["totalCount"] + 1
        assert {"handle": "Alive", "standing": "RECORDED"} in after["nodes"]


@pytest.mark.slow
def test_nothing_is_told_of_a_space_one_is_not_in(api: Api, space: str) -> None:
    with Socket(api).begin() as heard:
        heard.subscribe("subscription { changes { space pos } }")
        _listening(api, heard, space)
        api.node.see_only()
        try:
            with psycopg.connect(api.node.dsn, autocommit=True) as other:
                other.execute(
                    "select pg_notify(%s, %s)", (feed.CHANNEL, f'{{"space": "{space}", "tables": [], "pos": 1}}')
                )
            with pytest.raises(TimeoutError):
                heard.next(1)
        finally:
            api.node.see_all()


def test_a_refused_subscription_says_why(api: Api) -> None:
    with Socket(api).begin() as heard:
        heard.subscribe('subscription { changes(space: "' + "ab" * 32 + '") { pos } }')
        message = heard.read()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == "space-not-visible"


def test_queries_and_mutations_work_over_the_websocket_and_limits_hold_there_too(api: Api, space: str) -> None:
    with Socket(api).begin() as heard:
        heard.subscribe("query ($s: ID!) { organisation(id: $s) { title } node { pos } }", s=space)
        assert heard.next()["organisation"] == {"title": "Heard"}
        assert heard.read()["type"] == "complete"
        for query, code in (("{a" * 5000 + "}" * 5000, "query-too-deep"), ("{ nothing }", "query-invalid"),
                            ("{ members(first: 200) { nodes { ships(first: 200) { nodes { squadrons(first: 200) "
                             "{ nodes { id } } } } } } }", "query-too-costly")):  # fmt: skip
            heard.subscribe(query, name=code)
            message = heard.read()
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", code)


def test_without_the_token_a_websocket_is_closed(api: Api) -> None:
    with Socket(api, token="wrong") as heard:
        heard.send(type="connection_init", payload={"token": "wrong"})
        assert heard.closed() == 4403
    with Socket(api) as heard:
        heard.subscribe("subscription { changes { pos } }")
        assert heard.closed() == 4401
    with Socket(api) as heard:
        heard.send(type="connection_init", payload=[])
        assert heard.closed() == 4400


def test_the_header_lets_a_websocket_in_too(api: Api) -> None:
    with Socket(api, additional_headers={"authorization": f"Bearer {api.node.token}"}) as heard:
        heard.send(type="connection_init")
        assert heard.read() == {"type": "connection_ack"}


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"authorization": "Bearer wrong"}])
def test_a_foreign_origin_or_a_wrong_token_does_not_get_through_the_handshake(
    api: Api, headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        Socket(api, additional_headers=headers)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "noise",
    [
        "",
        "{",
        "[]",
        "1",
        '{"type": 1}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "1", "payload": 1}',
        '{"type": "complete"}',
        b"\x00",
        "[" * 100_000,
        '{"type": "connection_init", "payload": {"token": "\\ud800"}}',
        '{"type":"subscribe","id":[],"payload":{"query":"{ node { pos } }"}}',
    ],
)
def test_noise_ends_the_websocket_and_not_the_node(api: Api, noise: str | bytes) -> None:
    with Socket(api).begin() as heard:
        heard.raw.send(noise)
        assert heard.closed() >= 1000
    assert api.client.get("/health").status_code == 200


def test_too_many_operations_on_one_websocket_are_refused(api: Api, space: str) -> None:
    with Socket(api).begin() as heard:
        for number in range(sockets.SUBSCRIPTIONS_MAX + 1):
            heard.subscribe("subscription { changes { pos } }", name=str(number))
        message = heard.read()
        assert (message["type"], message["id"]) == ("error", str(sockets.SUBSCRIPTIONS_MAX))


def test_too_many_websockets_are_refused_and_a_closed_one_makes_room(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline = time.monotonic() + 10
    while "scm_api_websockets 0\n" not in api.client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    monkeypatch.setattr(sockets, "CONNECTIONS_MAX", 3)
    with _several(api, 3), Socket(api) as refused:
        assert refused.closed() == sockets.TOO_MANY
    deadline = time.monotonic() + 10
    while True:
        with Socket(api) as again:
            again.send(type="connection_init", payload={"token": api.node.token})
            with contextlib.suppress(Exception):
                assert again.read() == {"type": "connection_ack"}
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextlib.contextmanager
def _several(api: Api, count: int) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        for _ in range(count):
            held.enter_context(Socket(api).begin())
        yield


def test_who_does_not_keep_up_is_let_go_with_a_code(api: Api, space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "QUEUE_MAX", 2)
    with Socket(api).begin() as slow:
        slow.subscribe("subscription { changes { space tables pos } }")
        _listening(api, slow, space)
        _tell(api, space, rounds=1, tables=0)  # In one transaction: they come faster than anybody reads.
        while "errors" not in (message := slow.read())["payload"]:
            pass
        assert message["payload"]["errors"][0]["extensions"]["code"] == "subscription-too-slow"
        assert slow.closed() == sockets.TOO_SLOW


@pytest.mark.slow
def test_who_does_not_read_at_all_does_not_hold_a_place(
    api: Api, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "SEND_S", 0.3)
    with Socket(api, max_queue=1).begin() as slow:
        slow.subscribe("subscription { changes { space tables pos } }")
        _listening(api, slow, space)
        _tell(api, space, rounds=15, tables=100)  # More than any buffer between here and there holds.
        deadline = time.monotonic() + 10
        while "scm_api_listeners 0\n" not in api.client.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _listening(api: Api, heard: Socket, space: str) -> None:
    """Until what is told reaches this subscription of changes: a notice of our own came through."""
    with psycopg.connect(api.node.dsn, autocommit=True) as other:
        for probe in range(-1, -101, -1):
            notice = f'{{"space": "{space}", "tables": [], "pos": {probe}}}'
            other.execute("select pg_notify(%s, %s)", (feed.CHANNEL, notice))
            with contextlib.suppress(TimeoutError):
                while heard.next(0.2)["changes"]["pos"] != probe:
                    pass
                return
    raise AssertionError("it never heard anything")


def _tell(api: Api, space: str, *, rounds: int, tables: int) -> None:
    names = ",".join(f'"{"t" * 60}{number}"' for number in range(tables))
    payload = f'{{"space": "{space}", "tables": [{names}], "pos": %s}}'
    with psycopg.connect(api.node.dsn, autocommit=True) as other:
        for _ in range(rounds):
            with other.transaction(), other.cursor() as cursor:
                cursor.executemany("select pg_notify(%s, %s)", [(feed.CHANNEL, payload % n) for n in range(200)])

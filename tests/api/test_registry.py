"""The author's registry over GraphQL: pages, filters, history, where proofs begin; of the ledger that is trusted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scmanager.domain.counting import PluginCounted
from scmanager.domain.ledger import AuditStatus, Category, Channel
from tests.support.api_node import Api
from tests.support.ledger import NOW_S, plugin, update
from tests.support.ledger_file import LedgerFile, ledger_file


def taken_in(api: Api, file: LedgerFile, path: Path) -> None:
    api.node.exchange.import_space(file.write(path))
    assert api.node.wait_projected(api.node.last_pos(), 20)


@pytest.fixture(scope="module")
def ledger(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerFile]:
    with ledger_file() as made:
        made.say(
            update(made.id, b"2", version="1.2.0"),
            update(made.id, b"3", version="2.0.0-beta.1", channel=Channel.BETA),
            plugin(made.id, id="org.example.overlay", name="Overlay", category=Category.UI),
            plugin(made.id, version="0.4.0", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 60),
        )
        taken_in(api, made, tmp_path_factory.mktemp("ledger") / "file")
        api.node.trusted = frozenset({made.space})
        yield made
    api.node.trusted = frozenset()


def names(found: Any, field: str) -> list[str]:
    return [each[field] for each in found["nodes"]]


def test_updates_come_by_channel_and_page_by_page(api: Api, ledger: LedgerFile) -> None:
    page = "nodes { version } pageInfo { hasNextPage endCursor }"
    query = f"query($after: String) {{ updates(first: 2, after: $after) {{ {page} }} }}"
    first = api.ask(query)["updates"]
    assert (names(first, "version"), first["pageInfo"]["hasNextPage"]) == (["2.0.0-beta.1", "1.2.0"], True)
    second = api.ask(query, after=first["pageInfo"]["endCursor"])["updates"]
    assert (names(second, "version"), second["pageInfo"]["hasNextPage"]) == (["1.1.0"], False)
    told = api.ask("{ updates(channel: BETA) { nodes { version channel } totalCount } }")["updates"]
    assert told == {"nodes": [{"version": "2.0.0-beta.1", "channel": "BETA"}], "totalCount": 1}
    assert api.ask("{ updates(channel: ALPHA) { nodes { version } nextStep } }")["updates"]["nextStep"]


def test_an_update_says_where_its_proof_begins(api: Api, ledger: LedgerFile) -> None:
    told = api.ask('{ update(version: "1.2.0") { channel log index eventId ledger signature } }')["update"]
    assert (told["log"], told["index"], told["eventId"]) == (ledger.space.hex(), 4, ledger.event_id(4))
    assert (told["ledger"], len(told["signature"])) == (ledger.id.hex(), 128)
    assert api.ask('{ update(version: "9.9.9") { channel } }')["update"] is None


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", ["org.example.mining", "org.example.overlay"]),
        ("(category: UI)", ["org.example.overlay"]),
        ("(status: BLOCKED)", ["org.example.mining"]),
        ('(text: "OVERL")', ["org.example.overlay"]),
        ('(text: "%")', []),
        ('(text: "hold", status: PASS)', ["org.example.overlay"]),
        ('(filter: {permission: ["read.fleet"]})', ["org.example.mining", "org.example.overlay"]),
        ('(filter: {permission: ["read.members"]})', []),
        ("(sort: UPDATED, descending: true, first: 1)", ["org.example.mining"]),
    ],
)
def test_plugins_are_found(api: Api, ledger: LedgerFile, given: str, found: list[str]) -> None:
    assert names(api.ask(f"{{ plugins{given} {{ nodes {{ id }} }} }}")["plugins"], "id") == found


def test_a_plugin_has_its_whole_history(api: Api, ledger: LedgerFile) -> None:
    told = api.ask(
        '{ plugin(id: "org.example.mining") { version status history { nodes { version status index } } } }'
    )
    assert told["plugin"] == {
        "version": "0.4.0", "status": "BLOCKED",
        "history": {"nodes": [
            {"version": "0.3.0", "status": "PASS", "index": 3}, {"version": "0.4.0", "status": "BLOCKED", "index": 7},
        ]},
    }  # fmt: skip
    assert api.ask('{ plugin(id: "org.example.none") { version } }')["plugin"] is None


def test_a_plugin_tells_what_was_counted_of_it(api: Api, ledger: LedgerFile, tmp_path: Path) -> None:
    query = "{ plugins(sort: DOWNLOADS, descending: true) { nodes { id downloads votes rating } } }"
    nothing = {"downloads": 0, "votes": 0, "rating": None}
    assert [each["downloads"] for each in api.ask(query)["plugins"]["nodes"]] == [0, 0]
    ledger.count(PluginCounted("org.example.overlay", 2**53 - 1, 40, 171, NOW_S))
    taken_in(api, ledger, tmp_path / "file")
    assert api.ask(query)["plugins"]["nodes"] == [
        {"id": "org.example.overlay", "downloads": 2**53 - 1, "votes": 40, "rating": 4.3},
        {"id": "org.example.mining"} | nothing,
    ]


def test_what_is_no_word_of_the_registry_is_refused(api: Api, ledger: LedgerFile) -> None:
    for query in ("{ updates(channel: NOISE) { nodes { version } } }", "{ plugins(first: 0) { nodes { id } } }"):
        assert api.post(query)["errors"], query


def test_a_ledger_that_nobody_trusts_tells_of_nothing(api: Api, ledger: LedgerFile, tmp_path: Path) -> None:
    with ledger_file() as other:
        other.say(update(other.id, version="6.6.6"), plugin(other.id, id="org.example.thief"))
        taken_in(api, other, tmp_path / "file")
    assert api.ask('{ update(version: "6.6.6") { channel } }')["update"] is None
    assert "org.example.thief" not in names(api.ask("{ plugins { nodes { id } } }")["plugins"], "id")
    assert api.ask("{ updates { totalCount } }")["updates"]["totalCount"] == 3


@pytest.fixture
def further(api: Api, tmp_path: Path) -> Iterator[tuple[LedgerFile, LedgerFile]]:
    """Two logs of one ledger: what the first released the second says again, and blocks what the first passed."""
    with ledger_file() as first, ledger_file(after=first) as second:
        second.say(
            update(first.id, b"2", version="1.2.0"), update(first.id),
            plugin(first.id, version="0.4.0", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 60),
        )  # fmt: skip
        second.count(PluginCounted("org.example.mining", 7, 2, 9, NOW_S))
        trusted, api.node.trusted = api.node.trusted, frozenset({first.space, second.space})
        for n, each in enumerate((second, first)):
            taken_in(api, each, tmp_path / str(n))
        yield first, second
        api.node.trusted = trusted


OF_TWO = """{
  updates { nodes { version log } totalCount }
  update(version: "1.1.0") { log }
  plugins { nodes { id version status downloads history { nodes { status log } } } }
  plugin(id: "org.example.mining") { status }
  passed: plugins(status: PASS) { nodes { id } }
}"""


def test_logs_of_one_ledger_are_judged_together(
    api: Api, further: tuple[LedgerFile, LedgerFile], tmp_path: Path
) -> None:
    first, second = (each.space.hex() for each in further)
    told = api.ask(OF_TWO)
    assert told["updates"]["nodes"] == [{"version": "1.2.0", "log": second}, {"version": "1.1.0", "log": first}]
    assert told["update"] == {"log": first}, "said again it is the same statement"
    assert told["plugins"]["nodes"] == [{
        "id": "org.example.mining", "version": "0.4.0", "status": "BLOCKED", "downloads": 7,
        "history": {"nodes": [{"status": "PASS", "log": first}, {"status": "BLOCKED", "log": second}]},
    }]  # fmt: skip
    assert told["plugin"] == {"status": "BLOCKED"}
    assert told["passed"]["nodes"] == []


def test_what_the_thief_of_both_keys_appended_goes_once_a_further_log_closes_that_one(
    api: Api, further: tuple[LedgerFile, LedgerFile], tmp_path: Path
) -> None:
    first, second = further
    end = 4
    first.say(
        update(first.id, b"!", version="6.6.6"),
        plugin(first.id, version="6.6.6", content_hash=update(first.id, b"!").content_hash, updated_at=NOW_S + 90),
    )
    taken_in(api, first, tmp_path / "first")
    assert [each["version"] for each in api.ask(OF_TWO)["updates"]["nodes"]] == ["6.6.6", "1.2.0", "1.1.0"]
    assert names(api.ask(OF_TWO)["plugins"], "version") == ["6.6.6"]
    second.close(first, end)
    taken_in(api, second, tmp_path / "second")
    told = api.ask(OF_TWO)
    assert names(told["updates"], "version") == ["1.2.0", "1.1.0"]
    assert [(each["version"], each["status"]) for each in told["plugins"]["nodes"]] == [("0.4.0", "BLOCKED")]

"""The author's registry over GraphQL: pages, filters, history, where proofs begin; of the ledger that is trusted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.ledger_spaces import LedgerSpaces
from scmanager.domain.counting import PluginCounted
from scmanager.domain.ledger import AuditStatus, Category, Channel, Plugin, Update
from scmanager.master_ledger.seen import Outcome, Seen, with_head
from tests.support.api_node import Api
from tests.support.ledger import NOW_S, WITHOUT_WITNESSES, plugin, update
from tests.support.ledger_file import LedgerFile, ledger_file, trusting


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
        api.node.ledger = trusting(api.node.node.store, tmp_path_factory.mktemp("trust"), made.manifests)
        yield made
    api.node.ledger = None


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


Told = tuple[list[str], list[str]]


class Two:
    """Two logs of one ledger, and an installation that knows of both: what the first says the second says again."""

    def __init__(self, api: Api, first: LedgerFile, second: LedgerFile, folder: Path) -> None:
        self.api, self.first, self.second, self._folder = api, first, second, folder
        api.node.ledger = trusting(api.node.node.store, folder, second.manifests)

    def take(self, *files: LedgerFile, size: int | None = None) -> Told:
        """Takes these in, of the last so many entries; what the API tells then."""
        for each in files:
            self.api.node.node.store.admit(each.run(size if each is files[-1] else None))
        self.api.node.shelf.follow()
        assert self.api.node.wait_projected(self.api.node.last_pos(), 20)
        return self.told()

    def close(self, size: int) -> None:
        """The second log closes the first one, and the installation hears of it."""
        self.second.close(self.first, size)
        memory = LedgerMemory(self._folder, self.first.id)
        memory.see(lambda before: Outcome(before.with_manifests(self.second.manifests)))

    def told(self) -> Told:
        """Each update, and each plugin with its history; with which log says so."""
        found = self.api.ask(OF_TWO)
        name = {self.first.space.hex(): "first", self.second.space.hex(): "second"}
        updates = [f"{each['version']} {name[each['log']]}" for each in found["updates"]["nodes"]]
        for each in updates:
            one = self.api.ask(f'{{ update(version: "{each.split()[0]}") {{ log }} }}')["update"]
            assert name[one["log"]] == each.split()[1]
        plugins = found["plugins"]["nodes"]
        for each in plugins:
            one = self.api.ask(f'{{ plugin(id: "{each["id"]}") {{ version status }} }}')["plugin"]
            assert one == {"version": each["version"], "status": each["status"]}
        return updates, [
            f"{each['version']} {each['status']}: "
            + ", ".join(f"{old['status']} {name[old['log']]}" for old in each["history"]["nodes"])
            for each in plugins
        ]


OF_TWO = """{
  updates { nodes { version log } }
  plugins { nodes { id version status history { nodes { status log } } } }
}"""


@pytest.fixture
def two(api: Api, tmp_path: Path) -> Iterator[Two]:
    before = api.node.ledger
    with ledger_file() as first, ledger_file(after=first) as second:
        yield Two(api, first, second, tmp_path)
    api.node.ledger = before


def blocked(two: Two) -> Plugin:
    return plugin(two.first.id, version="0.4.0", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 60)


def newer(two: Two, version: str = "1.2.0") -> Update:
    return update(two.first.id, version.encode(), version=version)


def test_logs_of_one_ledger_are_judged_together(two: Two) -> None:
    assert two.take(two.first) == (["1.1.0 first"], ["0.3.0 PASS: PASS first"])
    two.second.say(newer(two), update(two.first.id), blocked(two), plugin(two.first.id))
    assert two.take(two.second) == (
        ["1.2.0 second", "1.1.0 first"],
        ["0.4.0 BLOCKED: PASS first, BLOCKED second"],
    )


def test_what_the_thief_of_both_keys_appended_goes_once_a_further_log_closes_that_one(two: Two) -> None:
    two.second.say(blocked(two))
    true = ["0.4.0 BLOCKED: PASS first, BLOCKED second"]
    assert two.take(two.first, two.second) == (["1.1.0 first"], true)
    two.first.say(
        update(two.first.id, b"!", signed_at=NOW_S + 90), newer(two, "6.6.6"),
        plugin(two.first.id, version="6.6.6", updated_at=NOW_S + 90),
    )  # fmt: skip
    assert two.take(two.first)[0] == ["6.6.6 first", "1.1.0 first"]
    two.close(4)
    assert two.take(two.second) == (["1.1.0 first"], true)


@pytest.mark.parametrize("thief_first", [True, False])
def test_a_copy_with_another_history_than_its_log_was_closed_with_neither_tells_nor_hides(
    two: Two, *, thief_first: bool
) -> None:
    first, second = two.first, two.second
    with first.stolen(4) as thief:
        thief.say(newer(two), blocked(two), newer(two, "6.6.6"))  # What the second says too, and more.
        first.say(newer(two, "1.0.5"), newer(two, "1.0.6"))
        two.close(6)
        second.say(newer(two), blocked(two))
        whole = ["1.2.0 second", "1.1.0 first", "1.0.6 first", "1.0.5 first"]
        plugins = ["0.4.0 BLOCKED: PASS first, BLOCKED second"]
        if thief_first:
            assert two.take(second, thief) == (["1.2.0 second"], ["0.4.0 BLOCKED: BLOCKED second"])
        else:
            assert two.take(second, first) == (whole, plugins)
        assert two.take(thief, first) == (whole, plugins)


def test_of_a_closed_log_that_is_here_in_part_only_what_was_followed_is_told_and_hides_nothing(two: Two) -> None:
    two.first.say(newer(two, "1.0.5"), newer(two, "1.0.6"))
    two.close(6)
    two.second.say(update(two.first.id), plugin(two.first.id))
    alone = ["1.1.0 second"], ["0.3.0 PASS: PASS second"]
    assert two.take(two.second) == alone
    assert two.take(two.first, size=5) == alone
    assert two.take(two.first)[0] == ["1.1.0 first", "1.0.6 first", "1.0.5 first"]


def test_who_knows_of_the_first_log_alone_goes_by_that(api: Api, two: Two, tmp_path: Path) -> None:
    api.node.ledger = trusting(api.node.node.store, tmp_path, two.first.manifests)
    two.second.say(newer(two), blocked(two))
    assert two.take(two.first, two.second) == (["1.1.0 first"], ["0.3.0 PASS: PASS first"])


def test_pages_go_on_across_logs(two: Two) -> None:
    two.second.say(*(newer(two, f"1.{n}.0") for n in range(2, 6)))
    two.first.say(*(newer(two, f"1.{n}.0") for n in range(6, 9)))
    two.take(two.first, two.second)
    found, after = list[str](), None
    query = "query($after: String) { updates(first: 3, after: $after) { nodes { version } pageInfo { endCursor } } }"
    while (page := two.api.ask(query, after=after)["updates"])["nodes"]:
        found, after = found + names(page, "version"), page["pageInfo"]["endCursor"]
    assert found == [f"1.{n}.0" for n in range(8, 0, -1)]


def test_what_was_counted_is_of_the_last_log_that_did_and_not_from_beyond_its_end(two: Two) -> None:
    counted, told = (
        PluginCounted("org.example.mining", 100, 4, 17, NOW_S),
        "{ plugins { nodes { downloads rating } } }",
    )

    def tells() -> tuple[int, float | None]:
        (one,) = two.api.ask(told)["plugins"]["nodes"]
        assert two.api.ask('{ plugin(id: "org.example.mining") { downloads rating } }')["plugin"] == one
        return one["downloads"], one["rating"]

    two.first.count(counted)
    two.take(two.first, two.second)
    assert tells() == (100, 4.3)
    two.second.say(plugin(two.first.id))
    two.second.count(replace(counted, downloads=900))
    two.take(two.second)
    assert tells() == (900, 4.3)
    two.first.count(replace(counted, downloads=10**15))
    two.close(5)
    two.take(two.first, two.second)
    assert tells() == (900, 4.3)


def test_a_copy_that_is_not_what_was_followed_tells_nothing(two: Two, tmp_path: Path) -> None:
    first = two.first
    with first.stolen(3) as thief:
        thief.say(plugin(first.id), newer(two), newer(two, "6.6.6"))
        first.say(blocked(two))
        memory = LedgerMemory(tmp_path, first.id)
        note = first.note()
        known = Seen(first.id).with_manifests(first.manifests)
        memory.see(lambda _: with_head(known, note, known.keys(), WITHOUT_WITNESSES))
        two.api.node.ledger = trusting(two.api.node.node.store, tmp_path, first.manifests)
        assert two.take(thief) == ([], [])


def test_an_invitation_from_a_stranger_s_ledger_makes_it_nobody_s_author(two: Two, tmp_path: Path) -> None:
    two.api.node.ledger = trusting(two.api.node.node.store, tmp_path, two.first.manifests)
    with ledger_file() as stranger:
        stranger.say(update(stranger.id, b"!", version="6.6.6"), plugin(stranger.id, id="org.example.evil"))
        two.take(stranger, two.first)
        both = frozenset({stranger.space, two.first.space})
        two.api.node.see_only(*both)  # As one is who answered it.
        assert two.told() == (["1.1.0 first"], ["0.3.0 PASS: PASS first"])
        assert two.api.ask('{ update(version: "6.6.6") { log } }')["update"] is None
        two.api.node.see_all()


def test_a_ledger_that_cannot_be_read_tells_of_nothing(api: Api, two: Two, tmp_path: Path) -> None:
    two.take(two.first)
    api.node.ledger = LedgerSpaces(tmp_path / "nowhere", tmp_path, api.node.node.store)
    assert two.told() == ([], [])

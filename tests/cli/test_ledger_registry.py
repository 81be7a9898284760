"""The ledger at home: its entries come from any source into the folder, verbatim, and say which updates there are."""

import json
import shutil
from typing import Any

import pytest

from scmanager.eventstore.tiles import bundle, parse_bundle
from tests.cli.conftest import served
from tests.support.home import Home
from tests.support.ledger import NOW_S
from tests.support.ledger_server import served as ledger_served
from tests.support.processes import wait_until


def test_the_ledger_comes_into_the_folder_and_says_which_updates_there_are(home: Home) -> None:
    assert home.scm("updates").error == "manifests-missing", "nothing is known of it yet"
    assert home.scm("fetch", home.public).code == 0
    assert home.scm("updates").error == "ledger-not-here"
    fetched = home.fetch()
    assert (fetched.code, fetched.json["size"], fetched.json["entries"]) == (0, 3, 3), fetched.err
    (found,) = home.scm("updates").json
    assert (found["version"], found["channel"], found["index"]) == ("1.1.0", "stable", 2)
    assert len(found["event_id"]) == 128
    assert home.scm("updates", "--channel", "beta").json == []
    (space,) = [each for each in home.author.scm("space", "list", "--json").json if each["kind"] == "author"]
    assert space["logs"] == 1
    verified = home.author.scm("log", "verify", "--deep", "--json").json
    assert verified["ok"], "verbatim, as any foreign log"


def test_what_is_new_comes_alone_by_folder_or_by_address(home: Home) -> None:
    assert home.fetch().json["entries"] == 3
    assert home.fetch().json["entries"] == 0
    home.say()
    assert home.fetch().json["entries"] == 1
    home.say(audit_status="blocked", updated_at=NOW_S + 60)
    home.say(id="org.example.overlay", name="Overlay")
    with ledger_served(home.public) as address:
        assert home.fetch(address).json["entries"] == 2
    found = home.scm("plugins").json
    assert [(each["id"], each["status"]) for each in found] == [
        ("org.example.mining", "blocked"), ("org.example.overlay", "pass"),
    ]  # fmt: skip
    assert [each["id"] for each in home.scm("plugins", "overl").json] == ["org.example.overlay"]
    assert [each["id"] for each in home.scm("plugins", "--status", "blocked").json] == ["org.example.mining"]
    assert home.scm("plugins", "--category", "ui").json == []
    shown = home.author.scm("ledger", "plugins", *home.words).out
    assert ("org.example.overlay" in shown, found[0]["content"] in shown) == (True, False)
    assert [each["status"] for each in home.scm("plugin", "org.example.mining").json] == ["pass", "blocked"]
    assert home.scm("plugin", "org.example.none").error == "plugin-unknown"


def test_what_is_counted_of_a_plugin_comes_with_the_ledger(home: Home) -> None:
    author = home.author

    def count(**said: Any) -> Any:
        line = {"plugin": "org.example.mining", "downloads": 12, "votes": 4, "rating_sum": 17, "until": NOW_S} | said
        (author / "counts").write_text(json.dumps(line) + "\n", encoding="ascii")
        return author.scm("author", "count", author / "counts", "--json", at="server")

    def told() -> list[tuple[Any, ...]]:
        return [(one["downloads"], one["votes"], one["rating"]) for one in home.scm("plugins").json]

    assert count().error == "count-unusable", "there is no such plugin yet"
    home.say()
    home.say(version="0.4.0", updated_at=NOW_S + 1)
    assert home.fetch().code == 0
    assert told() == [("0", "0", None)]
    first = count()
    assert (first.json["indices"], "scm author publish" in first.err) == ([5], True)
    again = count()
    assert (again.json["indices"], "stood there already" in again.err) == ([5], True), again.err
    assert count(downloads=11).error == "count-unusable"
    assert count(votes=13).error == "bad-counts"
    home.publish()
    assert home.fetch().json["entries"] == 1
    assert told() == [("12", "4", "4.3")]
    history = home.scm("plugin", "org.example.mining").json
    assert [(one["version"], one["downloads"]) for one in history] == [("0.3.0", None), ("0.4.0", "12")]


def test_what_a_newer_manifest_takes_back_counts_no_more_though_the_folder_holds_it(home: Home) -> None:
    assert home.fetch().code == 0
    author = home.author
    revoked = author.scm(
        "author", "revoke", author.public["release"], "--after", author / "keys", "--nothing-counts", "--instead",
        author.public["release-2"], "--key", author / "root-0", "--key", author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    assert revoked.code == 0, revoked.err
    assert home.scm("updates", "--manifests", author / "keys-2").json == []
    assert len(home.scm("updates").json) == 1, "nothing was fetched yet: this machine had not seen it"


@pytest.mark.parametrize("kind", ["tile/entries", "shared"])
def test_a_source_that_changed_anything_brings_nothing(home: Home, kind: str) -> None:
    (path,) = (home.public / kind / "000.p").iterdir()
    pieces = parse_bundle(path.read_bytes(), 3)
    pieces[2] = pieces[2].replace(b"1.1.0", b"1.1.1") if kind == "shared" else pieces[2][:-2] + b"xx"
    path.write_bytes(bundle(pieces))
    refused = home.fetch()
    assert refused.code == 1, refused.out
    assert home.scm("updates").error == "ledger-not-here"
    assert not list((home.author / "a").glob(".exchange.*")), "nothing is left lying about"


def test_a_source_that_lacks_something_brings_nothing(home: Home) -> None:
    shutil.rmtree(home.public / "shared")
    assert home.fetch().error == "ledger-files-broken"
    assert home.scm("updates").error == "ledger-not-here"


QUERY = """{
  updates(channel: STABLE, first: 10) { nodes { version channel log index eventId } totalCount nextStep }
  update(version: "1.1.0") { minSupportedVersion ledger }
  plugins(category: UTILITY, text: "MINING") {
    nodes { id status permissions index history { totalCount nodes { status index } } }
  }
  plugin(id: "org.example.mining") { name status }
  none: plugins(status: DEPRECATED) { nodes { id } nextStep }
}"""


def test_a_running_node_takes_it_in_and_its_api_tells_of_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    author, trust = home.author, home.author / "trust"
    trust.mkdir()
    (trust / "ledger-id").write_text(home.ledger, encoding="ascii")
    (trust / "author-keys.jsonl").write_bytes((author / "keys").read_bytes())
    (trust / "witnesses.policy").write_bytes((author / "nobody").read_bytes())
    monkeypatch.setenv("SCM_TRUST", str(trust))
    with served(home.author.folder, "a"):
        assert author.scm("query", QUERY).json["updates"]["totalCount"] == 0, "nothing was taken in yet"
        assert home.fetch().json["entries"] == 3
        home.say()
        home.say(audit_status="blocked", updated_at=NOW_S + 60)
        assert home.fetch().json["entries"] == 2
        assert [each["id"] for each in home.scm("plugins").json] == ["org.example.mining"]
        wait_until(lambda: author.scm("query", QUERY).json["plugins"]["nodes"])  # The read models follow.
        told = author.scm("query", QUERY).json
    assert told["update"] == {"minSupportedVersion": "0.1.0", "ledger": home.ledger}
    (update,) = told["updates"]["nodes"]
    assert (update["version"], update["channel"], update["index"], len(update["eventId"])) == (
        "1.1.0",
        "STABLE",
        2,
        128,
    )
    (plugin_,) = told["plugins"]["nodes"]
    assert (plugin_["id"], plugin_["status"], plugin_["index"]) == ("org.example.mining", "BLOCKED", 4)
    assert [each["status"] for each in plugin_["history"]["nodes"]] == ["PASS", "BLOCKED"]
    assert told["plugin"] == {"name": "Mining ledger", "status": "BLOCKED"}
    assert told["none"]["nodes"] == []
    assert told["none"]["nextStep"]
    assert [each["version"] for each in home.scm("updates").json] == ["1.1.0"]

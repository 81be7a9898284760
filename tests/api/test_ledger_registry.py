"""The registry over HTTP: what installations are told of a version, of updates by channel, of plugins, of entries."""

import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha3_512, sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from scmanager.adapters.ledger_source import from_folder
from scmanager.api import ledger_registry, readers
from scmanager.application.published import Published
from scmanager.application.published_registry import PublishedRegistry
from scmanager.domain.counting import PluginCounted
from scmanager.domain.ledger import AuditStatus, Category, Channel
from scmanager.eventstore import parts
from scmanager.eventstore.entry import parse
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.signing import verify
from scmanager.eventstore.tiles import bundle, parse_bundle
from scmanager.master_ledger import issuing, submission, verification
from scmanager.master_ledger.statement import manifest_hash, message
from scmanager.master_ledger.verification import Artefact
from tests.golden.logs import key_of
from tests.support.ledger import (
    HERE,
    LATER_RELEASE,
    NOW_S,
    RELEASE,
    ROOTS,
    WITHOUT_WITNESSES,
    artefact,
    plugin,
    signed,
    trusted,
    update,
)
from tests.support.ledger_server import Ledger, served

UPDATES, PLUGINS, ENTRIES = "/api/v1/updates", "/api/v1/plugins", "/api/v1/ledger/entries"


class Asked:
    """The server over a ledger that holds a few releases and plugins, and what does not count."""

    def __init__(self, ledger: Ledger, client: httpx.Client) -> None:
        self.ledger, self.client = ledger, client
        self.id = manifest_hash(ledger.first.statement)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, **params: Any) -> tuple[int, str]:
        answer = self.client.get(path, params=params)
        return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


def made(store: MemoryStore, folder: Path) -> Ledger:
    ledger = Ledger(store, folder)
    id_ = manifest_hash(ledger.first.statement)
    beta = {"channel": Channel.BETA, "min_supported_version": "0.9.0"}
    ledger.say(
        ledger.first,
        submission.make(update(id_, b"1.0.0", version="1.0.0"), [RELEASE]),
        submission.make(update(id_, b"beta", version="1.1.0-beta.1", **beta), [RELEASE]),
        submission.make(update(id_), [RELEASE]),
        submission.make(update(id_, b"forged", version="6.6.6"), [key_of("a thief")]),
        submission.make(plugin(id_), [RELEASE]),
        submission.make(plugin(id_, id="org.example.overlay", name="Overlay", category=Category.UI), [RELEASE]),
        submission.make(
            plugin(id_, version="0.4.0", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 60), [RELEASE]
        ),
    )
    ledger.fill(300)
    ledger.publish()
    return ledger


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    store = MemoryStore()
    ledger = made(store, tmp_path_factory.mktemp("ledger"))
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield Asked(ledger, client)
    store.close()


def test_a_version_is_verified_with_its_signature_and_a_proof_that_convinces_offline(asked: Asked) -> None:
    told = asked.get(f"{UPDATES}/1.1.0/verify")
    assert (told["version"], told["is_valid"], told["reasons"]) == ("1.1.0", True, [])
    assert (told["channel"], told["ledger"]) == ("stable", asked.id.hex())
    said = update(asked.id)
    assert told["content_hash"] == said.content_hash
    assert verify(RELEASE.public, message(said), b64decode(told["signature"]))
    keys = trusted(asked.ledger.first)
    report = verification.verify_update(artefact(), told["proof"].encode(), keys, WITHOUT_WITNESSES, HERE)
    assert report.ok, report.problems


def test_what_a_thief_entered_is_not_valid_and_it_is_said_why(asked: Asked) -> None:
    told = asked.get(f"{UPDATES}/6.6.6/verify")
    assert (told["is_valid"], [each["code"] for each in told["reasons"]]) == (False, ["signatures-missing"])
    assert all(each["hint"] for each in told["reasons"])
    found = Artefact(sha256(b"forged").digest(), len(b"forged"))
    keys = trusted(asked.ledger.first)
    report = verification.verify_update(found, told["proof"].encode(), keys, WITHOUT_WITNESSES, HERE)
    assert [each.code for each in report.problems] == ["signatures-missing"], "and the proof says so too"
    assert "6.6.6" not in [each["version"] for each in asked.get(UPDATES)["nodes"]]


def test_a_version_that_nobody_released_is_not_there(asked: Asked) -> None:
    for version in ("9.9.9", "noise", "1.1", "x" * 5000):
        assert asked.refused(f"{UPDATES}/{version}/verify") == (404, "update-unknown"), version
    assert asked.refused(f"{UPDATES}/1.1.0/verify", channel="beta") == (404, "update-unknown")
    assert asked.refused(f"{UPDATES}/1.1.0/verify", channel="noise") == (400, "ledger-word-unknown")


def test_updates_are_listed_by_channel_with_what_each_needs(asked: Asked) -> None:
    told = asked.get(UPDATES, channel="stable")
    assert [each["version"] for each in told["nodes"]] == ["1.1.0", "1.0.0"]
    (beta,) = asked.get(UPDATES, channel="beta")["nodes"]
    assert (beta["version"], beta["min_supported_version"], beta["index"]) == ("1.1.0-beta.1", "0.9.0", 3)
    one, _ = asked.ledger.server.said[3]
    assert (beta["log"], beta["event_id"]) == (one.log.hex(), one.id.hex())
    assert set(beta) >= {
        "content_hash", "version", "channel", "min_supported_version", "signatures", "signed_at", "changelog_url",
        "size_bytes", "update_type",
    }, "as SPEC A3 lists them"  # fmt: skip
    assert asked.get(UPDATES, channel="alpha") == {"ledger": asked.id.hex(), "nodes": [], "next": None}


def test_a_list_comes_page_by_page(asked: Asked) -> None:
    whole = [each["version"] for each in asked.get(UPDATES)["nodes"]]
    assert whole == ["1.1.0-beta.1", "1.1.0", "1.0.0"]
    found, after = [], ""
    while True:
        told = asked.get(UPDATES, first=1, **({"after": after} if after else {}))
        found += [each["version"] for each in told["nodes"]]
        after = told["next"]
        if after is None:
            break
    assert found == whole
    assert asked.refused(UPDATES, after="noise") == (400, "ledger-cursor-unknown")
    for first in ("0", "101", "-1", "1e1", "٣", "x"):
        assert asked.refused(UPDATES, first=first) == (400, "ledger-word-unknown"), first


def test_plugins_are_looked_up_with_their_whole_history(asked: Asked) -> None:
    told = asked.get(f"{PLUGINS}/org.example.mining")
    assert (told["plugin"]["version"], told["plugin"]["audit_status"]) == ("0.4.0", "blocked")
    assert [(each["version"], each["index"]) for each in told["history"]] == [("0.3.0", 6), ("0.4.0", 8)]
    assert set(told["plugin"]) >= {
        "id", "version", "name", "author", "description", "content_hash", "permissions", "required_core_version",
        "tos_compliance_hash", "audit_status", "signatures", "category", "registered_at", "updated_at",
    }, "as SPEC A4 lists them"  # fmt: skip
    assert asked.refused(f"{PLUGINS}/org.example.none") == (404, "plugin-unknown")


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, ["org.example.mining", "org.example.overlay"]),
        ({"category": "UI"}, []),
        ({"category": "ui"}, ["org.example.overlay"]),
        ({"status": "blocked"}, ["org.example.mining"]),
        ({"status": "pass"}, ["org.example.overlay"]),
        ({"text": "OVER"}, ["org.example.overlay"]),
        ({"text": "hold", "status": "pass"}, ["org.example.overlay"]),
        ({"text": "nothing of the kind"}, []),
    ],
)
def test_plugins_are_found_by_category_status_and_text(
    asked: Asked, params: dict[str, str], found: list[str]
) -> None:
    if params.get("category") == "UI":
        assert asked.refused(PLUGINS, **params) == (400, "ledger-word-unknown")
        return
    assert [each["id"] for each in asked.get(PLUGINS, **params)["nodes"]] == found


def test_an_entry_comes_as_it_was_hashed(asked: Asked) -> None:
    for index in (0, 3, 8, 300):
        told = asked.get(f"{ENTRIES}/{index}")
        data, shared = b64decode(told["entry"]), b64decode(told["shared"])
        assert told["event_id"] == sha3_512(data).hexdigest()
        assert b64decode(told["leaf"]) == leaf_hash(data) == asked.ledger.server.leaves[index]
        one = parse(data)
        assert (one.seq, told["log"]) == (index, (one.log or one.id32).hex() if index else told["log"])
        if one.parts:
            parts.check(one.parts[0], shared, 0)
    for index in (asked.ledger.server.head().size, 10**15):
        assert asked.refused(f"{ENTRIES}/{index}") == (404, "ledger-place-unknown")
    assert asked.refused(f"{ENTRIES}/noise") == (404, "ledger-file-unknown")


def test_what_is_published_later_counts_and_what_is_revoked_does_not(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger = made(store, tmp_path)
    id_ = manifest_hash(ledger.first.statement)
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:

        def stable() -> list[str]:
            nodes = client.get(UPDATES, params={"channel": "stable"}).json()["nodes"]
            return [each["version"] for each in nodes]

        assert stable() == ["1.1.0", "1.0.0"]
        ledger.say(submission.make(update(id_, b"1.2.0", version="1.2.0"), [RELEASE]))
        ledger.publish()
        assert stable() == ["1.2.0", "1.1.0", "1.0.0"]
        made_ = issuing.revocation(ledger.first.statement, RELEASE.public, {}, NOW_S, LATER_RELEASE.public)
        manifests = submission.encode([ledger.first, signed(made_, *ROOTS[:2])])
        (ledger.public / "manifests").write_bytes(manifests)
        assert stable() == []
        told = client.get(f"{UPDATES}/1.2.0/verify").json()
        assert (told["is_valid"], [each["code"] for each in told["reasons"]]) == (False, ["signatures-missing"])
    store.close()


def test_a_folder_without_keys_or_with_changed_statements_answers_nothing_wrong(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger = made(store, tmp_path)
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:
        told = Asked(ledger, client)
        (ledger.public / "manifests").unlink()
        assert told.refused(UPDATES) == (503, "ledger-files-broken")
        said = update(told.id).content_hash
        assert client.get(f"/api/v1/ledger/proofs/{said}").status_code == 200, "for that no keys are needed"
    shared = ledger.public / "shared" / "000"
    found = parse_bundle(shared.read_bytes(), 256)
    found[4] = found[4].replace(b'"stable"', b'"beta"')
    shared.write_bytes(bundle(found))
    ledger.publish()
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:
        told = Asked(ledger, client)
        assert told.refused(UPDATES) == (503, "ledger-files-broken")
        assert client.get(UPDATES).headers["retry-after"] == "1"
    store.close()


def test_who_asks_while_much_is_read_is_told_to_wait_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is slow: nobody else waits, and what was asked for is there once it was read."""
    store = MemoryStore()
    ledger = made(store, tmp_path)
    monkeypatch.setattr(ledger_registry, "FOLLOW_S", 0.2)
    go = threading.Event()

    def slow(path: str, bytes_max: int) -> bytes:
        if path.startswith("shared/"):
            assert go.wait(20)
        return from_folder(ledger.public)(path, bytes_max)

    with served(slow) as url, httpx.Client(base_url=url, trust_env=False) as client:
        told = Asked(ledger, client)
        for _ in range(3):
            assert told.refused(UPDATES) == (503, "ledger-still-read")
        begun = time.monotonic()
        for path in ("/checkpoint", "/tile/0/000", "/api/v1/ledger/inclusion/3", "/tile/entries/000"):
            assert client.get(path).status_code == 200, path
        assert time.monotonic() - begun < 10
        go.set()
        end = time.monotonic() + 20
        while (answer := client.get(UPDATES)).status_code == 503 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(answer.json()["nodes"]) == 3
    store.close()


def test_another_ledger_in_the_same_folder_is_read_anew(tmp_path: Path) -> None:
    stores = MemoryStore(), MemoryStore()
    old = made(stores[0], tmp_path / "old")
    new = Ledger(stores[1], tmp_path / "new", "another ledger")
    new.say(new.first, submission.make(update(manifest_hash(new.first.statement), version="3.0.0"), [RELEASE]))
    new.fill(400)
    new.publish()
    place = {"at": old.public}

    def read(path: str, bytes_max: int) -> bytes:
        return from_folder(place["at"])(path, bytes_max)

    registry = PublishedRegistry(read, Published(read))
    registry.follow()
    assert len(registry.updates(None)) == 3
    place["at"] = new.public
    registry.follow()
    assert [each.said.statement.version for each in registry.updates(None)] == ["3.0.0"]
    for each in stores:
        each.close()


def test_one_address_is_slowed_down_and_no_other(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a web server in front says who asks. The bucket fills slowly here, however slow this machine is just now."""
    monkeypatch.setattr(readers, "FILL_S", 0.01)
    busy, other = {"x-forwarded-for": "198.51.100.7"}, {"x-forwarded-for": "198.51.100.7, 203.0.113.9"}
    answers = [asked.client.get(PLUGINS, headers=busy) for _ in range(201)]
    told = {each.status_code for each in answers}
    assert told == {200, 429}
    late = next(each for each in answers if each.status_code == 429)
    assert int(late.headers["retry-after"]) >= 1
    assert late.json()["errors"][0]["extensions"]["code"] == "too-many-requests"
    assert asked.client.get(PLUGINS, headers=other).status_code == 200
    assert asked.client.get("/checkpoint").status_code == 200


def counts_of(client: httpx.Client, plugin_: str) -> tuple[int, int, float | None]:
    told = client.get(f"{PLUGINS}/{plugin_}").json()
    rows = {each["id"]: each for each in client.get(PLUGINS).json()["nodes"]}
    assert rows[plugin_] == told["plugin"] == told["history"][-1]
    assert [each["download_count"] for each in told["history"][:-1]] == [None] * (len(told["history"]) - 1)
    return told["plugin"]["download_count"], told["plugin"]["votes"], told["plugin"]["rating"]


def test_a_plugin_has_what_was_counted_last_and_hostile_counts_are_void(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger, mining, none = made(store, tmp_path), "org.example.mining", "org.example.none"
    with served(ledger.public) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert counts_of(client, mining) == (0, 0, None)
        for more, found in (
            ([PluginCounted(mining, 10, 4, 17, NOW_S)], (10, 4, 4.3)),
            ([PluginCounted(mining, 9, 4, 17, NOW_S + 1), PluginCounted(mining, 20, 4, 21, NOW_S + 1)], (10, 4, 4.3)),
            ([PluginCounted(mining, 5, 6, 0, NOW_S + 1), PluginCounted(mining, 12, 4, 17, NOW_S - 1)], (10, 4, 4.3)),
            ([PluginCounted(none, 5, 0, 0, NOW_S), PluginCounted(mining, 11, 5, 17, NOW_S)], (11, 5, 3.4)),
        ):  # fmt: skip
            ledger.count(*more)
            ledger.publish()
            assert counts_of(client, mining) == found
        assert counts_of(client, "org.example.overlay") == (0, 0, None)
        assert client.get(f"{PLUGINS}/{none}").status_code == 404
    fresh = PublishedRegistry(from_folder(ledger.public))
    fresh.follow()
    (counts,) = fresh.counts([mining])
    assert counts == PluginCounted(mining, 11, 5, 17, NOW_S), "read at once it is the same"
    store.close()

"""Forensics through the API: the same answers as `scm audit` gives of the folder, within bounds and rights."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scmanager.adapters.node_file import NodeFile, write_node_file
from scmanager.api.turns import WAITING_MAX, ReplaysBusy, Turns
from scmanager.cli.entry import run
from scmanager.domain.catalogue import FLEETS
from scmanager.domain.fleet import Fleet
from scmanager.forensics import asking
from scmanager.spaces.state_digest import state_digest
from tests.cli.conftest import Answer
from tests.support.api_node import Api
from tests.support.fleet_of import Nova, populate
from tests.support.ledger_file import ledger_file, trusting

AS_OF = """query ($space: ID!, $at: SpacePoint, $kinds: [ThingKind!], $first: Int, $after: String) {
  asOf(space: $space, at: $at, kinds: $kinds, first: $first, after: $after) {
    space kind called point said newest entries valid void unknown held closed forks frontier digest foldVersion
    heads { log branch size head root signedSize holds }
    totalCount nodes { kind id name brief fields { name value } } hasNextPage endCursor
    ledger { id newestManifest rootKeys releaseKeys updates standing { name value } } } }"""
EXPLAIN = """query ($space: ID!, $event: ID, $thing: ID, $kind: ThingKind, $field: String, $at: SpacePoint,
    $first: Int, $after: String) {
  explain(space: $space, event: $event, thing: $thing, kind: $kind, field: $field, at: $at, first: $first,
      after: $after) {
    kind id name field value contests { field outcome }
    totalCount hasNextPage endCursor nodes {
      event type at dated counts valid reason because sentence member by grant role rank device
      says { name value } changed { field before after ofList } saw
      log branch index headSize origin logKey note } } }"""
DIGEST = """query ($space: ID!, $kind: ThingKind, $first: Int, $after: ID) {
  stateDigest(space: $space, kind: $kind, first: $first, after: $after) {
    space pos frontier digest foldVersion nodes { name value } hasNextPage endCursor } }"""

Scm = Callable[..., Any]


@pytest.fixture(scope="module")
def ours(api: Api) -> Nova:
    return populate(api.node, members=4, ships=9, title="Looked back at")


@pytest.fixture
def scm(api: Api, ours: Nova, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scm:
    """`scm audit ... --json` of this organisation, beside the node that runs in the folder."""
    settings = api.node.node.settings
    monkeypatch.setenv("SCM_STATE", str(settings.state))

    def command(*words: object, code: int = 0) -> Any:
        given = ["audit", *(str(each) for each in words), "--space", ours.space, "--json"]
        ended = run(["--data", str(settings.data), *given])
        told = capsys.readouterr()
        answer = Answer(ended, told.out, told.err)
        assert ended == code, answer.err
        return answer.json

    return command


def all_things(api: Api, **given: Any) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = api.ask(AS_OF, **given, after=after)["asOf"]
        yield from page["nodes"]
        if not page["hasNextPage"]:
            return
        after = page["endCursor"]


def test_a_space_as_of_a_point_is_what_the_command_tells_of_the_folder(api: Api, ours: Nova, scm: Scm) -> None:
    now = scm("replay")
    half = now["heads"][0]["size"] // 2
    event = now["heads"][0]["head"]
    points: list[tuple[Any, dict[str, Any] | None]] = [
        ("now", None),
        (api.node.last_pos() - half, {"pos": api.node.last_pos() - half}),
        (event, {"entry": event[:64]}),
        (now["frontier"], {"frontier": now["frontier"]}),
        ("2100-01-01", {"time": "2100-01-01T00:00:00Z"}),
        ("1990-01-01", {"time": "1990-01-01T00:00:00Z"}),
    ]
    for typed, at in points:
        told, asked = scm("replay", "--until", typed), {"space": ours.space, "at": at}
        answer = api.ask(AS_OF, **asked)["asOf"]
        for name in ("space", "kind", "entries", "valid", "void", "unknown", "held", "closed", "forks", "frontier"):
            assert answer[name] == told[name], (typed, name)
        assert (answer["digest"], answer["foldVersion"]) == (told["digest"], told["fold_version"]), typed
        assert answer["point"] == told["until"]["kind"]
        renamed = [
            {"signedSize" if name == "signed_size" else name: each[name] for name in each} for each in told["heads"]
        ]
        assert answer["heads"] == renamed
        things = [
            {"kind": each["kind"].lower(), "id": each["id"], "name": each["name"], "brief": each["brief"],
             "fields": {one["name"]: one["value"] for one in each["fields"]}}
            for each in all_things(api, **asked, first=7)
        ]  # fmt: skip
        assert things == sorted(told["things"], key=lambda each: (each["kind"], each["id"])), typed
        assert answer["totalCount"] == len(things)


def test_only_what_is_asked_for_is_told_page_by_page(api: Api, ours: Nova) -> None:
    ships = list(all_things(api, space=ours.space, kinds=["SHIP", "FLEET"], first=4))
    assert {each["kind"] for each in ships} == {"SHIP", "FLEET"}
    assert sorted(each["id"] for each in ships if each["kind"] == "SHIP") == sorted(ours.ships)
    assert len(ships) == len({(each["kind"], each["id"]) for each in ships})


def test_a_thing_a_field_and_an_event_are_explained_as_the_command_does(api: Api, ours: Nova, scm: Scm) -> None:
    for words, asked in (
        ((ours.operation, "--kind", "operation"), {"thing": ours.operation, "kind": "OPERATION"}),
        ((f"{ours.fleet}.title",), {"thing": ours.fleet, "kind": "FLEET", "field": "title"}),
        ((ours.members[0], "--kind", "member"), {"thing": ours.members[0], "kind": "MEMBER"}),
    ):
        told = scm("explain", *words)
        answer = api.ask(EXPLAIN, space=ours.space, first=200, **asked)["explain"]
        assert (answer["kind"], answer["id"], answer["value"]) == (told["kind"], told["id"], told["value"])
        check_steps(answer["nodes"], told["steps"])
        assert answer["totalCount"] == len(told["steps"])
    event = told["steps"][-1]["event"]
    by_itself = api.ask(EXPLAIN, space=ours.space, event=event[:64])["explain"]
    check_steps(by_itself["nodes"], scm("explain", event)["steps"])


def check_steps(answered: list[dict[str, Any]], told: list[dict[str, Any]]) -> None:
    assert len(answered) == len(told)
    for one, other in zip(answered, told, strict=True):
        for name in (
            "event",
            "type",
            "counts",
            "valid",
            "reason",
            "because",
            "sentence",
            "grant",
            "rank",
            "device",
            "saw",
        ):
            assert one[name] == other[name], name
        assert (one["member"], one["by"]) == (other["by"]["id"], other["by"]["name"])
        assert one["at"].replace(".000000", "") == other["at"]
        assert {each["name"]: each["value"] for each in one["says"]} == other["says"]
        assert [(each["field"], each["before"], each["after"]) for each in one["changed"]] == [
            (each["field"], each["before"], each["after"]) for each in other["changed"]
        ]
        place = other["proved"] | {"headSize": other["proved"]["size"], "logKey": other["proved"]["key"]}
        for name in ("log", "branch", "index", "headSize", "origin", "logKey", "note"):
            assert one[name] == place[name], name


def test_the_steps_of_a_thing_come_in_pages(api: Api, ours: Nova) -> None:
    asked = {"space": ours.space, "thing": ours.operation, "kind": "OPERATION"}
    whole = api.ask(EXPLAIN, **asked, first=200)["explain"]
    assert whole["totalCount"] > 2
    found, after = [], None
    for _ in range(whole["totalCount"]):
        page = api.ask(EXPLAIN, **asked, first=2, after=after)["explain"]
        found, after = found + page["nodes"], page["endCursor"]
        if not page["hasNextPage"]:
            break
    assert found == whole["nodes"]


def test_the_node_s_own_digest_is_that_of_a_replay_and_of_each_thing(api: Api, ours: Nova, scm: Scm) -> None:
    told, live = scm("replay"), api.ask(DIGEST, space=ours.space)["stateDigest"]
    assert (live["digest"], live["frontier"], live["foldVersion"]) == (
        told["digest"], told["frontier"], told["fold_version"],
    )  # fmt: skip
    assert live["pos"] == api.node.last_pos()
    with api.node.shelf.lock:
        assert live["digest"] == state_digest(api.node.shelf.space(bytes.fromhex(ours.space))).hex()
    assert live["nodes"] == []
    first = api.ask(DIGEST, space=ours.space, kind="SHIP", first=5)["stateDigest"]
    rest = api.ask(DIGEST, space=ours.space, kind="SHIP", first=200, after=first["endCursor"])
    both = [*first["nodes"], *rest["stateDigest"]["nodes"]]
    assert [each["name"] for each in both] == sorted(ours.ships)
    given = f'space: "{ours.space}", shipId: "{both[0]["name"]}", nickname: "Anew"'
    api.do("shipName", given)
    changed = api.ask(DIGEST, space=ours.space, kind="SHIP", first=200)["stateDigest"]["nodes"]
    assert [one["name"] for one, other in zip(changed, both, strict=True) if one != other] == [both[0]["name"]]


def test_a_replay_is_compared_with_the_node_that_runs_in_the_folder(api: Api, ours: Nova, scm: Scm) -> None:
    assert scm("replay")["node"] is None
    folder, space = api.node.node.settings.data, api.node.shelf.space(bytes.fromhex(ours.space))
    write_node_file(folder, NodeFile(os.getpid(), api.port, api.node.token))
    try:
        told = scm("replay")
        assert told["node"] == {
            "pos": api.node.last_pos(), "frontier": told["frontier"], "digest": told["digest"],
            "fold_version": told["fold_version"], "same": True, "differing": [],
        }  # fmt: skip
        assert scm("replay", "--until", 3)["node"]["same"] is None
        (fleet,) = [space.thing(FLEETS, bytes.fromhex(ours.fleet))]
        assert fleet is not None
        right, fleet.state = fleet.state, Fleet(disbanded=True)
        told = scm("replay", code=1)
        fleet.state = right
        assert (told["node"]["same"], told["node"]["differing"]) == (False, [{"kind": "fleet", "id": ours.fleet}])
        assert told["node"]["digest"] != told["digest"]
        api.node.see_only()
        assert scm("replay")["node"] is None
    finally:
        api.node.see_all()
        (folder / "node.json").unlink()


def test_the_author_s_ledger_is_told_with_its_keys(api: Api, ours: Nova, tmp_path: Any) -> None:
    with ledger_file() as ledger:
        api.node.exchange.import_space(ledger.write(tmp_path / "file"))
        assert api.refused(AS_OF, space=ledger.space.hex())["code"] == "space-not-visible"
        api.node.ledger = trusting(api.node.node.store, tmp_path, ledger.manifests)
        told = api.ask(AS_OF, space=ledger.space.hex())["asOf"]["ledger"]
        api.node.ledger = None
    assert (told["id"], told["newestManifest"], told["updates"]) == (ledger.id.hex(), 1, 1)
    assert (len(told["rootKeys"]), len(told["releaseKeys"])) == (3, 1)
    held = {each["name"]: each["value"] for each in told["standing"]}
    assert "stable bafkrei" in held["update"]
    assert held["release"].endswith(", 1 of 1")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"space": "00" * 32}, "space-not-visible"),
        ({"space": "00"}, "id-malformed"),
        ({"at": {"pos": 1, "time": "2026-01-01T00:00:00Z"}}, "audit-points-unclear"),
        ({"at": {"pos": -1}}, "audit-points-unclear"),
        ({"at": {"pos": 2**40}}, "audit-point-ahead"),
        ({"at": {"entry": "00" * 32}}, "audit-point-unknown"),
        ({"at": {"entry": "00" * 16}}, "id-malformed"),
        ({"first": 0}, "page-unclear"),
        ({"after": "nonsense"}, "cursor-malformed"),
        ({"after": "\u2603"}, "cursor-malformed"),
    ],
)
def test_what_cannot_be_told_is_refused(api: Api, ours: Nova, asked: dict[str, Any], code: str) -> None:
    assert api.refused(AS_OF, **({"space": ours.space} | asked))["code"] == code


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "audit-what-unclear"),
        ({"thing": "00" * 16}, "audit-what-unclear"),
        ({"event": "00" * 32, "thing": "00" * 16, "kind": "SHIP"}, "audit-what-unclear"),
        ({"event": "00" * 32}, "audit-entry-not-then"),
        ({"thing": "00" * 16, "kind": "SHIP"}, "audit-thing-unsaid"),
    ],
)
def test_what_is_not_there_is_not_explained(api: Api, ours: Nova, asked: dict[str, Any], code: str) -> None:
    assert api.refused(EXPLAIN, **({"space": ours.space} | asked))["code"] == code
    field = {"thing": ours.fleet, "kind": "FLEET", "field": "wings"}
    assert api.refused(EXPLAIN, space=ours.space, **field)["code"] == "audit-field-unknown"


def test_what_others_are_in_is_not_told(api: Api, ours: Nova) -> None:
    api.node.see_only()
    try:
        for query in (AS_OF, EXPLAIN, DIGEST):
            assert api.refused(query, space=ours.space)["code"] == "space-not-visible"
    finally:
        api.node.see_all()


def test_a_replay_that_is_too_long_is_refused(api: Api, ours: Nova, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ENTRIES_MAX", 3)
    assert api.refused(AS_OF, space=ours.space)["facts"] == {"limit": "3 entries"}
    monkeypatch.setattr(asking, "ENTRIES_MAX", 10**6)
    monkeypatch.setattr(asking, "TIME_MAX_S", 0.0)
    refused = api.refused(EXPLAIN, space=ours.space, thing=ours.fleet, kind="FLEET")
    assert (refused["code"], refused["family"]) == ("audit-replay-too-long", "Refused")


def test_one_is_answered_at_a_time_and_few_wait_while_the_loop_goes_on() -> None:
    goes_on, running = threading.Event(), []

    def act() -> int:
        running.append(threading.current_thread().name)
        assert goes_on.wait(10)
        return len(running)

    async def ask() -> None:
        turns = Turns()
        waiting = [asyncio.ensure_future(turns.take(act)) for _ in range(WAITING_MAX + 1)]
        await asyncio.sleep(0)
        with pytest.raises(ReplaysBusy):
            await turns.take(act)
        deadline = time.monotonic() + 10
        while not running:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.001)
        assert len(running) == 1
        waiting[-1].cancel()  # A client hung up: its turn is not anybody else's.
        goes_on.set()
        assert await asyncio.gather(*waiting[:-1]) == [1, 2, 3, 4]
        while turns._taken:
            await asyncio.sleep(0.001)
        assert await turns.take(lambda: "again") == "again"
        turns.close()

    asyncio.run(ask())

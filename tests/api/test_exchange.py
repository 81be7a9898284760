"""The exchange through the API: a guest's machine and a running node let each other in, by files alone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters.recovery_sheet import encode_seed
from scmanager.adapters.space_file import parse_hand_over
from scmanager.api import guard
from scmanager.exchanging import Exchange
from scmanager.runtime import Node
from tests.support.api_node import Api
from tests.support.gapped import size_of, write_pieces
from tests.support.machines import Machine, found, officer_role
from tests.support.space_files import parse_space

PENDING = """query ($s: ID!) { pending(space: $s) {
  waiting { number log first last missing sizeBytes since why } dropped { number log first last code reason } } }"""
DISCARD = "mutation ($s: ID!, $n: Whole!) { pendingDiscard(space: $s, number: $n) { waiting } }"
BYTES = {"content-type": "application/octet-stream"}


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Node]:
    """Another machine, which runs no API."""
    with Machine(tmp_path, "guest").open() as node:
        yield node


@pytest.fixture(scope="module")
def ours(api: Api) -> dict[str, str]:
    """A space of the node with a role to let people in by."""
    space = api.do("organisationFound", 'title: "Doors", handle: "lead"')["space"]
    role = api.do("roleDefine", f'space: "{space}", title: "Pilot", rank: 5, rights: []')["role"]
    return {"space": space, "role": role}


def test_somebody_is_let_in_through_the_api(api: Api, ours: dict[str, str], guest: Node, tmp_path: Path) -> None:
    space = ours["space"]
    member = api.do("memberInvite", f'space: "{space}"')["member"]
    invited = _text(api, "query", "invitation", space=("ID!", space), member=("ID!", member))
    asked = Exchange(guest).request(invited.encode()).decode()
    text = (
        "mutation ($r: String!, $role: ID!) { memberAdmit(request: $r, roleId: $role) { member pos ids { name } } }"
    )
    admitted = api.ask(text, r=asked, role=ours["role"])["memberAdmit"]
    assert admitted["member"] == member
    assert api.ask("{ node { projectedPos } }")["node"]["projectedPos"] >= admitted["pos"]
    file = tmp_path / "space"
    file.write_bytes(_export(api, space))
    assert Exchange(guest).import_space(file)["acts"]
    guest.do("member.join", bytes.fromhex(space), {"handle": "guest"})
    Exchange(guest).export_space(bytes.fromhex(space), file)
    brought = _import(api, file.read_bytes()).json()
    assert brought.pop("entries") >= 1
    assert brought == {"space": space, "logs": 2, "closed": 0, "acts": True, "pending": [], "dropped": []}
    assert _import(api, file.read_bytes()).json()["entries"] == 0


@pytest.mark.slow
def test_a_machine_of_ones_own_is_let_in_through_the_api(api: Api, ours: dict[str, str], guest: Node) -> None:
    space = ours["space"]
    me = api.node.node.writer.member(bytes.fromhex(space)).hex()
    invited = _text(api, "query", "invitation", space=("ID!", space), member=("ID!", me))
    asked = Exchange(guest).request(invited.encode()).decode()
    done = api.ask("mutation ($r: String!) { deviceAdmit(request: $r) { ids { name value } } }", r=asked)
    assert done["deviceAdmit"]["ids"]
    assert any(guest.identity.device in each.devices for each in api.node.shelf.space(bytes.fromhex(space)).grants())


def test_the_node_asks_to_be_let_in_elsewhere(api: Api, guest: Node, tmp_path: Path) -> None:
    space = found(guest, "Elsewhere")
    role = officer_role(guest, space)
    member = bytes.fromhex(guest.do("member.invite", space, {})["member"])
    invited = Exchange(guest).invitation(space, member).decode()
    file = tmp_path / "space"
    asked = _text(api, "mutation", "spaceRequest", invitation=("String!", invited))
    Exchange(guest).admit(asked.encode(), role)
    Exchange(guest).export_space(space, file)
    assert _import(api, file.read_bytes()).json()["acts"]
    assert api.do("memberJoin", f'space: "{space.hex()}", handle: "visitor"')["member"] == member.hex()


def test_the_founders_seat_is_handed_over_through_the_api(api: Api, guest: Node, tmp_path: Path) -> None:
    space = found(guest, "Lost")
    (sheet,) = guest.settings.data.glob("recovery-*.txt")
    file = tmp_path / "space"
    Exchange(guest).export_space(space, file)
    assert not _import(api, file.read_bytes()).json()["acts"]
    offer = _text(api, "mutation", "recoveryOffer", space=("ID!", space.hex()), recoveryKeys=("Whole!", 3))
    assert len(parse_hand_over(offer.encode()).recovery_keys) == 3
    sign = "mutation ($o: String!, $p: [String!]!) { recoverySign(offer: $o, pages: $p) { text } }"
    assert api.refused(sign, o=offer, p=[" ".join(encode_seed(bytes(32)))])["code"] == "recovery-keys-wrong"
    signed = api.ask(sign, o=offer, p=[sheet.read_text("utf-8")])["recoverySign"]["text"]
    taken = api.ask("mutation ($s: String!) { recoveryTake(signed: $s) { space log } }", s=signed)["recoveryTake"]
    assert taken["space"] == space.hex()
    assert api.node.node.writer.seat_log(space) == bytes.fromhex(taken["log"])


def test_a_mirror_gets_no_keys(api: Api, ours: dict[str, str]) -> None:
    assert parse_space(_export(api, ours["space"])).keys is not None
    assert parse_space(_export(api, ours["space"], keys="false")).keys is None


def test_an_organisation_may_have_several_recovery_keys(api: Api) -> None:
    done = api.do("organisationFound", 'title: "Careful", handle: "x", recoveryKeys: 3')
    held = api.node.shelf.space(bytes.fromhex(done["space"])).recovery_keys()
    assert (held.m, len(held.keys)) == (2, 3)


def test_read_models_are_made_anew_while_the_node_runs(api: Api, ours: dict[str, str]) -> None:
    done = api.ask("mutation { readModelsRebuild { pos generation differing } }")["readModelsRebuild"]
    assert done["differing"] == []
    assert api.ask(f'{{ organisation(id: "{ours["space"]}") {{ title }} }}')["organisation"] == {"title": "Doors"}


def test_a_space_without_forks_shows_none(api: Api, ours: dict[str, str]) -> None:
    assert api.ask("query ($s: ID!) { forks(space: $s) { log index proof } }", s=ours["space"]) == {"forks": []}
    assert api.refused('{ forks(space: "' + "ab" * 32 + '") { log } }')["code"] == "space-not-visible"


def test_what_waits_for_its_beginning_is_told_and_let_go(api: Api, guest: Node, tmp_path: Path) -> None:
    space = found(guest, "Gaps")
    member = bytes.fromhex(guest.do("member.invite", space, {})["member"])
    invited = Exchange(guest).invitation(space, member).decode()
    asked = _text(api, "mutation", "spaceRequest", invitation=("String!", invited))
    Exchange(guest).admit(asked.encode(), officer_role(guest, space))
    file = tmp_path / "space"
    Exchange(guest).export_space(space, file)
    assert _import(api, file.read_bytes()).json()["acts"]
    known = size_of(guest, space)
    for title in ("One", "Two"):
        guest.do("organisation.rename", space, {"title": title})
    write_pieces(guest, space, {space: known + 1}, file)
    (brought,) = _import(api, file.read_bytes()).json()["pending"]
    told = api.ask(PENDING, s=space.hex())["pending"]
    assert told == {
        "waiting": [{
            "number": brought["number"], "log": space.hex(), "first": known + 1, "last": known + 1, "missing": known,
            "sizeBytes": brought["bytes"], "why": f"entry {known} is missing",
            "since": datetime.fromtimestamp(brought["since_s"], UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }],
        "dropped": [],
    }  # fmt: skip
    assert api.ask(DISCARD, s=space.hex(), n=brought["number"]) == {"pendingDiscard": {"waiting": 0}}
    assert api.refused(DISCARD, s=space.hex(), n=brought["number"])["code"] == "pending-run-gone"
    assert api.refused(PENDING, s="ab" * 32)["code"] == "space-not-visible"


def test_files_that_are_no_files_are_refused_with_their_code(api: Api, ours: dict[str, str]) -> None:
    for name, given in {"spaceRequest": "invitation", "deviceAdmit": "request", "recoveryTake": "signed"}.items():
        selected = {"spaceRequest": "text", "deviceAdmit": "pos", "recoveryTake": "log"}[name]
        refused = api.refused(f"mutation ($x: String!) {{ {name}({given}: $x) {{ {selected} }} }}", x="{}")
        assert (refused["code"], refused["family"], bool(refused["hint"])) == (
            "space-file-damaged",
            "Untrusted",
            True,
        )
    assert _code(_import(api, b"noise")) == "space-file-damaged"
    assert _code(_import(api, b"")) == "space-file-damaged"
    assert _code(api.client.get("/exchange/export", params={"space": "zz"})) == "id-malformed"
    assert _code(api.client.get("/exchange/export", params={"space": "ab" * 32})) == "space-unknown"


def test_the_guard_stands_before_files_too(api: Api, ours: dict[str, str]) -> None:
    asked: dict[str, Any] = {"params": {"space": ours["space"]}}
    export = "/exchange/export"
    assert _code(api.client.get(export, headers={"authorization": "Bearer no"}, **asked)) == "token-wrong"
    assert _code(api.client.get(export, headers={"host": "evil.example"}, **asked)) == "host-foreign"
    assert _code(api.client.get(export, headers={"origin": "http://evil.example"}, **asked)) == "origin-foreign"
    assert _code(api.client.post("/exchange/import", content=b"", headers={"authorization": ""})) == "token-wrong"
    form = {"content-type": "text/plain"}
    assert _code(api.client.post("/exchange/import", content=b"x", headers=form)) == "media-type-unknown"
    assert _code(api.client.get("/exchange/import")) == "method-not-offered"


def test_only_space_files_may_be_large_and_they_too_have_a_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    large = b"x" * (guard.BODY_BYTES_MAX * 2)
    assert _code(_import(api, large)) == "space-file-damaged"
    assert _code(api.client.post("/graphql", content=large, headers={"content-type": "application/json"})) == (
        "body-too-large"
    )
    monkeypatch.setattr(guard, "IMPORT_BYTES_MAX", guard.BODY_BYTES_MAX)
    assert _code(_import(api, large)) == "body-too-large"


def test_nothing_of_a_file_on_its_way_is_left_behind(api: Api, ours: dict[str, str]) -> None:
    _export(api, ours["space"])
    _import(api, b"noise")
    assert not list(api.node.node.settings.data.glob(".exchange*"))


def _export(api: Api, space: str, **more: str) -> bytes:
    answer = api.client.get("/exchange/export", params={"space": space} | more)
    assert answer.status_code == 200, answer.text
    return answer.content


def _import(api: Api, data: bytes) -> Any:
    return api.client.post("/exchange/import", content=data, headers=BYTES)


def _text(api: Api, kind: str, name: str, **given: tuple[str, Any]) -> str:
    """The file that a field answers."""
    declared = ", ".join(f"${key}: {each[0]}" for key, each in given.items())
    passed = ", ".join(f"{key}: ${key}" for key in given)
    values = {key: each[1] for key, each in given.items()}
    return str(api.ask(f"{kind} ({declared}) {{ {name}({passed}) {{ text }} }}", **values)[name]["text"])


def _code(answer: Any) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])

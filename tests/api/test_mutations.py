"""Mutations: every verb there is, by its own name; recorded once, shown when they answer."""

import enum
import secrets
import threading
from typing import Any

import msgspec
import pytest

from scmanager.api import companion, exchange
from scmanager.api.arguments import argument
from scmanager.api.mutations import field_name
from scmanager.api.schema import served
from scmanager.application.every_verb import VERBS
from scmanager.domain.member import RemovalReason
from scmanager.domain.ship_events import Owner, OwnerKind
from tests.support.api_node import Api


@pytest.fixture(scope="module")
def space(api: Api) -> str:
    return str(api.do("organisationFound", 'title: "Ours", sid: "OURS", handle: "lead"')["space"])


def test_every_verb_is_a_mutation_with_its_help_and_its_arguments() -> None:
    mutations = served().schema._schema.mutation_type
    assert mutations is not None
    for name, verb in VERBS.items():
        field = mutations.fields[field_name(name)]
        assert field.description == verb.help
        assert list(field.args)[:2] == ["space", "commandId"]
        assert len(field.args) == len(verb.parameters) + 3
    beside = {each.graphql_name for each in (*exchange.MUTATIONS, *companion.MUTATIONS)}
    founding = {"organisationFound", "personalFound"}
    assert set(mutations.fields) == {field_name(name) for name in VERBS} | founding | beside


def test_a_command_is_shown_by_queries_when_it_has_answered(api: Api, space: str) -> None:
    done = api.do("memberRecord", f'space: "{space}", handle: "Grace", displayName: "Grace H."')
    found = api.ask(f'{{ member(space: "{space}", id: "{done["member"]}") {{ handle displayName standing }} }}')[
        "member"
    ]
    assert found == {"handle": "Grace", "displayName": "Grace H.", "standing": "RECORDED"}
    assert {"name": "member", "value": done["member"]} in done["ids"]
    assert api.ask("{ node { projectedPos } }")["node"]["projectedPos"] >= done["pos"]


def test_what_a_mutation_leaves_out_stays_and_null_takes_it_away(api: Api, space: str) -> None:
    who = api.do("memberRecord", f'space: "{space}", handle: "Bo", displayName: "Bodo"')["member"]
    called = f'{{ member(space: "{space}", id: "{who}") {{ handle displayName }} }}'
    change = "mutation($name: String) { memberChangeProfile(space: %s, memberId: %s, handle: %s, displayName: $name)"
    ask = change % (f'"{space}"', f'"{who}"', '"Bob"') + " { commandId } }"
    api.do("memberChangeProfile", f'space: "{space}", memberId: "{who}", handle: "Bo_2"')
    assert api.ask(called)["member"] == {"handle": "Bo_2", "displayName": "Bodo"}
    api.ask(ask)
    assert api.ask(called)["member"] == {"handle": "Bob", "displayName": "Bodo"}, "a variable that is not there"
    api.ask(ask, name=None)
    assert api.ask(called)["member"] == {"handle": "Bob", "displayName": ""}
    api.ask(ask, name="B.")
    assert api.ask(called)["member"] == {"handle": "Bob", "displayName": "B."}
    api.do("memberChangeProfile", f'space: "{space}", memberId: "{who}", handle: "Bob", displayName: null')
    assert api.ask(called)["member"] == {"handle": "Bob", "displayName": ""}
    role = api.do("roleDefine", f'space: "{space}", title: "Keeper", rank: 5, rights: ["fleet.manage"]')["role"]
    rights = f'{{ role(space: "{space}", id: "{role}") {{ rank rights }} }}'
    api.do("roleChange", f'space: "{space}", roleId: "{role}", title: "Keeper", rank: 6')
    assert api.ask(rights)["role"] == {"rank": 6, "rights": ["fleet.manage"]}
    api.do("roleChange", f'space: "{space}", roleId: "{role}", title: "Keeper", rank: 6, rights: null')
    assert api.ask(rights)["role"] == {"rank": 6, "rights": []}


def test_the_same_command_id_twice_is_one_command(api: Api, space: str) -> None:
    command = secrets.token_hex(16)
    once = api.do("memberRecord", f'space: "{space}", commandId: "{command}", handle: "Twice"')
    again = api.do("memberRecord", f'space: "{space}", commandId: "{command}", handle: "Twice"')
    assert (again["member"], again["commandId"]) == (once["member"], command)
    assert _count(api, space, "Twice") == 1


def test_founding_twice_under_one_command_id_founds_one_organisation(api: Api) -> None:
    command = secrets.token_hex(16)
    once = api.do("organisationFound", f'commandId: "{command}", title: "Once", handle: "x"')
    again = api.do("organisationFound", f'commandId: "{command}", title: "Once", handle: "x"')
    assert once["space"] == again["space"]


def test_many_clients_at_once_are_all_served(api: Api, space: str) -> None:
    failed: list[Any] = []

    def record(number: int) -> None:
        try:
            api.do("memberRecord", f'space: "{space}", handle: "Crowd-{number}"')
        except AssertionError as error:
            failed.append(error)

    threads = [threading.Thread(target=record, args=(number,)) for number in range(24)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed
    assert _count(api, space, "Crowd-") == 24


def test_a_refusal_names_its_rule_its_facts_and_what_to_do(api: Api, space: str) -> None:
    refused = api.refused(f'mutation {{ organisationSetSid(space: "{space}", sid: "no good") {{ pos }} }}')
    assert (refused["code"], refused["family"]) == ("organisation-sid-unusable", "Refused")
    assert refused["hint"]
    assert len(refused["requestId"]) == 16
    unknown = api.refused(f'mutation {{ memberConfirm(space: "{space}", memberId: "{"ab" * 16}") {{ pos }} }}')
    assert unknown["code"] == "member-nothing-contested"


def test_enums_and_lists_reach_the_verb(api: Api, space: str) -> None:
    made = api.do("roleDefine", f'space: "{space}", title: "Scout", rank: 5, rights: ["member.invite"]')
    role = api.ask(f'{{ role(space: "{space}", id: "{made["role"]}") {{ title rank rights }} }}')["role"]
    assert role == {"title": "Scout", "rank": 5, "rights": ["member.invite"]}
    gone = api.do("memberRecord", f'space: "{space}", handle: "Gone"')["member"]
    api.do("memberRemove", f'space: "{space}", memberId: "{gone}", reason: INACTIVE')
    found = api.ask(f'{{ member(space: "{space}", id: "{gone}") {{ standing removedFor }} }}')["member"]
    assert found == {"standing": "REMOVED", "removedFor": "INACTIVE"}


def test_a_verb_in_a_space_of_another_kind_is_refused(api: Api) -> None:
    own = api.do("personalFound")["space"]
    refused = api.refused(f'mutation {{ organisationRename(space: "{own}", title: "No") {{ pos }} }}')
    assert (refused["code"], refused["facts"]) == (
        "verb-elsewhere",
        {"verb": "organisation.rename", "kind": "personal"},
    )


@pytest.mark.parametrize("wrong", ["", "zz", "ab" * 16 + "00", "ab" * 15])
def test_ids_of_the_wrong_length_do_not_reach_the_verb(api: Api, space: str, wrong: str) -> None:
    text = "mutation ($s: ID!, $m: ID!) { memberConfirm(space: $s, memberId: $m) { pos } }"
    assert api.refused(text, s=space, m=wrong)["code"] == "id-malformed"
    text = 'mutation ($s: ID!, $c: ID!) { organisationRename(space: $s, commandId: $c, title: "x") { pos } }'
    assert api.refused(text, s=space, c=wrong)["code"] == "id-malformed"
    assert api.refused(text, s="ab" * 32, c="ab" * 16)["code"] == "space-not-visible"


def test_without_waiting_it_answers_before_queries_show_it(api: Api, space: str) -> None:
    done = api.do("organisationDescribe", f'space: "{space}", text: "Fly.", wait: false')
    assert api.node.wait_projected(done["pos"], 10)
    assert api.ask(f'{{ organisation(id: "{space}") {{ description }} }}')["organisation"] == {"description": "Fly."}


class Strange:
    pass


class Words(msgspec.Struct, frozen=True):
    name: str
    marks: tuple[str, ...] = ("none",)
    count: int | None = None


def test_what_has_a_default_in_a_structure_may_be_left_out() -> None:
    words = argument("x", Words)
    assert words.read(words.type(name="a")) == Words("a")
    assert words.read(words.type(name="a", marks=["b"], count=3)) == Words("a", ("b",), 3)


def test_arguments_of_every_offered_kind_are_read_and_others_are_refused_at_start() -> None:
    assert argument("x", str | None).read(None) is None
    assert argument("x", tuple[str, ...]).read(["a", "b"]) == ("a", "b")
    reason = argument("x", RemovalReason)
    assert reason.read(reason.type.CONDUCT) is RemovalReason.CONDUCT
    assert issubclass(reason.type, enum.Enum)
    owner = argument("x", Owner)
    given = owner.type(kind=argument("x", OwnerKind).type.MEMBER, id="ab" * 16)
    assert owner.read(given) == Owner(OwnerKind.MEMBER, b"\xab" * 16)
    for kind in (Strange, float, dict[str, int], str | int):
        with pytest.raises(TypeError):
            argument("x", kind)


def _count(api: Api, space: str, text: str) -> int:
    asked = f'{{ members(space: "{space}", filter: {{text: "{text}"}}) {{ totalCount }} }}'
    return int(api.ask(asked)["members"]["totalCount"])

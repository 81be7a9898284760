"""Search over the API: order, kinds, pages, what one may not see, and what cannot be searched for."""

import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.projections.matching import excerpt, key_of_search, match, matching_key, matching_keys, text_key
from tests.support.api_node import Api
from tests.support.books import form_fleet, form_squadron, record
from tests.support.fleet_of import Nova, populate

ASK = """query ($text: String!, $kinds: [SearchKind!], $space: ID, $first: Int, $after: String) {
  search(text: $text, kinds: $kinds, space: $space, first: $first, after: $after) {
    totalCount nextStep pageInfo { hasNextPage endCursor }
    nodes { id kind name gone match member { handle } fleet { title } squadron { title } organisation { title } }
  } }"""
IN_TEXTS = """query ($text: String!, $kinds: [SearchKind!], $space: ID, $gone: Boolean) {
  search(text: $text, kinds: $kinds, space: $space, filter: {gone: $gone}) { totalCount nodes {
    kind name gone match excerpt document { id kind thing } operation { title } organisation { title } } } }"""
WRITE = """mutation ($space: ID!, $thing: ID!, $text: String!, $kind: DocumentKind!) {
  documentEdit(space: $space, thingId: $thing, kind: $kind, text: $text) { pos } }"""
BRIEFING = (
    """# Quillfeather

Meet  at Évérus Harbor at nine; bring the Œuvre, two medics and a tractor beam.
海賊の拠点を攻撃する。全員、午後九時に集合。東の門へ向かえ。撤退の合図は赤い光、二回。各自の装備を確認しておくこと。
"""
    + "Fly low over the ruins, and keep the radio silent until the first beacon is down. " * 9
)
NAMES = ("Vela", "Velar Watch", "The Vela", "Anvelation", "Vëlá", "Red", "Ⅴela")


@pytest.fixture(scope="module")
def vela(api: Api) -> Nova:
    ours = populate(api.node, members=3, ships=5, title="Searched")

    def act(desk: Desk) -> dict[str, Any]:
        for number, name in enumerate(NAMES[:4]):
            form_fleet(bytes([number]) * 16, name)(desk)
        record(NAMES[4], b"V" * 16)(desk)
        form_squadron(b"R" * 16, NAMES[5])(desk)
        form_fleet(b"5" * 16, NAMES[6])(desk)
        return {}

    api.node.node.writer.do(Command(secrets.token_bytes(16), bytes.fromhex(ours.space), act))
    assert api.node.wait_projected(api.node.last_pos(), 30)
    return ours


def ask(api: Api, nova: Nova, text: str, **more: Any) -> Any:
    return api.ask(ASK, text=text, space=nova.space, **more)["search"]


def test_exact_names_come_first_then_beginnings_then_words_then_the_rest(api: Api, vela: Nova) -> None:
    answer = ask(api, vela, "VELA")
    told = [(each["name"], each["match"], each["kind"]) for each in answer["nodes"]]
    assert told == [
        ("Vela", "EXACT", "FLEET"),
        ("Ⅴela", "EXACT", "FLEET"),
        ("Vëlá", "EXACT", "MEMBER"),
        ("Velar Watch", "PREFIX", "FLEET"),
        ("The Vela", "WORD", "FLEET"),
        ("Anvelation", "SUBSTRING", "FLEET"),
    ]
    assert answer["totalCount"] == len(told)
    by_name = {each["name"]: each for each in answer["nodes"]}
    assert by_name["Vela"]["fleet"] == {"title": "Vela"}
    assert by_name["Vela"]["member"] is None
    assert by_name["Vëlá"]["member"] == {"handle": "Vëlá"}
    assert by_name["Vela"]["organisation"] == {"title": "Searched"}


def test_kinds_narrow_it_and_an_empty_answer_says_what_to_do(api: Api, vela: Nova) -> None:
    assert [each["name"] for each in ask(api, vela, "vela", kinds=["MEMBER"])["nodes"]] == ["Vëlá"]
    answer = ask(api, vela, "vela", kinds=["ROLE"])
    assert (answer["nodes"], answer["totalCount"]) == ([], 0)
    assert "part of it" in answer["nextStep"]


def test_pages_give_everything_once_in_one_order(api: Api, vela: Nova) -> None:
    whole = [each["id"] for each in ask(api, vela, "ve")["nodes"]]
    walked, after = [], None
    while True:
        page = ask(api, vela, "ve", first=2, after=after)
        walked += [each["id"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert walked == whole
    assert len(whole) >= 5


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=st.one_of(st.text(max_size=5), st.sampled_from(NAMES).flatmap(lambda name: st.sampled_from([*name, name])))
)
def test_the_database_finds_what_the_command_line_finds(api: Api, vela: Nova, text: str) -> None:
    names = {name for name in NAMES if "\0" not in text and matching_key(text)}
    answer = api.post(ASK, {"text": text, "space": vela.space, "first": 200})
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] in {
            "nothing-to-search",
            "words-unusable",
            "request-malformed",
        }
        return
    expected = {
        (name, found) for name in names if (found := match(key_of_search(text), matching_keys([name]))) is not None
    }
    places = ("EXACT", "PREFIX", "WORD", "SUBSTRING")
    told = {(each["name"], places.index(each["match"])) for each in answer["data"]["search"]["nodes"]}
    assert {each for each in told if each[0] in NAMES} == expected


def test_nothing_of_a_space_one_is_not_in_is_found(api: Api, vela: Nova) -> None:
    hidden = populate(api.node, members=1, ships=1, title="Vela Hidden")
    api.node.see_only(bytes.fromhex(vela.space))
    try:
        answer = api.post(ASK, {"text": "hidden"})["data"]["search"]
        assert hidden.space not in str(answer)
        assert answer["totalCount"] == 0
    finally:
        api.node.see_all()


@pytest.mark.parametrize("text", ["", " ", "\u200b\u202e"])
def test_what_nobody_sees_cannot_be_searched_for(api: Api, vela: Nova, text: str) -> None:
    assert api.refused(ASK, text=text, space=vela.space)["code"] == "nothing-to-search"


def test_a_very_long_text_is_refused(api: Api, vela: Nova) -> None:
    assert api.refused(ASK, text="a" * 201, space=vela.space)["code"] == "words-unusable"


@pytest.fixture(scope="module")
def briefed(api: Api, vela: Nova) -> tuple[Nova, str]:
    """An operation with a briefing, in an organisation with a charter."""
    given = f'space: "{vela.space}", title: "Jumptown", startsS: 4000000000, endsS: 4000003600'
    operation = str(api.ask(f"mutation {{ operationPlan({given}) {{ operation }} }}")["operationPlan"]["operation"])
    api.ask(WRITE, space=vela.space, thing=operation, kind="BRIEFING", text=BRIEFING)
    api.ask(
        WRITE, space=vela.space, thing=vela.space[:32], kind="CHARTER", text="Who flies for Vela flies by turns.\n"
    )
    return vela, operation


def in_texts(api: Api, nova: Nova, text: str, **more: Any) -> Any:
    return api.ask(IN_TEXTS, text=text, space=nova.space, **more)["search"]["nodes"]


def test_a_document_is_found_by_what_it_says_and_told_by_whose_it_is(api: Api, briefed: tuple[Nova, str]) -> None:
    nova, operation = briefed
    (one,) = in_texts(api, nova, "EVERUS harbor")
    assert (one["kind"], one["name"], one["match"], one["gone"]) == ("DOCUMENT", "Jumptown", "TEXT", False)
    assert one["excerpt"] == "# Quillfeather Meet at Évérus Harbor at nine; bring the Œuvre, two medics"
    assert one["document"] == {"id": operation + "02", "kind": "BRIEFING", "thing": operation}
    assert (one["operation"], one["organisation"]) == (None, {"title": "Searched"})


@pytest.mark.parametrize("text", ["oeuvre", "拠点", "門", "九時に集合", "赤い光 二回"])
def test_words_of_any_script_are_found_in_a_text(api: Api, briefed: tuple[Nova, str], text: str) -> None:
    (one,) = in_texts(api, briefed[0], text)
    assert (one["name"], one["document"]["kind"]) == ("Jumptown", "BRIEFING")
    assert matching_key(text) in matching_key(one["excerpt"])


def test_documents_come_after_names_and_can_be_asked_for_alone(api: Api, briefed: tuple[Nova, str]) -> None:
    nova, _ = briefed
    told = [(each["match"], each["name"]) for each in in_texts(api, nova, "vela")]
    assert told[-1] == ("TEXT", "Searched")
    assert {match for match, _ in told[:-1]} == {"EXACT", "PREFIX", "WORD", "SUBSTRING"}
    assert [each["name"] for each in in_texts(api, nova, "vela", kinds=["DOCUMENT"])] == ["Searched"]
    assert {each["kind"] for each in in_texts(api, nova, "vela", kinds=["DOCUMENT", "MEMBER"])} == {
        "DOCUMENT",
        "MEMBER",
    }
    assert "DOCUMENT" not in {each["kind"] for each in in_texts(api, nova, "vela", kinds=["FLEET"])}
    assert [each["excerpt"] for each in in_texts(api, nova, "vela", kinds=["FLEET"])] == [None] * 5


def test_where_names_fill_the_answer_documents_have_to_be_asked_for(api: Api, briefed: tuple[Nova, str]) -> None:
    nova, operation = briefed

    def act(desk: Desk) -> dict[str, Any]:
        for number in range(499):
            form_fleet(b"swarm" + number.to_bytes(11, "big"), f"The Swarm {number}")(desk)
        return {}

    def swarm() -> list[str]:
        found = api.ask("query ($space: ID!) { search(text: \"swarm\", space: $space, last: 3) { nodes { kind } } }",
                        space=nova.space)["search"]  # fmt: skip
        return [each["kind"] for each in found["nodes"]]

    api.node.node.writer.do(Command(secrets.token_bytes(16), bytes.fromhex(nova.space), act))
    api.ask(WRITE, space=nova.space, thing=operation, kind="BRIEFING", text=BRIEFING + "Mind the swarm.")
    assert swarm() == ["FLEET", "FLEET", "DOCUMENT"]
    api.node.node.writer.do(
        Command(
            secrets.token_bytes(16),
            bytes.fromhex(nova.space),
            lambda desk: form_fleet(b"S" * 16, "Swarm")(desk) or {},
        )
    )
    assert api.node.wait_projected(api.node.last_pos(), 30)
    assert swarm() == ["FLEET"] * 3
    assert [each["name"] for each in in_texts(api, nova, "swarm", kinds=["DOCUMENT"])] == ["Jumptown"]
    api.ask(WRITE, space=nova.space, thing=operation, kind="BRIEFING", text=BRIEFING)


def test_a_document_is_gone_with_the_thing_it_belongs_to(api: Api, briefed: tuple[Nova, str]) -> None:
    nova, _ = briefed
    given = f'space: "{nova.space}", title: "Called off", startsS: 4000000000, endsS: 4000003600'
    thing = str(api.ask(f"mutation {{ operationPlan({given}) {{ operation }} }}")["operationPlan"]["operation"])
    api.ask(WRITE, space=nova.space, thing=thing, kind="BRIEFING", text="Rain over Lorville.\n")
    assert [each["name"] for each in in_texts(api, nova, "lorville", gone=False)] == ["Called off"]
    api.ask(f'mutation {{ operationCancel(space: "{nova.space}", operationId: "{thing}", reason: OTHER) {{ pos }} }}')
    assert in_texts(api, nova, "lorville", gone=False) == []
    assert in_texts(api, nova, "lorville", gone=False, kinds=["DOCUMENT"]) == []
    assert [each["gone"] for each in in_texts(api, nova, "lorville")] == [True]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_database_cuts_out_of_a_text_what_the_command_line_does(
    api: Api, briefed: tuple[Nova, str], data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(BRIEFING) - 1))
    text = BRIEFING[first : first + data.draw(st.integers(1, 60))]
    if not matching_key(text):
        return
    expected = excerpt(BRIEFING, text_key(BRIEFING), key_of_search(text))
    found = in_texts(api, briefed[0], text, kinds=["DOCUMENT"])
    told = [each["excerpt"] for each in found if each["name"] == "Jumptown"]
    assert told == ([] if expected is None else [expected])


def test_no_text_of_a_space_one_is_not_in_is_found(api: Api, briefed: tuple[Nova, str]) -> None:
    nova, _ = briefed
    api.node.see_only()
    try:
        for kinds in (None, ["DOCUMENT"]):
            told = api.ask(IN_TEXTS, text="quillfeather", kinds=kinds)["search"]
            assert told == {"totalCount": 0, "nodes": []}
    finally:
        api.node.see_all()
    assert api.ask(IN_TEXTS, text="quillfeather")["search"]["totalCount"] == 1, nova.space

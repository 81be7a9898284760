"""Search over the API: order, kinds, pages, what one may not see, and what cannot be searched for."""

import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.projections.matching import key_of_search, match, matching_key, matching_keys
from tests.support.api_node import Api
from tests.support.books import form_fleet, form_squadron, record
from tests.support.fleet_of import Nova, populate

ASK = """query ($text: String!, $kinds: [SearchKind!], $space: ID, $first: Int, $after: String) {
  search(text: $text, kinds: $kinds, space: $space, first: $first, after: $after) {
    totalCount nextStep pageInfo { hasNextPage endCursor }
    nodes { id kind name gone match member { handle } fleet { title } squadron { title } organisation { title } }
  } }"""
NAMES = ("Vela", "Velar Watch", "The Vela", "Anvelation", "Vëlá\u200b", "Red", "Ⅴela")


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
        ("Vëlá\u200b", "EXACT", "MEMBER"),
        ("Velar Watch", "PREFIX", "FLEET"),
        ("The Vela", "WORD", "FLEET"),
        ("Anvelation", "SUBSTRING", "FLEET"),
    ]
    assert answer["totalCount"] == len(told)
    by_name = {each["name"]: each for each in answer["nodes"]}
    assert by_name["Vela"]["fleet"] == {"title": "Vela"}
    assert by_name["Vela"]["member"] is None
    assert by_name["Vëlá\u200b"]["member"] == {"handle": "Vëlá\u200b"}
    assert by_name["Vela"]["organisation"] == {"title": "Searched"}


def test_kinds_narrow_it_and_an_empty_answer_says_what_to_do(api: Api, vela: Nova) -> None:
    assert [each["name"] for each in ask(api, vela, "vela", kinds=["MEMBER"])["nodes"]] == ["Vëlá\u200b"]
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

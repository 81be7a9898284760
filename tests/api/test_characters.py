"""Characters through the API: in the personal space, shown to an organisation, withdrawn; filters and pages."""

import pytest

from tests.support.api_node import Api
from tests.support.fleet_of import Nova


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [
        ('{text: "vesper"}', 1),
        ('{text: "MEDIC"}', 1),
        ("{main: true}", 1),
        ("{main: false, played: true}", 1),
        ("{fate: [DEAD]}", 0),
        ("{contested: true}", 0),
    ],
)
@pytest.mark.slow
def test_filters_narrow_a_list(api: Api, nova: Nova, narrowed: str, count: int) -> None:
    data = api.ask(
        f'{{ characters(space: "{nova.space}", filter: {narrowed}) {{ totalCount nextStep nodes {{ id }} }} }}'
    )["characters"]
    assert data["totalCount"] == len(data["nodes"]) == count
    assert (data["nextStep"] is None) == (count > 0)


def test_characters_are_sorted_and_turned_page_by_page(api: Api, nova: Nova) -> None:
    query = """query ($space: ID!, $after: String) {
      characters(space: $space, sort: NAME, first: 1, after: $after) {
        nodes { name main mainContested words player { handle } organisation { title } rivalSheets { totalCount } }
        pageInfo { hasNextPage endCursor } } }"""
    first = api.ask(query, space=nova.space)["characters"]
    second = api.ask(query, space=nova.space, after=first["pageInfo"]["endCursor"])["characters"]
    assert [each["nodes"][0]["name"] for each in (first, second)] == ["Kestrel", "Vesper Ilo"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert second["nodes"][0] == {
        "name": "Vesper Ilo", "main": True, "mainContested": False, "words": "OPEN", "player": {"handle": "founder"},
        "organisation": {"title": "Nova"}, "rivalSheets": {"totalCount": 0},
    }  # fmt: skip
    chosen = api.ask(
        "query ($space: ID!, $id: ID!) { character(space: $space, id: $id) { occupation fate } }",
        space=nova.space,
        id=nova.character,
    )
    assert chosen == {"character": {"occupation": "medic", "fate": None}}


def test_the_text_of_a_sheet_is_asked_for_with_when_it_was_shown(api: Api) -> None:
    own = api.do("personalFound")["space"]
    org = api.do("organisationFound", 'title: "Tellers", handle: "ada"')["space"]
    made = api.ask(f'mutation {{ characterMake(space: "{own}", name: "Wren") {{ character }} }}')["characterMake"]
    about = f'characterId: "{made["character"]}"'
    assert (
        api.refused(f'mutation {{ characterShare(space: "{org}", {about}, withText: true) {{ pos }} }}')["code"]
        == "character-text-not-showable"
    )
    api.do("documentEdit", f'space: "{own}", thingId: "{made["character"]}", kind: SHEET, text: "Born in a storm."')
    asked = "query ($space: ID!) { characters(space: $space) { nodes { text textWords textShownAt } } }"
    api.do("characterShare", f'space: "{org}", {about}, withText: true')
    (told,) = api.ask(asked, space=org)["characters"]["nodes"]
    assert (told["text"], told["textWords"]) == ("Born in a storm.", "OPEN")
    assert told["textShownAt"].endswith("Z")
    api.do("documentEdit", f'space: "{own}", thingId: "{made["character"]}", kind: SHEET, text: "Born at sea."')
    assert api.ask(asked, space=org)["characters"]["nodes"] == [told]
    api.do("characterShare", f'space: "{org}", {about}')
    nothing = {"text": None, "textWords": "NONE", "textShownAt": None}
    assert api.ask(asked, space=org)["characters"]["nodes"] == [nothing]


def test_from_one_s_own_space_into_an_organisation_and_out_again(api: Api) -> None:
    own = api.do("personalFound")["space"]
    org = api.do("organisationFound", 'title: "Players", handle: "ada"')["space"]
    listed = "query ($space: ID!) { characters(space: $space) { nextStep nodes { name background fate main } } }"
    assert "characterMake" in api.ask(listed, space=org)["characters"]["nextStep"]
    made = api.ask(
        f'mutation {{ characterMake(space: "{own}", name: "Wren", background: "Long.") {{ character }} }}'
    )["characterMake"]["character"]
    assert api.ask(listed, space=own)["characters"]["nodes"][0]["name"] == "Wren"
    api.do("characterShare", f'space: "{org}", characterId: "{made}", background: false')
    api.do("characterChooseMain", f'space: "{org}", characterId: "{made}"')
    assert api.ask(listed, space=org)["characters"]["nodes"] == [
        {"name": "Wren", "background": "", "fate": None, "main": True}
    ]
    told = api.do("characterRetire", f'space: "{own}", characterId: "{made}", fate: DEAD')
    assert {"name": "still_shared_in", "value": org} in told["ids"]
    api.do("characterWithdraw", f'space: "{org}", characterId: "{made}"')
    assert api.ask(listed, space=org)["characters"]["nodes"] == []
    assert api.ask(listed, space=own)["characters"]["nodes"][0]["fate"] == "DEAD"
    refused = api.refused(f'mutation {{ characterMake(space: "{org}", name: "Wren") {{ pos }} }}')
    assert refused["code"] == "verb-elsewhere"

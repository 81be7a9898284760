"""Diplomacy through the API: phases and relations of the moment, filters, sorting, pages, mutations."""

import time
from typing import Any

import pytest

from scmanager.application.writer import Command
from scmanager.domain.catalogue import CONTACTS, TREATIES
from scmanager.domain.contact import Contact, relation
from scmanager.domain.subject import nobodys
from scmanager.domain.treaty import DAY_S, PROMISES, Treaty, at_odds, in_force_at, phase_at
from scmanager.domain.treaty_events import Kind
from tests.support.api_node import Api
from tests.support.books import agree, record_contact
from tests.support.fleet_of import Nova, populate

NOW = int(time.time())
CONTACT = nobodys(bytes([200]) * 16)
TIMES = [
    {},
    {"until": NOW - DAY_S},
    {"until": NOW + DAY_S},
    {"until": NOW + 90 * DAY_S},
    {"starts": NOW + DAY_S},
    {"starts": NOW + DAY_S, "until": NOW + 2 * DAY_S},
    {"starts": NOW - DAY_S, "until": NOW + 30 * DAY_S, "warn_days": 0},
    {"until": 2**53 - 1},
]


@pytest.fixture(scope="module")
def ours(api: Api) -> Nova:
    return populate(api.node, members=2, ships=2, title="Diplomats")


def act(api: Api, ours: Nova, *acts: Any) -> None:
    for number, each in enumerate(acts):
        command = Command(bytes([number]) * 8 + time.time_ns().to_bytes(8, "big"), bytes.fromhex(ours.space), each)
        api.node.node.writer.do(command)
    assert api.node.wait_projected(api.node.last_pos(), 20)


def shown(value: str) -> str:
    return value.upper().replace("-", "_")


def test_phases_and_relations_are_what_the_domain_says_of_this_moment(api: Api, ours: Nova) -> None:
    made = [bytes([100 + number]) * 16 for number in range(len(TIMES))]
    contacts = [nobodys(bytes([number]) * 16) for number in range(50, 50 + 3)]
    kinds = (Kind.ALLIANCE, Kind.NON_AGGRESSION, Kind.OTHER)

    def fill(desk: Any) -> dict[str, Any]:
        record_contact(CONTACT, "Meridian")(desk)
        for new, times in zip(made, TIMES, strict=True):
            agree(new, CONTACT, Kind.OTHER, **times)(desk)
        for new, kind in zip(contacts, kinds, strict=True):
            record_contact(new, f"Partner {kind}")(desk)
            agree(bytes([new[-1] + 20]) * 16, new, kind)(desk)
        return {}

    act(api, ours, fill)
    space = api.node.shelf.space(bytes.fromhex(ours.space))
    data = api.ask(f'{{ treaties(space: "{ours.space}") {{ nodes {{ id phase }} }} }}')["treaties"]["nodes"]
    states = {key.hex(): one for key, one in space.things(TREATIES) if isinstance(one, Treaty)}
    assert {each["id"]: each["phase"] for each in data} == {
        key: shown(phase_at(one, int(time.time()))) for key, one in states.items()
    }
    assert {each["phase"] for each in data} == {"IN_FORCE", "EXPIRED", "EXPIRING", "AGREED"}
    data = api.ask(f'{{ contacts(space: "{ours.space}") {{ nodes {{ id relation atOdds }} }} }}')["contacts"]["nodes"]
    for each in data:
        state = space.state(CONTACTS, bytes.fromhex(each["id"]))
        assert isinstance(state, Contact)
        held = [one for one in states.values() if one.contact.hex() == each["id"] and in_force_at(one, NOW)]
        promised = [PROMISES[one.kind] for one in held if one.kind in PROMISES]
        assert each["relation"] == shown(relation(state, promised))
        assert each["atOdds"] == at_odds(state, [one.kind for one in held])


@pytest.mark.parametrize(
    ("field", "narrowed", "count"),
    [
        ("contacts", '{text: "TALL"}', 1),
        ("contacts", "{stance: [NEUTRAL], archived: false}", 2),
        ("contacts", "{relation: [NON_AGGRESSION_PACT]}", 1),
        ("contacts", "{contested: true}", 0),
        ("contacts", "{atOdds: false}", 2),
        ("treaties", '{text: "pact"}', 1),
        ("treaties", "{kind: [NON_AGGRESSION], phase: [IN_FORCE, EXPIRING]}", 1),
        ("treaties", "{phase: [PROPOSED]}", 0),
        ("treaties", '{inForceAt: "2090-01-01T00:00:00Z"}', 1),
        ("treaties", '{inForceAt: "2100-01-01T00:00:00Z"}', 0),
        ("treaties", '{endsBefore: "2100-01-01T00:00:00Z", contested: false}', 1),
    ],
)
def test_filters_narrow_a_list(api: Api, nova: Nova, field: str, narrowed: str, count: int) -> None:
    data = api.ask(
        f'{{ {field}(space: "{nova.space}", filter: {narrowed}) {{ totalCount nextStep nodes {{ id }} }} }}'
    )
    assert data[field]["totalCount"] == len(data[field]["nodes"]) == count
    assert (data[field]["nextStep"] is None) == (count > 0)


def test_lists_are_sorted_and_turned_page_by_page(api: Api, nova: Nova) -> None:
    query = """query ($space: ID!, $after: String) {
      contacts(space: $space, sort: TITLE, first: 1, after: $after) {
        nodes { title treaties { totalCount } history(sort: AT) {
          nodes { act side member { handle } treaty { title } } } }
        pageInfo { hasNextPage endCursor } } }"""
    first = api.ask(query, space=nova.space)["contacts"]
    second = api.ask(query, space=nova.space, after=first["pageInfo"]["endCursor"])["contacts"]
    assert [each["nodes"][0]["title"] for each in (first, second)] == ["Brine", "Tallow"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    steps = second["nodes"][0]["history"]["nodes"]
    assert [step["act"] for step in steps][:2] == ["contact.recorded", "treaty.proposed"]
    assert steps[1]["treaty"]["title"].startswith("Pact")
    assert steps[1]["member"]["handle"] == "founder"


def test_a_treaty_shows_what_is_claimed_and_what_is_proved(api: Api, nova: Nova) -> None:
    data = api.ask(
        """query ($space: ID!, $id: ID!) { treaty(space: $space, id: $id) {
          ours theirs contested terms termsWords contact { title }
          versions { nodes { ours theirs binds onTable evidence } } } }""",
        space=nova.space,
        id=nova.treaty,
    )["treaty"]
    assert (data["ours"], data["theirs"], data["terms"]) == ("PROVED", "CLAIMED", "No shots.")
    assert data["contact"] == {"title": "Tallow"}
    (version,) = data["versions"]["nodes"]
    assert version == {
        "ours": "PROVED", "theirs": "CLAIMED", "binds": True, "onTable": True, "evidence": "Their envoy.",
    }  # fmt: skip


def test_an_organisation_without_contacts_is_told_how_to_begin(api: Api) -> None:
    made = api.do("organisationFound", 'title: "Hermits", handle: "alone"')
    data = api.ask(
        "query ($space: ID!) { contacts(space: $space) { nextStep } treaties(space: $space) { nextStep } }",
        space=made["space"],
    )
    assert "contactRecord" in data["contacts"]["nextStep"]
    assert "treatyPropose" in data["treaties"]["nextStep"]


def test_from_contact_to_war_by_mutations(api: Api) -> None:
    space = api.do("organisationFound", 'title: "Warriors", handle: "ares"')["space"]
    tallow = api.do("contactRecord", f'space: "{space}", title: "Tallow"')["ids"][0]["value"]
    pact = api.do(
        "treatyPropose",
        f'space: "{space}", contactId: "{tallow}", kind: ALLIANCE, title: "Pact", text: "Together.", by: THEM',
    )["ids"][0]["value"]
    api.do("treatySign", f'space: "{space}", treatyId: "{pact}"')
    api.do("treatyClaimAcceptance", f'space: "{space}", treatyId: "{pact}", text: "Said so."')
    asked = f'{{ contact(space: "{space}", id: "{tallow}") {{ relation stance atOdds warBy }} }}'
    assert api.ask(asked)["contact"] == {"relation": "ALLY", "stance": "NEUTRAL", "atOdds": False, "warBy": None}
    api.do("contactDeclareWar", f'space: "{space}", contactId: "{tallow}", by: THEM')
    assert api.ask(asked)["contact"] == {"relation": "WAR", "stance": "WAR", "atOdds": False, "warBy": "THEM"}
    api.do("treatyReinstate", f'space: "{space}", treatyId: "{pact}"')
    assert api.ask(asked)["contact"]["atOdds"] is True
    refused = api.refused(
        f'mutation {{ contactSetStance(space: "{space}", contactId: "{tallow}", stance: WAR) {{ pos }} }}'
    )
    assert refused["code"] == "contact-war-is-declared"

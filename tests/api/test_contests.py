"""Contests through the API: listed in one place, settled by one mutation, readable afterwards; filters and pages."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain import fleet, operation_events, organisation
from scmanager.domain.event import About
from scmanager.domain.prose import prose_of
from tests.support.api_node import Api
from tests.support.fleet_of import Nova, populate

LISTED = """query ($space: ID!, $filter: ContestFilter) { contested(space: $space, filter: $filter, sort: SINCE) {
  nextStep totalCount nodes {
    id kind thing title field part rightNeeded verb settledIn organisation { title }
    settlers { nodes { handle } }
    values { nodes { id place holds value valueId noun words wordsOpen by { handle } member { handle } } } } } }"""
SETTLED = """query ($space: ID!) { settled(space: $space, sort: SETTLED) { nextStep totalCount nodes {
  field outcome outcomeId outcomeWords settledAt settledIn settledBy { handle }
  values { nodes { value words } } } } }"""


@pytest.fixture(scope="module")
def ours(api: Api) -> Nova:
    return populate(api.node, members=3, ships=3, title="Contested")


def unseen(api: Api, ours: Nova, entity: str, decided: Callable[[Desk], Any]) -> None:
    """Said by a device that knew of nothing else about the thing."""

    def act(desk: Desk) -> dict[str, Any]:
        desk.record(None, bytes.fromhex(entity), decided(desk))
        return {}

    command = Command(b"unseen.." + time.time_ns().to_bytes(8, "big"), bytes.fromhex(ours.space), act)
    api.node.node.writer.do(command)
    assert api.node.wait_projected(api.node.last_pos(), 20)


def listed(api: Api, ours: Nova, **narrowed: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.ask(LISTED, space=ours.space, filter=narrowed)["contested"]["nodes"]
    return found


def test_where_nothing_is_contested_a_next_step_is_told(api: Api) -> None:
    space = api.do("organisationFound", 'title: "Peaceful", handle: "ada"')["space"]
    assert "Nothing is contested" in api.ask(LISTED, space=space)["contested"]["nextStep"]
    assert "`contested`" in api.ask(SETTLED, space=space)["settled"]["nextStep"]


def test_a_name_and_a_lead_are_listed_settled_and_remembered(api: Api, ours: Nova) -> None:
    lead = bytes.fromhex(ours.members[1])
    unseen(api, ours, ours.fleet, lambda _: fleet.Renamed("Second"))
    unseen(api, ours, ours.fleet, lambda _: fleet.LeadAssigned(lead))
    name, who = sorted(listed(api, ours, kind=["fleet"]), key=lambda each: each["field"], reverse=True)
    assert (name["title"], name["rightNeeded"], name["verb"]) == ("First", "fleet.manage", "fleet.rename")
    assert [each["handle"] for each in name["settlers"]["nodes"]] == ["founder"]
    assert [(each["value"], each["holds"]) for each in name["values"]["nodes"]] == [
        ("First", True),
        ("Second", False),
    ]
    assert name["values"]["nodes"][1]["by"] == {"handle": "founder"}
    assert [each["member"]["handle"] for each in who["values"]["nodes"]] == ["Pilot-000", "Pilot-001"]
    assert listed(api, ours, field=["lead"]) == [who]
    assert listed(api, ours, thing=ours.squadron) == []
    place = f'space: "{ours.space}", thing: "{ours.fleet}"'
    told = api.do("settle", f'{place}, field: "lead", entry: "{who["values"]["nodes"][1]["id"]}"')
    assert told["fleet"] == ours.fleet
    api.do("settle", f'{place}, field: "name", value: "Third"')
    assert listed(api, ours, kind=["fleet"]) == []
    first, second = api.ask(SETTLED, space=ours.space)["settled"]["nodes"]
    assert (first["field"], first["outcomeId"], second["outcome"]) == ("lead", ours.members[1], "Third")
    assert [each["value"] for each in second["values"]["nodes"]] == ["First", "Second"]
    assert second["settledBy"] == {"handle": "founder"}
    refused = api.refused(f'mutation {{ settle({place}, field: "name", value: "Fourth") {{ pos }} }}')
    assert refused["code"] == "contest-none"


def test_words_are_shown_and_chosen_by_their_entries(api: Api, ours: Nova) -> None:
    for text in ("We mine.", "We fly."):
        words = organisation.Description(text)
        unseen(
            api, ours, ours.organisation,
            lambda desk, words=words: About(organisation.Described(), prose_of(desk.organisation), words),
        )  # fmt: skip
    (row,) = listed(api, ours, field=["description"])
    assert [(each["words"], each["wordsOpen"]) for each in row["values"]["nodes"]] == [
        ("We fly.", "OPEN"),
        ("We mine.", "OPEN"),
    ]
    chosen = row["values"]["nodes"][1]["id"]
    api.do("settle", f'space: "{ours.space}", thing: "{ours.organisation}", field: "description", entry: "{chosen}"')
    query = "query ($id: ID!) { organisation(id: $id) { description } }"
    assert api.ask(query, id=ours.organisation)["organisation"] == {"description": "We mine."}
    assert api.ask(SETTLED, space=ours.space)["settled"]["nodes"][-1]["outcomeWords"] == "We mine."


def test_every_contest_of_all_spaces_is_in_one_list_and_in_pages(api: Api, ours: Nova) -> None:
    for number in range(3):
        new = bytes([90 + number]).hex() * 16
        unseen(api, ours, new, lambda _, number=number: operation_events.Planned(f"Op {number}", 10, 20))
        unseen(api, ours, new, lambda _, number=number: operation_events.Renamed(f"Other {number}"))
    query = """query ($after: String) { contested(first: 2, after: $after, filter: {kind: ["operation"]}) {
      totalCount nodes { title } pageInfo { endCursor hasNextPage } } }"""
    titles, after = [], None
    while True:
        page = api.ask(query, after=after)["contested"]
        titles += [each["title"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert titles == ["Op 0", "Op 1", "Op 2"]

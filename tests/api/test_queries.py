"""Queries over the read models, as a client asks them."""

from tests.support.api_node import Api
from tests.support.fleet_of import Nova


def test_an_organisation_answers_with_its_members_and_their_ships(api: Api, nova: Nova) -> None:
    data = api.ask(
        """query ($id: ID!) { organisation(id: $id) { title sid members(first: 200) { totalCount nodes {
             handle standing ships { nodes { model readiness owner { handle } } } } } } }""",
        id=nova.organisation,
    )["organisation"]
    assert (data["title"], data["sid"]) == ("Nova", "NOVA")
    assert data["members"]["totalCount"] == 13
    by_handle = {each["handle"]: each for each in data["members"]["nodes"]}
    assert list(by_handle) == sorted(by_handle, key=str.lower)
    assert sum(len(each["ships"]["nodes"]) for each in by_handle.values()) == 30
    assert by_handle["founder"]["standing"] == "JOINED"
    assert all(ship["owner"]["handle"] == name for name, each in by_handle.items() for ship in each["ships"]["nodes"])

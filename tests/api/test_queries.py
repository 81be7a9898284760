"""Queries over the read models, as a client asks them."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.support.api_node import Api, serving
from tests.support.fleet_of import MODELS, Nova, populate

PAGE = "edges { cursor node { id handle } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"


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


def test_a_thing_is_found_by_space_and_id_and_null_when_there_is_none(api: Api, nova: Nova) -> None:
    query = """query ($space: ID!, $member: ID!, $ship: ID!, $fleet: ID!, $squadron: ID!, $role: ID!) {
      member(space: $space, id: $member) { handle organisation { title } squadrons { nodes { title } } }
      ship(space: $space, id: $ship) { model source squadrons { nodes { id } } }
      fleet(space: $space, id: $fleet) { title lead { handle } squadrons { nodes { title } } }
      squadron(space: $space, id: $squadron) { title fleet { id } ships { totalCount } members { totalCount } }
      role(space: $space, id: $role) { title rank rights }
      nobody: member(space: $space, id: $ship) { handle }
    }"""
    ids = {"member": nova.members[0], "ship": nova.ships[0], "fleet": nova.fleet, "squadron": nova.squadron}
    data = api.ask(query, space=nova.space, role=nova.role, **ids)
    assert data["member"] == {
        "handle": "Pilot-000", "organisation": {"title": "Nova"}, "squadrons": {"nodes": [{"title": "Red"}]}
    }  # fmt: skip
    assert data["ship"] == {"model": MODELS[0], "source": "TYPED", "squadrons": {"nodes": [{"id": nova.squadron}]}}
    assert data["fleet"] == {
        "title": "First", "lead": {"handle": "Pilot-000"}, "squadrons": {"nodes": [{"title": "Red"}]}
    }  # fmt: skip
    assert data["squadron"]["fleet"] == {"id": nova.fleet}
    assert (data["squadron"]["ships"]["totalCount"], data["squadron"]["members"]["totalCount"]) == (3, 2)
    assert data["role"] == {"title": "Officer", "rank": 2, "rights": ["member.invite", "member.represent"]}
    assert data["nobody"] is None


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["HANDLE", "JOINED", "RANK", "STANDING"])
def test_pages_forward_and_backward_give_every_member_once_in_one_order(
    api: Api, nova: Nova, sort: str, descending: bool
) -> None:
    whole = _walk(api, nova, sort, descending, 200, backward=False)
    assert len(whole) == len(set(whole)) == 13
    assert _walk(api, nova, sort, descending, 4, backward=False) == whole
    assert _walk(api, nova, sort, descending, 4, backward=True) == whole


def _walk(api: Api, nova: Nova, sort: str, descending: bool, size: int, *, backward: bool) -> list[str]:
    asked = "last: $size, before: $cursor" if backward else "first: $size, after: $cursor"
    query = f"""query ($space: ID!, $size: Int!, $cursor: String, $descending: Boolean!) {{
      members(space: $space, sort: {sort}, descending: $descending, {asked}) {{ {PAGE} }} }}"""
    found: list[str] = []
    cursor = None
    while True:
        page = api.ask(query, space=nova.space, size=size, cursor=cursor, descending=descending)["members"]
        ids = [each["node"]["id"] for each in page["edges"]]
        found = [*ids, *found] if backward else [*found, *ids]
        assert page["totalCount"] == 13
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        more = page["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]
        assert more == (len(found) < 13)
        if not more:
            return found
        cursor = page["pageInfo"]["startCursor" if backward else "endCursor"]


@pytest.mark.parametrize(
    ("field", "narrowed", "count"),
    [
        ("members", '{text: "PILOT-00"}', 10),
        ("members", '{text: "the 11"}', 1),
        ("members", '{text: "%"}', 0),
        ("members", "{standing: [JOINED]}", 1),
        ("members", "{standing: []}", 0),
        ("members", "{rankTo: 0}", 1),
        ("members", "{rankFrom: 1}", 0),
        ("members", '{joinedFrom: "2020-01-01T00:00:00Z"}', 1),
        ("members", '{joinedTo: "2020-01-01T01:00:00+02:00"}', 0),
        ("members", "{contested: true}", 0),
        ("ships", '{model: ["aegs-gladius", "anvl-carrack"]}', 12),
        ("ships", '{text: "PROSPECT"}', 6),
        ("ships", "{readiness: [DAMAGED]}", 4),
        ("ships", "{readiness: [READY, DAMAGED], ownerKind: MEMBER, onLoan: false}", 30),
        ("ships", "{ownerKind: ORGANISATION}", 0),
        ("ships", "{removedFor: [WISHED]}", 0),
        ("hangarImports", '{tool: ["hangarxplor"]}', 2),
        ("hangarImports", "{undone: true}", 1),
        ("hangarImports", '{since: "2020-01-01T00:00:00Z"}', 3),
        ("hangarImports", f'{{owner: "{"ab" * 16}"}}', 0),
        ("roles", '{right: "member.invite"}', 1),
        ("roles", '{right: "grant.issue"}', 0),
        ("fleets", '{text: "fir", disbanded: false}', 1),
        ("squadrons", "{disbanded: true}", 0),
        ("audit", '{type: ["fleet.formed/1"]}', 1),
        ("audit", '{valid: false}', 0),
        ("audit", '{until: "2020-01-01T00:00:00Z"}', 0),
    ],
)  # fmt: skip
def test_filters_narrow_a_list(api: Api, nova: Nova, field: str, narrowed: str, count: int) -> None:
    data = api.ask(
        f'{{ {field}(space: "{nova.space}", filter: {narrowed}) {{ totalCount nextStep nodes {{ id }} }} }}'
    )
    assert data[field]["totalCount"] == len(data[field]["nodes"]) == count
    assert (data[field]["nextStep"] is None) == (count > 0)


def test_parts_of_names_are_found_in_any_case_of_any_script(api: Api) -> None:
    made = populate(api.node, members=1, ships=1, title="Ægir Élan")
    space, who, ship = made.space, made.members[0], made.ships[0]
    api.do("memberChangeProfile", f'space: "{space}", memberId: "{who}", handle: "Ærin", displayName: "ÜNAL Öz"')
    api.do("shipName", f'space: "{space}", shipId: "{ship}", nickname: "ÉCLAIR"')
    for field, part in (("organisations", "ÆGIR é"), ("members", "æR"), ("members", "ünal ö"), ("ships", "éClair")):
        where = "" if field == "organisations" else f'space: "{space}", '
        assert api.ask(f'{{ {field}({where}filter: {{text: "{part}"}}) {{ totalCount }} }}')[field] == {
            "totalCount": 1
        }


@pytest.mark.parametrize("page", ["nodes { %s }", "edges { node { %s } }"])
def test_whatever_a_text_holds_it_comes_back_as_it_was_written(api: Api, page: str) -> None:
    made = populate(api.node, members=1, ships=1)
    space, who, ship = made.space, made.members[0], made.ships[0]
    prose = 'say "hi" \\ \\" \\u0041 {"a": [%s]}, \'; \n\r\t</script> \u2028 \U0001f680 \x7f null'
    name = prose.replace("\n\r\t", "").replace("\u2028", "").replace("\x7f", "")[:40]
    api.ask(
        """mutation ($space: ID!, $who: ID!, $ship: ID!, $name: String!, $prose: String!) {
          memberChangeProfile(space: $space, memberId: $who, handle: $name, displayName: "\\"") { pos }
          shipName(space: $space, shipId: $ship, nickname: "\\\\") { pos }
          organisationDescribe(space: $space, text: $prose) { pos } }""",
        space=space, who=who, ship=ship, name=name, prose=prose,
    )  # fmt: skip
    members = page % ("handle displayName note ships { %s }" % (page % "nickname"))
    query = f'{{ organisation(id: "{space}") {{ description members(filter: {{text: "say"}}) {{ {members} }} }} }}'

    def first(of: Any) -> Any:
        return of["nodes"][0] if "nodes" in of else of["edges"][0]["node"]

    answer = api.ask(query)["organisation"]
    member = first(answer["members"])
    assert (answer["description"], member["handle"], member["displayName"]) == (prose, name, '"')
    assert (member["note"], first(member["ships"])["nickname"]) == (None, "\\")


def test_an_empty_list_says_what_to_do_next(api: Api, nova: Nova) -> None:
    data = api.ask(f'{{ organisation(id: "{nova.space}") {{ affiliations {{ nextStep nodes {{ title }} }} }} }}')
    assert "organisationAffiliate" in data["organisation"]["affiliations"]["nextStep"]


def test_pages_are_cut_to_two_hundred_rows_even_if_more_are_asked_for(api: Api, nova: Nova) -> None:
    data = api.ask(f'{{ audit(space: "{nova.space}", first: 5000) {{ nodes {{ pos }} }} }}')
    assert 50 < len(data["audit"]["nodes"]) <= 200


def test_times_are_utc_with_six_decimals_and_near_to_now(api: Api, nova: Nova) -> None:
    data = api.ask(f'{{ audit(space: "{nova.space}", descending: true, first: 1) {{ nodes {{ at }} }} }}')
    told = data["audit"]["nodes"][0]["at"]
    assert len(told) == len("2026-01-01T00:00:00.000000Z")
    assert abs(datetime.fromisoformat(told).timestamp() - __import__("time").time()) < 600


def test_why_explains_an_entry_with_author_grant_and_causes(api: Api, nova: Nova) -> None:
    entry = api.ask(
        f'{{ audit(space: "{nova.space}", filter: {{type: ["fleet.lead-assigned/1"]}}) {{ nodes {{ id }} }} }}'
    )
    why = api.ask(
        "query ($entry: ID!) { why(entry: $entry) { type valid reason member rank entity saw space grant } }",
        entry=entry["audit"]["nodes"][0]["id"],
    )["why"]
    assert (why["type"], why["valid"], why["rank"]) == ("fleet.lead-assigned/1", True, 0)
    assert (why["entity"], why["member"], why["space"]) == (nova.fleet, nova.organisation, nova.space)
    assert len(why["saw"]) == 1


def test_the_node_tells_its_version_position_and_spaces(api: Api, nova: Nova) -> None:
    node = api.ask("{ node { version pos projectedPos spaces { id kind needsUpdate } } }")["node"]
    assert {"id": nova.space, "kind": "org", "needsUpdate": False} in node["spaces"]
    assert node["pos"] >= node["projectedPos"] > 0


def test_an_operation_answers_with_its_plan_its_slots_and_who_comes(api: Api, nova: Nova) -> None:
    data = api.ask(
        """query ($space: ID!, $id: ID!) { operation(space: $space, id: $id) {
             title starts ends zone stage places crew waiting openCrewSlots openShipSlots reminders contested
             objective { body meets standing member { handle } }
             crewSlots { nodes { role aboard { title } member { handle } } }
             shipSlots { nodes { title models ship { model standing } } }
             signUps { nodes { standing answer roles own member { handle } } }
             checkIns { nodes { member { handle } } } attendance { nodes { at members { nodes { handle } } } }
             texts { totalCount } squads { nextStep } seriesOperations { totalCount } } }""",
        space=nova.space, id=nova.operation,
    )["operation"]  # fmt: skip
    assert (data["title"], data["stage"], data["zone"]) == ("Jumptown", "STARTED", "Europe/Berlin")
    assert (data["starts"], data["places"]) == ("2096-10-02T07:06:40.000000Z", 2)
    assert (data["crew"], data["waiting"], data["openCrewSlots"], data["openShipSlots"]) == (2, 1, 1, 0)
    assert data["objective"]["meets"] == "Yela"
    assert data["crewSlots"]["nodes"][0] == {
        "role": "gunner", "aboard": {"title": "Gunship"}, "member": {"handle": "Pilot-000"}
    }  # fmt: skip
    assert data["shipSlots"]["nodes"][0]["ship"] == {"model": MODELS[0], "standing": "PRESENT"}
    assert [each["standing"] for each in data["signUps"]["nodes"]] == ["CREW", "CREW", "WAITING"]
    assert data["attendance"]["nodes"][0]["members"]["nodes"] == [{"handle": "Pilot-000"}]
    assert (data["texts"]["totalCount"], data["seriesOperations"]["totalCount"]) == (1, 0)
    assert "operationFormSquad" in data["squads"]["nextStep"]


@pytest.mark.parametrize(
    ("narrowed", "titles"),
    [
        ("template: true", ["As ever"]),
        ("template: false", ["Jumptown"]),
        ("stage: [STARTED]", ["Jumptown"]),
        ('text: "jump"', ["Jumptown"]),
        ('startsFrom: "2096-10-02T07:06:40Z", startsTo: "2096-10-02T07:06:41Z"', ["Jumptown"]),
        ('endsFrom: "2096-10-03T00:00:00Z"', []),
        ("openSlots: true", ["As ever", "Jumptown"]),
        ("contested: true", []),
    ],
)
def test_operations_are_narrowed_and_sorted(api: Api, nova: Nova, narrowed: str, titles: list[str]) -> None:
    query = f"{{ operations(space: $space, sort: TITLE, filter: {{{narrowed}}}) {{ nodes {{ title }} }} }}"
    found = api.ask(f"query ($space: ID) {query}", space=nova.space)["operations"]["nodes"]
    assert [each["title"] for each in found] == titles


def test_a_members_answers_lead_to_operations_and_operations_are_found_by_member(api: Api, nova: Nova) -> None:
    query = """query ($space: ID!, $id: ID!, $pilot: ID!) {
      member(space: $space, id: $id) {
        signUps { nodes { standing operation { title } } } checkIns { nodes { operation { title } } }
      }
      pilot: member(space: $space, id: $pilot) { checkIns { nodes { memberId operation { title } } } }
      operations(space: $space, filter: {member: $id}) { nodes { title } } }"""
    data = api.ask(query, space=nova.space, id=nova.members[2], pilot=nova.members[0])
    assert data["member"]["signUps"]["nodes"] == [{"standing": "WAITING", "operation": {"title": "Jumptown"}}]
    assert data["member"]["checkIns"]["nodes"] == []
    assert data["pilot"]["checkIns"]["nodes"] == [{"memberId": nova.members[0], "operation": {"title": "Jumptown"}}]
    assert data["operations"]["nodes"] == [{"title": "Jumptown"}]
    assert api.ask(query, space=nova.space, id=nova.members[5], pilot=nova.members[0])["operations"]["nodes"] == []


def test_can_we_field_this_is_answered_by_the_node(api: Api, nova: Nova) -> None:
    query = """query ($space: ID!, $id: ID!) {
      fielding(space: $space, operation: $id, everybody: true, anew: true) {
        complete open
        ships { title ship could would { id flaw } lost missing }
        crew { role member could missing } } }"""
    found = api.ask(query, space=nova.space, id=nova.operation)["fielding"]
    assert (found["complete"], found["open"]) == (True, 0)
    assert found["ships"][0]["ship"] in found["ships"][0]["could"]
    assert [each["member"] for each in found["crew"]] == nova.members[:2]
    assert api.refused(query, space=nova.space, id="0" * 32)["code"] == "operation-unknown"
    assert api.refused(query, space=nova.space, id=nova.space)["code"] == "id-malformed"
    api.node.see_only()
    try:
        assert api.refused(query, space=nova.space, id=nova.operation)["code"] == "space-not-visible"
    finally:
        api.node.see_all()


QUERIES = [
    "{ organisations { nodes { __typename title rivalTitles members { __typename edges { __typename cursor } } } } }",
    "{ a: ships(space: $space, first: 3) { nodes { model } } b: ships(space: $space, last: 2) { nodes { model } } }",
    "{ members(space: $space) { nodes { id ...F ...F } nodes { handle } } }",
    "{ members(space: $space, first: 3) { nodes { id @skip(if: true) handle @include(if: true) rights } } }",
    "{ members(space: $space, first: 2) { nodes { x: ships(first: 1) { nodes { id } } y: ships { totalCount } } } }",
    "{ ships(space: $space, first: 5, filter: {readiness: [DAMAGED]}) { nodes { claimUntil ownerKind loanUntil } } }",
    "{ audit(space: $space, first: 9) { nodes { at pos seq type entity member { handle } rank valid } "
    "pageInfo { __typename endCursor } } }",
    "{ fleets(space: $space) { nodes { lead { handle ships { nextStep } } ships { nextStep totalCount } } } }",
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.slow
def test_the_direct_way_and_the_executor_answer_alike(api: Api, nova: Nova, query: str) -> None:
    fragment = " fragment F on Member { standing organisation { title ...G } } fragment G on Organisation { sid }"
    text = (
        f"query ($space: ID) {query}"
        if "$space" in query and "audit" not in query
        else f"query ($space: ID!) {query}"
    )
    text = text if "$space" in query else query
    text += fragment if "...F" in query else ""
    with serving(api.node, direct=False) as slow:
        asked: Any = {"space": nova.space} if "$space" in query else {}
        assert slow.ask(text, **asked) == api.ask(text, **asked)


def test_what_the_owner_is_not_in_cannot_be_seen_by_any_way(api: Api, nova: Nova) -> None:
    entry = api.ask(f'{{ audit(space: "{nova.space}") {{ nodes {{ id }} }} }}')["audit"]["nodes"][0]["id"]
    api.node.see_only()
    try:
        data = api.ask(
            """query ($space: ID!, $id: ID!) {
              organisations { totalCount } organisation(id: $space) { title } members { totalCount }
              ships(space: $space) { totalCount } fleets { totalCount } squadrons { totalCount } roles { totalCount }
              audit(space: $space) { totalCount } member(space: $space, id: $id) { handle } }""",
            space=nova.space, id=nova.members[0],
        )  # fmt: skip
        assert all(each in (None, {"totalCount": 0}) for each in data.values()), data
        assert api.ask("{ node { spaces { id } } }")["node"]["spaces"] == []
        assert api.refused(f'{{ why(entry: "{entry}") {{ valid }} }}')["code"] == "entry-unknown"
        refused = api.refused(f'mutation {{ organisationRename(space: "{nova.space}", title: "Stolen") {{ pos }} }}')
        assert refused["code"] == "space-not-visible"
    finally:
        api.node.see_all()


def test_a_query_may_come_by_get_but_a_mutation_may_not(api: Api) -> None:
    got = api.client.get("/graphql", params={"query": "{ node { version } }", "variables": "{}"})
    assert got.status_code == 200
    assert got.json()["data"]["node"]["version"]
    sent: httpx.Response = api.client.get("/graphql", params={"query": "mutation { personalFound { pos } }"})
    assert sent.status_code == 400
    assert sent.json()["errors"][0]["extensions"]["code"] == "request-malformed"


def test_a_batch_answers_each_operation_in_order(api: Api) -> None:
    answer = api.client.post("/graphql", json=[{"query": "{ node { pos } }"}, {"query": "{ nothing }"}]).json()
    assert answer[0]["data"]["node"]["pos"] >= 0
    assert answer[1]["errors"][0]["extensions"]["code"] == "query-invalid"

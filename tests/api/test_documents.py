"""Documents through the API: written by mutation, read from the read model, as they were from the node."""

from typing import Any

import pytest

from tests.support.api_node import Api

WRITE = """mutation ($space: ID!, $thing: ID!, $text: String!, $base: [ID!]! = []) {
  documentEdit(space: $space, thingId: $thing, kind: BRIEFING, text: $text, base: $base) { pos } }"""
READ = """query ($space: ID!, $thing: ID!) { document(space: $space, thing: $thing, kind: BRIEFING) {
  text words trouble heads changes omitted authorIds changedBy { handle } changedAt kind } }"""


@pytest.fixture(scope="module")
def org(api: Api) -> str:
    return str(api.do("organisationFound", 'title: "Writers", handle: "ada"')["space"])


@pytest.fixture
def operation(api: Api, org: str) -> str:
    given = f'space: "{org}", title: "Jumptown", startsS: 4000000000, endsS: 4000003600'
    return str(api.ask(f"mutation {{ operationPlan({given}) {{ operation }} }}")["operationPlan"]["operation"])


def read(api: Api, org: str, operation: str) -> Any:
    return api.ask(READ, space=org, thing=operation)["document"]


def test_what_is_written_is_read_at_once_with_its_authors_and_heads(api: Api, org: str, operation: str) -> None:
    assert read(api, org, operation) is None
    api.ask(WRITE, space=org, thing=operation, text="Meet at Everus.\nFly.\n")
    first = read(api, org, operation)
    assert (first["text"], first["words"], first["trouble"], first["kind"]) == (
        "Meet at Everus.\nFly.\n", "OPEN", None, "BRIEFING",
    )  # fmt: skip
    assert (first["changes"], first["omitted"], first["authorIds"]) == (1, 0, [org[:32]])
    assert first["changedBy"] == {"handle": "ada"}
    api.ask(WRITE, space=org, thing=operation, text="Meet at Everus.\nFly.\nCome home.\n")
    api.ask(WRITE, space=org, thing=operation, text="Meet at Baijini.\nFly.\n", base=first["heads"])
    assert read(api, org, operation)["text"] == "Meet at Baijini.\nFly.\nCome home.\n"


def test_history_earlier_texts_and_differences_come_from_the_node(api: Api, org: str, operation: str) -> None:
    for text in ("One.\n", "One.\nTwo.\n", "Two.\n"):
        api.ask(WRITE, space=org, thing=operation, text=text)
    told = api.ask(
        """query ($space: ID!, $thing: ID!) {
          documentHistory(space: $space, thing: $thing, kind: BRIEFING) { id member at after entry } }""",
        space=org, thing=operation,
    )["documentHistory"]  # fmt: skip
    assert [len(each["after"]) for each in told] == [0, 1, 1]
    assert {each["member"] for each in told} == {org[:32]}
    at = """query ($space: ID!, $thing: ID!, $at: DocumentPoint!) {
      documentAsOf(space: $space, thing: $thing, kind: BRIEFING, at: $at) { text heads } }"""
    then = api.ask(at, space=org, thing=operation, at={"heads": [told[1]["id"]]})["documentAsOf"]
    assert then == {"text": "One.\nTwo.\n", "heads": [told[1]["id"]]}
    assert api.ask(at, space=org, thing=operation, at={"time": told[0]["at"]})["documentAsOf"]["text"] == "One.\n"
    assert api.ask(at, space=org, thing=operation, at={"time": "1990-01-01T00:00:00Z"})["documentAsOf"]["text"] == ""
    between = """query ($space: ID!, $thing: ID!, $since: DocumentPoint!, $until: DocumentPoint!) {
      documentDiff(space: $space, thing: $thing, kind: BRIEFING, since: $since, until: $until) { act text } }"""
    points = {"since": {"heads": [told[1]["id"]]}, "until": {"heads": [told[2]["id"]]}}
    assert api.ask(between, space=org, thing=operation, **points)["documentDiff"] == [
        {"act": "REMOVED", "text": "One.\n"},
        {"act": "KEPT", "text": "Two.\n"},
    ]
    undo = f'space: "{org}", thingId: "{operation}", kind: BRIEFING, change: "{told[2]["id"]}"'
    api.ask(f"mutation {{ documentUndo({undo}) {{ pos }} }}")
    assert read(api, org, operation)["text"] == "One.\nTwo.\n"


def test_what_is_left_out_is_told_by_the_history_and_can_be_taken_in(api: Api, org: str, operation: str) -> None:
    for text in ("One.\n", "One.\nTwo.\n", "One.\nTwo.\nThree.\n"):
        api.ask(WRITE, space=org, thing=operation, text=text)
    asked = """query ($space: ID!, $thing: ID!) { documentHistory(space: $space, thing: $thing, kind: BRIEFING) {
      id leftOut { id member at why } without } }"""
    second = api.ask(asked, space=org, thing=operation)["documentHistory"][1]["id"]
    given = f'space: "{org}", thingId: "{operation}", kind: BRIEFING'
    api.ask(f'mutation {{ documentLeaveOut({given}, changes: ["{second}"], why: "Wrong.") {{ pos }} }}')
    shown = read(api, org, operation)
    assert (shown["text"], shown["changes"], shown["omitted"]) == ("One.\n", 3, 2)
    told = api.ask(asked, space=org, thing=operation)["documentHistory"]
    assert [(each["leftOut"] is None, each["without"]) for each in told] == [
        (True, False),
        (False, False),
        (True, True),
    ]
    left = told[1]["leftOut"]
    assert (left["member"], left["why"]) == (org[:32], "Wrong.")
    api.ask(f'mutation {{ documentTakeIn({given}, left: "{left["id"]}") {{ pos }} }}')
    assert read(api, org, operation)["text"] == "One.\nTwo.\nThree.\n"


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ({}, "document-point-unclear"),
        ({"heads": ["00" * 32], "time": "1990-01-01T00:00:00Z"}, "document-point-unclear"),
        ({"heads": ["00" * 32]}, "document-change-unknown"),
        ({"heads": ["00"]}, "id-malformed"),
    ],
)
def test_a_point_that_is_none_is_refused(api: Api, org: str, operation: str, at: Any, code: str) -> None:
    asked = """query ($space: ID!, $thing: ID!, $at: DocumentPoint!) {
      documentAsOf(space: $space, thing: $thing, kind: BRIEFING, at: $at) { text } }"""
    assert api.refused(asked, space=org, thing=operation, at=at)["code"] == code


def test_who_is_in_no_organisation_reads_nothing_of_it(api: Api, org: str, operation: str) -> None:
    api.ask(WRITE, space=org, thing=operation, text="Secret.\n")
    api.node.see_only()
    try:
        assert read(api, org, operation) is None
        asked = "query ($s: ID!, $t: ID!) { documentHistory(space: $s, thing: $t, kind: BRIEFING) { id } }"
        assert api.refused(asked, s=org, t=operation)["code"] == "space-not-visible"
    finally:
        api.node.see_all()


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [
        ('{text: "ROVERS"}', 1),
        ("{kind: [CHARTER]}", 1),
        ("{kind: [REPORT, TREATY, SHEET]}", 0),
        ("{troubled: true}", 0),
    ],
)
def test_filters_narrow_a_list(api: Api, org: str, narrowed: str, count: int) -> None:
    given = f'space: "{org}", thingId: "{org[:32]}", kind: CHARTER, text: "We are rovers."'
    api.ask(f"mutation {{ documentEdit({given}) {{ pos }} }}")
    data = api.ask(
        f'{{ documents(space: "{org}", filter: {narrowed}) {{ totalCount nextStep nodes {{ id thing }} }} }}'
    )["documents"]
    assert data["totalCount"] == len(data["nodes"]) == count
    assert (data["nextStep"] is None) == (count > 0)

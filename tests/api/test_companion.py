"""What a companion tells of its use over the API: closed words, one answer for all, counted with consent only."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.api.companion import STEPS_MAX
from scmanager.application.companion import PLACED, TELLABLE
from scmanager.domain.statistics import FEATURES, Action, Category, MetaValue
from tests.api.conftest import Api
from tests.application.test_usage import Here
from tests.support.api_node import Socket, serving
from tests.support.effort import examples

TELL = "mutation ($steps: [StepTold!]!) { usageTell(steps: $steps) }"
PAGE: dict[str, Any] = {"step": "PAGE_VIEWED", "part": "FLEETS"}
ROUTE: dict[str, Any] = {"step": "ROUTE_CALCULATED"}


@pytest.fixture(scope="module")
def counted(api: Api) -> Iterator[tuple[Api, Here]]:
    here = Here()
    with serving(api.node, usage=here.usage) as served:
        yield served, here


@pytest.fixture
def asked(counted: tuple[Api, Here]) -> tuple[Api, Here]:
    api, here = counted
    here.agreed = False
    here.usage.work()
    here.agreed = True
    here.usage.work()
    here.kept.clear()
    return api, here


def steps(here: Here) -> list[tuple[Category | None, Action]]:
    return [(each.category, each.action) for each in here.usage._steps]


def test_the_answer_is_the_same_with_consent_without_and_beyond_the_bounds(asked: tuple[Api, Here]) -> None:
    api, here = asked
    sent = {"query": TELL, "variables": {"steps": [PAGE, ROUTE]}}
    answers = []
    for here.agreed in (True, True, False):
        here.usage.work()
        answers.append(api.client.post("/graphql", json=sent))
    assert {(each.status_code, each.content) for each in answers} == {(200, b'{"data":{"usageTell":true}}')}
    assert len({frozenset(each.headers) for each in answers}) == 1
    assert steps(here) == []
    told = [each for each in here.kept if each.category in TELLABLE]
    assert [(each.category, each.action) for each in told] == [
        (Category.PAGE_VIEWED, Action.FLEETS), (Category.ROUTE_CALCULATED, Action.NOTHING_CLOSER),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ([{"step": "PAGE_VIEWED"}], "step-unusable"),
        ([ROUTE | {"part": "FLEETS"}], "step-unusable"),
        ([PAGE] * (STEPS_MAX + 1), "too-many-steps"),
        ([{"step": "APP_STARTED"}], "query-invalid"),
        ([{"step": "ERROR_OCCURRED"}], "query-invalid"),
        ([PAGE | {"part": "Ada's diary"}], "query-invalid"),
        ([PAGE | {"part": "NOTHING_CLOSER"}], "query-invalid"),
        ([PAGE | {"page": "ships/ada"}], "query-invalid"),
        (["PAGE_VIEWED"], "query-invalid"),
        (None, "query-invalid"),
    ],
)
@pytest.mark.parametrize("agreed", [True, False])
def test_what_is_no_step_is_refused_with_consent_and_without_and_none_of_it_counts(
    asked: tuple[Api, Here], told: Any, code: str, agreed: bool
) -> None:
    api, here = asked
    here.agreed = agreed
    here.usage.work()
    assert api.refused(TELL, steps=told)["code"] == code
    assert steps(here) == []


_words = st.sampled_from([*(each.name for each in (*Category, *FEATURES)), "", "pageViewed"]) | st.text(max_size=9)
_steps = st.fixed_dictionaries({"step": _words}, optional={"part": _words | st.none(), "page": _words})


@settings(max_examples=examples(15))
@given(st.lists(_steps, max_size=STEPS_MAX + 2))
def test_whatever_is_sent_only_names_of_the_table_are_heard(counted: tuple[Api, Here], sent: list[Any]) -> None:
    api, here = counted
    here.usage.work()
    answer = api.post(TELL, {"steps": sent})
    assert answer.get("data") == {"usageTell": True} or answer["errors"]
    for category, action in steps(here):
        assert category in TELLABLE
        assert (category in PLACED) == (action in FEATURES)


def test_requests_are_counted_by_whom_they_came_and_a_live_query_once(asked: tuple[Api, Here]) -> None:
    api, here = asked
    query = {"query": "{ fleets { totalCount } }"}
    api.client.post("/graphql", json=query, headers={"user-agent": "scm"})
    api.client.post("/graphql", json=query)
    api.client.post("/graphql", json={"query": "{ fleets { nothing } }"})
    assert [(each.action, each.interface) for each in here.usage._steps] == [
        (Action.FLEETS, MetaValue.COMMAND_LINE), (Action.FLEETS, MetaValue.GRAPHQL),
    ]  # fmt: skip
    assert sum(here.usage._answers._counts.values()) == 2
    with Socket(api).begin() as heard:
        heard.subscribe("subscription { members { nothing } }", "wrong")
        assert heard.read()["type"] == "error"
        space = str(api.do("organisationFound", 'title: "Heard", handle: "lead"')["space"])
        here.usage._steps.clear()
        heard.subscribe("subscription ($s: ID!) { members(space: $s) { totalCount } }", "live", s=space)
        heard.next()
        api.do("memberRecord", f'space: "{space}", handle: "Alive"')
        heard.next()
    assert [each.action for each in here.usage._steps if not each.command] == [Action.ROSTER]


def test_nobody_counts_where_nobody_was_asked_to(api: Api) -> None:
    assert api.ask(TELL, steps=[PAGE]) == {"usageTell": True}

"""The gate of the direct way: it answers as the executor does, and only what the viewer may see."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.api.bindings import Column, Many
from scmanager.api.schema import served
from tests.support.api_node import Api, serving
from tests.support.fleet_of import Nova, populate

CATALOGUE = served().catalogue
ROOTS = {"organisations": "Organisation", "members": "Member", "ships": "Ship", "fleets": "Fleet",
         "squadrons": "Squadron", "roles": "Role", "operations": "Operation", "contacts": "Contact",
         "treaties": "Treaty", "characters": "Character", "search": "Found",
         "hangarImports": "HangarImport"}  # fmt: skip
GIVEN = {"search": 'text: "e"'}
"""What a root cannot do without."""
INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename }"


@pytest.fixture(scope="module")
def slow(api: Api) -> Iterator[Api]:
    with serving(api.node, direct=False) as served_slowly:
        yield served_slowly


@st.composite
def selection(draw: Any, kind: str, depth: int) -> str:
    """Some fields of a read model, some of them under other names, some in a fragment."""
    fields = CATALOGUE.fields[kind]
    names = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=4, unique=True))
    parts = []
    for number, name in enumerate(names):
        binding = fields[name]
        alias = draw(st.sampled_from(["", "", "", f"x{number}: "]))
        if isinstance(binding, Column):
            parts.append(alias + name)
        elif depth > 0:
            target = CATALOGUE.target(kind, name)
            inner = draw(selection(target, depth - 1))
            parts.append(alias + (draw(page(name, inner)) if isinstance(binding, Many) else f"{name} {{ {inner} }}"))
    text = " ".join(parts) or "__typename"
    return draw(st.sampled_from([text, text, f"... on {kind} {{ {text} }}", f"{text} __typename"]))


@st.composite
def page(draw: Any, name: str, inner: str) -> str:
    paging = draw(st.sampled_from(["", "first: 2", "last: 3", "first: 3, descending: true", "last: 1"]))
    arguments = ", ".join(each for each in (GIVEN.get(name, ""), paging) if each)
    arguments = f"({arguments})" if arguments else ""
    chosen = draw(
        st.lists(
            st.sampled_from(
                [f"nodes {{ {inner} }}", f"edges {{ cursor node {{ {inner} }} }}", "totalCount", "nextStep", INFO]
            ),
            min_size=1, max_size=3, unique=True,
        )
    )  # fmt: skip
    return f"{name}{arguments} {{ {' '.join(chosen)} }}"


@st.composite
def query(draw: Any) -> str:
    root = draw(st.sampled_from(sorted(ROOTS)))
    return f"{{ {draw(page(root, draw(selection(ROOTS[root], 2))))} }}"


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=query())
@pytest.mark.slow
def test_whatever_is_asked_both_ways_answer_alike(api: Api, slow: Api, nova: Nova, asked: str) -> None:
    direct, by_executor = api.post(asked), slow.post(asked)
    for errors in (direct.get("errors", ()), by_executor.get("errors", ())):
        for each in errors:
            assert each["extensions"]["code"] != "internal", asked
            each["extensions"].pop("requestId")
    if "errors" in direct:
        assert [each["extensions"] for each in direct["errors"]] == [
            each["extensions"] for each in by_executor["errors"]
        ]
    else:
        assert direct == by_executor


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=query())
@pytest.mark.slow
def test_whatever_is_asked_nothing_of_a_space_one_is_not_in_is_told(
    api: Api, nova: Nova, hidden: Nova, asked: str
) -> None:
    api.node.see_only(bytes.fromhex(nova.space))
    try:
        told = str(api.post(asked))
    finally:
        api.node.see_all()
    for each in itertools.chain(
        (
            hidden.space,
            hidden.organisation,
            hidden.fleet,
            hidden.operation,
            hidden.contact,
            hidden.treaty,
            hidden.character,
        ),
        hidden.members,
        hidden.ships,
    ):
        assert each not in told


@pytest.fixture(scope="module")
def hidden(api: Api) -> Nova:
    return populate(api.node, members=3, ships=5, title="Hidden")

"""The schema tells of itself whatever tools ask for, and holds nobody else up."""

import statistics
import threading
import time
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    build_client_schema,
    get_introspection_query,
    print_schema,
)

from scmanager.api.limits import ELSEWHERE, KNOWN_LENGTHS, TYPES
from scmanager.api.schema import served
from tests.support.api_node import Api, Socket

EVERYTHING = get_introspection_query(
    descriptions=True, specified_by_url=True, directive_is_repeatable=True, schema_description=True,
    input_value_deprecation=True,
)  # fmt: skip
ARGUMENTS = "{ types { fields { args { type { ofType { ofType { name } } } } } } }"


def test_tools_may_ask_for_all_of_the_schema(api: Api) -> None:
    told = build_client_schema(api.post(EVERYTHING, operationName="IntrospectionQuery")["data"])
    assert print_schema(told) == print_schema(served().schema._schema)
    with Socket(api).begin() as heard:
        heard.subscribe(EVERYTHING)
        assert print_schema(build_client_schema(heard.next())) == print_schema(told)


def test_a_single_type_and_variables_are_told(api: Api) -> None:
    query = (
        "query ($name: String!, $all: Boolean!) { __type(name: $name) { name fields @include(if: $all) { name } } }"
    )
    assert api.ask(query, name="NodeInfo", all=False)["__type"]["name"] == "NodeInfo"
    assert "pos" in [each["name"] for each in api.ask(query, name="NodeInfo", all=True)["__type"]["fields"]]
    assert api.ask(query, name="Nothing", all=True) == {"__type": None}
    assert api.ask("{ __typename node { pos } }")["__typename"] == "Query"
    assert api.refused(query, name="NodeInfo")["code"] == "query-invalid"


def test_the_schema_many_times_over_is_refused_quickly(api: Api) -> None:
    many = "{" + " ".join(f"a{n}: __schema {ARGUMENTS}" for n in range(30)) + "}"
    within = (
        "query Q { ...F } fragment F on Query { " + " ".join(f"a{n}: __schema {ARGUMENTS}" for n in range(30)) + "}"
    )
    deep = "{ __schema { types { fields { type { fields { args { name } } } } } } }"
    for query in (many, within, deep):
        begun = time.perf_counter()
        assert api.refused(query)["code"] == "query-too-costly"
        assert time.perf_counter() - begun < 3


def test_a_batch_may_cost_what_one_operation_may(api: Api) -> None:
    asked: list[Any] = [{"query": EVERYTHING}, {"query": f"{{ a: __schema {ARGUMENTS} b: __schema {ARGUMENTS} }}"}]
    assert [each["data"].keys() for each in api.client.post("/graphql", json=asked).json()] == [
        {"__schema"},
        {"a", "b"},
    ]
    wide = "{ members(first: 200) { nodes { ships(first: 200) { nodes { id model nickname } } } } }"
    for more in ({"query": EVERYTHING}, {"query": wide}):
        answer = api.client.post("/graphql", json=[*asked, more])
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "query-too-costly")
    assert "data" in api.post(wide)


def test_what_is_wrong_with_one_operation_of_a_batch_is_told_of_it_alone(api: Api) -> None:
    deep = "{ __schema { types { fields { type { fields { args { name } } } } } } }"
    spinning = "fragment A on Query { ...A } { ...A }"
    answers = api.client.post(
        "/graphql", json=[{"query": each} for each in (deep, "{", spinning, "{ node { pos } }")]
    )
    codes = [each["errors"][0]["extensions"]["code"] for each in answers.json()[:3]]
    assert codes == ["query-too-costly", "query-invalid", "query-invalid"]
    assert answers.json()[3]["data"]["node"]


def test_whoever_asks_for_the_schema_holds_nobody_up(api: Api) -> None:
    began = time.perf_counter()
    assert "data" in api.post(EVERYTHING)
    alone = time.perf_counter() - began
    asked = threading.Thread(target=lambda: [api.post(EVERYTHING) for _ in range(8)])
    asked.start()
    waits = []
    with httpx.Client(base_url=api.url, trust_env=False) as other:
        while asked.is_alive():
            began = time.perf_counter()
            assert other.get("/health").status_code == 200
            waits.append(time.perf_counter() - began)
            time.sleep(0.01)
    asked.join()
    assert statistics.median(waits) < alone / 2


@pytest.mark.parametrize("place", [TYPES, ELSEWHERE])
def test_costs_are_counted_by_how_large_the_schema_is(place: str) -> None:
    schema = served().schema._schema
    kinds = list(schema.type_map.values())
    fields = [len(each.fields) for each in kinds if isinstance(each, GraphQLObjectType)]
    arguments = [
        len(one.args) for each in kinds if isinstance(each, GraphQLObjectType) for one in each.fields.values()
    ]
    inputs = [len(each.fields) for each in kinds if isinstance(each, GraphQLInputObjectType)]
    values = [len(each.values) for each in kinds if isinstance(each, GraphQLEnumType)]
    counted = KNOWN_LENGTHS[place]
    if place == TYPES:
        many = len(kinds)
        assert counted["fields"] >= sum(fields) / many
        assert counted["args"] >= statistics.mean(arguments)
        assert counted["inputFields"] >= sum(inputs) / many
        assert counted["enumValues"] >= sum(values) / many
        return
    mutation = schema.mutation_type
    assert mutation is not None
    assert counted["types"] >= len(kinds)
    assert counted["directives"] >= len(schema.directives)
    assert counted["fields"] >= max(fields)
    assert counted["args"] >= statistics.mean(len(each.args) for each in mutation.fields.values())
    assert counted["inputFields"] >= max(inputs)
    assert counted["enumValues"] >= max(values)

"""The schema tells of itself whatever tools ask for, and holds nobody else up."""

import statistics
import threading
import time
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    parse,
    print_schema,
)

from scmanager.api.introspection import lengths_of
from scmanager.api.limits import COST_MAX, WHOLE_MAX, QueryTooCostly, check_cost, whole_cost
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


def large(types: int) -> GraphQLSchema:
    """So many types with four fields each, of which one takes two arguments."""
    fields = "a: Int b: Int c: [Int] d(e: Int, f: Int): Int"
    each = " ".join(f"type T{number} {{ {fields} }}" for number in range(types))
    return build_schema(f"type Query {{ {' '.join(f't{number}: T{number}' for number in range(types))} }} {each}")


def test_lists_are_counted_by_how_large_the_schema_is() -> None:
    fields = " ".join(f"q{number}(a: Int, b: In): On" for number in range(40))
    values = " ".join(f"V{number}" for number in range(50))
    inputs = " ".join(f"i{number}: Int" for number in range(30))
    schema = build_schema(
        f"type Query {{ {fields} }} type Mutation {{ m(a: Int, b: Int, c: Int, d: Int, e: Int, f: Int): Int }} "
        f"input In {{ {inputs} }} enum On {{ {values} }}"
    )
    counted = lengths_of(schema)
    assert counted.at_any == {
        "types": len(schema.type_map), "directives": len(schema.directives), "fields": 40, "args": 6,
        "inputFields": 30, "enumValues": 50,
    }  # fmt: skip
    assert counted.at_each["inputFields"] == -(-30 // len(schema.type_map))
    assert lengths_of(served().schema._schema).at_any["types"] == len(served().schema._schema.type_map)


@pytest.mark.parametrize("types", [0, 300, 900])
def test_all_of_a_schema_may_be_asked_for_however_large_it_is_and_not_twice(types: int) -> None:
    schema = large(types) if types else served().schema._schema
    assert check_cost(parse(EVERYTHING), {}, schema) <= WHOLE_MAX
    once = EVERYTHING[EVERYTHING.index("__schema") : EVERYTHING.index("fragment")].rstrip().removesuffix("}")
    twice = EVERYTHING.replace(once, f"{once} again: {once}", 1)
    assert whole_cost(schema) > COST_MAX / 2
    with pytest.raises(QueryTooCostly):
        check_cost(parse(twice), {}, schema)
    deep = "{ __schema { types { fields { type { fields { args { name } } } } } } }"
    with pytest.raises(QueryTooCostly):
        check_cost(parse(deep), {}, schema)


def test_a_schema_that_is_large_leaves_other_questions_as_they_cost() -> None:
    asked = parse("{ members(first: 200) { nodes { ships(first: 100) { nodes { id } } } } }")
    assert check_cost(asked, {}, large(10)) == check_cost(asked, {}, large(500))

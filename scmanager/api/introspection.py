"""What it costs to be told the schema: counted by how large the schema is, so that all of it may always be asked for.

What it comes to is made less by limits.py where all that tools ask would be beyond a query's bound.
"""

from collections.abc import Mapping
from functools import cache

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
)

EACH, ANY = "each", "any"
"""Where introspection is: at each of all types, as often as the average, or at one, which may be the largest."""


class Lengths(msgspec.Struct, frozen=True):
    """How long the lists of introspection are."""

    at_each: Mapping[str, int]
    at_any: Mapping[str, int]

    def of(self, place: str, name: str) -> int:
        """Of the list `name` at EACH or ANY; 0 for what is no list."""
        return (self.at_each if place == EACH else self.at_any).get(name, 0)

    def below(self, place: str, name: str) -> str:
        """Where one is inside of `name`."""
        return EACH if name == "types" or (place == EACH and name in self.at_each) else ANY


@cache
def lengths_of(schema: GraphQLSchema) -> Lengths:
    """Counted once for a schema."""
    kinds = list(schema.type_map.values())
    objects = [each for each in kinds if isinstance(each, GraphQLObjectType | GraphQLInterfaceType)]
    fields = [len(each.fields) for each in objects]
    arguments = [len(one.args) for each in objects for one in each.fields.values()]
    inputs = [len(each.fields) for each in kinds if isinstance(each, GraphQLInputObjectType)]
    values = [len(each.values) for each in kinds if isinstance(each, GraphQLEnumType)]
    asked = [len(each.args) for each in (schema.mutation_type.fields if schema.mutation_type else {}).values()]
    return Lengths(
        {
            "fields": _mean(fields, len(kinds)), "args": _mean(arguments, len(arguments)),
            "inputFields": _mean(inputs, len(kinds)), "enumValues": _mean(values, len(kinds)),
        },
        {
            "types": len(kinds), "directives": len(schema.directives), "fields": max(fields, default=1),
            "args": max(_mean(asked, len(asked)), _mean(arguments, len(arguments))),
            "inputFields": max(inputs, default=1), "enumValues": max(values, default=1),
        },
    )  # fmt: skip


def _mean(counts: list[int], among: int) -> int:
    """Rounded up; 1 at least."""
    return max(-(-sum(counts) // max(among, 1)), 1)

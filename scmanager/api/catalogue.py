"""Every binding of a schema, by the names that queries use."""

import enum
from collections.abc import Mapping
from typing import Any

import msgspec
import strawberry
from graphql import GraphQLField, GraphQLObjectType, get_named_type
from strawberry.types.base import StrawberryObjectDefinition

from scmanager.api.bindings import BINDING, Binding, Table


class Catalogue(msgspec.Struct, frozen=True):
    """What the compiler looks up."""

    tables: Mapping[str, Table]
    fields: Mapping[str, Mapping[str, Binding]]
    """By type, by field."""
    conditions: Mapping[str, Mapping[str, str]]
    """Of filters: by input type, by argument."""
    types: Mapping[str, GraphQLObjectType]

    def definition(self, type_name: str, field: str) -> GraphQLField:
        """A field as the schema has it."""
        found: GraphQLField = self.types[type_name].fields[field]
        return found

    def target(self, type_name: str, field: str) -> str:
        """The read model that a relation leads to."""
        named = get_named_type(self.definition(type_name, field).type).name
        return named.removesuffix("Connection")


def catalogue(schema: strawberry.Schema, tables: Mapping[str, Table]) -> Catalogue:
    """Read the bindings off the fields that carry them."""
    fields: dict[str, dict[str, Binding]] = {}
    conditions: dict[str, dict[str, str]] = {}
    for name, entered in schema.schema_converter.type_map.items():
        definition = entered.definition
        if not isinstance(definition, StrawberryObjectDefinition):
            continue
        for each in definition.fields:
            binding = each.metadata.get(BINDING)
            if binding is not None:
                place = conditions if definition.is_input else fields
                place.setdefault(name, {})[schema.config.name_converter.get_graphql_name(each)] = binding
    types = {name: kind for name, kind in schema._schema.type_map.items() if isinstance(kind, GraphQLObjectType)}
    return Catalogue(tables, fields, conditions, types)


def plain(value: Any) -> Any:
    """An argument as PostgreSQL takes it: enums by what they stand for."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.value if isinstance(value, enum.Enum) else value

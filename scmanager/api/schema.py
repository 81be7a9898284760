"""The schema, put together. `python -m scmanager.api.schema` prints it."""

import sys
from functools import cache
from typing import Any

import msgspec
import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig

from scmanager.api import (
    audit_events,
    characters,
    companion,
    contests,
    diplomacy,
    document_models,
    exchange,
    hangar,
    notifications,
    operation_models,
    registry,
    search,
)
from scmanager.api.answering import bind
from scmanager.api.catalogue import Catalogue, catalogue
from scmanager.api.documents import CheckedDocuments
from scmanager.api.failures import SpokenErrors
from scmanager.api.models import TABLES
from scmanager.api.mutations import mutation_type
from scmanager.api.queries import Query
from scmanager.api.scalars import SCALARS
from scmanager.api.subscriptions import Subscription


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Faults of ours are logged where they are masked; a client's mistakes are told to the client."""


class Served(msgspec.Struct, frozen=True):
    """The schema and the bindings in it."""

    schema: strawberry.Schema
    catalogue: Catalogue

    @property
    def text(self) -> str:
        """As GraphQL writes it."""
        return str(self.schema) + "\n"


@cache
def served() -> Served:
    """Made once: the table of verbs is complete when this module is imported."""
    schema = _Schema(
        Query,
        mutation_type([*exchange.MUTATIONS, *companion.MUTATIONS]),
        Subscription,
        extensions=[SpokenErrors, CheckedDocuments],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    tables = TABLES | hangar.TABLES | operation_models.TABLES | diplomacy.TABLES | characters.TABLES | contests.TABLES
    found = catalogue(
        schema,
        tables
        | document_models.TABLES
        | search.TABLES
        | notifications.TABLES
        | audit_events.TABLES
        | registry.TABLES,
    )
    bind(schema._schema, found)
    return Served(schema, found)


if __name__ == "__main__":
    sys.stdout.write(served().text)

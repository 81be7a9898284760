"""How bound fields are answered: as one SQL statement, straight to the client or through the executor.

An operation that asks for bound fields only needs no executor: its JSON comes from PostgreSQL as it goes out. In all
others (mutations, introspection, the node's own fields, subscriptions) each bound root is one statement.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
)
from graphql.execution.values import get_variable_values

from scmanager.api import registry
from scmanager.api.bindings import Many
from scmanager.api.catalogue import Catalogue
from scmanager.api.compiler import Statement
from scmanager.api.context import Context
from scmanager.api.failures import RequestMalformed
from scmanager.api.feed import Listener
from scmanager.api.selection import Selection
from scmanager.api.subscriptions import concerns

DUE_S_MAX = 24 * 3600.0
"""Clocks are set and machines sleep: after a day one looks again."""


async def answer_directly(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, given: dict[str, Any], context: Context
) -> str | None:
    """The `data` of a query that is bound throughout, as JSON text; None when the executor must answer."""
    operation = operation_of(document, operation_name)
    if operation.operation is not OperationType.QUERY:
        return None
    variables = get_variable_values(schema, operation.variable_definitions or (), given)
    if isinstance(variables, list):
        return None  # The executor says what is wrong with them.
    selection = Selection(_fragments(document), variables.coerced)
    fields = selection.of(operation.selection_set.selections)
    bound = context.services.catalogue.fields["Query"]
    if not fields or any(nodes[0].name.value not in bound for nodes in fields.values()):
        return None
    statement = Statement(context.services.catalogue, selection, context.viewer)
    return await _fetch(context, f"select {statement.object('Query', '', fields)}::text", statement)


def bind(schema: GraphQLSchema, catalogue: Catalogue) -> None:
    """Let the executor answer bound fields by statements, and everything below from what those gave."""
    for name, kind in schema.type_map.items():
        if not isinstance(kind, GraphQLObjectType):
            continue
        bound = catalogue.fields.get(name, {})
        below = name == "PageInfo" or name.removesuffix("Connection").removesuffix("Edge") in catalogue.tables
        for field_name, field in kind.fields.items():
            if below:
                field.resolve = _chosen if isinstance(get_named_type(field.type), GraphQLEnumType) else _given
            elif field_name in bound:
                field.resolve = _answer if name == "Query" else _told
                field.subscribe = _live if name == "Subscription" else None


async def _answer(_: Any, info: GraphQLResolveInfo[Any], **__: Any) -> Any:
    return msgspec.json.decode(await _statement_answer(info))


def _told(source: Any, _: GraphQLResolveInfo[Any], **__: Any) -> Any:
    return source


def _given(source: Mapping[str, Any], info: GraphQLResolveInfo[Any], **_: Any) -> Any:
    """The compiler answers under the names that the query gives."""
    return source[str(info.path.key)]


def _chosen(source: Mapping[str, Any], info: GraphQLResolveInfo[Any], **_: Any) -> Any:
    """An enum's name, as the executor wants it."""
    name, kind = source[str(info.path.key)], get_named_type(info.return_type)
    return name if name is None or not isinstance(kind, GraphQLEnumType) else kind.parse_value(name)


async def _live(_: Any, info: GraphQLResolveInfo[Any], **__: Any) -> AsyncIterator[Any]:
    """The present answer, then each different one."""
    context: Context = info.context
    last = None
    async with context.services.feed.listen() as listener:
        while True:
            answer = await _statement_answer(info)
            if answer != last:
                last = answer
                yield msgspec.json.decode(answer)
            await _may_differ(context, listener, await _due_s(info))


async def _may_differ(context: Context, listener: Listener, due_s: float | None) -> None:
    """Return once something changed that may be told, or a moment came that the answer depends on."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(due_s):
            while not concerns(context, await listener.next(), None):
                pass


async def _due_s(info: GraphQLResolveInfo[Any]) -> float | None:
    """Until when the present answer holds if nothing changes; None for ever."""
    context: Context = info.context
    binding = context.services.catalogue.fields[info.parent_type.name][info.field_name]
    if not isinstance(binding, Many) or not binding.due:
        return None
    due = await context.services.pool.fetch(f"select ({binding.due})::text", {})
    return None if due == "None" else min(max(float(due), 0.0), DUE_S_MAX)


async def _statement_answer(info: GraphQLResolveInfo[Any]) -> str:
    context: Context = info.context
    variables: Any = info.variable_values  # Strawberry gives the values themselves.
    selection = Selection(info.fragments, variables)
    statement = Statement(context.services.catalogue, selection, context.viewer)
    sql = f"select {statement.relation(info.parent_type.name, '', list(info.field_nodes))}::text"
    return await _fetch(context, sql, statement)


async def _fetch(context: Context, sql: str, statement: Statement) -> str:
    more = {}
    if registry.ASKED in sql:  # What counts of the ledger is asked for only where it is told.
        asked = asyncio.get_running_loop().run_in_executor(context.services.judging, context.backend.registry)
        more = registry.parameters(await asyncio.shield(asked))
    return await context.services.pool.fetch(sql, statement.parameters | more)


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation that is meant. Raises RequestMalformed."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    named = [each for each in operations if name is None or (each.name and each.name.value == name)]
    if len(named) != 1:
        raise RequestMalformed(why="name one of its operations in operationName")
    return named[0]


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}

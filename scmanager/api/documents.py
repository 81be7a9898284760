"""Documents: a query's text, checked, parsed and validated; the newest are remembered."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from functools import partial

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    execute_sync,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from scmanager.api import limits
from scmanager.errors import ScManagerError

REMEMBERED_MAX = 256
ERRORS_MAX = 10
_NOTHING = parse("{ __typename }")


class Checked(msgspec.Struct, frozen=True):
    """A document and what validation says of it."""

    document: DocumentNode
    errors: list[GraphQLError]


_remembered: OrderedDict[tuple[int, str], Checked] = OrderedDict()


def check(schema: GraphQLSchema, text: str) -> Checked:
    """Parse and validate. Raises GraphQLSyntaxError, and Refused where a limit is passed."""
    place = (id(schema), text)
    if place in _remembered:
        _remembered.move_to_end(place)
        return _remembered[place]
    limits.check_text(text)
    document = parse(text, no_location=False)
    limits.check_shape(document)
    errors = validate(schema, document, specified_rules, max_errors=ERRORS_MAX)
    errors = errors or validate_document(schema, document, ())
    checked = _remembered[place] = Checked(document, errors)
    while len(_remembered) > REMEMBERED_MAX:
        _remembered.popitem(last=False)
    return checked


class CheckedDocuments(SchemaExtension):
    """Gives the executor checked documents: every way in (HTTP, websocket) goes through here.

    What is wrong is handed on as the outcome of validation: raised here, it would end a websocket's whole operation.
    """

    def on_parse(self) -> Iterator[None]:
        """Instead of parsing and validating."""
        context = self.execution_context
        try:
            found = check(context.schema._schema, context.query or "")
        except (ScManagerError, GraphQLSyntaxError) as error:
            found = Checked(_NOTHING, [_told(error)])
        self._errors = list(found.errors)
        context.graphql_document = found.document
        yield

    def on_validate(self) -> Iterator[None]:
        """What it would cost, as the variables are."""
        context = self.execution_context
        if not self._errors and context.graphql_document is not None:
            try:
                limits.check_cost(context.graphql_document, context.variables or {}, context.schema._schema)
            except ScManagerError as error:
                self._errors = [_told(error)]
        context.pre_execution_errors = self._errors
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """The schema is told by a thread of its own: all of it takes a while, in which others are served."""
        context = self.execution_context
        document = context.graphql_document
        if document is not None and limits.asks_for_schema_only(document):
            told = partial(
                execute_sync, context.schema._schema, document,
                variable_values=context.variables, operation_name=context.operation_name,
            )  # fmt: skip
            teller = context.context.services.teller
            context.result = await asyncio.get_running_loop().run_in_executor(teller, told)
        yield


def _told(error: ScManagerError | GraphQLSyntaxError) -> GraphQLError:
    """As the executor hands it on to the client, over a websocket too."""
    return GraphQLError(error.message if isinstance(error, GraphQLError) else str(error), original_error=error)

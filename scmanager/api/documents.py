"""Documents: a query's text, checked, parsed and validated; the newest are remembered."""

from collections import OrderedDict
from collections.abc import Iterator

import msgspec
from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules, validate
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from scmanager.api import limits

REMEMBERED_MAX = 256
ERRORS_MAX = 10


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
    """Gives the executor checked documents: every way in (HTTP, websocket) goes through here."""

    def on_parse(self) -> Iterator[None]:
        """Instead of parsing."""
        found = check(self.execution_context.schema._schema, self.execution_context.query or "")
        self.execution_context.graphql_document = found.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Instead of validating; then what it would cost."""
        context = self.execution_context
        found = check(context.schema._schema, context.query or "")
        context.pre_execution_errors = list(found.errors)
        if not found.errors:
            limits.check_cost(found.document, context.variables or {})
        yield

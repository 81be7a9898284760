"""What a request used, by its root fields: told to whoever counts with the owner's consent, and else to nobody."""

from typing import Any, Final

from graphql import FieldNode, GraphQLSchema, OperationType, value_from_ast_untyped

from scmanager.api.answering import operation_of
from scmanager.api.documents import check
from scmanager.application.features import CATEGORIES, feature_of
from scmanager.application.usage import Usage
from scmanager.domain.statistics import MetaValue

FIELDS_MAX: Final = 20
"""Of one request: what is beyond adds nothing that is counted."""
COMMAND_LINE: Final = "scm"
"""How the command line names itself to a node."""


def tell(
    usage: Usage, schema: GraphQLSchema, query: str, name: str | None, variables: dict[str, Any],
    interface: MetaValue = MetaValue.GRAPHQL,
) -> None:  # fmt: skip
    """A request was answered without an error. Its text was checked already, and is not read again."""
    operation = operation_of(check(schema, query).document, name)
    command = operation.operation is OperationType.MUTATION
    for field in operation.selection_set.selections[:FIELDS_MAX]:
        if isinstance(field, FieldNode) and (action := feature_of(field.name.value)) is not None:
            category = CATEGORIES.get(field.name.value) if command else None
            usage.used(
                action, command=command, category=category, space=_space(field, variables), interface=interface
            )


def interface_of(user_agent: str) -> MetaValue:
    """By whom a request was made: by `scm` itself, or by anything else."""
    return MetaValue.COMMAND_LINE if user_agent == COMMAND_LINE else MetaValue.GRAPHQL


def _space(field: FieldNode, variables: dict[str, Any]) -> bytes:
    """The space that it was about, if it names one."""
    given = next((each.value for each in field.arguments or () if each.name.value == "space"), None)
    found = value_from_ast_untyped(given, variables) if given is not None else None
    try:
        return bytes.fromhex(found) if isinstance(found, str) else b""
    except ValueError:
        return b""

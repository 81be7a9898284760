"""What a query selects: fields by the name they are answered under, fragments spread out, directives obeyed."""

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

Fields = dict[str, list[FieldNode]]


class Selection:
    """One operation's fragments and variables, to look into its selection sets."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self._fragments = fragments
        self._variables = VariableValues({}, dict(variables))

    def below(self, nodes: Iterable[FieldNode]) -> Fields:
        """The fields selected inside of these nodes, which ask for the same thing."""
        found: Fields = {}
        seen: set[str] = set()
        for node in nodes:
            if node.selection_set:
                self._collect(node.selection_set.selections, found, seen)
        return found

    def of(self, selections: Iterable[SelectionNode]) -> Fields:
        """The fields of one selection set."""
        found: Fields = {}
        self._collect(selections, found, set())
        return found

    def arguments(self, field: Any, node: FieldNode) -> dict[str, Any]:
        """A field's arguments with variables and defaults put in. `field`: its definition in the schema."""
        return get_argument_values(field, node, self._variables)

    def _collect(self, selections: Iterable[SelectionNode], found: Fields, seen: set[str]) -> None:
        # No type of this schema is abstract: a fragment that passed validation fits the type it stands in.
        for each in selections:
            if not self._wanted(each):
                continue
            if isinstance(each, FieldNode):
                key = each.alias.value if each.alias else each.name.value
                found.setdefault(key, []).append(each)
            elif isinstance(each, InlineFragmentNode):
                self._collect(each.selection_set.selections, found, seen)
            elif isinstance(each, FragmentSpreadNode) and each.name.value not in seen:
                seen.add(each.name.value)
                self._collect(self._fragments[each.name.value].selection_set.selections, found, seen)

    def _wanted(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

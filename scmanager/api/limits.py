"""What a query may ask of the node, checked before anything is done: its text, its shape, its cost.

Text first: words are counted without parsing, so a megabyte of braces costs nothing. Shape and cost are
counted on the tree with every fragment counted once, so fragments that multiply each other do no harm.
"""

from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    Lexer,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    VariableNode,
    get_introspection_query,
    parse,
)

from scmanager.api.bindings import PAGE_DEFAULT, PAGE_MAX
from scmanager.api.introspection import ANY, Lengths, lengths_of
from scmanager.errors import Refused

TEXT_BYTES_MAX = 32_768
TOKENS_MAX = 2_000
NESTING_MAX = 32
DEPTH_MAX = 14
ALIASES_MAX = 30
FIELDS_MAX = 45
FRAGMENTS_MAX = 20
COST_MAX = 200_000
WHOLE_MAX = COST_MAX * 5 // 6
"""What all of the schema costs at most, asked for as tools do, however large it is. The rest is for more to ask."""

_SELECTING = (OperationDefinitionNode, FragmentDefinitionNode)
_LISTS = frozenset({"nodes", "edges"})
_OPEN = frozenset({TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L})
_CLOSE = frozenset({TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R})


class QueryTooLong(Refused):
    """This query has more than {limit} {unit}."""

    code = "query-too-long"
    hint = "Put values into variables, and ask for less in one query."


class QueryTooDeep(Refused):
    """This query is nested deeper than {limit} levels."""

    code = "query-too-deep"
    hint = "Ask for what is deeper in a query of its own."


class TooManyAliases(Refused):
    """This query renames more than {limit} fields."""

    code = "query-too-many-aliases"
    hint = "Use filters to ask for several things at once, or several requests."


class TooManyFields(Refused):
    """This query asks for more than {limit} {what} at one place."""

    code = "query-too-many-fields"
    hint = "Leave out what is not needed."


class QueryTooCostly(Refused):
    """This request could answer {cost} values; {limit} are allowed."""

    code = "query-too-costly"
    hint = (
        "Ask for smaller pages: give `first` on the outer and the inner lists. Ask for the schema, and for what "
        "stands in one batch, in several requests."
    )


def check_text(text: str) -> None:
    """Refuse what is not worth parsing. Raises QueryTooLong, QueryTooDeep, GraphQLSyntaxError."""
    if len(text) > TEXT_BYTES_MAX or len(text.encode("utf-8", "replace")) > TEXT_BYTES_MAX:
        raise QueryTooLong(limit=TEXT_BYTES_MAX, unit="bytes")
    lexer = Lexer(Source(text))
    nesting = tokens = 0
    while lexer.advance().kind is not TokenKind.EOF:
        tokens += 1
        kind = lexer.token.kind
        nesting += (kind in _OPEN) - (kind in _CLOSE)
        if nesting > NESTING_MAX:
            raise QueryTooDeep(limit=NESTING_MAX)
        if tokens > TOKENS_MAX:
            raise QueryTooLong(limit=TOKENS_MAX, unit="words")


def check_shape(document: DocumentNode) -> None:
    """Before validation, whose cost grows with these. Raises TooManyAliases, TooManyFields."""
    fragments = sum(isinstance(each, FragmentDefinitionNode) for each in document.definitions)
    if fragments > FRAGMENTS_MAX or len(document.definitions) > FRAGMENTS_MAX * 2:
        raise TooManyFields(limit=FRAGMENTS_MAX, what="fragments")
    aliases = 0
    waiting = [each.selection_set for each in document.definitions if isinstance(each, _SELECTING)]
    while waiting:
        selections = waiting.pop().selections
        aliases += sum(isinstance(each, FieldNode) and each.alias is not None for each in selections)
        if aliases > ALIASES_MAX:
            raise TooManyAliases(limit=ALIASES_MAX)
        if len(selections) > FIELDS_MAX:
            raise TooManyFields(limit=FIELDS_MAX, what="fields")
        waiting += [inner for each in selections if (inner := getattr(each, "selection_set", None))]


def check_cost(document: DocumentNode, variables: dict[str, Any], schema: GraphQLSchema) -> int:
    """After validation (no fragment leads back to itself). Raises QueryTooDeep, QueryTooCostly; returns the cost."""
    counter = _Cost(document, variables, lengths_of(schema), whole_cost(schema))
    cost = 0
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            costs, deep = counter.of(each.selection_set)
            if deep > DEPTH_MAX:
                raise QueryTooDeep(limit=DEPTH_MAX)
            cost = max(cost, costs)
    check_sum(cost)
    return cost


def check_sum(cost: int) -> None:
    """What one request costs, all its operations together. Raises QueryTooCostly."""
    if cost > COST_MAX:
        raise QueryTooCostly(cost=cost, limit=COST_MAX)


@cache
def whole_cost(schema: GraphQLSchema) -> int:
    """What all that tools ask of a schema comes to, one for each value: not yet what it is counted as."""
    document = parse(
        get_introspection_query(
            specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
        )
    )
    counter = _Cost(document, {}, lengths_of(schema), WHOLE_MAX)
    return sum(
        counter.of(each.selection_set)[0]
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode)
    )


def asks_for_schema_only(document: DocumentNode) -> bool:
    """Whether the schema alone can answer it. Without fragments at its root, as tools ask."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    roots = [each for operation in operations for each in operation.selection_set.selections]
    return all(isinstance(each, FieldNode) and each.name.value.startswith("__") for each in roots)


class _Cost:
    """One for each field, times the length of each list around it. Fragments are counted once and remembered.

    `whole`: what all of the schema comes to; where that is more than WHOLE_MAX, what is asked of it counts for less.
    """

    def __init__(self, document: DocumentNode, variables: dict[str, Any], lengths: Lengths, whole: int) -> None:
        self._variables, self._lengths, self._whole = variables, lengths, max(whole, WHOLE_MAX)
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, str], tuple[int, int]] = {}

    def of(self, selections: SelectionSetNode | None, known: str = "") -> tuple[int, int]:
        """Cost and depth of a selection set; `known` says where inside of introspection, which has no depth."""
        cost = depth = 0
        for each in selections.selections if selections else ():
            if isinstance(each, FieldNode):
                inner, deep = self._field(each, known)
            elif isinstance(each, FragmentSpreadNode):
                inner, deep = self._fragment(each.name.value, known)
            elif isinstance(each, InlineFragmentNode):
                inner, deep = self.of(each.selection_set, known)
            cost, depth = cost + inner, max(depth, deep)
        return cost, depth

    def _field(self, field: FieldNode, known: str) -> tuple[int, int]:
        name = field.name.value
        if known:
            length = self._lengths.of(known, name)
            inner = self.of(field.selection_set, self._lengths.below(known, name))[0]
            return 1 + ((1 + inner) * length if length else inner), 0
        if name.startswith("__"):
            inner = self.of(field.selection_set, ANY)[0]
            return -(-(1 + inner) * WHOLE_MAX // self._whole), 0
        inner, deep = self.of(field.selection_set)
        return 1 + inner * self._length(field), deep + 1

    def _fragment(self, name: str, known: str) -> tuple[int, int]:
        if (name, known) not in self._known:
            self._known[name, known] = self.of(self._fragments[name].selection_set, known)
        return self._known[name, known]

    def _length(self, field: FieldNode) -> int:
        """How many rows a field may answer: a page's length where a page is asked for, else one."""
        if not any(_is_list(each) for each in _inner(field, self._fragments)):
            return 1
        lengths = [self._number(each.value) for each in field.arguments or () if each.name.value in {"first", "last"}]
        return max((min(each, PAGE_MAX) for each in lengths if each is not None), default=PAGE_DEFAULT)

    def _number(self, node: Any) -> int | None:
        if isinstance(node, IntValueNode):
            return max(int(node.value), 1)
        if isinstance(node, VariableNode):
            value = self._variables.get(node.name.value)
            return max(value, 1) if isinstance(value, int) else PAGE_MAX
        return None


def _inner(field: FieldNode, fragments: dict[str, FragmentDefinitionNode]) -> list[FieldNode]:
    found: list[FieldNode] = []
    waiting = [field.selection_set]
    seen: set[str] = set()
    while waiting:
        selections = waiting.pop()
        for each in selections.selections if selections else ():
            if isinstance(each, FieldNode):
                found.append(each)
            elif isinstance(each, InlineFragmentNode):
                waiting.append(each.selection_set)
            elif isinstance(each, FragmentSpreadNode) and each.name.value not in seen:
                seen.add(each.name.value)
                waiting.append(fragments[each.name.value].selection_set)
    return found


def _is_list(field: FieldNode) -> bool:
    return field.name.value in _LISTS

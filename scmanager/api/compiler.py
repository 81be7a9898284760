"""The compiler: what a query selects becomes one SQL expression that gives the answer's JSON, nested pages and all.

- Every row it names goes through the viewer's rule, at each level.
- Text of the caller is never part of the SQL: values are bound parameters, aliases are checked names.
- A page is read one row beyond its end, and only when somebody asks whether there is more.
- JSON is put together as text: PostgreSQL's own functions that build objects take two to three times as long, as they
  look up the type of each name and value in each row. Every expression here that is called JSON is text, never null.
"""

# ruff: noqa: S608 - SQL is composed here of this package's constants and checked names

import re
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLInputObjectType, get_named_type

from scmanager.api.bindings import Column, Many, One
from scmanager.api.catalogue import Catalogue, plain
from scmanager.api.limits import FIELDS_MAX, TooManyFields
from scmanager.api.page import Page, page_of
from scmanager.api.scalars import read_id
from scmanager.api.selection import Fields, Selection
from scmanager.api.viewer import Viewer
from scmanager.domain.words import check_words

SEARCHED = "text"
"""The argument that is compared with lowered columns: lowered here as they are, for PostgreSQL's own `lower` would
know ASCII only in the collation C."""

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*\Z")
_NO_MATCH = "Nothing matches: ask for less in the filter, or begin without a cursor."


class Statement:
    """The SQL of one answer and its parameters."""

    def __init__(self, catalogue: Catalogue, selection: Selection, viewer: Viewer) -> None:
        self._catalogue = catalogue
        self._selection = selection
        self._viewer = viewer
        self._rows = 0
        self.parameters: dict[str, Any] = dict(viewer.parameters)

    def object(self, type_name: str, row: str, fields: Fields) -> str:
        """JSON of the selected fields of a row."""
        if len(fields) > FIELDS_MAX:
            raise TooManyFields(limit=FIELDS_MAX, what="fields")
        return _object({key: self._field(type_name, row, nodes) for key, nodes in fields.items()})

    def relation(self, type_name: str, row: str, nodes: list[FieldNode]) -> str:
        """JSON of a related row or page, seen from `row`."""
        name = nodes[0].name.value
        binding = self._catalogue.fields[type_name][name]
        definition = self._catalogue.definition(type_name, name)
        target = self._catalogue.target(type_name, name)
        arguments = self._selection.arguments(definition, nodes[0])
        if isinstance(binding, One):
            return self._one(binding, definition, target, row, arguments, self._selection.below(nodes))
        if isinstance(binding, Many):
            return self._page(binding, definition, target, row, arguments, self._selection.below(nodes))
        raise TypeError(f"{type_name}.{name} is no relation")

    def bind(self, value: Any) -> str:
        """A parameter of this value, as the SQL names it."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = plain(value)
        return f"%({name})s"

    def _field(self, type_name: str, row: str, nodes: list[FieldNode]) -> str:
        name = nodes[0].name.value
        if name == "__typename":
            return f"""'"{type_name}"'"""
        binding = self._catalogue.fields[type_name][name]
        if isinstance(binding, Column):
            value = binding.sql.format(c=row)
            return _quoted(value) if binding.plain else _json(value)
        return self.relation(type_name, row, nodes)

    def _one(
        self, binding: One, definition: GraphQLField, target: str, parent: str, given: dict[str, Any], fields: Fields
    ) -> str:
        row = self._row()
        where = self._where(binding, definition, row, parent, given)
        origin = binding.source(given, self.bind) if binding.source else self._catalogue.tables[target].name
        found = f"(select {self.object(target, row, fields)} from {origin} {row} where {where} limit 1)"
        return f"coalesce({found}, 'null')"

    def _page(
        self, binding: Many, definition: GraphQLField, target: str, parent: str, given: dict[str, Any], fields: Fields
    ) -> str:
        inner, row = self._row(), self._row()
        table = self._catalogue.tables[target]
        page = page_of(given, table)
        where = self._where(binding, definition, inner, parent, given)
        begin = page.begins(inner, self.bind)
        origin = binding.source(given, self.bind) if binding.source else table.name
        count = f"(select count(*) from {origin} {inner} where {where})"
        narrowed = bool(given.get("filter")) or page.place is not None
        more = "pageInfo" in {nodes[0].name.value for nodes in fields.values()}
        numbered = more or page.backward
        parts = _Parts(self, target, row, page, count, _NO_MATCH if narrowed else binding.next_step, numbered)
        answer = parts.json(fields, self._selection)
        found = f"select {inner}.* from {origin} {inner} where {where}{begin}"
        if binding.few:  # `offset 0` keeps PostgreSQL from walking the whole list in the order asked for.
            found = f"select {inner}.* from ({found} offset 0) {inner}"
        # `having` makes one row of it even where no part gathers the rows.
        found = f"{found} order by {page.order(inner)} limit {page.size + more}"
        if numbered:
            numbers = "row_number() over () as row_, count(*) over () as rows_"
            found = f"select {inner}.*, {numbers} from ({found}) {inner}"
        return f"(select {answer} from ({found}) {row} having true)"

    def _where(
        self, binding: One | Many, definition: GraphQLField, row: str, parent: str, given: dict[str, Any]
    ) -> str:
        conditions = [self._viewer.rule(row), binding.on.format(c=row, p=parent)]
        for name, sql in binding.given.items():
            if given.get(name) is not None:
                value = self._value(definition.args[name].type, name, given[name])
                conditions.append(sql.format(c=row, v=self.bind(value)))
        if given.get("filter"):
            kind = get_named_type(definition.args["filter"].type)
            conditions += self._filter(kind, row, given["filter"])
        return " and ".join(each for each in conditions if each)

    def _filter(self, kind: Any, row: str, given: dict[str, Any]) -> list[str]:
        if not isinstance(kind, GraphQLInputObjectType):
            raise TypeError("a filter is an input object")
        sql = self._catalogue.conditions[kind.name]
        return [
            sql[name].format(c=row, v=self.bind(self._value(kind.fields[name].type, name, value)))
            for name, value in given.items()
            if value is not None
        ]

    def _value(self, kind: Any, name: str, value: Any) -> Any:
        if get_named_type(kind).name == "ID":
            return read_id(value, name)
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, str):
                check_words(each, may_be_empty=True)
        return value.lower() if name == SEARCHED else value

    def _row(self) -> str:
        self._rows += 1
        return f"r{self._rows}"


class _Parts:
    """The parts of a connection's answer."""

    def __init__(
        self, statement: Statement, target: str, row: str, page: Page, count: str, next_step: str, numbered: bool
    ) -> None:
        self._statement = statement
        self._target = target
        self._row = row
        self._page = page
        self._count = count
        self._next_step = next_step
        self._numbered = numbered

    def json(self, fields: Fields, selection: Selection) -> str:
        """What was asked of the connection."""
        return _object({key: self._part(nodes, selection) for key, nodes in fields.items()})

    def _part(self, nodes: list[FieldNode], selection: Selection) -> str:
        name, below = nodes[0].name.value, selection.below(nodes)
        if name == "nodes":
            return self._list(self._statement.object(self._target, self._row, below))
        if name == "edges":
            return self._list(_object({key: self._edge(inner, selection) for key, inner in below.items()}))
        if name == "pageInfo":
            return _object({key: self._info(inner[0].name.value) for key, inner in below.items()})
        if name == "totalCount":
            return f"{self._count}::text"
        if name == "nextStep":
            return _json(f"case when count(*) = 0 then {self._statement.bind(self._next_step)}::text end")
        return f"""'"{self._target}Connection"'"""

    def _edge(self, nodes: list[FieldNode], selection: Selection) -> str:
        name = nodes[0].name.value
        if name == "node":
            return self._statement.object(self._target, self._row, selection.below(nodes))
        return _quoted(self._page.cursor(self._row)) if name == "cursor" else f"""'"{self._target}Edge"'"""

    def _list(self, item: str) -> str:
        if not self._numbered:  # The rows come in their order, and none of them is one too many.
            return f"coalesce('[' || string_agg({item}, ',') || ']', '[]')"
        direction = "desc" if self._page.backward else "asc"
        kept = f"filter (where {self._row}.row_ <= {self._page.size})"
        items = f"string_agg({item}, ',' order by {self._row}.row_ {direction}) {kept}"
        return f"coalesce('[' || {items} || ']', '[]')"

    def _info(self, name: str) -> str:
        page, more = self._page, f"(count(*) > {self._page.size})::text"
        if name == "hasNextPage":
            return f"'{str(page.place is not None).lower()}'" if page.backward else more
        if name == "hasPreviousPage":
            return more if page.backward else f"'{str(page.place is not None).lower()}'"
        if name == "__typename":
            return """'"PageInfo"'"""
        first = (name == "startCursor") != page.backward
        end = "1" if first else f"least({self._row}.rows_, {page.size})"  # Of one row only: cursors cost something.
        return _quoted(f"max({page.cursor(self._row)}) filter (where {self._row}.row_ = {end})")


def _object(fields: dict[str, str]) -> str:
    """JSON of an object whose values are JSON."""
    for key in fields:
        if not _NAME.match(key):
            raise ValueError("aliases are names")
    pieces = (f"""'{"," if at else "{"}"{key}":' || {value}""" for at, (key, value) in enumerate(fields.items()))
    return f"({' || '.join(pieces)} || '}}')"


def _json(value: str) -> str:
    """JSON of a value of any type."""
    return f"coalesce(to_json({value})::text, 'null')"


def _quoted(value: str) -> str:
    """JSON of text in which nothing needs to be escaped."""
    return f"""coalesce('"' || {value} || '"', 'null')"""

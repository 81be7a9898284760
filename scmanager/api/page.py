"""A page of a list: how long, in which order, from which place, in which direction (Relay's cursor connections)."""

from collections.abc import Callable
from typing import Any

import msgspec

from scmanager.api import cursors
from scmanager.api.bindings import PAGE_DEFAULT, PAGE_MAX, Sort, Table
from scmanager.api.cursors import Place
from scmanager.errors import Refused


class PageUnclear(Refused):
    """This page is not clear: {why}."""

    code = "page-unclear"
    hint = "Give `first` with `after`, or `last` with `before`; at least 1 row."


class Page(msgspec.Struct, frozen=True):
    """What was asked, checked."""

    table: Table
    name: str
    """The sort's name: part of its cursors."""
    sort: Sort
    descending: bool
    size: int
    place: Place | None
    backward: bool

    @property
    def _falling(self) -> bool:
        return self.descending != self.backward

    def order(self, row: str) -> str:
        """PostgreSQL's own order: null stands last when rising, first when falling."""
        way = "desc" if self._falling else "asc"
        return f"{row}.{self.sort.column} {way}, {row}.{self.table.key} {way}"

    def begins(self, row: str, bind: Callable[[Any], str]) -> str:
        """The condition that skips what stands before the page."""
        if self.place is None:
            return ""
        value, key = f"{row}.{self.sort.column}", f"{row}.{self.table.key}"
        after_key = f"{bind(self.place.key)}::{self.table.key_type}"
        sign = "<" if self._falling else ">"
        if self.place.value is None:
            rest = f" or {value} is not null" if self._falling else ""
            return f" and (({value} is null and {key} {sign} {after_key}){rest})"
        after = f"{bind(self.place.value)}::{self.sort.type}"
        rest = "" if self._falling else f" or {value} is null"
        return f" and (({value}, {key}) {sign} ({after}, {after_key}){rest})"

    def cursor(self, row: str) -> str:
        """The expression of a row's cursor."""
        return cursors.write(row, self._bound_name, self.sort, self.table)

    @property
    def _bound_name(self) -> str:
        return _bound_name(self.name, self.descending, self.table)


def page_of(given: dict[str, Any], table: Table) -> Page:
    """Read the paging arguments; pages are cut to 200 rows. Raises PageUnclear, CursorMalformed."""
    first, last, after, before = (given.get(name) for name in ("first", "last", "after", "before"))
    backward = last is not None or before is not None
    if backward and (first is not None or after is not None):
        raise PageUnclear(why="it is asked for from both ends")
    size = last if backward else first
    if size is not None and size < 1:
        raise PageUnclear(why=f"{size} rows were asked for")
    sort, descending = given["sort"], bool(given.get("descending"))
    cursor = before if backward else after
    name = _bound_name(sort.name, descending, table)
    place = cursors.read(cursor, name, sort.value, table) if cursor is not None else None
    cut = min(size if size is not None else PAGE_DEFAULT, PAGE_MAX)
    return Page(table, sort.name, sort.value, descending, cut, place, backward)


def _bound_name(name: str, descending: bool, table: Table) -> str:
    """What a cursor is good for."""
    return f"{table.name}.{name}{'-' if descending else '+'}"

"""Reading whole tables: every row of one space, in one picture of the database, a page in memory at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
import psycopg

from scmanager.errors import Unavailable
from scmanager.projections.generation import TABLES, Connection, statement

PAGE_ROWS = 2_000
_ROWS = "SELECT * FROM {schema}.{table} WHERE space = %s ORDER BY {order}"
_KEYS = (
    "SELECT a.attname FROM pg_index i JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (number, nth) ON true"
    " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
    " WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY k.nth"
)


class TablesUnread(Unavailable):
    """The read models could not be read to their end: {reason}."""

    code = "read-tables-failed"
    hint = "Nothing is lost: try again in a moment."


class TableRows(msgspec.Struct, frozen=True):
    """A table's rows of one space, by its key."""

    model: str
    table: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[tuple[Any, ...]]]
    """Reads them from the beginning, each time it is called."""


class Picture:
    """All tables at one moment, whatever is written meanwhile."""

    def __init__(self, connection: Connection, schema: str) -> None:
        self._connection, self._schema = connection, schema

    def position(self) -> int:
        """How far the read models are in this picture."""
        with _told():
            row = self._connection.execute(
                statement("SELECT coalesce(min(pos), 0) FROM {schema}.progress", self._schema)
            ).fetchone()
        return int(row[0]) if row else 0

    def tables(self, space: bytes) -> Iterator[TableRows]:
        """Every table of every read model. Raises TablesUnread."""
        for table, model in TABLES.items():
            with _told():
                keys = self._connection.execute(_KEYS, (f'"{self._schema}".{table}',)).fetchall()
                shape = self._connection.execute(
                    statement("SELECT * FROM {schema}.{table} LIMIT 0", self._schema, table)
                )
                columns = tuple(each.name for each in shape.description or ())
            order = ", ".join(key[0] for key in keys) or "1"
            query = statement(_ROWS.replace("{order}", order), self._schema, table)
            yield TableRows(model, table, columns, partial(self._rows, query, space))

    def _rows(self, query: bytes, space: bytes) -> Iterator[tuple[Any, ...]]:
        with _told(), self._connection.cursor(name="table_rows") as cursor:
            cursor.itersize = PAGE_ROWS
            cursor.execute(query, (space,))
            yield from cursor


@contextmanager
def picture(conninfo: str, schema: str) -> Iterator[Picture]:
    """Read-only, and the same from its beginning to its end. Raises TablesUnread."""
    with _told():
        connection: Connection = psycopg.connect(conninfo)
    with connection:
        with _told():
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
        yield Picture(connection, schema)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise TablesUnread(reason=type(error).__name__) from error

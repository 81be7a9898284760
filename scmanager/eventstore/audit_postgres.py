"""An event store in PostgreSQL as an audit reads it: in place, in one snapshot that all its processes share.

Nothing is written and nothing locked: who commits goes on. The writer's name sees what waits as well; the reader's is
enough for all else. Whoever may switch triggers off (the owner, a superuser) is not told from the server itself: so
the objects of the schema are compared with those that a release of ours makes, word for word.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, Self

import msgspec
import psycopg
from psycopg import sql

from scmanager.eventstore.audit_source import Found, Query, Tables
from scmanager.eventstore.named_sql import load
from scmanager.eventstore.own_tables import Differences
from scmanager.eventstore.postgres_connections import connect, parts_of, translated
from scmanager.eventstore.store import StoreDamaged

OBJECTS_FILE = "sql/objects-postgres.json"
"""[kind, name, table, words] of everything that `install` makes; a test makes it anew and compares."""
_OPTIONS = "-c default_transaction_read_only=on -c idle_in_transaction_session_timeout=0 -c search_path=scm_events"
_BEGIN = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_GUARDS = frozenset({"trigger", "index", "constraint", "function"})
_STRAYS: Sequence[Query] = (
    (
        "position-missing",
        "the store's position is not that of its newest entry",
        "SELECT NULL, NULL FROM position WHERE last <> (SELECT coalesce(max(pos), 0) FROM entry)",
    ),
    (
        "position-missing",
        "the store has no position",
        "SELECT NULL, NULL WHERE NOT EXISTS (SELECT 1 FROM position)",
    ),
)

Object = tuple[str, str, str, str]
"""(kind, name, table, words)"""


class Snapshot:
    """A connection that sees one state."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def execute(self, query: str, arguments: Sequence[Any] = (), /) -> Found:
        """See Tables."""
        spelled = query.replace("x''", "''::bytea").replace("?", "%s")
        return self.connection.cursor(binary=True).execute(spelled.encode(), arguments or None)


class PostgresSource(msgspec.Struct, frozen=True):
    """The event store in the database that `dsn` names. Raises as PostgresStore where it cannot be read."""

    dsn: str
    snapshot: str = ""
    """Which state; empty for the newest."""

    @property
    def name(self) -> str:
        """Which database it is, without who asks and by what word."""
        said = parts_of(self.dsn)
        return "postgresql " + " ".join(f"{key}={said[key]}" for key in ("host", "port", "dbname") if key in said)

    @contextmanager
    def opened(self) -> Iterator[Tables]:
        """See Source."""
        try:
            with closing(connect(self.dsn, _OPTIONS)) as connection:
                connection.execute(_BEGIN)
                if self.snapshot:
                    named = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self.snapshot))
                    connection.execute(named)
                yield Snapshot(connection)
        except psycopg.errors.CardinalityViolation:  # Two rows in one place, where a constraint was taken away.
            raise StoreDamaged(reason="rows stand twice in one place") from None
        except psycopg.Error as error:
            raise translated(error) from None  # Its context may quote a password.

    @contextmanager
    def whole(self) -> Iterator[tuple[Tables, Self]]:
        """See Source."""
        with self.opened() as tables:
            (snapshot,) = tables.execute("SELECT pg_export_snapshot()").fetchone()
            yield tables, msgspec.structs.replace(self, snapshot=snapshot)

    def differences(self, tables: Tables) -> Differences:
        """See Source. A guard that is there and is not what it was, or is switched off, counts as missing."""
        ours = {each[:3]: each for each in known_objects()}
        foreign, missing, there = [], [], set()
        for each in objects(tables):
            there.add(each[:3])
            if each == ours.get(each[:3]):
                continue
            if each[0] in _GUARDS and each[:3] in ours:
                missing.append(f"{_named(each)} as it was made")
            else:
                foreign.append(f"{each[0]} {each[1]}"[:80])
        standing = {each[1] for each in there if each[0] == "table"}
        missing += [_named(each) for each in ours.values() if each[2] in standing and each[:3] not in there]
        return Differences(tuple(sorted(foreign)), tuple(sorted(missing)))

    def pending(self, tables: Tables) -> int:
        """See Source. 0 for who may not see it, too."""
        allowed = "SELECT has_table_privilege(oid, 'SELECT') FROM pg_class WHERE oid = to_regclass('pending_entry')"
        if not (tables.execute(allowed).fetchone() or (False,))[0]:
            return 0
        return int(tables.execute("SELECT count(*) FROM pending_entry").fetchone()[0])

    def strays(self) -> Sequence[Query]:
        """See Source."""
        return _STRAYS


def _named(one: Object) -> str:
    return f"{one[0]} {one[1]}" + (f" of {one[2]}" if one[2] else "")


def objects(tables: Tables) -> list[Object]:
    """Everything in the store's schema, and everything that would act on it."""
    return [tuple(row) for row in tables.execute(load("audit-postgres.sql")["objects"].decode()).fetchall()]


@cache
def known_objects() -> frozenset[Object]:
    """What a release of ours makes."""
    text = files("scmanager.eventstore").joinpath(OBJECTS_FILE).read_bytes()
    return frozenset(msgspec.json.decode(text, type=list[Object]))

"""A real PostgreSQL for tests: one server a session, a fresh database a test."""

import contextlib
import os
import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from scmanager.adapters.postgres_account import NoAccount
from scmanager.adapters.postgres_binaries import NoPostgres
from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.adapters.postgres_server import remove, start

REQUIRED = "SCM_REQUIRE_SERVICES"
"""Set to 1 where a missing PostgreSQL is a failure (continuous integration), not a reason to skip."""


def skip_or_fail(reason: str) -> None:
    """For what this machine lacks."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{REQUIRED}=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A private server that lives as long as the test run. Shared: leave no traces outside of `database`."""
    folder = tmp_path_factory.mktemp("postgres")
    try:
        server = start(folder)
    except (NoPostgres, NoAccount) as error:
        skip_or_fail(f"there is no PostgreSQL: {error} {error.hint}")
        raise
    with server:
        yield server
    remove(folder)


@contextlib.contextmanager
def fresh(server: PostgresServer, template: str = "template0") -> Iterator[str]:
    """A database of one's own, made like another that nobody is connected to; dropped afterwards."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        made = sql.SQL("create database {} template {}")
        connection.execute(made.format(sql.Identifier(name), sql.Identifier(template)))
    yield make_conninfo(server.dsn, dbname=name)
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The connection string of an empty database of one's own; dropped afterwards, open connections or not."""
    with fresh(postgres) as dsn:
        yield dsn

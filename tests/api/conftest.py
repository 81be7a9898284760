"""One node for the tests that only read or add; those that break things make their own."""

from collections.abc import Iterator

import pytest

from scmanager.adapters.postgres_connection import PostgresServer
from tests.support.api_node import Api, ApiNode, serving
from tests.support.fleet_of import Nova, populate
from tests.support.postgres import fresh
from tests.support.quick_locks import quick_locks

__all__ = ["quick_locks"]


@pytest.fixture(scope="session")
def api(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with (
        fresh(postgres) as dsn,
        ApiNode(tmp_path_factory.mktemp("api"), dsn) as node,
        serving(node) as served,
    ):
        yield served


@pytest.fixture(scope="session")
def nova(api: Api) -> Nova:
    """An organisation with members, ships, a fleet, a squadron and roles. Read only."""
    return populate(api.node, members=12, ships=30)

"""Connections to the read models: bounded, read-only, patient to a point; PostgreSQL goes and comes back."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.adapters.postgres_server import remove, start
from scmanager.api import pool as pools
from scmanager.api.pool import Pool, QueryTooSlow, ReadModelsBusy, ReadModelsGone
from tests.support.api_node import ApiNode, Socket, serving


@pytest.fixture
def own_postgres(tmp_path: Path, postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server of the test's own, to be ended and started (`postgres` tells that there can be one)."""
    with start(tmp_path / "postgres") as server:
        yield server
    remove(tmp_path / "postgres")


def _in_loop(dsn: str, act: Callable[[Pool], Awaitable[Any]], connections: int = 2) -> Any:
    async def run() -> Any:
        pool = Pool(lambda: dsn, "public", connections)
        try:
            return await act(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


def test_an_answer_is_read_only_in_utc_and_on_the_schema_asked_for(database: str) -> None:
    async def act(pool: Pool) -> str:
        return await pool.fetch(
            "select current_setting('transaction_read_only') || current_setting('TimeZone') || current_schema()", {}
        )

    assert _in_loop(database, act) == "onUTCpublic"


def test_more_at_once_than_connections_wait_for_their_turn(database: str) -> None:
    async def act(pool: Pool) -> list[str]:
        return list(await asyncio.gather(*(pool.fetch("select %(n)s::int::text", {"n": n}) for n in range(20))))

    assert _in_loop(database, act) == [str(n) for n in range(20)]


def test_connections_that_nobody_uses_are_closed_and_come_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "REST_S", 0.2)

    async def act(pool: Pool) -> list[str]:
        first = await asyncio.gather(*(pool.fetch("select pg_backend_pid()::text", {}) for _ in range(2)))
        for _ in range(3):  # Used all the time: none is closed.
            await asyncio.sleep(0.1)
            assert await pool.fetch("select pg_backend_pid()::text", {}) in first
        await asyncio.sleep(0.6)
        return [
            await pool.fetch(
                "select count(*)::text from pg_stat_activity where pid = any(%(p)s)", {"p": [*map(int, first)]}
            )
        ]

    assert _in_loop(database, act) == ["0"]


@pytest.mark.slow
def test_who_waits_too_long_for_a_turn_is_told(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "WAIT_S", 0.2)

    async def act(pool: Pool) -> None:
        held = asyncio.create_task(pool.fetch("select pg_sleep(1)", {}))
        await asyncio.sleep(0.1)
        with pytest.raises(ReadModelsBusy):
            await pool.fetch("select 1", {})
        await held
        assert await pool.fetch("select 1", {}) == "1"

    _in_loop(database, act, 1)


def test_a_statement_that_takes_too_long_is_ended_and_the_connection_stays_good(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "STATEMENT_TIMEOUT_MS", 200)

    async def act(pool: Pool) -> None:
        with pytest.raises(QueryTooSlow):
            await pool.fetch("select pg_sleep(10)", {})
        assert await pool.fetch("select 1", {}) == "1"

    _in_loop(database, act, 1)


def test_a_caller_that_gives_up_leaves_no_place_taken(database: str) -> None:
    async def act(pool: Pool) -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await pool.fetch("select pg_sleep(10)", {})
        assert await pool.fetch("select 1", {}) == "1"

    _in_loop(database, act, 1)


def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async def act(pool: Pool) -> None:
        with pytest.raises(ReadModelsGone):
            await pool.fetch("select 1", {})

    _in_loop(f"host={tmp_path} dbname=none", act)


@pytest.mark.slow
def test_postgresql_ends_and_returns_and_so_do_queries_and_live_views(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    with ApiNode(tmp_path, own_postgres.dsn) as node, serving(node) as api:
        space = api.do("organisationFound", 'title: "Phoenix", handle: "lead"')["space"]
        query = f'{{ organisation(id: "{space}") {{ title }} }}'
        with Socket(api).begin() as heard:
            heard.subscribe(f'subscription {{ organisation(id: "{space}") {{ title }} }}')
            assert heard.next()["organisation"] == {"title": "Phoenix"}
            own_postgres.stop()
            gone = api.refused(query)
            assert (gone["code"], gone["family"]) == ("read-models-unavailable", "Unavailable")
            renamed = f'mutation {{ organisationRename(space: "{space}", title: "Risen", wait: false) {{ pos }} }}'
            assert api.ask(renamed)["organisationRename"]["pos"] > 0  # Commands are recorded all the same.
            own_postgres.restart()
            node.dsn = node.projector.conninfo = own_postgres.dsn
            deadline = time.monotonic() + 40
            while api.post(query).get("data") != {"organisation": {"title": "Risen"}}:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert heard.next(30)["organisation"] == {"title": "Risen"}

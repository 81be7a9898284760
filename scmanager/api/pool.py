"""Connections to the read models: few, read-only, with an end to patience; gone and back again as PostgreSQL is.

An answer is one statement in one read-only transaction. A connection that breaks is thrown away. If it had been idle,
the server may merely have been restarted, and the statement is tried once more on a fresh one.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.conninfo import make_conninfo

from scmanager.api.cursors import CursorMalformed
from scmanager.errors import Unavailable

CONNECTIONS_MAX = 8
REST_S = 30.0
"""Unused for so long, all are closed: each is a process of the server's, with memory of its own."""
WAIT_S = 5.0
STATEMENT_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 3


class ReadModelsGone(Unavailable):
    """The read models' database does not answer."""

    code = "read-models-unavailable"
    hint = "Nothing is lost; commands are still recorded. It is started again by itself: retry in a few seconds."


class ReadModelsBusy(Unavailable):
    """All {connections} connections to the read models are in use."""

    code = "read-models-busy"
    hint = "Retry in a moment, with fewer requests at a time."


class QueryTooSlow(Unavailable):
    """This query takes longer than {seconds} seconds."""

    code = "query-too-slow"
    hint = "Ask for smaller pages, or narrow the filter; counts of long lists take longest."


class Pool:
    """Bounded; opens on demand, closes what nobody uses. Use it in one event loop."""

    def __init__(self, conninfo: Callable[[], str], schema: str, connections: int = CONNECTIONS_MAX) -> None:
        self._conninfo = conninfo
        self._schema = schema
        self._size = connections
        self._free = asyncio.Semaphore(connections)
        self._idle: list[AsyncConnection[Any]] = []
        self._used_s = 0.0
        self._resting: asyncio.Task[None] | None = None

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> str:
        """The only column of the only row, as text. Raises ReadModelsGone, ReadModelsBusy, QueryTooSlow."""
        try:
            async with asyncio.timeout(WAIT_S):  # `wait_for` of Python 3.11 may swallow a cancellation.
                await self._free.acquire()
        except TimeoutError as error:
            raise ReadModelsBusy(connections=self._size) from error
        try:
            return await self._fetch(sql, parameters)
        finally:
            self._free.release()
            self._used_s = asyncio.get_running_loop().time()
            if self._resting is None:
                self._resting = asyncio.create_task(self._rest(), name="pool")

    async def close(self) -> None:
        """Close what is idle."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        await self._close_idle()

    async def _rest(self) -> None:
        clock = asyncio.get_running_loop()
        while (left := self._used_s + REST_S - clock.time()) > 0:
            await asyncio.sleep(left)
        self._resting = None
        await self._close_idle()

    async def _close_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _fetch(self, sql: str, parameters: Mapping[str, Any]) -> str:
        while self._idle:
            connection = self._idle.pop()
            try:
                return await self._ask(connection, sql, parameters)
            except ReadModelsGone:
                continue  # It broke while it was idle; so did the others, perhaps.
        return await self._ask(await self._connect(), sql, parameters)

    async def _ask(self, connection: AsyncConnection[Any], sql: str, parameters: Mapping[str, Any]) -> str:
        healthy = False
        try:
            cursor = await connection.execute(sql.encode(), parameters)
            row = await cursor.fetchone()
            healthy = True
        except errors.QueryCanceled as error:
            healthy = True
            raise QueryTooSlow(seconds=STATEMENT_TIMEOUT_MS // 1000) from error
        except psycopg.DataError as error:
            healthy = True
            raise CursorMalformed from error  # Everything else that a caller sends has a type of its own.
        except errors.UndefinedTable as error:
            healthy = True
            raise ReadModelsGone from error  # They are just being made.
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise ReadModelsGone from error
        finally:
            if healthy and not connection.closed:
                self._idle.append(connection)
            else:
                await connection.close()
        return str(row[0]) if row else "null"

    async def _connect(self) -> AsyncConnection[Any]:
        # A generic plan does not know how few the viewer's spaces are: four times slower on a whole roster.
        options = (
            f"-c search_path={self._schema} -c default_transaction_read_only=on -c TimeZone=UTC "
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={STATEMENT_TIMEOUT_MS} -c jit=off "
            "-c plan_cache_mode=force_custom_plan"
        )
        try:
            info = make_conninfo(self._conninfo(), options=options, connect_timeout=CONNECT_TIMEOUT_S)
            return await AsyncConnection.connect(info, autocommit=True)
        except psycopg.Error as error:
            raise ReadModelsGone from error

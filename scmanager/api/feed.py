"""The feed: what changed in the read models, from PostgreSQL's NOTIFY to whoever listens here.

One connection listens for all. Each listener has a short queue; who does not keep up is told so and let go. After a
break in the connection everybody hears that anything may have changed.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import psycopg
from psycopg.conninfo import make_conninfo

from scmanager.errors import ScManagerError, Unavailable

CHANNEL = "scm_changes"
QUEUE_MAX = 64
LISTENERS_MAX = 200
RETRY_S = (0.1, 0.5, 1.0, 2.0, 5.0)

log = logging.getLogger("scmanager.api")


class ListenerTooSlow(Unavailable):
    """This subscription did not keep up: {missed} changes waited."""

    code = "subscription-too-slow"
    hint = "Read faster or subscribe to less; then read what is now and subscribe again."


class TooManyListeners(Unavailable):
    """This node already has {listeners} subscriptions."""

    code = "too-many-subscriptions"
    hint = "End one that is not needed."


class Changed(msgspec.Struct, frozen=True):
    """Something changed in a space's read models."""

    space: str = ""
    """Hex; empty: anything in any space, after a break."""
    tables: list[str] = []
    pos: int = 0


class Listener:
    """One who listens. Bounded; `overflow` says that something was lost."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Changed] = asyncio.Queue(QUEUE_MAX)
        self.overflow = False

    def tell(self, changed: Changed) -> None:
        """Never waits."""
        try:
            self.queue.put_nowait(changed)
        except asyncio.QueueFull:
            self.overflow = True

    async def next(self) -> Changed:
        """The next change, in order. Raises ListenerTooSlow."""
        if self.overflow:
            raise ListenerTooSlow(missed=QUEUE_MAX)
        return await self.queue.get()


class Feed:
    """Starts with its first listener and ends with `close`. Use it in one event loop."""

    def __init__(self, conninfo: Callable[[], str]) -> None:
        self._conninfo = conninfo
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    @contextlib.asynccontextmanager
    async def listen(self) -> AsyncIterator[Listener]:
        """Hear every change from here on. Raises TooManyListeners."""
        if len(self._listeners) >= LISTENERS_MAX:
            raise TooManyListeners(listeners=LISTENERS_MAX)
        listener = Listener()
        self._listeners.add(listener)
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="feed")
            with contextlib.suppress(TimeoutError):  # Without PostgreSQL one may still wait for its return.
                async with asyncio.timeout(RETRY_S[-1]):  # `wait_for` of Python 3.11 may swallow a cancellation.
                    await self._up.wait()
            yield listener
        finally:
            self._listeners.discard(listener)

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        failures = 0
        broken = False
        while True:
            try:
                async with await self._connect() as connection:
                    self._up.set()
                    if broken:
                        self._tell(Changed())
                    failures = 0
                    async for notification in connection.notifies():
                        self._hear(notification.payload)
            except (psycopg.Error, ScManagerError):
                log.info("the change feed lost PostgreSQL and tries again")
            self._up.clear()
            broken = True
            await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
            failures += 1

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        info = make_conninfo(self._conninfo(), connect_timeout=3)
        connection = await psycopg.AsyncConnection.connect(info, autocommit=True)
        await connection.execute(f"LISTEN {CHANNEL}")
        return connection

    def _hear(self, payload: str) -> None:
        try:
            self._tell(msgspec.json.decode(payload, type=Changed))
        except msgspec.MsgspecError:
            log.warning("a change notice could not be read")
            self._tell(Changed())

    def _tell(self, changed: Changed) -> None:
        for listener in self._listeners:
            listener.tell(changed)

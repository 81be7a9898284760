"""Connections: each has some seconds to say what it wants, and those that say nothing make room for those that do.

Any program on this machine may connect, also of other users and without the token; so waiting costs them their place.
Who has shown the token and is being answered is never cut off.
"""

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from scmanager.api.guard import ROOM_FULL
from scmanager.api.listening import REQUESTS_MAX

HEAD_S = 10.0
"""From connecting to the end of the first request's head."""
ABORT = "scm.abort"
"""What ends a connection at once, unsent bytes and all: for an app that gives answers a time."""
KEEP_ALIVE_S = 30
"""From an answer to the end of the next request's head."""


class Connection(H11Protocol):
    """One connection. What a head or a body dribbles does not put off its end."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.app = self._admit
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give it a place, which the one that has been silent for longest may have to leave."""
        assert isinstance(transport, asyncio.Transport)
        if len(self.connections) >= REQUESTS_MAX:
            silent = [each for each in self.connections if isinstance(each, Connection) and each.silent]
            if silent:
                min(silent, key=Connection.patience)._leave()
        super().connection_made(transport)
        self._wait(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._heard()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Notice when a request begins, which is when its head is whole."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._heard()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """A websocket has limits of its own."""
        self._heard()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """It was answered, and may ask again."""
        if not self.transport.is_closing():
            self._wait(KEEP_ALIVE_S)
        super().on_response_complete()

    @property
    def silent(self) -> bool:
        """Whether nothing is being answered here."""
        return self._end is not None

    def patience(self) -> tuple[bool, float]:
        """Smaller for whom to let go first: those that never asked, then the one that has waited longest."""
        return self.cycle is not None, self._end.when() if self._end else 0.0

    def _wait(self, seconds: float) -> None:
        self._heard()
        self._end = self.loop.call_later(seconds, self._leave)

    def _heard(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = None

    def _leave(self) -> None:
        self._heard()
        self.connections.discard(self)
        self.transport.close()

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROOM_FULL] = len(self.connections) > REQUESTS_MAX
        scope[ABORT] = self.transport.abort
        await self.config.loaded_app(scope, receive, send)

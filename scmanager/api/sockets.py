"""GraphQL over a websocket (graphql-transport-ws). Who does not read in time is let go: 4413 says so."""

import asyncio
import contextlib
from json import JSONDecodeError
from typing import Any, cast

import msgspec
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from scmanager.api.context import Context, Services
from scmanager.api.failures import TokenWrong, TooManyConnections
from scmanager.api.feed import ListenerTooSlow
from scmanager.api.guard import REQUEST_ID, note_refusal, token_matches
from scmanager.api.schema import Served
from scmanager.api.usage import tell

CONNECTIONS_MAX = 64
SUBSCRIPTIONS_MAX = 16
SEND_S = 10.0
TOO_SLOW = 4413
TOO_MANY = 4429


class _Asked(msgspec.Struct):
    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - GraphQL's spelling


class _Subscribe(msgspec.Struct, tag="subscribe"):
    id: str
    payload: _Asked


class _Complete(msgspec.Struct, tag="complete"):
    id: str


class _Init(msgspec.Struct, tag="connection_init"):
    payload: dict[str, Any] = {}


class _Ping(msgspec.Struct, tag="ping"):
    pass


class _Pong(msgspec.Struct, tag="pong"):
    pass


_Message = _Subscribe | _Complete | _Init | _Ping | _Pong


class _Handler(BaseGraphQLTransportWSHandler[Context, None]):
    _serving: "asyncio.Task[Any] | None" = None
    _gone = False

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._asked: dict[str, _Asked] = {}
        """By id, what was not answered yet."""

    async def handle(self) -> None:
        """From the handshake to the end, which may be our giving up on a client that does not read."""
        self._serving = asyncio.current_task()
        try:
            await super().handle()
        except asyncio.CancelledError:
            if not self._gone:
                raise

    async def handle_message(self, message: Any) -> None:
        """Only messages of the protocol's shape reach the library."""
        try:
            read = msgspec.convert(message, _Message)
        except msgspec.ValidationError:
            await self.handle_invalid_message("not a message of graphql-transport-ws")
            return
        if isinstance(read, _Subscribe):
            self._asked[read.id] = read.payload
        elif isinstance(read, _Complete):
            self._asked.pop(read.id, None)
        await super().handle_message(message)

    async def send_message(self, message: Any) -> None:
        """Wait for the client, but not for ever."""
        try:
            async with asyncio.timeout(SEND_S):
                await super().send_message(message)
        except TimeoutError:
            self._gone = True
            if self._serving is not None:
                self._serving.cancel()
            raise WebSocketDisconnected from None
        asked = self._asked.pop(message.get("id") or "", None)
        if asked is not None and message["type"] == "next" and not message["payload"].get("errors"):
            cast("Sockets", self.view).answered(asked)
        if _says_too_slow(message):
            await self._let_go()

    async def _let_go(self) -> None:
        with contextlib.suppress(TimeoutError, WebSocketDisconnected):
            async with asyncio.timeout(SEND_S):
                await self.websocket.close(TOO_SLOW, ListenerTooSlow.code)


def _says_too_slow(message: Any) -> bool:
    payload = message.get("payload")
    errors = payload if isinstance(payload, list) else (payload or {}).get("errors") or ()
    return any((each.get("extensions") or {}).get("code") == ListenerTooSlow.code for each in errors)


class Sockets(GraphQL[Context, None]):
    """An ASGI app for the websockets of /graphql. At most 64 connections, 16 operations on each."""

    graphql_transport_ws_handler_class = _Handler

    def __init__(self, served: Served, services: Services) -> None:
        super().__init__(
            served.schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            max_subscriptions_per_connection=SUBSCRIPTIONS_MAX,
        )
        self.open = 0
        self._services, self._served = services, served

    def decode_json(self, data: str | bytes) -> object:
        """By the decoder that HTTP has: no brackets without end, no halves of characters."""
        try:
            return msgspec.json.decode(data)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise JSONDecodeError("not JSON", "", 0) from error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from handshake to end."""
        websocket = WebSocket(scope, receive, send)
        if self.open >= CONNECTIONS_MAX:
            await websocket.accept(subprotocol=GRAPHQL_TRANSPORT_WS_PROTOCOL)
            await websocket.close(TOO_MANY, TooManyConnections.code)
            return
        self.open += 1
        try:
            await self.run(websocket, Context(self._services, scope[REQUEST_ID], scope))
        finally:
            self.open -= 1

    def answered(self, asked: _Asked) -> None:
        """The first answer of an operation: what is live is counted once."""
        usage = self._services.usage
        if usage is not None and usage.on:
            tell(usage, self._served.schema._schema, asked.query, asked.operationName, asked.variables or {})

    async def on_ws_connect(self, context: Context) -> Any:
        """The token, in the handshake's header or in connection_init."""
        shown = (context.connection_params or {}).get("token")
        right = isinstance(shown, str) and token_matches(shown, self._services.backend.token)
        if not (context.token_shown or right):
            note_refusal(self._services.backend.note, TokenWrong(), context.scope)
            raise ConnectionRejectionError
        return await super().on_ws_connect(context)

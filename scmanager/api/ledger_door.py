"""The door of the ledger's server: who may ask what, how often and for how long, and how an answer goes out.

Anybody may ask: there is no token, and no Host or Origin is looked at, as everything behind it is public. What may be
said there (a path with a body) is named when the door is made; all else is GET and HEAD.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scmanager.api import failures
from scmanager.api.connections import ABORT
from scmanager.api.error_answers import headed, telling
from scmanager.api.guard import REQUEST_ID, ROOM_FULL
from scmanager.api.listening import REQUESTS_MAX
from scmanager.api.readers import OpenRequests, Readers, TooManyOpen, TooManyRequests
from scmanager.application.proving import NotEntered
from scmanager.application.published import PlaceUnknown
from scmanager.application.published_registry import PluginUnknown, UpdateUnknown
from scmanager.application.releasing import DayNotHeld
from scmanager.errors import Refused, ScManagerError
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, SHARED
from scmanager.master_ledger.handshake import ServerNotNamed, SessionUnknown

API = "/api/v1"
PROOFS = f"{API}/ledger"
JSON = "application/json"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_ANEW = "no-cache"
"""May be kept, and is asked for each time: the answer is 304 while nothing is new."""
ANSWER_S = 60.0
"""From the end of the request's head to the last byte that the reader takes."""
PIECE_BYTES = 1 << 16
LARGE_MAX = 8
"""As many bundles are on their way at once: each may have 16 MB."""
OPEN_MAX = 16
"""Requests of one address that are not answered yet: whoever reads slowly holds so many places, and no more."""
_TILES = "/tile/"
_LARGE = ("/tile/entries/", f"/{SHARED}/")
_PLAIN = re.compile("[!-~]+")
_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})

Straight = Callable[[Request], Awaitable[Response]]


class LedgerFileUnknown(Refused):
    """There is nothing at {path}."""

    code = "ledger-file-unknown"
    hint = (
        f"Here are /{CHECKPOINT}, /tile/... (C2SP tlog-tiles), /{SHARED}/..., /{MANIFESTS}, proofs below {PROOFS}, "
        f"{API}/updates and {API}/plugins."
    )


class LedgerOnlyRead(Refused):
    """{method} is not offered there: the ledger is only read."""

    code = "ledger-only-read"
    hint = "Ask with GET or HEAD. What the author signed is entered where the ledger is written."


_STATUS = {
    LedgerFileUnknown.code: 404, LedgerOnlyRead.code: 405, NotEntered.code: 404, PlaceUnknown.code: 404,
    UpdateUnknown.code: 404, PluginUnknown.code: 404, DayNotHeld.code: 404, TooManyRequests.code: 429,
    ServerNotNamed.code: 503, SessionUnknown.code: 401, TooManyOpen.code: 429,
}  # fmt: skip


class Door:
    """GET and HEAD without a body, one answer each, a place for each connection; a request id for all.

    `tiles` answers below /tile/ past the routes, which take twice its time. `taken`: the paths that take a POST, with
    the bytes that its body may have.
    """

    def __init__(self, app: ASGIApp, tiles: Straight, readers: Readers, taken: Mapping[str, int] = _NOTHING) -> None:
        self._app, self._tiles, self._readers, self._taken = app, tiles, readers, taken
        self._large, self._open = asyncio.Semaphore(LARGE_MAX), OpenRequests(OPEN_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer with what is wrong."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4404, "reason": LedgerFileUnknown.code})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = secrets.token_hex(8)
        named = _named(send, scope[REQUEST_ID], bodiless=scope["method"] == "HEAD")
        try:
            posted = _check(scope, self._taken)
            self._readers.check(scope)
            with self._open.one(scope):
                async with asyncio.timeout(ANSWER_S):
                    await self._one(scope, receive, named, posted)
        except TimeoutError:  # Who reads so slowly has his place taken.
            scope.get(ABORT, bool)()
        except ScManagerError as error:
            await (await refused(Request(scope), error))(scope, receive, named)

    async def _one(self, scope: Scope, receive: Receive, send: Send, posted: int) -> None:
        if scope["path"].startswith(_LARGE):
            async with self._large:
                await self._answered(scope, receive, send)
        elif posted:
            await self._app(scope, _measured(receive, posted), send)
        else:
            await self._answered(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(_TILES):
            await self._app({**scope, "method": "GET"}, receive, send)
            return
        response = await self._tiles(Request(scope))
        await response(scope, receive, send)


def _check(scope: Scope, taken: Mapping[str, int]) -> int:
    """How many bytes a body may have."""
    if scope.get(ROOM_FULL):
        raise failures.TooManyConnections(connections_max=REQUESTS_MAX)
    posted = taken.get(scope["path"], 0) if scope["method"] == "POST" else 0
    if scope["method"] not in ("GET", "HEAD") and not posted:
        raise LedgerOnlyRead(method=scope["method"][:20])
    if not _PLAIN.fullmatch(scope["path"]):  # Routes take a line end at the end of a path for nothing.
        raise LedgerFileUnknown(path=ascii(scope["path"][:200]))
    headers = dict(scope["headers"])
    if not posted and (headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers):
        raise failures.BodyTooLarge(bytes_max=0)
    return posted


def _measured(receive: Receive, bytes_max: int) -> Receive:
    """A body that ends where it is too large."""
    had = 0

    async def measured() -> Message:
        nonlocal had
        message = await receive()
        had += len(message.get("body", b""))
        if had > bytes_max:
            raise failures.BodyTooLarge(bytes_max=bytes_max)
        return message

    return measured


def _named(send: Send, request_id: str, *, bodiless: bool) -> Send:
    send = headed(send, request_id)

    async def named(message: Message) -> None:
        if bodiless and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        body = message.get("body", b"")
        for at in range(0, len(body) - PIECE_BYTES, PIECE_BYTES):  # So that what nobody takes is not kept for him.
            await send({**message, "body": body[at : at + PIECE_BYTES], "more_body": True})
            message = {**message, "body": body[at + PIECE_BYTES :]}
        await send(message)

    return named


async def refused(request: Request, error: Any) -> Response:
    """What is wrong, for a ScManagerError."""
    return telling(request, error, _STATUS, "GET, HEAD", int(error.facts.get("seconds", 1)))


async def not_there(request: Request, _: Any) -> Response:
    """For a path that no route has."""
    return await refused(request, LedgerFileUnknown(path=request.url.path[:200]))


def answer(request: Request, data: bytes, media: str, cached: str) -> Response:
    """This, or 304 for who has it already."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": cached}
    held = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in held or "*" in held:
        return Response(None, 304, headers)
    return Response(data, 200, headers, media_type=media)

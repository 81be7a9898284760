"""The guard at the door, before anything else looks at a request: which host, which origin, which token, how large.

A page in a browser can send requests to the loopback address, and can make its own name point there (DNS rebinding).
So the Host must be a loopback name with our port, an Origin must be ours, and every request for data needs the token,
compared in constant time. A websocket may bring its token in connection_init: browsers cannot set its headers.
"""

import hmac
import ipaddress
import logging
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scmanager.api import failures
from scmanager.api.listening import REQUESTS_MAX
from scmanager.application.audit_intake import Note
from scmanager.domain.audit_types import AuditType
from scmanager.errors import ScManagerError

BODY_BYTES_MAX = 262_144
IMPORT = "/exchange/import"
IMPORT_BYTES_MAX = 1 << 30
"""A space file's body goes to a file as it comes, so it alone may be large."""
PUBLIC = frozenset({"/health"})
SAID_ONCE = (b"host", b"origin", b"authorization")
"""The headers by which is decided: of two, somebody else may believe the other one."""
REQUEST_ID = "scm.request_id"
ALLOWED = "scm.token_shown"
ROOM_FULL = "scm.room_full"
"""Set by the connection (connections.py) where there are too many."""

log = logging.getLogger("scmanager.api")


class BodyPastLimit(Exception):
    """The body passed its limit while it was read."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(bytes_max)
        self.told = failures.BodyTooLarge(bytes_max=bytes_max)


def token_matches(shown: str, token: str) -> bool:
    """In constant time; an empty token matches nothing."""
    return bool(token) and hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode())


class Guard:
    """ASGI middleware. `token` is asked for each request, so that it can change; `note` hears who was turned away,
    and `fault` of what went wrong inside."""

    def __init__(self, app: ASGIApp, token: Callable[[], str], note: Note, fault: failures.Fault) -> None:
        self._app = app
        self._token = token
        self._note, self._fault = note, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer with what is wrong."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = scope[REQUEST_ID] = secrets.token_hex(8)
        named = _with_id(send, request_id)
        try:
            self._check(scope)
        except ScManagerError as error:
            note_refusal(self._note, error, scope)
            await _refuse(scope, named, error, request_id)
            return
        await self._pass(scope, receive, named, request_id)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] in ("http.response.start", "websocket.accept", "websocket.close")
            await send(message)

        try:
            await self._app(
                scope, _limited(receive, _bytes_max(scope)) if scope["type"] == "http" else receive, noting
            )
        except BodyPastLimit as error:
            if not started:
                await _refuse(scope, send, error.told, request_id)
        except ClientDisconnect:
            return  # It hung up before it had said all.
        except Exception as error:
            log.exception("request %s failed", request_id)
            self._fault(error)
            if not started and scope["type"] == "http":
                await _answer(send, 500, failures.told_internal(request_id))

    def _check(self, scope: Scope) -> None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        names = [name.lower() for name, _ in scope["headers"]]
        if twice := [name for name in SAID_ONCE if names.count(name) > 1]:
            raise failures.RequestMalformed(why=f"there are several headers {twice[0].decode()}")
        port = (scope.get("server") or ("", 0))[1]
        host = headers.get(b"host", "")
        if not is_loopback(host, port):
            raise failures.HostForeign(host=host[:100])
        origin = headers.get(b"origin")
        if origin is not None and not _is_ours(origin, port):
            raise failures.OriginForeign(origin=origin[:100])
        length = headers.get(b"content-length", "0")
        if length.isascii() and length.isdigit() and int(length[:12]) > _bytes_max(scope):
            raise failures.BodyTooLarge(bytes_max=_bytes_max(scope))
        scheme, _, shown = headers.get(b"authorization", "").partition(" ")
        scope[ALLOWED] = scheme.lower() == "bearer" and token_matches(shown.strip(), self._token())
        if scope.get(ROOM_FULL) and not scope[ALLOWED]:
            raise failures.TooManyConnections(connections_max=REQUESTS_MAX)
        if not scope[ALLOWED] and scope["type"] == "http" and scope["path"] not in PUBLIC:
            raise failures.TokenWrong
        if not scope[ALLOWED] and b"authorization" in headers and scope["type"] == "websocket":
            raise failures.TokenWrong


def note_refusal(note: Note, error: ScManagerError, scope: Scope) -> None:
    """An audit event for a request from where none may come. A body that is too large is no such thing."""
    if isinstance(error, failures.TokenWrong | failures.HostForeign | failures.OriginForeign):
        said = error.facts.get("host") or error.facts.get("origin") or (scope.get("client") or ("",))[0]
        text = f"{scope['type']} {scope.get('method', '')} {scope['path'][:200]}: {error}"
        note(AuditType.PERMISSION_VIOLATION, error.code, str(said), text)


def is_loopback(host: str, port: int | None) -> bool:
    """Whether a Host header names this machine to itself, with our port."""
    name, _, given = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not name:
        name, given = host, "80"
    if given != str(port) and not (given == "" and port == 80):
        return False
    name = name.removeprefix("[").removesuffix("]").lower()
    try:  # A zone, after %, may be any text.
        return name == "localhost" or ("%" not in name and ipaddress.ip_address(name).is_loopback)
    except ValueError:
        return False


def _is_ours(origin: str, port: int | None) -> bool:
    scheme, _, host = origin.partition("://")
    return scheme == "http" and is_loopback(host, port)


def _bytes_max(scope: Scope) -> int:
    """How large a body may be there."""
    return IMPORT_BYTES_MAX if scope.get("method") == "POST" and scope["path"] == IMPORT else BODY_BYTES_MAX


def _limited(receive: Receive, bytes_max: int) -> Receive:
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > bytes_max:
            raise BodyPastLimit(bytes_max)
        return message

    return limited


def _with_id(send: Send, request_id: str) -> Send:
    async def named(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept"):
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", request_id.encode()),
                (b"cache-control", b"no-store"),
                (b"x-content-type-options", b"nosniff"),
            ]
        await send(message)

    return named


async def _refuse(scope: Scope, send: Send, error: ScManagerError, request_id: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403, "reason": error.code})
        return
    await _answer(send, failures.status(error), failures.told(error, request_id))


async def _answer(send: Send, status: int, said: dict[str, Any]) -> None:
    body = msgspec.json.encode(said)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

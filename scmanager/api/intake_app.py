"""Where installations report to the author's server: one POST a kind, a receipt for each batch (SPEC A6; ADR 20).

Anybody may send; what counts is that the log is delegated, that a consent is named, and that there is room. In a
session body and answer are sealed by the keys that greeted: nobody between them reads or makes one. Who sends is
known for the limits only, in memory: neither an address nor an installation's hash is recorded or told to anyone.
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from math import ceil
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from scmanager import __version__
from scmanager.api import failures
from scmanager.api.connections import ABORT
from scmanager.api.error_answers import broken, headed, not_offered, telling
from scmanager.api.guard import REQUEST_ID, ROOM_FULL
from scmanager.api.listening import REQUESTS_MAX
from scmanager.api.readers import Buckets, OpenRequests, Rate, TooManyOpen, address_of
from scmanager.application.delegation import NotDelegated
from scmanager.application.reports import Allows, ConsentUnknown, Kind, ReportsUnusable
from scmanager.application.sequencing import IntakeEnded, IntakeFull, Reports
from scmanager.errors import Refused, ScManagerError, Unavailable
from scmanager.master_ledger.handshake import SESSION_HEADER, SessionUnknown
from scmanager.master_ledger.reports import Receipt, node_id_of
from scmanager.master_ledger.sealed import MEDIA, OVERHEAD_BYTES, Channel

API: Final = "/api/v1"
OPENAPI: Final = f"{API}/intake/openapi.json"
JSON: Final = "application/json"
ANSWER_S: Final = 60.0
"""From the end of a body, which has a pace of its own (pace.py), to the last byte that its sender takes."""
RETRY_S: Final = 5
CHARGE_BYTES: Final = 500
"""A report costs 1 for so many bytes begun, on the disk somewhat more than these."""
BY_REPORTER: Final = Rate(5_000, 0.1)
"""Of one session's installation: what waited for days at once, then 8,640 a day, where an honest one has 300."""
BY_ADDRESS: Final = Rate(20_000, 2)
UNGREETED: Final = Rate(200, 0.02)
"""Of one address without a session, where the server shakes hands."""
IN_ALL: Final = Rate(2_500_000, 30)
"""Of all who come from outside: some 3 GB a day."""
_NODE: Final = re.compile("[0-9a-f]{64}")

Submit = Callable[[Reports], "Future[bytes]"]


class TooManyReports(Unavailable):
    """You report more than is taken from one sender."""

    code = "too-many-reports"
    hint = "Nothing was recorded. Send the same batch again after as many seconds as Retry-After says."


class NodeMistyped(Refused):
    """This is no hash of an installation."""

    code = "node-mistyped"
    hint = "It has 64 hex digits, in lower case, and is of the key that the session was greeted by."


class IntakeOnlyPost(Refused):
    """{method} is not offered here."""

    code = "intake-only-post"
    hint = "Send reports with POST."


class BodyNotJson(Refused):
    """A body of type {type} is not read."""

    code = "body-not-json"
    hint = f"Send `Content-Type: application/json`, and nothing packed; in a session what is sealed, as {MEDIA}."


STATUS: Final = {
    TooManyReports.code: 429,
    TooManyOpen.code: 429,
    IntakeOnlyPost.code: 405,
    BodyNotJson.code: 415,
    NodeMistyped.code: 404,
    ConsentUnknown.code: 403,
    ReportsUnusable.code: 422,
    SessionUnknown.code: 401,
    IntakeFull.code: 503,
    IntakeEnded.code: 503,
    NotDelegated.code: 503,
}


class Limits(msgspec.Struct, frozen=True):
    """How much one sender may bring, and all of them."""

    reporter: Rate = BY_REPORTER
    address: Rate = BY_ADDRESS
    ungreeted: Rate = UNGREETED
    all: Rate = IN_ALL


class IntakeApp:
    """The app. `owns` tells whether a request is for it."""

    def __init__(
        self, kinds: Sequence[Kind], submit: Submit, allows: Allows, clock_s: Callable[[], float],
        limits: Limits | None = None, session: Callable[[str], Channel] | None = None,
    ) -> None:  # fmt: skip
        """`submit` takes a batch and answers its receipt (JSON), or raises; `clock_s` is monotonic.

        `session`: that of a token, or SessionUnknown; None where the server does not shake hands.
        """
        limits = limits or Limits()
        self._submit, self._allows, self._session = submit, allows, session
        self._reporters, self._addresses, self._ungreeted, self._all = (
            Buckets(each, clock_s) for each in (limits.reporter, limits.address, limits.ungreeted, limits.all)
        )
        self._open = OpenRequests()
        self._bytes_max = {_pattern(each.path): each.bytes_max for each in kinds}
        self._app = FastAPI(
            title="SC Manager: what is reported to the author", version=__version__, openapi_url=OPENAPI,
            docs_url=None, redoc_url=None, redirect_slashes=False,
            description="Batches of reports, each with its consent. The same batch twice has the same receipt."
            f" In a session (POST /api/v1/handshake) bodies and answers are sealed: {MEDIA}.",
            exception_handlers={ScManagerError: _refused, HTTPException: not_offered, Exception: broken},
        )  # fmt: skip
        for each in kinds:
            self._add(each)

    def owns(self, scope: Scope) -> bool:
        """Whether this request is answered here."""
        return scope["type"] == "http" and (scope["path"] == OPENAPI or self._size_of(scope["path"]) is not None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: its body within its limits, or what is wrong."""
        scope[REQUEST_ID] = secrets.token_hex(8)
        named = headed(send, scope[REQUEST_ID])
        try:
            with self._open.one(scope):
                if scope["path"] != OPENAPI:
                    self._check(scope)
                    receive = await _body(receive, (self._size_of(scope["path"]) or 0) + OVERHEAD_BYTES)
                async with asyncio.timeout(ANSWER_S):
                    await self._app(scope, receive, named)
        except (TimeoutError, ClientDisconnect):  # Who sends so slowly has his place taken.
            scope.get(ABORT, bool)()
        except ScManagerError as error:
            await (await _refused(Request(scope), error))(scope, receive, named)

    def _check(self, scope: Scope) -> None:
        if scope.get(ROOM_FULL):
            raise failures.TooManyConnections(connections_max=REQUESTS_MAX)
        if scope["method"] != "POST":
            raise IntakeOnlyPost(method=scope["method"][:20])
        headers = dict(scope["headers"])
        media = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        wanted = MEDIA if self._session and SESSION_HEADER.encode() in headers else JSON
        if media != wanted or headers.get(b"content-encoding", b"identity") != b"identity":
            raise BodyNotJson(type=ascii(media[:60])[1:-1])

    def _size_of(self, path: str) -> int | None:
        return next((size for pattern, size in self._bytes_max.items() if pattern.fullmatch(path)), None)

    def _add(self, kind: Kind) -> None:
        async def take(request: Request, node_id: str = "") -> Response:
            if "{node_id}" in kind.path and not _NODE.fullmatch(node_id):
                raise NodeMistyped
            channel, body = self._channel(request), await request.body()
            if channel is None:
                return await answered(request, "", body)
            known = node_id_of(channel.theirs).hex()
            if node_id not in ("", known):
                raise NodeMistyped
            try:
                path = f"{API}{kind.path}".format(node_id=node_id)
                answer = await answered(request, known, channel.open_request(path, body))
            except ScManagerError as error:
                answer = await _refused(request, error)
            return _sealed(answer, channel, body)

        async def answered(request: Request, known: str, body: bytes) -> Response:
            if len(body) > kind.bytes_max:
                raise failures.BodyTooLarge(bytes_max=kind.bytes_max)
            reports = kind.batch(body, self._allows)
            self._pay(request, known, max(reports.amount, ceil(len(body) / CHARGE_BYTES)), bool(reports.events))
            receipt = await asyncio.wrap_future(self._submit(reports))
            return Response(receipt, 200, {"cache-control": "no-store"}, media_type=JSON)

        said = {"application/json": {"schema": _inlined(kind.schema)}}
        self._app.add_api_route(
            f"{API}{kind.path}", take, methods=["POST"], operation_id=kind.name, name=kind.name,
            description=kind.summary, response_model=None, response_class=Response,
            openapi_extra={"requestBody": {"required": True, "content": said}},
            responses={
                200: {"description": "Where it stands in the log.", "content": {JSON: {"schema": _RECEIPT}}},
                "default": {"description": "What is wrong: errors, with codes and hints.", "content": {JSON: {}}},
            },
        )  # fmt: skip

    def _channel(self, request: Request) -> Channel | None:
        """The request's session; None without one. Raises SessionUnknown."""
        token = request.headers.get(SESSION_HEADER)
        return None if token is None or self._session is None else self._session(token)

    def _pay(self, request: Request, reporter: str, count: int, entered: bool) -> None:
        """Raises TooManyReports. Whoever is refused has not paid.

        What all bring together counts only what is entered: nobody learns from it how many records others sent.
        """
        address = address_of(request.scope)
        ungreeted = address if self._session and not reporter else ""
        asked = [(self._reporters, reporter), (self._addresses, address), (self._ungreeted, ungreeted)]
        asked.append((self._all, "all" if address and entered else ""))
        waits = [held.wait_s(name, count) for held, name in asked if name]
        if any(waits):
            request.scope[_WAIT] = max(waits)
            raise TooManyReports
        for held, name in asked:
            if name:
                held.take(name, count)


_WAIT: Final = "scm.retry_after"


async def _body(receive: Receive, bytes_max: int) -> Receive:
    """The whole body, before anything looks at it. Raises BodyTooLarge, ClientDisconnect."""
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > bytes_max:
            raise failures.BodyTooLarge(bytes_max=bytes_max)
        if not message.get("more_body"):
            break
    whole: Message = {"type": "http.request", "body": b"".join(pieces), "more_body": False}
    waiting = [whole]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def _refused(request: Request, error: Any) -> Response:
    return telling(request, error, STATUS, "POST", max(RETRY_S, ceil(request.scope.get(_WAIT, 0))))


def _sealed(answer: Response, channel: Channel, request: bytes) -> Response:
    """The same for the eyes of who asked, whatever it says."""
    body = channel.seal_answer(request, answer.status_code, bytes(answer.body))
    headers = {name: said for name, said in answer.headers.items() if name in ("cache-control", "retry-after")}
    return Response(body, answer.status_code, headers, media_type=MEDIA)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(f"{API}{path}").replace(re.escape("{node_id}"), "[^/]+"))


def _inlined(schema: Any) -> Any:
    """A JSON schema without references, which in OpenAPI lead elsewhere."""
    defined = schema.get("$defs", {})

    def inlined(value: Any) -> Any:
        if isinstance(value, list):
            return [inlined(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return inlined(defined[value["$ref"].rpartition("/")[2]])
        return {name: inlined(each) for name, each in value.items() if name != "$defs"}

    return inlined(schema)


_RECEIPT: Final = _inlined(msgspec.json.schema(Receipt))

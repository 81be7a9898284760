"""The ledger's server: its static files as C2SP tlog-tiles names them, and proofs made of them. It only reads.

It holds no key and no data folder, so whoever takes it over can withhold and nothing else: readers check all of it.
Anybody may ask: there is no token, and no Host or Origin is looked at, as everything here is public.
"""

import asyncio
import hashlib
import re
import secrets
from base64 import b64encode
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scmanager import __version__
from scmanager.api import failures
from scmanager.api.connections import ABORT
from scmanager.api.error_answers import broken
from scmanager.api.guard import REQUEST_ID, ROOM_FULL
from scmanager.api.listening import REQUESTS_MAX
from scmanager.application.proving import NotEntered
from scmanager.application.published import BUNDLE_BYTES_MAX, LedgerFilesBroken, PlaceUnknown, Published
from scmanager.errors import Refused, ScManagerError, Untrusted
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint
from scmanager.eventstore.merkle import HASH_BYTES
from scmanager.eventstore.tiles import BadTile, TilePath
from scmanager.master_ledger.content_hash import sha256_of
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, SHARED, Read, SourceLacks
from scmanager.master_ledger.submission import FILE_BYTES_MAX

OPENAPI = "/openapi.json"
PROOFS = "/api/v1/ledger"
TEXT, BYTES, JSON, LINES = "text/plain; charset=utf-8", "application/octet-stream", "application/json", "text/plain"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_ANEW = "no-cache"
"""May be kept, and is asked for each time: the answer is 304 while nothing is new."""
DIGITS_MAX = 16
ANSWER_S = 60.0
"""From the end of the request's head to the last byte that the reader takes."""
PIECE_BYTES = 1 << 16
LARGE_MAX = 8
"""As many bundles are on their way at once: each may have 16 MB."""
_LARGE = ("/tile/entries/", f"/{SHARED}/")
_PLAIN = re.compile("[!-~]+")


class LedgerFileUnknown(Refused):
    """There is nothing at {path}."""

    code = "ledger-file-unknown"
    hint = f"Here are /{CHECKPOINT}, /tile/... (C2SP tlog-tiles), /{SHARED}/..., /{MANIFESTS}, proofs below {PROOFS}."


class LedgerOnlyRead(Refused):
    """{method} is not offered: the ledger is only read here."""

    code = "ledger-only-read"
    hint = "Ask with GET or HEAD. What the author signed is entered where the ledger is written."


_STATUS = {LedgerFileUnknown.code: 404, LedgerOnlyRead.code: 405, NotEntered.code: 404, PlaceUnknown.code: 404}


def make_ledger_app(read: Read) -> ASGIApp:
    """The app over the files that `read` gives; blocks of them are read outside of the event loop."""
    files = Files(read)
    app = FastAPI(
        title="SC Manager: the author's ledger", version=__version__, openapi_url=OPENAPI, docs_url=None,
        redoc_url=None, redirect_slashes=False,
        description="Read only, for everybody. Files as in c2sp.org/tlog-tiles; proofs as in RFC 6962.",
        exception_handlers={ScManagerError: _refused, HTTPException: _not_there, Exception: broken},
    )  # fmt: skip
    for path, name, run, gives in (
        (f"/{CHECKPOINT}", "checkpoint", files.checkpoint, TEXT),
        (f"/{MANIFESTS}", "manifests", files.manifests, LINES),
        ("/tile/{path:path}", "tile", files.tile, BYTES),
        (f"/{SHARED}/{{path:path}}", "shared", files.shared, BYTES),
        (f"{PROOFS}/inclusion/{{index}}", "inclusionProof", files.inclusion, JSON),
        (f"{PROOFS}/consistency/{{old}}", "consistencyProof", files.consistency, JSON),
        (f"{PROOFS}/proofs/{{content_hash}}", "proofOfLogging", files.proof, TEXT),
    ):
        app.add_api_route(
            path, run, methods=["GET"], operation_id=name, name=name, description=run.__doc__, response_model=None,
            response_class=Response,
            responses={
                200: {"description": "OK", "content": {gives.partition(";")[0]: {}}},
                304: {"description": "What If-None-Match names is still right."},
                "default": {"description": "What is wrong: errors, with codes and hints.", "content": {JSON: {}}},
            },
        )  # fmt: skip
    return OnlyRead(app, files)


class Files:
    """What is answered at each path."""

    def __init__(self, read: Read) -> None:
        self._read, self._published = read, Published(read)

    async def checkpoint(self, request: Request) -> Response:
        """The newest head as a signed note (C2SP tlog-checkpoint), with its cosignatures."""
        return self._file(request, CHECKPOINT, NOTE_BYTES_MAX, TEXT, ASK_ANEW)

    async def manifests(self, request: Request) -> Response:
        """The author's key manifests, oldest first, a line each."""
        return self._file(request, MANIFESTS, FILE_BYTES_MAX, LINES, ASK_ANEW)

    async def tile(self, request: Request, path: str) -> Response:
        """A tile of hashes, or below `entries/` a bundle of entries; partial ones end in `.p/<width>`."""
        named = f"tile/{path}"
        asked = _tile(named, named)
        if asked.level is not None:
            return self._file(request, named, asked.width * HASH_BYTES, BYTES, FOR_EVER)
        return await run_in_threadpool(self._file, request, named, BUNDLE_BYTES_MAX, BYTES, FOR_EVER)

    async def shared(self, request: Request, path: str) -> Response:
        """The first parts of a bundle's entries, which the entries name by their hashes."""
        _tile(f"tile/entries/{path}", f"{SHARED}/{path}")
        return await run_in_threadpool(
            self._file, request, f"{SHARED}/{path}", BUNDLE_BYTES_MAX, BYTES, FOR_EVER
        )  # fmt: skip

    def inclusion(self, request: Request, index: str, size: str = "") -> Response:
        """That the entry at `index` is in the tree of `size` entries; without `size` of the newest checkpoint's."""
        at, upto = _number(request, index), _number(request, size) if size else None
        tree, path, leaf = self._published.inclusion(at, upto)
        return _proof(request, tree, path, {"index": at, "leaf": _base64(leaf)}, fixed=bool(size))

    def consistency(self, request: Request, old: str, size: str = "") -> Response:
        """That the tree of `old` entries grew into that of `size`; without `size` of the newest checkpoint's."""
        was, upto = _number(request, old), _number(request, size) if size else None
        tree, path, root = self._published.consistency(was, upto)
        return _proof(request, tree, path, {"old": was, "oldRoot": _base64(root)}, fixed=bool(size))

    def proof(self, request: Request, content_hash: str) -> Response:
        """The proof of logging (C2SP tlog-proof) of the newest statement about a file, by its CID."""
        sha256_of(content_hash)
        return _answer(request, self._published.proof(content_hash).to_bytes(), TEXT, ASK_ANEW)

    def _file(self, request: Request, path: str, bytes_max: int, media: str, cached: str) -> Response:
        try:
            data = self._read(path, bytes_max)
        except SourceLacks:
            raise LedgerFileUnknown(path=f"/{path}") from None
        except Untrusted as error:  # Larger than any file of its kind.
            raise LedgerFilesBroken(reason=str(error).rstrip(".")) from error
        return _answer(request, data, media, cached)


class OnlyRead:
    """The door: GET and HEAD without a body, one answer each, a place for each connection; a request id for all."""

    def __init__(self, app: ASGIApp, files: "Files") -> None:
        self._app, self._files = app, files
        self._large = asyncio.Semaphore(LARGE_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer with what is wrong. Tiles go past the routes, which take twice their time."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4404, "reason": LedgerFileUnknown.code})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = secrets.token_hex(8)
        named = _named(send, scope[REQUEST_ID], bodiless=scope["method"] == "HEAD")
        try:
            _check(scope)
            async with asyncio.timeout(ANSWER_S):
                if scope["path"].startswith(_LARGE):
                    async with self._large:
                        await self._answered(scope, receive, named)
                else:
                    await self._answered(scope, receive, named)
        except TimeoutError:  # Who reads so slowly has his place taken.
            scope.get(ABORT, bool)()
        except ScManagerError as error:
            await (await _refused(Request(scope), error))(scope, receive, named)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/tile/"):
            await self._app({**scope, "method": "GET"}, receive, send)
            return
        response = await self._files.tile(Request(scope), scope["path"].removeprefix("/tile/"))
        await response(scope, receive, send)


def _check(scope: Scope) -> None:
    if scope.get(ROOM_FULL):
        raise failures.TooManyConnections(connections_max=REQUESTS_MAX)
    if scope["method"] not in ("GET", "HEAD"):
        raise LedgerOnlyRead(method=scope["method"][:20])
    if not _PLAIN.fullmatch(scope["path"]):  # Routes take a line end at the end of a path for nothing.
        raise LedgerFileUnknown(path=ascii(scope["path"][:200]))
    headers = dict(scope["headers"])
    if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
        raise failures.BodyTooLarge(bytes_max=0)


def _named(send: Send, request_id: str, *, bodiless: bool) -> Send:
    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            more = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
            message["headers"] = [*message.get("headers", ()), *more]
        elif bodiless:
            message = {**message, "body": b""}
        body = message.get("body", b"")
        for at in range(0, len(body) - PIECE_BYTES, PIECE_BYTES):  # So that what nobody takes is not kept for him.
            await send({**message, "body": body[at : at + PIECE_BYTES], "more_body": True})
            message = {**message, "body": body[at + PIECE_BYTES :]}
        await send(message)

    return named


async def _refused(request: Request, error: Any) -> Response:
    said = msgspec.json.encode(failures.told(error, request.scope[REQUEST_ID]))
    status = _STATUS.get(error.code) or failures.status(error)
    headers = {"cache-control": "no-store"}
    headers |= {"allow": "GET, HEAD"} if status == 405 else {}
    headers |= {"connection": "close"} if status == 413 else {}
    return Response(said, status, headers, media_type=JSON)


async def _not_there(request: Request, _: Any) -> Response:
    return await _refused(request, LedgerFileUnknown(path=request.url.path[:200]))


def _answer(request: Request, data: bytes, media: str, cached: str) -> Response:
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": cached}
    held = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in held or "*" in held:
        return Response(None, 304, headers)
    return Response(data, 200, headers, media_type=media)


def _proof(request: Request, tree: Checkpoint, path: list[bytes], what: dict[str, Any], *, fixed: bool) -> Response:
    said = what | {"origin": tree.origin, "size": tree.size, "root": _base64(tree.root)}
    said |= {"hashes": [_base64(each) for each in path]}
    return _answer(request, msgspec.json.encode(said), JSON, FOR_EVER if fixed else ASK_ANEW)


def _tile(path: str, shown: str) -> TilePath:
    try:
        return TilePath.parse(path)
    except BadTile:
        raise LedgerFileUnknown(path=f"/{shown[:200]}") from None


def _number(request: Request, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise LedgerFileUnknown(path=str(request.url.path)[:200])
    return int(text)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")

"""The ledger's server: its static files as C2SP tlog-tiles names them, proofs of them, the registry. It only reads.

It holds no key and no data folder, so whoever takes it over can withhold and nothing else: readers check all of it.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from scmanager import __version__
from scmanager.api import handshake, ledger_registry
from scmanager.api.error_answers import broken
from scmanager.api.handshake import Handshakes, Identity
from scmanager.api.ledger_door import (
    API,
    ASK_ANEW,
    FOR_EVER,
    JSON,
    PROOFS,
    Door,
    LedgerFileUnknown,
    answer,
    not_there,
    refused,
)
from scmanager.api.ledger_registry import Entry, RegistryAnswers
from scmanager.api.readers import Readers
from scmanager.application.published import BUNDLE_BYTES_MAX, LedgerFilesBroken, Published
from scmanager.errors import ScManagerError, Untrusted
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint
from scmanager.eventstore.merkle import HASH_BYTES, leaf_hash
from scmanager.eventstore.tiles import BadTile, TilePath
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, SHARED, Read, SourceLacks
from scmanager.master_ledger.submission import FILE_BYTES_MAX

OPENAPI = "/openapi.json"
TEXT, BYTES, LINES = "text/plain; charset=utf-8", "application/octet-stream", "text/plain"
DIGITS_MAX = 16
COMPONENTS = ledger_registry.COMPONENTS | handshake.COMPONENTS


HASHES = frozenset({"checkpoint", "manifests", "tile", "inclusionProof", "consistencyProof"})
"""What there is to ask of a log whose entries are not published."""


def make_ledger_app(read: Read, identity: Identity | None = None, *, entries: bool = True) -> ASGIApp:
    """The app over the files that `read` gives; blocks of them are read outside of the event loop.

    `identity`: the server shakes hands as well, by this key. `entries`: they are published, or only their hashes.
    """
    published = Published(read)
    files, registry = Files(read, published), RegistryAnswers(read, published)
    app = FastAPI(
        title="SC Manager: the author's ledger", version=__version__, openapi_url=OPENAPI, docs_url=None,
        redoc_url=None, redirect_slashes=False,
        description="Read only, for everybody. Files as in c2sp.org/tlog-tiles; proofs as in RFC 6962.",
        exception_handlers={ScManagerError: refused, HTTPException: not_there, Exception: broken},
    )  # fmt: skip
    for path, name, run, gives in (
        (f"/{CHECKPOINT}", "checkpoint", files.checkpoint, TEXT),
        (f"/{MANIFESTS}", "manifests", files.manifests, LINES),
        ("/tile/{path:path}", "tile", files.tile, BYTES),
        (f"/{SHARED}/{{path:path}}", "shared", files.shared, BYTES),
        (f"{PROOFS}/inclusion/{{index}}", "inclusionProof", files.inclusion, JSON),
        (f"{PROOFS}/consistency/{{old}}", "consistencyProof", files.consistency, JSON),
        (f"{PROOFS}/entries/{{index}}", "entry", files.entry, "Entry"),
        (f"{PROOFS}/proofs/{{content_hash}}", "proofOfLogging", registry.proof, TEXT),
        (f"{API}/updates", "updates", registry.updates, "Updates"),
        (f"{API}/updates/{{version}}/verify", "verifyUpdate", registry.verify, "Verification"),
        (f"{API}/plugins", "plugins", registry.plugins, "Plugins"),
        (f"{API}/plugins/{{plugin}}", "plugin", registry.plugin, "PluginWithHistory"),
    ):
        if not entries and name not in HASHES:
            continue
        app.add_api_route(
            path, run, methods=["GET"], operation_id=name, name=name, description=run.__doc__, response_model=None,
            response_class=Response, responses=_responses(gives),
        )  # fmt: skip
    taken = _with_handshake(app, Handshakes(identity, registry)) if identity else {}
    app.openapi().setdefault("components", {}).setdefault("schemas", {}).update(COMPONENTS)

    async def tiles(request: Request) -> Response:
        return await files.tile(request, request.scope["path"].removeprefix("/tile/"))

    return Door(app, tiles, Readers(), taken)


def _with_handshake(app: FastAPI, handshakes: Handshakes) -> Mapping[str, int]:
    for path, run, takes, gives in (
        (handshake.GREET, handshakes.greet, "Hello", "Welcome"),
        (handshake.ANSWER, handshakes.answer, "Answer", "Granted"),
    ):
        body = {"required": True, "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{takes}"}}}}
        app.add_api_route(
            path, run, methods=["POST"], operation_id=run.__name__, name=run.__name__, description=run.__doc__,
            response_model=None, response_class=Response, responses=_responses(gives),
            openapi_extra={"requestBody": body},
        )  # fmt: skip
    return handshake.TAKEN


def _responses(gives: str) -> dict[int | str, dict[str, Any]]:
    """By status: a media type, or the name of a component."""
    if gives in COMPONENTS:
        content: dict[str, Any] = {JSON: {"schema": {"$ref": f"#/components/schemas/{gives}"}}}
    else:
        content = {gives.partition(";")[0]: {}}
    return {
        200: {"description": "OK", "content": content},
        304: {"description": "What If-None-Match names is still right."},
        "default": {"description": "What is wrong: errors, with codes and hints.", "content": {JSON: {}}},
    }


class Files:
    """What is answered at each path."""

    def __init__(self, read: Read, published: Published) -> None:
        self._read, self._published = read, published

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

    def entry(self, request: Request, index: str) -> Response:
        """The entry at `index` as it was hashed, its event id (SHA3-512), and its first part: what it says."""
        at = _number(request, index)
        one, shared = self._published.told(at)
        told = Entry(
            at, one.log.hex(), one.id.hex(), _base64(leaf_hash(one.data)), _base64(one.data), _base64(shared)
        )
        return answer(request, msgspec.json.encode(told), JSON, FOR_EVER)

    def consistency(self, request: Request, old: str, size: str = "") -> Response:
        """That the tree of `old` entries grew into that of `size`; without `size` of the newest checkpoint's."""
        was, upto = _number(request, old), _number(request, size) if size else None
        tree, path, root = self._published.consistency(was, upto)
        return _proof(request, tree, path, {"old": was, "oldRoot": _base64(root)}, fixed=bool(size))

    def _file(self, request: Request, path: str, bytes_max: int, media: str, cached: str) -> Response:
        try:
            data = self._read(path, bytes_max)
        except SourceLacks:
            raise LedgerFileUnknown(path=f"/{path}") from None
        except Untrusted as error:  # Larger than any file of its kind.
            raise LedgerFilesBroken(reason=str(error).rstrip(".")) from error
        return answer(request, data, media, cached)


def _proof(request: Request, tree: Checkpoint, path: list[bytes], what: dict[str, Any], *, fixed: bool) -> Response:
    said = what | {"origin": tree.origin, "size": tree.size, "root": _base64(tree.root)}
    said |= {"hashes": [_base64(each) for each in path]}
    return answer(request, msgspec.json.encode(said), JSON, FOR_EVER if fixed else ASK_ANEW)


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

"""A mirror over HTTP, as C2SP tlog-mirror has it: `POST /add-checkpoint`, `POST /add-entries`, the copies as tiles.

Anybody may ask; what he sends counts by the log's own signature, and by proofs that lead to it. A body may be as long
as its sender likes: it is taken package by package, each has its time and its largest size, and what one request
brings is kept wherever it ends. As a witness the mirror answers as `witness_app` does, without a witness's word.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Protocol, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scmanager.api import failures
from scmanager.api.connections import ABORT
from scmanager.api.guard import ROOM_FULL
from scmanager.api.ledger_door import FOR_EVER
from scmanager.api.listening import REQUESTS_MAX
from scmanager.api.readers import OpenRequests, Readers, TooManyRequests, address_of
from scmanager.api.upload_places import UPLOADS_MAX, Place, Places, TooManyUploads
from scmanager.api.witness_app import SUBMIT_COST, TEXT, Patience, Witness, WitnessApp, WitnessPathUnknown, refused
from scmanager.errors import Refused, ScManagerError
from scmanager.eventstore.tiles import BadTile, TilePath
from scmanager.master_ledger.uploading import (
    INFO_MEDIA,
    PACKAGES_MAX,
    BadUpload,
    Header,
    Info,
    NothingPending,
    Package,
    PackageUnproved,
    Span,
    UploadDiffers,
    package_count,
    read_header,
    read_package,
    spans,
)

UPLOAD = "/add-entries"
BYTES = "application/octet-stream"
PIECE_S = 30.0
"""For the head of an upload, and for each package: 17 MB at most."""
TAKEN_MAX = 2 * PACKAGES_MAX
"""Packages of one request; then it is told how far that brought it."""
UPLOADS_OF_ONE = 2
"""Of one address."""
UNPACKED_BYTES = 1 << 16
READ_COST, BUNDLE_COST = 1.0, 5.0
_TILE = re.compile(r"/([0-9a-f]{64})/(tile/[0-9a-z/.]{1,80})", re.ASCII)
_TAKES = {"accept-encoding": "gzip"}

T = TypeVar("T")


class UploadCodingUnknown(Refused):
    """An upload is packed with gzip, or not at all."""

    code = "upload-coding-unknown"
    hint = "Send it with Content-Encoding: gzip, or without one."


_STATUS: dict[type[ScManagerError], int] = {
    BadUpload: 400, PackageUnproved: 422, NothingPending: 422, UploadCodingUnknown: 415, TooManyUploads: 503,
}  # fmt: skip


class Mirror(Witness, Protocol):
    """What answers. All of it may block, and raise what is wrong."""

    def tile(self, name: bytes, path: TilePath) -> bytes | None:
        """Hashes or entries of the log with this SHA-256 of its origin."""

    def begin(self, header: Header) -> bool:
        """Whether entries may come; and whether they lead to what was signed last, once more."""

    def keep(self, header: Header, span: Span, package: Package) -> int:
        """What is proved, durably. How many entries of it were not here before."""

    def finish(self, header: Header) -> bytes:
        """The cosignature lines."""

    def info(self, header: Header) -> Info:
        """Where the mirror is."""


class MirrorApp:
    """The app. One at a time in each event loop."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror, self._witness = mirror, WitnessApp(mirror)
        self._patience, self._readers, self._open = Patience(), Readers(), OpenRequests(UPLOADS_OF_ONE)
        self._places, self._ends = Places(), dict[Place, asyncio.Timeout]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever is wrong; who says nothing loses his place."""
        path = scope.get("path", "")
        tile = _TILE.fullmatch(path)
        if scope["type"] != "http" or not (tile or path == UPLOAD):
            await self._witness(scope, receive, send)
            return
        try:
            if scope.get(ROOM_FULL):
                raise failures.TooManyConnections(connections_max=REQUESTS_MAX)
            if tile:
                response = await self._read(scope, bytes.fromhex(tile[1]), tile[2])
            else:
                response = await self._uploaded(scope, receive)
        except TimeoutError:
            scope.get(ABORT, bool)()
            return
        except ScManagerError as error:
            response = _told(error)
        response.headers.update({"x-content-type-options": "nosniff"} | ({} if tile else _TAKES))
        await response(scope, receive, send)

    async def _read(self, scope: Scope, name: bytes, said: str) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return Response(b"GET, HEAD and nothing else\n", 405, {"allow": "GET, HEAD"}, TEXT)
        try:
            path = TilePath.parse(said)
        except BadTile:
            raise WitnessPathUnknown(path=scope["path"]) from None
        self._count(scope, READ_COST if path.level is not None else BUNDLE_COST)
        data = await run_in_threadpool(self._mirror.tile, name, path)
        if data is None:
            raise WitnessPathUnknown(path=scope["path"])
        return Response(data, 200, {"cache-control": FOR_EVER}, BYTES)

    async def _uploaded(self, scope: Scope, receive: Receive) -> Response:
        if scope["method"] != "POST":
            return Response(b"POST and nothing else\n", 405, {"allow": "POST"}, TEXT)
        self._count(scope, SUBMIT_COST)
        with self._open.one(scope):
            body = Body(scope, receive)
            header = await body.read(read_header())
            if await run_in_threadpool(self._mirror.begin, header):
                self._patience.spend(header.origin)
            async with self._place(address_of(scope), header.origin) as place:
                return await self._taken(header, body, place)

    @asynccontextmanager
    async def _place(self, address: str, origin: str) -> AsyncIterator[Place]:
        """One of few; who has to leave for it ends with TooManyUploads, as does this one if its turn comes."""
        mine, leaves = self._places.take(address, origin)
        if leaves is not None:
            self._ends.pop(leaves).reschedule(0.0)
        left = asyncio.timeout(None)
        try:
            async with left:
                self._ends[mine] = left
                yield mine
        except TimeoutError:
            if left.expired():
                raise TooManyUploads(uploads_max=UPLOADS_MAX) from None
            raise
        finally:
            self._ends.pop(mine, None)
            self._places.leave(mine)

    async def _taken(self, header: Header, body: "Body", place: Place) -> Response:
        kept = 0
        for span in islice(spans(header.start, header.end), TAKEN_MAX):
            try:
                package = await body.read(read_package(span.end - span.start))
            except (BadUpload, TimeoutError):
                if not kept:
                    raise
                break
            self._places.brought(place, await run_in_threadpool(self._mirror.keep, header, span, package))
            kept += 1
        if kept < package_count(header.start, header.end):
            return _where(await run_in_threadpool(self._mirror.info, header), 202)
        lines = await run_in_threadpool(self._mirror.finish, header)
        return Response(lines, 200, {"cache-control": "no-store"}, TEXT)

    def _count(self, scope: Scope, cost: float) -> None:
        """Raises TooManyRequests."""
        address = address_of(scope)
        if address and (wait_s := self._readers.wait_s(address, cost)):
            raise TooManyRequests(seconds=max(1, round(wait_s)))


class Body:
    """The body of a request as it comes, unpacked; little of it is held."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Raises UploadCodingUnknown."""
        coding = dict(scope["headers"]).get(b"content-encoding", b"identity").strip().lower()
        if coding not in (b"identity", b"gzip"):
            raise UploadCodingUnknown
        self._receive, self._held, self._packed, self._more = receive, bytearray(), b"", True
        self._unpacking, self._is_full = _gzip() if coding == b"gzip" else None, False

    async def read(self, reading: Generator[int, bytes, T]) -> T:
        """What a reader makes of the next bytes, within PIECE_S. Raises BadUpload where they break off."""
        async with asyncio.timeout(PIECE_S):
            try:
                wanted = next(reading)
                while True:
                    wanted = reading.send(await self._take(wanted))
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]

    async def _take(self, size: int) -> bytes:
        while len(self._held) < size:
            if self._packed or self._is_full:
                self._held += self._unpacked()
            elif not self._more:
                raise BadUpload(reason="it breaks off")
            else:
                await self._fill()
        data = bytes(self._held[:size])
        del self._held[:size]
        return data

    async def _fill(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise BadUpload(reason="it breaks off")
        self._more = message.get("more_body", False)
        if self._unpacking is None:
            self._held += message.get("body", b"")
        else:
            self._packed = message.get("body", b"")

    def _unpacked(self) -> bytes:
        assert self._unpacking is not None
        try:
            data = self._unpacking.decompress(self._packed, UNPACKED_BYTES)
        except zlib.error:
            raise BadUpload(reason="its gzip does not hold together") from None
        self._packed, self._is_full = self._unpacking.unconsumed_tail, len(data) == UNPACKED_BYTES
        if self._unpacking.eof:
            self._packed, self._unpacking, self._is_full = self._unpacking.unused_data, _gzip(), False
        return data


def _gzip() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


def _told(error: ScManagerError) -> Response:
    """As the page says: three lines where an upload has to go on from elsewhere, else a line of text."""
    if isinstance(error, UploadDiffers):
        return _where(error.info, 409)
    return refused(error, _STATUS)


def _where(info: Info, status: int) -> Response:
    return Response(info.to_bytes(), status, {"cache-control": "no-store", "content-type": INFO_MEDIA})


def make_mirror_app(mirror: Mirror) -> ASGIApp:
    """The app over a mirror."""
    return MirrorApp(mirror)

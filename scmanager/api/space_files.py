"""Space files in and out: POST /exchange/import and GET /exchange/export.

They can be far larger than any query, so they lie in the data folder while they travel, never in a request's memory,
and are gone when the answer is. What is in one is verified before anything of it counts.
"""

from pathlib import Path
from typing import BinaryIO

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from scmanager.api import failures
from scmanager.api.context import Services, work
from scmanager.api.scalars import read_id
from scmanager.errors import Unavailable

EXPORT = "/exchange/export"
BYTES = "application/octet-stream"
PIECE_BYTES = 1 << 20


class FileNotKept(Unavailable):
    """The file on its way could not be kept: {reason}."""

    code = "exchange-file-not-kept"
    hint = "Look whether the disk of the data folder is full, and send it again."


class SpaceFiles:
    """Takes and gives space files. Every step that waits for the disk runs outside of the event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def take(self, request: Request) -> Response:
        """A file as the body; answers what it brought."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != BYTES:  # A page in a browser cannot send this without being asked first.
            raise failures.MediaTypeUnknown(type=kind[:100] or "none")
        exchange = self._services.backend.exchange
        path = exchange.place_for_file()
        try:
            await self._keep(request, path)
            brought = await work(self._services, lambda: exchange.import_space(path))
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody hears it.
        finally:
            path.unlink(missing_ok=True)
        return Response(msgspec.json.encode(brought), media_type="application/json")

    async def give(self, request: Request) -> Response:
        """The file of a space that is held here, `?space=ID`; `&keys=false` for a mirror that shall read nothing."""
        asked, exchange = request.query_params, self._services.backend.exchange
        space, with_keys = read_id(asked.get("space"), "space"), asked.get("keys", "true") != "false"
        path = exchange.place_for_file()
        try:
            await work(self._services, lambda: exchange.export_space(space, path, with_keys=with_keys))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return _OnceSent(path, media_type=BYTES)

    async def _keep(self, request: Request, path: Path) -> None:
        try:
            with path.open("xb") as file:
                held = bytearray()
                async for piece in request.stream():
                    held += piece
                    if len(held) >= PIECE_BYTES:
                        await self._write(file, bytes(held))
                        held.clear()
                await self._write(file, bytes(held))
        except OSError as error:
            raise FileNotKept(reason=error.strerror or type(error).__name__) from error

    async def _write(self, file: BinaryIO, data: bytes) -> None:
        await work(self._services, lambda: file.write(data))


class _OnceSent(FileResponse):
    """A file that is removed when it was sent, or when the client hung up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            Path(self.path).unlink(missing_ok=True)

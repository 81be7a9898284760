"""The REST interface: whole files, in and out, described by OpenAPI at /openapi.json.

FastAPI and its models cost 10 MB of memory and a fifth of a start, and most nodes are never asked for a file: its app
is made at the first request for one of `PATHS`. They lie under the same guard and fail with the same errors as all.
"""

import asyncio
import importlib
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from scmanager.api.backups import BACKUP
from scmanager.api.context import Services, work
from scmanager.api.exports import EXPORT_ALL
from scmanager.api.guard import IMPORT
from scmanager.api.space_files import EXPORT

OPENAPI: Final = "/openapi.json"
PATHS: Final = (IMPORT, EXPORT, EXPORT_ALL, BACKUP, OPENAPI)


class Rest:
    """An ASGI app that is made when it is first asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._making = asyncio.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        async with self._making:
            if self._app is None:
                self._app = await work(self._services, self._make)
        await self._app(scope, receive, send)

    def _make(self) -> ASGIApp:
        made: ASGIApp = importlib.import_module("scmanager.api.rest_files").files_app(self._services)
        return made

"""The app: /graphql (HTTP and websocket), /exchange, /backup, /health, /metrics; on the loopback address."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from scmanager.api import failures
from scmanager.api.backend import Backend
from scmanager.api.backups import BACKUP, Backups
from scmanager.api.context import WAITING_MAX, WORKERS, Services
from scmanager.api.endpoint import Endpoint
from scmanager.api.exports import EXPORT_ALL, Exports
from scmanager.api.feed import Feed
from scmanager.api.guard import IMPORT, REQUEST_ID, Guard
from scmanager.api.metrics import exposition
from scmanager.api.pool import Pool
from scmanager.api.schema import served
from scmanager.api.sockets import Sockets
from scmanager.api.space_files import EXPORT, SpaceFiles
from scmanager.errors import ScManagerError

GRAPHQL = "/graphql"


def make_app(backend: Backend, *, direct: bool = True) -> Starlette:
    """The app of a node. `direct=False` sends every query through the executor: slower, for comparison."""
    schema = served()
    services = Services(
        backend,
        Pool(backend.conninfo, backend.read_schema),
        Feed(backend.conninfo),
        schema.catalogue,
        ThreadPoolExecutor(WAITING_MAX, "projected"),
        ThreadPoolExecutor(WORKERS, "exchange"),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await services.feed.close()
        await services.pool.close()
        services.waiters.shutdown(wait=False, cancel_futures=True)
        services.workers.shutdown(wait=False, cancel_futures=True)

    endpoint, sockets = Endpoint(schema, services, direct=direct), Sockets(schema, services)
    files = SpaceFiles(services)

    async def health(_: Request) -> Response:
        """A line for each actor; 503 when one is not well. Tells nothing about anybody's data."""
        actors = backend.health()
        well = all(each.ok for each in actors)
        said = {"ok": well, "actors": [msgspec.structs.asdict(each) for each in actors]}
        return Response(msgspec.json.encode(said), 200 if well else 503, media_type="application/json")

    async def metrics(_: Request) -> Response:
        """Prometheus text."""
        own = {"scm_api_websockets": sockets.open, "scm_api_listeners": services.feed.listeners}
        return Response(exposition(dict(backend.metrics()) | own), media_type="text/plain; version=0.0.4")

    routes = [
        Route("/health", health, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route(IMPORT, files.take, methods=["POST"]),
        Route(EXPORT, files.give, methods=["GET"]),
        Route(EXPORT_ALL, Exports(services).give, methods=["GET"]),
        Route(BACKUP, Backups(services).give, methods=["POST"]),
        Route(GRAPHQL, endpoint.get, methods=["GET"]),
        Route(GRAPHQL, endpoint.post, methods=["POST"]),
        WebSocketRoute(GRAPHQL, sockets),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, token=lambda: backend.token, note=backend.note)],
        exception_handlers={ScManagerError: _told, HTTPException: _not_offered},
        lifespan=lifespan,
    )


async def _told(request: Request, error: Any) -> Response:
    said = failures.told(error, request.scope[REQUEST_ID])
    return Response(msgspec.json.encode(said), failures.status(error), media_type="application/json")


async def _not_offered(request: Request, error: Any) -> Response:
    path, method = request.url.path[:200], request.method
    known = error.status_code == 405
    said = failures.MethodNotOffered(method=method, path=path) if known else failures.NoSuchPage(path=path)
    return await _told(request, said)

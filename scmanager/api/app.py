"""The app: /graphql (HTTP and websocket), /health, /metrics, and the REST interface; on the loopback address."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from scmanager.api.backend import Backend
from scmanager.api.context import WAITING_MAX, WORKERS, Services
from scmanager.api.endpoint import Endpoint
from scmanager.api.error_answers import HANDLERS
from scmanager.api.feed import Feed
from scmanager.api.guard import Guard
from scmanager.api.metrics import exposition
from scmanager.api.pool import Pool
from scmanager.api.rest import PATHS, Rest
from scmanager.api.schema import served
from scmanager.api.sockets import Sockets
from scmanager.api.turns import Turns
from scmanager.application.usage import Usage

GRAPHQL = "/graphql"


def make_app(backend: Backend, *, direct: bool = True, usage: Usage | None = None) -> Starlette:
    """The app of a node. `direct=False` sends every query through the executor: slower, for comparison.

    `usage`: who counts what is used, if anybody does.
    """
    schema = served()
    services = Services(
        backend,
        Pool(backend.conninfo, backend.read_schema),
        Feed(backend.conninfo),
        schema.catalogue,
        ThreadPoolExecutor(WAITING_MAX, "projected"),
        ThreadPoolExecutor(WORKERS, "exchange"),
        Turns(),
        ThreadPoolExecutor(1, "schema"),
        ThreadPoolExecutor(1, "registry"),
        usage,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await services.feed.close()
        await services.pool.close()
        services.waiters.shutdown(wait=False, cancel_futures=True)
        services.workers.shutdown(wait=False, cancel_futures=True)
        services.turns.close()
        services.teller.shutdown(wait=False, cancel_futures=True)
        services.judging.shutdown(wait=False, cancel_futures=True)

    endpoint, sockets = Endpoint(schema, services, direct=direct), Sockets(schema, services)
    rest = Rest(services)

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
        *(Route(path, rest) for path in PATHS),
        Route(GRAPHQL, endpoint.answer, methods=["GET", "POST"]),
        WebSocketRoute(GRAPHQL, sockets),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, token=lambda: backend.token, note=backend.note, fault=backend.fault)],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app

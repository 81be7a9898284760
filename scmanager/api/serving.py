"""Serving an app on the loopback address: limits of its own, no waiting at the end."""

import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from scmanager.api.connections import KEEP_ALIVE_S, Connection
from scmanager.api.guard import BODY_BYTES_MAX
from scmanager.api.listening import LOOPBACK, PortTaken, listen

CLOSE_S = 3


def server(app: ASGIApp) -> uvicorn.Server:
    """Run by `serve(sockets=[listen(port)])` in a loop or `run(sockets=...)` in a thread; `should_exit` ends it."""
    return uvicorn.Server(
        uvicorn.Config(
            app, host=LOOPBACK, log_config=None, access_log=False, server_header=False, proxy_headers=False,
            http=Connection, timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=CLOSE_S,
            ws_max_size=BODY_BYTES_MAX, ws_max_queue=8, ws_ping_interval=20, ws_ping_timeout=20,
            ws="websockets-sansio", ws_per_message_deflate=False, lifespan="on",
        )
    )  # fmt: skip


def attend(server: uvicorn.Server, stop: threading.Event, ready: Callable[[], None]) -> None:
    """Tell when the server has started, and end it when it shall stop."""
    while not (server.started or server.should_exit or stop.wait(0.01)):
        pass
    if server.started:
        ready()
    stop.wait()
    server.should_exit = True


__all__ = ["LOOPBACK", "PortTaken", "attend", "listen", "server"]

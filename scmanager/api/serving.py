"""Serving an app on the loopback address: one listening socket, limits of its own, no waiting at the end."""

import socket

import uvicorn
from fastapi import FastAPI

from scmanager.api.guard import BODY_BYTES_MAX
from scmanager.errors import Misconfigured

LOOPBACK = "127.0.0.1"
REQUESTS_MAX = 128
CLOSE_S = 3


class PortTaken(Misconfigured):
    """Port {port} is in use already."""

    code = "port-taken"
    hint = "Set SCM_PORT to another one, or to 0 for any that is free."


def listen(port: int) -> socket.socket:
    """A listening socket; its port is `getsockname()[1]`, also when `port` is 0. Raises PortTaken.

    The protocol is named: asyncio turns Nagle's algorithm off only where it is, else answers take 40 ms.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows would let another program listen on the same port.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((LOOPBACK, port))
        made.listen(REQUESTS_MAX)
    except OSError as error:
        made.close()
        raise PortTaken(port=port) from error
    return made


def server(app: FastAPI) -> uvicorn.Server:
    """Run it with `serve(sockets=[listen(port)])` in a loop, or `run` in a thread; `should_exit` ends it."""
    # psycopg needs a loop over selectors; Windows would take another one.
    return uvicorn.Server(
        uvicorn.Config(
            app, host=LOOPBACK, log_config=None, access_log=False, server_header=False, proxy_headers=False,
            limit_concurrency=REQUESTS_MAX, timeout_keep_alive=30, timeout_graceful_shutdown=CLOSE_S,
            ws_max_size=BODY_BYTES_MAX, ws_max_queue=8, ws_ping_interval=20, ws_ping_timeout=20,
            ws="websockets-sansio", ws_per_message_deflate=False, lifespan="on",
            loop="asyncio:SelectorEventLoop",
        )
    )  # fmt: skip

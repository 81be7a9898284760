"""An app of ours on a port of the loopback address, until Ctrl+C: what every `serve` does."""

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOK_S = 0.5

PortOption = Annotated[int, typer.Option("--port", help="On the loopback address; 0 for any free one.")]


def serve_until_stopped(
    app: "ASGIApp", taken: socket.socket, started: Callable[[str], None], look: Callable[[], bool] = lambda: True
) -> None:
    """Serve on a listening socket. `started` is told the address once it answers.

    `look` is asked twice a second; it ends when that says no.
    """
    from scmanager.api.serving import attend, server
    from scmanager.supervisor import told_by_signals

    serving, asked, ready = server(app), threading.Event(), threading.Event()
    with told_by_signals(asked):
        threads = [
            threading.Thread(target=serving.run, kwargs={"sockets": [taken.dup()]}, name="server", daemon=True),
            threading.Thread(target=attend, args=(serving, asked, ready.set), name="server-stop", daemon=True),
        ]
        for each in threads:
            each.start()
        ready.wait()
        host, port = taken.getsockname()
        started(f"http://{host}:{port}")
        while not asked.wait(LOOK_S) and look():  # Windows does not wake a wait without an end for Ctrl+C.
            pass
        asked.set()
        threads[0].join(10)

"""What one operation has at hand."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from starlette.types import Scope

from scmanager.api.backend import Backend
from scmanager.api.catalogue import Catalogue
from scmanager.api.feed import Feed
from scmanager.api.guard import ALLOWED
from scmanager.api.pool import Pool
from scmanager.api.turns import Turns
from scmanager.api.viewer import Viewer
from scmanager.application.usage import Usage

T = TypeVar("T")

WAITING_MAX = 32
WORKERS = 2


class Services(msgspec.Struct, frozen=True):
    """What lives as long as the app."""

    backend: Backend
    pool: Pool
    feed: Feed
    catalogue: Catalogue
    waiters: ThreadPoolExecutor
    """Threads that wait for projections."""
    workers: ThreadPoolExecutor
    """Few threads for files from and for other machines: such work waits for the disk and takes the shelf's lock."""
    turns: Turns
    """For questions about the past."""
    teller: ThreadPoolExecutor
    """One thread that tells the schema."""
    judging: ThreadPoolExecutor
    """One thread that reads the author's ledger, when more of it came."""
    usage: Usage | None = None
    """Who counts what is used, if anybody does."""


async def work(services: Services, act: Callable[[], T]) -> T:
    """Do what may wait, outside of the event loop. A client that hangs up does not end it in the middle."""
    return await asyncio.shield(asyncio.get_running_loop().run_in_executor(services.workers, act))


class Context:
    """One request's, or one websocket's."""

    def __init__(self, services: Services, request_id: str, scope: Scope | None = None) -> None:
        self.services = services
        self.request_id = request_id
        self.scope: Scope = scope or {}
        """A websocket's handshake."""
        self.connection_params: dict[str, Any] | None = None

    @property
    def token_shown(self) -> bool:
        """Whether a websocket's handshake had it in its header. No HTTP request comes this far without."""
        return bool(self.scope.get(ALLOWED))

    @property
    def backend(self) -> Backend:
        """The node."""
        return self.services.backend

    @property
    def viewer(self) -> Viewer:
        """Who asks. Read anew for each answer: spaces come and go."""
        return Viewer(self.backend.my_spaces())

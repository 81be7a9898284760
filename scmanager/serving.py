"""A running node: the open folder with its actors beside it: PostgreSQL, read models, erasures, and the API.

Each actor fails and restarts on its own. What other programs need to find the node (address, token) stands in
`node.json` in the data folder, readable by its owner only, for as long as it runs.
"""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from scmanager.adapters import postgres_server
from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.adapters.private_files import parse_json, read_private, write_private
from scmanager.api.app import make_app
from scmanager.api.backend import ActorHealth
from scmanager.api.serving import LOOPBACK, listen
from scmanager.api.serving import server as server_of
from scmanager.application.erasure import Erasures
from scmanager.application.writer import Result
from scmanager.config import Settings
from scmanager.errors import Unavailable, Untrusted
from scmanager.projections.generation import LIVE
from scmanager.projections.runner import Projector
from scmanager.runtime import Node
from scmanager.spaces.shelf import Shelf
from scmanager.supervisor import Actor, Health, Supervisor

LOOK_S = 2.0
"""How often the database's process is looked at."""
ERASURES_LOOK_S = 3600.0
START_TIMEOUT_S = 60.0
NODE_FILE = "node.json"


class DatabaseAway(Unavailable):
    """The database of the read models is not running just now."""

    code = "database-away"
    hint = "It is being restarted. Nothing is lost; try again in a moment."


class NotStarted(Unavailable):
    """The node did not come up in time: {actor} is {health} ({error})."""

    code = "node-not-started"
    hint = "Look at what it says, mend that, and start again. Nothing was lost."


class NodeFileDamaged(Untrusted):
    """The file that says how to reach the node is not whole."""

    code = "node-file-damaged"
    hint = "Delete node.json in the data folder; a running node writes it anew when it is started again."


class NodeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach a running node."""

    pid: int
    port: int
    token: str


class Serving:
    """A node with its actors. `start` returns when all are up; `stop` ends them in the opposite order."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._supervisor = Supervisor()
        self._server: PostgresServer | None = None
        self._database_up = threading.Event()
        self._projector: Projector | None = None
        self._socket: socket.socket | None = None
        self._token = secrets.token_urlsafe(32)
        self._erasures = Erasures(
            node.store,
            node.shelf,
            node.vault,
            _Seen(node.settings.data / "erasures.json"),
            lambda: node.now_us() // 10**6,
        )

    # Life

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start every actor. Raises PortTaken, NotStarted."""
        self._socket = listen(self.node.settings.port)
        parts: list[tuple[str, Callable[[threading.Event, Callable[[], None]], None]]] = [
            ("database", self._run_database),
            ("read-models", self._run_projector),
            ("erasures", self._run_erasures),
            ("api", self._run_api),
        ]
        actors = [self._supervisor.start(name, run) for name, run in parts]
        for actor in actors:
            _await(actor, timeout_s)
        file = NodeFile(os.getpid(), self.port, self._token)
        write_private(self.node.settings.data / NODE_FILE, msgspec.json.encode(file))

    def stop(self) -> list[str]:
        """Stop every actor; the names of those that did not end in time."""
        (self.node.settings.data / NODE_FILE).unlink(missing_ok=True)
        late = self._supervisor.stop()
        if self._socket is not None:
            self._socket.close()
        return late

    @property
    def port(self) -> int:
        """Where the API listens, on the loopback address."""
        if self._socket is None:
            raise DatabaseAway
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """The API's address."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def projector(self) -> Projector:
        """What keeps the read models. Raises DatabaseAway while there is none."""
        if self._projector is None:
            raise DatabaseAway
        return self._projector

    # Actors

    def _run_database(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        settings = self.node.settings
        with postgres_server.start(settings.data / "read-models", dsn=settings.postgres_dsn) as server:
            self._server = server
            self._database_up.set()
            ready()
            try:
                while not stop.wait(LOOK_S):
                    if not server.alive():
                        raise DatabaseAway
            finally:
                self._database_up.clear()
                self._server = None

    def _run_projector(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        while not self._database_up.wait(LOOK_S):
            if stop.is_set():
                return
        node = self.node
        self._projector = Projector(node.shelf, node.store, node.vault.get, self.conninfo())
        self._projector.run(stop, ready)

    def _run_erasures(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        wake = threading.Event()
        self.node.shelf.listen(wake.set)
        threading.Thread(target=_pass_on, args=(stop, wake), name="erasures-stop", daemon=True).start()
        ready()
        while not stop.is_set():
            wake.clear()
            self._erasures.run()
            wake.wait(ERASURES_LOOK_S)

    def _run_api(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        app = make_app(self)
        server = server_of(app)
        watcher = threading.Thread(target=_end_with, args=(server, stop), name="api-stop", daemon=True)
        watcher.start()
        assert self._socket is not None
        ready()
        server.run(sockets=[self._socket.dup()])

    # What the API asks (api.backend.Backend)

    @property
    def token(self) -> str:
        """See Backend."""
        return self._token

    @property
    def shelf(self) -> Shelf:
        """See Backend."""
        return self.node.shelf

    @property
    def read_schema(self) -> str:
        """See Backend."""
        return LIVE

    def conninfo(self) -> str:
        """See Backend."""
        server = self._server
        if server is None:
            raise DatabaseAway
        return server.dsn

    def my_spaces(self) -> frozenset[bytes]:
        """See Backend."""
        return frozenset(space.id for space in self.node.shelf.spaces() if self.node.vault.logs_of(space.id))

    def do(self, verb: str, space: bytes, command_id: bytes, arguments: Mapping[str, Any]) -> Future[Result]:
        """See Backend."""
        return self.node.submit(verb, space, arguments, command_id)

    def found_organisation(self, command_id: bytes, arguments: Mapping[str, Any]) -> Future[Result]:
        """See Backend."""
        return self.node.submit_organisation(command_id=command_id, **arguments)

    def found_personal(self, command_id: bytes) -> Future[Result]:
        """See Backend."""
        return self.node.submit_personal(command_id)

    def last_pos(self) -> int:
        """See Backend."""
        return self.node.shelf.pos

    def projected_pos(self) -> int:
        """See Backend."""
        return self._projector.status().pos if self._projector else 0

    def wait_projected(self, pos: int, timeout_s: float) -> bool:
        """See Backend."""
        return self._projector is not None and self._projector.wait(pos, timeout_s)

    def health(self) -> Sequence[ActorHealth]:
        """See Backend."""
        return [
            ActorHealth(report.name, report.health is Health.RUNNING, " ".join((report.health, report.error)).strip())
            for report in self._supervisor.reports()
        ]

    def metrics(self) -> Mapping[str, float]:
        """See Backend."""
        reports = self._supervisor.reports()
        return {
            "scm_entries": float(self.last_pos()),
            "scm_projected_position": float(self.projected_pos()),
            "scm_writer_commits_total": float(self.node.writer.commits),
            "scm_spaces": float(len(self.node.shelf.spaces())),
            "scm_actor_restarts_total": float(sum(report.restarts for report in reports)),
        }


def find_running(settings: Settings) -> NodeFile | None:
    """The node that runs on this folder, as its file says; None when there is none. Raises NodeFileDamaged."""
    raw = read_private(settings.data / NODE_FILE)
    return None if raw is None else parse_json(raw, NodeFile, NodeFileDamaged())


class _Seen(MutableMapping[str, int]):
    """When this device first saw each erasure; in a file, because it must outlive the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        raw = read_private(path)
        self._seen: dict[str, int] = parse_json(raw, dict[str, int], NodeFileDamaged()) if raw else {}

    def __getitem__(self, key: str) -> int:
        return self._seen[key]

    def __setitem__(self, key: str, value: int) -> None:
        self._seen[key] = value
        write_private(self._path, msgspec.json.encode(self._seen))

    def __delitem__(self, key: str) -> None:
        del self._seen[key]

    def __iter__(self) -> Any:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)


def _await(actor: Actor, timeout_s: float) -> None:
    if not actor.wait_until(Health.RUNNING, timeout_s):
        report = actor.report
        raise NotStarted(actor=report.name, health=report.health.value, error=report.error)


def _end_with(server: uvicorn.Server, stop: threading.Event) -> None:
    stop.wait()
    server.should_exit = True


def _pass_on(stop: threading.Event, wake: threading.Event) -> None:
    stop.wait()
    wake.set()

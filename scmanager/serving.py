"""A running node: the open folder with its actors beside it: PostgreSQL, read models, erasures, and the API.

Each actor fails and restarts on its own. What other programs need to find the node (address, token) stands in
`node.json` in the data folder, readable by its owner only, for as long as it runs.
"""

import contextlib
import gc
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from scmanager.actors import Actors, DatabaseAway
from scmanager.adapters.ledger_spaces import LedgerSpaces
from scmanager.adapters.node_file import NODE_FILE, NodeFile, NodeFileDamaged, find_node, write_node_file
from scmanager.adapters.private_files import state_folder
from scmanager.api.backend import ActorHealth
from scmanager.api.listening import LOOPBACK as HOST
from scmanager.api.listening import PortTaken, listen
from scmanager.application.audit_intake import Note
from scmanager.application.home_ledger import Judged
from scmanager.application.pieces import pending_hint
from scmanager.application.writer import Result
from scmanager.auditing import ACTOR, actor_failed, auditor_of
from scmanager.config import Settings
from scmanager.counting import ACTOR as STATISTICS
from scmanager.counting import usage_of
from scmanager.domain.audit_types import AuditType
from scmanager.errors import Misconfigured, ScManagerError, Unavailable
from scmanager.exchanging import Exchange
from scmanager.forensics.asking import Forensics
from scmanager.projections.generation import LIVE
from scmanager.projections.rebuild import Rebuilt
from scmanager.projections.runner import Projector
from scmanager.reporting import ACTOR as REPORTS
from scmanager.reporting import failures, reporter_of
from scmanager.runtime import Node
from scmanager.spaces.clock import clock_fault
from scmanager.spaces.documents import Documents
from scmanager.spaces.shelf import Shelf
from scmanager.supervisor import Actor, Health, Report, Supervisor, told_by_signals

START_TIMEOUT_S = 60.0
REQUEST = "request"
"""What fails where no actor does."""
START_FAILURES_MAX = 4
"""A part that fails so often before it ever ran will not run."""
PROJECTED_S = 5.0
"""So long an answer about the author's ledger waits for read models that lag behind it."""
READ_MODELS_PATIENCE_S = 15.0
"""How long a start waits for read models: a long rebuild goes on behind a node that serves already."""


class NotStarted(Unavailable):
    """The node did not come up in time: {actor} is {health} ({error})."""

    code = "node-not-started"
    hint = "Look at what it says, mend that, and start again. Nothing was lost."


class StartGivenUp(Unavailable):
    """The start was given up because the node was told to stop."""

    code = "node-start-given-up"
    hint = "Nothing was lost. Start it again."


class Serving:
    """A node with its actors. `start` returns when all are up; `stop` ends them in the opposite order."""

    def __init__(self, node: Node, *, announced: bool = True) -> None:
        """Not `announced`: no other program is told of it, for it is gone again in a moment."""
        self.node = node
        self._announced = announced
        self.auditor = auditor_of(node)
        self.note: Note = self.auditor.note
        self.exchange = Exchange(node, self.note)
        self._forensics = Forensics(node)
        self._ledger = LedgerSpaces(node.settings.trust, node.settings.state or state_folder(), node.store)
        self._judged: Judged | None = None
        self._actors = Actors(node)
        self._usage = usage_of(node, self.auditor.note)
        self._reporter = reporter_of(node, self._parts)
        self._fails = self._failed(failures(self._reporter, node, actor_failed(self.note)))
        self._supervisor = Supervisor(self._fails)
        self._started = False
        self._socket: socket.socket | None = None
        self._token = secrets.token_urlsafe(32)

    # Life

    def start(self, timeout_s: float = START_TIMEOUT_S, given_up: threading.Event | None = None) -> None:
        """Start every actor; when one does not come up, what was started is stopped again.

        Raises PortTaken, NotStarted, what keeps an actor from starting, and StartGivenUp once `given_up` is set.
        """
        try:
            self._start(time.monotonic() + timeout_s, given_up or threading.Event())
        except BaseException:
            self.stop()
            raise

    def _start(self, deadline: float, given_up: threading.Event) -> None:
        self._socket = listen(self.node.settings.port)
        if (self.node.settings.data / NODE_FILE).exists():  # Whoever stops removes it, and the folder is ours.
            self._usage.crashed()
        later = [
            (ACTOR, self.auditor.run),
            *self._actors.later(),
            (STATISTICS, self._usage.run),
            (REPORTS, self._reporter.run),
        ]
        for parts in ([*self._actors.first(), ("api", self._run_api)], later):
            for actor in [self._supervisor.start(name, run) for name, run in parts]:
                self._await(actor, deadline, given_up)
        self._started = True
        if self._announced:
            told = NodeFile(os.getpid(), self.port, self._token, self.node.settings.report_to)
            write_node_file(self.node.settings.data, told)

    def stop(self) -> list[str]:
        """Stop every actor; the names of those that did not end in time. Harmless twice."""
        if self._started:  # Else the file may be another node's.
            with contextlib.suppress(OSError):
                (self.node.settings.data / NODE_FILE).unlink(missing_ok=True)
        self._started = False
        late = self._supervisor.stop()
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        return late

    def _await(self, actor: Actor, deadline: float, given_up: threading.Event) -> None:
        began = time.monotonic()
        while not actor.wait_until(Health.RUNNING, 0.1):
            report, failure, now = actor.report, actor.failure, time.monotonic()
            if given_up.is_set():
                raise StartGivenUp
            if isinstance(failure, Misconfigured):
                raise failure
            if actor.name == "read-models" and failure is None and now - began > READ_MODELS_PATIENCE_S:
                return  # It tries again by itself, and health shows how it is.
            if report.restarts >= START_FAILURES_MAX or now > deadline:
                if isinstance(failure, ScManagerError):
                    raise failure
                raise NotStarted(actor=report.name, health=report.health.value, error=report.error)

    @property
    def port(self) -> int:
        """Where the API listens, on the loopback address."""
        if self._socket is None:
            raise DatabaseAway
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """The API's address."""
        return f"http://{HOST}:{self.port}"

    @property
    def database_pid(self) -> int | None:
        """The process of the database; None while it is down, and for one that others run."""
        return getattr(self._actors.server, "pid", None)

    @property
    def projector(self) -> Projector:
        """What keeps the read models. Raises DatabaseAway while there is none."""
        projector = self._actors.projector
        if projector is None:
            raise DatabaseAway
        return projector

    # The API

    def _run_api(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        # Imported here, beside the start of the database: it takes as long, and who only looks for a node needs none.
        from scmanager.api.app import make_app
        from scmanager.api.serving import attend
        from scmanager.api.serving import server as server_of

        assert self._socket is not None
        server = server_of(make_app(self, usage=self._usage))
        watcher = threading.Thread(target=attend, args=(server, stop, ready), name="api-stop", daemon=True)
        watcher.start()
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
    def documents(self) -> Documents:
        """See Backend."""
        return self.node.documents

    @property
    def forensics(self) -> Forensics:
        """See Backend."""
        return self._forensics

    @property
    def read_schema(self) -> str:
        """See Backend."""
        return LIVE

    def fault(self, error: BaseException) -> None:
        """See Backend."""
        self._fails(REQUEST, error)

    def conninfo(self) -> str:
        """See Backend."""
        return self._actors.conninfo()

    def my_spaces(self) -> frozenset[bytes]:
        """See Backend."""
        ledger = self._ledger.ids()
        spaces = (space.id for space in self.node.shelf.spaces())
        return frozenset(each for each in spaces if each in ledger or self.node.vault.logs_of(each))

    def registry(self) -> Judged:
        """See Backend."""
        found = self._ledger.judged()
        if found is not self._judged:  # It has read what the read models may not show yet.
            self.wait_projected(self.node.store.last_pos(), PROJECTED_S)
            self._judged = found
        return found

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
        projector = self._actors.projector
        return projector.status().pos if projector else 0

    def wait_projected(self, pos: int, timeout_s: float) -> bool:
        """See Backend."""
        projector = self._actors.projector
        return projector is not None and projector.wait(pos, timeout_s)

    def rebuild(self) -> Rebuilt:
        """See Backend."""
        return self.projector.rebuild()

    def health(self) -> Sequence[ActorHealth]:
        """See Backend."""
        lines = [ActorHealth("writer", self.node.writer.running, "" if self.node.writer.running else "stopped")]
        lines += [self._line(report) for report in self._supervisor.reports()]
        if hint := self.node.clock_hint():
            fault = clock_fault(self.node.shelf, self.node.now_us())
            lines.append(ActorHealth("clock", not fault, hint))
        if pending := pending_hint(self.node.store):
            lines.append(ActorHealth("pending", True, pending))
        return lines

    def _line(self, report: Report) -> ActorHealth:
        projector = self._actors.projector
        inside = projector.status().error if report.name == "read-models" and projector else ""
        well = report.health is Health.RUNNING and not inside
        waits = f"(what waits is not sent: {self._reporter.held_up})" if self._reporter.held_up else ""
        more = waits if report.name == REPORTS and well and not report.error else inside or report.error
        return ActorHealth(report.name, well, " ".join((report.health, more)).strip())

    def _failed(self, also: Callable[[str, BaseException], None]) -> Callable[[str, BaseException], None]:
        def failed(actor: str, error: BaseException) -> None:
            also(actor, error)
            self._usage.failed()

        return failed

    def _parts(self) -> tuple[int, int]:
        """How many run, and how many do not or were started again."""
        found = self._supervisor.reports()
        well = sum(each.health is Health.RUNNING and not each.restarts for each in found)
        return well, len(found) - well

    def metrics(self) -> Mapping[str, float]:
        """See Backend."""
        reports = self._supervisor.reports()
        return {
            "scm_entries": float(self.last_pos()),
            "scm_projected_position": float(self.projected_pos()),
            "scm_writer_commits_total": float(self.node.writer.commits),
            "scm_spaces": float(len(self.node.shelf.spaces())),
            "scm_audit_dropped_total": float(self.auditor.dropped),
            "scm_actor_restarts_total": float(sum(report.restarts for report in reports)),
        }


def find_running(settings: Settings) -> NodeFile | None:
    """The node that runs on this folder; None when there is none. Raises NodeFileDamaged."""
    return find_node(settings.data)


def serve_until_signal(node: Node, started: Callable[[Serving], None] = lambda _: None) -> list[str]:
    """Serve a node until this process is asked to end; `started` is called once it serves.

    Asked by Ctrl-C, SIGTERM, a terminal that closes, or Ctrl-Break on Windows; asking twice is harmless. When this
    returns, everything is written and every part has ended, but for those it names. Call it in the main thread.
    Raises as `Serving.start`.
    """
    asked = threading.Event()
    with told_by_signals(asked):
        serving = Serving(node)
        with contextlib.suppress(StartGivenUp):
            _start_quickly(serving, asked)
            serving.note(AuditType.INSTANCE_ACTIVE, "node-started", "node")
            try:
                started(serving)
                # Windows does not wake a wait without an end for Ctrl-C.
                while not asked.wait(1.0 if sys.platform == "win32" else None):
                    pass
            finally:
                serving.note(AuditType.INSTANCE_INACTIVE, "node-stopped", "node")
                late = serving.stop()
            return late
        return []


def _start_quickly(serving: Serving, given_up: threading.Event) -> None:
    """What a start imports and makes stays; looking for garbage in it meanwhile, and ever after, takes time."""
    gc.disable()
    try:
        serving.start(given_up=given_up)
        gc.freeze()
    finally:
        gc.enable()


__all__ = [
    "DatabaseAway",
    "NodeFile",
    "NodeFileDamaged",
    "NotStarted",
    "PortTaken",
    "Serving",
    "StartGivenUp",
    "find_running",
    "serve_until_signal",
]

"""What lives beside an open folder while a node runs: its database, its read models, erasures, alarms.

Each `run_...` is an actor's function (supervisor.Run): it calls `ready` once it serves, and ends when `stop` is set.
They fail and restart apart from each other; what one needs of another it asks for here.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from scmanager.adapters import postgres_server
from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.adapters.seen_file import SeenFile
from scmanager.adapters.unclean_file import UncleanFile
from scmanager.application.erasure import Erasures
from scmanager.errors import Unavailable
from scmanager.projections.runner import Projector
from scmanager.runtime import Node
from scmanager.supervisor import Run

if TYPE_CHECKING:
    from scmanager.application.alarms import Alarms

READ_MODELS = "read-models"
"""In the data folder: where the private PostgreSQL is, or says where it is."""
LOOK_S = 1.0
"""How often the database's process is looked at; costs nothing."""
PING_EVERY = 30
"""Every how many looks the database is asked as well, for which it starts a session."""
PINGS_LOST_MAX = 3
HOURLY_S = 3600.0
ALARMS_PAUSE_S = 2.0
"""Between two looks for alarms: each costs a commit."""


class DatabaseAway(Unavailable):
    """The database of the read models is not running just now."""

    code = "database-away"
    hint = "It is being restarted. Nothing is lost; try again in a moment."


class Actors:
    """Those of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.server: PostgresServer | None = None
        """None while it is down."""
        self.projector: Projector | None = None
        """None until the database was up once."""
        self._database_up = threading.Event()
        seen = SeenFile(node.settings.data, self._now_s)
        self._unclean = UncleanFile(node.settings.data)
        self._erasures = Erasures(
            node.store, node.shelf, node.vault, seen, self._now_s,
            lambda: self._unclean.mark(node.store.last_pos()),
        )  # fmt: skip
        self._erasures_wake = threading.Event()
        node.shelf.listen(self._erasures_wake.set)
        self._alarms: Alarms | None = None
        self._alarms_wake = threading.Event()
        node.shelf.listen(self._alarms_wake.set)

    def first(self) -> list[tuple[str, Run]]:
        """Those that an answer needs, by name, in the order in which they start."""
        return [("database", self.run_database), ("read-models", self.run_projector)]

    def later(self) -> list[tuple[str, Run]]:
        """Those that nobody waits for: they start when all others run."""
        return [("erasures", self.run_erasures), ("alarms", self.run_alarms)]

    def _now_s(self) -> int:
        return self._node.now_us() // 10**6

    def conninfo(self) -> str:
        """How to reach the database at present. Raises DatabaseAway."""
        server = self.server
        if server is None:
            raise DatabaseAway
        return server.dsn

    def run_database(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """The PostgreSQL of the read models, watched. Raises what its start raises, and DatabaseAway."""
        settings = self._node.settings
        with postgres_server.start(settings.data / READ_MODELS, dsn=settings.postgres_dsn) as server:
            self.server = server
            self._database_up.set()
            ready()
            try:
                _watch(server, stop)
            finally:
                self._database_up.clear()
                self.server = None

    def run_projector(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Keep the read models, from when the database is up."""
        while not self._database_up.wait(LOOK_S):
            if stop.is_set():
                return
        if self.projector is None:  # One for the node's life: the shelf tells each that ever was of changes.
            node = self._node
            keys = node.vault
            self.projector = Projector(
                node.shelf, node.store, keys.held, self.conninfo, keys.logs_of, documents=node.documents,
                cleaned=self._unclean.cleaned,
            )  # fmt: skip
        self.projector.run(stop, ready)

    def run_erasures(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Carry out what is due, at each change and every hour."""
        wake = self._erasures_wake
        threading.Thread(target=_pass_on, args=(stop, wake), name="erasures-stop", daemon=True).start()
        ready()
        while not stop.is_set():
            wake.clear()
            self._erasures.run()
            if self.projector is not None and self._unclean.is_marked():
                self.projector.look_again()
            wake.wait(HOURLY_S)
            self._node.shelf.time_passed()

    def run_alarms(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Write down forks that are seen, at each change."""
        wake = self._alarms_wake
        threading.Thread(target=_pass_on, args=(stop, wake), name="alarms-stop", daemon=True).start()
        ready()
        if self._alarms is None:
            self._alarms = self._make_alarms()
        while not stop.is_set():
            wake.clear()
            self._alarms.run(stop.is_set)
            stop.wait(ALARMS_PAUSE_S)
            wake.wait()

    def _make_alarms(self) -> "Alarms":
        # Imported here, when the node serves already: with it comes the eventsourcing library.
        from scmanager.application.alarms import Alarms
        from scmanager.eventstore.originators import SqliteOriginators

        node, noted = self._node, SqliteOriginators(self._node.store)
        return Alarms(node.store, noted, node.shelf, node.writer, node.vault, node.now_us, node.personal_space)


def _watch(server: PostgresServer, stop: threading.Event) -> None:
    """Return when `stop` is set. Raises DatabaseAway when the process is gone, or does not answer again and again."""
    looks = lost = 0
    while not stop.wait(LOOK_S):
        looks += 1
        if not server.running():
            raise DatabaseAway
        if lost or looks % PING_EVERY == 0:
            lost = 0 if server.alive() else lost + 1
            if lost >= PINGS_LOST_MAX:
                raise DatabaseAway


def _pass_on(stop: threading.Event, wake: threading.Event) -> None:
    stop.wait()
    wake.set()

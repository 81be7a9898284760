"""The projector: follows the spaces and keeps the live read models at their position, each event exactly once.

It sleeps until the shelf tells of a change. Rows, position, digest and notification commit together, so a crash
anywhere leaves a generation that says truly how far it is; at a start it is compared with the spaces and goes on.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping

import msgspec
import psycopg

from scmanager.errors import Misconfigured, Unavailable
from scmanager.eventstore.store import Store
from scmanager.projections import erasure, generation, rebuild
from scmanager.projections.following import Diverged, Following
from scmanager.projections.generation import LIVE, NAMES, Connection
from scmanager.projections.rebuild import RebuildUnderWay, Rebuilt, Report, Step, alone, quietly
from scmanager.projections.writing import ProjectedElsewhere, poisoned
from scmanager.spaces.documents import Documents
from scmanager.spaces.opening import WordKeyOf, parse_row
from scmanager.spaces.reader import OwnLogs, Readers
from scmanager.spaces.shelf import Shelf

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
BULK_ENTRIES = 20_000
REST_S = 30.0
"""Without anything to do for so long, the connection is closed: a process of the server's, with memory of its own."""


class ReadModelsAway(Unavailable):
    """The database of the read models does not answer ({reason})."""

    code = "read-models-away"
    hint = "Nothing is lost: events are kept elsewhere, and the read models catch up when the database is back."


class Status(msgspec.Struct, frozen=True):
    """How the read models are."""

    pos: int
    lag: int
    """Entries of the store that they do not show yet."""
    generation: int
    digests: dict[str, int]
    """By read model. Equal digests, equal rows."""
    error: str
    """What went wrong last, as a class name or code; empty since it went well again."""
    poison: list[tuple[str, bytes, bytes, str]]
    """(read model, space, entity, why): what has no rows."""


class Projector:
    """Keeps one database's read models. One thread projects; any may ask for the status or wait for a position."""

    def __init__(
        self,
        shelf: Shelf,
        store: Store,
        key_of: WordKeyOf,
        conninfo: str | Callable[[], str],
        own_logs: OwnLogs = lambda _: (),
        documents: Documents | None = None,
        cleaned: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`conninfo` may be asked anew for each connection, as a server that comes back may be elsewhere.

        `cleaned` is told up to where everything is projected, and no erased words are left in the server's files.
        """
        self._shelf, self._store, self._key_of = shelf, store, key_of
        self._documents, self._cleaned = documents, cleaned
        self._readers = Readers(own_logs)
        self._conninfo_now = conninfo
        self._mutex = threading.RLock()
        """Held while the live generation is written or replaced."""
        self._wake = threading.Event()
        self._moved = threading.Condition()
        self._connection: Connection | None = None
        self._live: Following | None = None
        self._pos = 0
        self._generation = 0
        self._digests: dict[str, int] = {}
        self._poison: list[tuple[str, bytes, bytes, str]] = []
        self._error = ""
        shelf.listen(self._wake.set)

    def catch_up(self) -> int:
        """Project what came since the last time; returns the position reached.

        The first call makes or rebuilds what is missing or made by other code. Raises ReadModelsAway, and Unavailable
        when something is away that rows are made from; RebuildUnderWay. The next call goes on from the same place.
        """
        with self._mutex:
            try:
                pos = self._catch_up()
            except psycopg.OperationalError as error:
                self.close()
                raise ReadModelsAway(reason=type(error).__name__) from error
            except ProjectedElsewhere:
                self.close()  # A rebuild by another process, perhaps: begin from what is there.
                raise
            self._tell(pos)
        return pos

    def run(self, stop: threading.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Follow until `stop` is set. While the database is away it tries again, ever more slowly."""
        threading.Thread(target=self._wake_on, args=(stop,), name="projector-stop", daemon=True).start()
        pause = FIRST_PAUSE_S
        while not stop.is_set():
            self._wake.clear()
            try:
                pos = self.catch_up()
                unclean = self._clean_up()
                if not unclean:
                    self._cleaned(pos)
            except (Unavailable, ProjectedElsewhere, RebuildUnderWay) as error:
                self._error = error.code
                stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                continue
            self._error, pause = unclean, FIRST_PAUSE_S
            ready()
            if not self._wake.wait(REST_S):
                self.rest()
                self._wake.wait()
        self.close()

    def look_again(self) -> None:
        """Have `run` go round once more, though nothing came."""
        self._wake.set()

    def wait(self, pos: int, timeout_s: float) -> bool:
        """Wait until the read models show this position: to read one's own writes. False when the time is over."""
        with self._moved:
            return self._moved.wait_for(lambda: self._pos >= pos, timeout_s)

    def status(self) -> Status:
        """How far it is, without asking the database."""
        lag = max(0, self._store.last_pos() - self._pos)
        return Status(self._pos, lag, self._generation, dict(self._digests), self._error, list(self._poison))

    def rebuild(self, report: Report = quietly) -> Rebuilt:
        """Make all read models anew beside the live ones, then switch over. Reading and projecting go on meanwhile.

        Raises ReadModelsAway, RebuildUnderWay, SwitchBlocked.
        """
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                return self._rebuild(connection, report)
        except psycopg.OperationalError as error:
            raise ReadModelsAway(reason=type(error).__name__) from error

    def roll_back(self) -> bool:
        """Switch back to the generation before, which then catches up; False when there is none.

        Raises RebuildUnderWay, SwitchBlocked.
        """
        with self._mutex:
            connection = self._connect()
            with alone(connection):
                switched = rebuild.roll_back(connection)
            if switched:
                self._live = self._following(LIVE)
                self.catch_up()
        return switched

    def clean_up_if_due(self) -> bool:
        """After words were erased: remove their bytes from the server's files as well; whether it was due.

        Raises FilesRecycled, MayNotCleanUp, ReadModelsAway, RebuildUnderWay.
        """
        with self._mutex:
            try:
                connection = self._connect()
                if not generation.progress(connection, LIVE).clean_up_due:
                    return False
                with alone(connection):
                    erasure.clean_up(connection)
            except psycopg.OperationalError as error:
                self.close()
                raise ReadModelsAway(reason=type(error).__name__) from error
        return True

    def _clean_up(self) -> str:
        """The code of what forbids it on this server; it stays due, and the words stay hidden."""
        try:
            self.clean_up_if_due()
        except Misconfigured as error:
            return error.code
        return ""

    def _catch_up(self) -> int:
        connection = self._connect()
        if self._live is None:
            if not self._usable(connection):
                return self._rebuild(connection, quietly).pos
            self._live = self._following(LIVE)
        before = generation.progress(connection, LIVE).pos
        if self._shelf.pos - before <= max(BULK_ENTRIES, before):
            with contextlib.suppress(Diverged):
                pos = self._live.step(connection)
                if generation.has_outgrown(connection, LIVE, pos):
                    generation.analyse(connection, LIVE)
                return pos
        self._live = None  # More is to come than is there, or it shows what is not here: begin anew.
        return self._rebuild(connection, quietly).pos

    def _rebuild(self, connection: Connection, report: Report) -> Rebuilt:
        with alone(connection):
            return self._rebuild_alone(connection, report)

    def _rebuild_alone(self, connection: Connection, report: Report) -> Rebuilt:
        number = rebuild.next_number(connection)
        shadow = self._following(rebuild.shadow_name(number))
        rebuild.build(shadow, connection, number, report)
        with self._mutex, self._shelf.lock:  # Nothing moves while both are brought to one position.
            pos = shadow.step(connection)
            report(Step("compare", 0, 1))
            live = self._connect()
            different = self._differing(live, shadow.schema)
            report(Step("switch", 0, 1))
            before = generation.progress(connection, LIVE).generation if self._exists(connection) else 0
            rebuild.switch(connection, shadow.schema)
            self._live = self._following(LIVE, shadow.seen)
            self._tell(pos)
        rebuild.forget(connection, but=rebuild.shadow_name(before))
        report(Step("done", 1, 1))
        return Rebuilt(pos, number, different)

    def _differing(self, connection: Connection, shadow: str) -> tuple[str, ...]:
        """Where the live rows, brought to where the shadow is, are others. Those of another store or code may be."""
        live = self._live
        if live is None:
            if not self._usable(connection):
                return ()
            live = self._following(LIVE)
        with contextlib.suppress(Diverged):
            live.step(connection, retry_all=True)
        return rebuild.differing(connection, shadow)

    def _usable(self, connection: Connection) -> bool:
        """Whether the live generation was made by this code from this store."""
        if not self._exists(connection):
            return False
        found = generation.progress(connection, LIVE)
        if dict(found.fingerprints) != {name: generation.fingerprint(name) for name in NAMES}:
            return False
        newest = generation.newest_entry(connection, LIVE)
        if newest is None:
            return found.pos <= self._shelf.pos
        pos, entry = newest
        rows = self._store.tail(pos - 1, 1)
        return bool(rows) and rows[0].pos == pos and parse_row(rows[0]).id32 == entry

    def _exists(self, connection: Connection) -> bool:
        return generation.exists(connection, LIVE)

    def _following(self, schema: str, seen: Mapping[bytes, int] | None = None) -> Following:
        return Following(self._shelf, self._store, self._key_of, schema, self._readers, seen, self._documents)

    @property
    def _conninfo(self) -> str:
        return self._conninfo_now if isinstance(self._conninfo_now, str) else self._conninfo_now()

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed:
            rested = self._connection is None and self._live is not None
            self._connection = psycopg.connect(self._conninfo, autocommit=True)
            if not (rested and self._as_left(self._connection)):
                self._live = None
        return self._connection

    def rest(self) -> None:
        """Close the connection, but know what is there: the next one goes on from it, if it is as we left it."""
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _as_left(self, connection: Connection) -> bool:
        if not self._exists(connection):
            return False
        found = generation.progress(connection, LIVE)
        return (found.pos, found.generation, dict(found.digests)) == (self._pos, self._generation, self._digests)

    def close(self) -> None:
        """Close the connection. The next batch opens another and begins with a look at what is there."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._live = None, None

    def _tell(self, pos: int) -> None:
        connection = self._connect()
        found = generation.progress(connection, LIVE)
        poison = poisoned(connection, LIVE)
        with self._moved:
            self._pos, self._generation, self._digests = pos, found.generation, dict(found.digests)
            self._poison = poison
            self._moved.notify_all()

    def _wake_on(self, stop: threading.Event) -> None:
        stop.wait()
        self._wake.set()

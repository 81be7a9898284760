"""Which spaces are the author's ledger, by what is built in and what this machine has seen: all others only say so.

Anybody can found a space of kind `author` and hand its file around. Looked up anew when more of the ledger was seen.

Read models tell what stands in each log; what of it counts is asked here (ADR 21).
"""

from pathlib import Path

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.trust_files import Trust, read_trust
from scmanager.application.home_ledger import Judged, judged
from scmanager.domain.ledger import LedgerLog
from scmanager.errors import ScManagerError
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.store import Store
from scmanager.master_ledger.seen import Seen

NOTHING = Judged()
_Read = tuple[int, int] | None
"""The state of the memory's file; None while there is none."""


class LedgerSpaces:
    """Of the ledger that this installation trusts. `trust`: a folder in place of what is built in."""

    def __init__(self, trust: Path | None, state: Path, store: Store) -> None:
        self._folder, self._state, self._store = trust, state, store
        self._trust: Trust | None = None
        self._known: tuple[_Read, Seen, tuple[LedgerLog, ...]] | None = None
        self._judged: tuple[tuple[_Read, tuple[Head, ...]], Judged] | None = None

    def ids(self) -> frozenset[bytes]:
        """Their ids; none while what is trusted cannot be read, and none whose log signed two histories."""
        try:
            _, seen, logs = self._read()
        except ScManagerError:
            return frozenset()
        return frozenset(log.space for log in logs if not seen.fork_of(log))

    def judged(self) -> Judged:
        """What counts of the registry: the same object until more of the ledger came, or was seen.

        Then it reads the ledger's logs here: for one thread, and not an event loop's. Raises StoreDamaged.
        """
        try:
            read, seen, logs = self._read()
        except ScManagerError:
            return NOTHING
        heads = tuple(each for log in logs for each in self._store.heads(log.space) if each.log == log.log)
        if self._judged is None or self._judged[0] != (read, heads):
            self._judged = (read, heads), judged(self._store, seen, logs)
        return self._judged[1]

    def _read(self) -> "tuple[_Read, Seen, tuple[LedgerLog, ...]]":
        trust = self._trust = self._trust or read_trust(self._folder)
        memory = LedgerMemory(self._state, trust.ledger)
        now, known = _state_of(memory.path), self._known
        if known is None or known[0] != now:
            seen = memory.read().with_manifests(trust.manifests)
            known = self._known = now, seen, seen.keys().ledger_logs()
        return known


def _state_of(path: Path) -> _Read:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

"""Which spaces are the author's ledger, by what is built in and what this machine has seen: all others only say so.

Anybody can found a space of kind `author` and hand its file around. Looked up anew when more of the ledger was seen.
"""

from collections.abc import Sequence
from pathlib import Path

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.trust_files import Trust, read_trust
from scmanager.application.home_ledger import is_other
from scmanager.domain.ledger import LedgerLog
from scmanager.errors import ScManagerError
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.store import Store
from scmanager.master_ledger.seen import Seen


class LedgerSpaces:
    """Of the ledger that this installation trusts. `trust`: a folder in place of what is built in."""

    def __init__(self, trust: Path | None, state: Path, store: Store) -> None:
        self._folder, self._state, self._store = trust, state, store
        self._trust: Trust | None = None
        self._known: tuple[tuple[int, int] | None, Seen, tuple[LedgerLog, ...]] | None = None
        self._judged: dict[bytes, tuple[Sequence[Head], bool]] = {}

    def ids(self) -> frozenset[bytes]:
        """Their ids; none while what is trusted cannot be read, none whose log signed two histories, and none whose
        log was closed with another history than the one that lies here.
        """
        try:
            seen, logs = self._read()
            others = {each.space for each in logs if each.final is not None and self._is_other(each, seen)}
            return frozenset(each.space for each in logs) - others
        except ScManagerError:
            return frozenset()

    def _read(self) -> tuple[Seen, tuple[LedgerLog, ...]]:
        """What was seen, and the logs to which no evidence is known."""
        trust = self._trust = self._trust or read_trust(self._folder)
        memory = LedgerMemory(self._state, trust.ledger)
        now = _state_of(memory.path)
        if self._known is None or self._known[0] != now:
            seen = memory.read().with_manifests(trust.manifests)
            self._known = now, seen, tuple(each for each in seen.keys().ledger_logs() if not seen.fork_of(each))
            self._judged.clear()
        return self._known[1:]

    def _is_other(self, log: LedgerLog, seen: Seen) -> bool:
        """Hashed again only when more of its space came."""
        heads, known = self._store.heads(log.space), self._judged.get(log.log)
        if known is None or known[0] != heads:
            known = self._judged[log.log] = heads, is_other(self._store, log, seen)
        return known[1]


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

"""Which spaces are the author's ledger, by what is built in and what this machine has seen: all others only say so.

Anybody can found a space of kind `author` and hand its file around. Looked up anew when more of the ledger was seen.
"""

from pathlib import Path

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.trust_files import Trust, read_trust
from scmanager.errors import ScManagerError


class LedgerSpaces:
    """Of the ledger that this installation trusts. `trust`: a folder in place of what is built in."""

    def __init__(self, trust: Path | None, state: Path) -> None:
        self._folder, self._state = trust, state
        self._trust: Trust | None = None
        self._known: tuple[tuple[int, int] | None, frozenset[bytes]] | None = None

    def ids(self) -> frozenset[bytes]:
        """Their ids; none while what is trusted cannot be read, and none whose log signed two histories."""
        try:
            return self._ids()
        except ScManagerError:
            return frozenset()

    def _ids(self) -> frozenset[bytes]:
        trust = self._trust = self._trust or read_trust(self._folder)
        memory = LedgerMemory(self._state, trust.ledger)
        now = _state_of(memory.path)
        if self._known is None or self._known[0] != now:
            seen = memory.read().with_manifests(trust.manifests)
            logs = seen.keys().ledger_logs()
            self._known = now, frozenset(log.space for log in logs if not seen.fork_of(log))
        return self._known[1]


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

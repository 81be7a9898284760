"""Whether a log may be written in the author's name: its key manifests say so, and nothing else does (SPEC A9).

Every installation carries the server. Without a manifest, signed by the root keys, that lists the log as open it
takes nothing; a flag or a setting changes nothing about that. What the newest manifest known says, holds.
"""

from collections.abc import Callable
from typing import Final

from scmanager.domain.ledger import LedgerLog, LogKind
from scmanager.errors import ScManagerError, Unavailable
from scmanager.master_ledger.seen import Seen

LOOK_S: Final = 5.0
"""How often the manifests are looked at."""


class NotDelegated(Unavailable):
    """Reports are not taken here: {reason}."""

    code = "not-delegated"
    hint = (
        "Nothing was recorded; send the same batch again later. Who keeps this server has the keepers list its log"
        " (scm author intake-log prints the line), and publishes their manifest."
    )


class Delegation:
    """Of one log. `seen` tells what is known of the ledger, `clock_s` is monotonic."""

    def __init__(self, log: LedgerLog, seen: Callable[[], Seen], clock_s: Callable[[], float]) -> None:
        self._log, self._seen, self._clock_s = log, seen, clock_s
        self._looked_s = clock_s() - LOOK_S
        self._why_not = ""

    def check(self) -> None:
        """Returns if the log may be written. Raises NotDelegated."""
        if (now_s := self._clock_s()) - self._looked_s >= LOOK_S:
            self._looked_s, self._why_not = now_s, self._look()
        if self._why_not:
            raise NotDelegated(reason=self._why_not)

    def _look(self) -> str:
        """What keeps the log from being written; empty if nothing does."""
        try:
            seen = self._seen()
            if not seen.manifests:
                return "no key manifest of the ledger is known"
            manifest = seen.keys().manifest
        except ScManagerError as error:
            return f"what is known of the ledger cannot be read ({error.code})"  # Its words may name files here.
        listed = next((each for each in manifest.logs if each.log == self._log.log), None)
        if listed is None or (listed.space, listed.key) != (self._log.space, self._log.key):
            return f"key manifest {manifest.n} does not list this log"
        if listed.kind is not LogKind.INTAKE:
            return f"key manifest {manifest.n} lists this log for statements, not for reports"
        if listed.final is not None:
            return f"key manifest {manifest.n} has closed this log"
        return "this log was seen with two histories" if seen.fork_of(listed) else ""

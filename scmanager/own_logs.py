"""The logs that this node writes: a mark remembers how far they are, and those in doubt are left for new ones.

A node never forks itself (F15): when its folder may be a copy or a restored one, or others know more of its logs than
it does, it goes on in new logs and never signs on the old ones again.
"""

import secrets
import threading
from collections.abc import Callable, Collection
from contextlib import suppress

from scmanager.adapters.folder_mark import Doubt, FolderMark
from scmanager.adapters.folder_mark import Head as MarkedHead
from scmanager.adapters.identity import Identity
from scmanager.adapters.key_vault import KeyVault
from scmanager.application.continuing import Continuation
from scmanager.application.writer import Writer
from scmanager.errors import Refused, Unavailable
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Store
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import AHEAD_US_MAX


class OwnLogs:
    """Those of one node, whose keys are in its vault. `clock` is this machine's, UTC microseconds."""

    def __init__(
        self, mark: FolderMark, identity: Identity, vault: KeyVault, store: Store, shelf: Shelf, writer: Writer,
        clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._mark, self._identity, self._vault, self._store = mark, identity, vault, store
        self._shelf, self._writer, self._clock = shelf, writer, clock
        self._lock = threading.Lock()

    def settle_doubt(self) -> Doubt | None:
        """When the folder may be a copy or a restored one, go on in new logs. Why it may be; None if all is well."""
        doubt = self._mark.check(self._heads())
        if doubt is not None:
            self._mark.retired |= {head.log for head in self._own()}
        self._writer.doubtful = self._mark.retired
        self.leave_doubtful()
        if doubt is not None:
            self._mark.begin_anew(self._heads())
        else:
            self.remember()
        return doubt

    def leave_doubtful(self) -> None:
        """In each space where our log is forked, may be, or is dated far ahead: begin a new one, if we have a seat.

        A log without a grant yet stays retired: when its grant comes, this is where it is continued.
        """
        ahead = {head.log for head in self._own() if head.hlc > self._clock() + AHEAD_US_MAX}
        for space in self._shelf.spaces():
            seated = self._writer.seat_log(space.id)
            if seated is not None and (seated in ahead or self._writer.in_doubt(seated)):
                with suppress(Refused, Unavailable):  # Reading still works; the log stays unwritten.
                    self._writer.do(self._continuation(space.id, seated))

    def retire(self, logs: Collection[bytes]) -> None:
        """Others know more of these logs: the folder was put back, or has a twin. Durable before the entries are."""
        self._mark.retired |= {log for log in logs if self._vault.log_seed(log) is not None}
        self.remember()

    def remember(self) -> None:
        """Mark how far the logs are: whoever puts the folder back to an earlier state is noticed then."""
        with self._lock:
            self._mark.record(self._heads())

    def _heads(self) -> dict[bytes, MarkedHead]:
        return {head.log: MarkedHead(head.size, head.id[:32]) for head in self._own()}

    def _own(self) -> list[Head]:
        return [head for head in self._store.heads() if self._vault.log_seed(head.log) is not None]

    def _continuation(self, space: bytes, old: bytes) -> Continuation:
        return Continuation(
            secrets.token_bytes(16),
            space,
            old,
            SigningKey.generate(),
            secrets.token_bytes(32),
            self._identity.device,
            self._identity.sign_message,
        )

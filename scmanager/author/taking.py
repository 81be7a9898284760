"""An author's server at work: the sequencer, and beside it what publishes each new head of the intake log.

A head is published at most once a second, after everything under it; what keeps it from being published is told, and
tried again. What shows that this log has another history than the published one ends the server: it signs no more.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from scmanager.adapters.vault_book import VaultBook
from scmanager.application import vault
from scmanager.application.delegation import NotDelegated
from scmanager.author.intake import OwnIntake
from scmanager.domain.intake import BugOpened
from scmanager.errors import ScManagerError, Unavailable
from scmanager.master_ledger.reports import Receipt

EVERY_S: Final = 1.0
AGAIN_S: Final = 5.0


class Taking:
    """Over an open intake folder. `public`: where its tiles go. Start it by `with`, which may raise as `publish`."""

    def __init__(
        self, intake: OwnIntake, check: Callable[[], None], public: Path, beside: Callable[[], Mapping[str, bytes]],
        opened: Callable[[BugOpened], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """`check` raises NotDelegated when the log must not be written; `beside`: what is published with it.

        `opened` hears of bug records. It must not raise.
        """
        self._intake, self._check, self._public, self._beside = intake, check, public, beside
        self.sequencer = intake.sequencer(check)
        self._opened, self._book = opened, VaultBook(intake.folder)
        self.trouble: ScManagerError | None = None
        """What keeps the newest head from being published."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="intake-publisher", daemon=True)

    def __enter__(self) -> Self:
        with suppress(NotDelegated):
            self._publish()  # First: where it shows that the store was put back to an earlier state.
        self.sequencer.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sequencer.stop()
        self._over.set()
        self.sequencer.committed.set()
        self._thread.join()
        self._book.close()
        self._intake.remember()

    def _follow(self) -> None:
        committed = self.sequencer.committed
        while committed.wait():
            committed.clear()
            try:
                self._publish()
                self._look()
                self.trouble = None
            except Unavailable as error:  # A full disk, a folder that somebody else publishes to just now.
                self.trouble = error
                committed.set()
            except ScManagerError as error:  # Another history. Whatever is signed from here on forks the log.
                self.trouble = error
                self.sequencer.end(error)
                return
            if self._over.is_set():
                return
            self._over.wait(AGAIN_S if self.trouble else EVERY_S)

    def _publish(self) -> None:
        self._check()
        self._intake.publish(self.sequencer.head, self._public, self._beside())

    def _look(self) -> None:
        """What the vault makes of what came."""
        if not vault.follow(self._intake.store, self._book):
            return
        size = self.sequencer.head.size
        for bug in vault.bugs(self._book, self._intake.now_us()):
            with suppress(Unavailable):  # Then it is opened when the next such report comes.
                receipt = msgspec.json.decode(self.sequencer.submit(bug).result(), type=Receipt)
                if receipt.first < size:  # It stands there already: nobody is told twice.
                    continue
                for event in bug.events:
                    assert isinstance(event, BugOpened)
                    self._opened(event)

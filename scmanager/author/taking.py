"""An author's server at work: the sequencer, and beside it what publishes each new head of the intake log.

A head is published at most once a second, after everything under it; with witnesses once a quorum has cosigned it, at
most once a minute: they are asked by a thread of their own, and nobody who reports waits for them. What keeps a head
from being published is told, and tried again. What shows that this log has another history than the published one
ends the server: it signs no more.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from scmanager.adapters.folder_mark import FolderWentBack
from scmanager.adapters.vault_book import VaultBook
from scmanager.adapters.witness_client import Word
from scmanager.application import vault
from scmanager.application.delegation import NotDelegated
from scmanager.application.proving import OtherHistory
from scmanager.author.intake import OwnIntake
from scmanager.author.settling import Settling
from scmanager.domain.intake import BugOpened
from scmanager.errors import ScManagerError, Unavailable
from scmanager.eventstore.store import LogMoved, LogTaken
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.reports import Receipt

EVERY_S: Final = 1.0
AGAIN_S: Final = 5.0
SETTLED_S: Final = 60.0
"""From one cosigned head to the next: a witness keeps each for ever."""
ENDS: Final = (OtherHistory, FolderWentBack, LogMoved, LogTaken)
"""What shows that somebody else writes this log, or that it has another history."""
ASK_AGAIN_S: Final = (15.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""After the first attempt without a quorum, the second, and so on; then as long as the last."""


class PublishingFailed(Unavailable):
    """The intake log could not be published: {reason}."""

    code = "intake-publishing-failed"
    hint = "Reports are taken, and it is tried again by itself. If it stays so, it is a fault of this program."


class Taking:
    """Over an open intake folder. `public`: where its tiles go. Start it by `with`, which may raise as `publish`."""

    def __init__(
        self, intake: OwnIntake, check: Callable[[], None], public: Path, beside: Callable[[], Mapping[str, bytes]],
        opened: Callable[[BugOpened], None] = lambda _: None, policy: Policy | None = None,
    ) -> None:  # fmt: skip
        """`check` raises NotDelegated when the log must not be written; `beside`: what is published with it.

        `opened` hears of bug records. It must not raise. `policy`: whose quorum a head needs before it is public;
        None: nobody's. Raises NoWitnessAddress.
        """
        wanted = policy is not None and policy.quorum is not None
        self._settling = Settling(intake, public, beside, policy) if policy and wanted else None
        self._intake, self._check, self._public, self._beside = intake, check, public, beside
        self.sequencer = intake.sequencer(check)
        self._opened, self._book = opened, VaultBook(intake.folder)
        self.trouble: ScManagerError | None = None
        """What keeps the newest head from being published."""
        self._over = threading.Event()
        self.unsettled: ScManagerError | None = None
        """What keeps the newest head from being cosigned; WitnessesWanting tells how old the public one is."""
        self._threads = [threading.Thread(target=self._follow, name="intake-publisher", daemon=True)]
        if self._settling:
            self._threads.append(threading.Thread(target=self._attend, name="intake-witnesses", daemon=True))

    def __enter__(self) -> Self:
        with suppress(NotDelegated):
            self._publish()  # First: where it shows that the store was put back to an earlier state.
        self.sequencer.start()
        for each in self._threads:
            each.start()
        return self

    @property
    def words(self) -> list[Word]:
        """What came of asking the witnesses last."""
        return self._settling.words if self._settling else []

    def settle(self) -> None:
        """Ask the witnesses now. Raises WitnessesWanting, NotDelegated, and as `OwnIntake.publish`."""
        if self._settling:
            self._check()
            self._settling.attempt(self.sequencer.head, self._over)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sequencer.stop()
        self._over.set()
        self.sequencer.committed.set()
        for each in self._threads:
            each.join()
        self._book.close()
        self._intake.remember()

    def _follow(self) -> None:
        committed = self.sequencer.committed
        while committed.wait():
            committed.clear()
            try:
                if not self._settling:
                    self._publish()
                self._look()
                self.trouble = None
            except ENDS as error:  # Whatever is signed from here on forks the log.
                self.trouble = error
                self.sequencer.end(error)
                return
            except ScManagerError as error:  # A full disk, another publisher, junk that lies there.
                self.trouble = error
                committed.set()
            except Exception as error:  # noqa: BLE001 - told, and tried again: nobody looks whether this thread lives
                self.trouble = PublishingFailed(reason=type(error).__name__)
                committed.set()
            if self._over.is_set():
                return
            self._over.wait(AGAIN_S if self.trouble else EVERY_S)

    def _publish(self) -> None:
        self._check()
        if self._settling:
            self._settling.lay_out(self.sequencer.head)
        else:
            self._intake.publish(self.sequencer.head, self._public, self._beside())

    def _attend(self) -> None:
        """Have one head after the other cosigned."""
        failed, pause = 0, 0.0
        while not self._over.wait(pause):
            try:
                self.settle()
                self.unsettled, failed, pause = None, 0, SETTLED_S
            except NotDelegated:
                pause = AGAIN_S
            except ENDS as error:  # As in `_follow`.
                self.unsettled = error
                self.sequencer.end(error)
                return
            except ScManagerError as error:
                self.unsettled, pause = error, ASK_AGAIN_S[min(failed, len(ASK_AGAIN_S) - 1)]
                failed += 1
            except Exception as error:  # noqa: BLE001 - as in `_follow`
                self.unsettled, pause = PublishingFailed(reason=type(error).__name__), ASK_AGAIN_S[-1]

    def _look(self) -> None:
        """What the vault makes of what came."""
        if not vault.follow(self._intake.store, self._book, self._intake.now_us()):
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

"""Statistics on the author's server: records of use wait in the intake folder, and each closed day is released.

Who asks for a day gets its entry with a proof under the newest published head, made anew each time: cosignatures that
came later are in it. The same proofs lie as files beside the published ledger, for hosts and mirrors that only copy.
"""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from scmanager.adapters.public_files import sync_folders, write_public
from scmanager.adapters.record_store import RecordStore
from scmanager.application.published import Published
from scmanager.application.releasing import BEHIND_MAX, Calendar, DayNotHeld, ReleaseDisplaced, Releases, release_id
from scmanager.application.sequencing import IntakeFull, Reports, Sequencer
from scmanager.application.statistics_reports import keeping
from scmanager.author.intake import OwnIntake
from scmanager.domain.event import Event
from scmanager.domain.statistics import DAY_S, Record, date_of
from scmanager.domain.statistics_published import StatisticsPublished
from scmanager.errors import ScManagerError, Unavailable
from scmanager.eventstore import content
from scmanager.master_ledger.fetching import Read
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.reports import Receipt
from scmanager.master_ledger.statistics_batch import PATH
from scmanager.spaces.opening import parse_row

FOLDER: Final = "statistics"
LOOK_S: Final = 600.0
SOON_S: Final = 15.0
"""While a release is not covered by a published head."""
ANEW_DAYS: Final = 9
"""The files of so many days are written anew, for the cosignatures that came later."""
ENTER_S: Final = 60.0


class StatisticsNotPublished(Unavailable):
    """The release of {day} is not covered by a published head yet."""

    code = "statistics-not-published"
    hint = "Ask again later: it is published with the next head, once that is cosigned where witnesses are asked for."


class OwnStatistics:
    """Over an open intake folder and what writes its log. Use it by `with`."""

    def __init__(
        self, intake: OwnIntake, sequencer: Sequencer, check: Callable[[], None], public: Read,
        versions: Callable[[], Sequence[str]], clock_us: Callable[[], int], beside: Path,
    ) -> None:  # fmt: skip
        """`check` raises when the log must not be written; `public`: the published intake log.

        `beside`: the folder of the published ledger, where the releases are laid as files.
        """
        self._laid = beside.joinpath(*PATH.strip("/").split("/"))
        self._intake, self._sequencer, self._check, self._clock_us = intake, sequencer, check, clock_us
        self._published = Published(public)
        self._records = RecordStore(intake.folder / FOLDER, self.today())
        self._calendar = Calendar(self._records, time.monotonic)
        self._secret = intake.secret("statistics-secret")
        self.releases = Releases(
            self._records,
            self._name,
            lambda name, day: self._place(name, day) is not None,
            self._enter,
            secrets.randbelow,
            versions,
        )
        self._worker = ThreadPoolExecutor(1, "statistics")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._release_when_due, name="statistics-releases", daemon=True)
        self.trouble: ScManagerError | None = None
        """What keeps a closed day from being released."""

    def __enter__(self) -> Self:
        return self

    def start(self) -> "OwnStatistics":
        """From now on closed days are released by themselves."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(ENTER_S)
        self._worker.shutdown()
        self._records.close()

    def today(self) -> int:
        """Days since 1970, UTC."""
        return max(self._clock_us(), 0) // 10**6 // DAY_S

    def submit(self, reports: Reports) -> "Future[bytes]":
        """Take a batch of any kind. Raises as the sequencer."""
        return keeping(self._sequencer.submit, self._put, self._check, self._worker)(reports)

    def proof(self, day: int) -> Proof:
        """The release of a day, proved. Raises DayNotHeld, StatisticsNotPublished, ReleaseDisplaced; as Published."""
        index = self._place(self._name(day), day)
        if index is None:
            raise DayNotHeld(day=date_of(day))
        head = self._published.head()
        if index >= head.point.size:
            raise StatisticsNotPublished(day=date_of(day))
        (row,) = self._intake.store.read(self._sequencer.head.log, 0, index, 1)
        _, path, _ = self._published.inclusion(index, head.point.size)
        return Proof.of(parse_row(row), row.shared, tuple(path), head.note)

    def lay_out(self) -> bool:
        """Write the releases as files; False where a published head does not cover one yet.

        Raises as `proof`, and PrivateFileFailed.
        """
        whole, newest = True, self._records.open_day - 1
        for day in range(newest, newest - BEHIND_MAX, -1):
            path = self._laid / str(day)
            if day <= newest - ANEW_DAYS and path.exists():
                continue
            try:
                write_public(path, self.proof(day).to_bytes())
            except DayNotHeld:
                break
            except StatisticsNotPublished:
                whole = False
        if self._laid.exists():
            sync_folders({self._laid})
        return whole

    def release_due(self) -> list[int]:
        """Release what is due by the clock as it is; the days released.

        Raises NotDelegated, ReleaseDisplaced, and as the sequencer and the file.
        """
        self._check()
        return self.releases.release_due(self.today())

    def _name(self, day: int) -> bytes:
        return release_id(self._secret, self._sequencer.head.log, day)

    def _put(self, batch: bytes, records: Sequence[Record]) -> None:
        self._intake.check_room()
        self._records.put(batch, records, self.today())

    def _place(self, name: bytes, day: int) -> int | None:
        log = self._sequencer.head.log
        outcome = self._intake.store.outcome(log, name)
        if outcome is None:
            return None
        index = msgspec.json.decode(outcome, type=Receipt).first
        (row,) = self._intake.store.read(log, 0, index, 1)
        said = content.read(row.shared)
        if said is None or said.type != StatisticsPublished.tag:
            raise ReleaseDisplaced(day=date_of(day))
        if msgspec.json.decode(said.payload, type=StatisticsPublished).day != day:
            raise ReleaseDisplaced(day=date_of(day))
        return index

    def _enter(self, name: bytes, event: Event) -> None:
        self._sequencer.submit(Reports(name, (event,))).result(ENTER_S)

    def _release_when_due(self) -> None:
        while not self._over.is_set():
            self.trouble, pause = None, LOOK_S
            try:
                self._calendar.believed(self.today())
                self.release_due()
                pause = LOOK_S if self.lay_out() else SOON_S
            except ScManagerError as error:  # Not delegated just now, a full disk, a clock: it is tried again.
                self.trouble = error
            except TimeoutError:
                self.trouble = IntakeFull()
            self._over.wait(pause)

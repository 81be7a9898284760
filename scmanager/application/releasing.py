"""Releases of statistics on the author's server: each closed day once, then its records are destroyed.

A day is closed when the one after it is over too: until then its records may come. A day that nobody told of is
released like every other. What a day was released as stands in the log under an id made of the day, so that whoever
releases it again, after a crash or beside another process, gets the first release and never other noise.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from scmanager.config import REGIONS
from scmanager.domain.event import Event
from scmanager.domain.statistics import Record, date_of
from scmanager.domain.statistics_published import StatisticsPublished
from scmanager.errors import Refused, Unavailable, Untrusted
from scmanager.eventstore.entry import digest
from scmanager.master_ledger.noise import Below
from scmanager.master_ledger.releasing import added, frame_of_rows, release, totals

GRACE_DAYS: Final = 1
"""How long after its end a day's records may still come."""
BEHIND_MAX: Final = 400
"""A server that was away for longer begins with so many days back."""


SKIPPED_MAX: Final = 3
"""A clock that is so many days later than it was at the last look is believed at once."""
BORNE_OUT_S: Final = 6 * 3600.0
"""One that is later still, once it has said so for as long: what a wrong clock releases cannot be taken back."""


class DayNotClosed(Refused):
    """Records of use of {day} may still come."""

    code = "day-not-closed"
    hint = "A day is released once the day after it is over, UTC."


class DayNotHeld(Refused):
    """{day} was before this server took records of use, or its release was destroyed with the log."""

    code = "day-not-held"
    hint = "Name a later day."


class ClockJumped(Unavailable):
    """The clock of this server went ahead by {days} days since it was last looked at."""

    code = "clock-jumped"
    hint = (
        "If it is right, wait: closed days are released six hours later; or stop the server and release them by hand"
        " (scm author statistics DIR). If it is wrong, set it."
    )


class ReleaseDisplaced(Untrusted):
    """Where the release of {day} should stand in the log stands something else."""

    code = "release-displaced"
    hint = "Nothing of that day is destroyed. Keep the intake folder as it is, and report this."


class Records(Protocol):
    """Where records are until their day is released: `adapters.record_store`."""

    @property
    def open_day(self) -> int:
        """The first day that is not released."""

    def put(self, batch: bytes, records: Sequence[Record], today: int) -> int:
        """Keep them, durably."""

    def pieces(self, day: int) -> Iterator[list[tuple[Any, ...]]]:
        """Those of a day, as `releasing.COLUMNS`; all of one user in one piece."""

    def seal(self, day: int) -> None:
        """Take nothing more of this day and those before it."""

    @property
    def clock_day(self) -> int:
        """What day it was when `saw` was last told."""

    def saw(self, today: int) -> None:
        """Remember what day it is."""

    def destroy(self, until: int) -> None:
        """Destroy those of this day and before, for good."""

    def expire(self, today: int) -> None:
        """Destroy what was kept too long."""


Entered = Callable[[bytes, int], bool]
"""Whether the release of that day stands in the log under that id. Raises ReleaseDisplaced if something else does."""
Enter = Callable[[bytes, Event], None]
"""Enter an event in the log under an id of 16 bytes, durably; nothing if something stands there under that id."""


class Releases:
    """Of one server. Call it from one thread."""

    def __init__(
        self, records: Records, name: Callable[[int], bytes], entered: Entered, enter: Enter,
        below: Below, versions: Callable[[], Sequence[str]],
    ) -> None:  # fmt: skip
        """`name`: the id of a day's release; `below`: `secrets.randbelow`; `versions`: those in the ledger."""
        self._records, self._name = records, name
        self._entered, self._enter = entered, enter
        self._below, self._versions = below, versions

    def due(self, today: int) -> list[int]:
        """The closed days that are not released, the oldest first."""
        first = max(self._records.open_day, today - BEHIND_MAX)
        return list(range(first, today - GRACE_DAYS))

    def release(self, day: int, today: int) -> None:
        """Release a closed day, and all before it that are due. Raises DayNotClosed, and as `enter`."""
        if day >= today - GRACE_DAYS:
            raise DayNotClosed(day=date_of(day))
        for each in self.due(today):
            if each <= day:
                self._release(each)

    def release_due(self, today: int) -> list[int]:
        """Release what is due, destroy what was kept too long; the days released. Raises as `enter`."""
        self._records.expire(today)
        days = self.due(today)
        for each in days:
            self._release(each)
        return days

    def _release(self, day: int) -> None:
        name = self._name(day)
        if not self._entered(name, day):  # Else it was entered before a crash: only its records are left.
            self._enter(name, self._made(day))
            if not self._entered(name, day):
                raise ReleaseDisplaced(day=date_of(day))
        self._records.destroy(day)

    def _made(self, day: int) -> StatisticsPublished:
        versions, regions = tuple(self._versions()), tuple(sorted(REGIONS))
        self._records.seal(day)
        summed = totals(frame_of_rows(()), versions, regions)
        for rows in self._records.pieces(day):
            summed = added(summed, totals(frame_of_rows(rows), versions, regions))
        return release(day, summed, self._below)


class Calendar:
    """What day it is, as far as that is borne out. `clock_s` is monotonic."""

    def __init__(self, records: Records, clock_s: Callable[[], float]) -> None:
        self._records, self._clock_s = records, clock_s
        self._doubted: tuple[int, float] | None = None
        """The day that is not believed yet, and since when it was said."""

    def believed(self, today: int) -> int:
        """This day. Raises ClockJumped."""
        skipped, now = today - self._records.clock_day, self._clock_s()
        if skipped > SKIPPED_MAX:
            if self._doubted is None or not 0 <= today - self._doubted[0] <= 1:
                self._doubted = today, now
            if now - self._doubted[1] < BORNE_OUT_S:
                raise ClockJumped(days=skipped)
        self._doubted = None
        self._records.saw(today)
        return today


def release_id(secret: bytes, log: bytes, day: int) -> bytes:
    """The id that a day's release is entered under, 16 bytes.

    `secret`: 32 bytes of the server: senders choose the ids of their batches, and must not be able to take this one.
    """
    return digest("scm/statistics-release/1", secret, log, day.to_bytes(8, "big"))[:16]

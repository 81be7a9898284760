"""Releases of statistics on the author's server: each closed day once, then its records are destroyed.

A day is closed when the one after it is over too: until then its records may come. A day that nobody told of is
released like every other. What a day was released as stands in the log under an id made of the day, so that whoever
releases it again, after a crash or beside another process, gets the first release and never other noise.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from scmanager.config import REGIONS
from scmanager.domain.event import Event
from scmanager.domain.statistics import Record
from scmanager.domain.statistics_published import StatisticsPublished
from scmanager.errors import Refused
from scmanager.eventstore.entry import digest
from scmanager.master_ledger.noise import Below
from scmanager.master_ledger.releasing import frame_of_rows, release, totals

GRACE_DAYS: Final = 1
"""How long after its end a day's records may still come."""
BEHIND_MAX: Final = 400
"""A server that was away for longer begins with so many days back."""


class DayNotClosed(Refused):
    """Records of use of day {day} may still come."""

    code = "day-not-closed"
    hint = "A day is released once the day after it is over, UTC."


class DayNotHeld(Refused):
    """Day {day} was before this server took records of use, or its release was destroyed with the log."""

    code = "day-not-held"
    hint = "Name a later day."


class Records(Protocol):
    """Where records are until their day is released: `adapters.record_store`."""

    @property
    def open_day(self) -> int:
        """The first day that is not released."""

    def put(self, batch: bytes, records: Sequence[Record], today: int) -> int:
        """Keep them, durably."""

    def rows(self, day: int) -> list[tuple[Any, ...]]:
        """Those of a day, as `releasing.COLUMNS`."""

    def destroy(self, until: int) -> None:
        """Destroy those of this day and before, for good."""

    def expire(self, today: int) -> None:
        """Destroy what was kept too long."""


Enter = Callable[[bytes, Event], None]
"""Enter an event in the log under an id of 16 bytes, durably; nothing if something stands there under that id."""


class Releases:
    """Of one server. Call it from one thread."""

    def __init__(
        self, records: Records, name: Callable[[int], bytes], entered: Callable[[bytes], bool], enter: Enter,
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
            raise DayNotClosed(day=day)
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
        if not self._entered(name):  # Else it was entered before a crash: only its records are left.
            self._enter(name, self._made(day))
        self._records.destroy(day)

    def _made(self, day: int) -> StatisticsPublished:
        frame = frame_of_rows(self._records.rows(day))
        return release(day, totals(frame, tuple(self._versions()), tuple(sorted(REGIONS))), self._below)


def release_id(secret: bytes, log: bytes, day: int) -> bytes:
    """The id that a day's release is entered under, 16 bytes.

    `secret`: 32 bytes of the server: senders choose the ids of their batches, and must not be able to take this one.
    """
    return digest("scm/statistics-release/1", secret, log, day.to_bytes(8, "big"))[:16]

"""The clock of a server at work: what it says is held against the time that has passed since the server started.

A log's time never goes back: one reading that is far ahead would stand in every entry after it. Where a run begins
nobody can tell how long the machine was off, so what the clock says then is taken.
"""

from collections.abc import Callable
from typing import Final

from scmanager.errors import Unavailable

AHEAD_H: Final = 26
"""As dates that others claim: a day, and what clocks and their zones are wrong by."""
_HOUR_US: Final = 3_600 * 10**6


class ClockAhead(Unavailable):
    """The clock of this server went {hours} hours further than time has passed since it started."""

    code = "server-clock-ahead"
    hint = (
        "Nothing was recorded. Set the clock right: reports are taken again by themselves. If it is right now and was"
        " wrong before, stop the server and start it again."
    )


class RunClock:
    """From any thread."""

    def __init__(self, clock_us: Callable[[], int], passed_s: Callable[[], float]) -> None:
        """`clock_us`: UTC microseconds; `passed_s`: seconds that only go forward, from whenever."""
        self._clock_us, self._passed_s = clock_us, passed_s
        self._began_us, self._began_s = clock_us(), passed_s()

    def now_us(self) -> int:
        """UTC microseconds. Raises ClockAhead."""
        now = self._clock_us()
        further_us = now - self._began_us - int((self._passed_s() - self._began_s) * 10**6)
        if further_us > AHEAD_H * _HOUR_US:
            raise ClockAhead(hours=further_us // _HOUR_US)
        return now

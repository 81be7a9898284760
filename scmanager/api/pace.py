"""The pace of a body: how fast it has to come, and whose leaves first where there are too many of them.

A body that stands still for PAUSE_S, or comes slower than BYTES_A_S_MIN for longer than that, has lost its place.
Nobody saves up: what came fast at first buys no pause later.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

BYTES_A_S_MIN: Final = 4_096
"""A megabyte in 256 s. A modem of 1998 sends faster."""
PAUSE_S: Final = 10.0
BODIES_MAX: Final = 64
"""Bodies of strangers that are on their way at once: the other places are for those who ask, and are answered."""
START_BYTES: Final = 65_536
"""What each body counts for from its begin, so that a fresh one is not the slowest of all."""


class Pace:
    """One body. Times are monotonic seconds."""

    def __init__(self, now_s: float) -> None:
        self._began_s = now_s
        self._bytes = 0
        self.until_s = now_s + PAUSE_S
        """When it is over, if nothing more comes."""

    def heard(self, now_s: float, size_bytes: int) -> None:
        """So much came."""
        self._bytes += size_bytes
        self.until_s = min(self.until_s + size_bytes / BYTES_A_S_MIN, now_s + PAUSE_S)

    def waited_for_us(self, now_s: float) -> None:
        """Nothing could come: the app had not taken what was there."""
        self.until_s = now_s + PAUSE_S

    def speed(self, now_s: float) -> float:
        """Bytes a second so far; the lowest leaves first."""
        return (START_BYTES + self._bytes) / (1.0 + now_s - self._began_s)


def first_to_leave(bodies: Iterable[tuple[str, float]]) -> int:
    """Of bodies by address and speed, the place of one: of the address that has most of them, the slowest.

    Those without an address come from this machine, or from a server in front that does not say for whom; they are
    one address. At least one body.
    """
    listed = list(bodies)
    many = Counter(address for address, _ in listed)
    return min(range(len(listed)), key=lambda at: (-many[listed[at][0]], listed[at][1]))

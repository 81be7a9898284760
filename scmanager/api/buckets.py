"""Token buckets: how much one sender may bring, kept in memory only and forgotten with the process.

A bucket holds up to its burst and fills at its rate. Who was not heard of for long has a full one, so it need not be
remembered; of too many senders those heard of longest ago are forgotten.
"""

from collections import OrderedDict
from collections.abc import Callable

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """`burst` at once, and `per_s` each second after that."""

    burst: float
    per_s: float


class Buckets:
    """One bucket a name. Used by one thread. `clock_s` is monotonic."""

    def __init__(self, rate: Rate, clock_s: Callable[[], float], names_max: int = 100_000) -> None:
        self._rate, self._clock_s, self._names_max = rate, clock_s, names_max
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, name: str, amount: float) -> float:
        """Seconds until so much may be taken; 0: now. More than the burst may be taken from a full bucket."""
        lacks = min(amount, self._rate.burst) - self._level(name)
        return max(0.0, lacks / self._rate.per_s)

    def take(self, name: str, amount: float) -> None:
        """Take so much, after `wait_s` said 0."""
        self._held[name] = (self._level(name) - amount, self._clock_s())
        self._held.move_to_end(name)
        if len(self._held) > self._names_max:
            self._held.popitem(last=False)

    def _level(self, name: str) -> float:
        level, at_s = self._held.get(name, (self._rate.burst, self._clock_s()))
        return min(self._rate.burst, level + (self._clock_s() - at_s) * self._rate.per_s)

"""Who asks and who sends: how much one address may, so that nobody keeps the others out. In memory, soon forgotten.

A bucket each, which what is asked empties by its cost and time fills again. The server listens on the loopback
address: who comes from outside comes through a web server in front, which says for whom in the last entry of
X-Forwarded-For. What says nothing comes from this machine and is not counted.
"""

import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import msgspec
from starlette.types import Scope

from scmanager.errors import Unavailable

ROOM = 4_000.0
"""What a full bucket lets through at once: a tile costs 1."""
FILL_S = 400.0
"""What comes back in a second."""
PROOF_COST, LIST_COST = 5.0, 20.0
OPEN_MAX = 8
"""Requests with a body, of one address, not answered yet: whoever sends slowly holds so many places, and no more."""
KNOWN_MAX = 20_000
"""Addresses; beyond that the one that asked longest ago is forgotten."""
NAMES_MAX = 100_000
"""Senders; the same."""
FORWARDED = b"x-forwarded-for"
_NETWORK_BITS = 64
"""Of IPv6, one reader has as many addresses as he likes below it."""


class TooManyRequests(Unavailable):
    """You ask more often than others have room for; again in {seconds} s."""

    code = "too-many-requests"
    hint = "Wait as long as Retry-After says. Tiles and bundles may be kept for ever: ask for each once."


class TooManyOpen(Unavailable):
    """You have {open_max} requests open here, and no more are taken from one address."""

    code = "too-many-open"
    hint = "Nothing was done. Send it again once another was answered; as long as Retry-After says is enough."


class Rate(msgspec.Struct, frozen=True):
    """`burst` at once, and `per_s` each second after that."""

    burst: float
    per_s: float


class Buckets:
    """One bucket a name. Used by one thread. `clock_s` is monotonic."""

    def __init__(self, rate: Rate, clock_s: Callable[[], float], names_max: int = NAMES_MAX) -> None:
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


class Readers:
    """Buckets by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    @cached_property
    def _buckets(self) -> Buckets:
        return Buckets(Rate(ROOM, FILL_S), self._clock, KNOWN_MAX)

    def check(self, scope: Scope) -> None:
        """Count a request. Raises TooManyRequests."""
        reader = address_of(scope)
        if reader and (wait_s := self.wait_s(reader, cost_of(scope["path"]))):
            raise TooManyRequests(seconds=max(1, round(wait_s)))

    def wait_s(self, reader: str, cost: float) -> float:
        """Take this from a reader's bucket; 0, or in how many seconds there is room for it, and nothing is taken."""
        wait_s = self._buckets.wait_s(reader, cost)
        self._buckets.take(reader, 0.0 if wait_s else cost)
        return wait_s


class OpenRequests:
    """How many requests each address has open. Used by one thread; knows those only that have some."""

    def __init__(self, open_max: int | None = None) -> None:
        self._open_max = OPEN_MAX if open_max is None else open_max
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, scope: Scope) -> Iterator[None]:
        """One more, for as long as this lasts: to be entered before its body is read. Raises TooManyOpen."""
        address = address_of(scope)
        if not address:
            yield
            return
        if self._open[address] >= self._open_max:
            raise TooManyOpen(open_max=self._open_max)
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def __len__(self) -> int:
        return len(self._open)


def address_of(scope: Scope) -> str:
    """Whom the web server in front asks for; empty for who asks from this machine. A net of IPv6 is one reader."""
    said = [value for name, value in scope["headers"] if name == FORWARDED]
    if not said:
        return ""
    last = said[-1].rpartition(b",")[2].strip().decode("latin-1")
    try:
        address = ipaddress.ip_address(last)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, _NETWORK_BITS), strict=False))
    return str(address)


def cost_of(path: str) -> float:
    """What a request takes from the bucket."""
    if path.startswith("/api/v1/ledger/"):
        return PROOF_COST
    return LIST_COST if path.startswith("/api/") else 1.0

"""Readers: how often one address may ask, so that nobody keeps the others out. Known in memory only, soon forgotten.

A bucket each, which what is asked empties by its cost and time fills again. The server listens on the loopback
address: who comes from outside comes through a web server in front, which says for whom in the last entry of
X-Forwarded-For. What says nothing comes from this machine and is not counted.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import Scope

from scmanager.errors import Unavailable

ROOM = 4_000.0
"""What a full bucket lets through at once: a tile costs 1."""
FILL_S = 400.0
"""What comes back in a second."""
PROOF_COST, LIST_COST = 5.0, 20.0
KNOWN_MAX = 20_000
"""Addresses; beyond that the one that asked longest ago is forgotten."""
FORWARDED = b"x-forwarded-for"
_NETWORK_BITS = 64
"""Of IPv6, one reader has as many addresses as he likes below it."""


class TooManyRequests(Unavailable):
    """You ask more often than others have room for; again in {seconds} s."""

    code = "too-many-requests"
    hint = "Wait as long as Retry-After says. Tiles and bundles may be kept for ever: ask for each once."


class Readers:
    """Buckets by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """How much is left, and as of when; who asked last stands last."""

    def check(self, scope: Scope) -> None:
        """Count a request. Raises TooManyRequests."""
        reader = address_of(scope)
        if reader and (wait_s := self.wait_s(reader, cost_of(scope["path"]))):
            raise TooManyRequests(seconds=max(1, round(wait_s)))

    def wait_s(self, reader: str, cost: float) -> float:
        """Take this from a reader's bucket; 0, or in how many seconds there is room for it, and nothing is taken."""
        now = self._clock()
        left, since = self._buckets.pop(reader, (ROOM, now))
        left = min(ROOM, left + (now - since) * FILL_S)
        enough = left >= cost
        self._buckets[reader] = (left - cost if enough else left, now)
        if len(self._buckets) > KNOWN_MAX:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (cost - left) / FILL_S


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

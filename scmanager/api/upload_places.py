"""The places of uploads at a mirror: who gets one when all are taken, and whose it was.

What counts is what a network brought: entries that were proved, and were not here yet. How long it has had places
without bringing any is its idle time; it goes on where its last upload ended. Bytes, tickets, entries that lie here
and connections count for nothing. A network is an IPv4 address, or 48 bits of IPv6. Where all places are taken:

1. Whoever comes from a network that has a place gets that one's, unless it is bringing something just now.
2. A network with several places gives one up.
3. A log has one place of its own: where it has none, the log with most of them gives one up.
4. Else whoever was idle longest goes, if that is longer than IDLE_S, and longer than the newcomer was.

Of several it is the one that was idle longest; one that brought something new within IDLE_S goes last.

So an upload that brings a package each IDLE_S keeps its place, and so does the first one of a log that is new here.
What is left to who wants to keep others out, each time at the price of networks (eight of them for all places):

- He names the very log that is uploaded. Then he gets places that are free, and nobody's.
- He holds what he got and says nothing: he is out after IDLE_S, and the same networks come last from then on. He
  needs eight new ones each IDLE_S, on and on; who comes in that time is told to come again.
- He owns a log that is listed here, and brings entries of it without end: all places but one for each other log.
- He brings the log's own entries, which anybody has, a package each IDLE_S. That is an upload, and slow; a faster one
  beside it brings them sooner, and then his count for nothing.
- He has the network of who uploads (a neighbour of one provider): then he takes its place until it brings something.
- Who asks without an address (this machine, or a server in front that does not say for whom) is of no network.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Final

import msgspec

from scmanager.api.pace import wide
from scmanager.api.readers import KNOWN_MAX
from scmanager.errors import Unavailable

IDLE_S: Final = 30.0
"""As long as a package may take."""
UPLOADS_MAX: Final = 8
"""At once; each may have a package in memory."""
REMEMBERED_S: Final = 3_600.0
"""So long a network is known for having been idle, from the end of its last upload."""


class TooManyUploads(Unavailable):
    """More than {uploads_max} uploads are under way here, and others bring more than yours did."""

    code = "mirror-too-many-uploads"
    hint = "What came whole is kept. Send the rest in some seconds."


class Place(msgspec.Struct, eq=False):
    """One upload's. Times are monotonic seconds."""

    network: str
    origin: str
    since_s: float
    """When it came, or last brought something new."""
    idle_before_s: float
    """How long its network had been idle when it came."""
    is_bringing: bool = False

    def idle_s(self, now_s: float) -> float:
        """How long its network has brought nothing new, while it had a place."""
        return self.idle_before_s + now_s - self.since_s

    def is_busy(self, now_s: float) -> bool:
        """Whether it brought something new just now."""
        return self.is_bringing and self.idle_s(now_s) <= IDLE_S


class Places:
    """All that are taken. Used by one thread."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._taken: dict[Place, None] = {}
        self._idle: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By network: how long it was idle, and when its upload ended."""

    def take(self, address: str, origin: str) -> tuple[Place, Place | None]:
        """A place, and who has to leave for it, who has none from now on. Raises TooManyUploads."""
        now_s, network = self._clock_s(), wide(address)
        mine = Place(network, origin, now_s, self._idle_of(network, now_s))
        leaves = self._who_leaves(mine, now_s) if len(self._taken) >= UPLOADS_MAX else None
        if leaves is not None:
            self.leave(leaves)
            mine.idle_before_s = self._idle_of(network, now_s)
        self._taken[mine] = None
        return mine, leaves

    def brought(self, place: Place, entries: int) -> None:
        """So many new entries were proved and kept."""
        if entries:
            place.since_s, place.idle_before_s, place.is_bringing = self._clock_s(), 0.0, True
            self._idle.pop(place.network, None)

    def leave(self, place: Place) -> None:
        """It ended, however; once is enough."""
        if place not in self._taken:
            return
        del self._taken[place]
        if place.network:
            now_s = self._clock_s()
            self._idle[place.network] = (place.idle_s(now_s), now_s)
            self._idle.move_to_end(place.network)
            if len(self._idle) > KNOWN_MAX:
                self._idle.popitem(last=False)

    def _idle_of(self, network: str, now_s: float) -> float:
        idle_s, ended_s = self._idle.get(network, (0.0, now_s))
        return idle_s if now_s - ended_s < REMEMBERED_S else 0.0

    def _who_leaves(self, mine: Place, now_s: float) -> Place:
        """Raises TooManyUploads."""
        taken = list(self._taken)

        def idlest(among: Iterable[Place]) -> Place:
            return max(among, key=lambda each: (not each.is_busy(now_s), each.idle_s(now_s)))

        if own := [each for each in taken if mine.network and each.network == mine.network]:
            found = idlest(own)
            if found.is_busy(now_s) and len(own) == 1:
                raise TooManyUploads(uploads_max=UPLOADS_MAX)
            return found
        if crowd := _most(each.network for each in taken if each.network):
            return idlest(each for each in taken if each.network == crowd)
        if mine.origin not in {each.origin for each in taken} and (crowd := _most(each.origin for each in taken)):
            return idlest(each for each in taken if each.origin == crowd)
        found = idlest(taken)
        if found.idle_s(now_s) <= max(IDLE_S, mine.idle_before_s):
            raise TooManyUploads(uploads_max=UPLOADS_MAX)
        return found


def _most(names: Iterable[str]) -> Hashable:
    """The name that is there most often, if one is there more than once."""
    listed = Counter(names).most_common(1)
    return listed[0][0] if listed and listed[0][1] > 1 else None

"""The pace of a body: how fast it has to come, and whose leaves first where there are too many of them.

A body that stands still for PAUSE_S, or comes slower than BYTES_A_S_MIN for longer than that, has lost its place.
Nobody saves up: what came fast at first buys no pause later.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterable
from typing import Final

BYTES_A_S_MIN: Final = 4_096
"""A megabyte in 256 s. A modem of 1998 sends faster."""
PAUSE_S: Final = 10.0
BODIES_MAX: Final = 64
"""Bodies of strangers that are on their way at once: the other places are for those who ask, and are answered."""
UNTOLD_BYTES: Final = 1 << 62
"""What a body is to bring that does not tell its length."""
_WIDE_BITS: Final = 48
"""Of IPv6, whoever rents one machine has as many networks of 64 bits as he likes below it."""


class Pace:
    """One body. Times are monotonic seconds. `left_bytes`: how much of it is to come."""

    def __init__(self, now_s: float, left_bytes: int = UNTOLD_BYTES) -> None:
        self.left_bytes = left_bytes
        self.until_s = now_s + PAUSE_S
        """When it is over, if nothing more comes."""

    def heard(self, now_s: float, size_bytes: int) -> None:
        """So much came."""
        self.left_bytes -= size_bytes
        self.until_s = min(self.until_s + size_bytes / BYTES_A_S_MIN, now_s + PAUSE_S)

    def waited_for_us(self, now_s: float) -> None:
        """Nothing could come: the app had not taken what was there."""
        self.until_s = now_s + PAUSE_S


def first_to_leave(bodies: Iterable[tuple[str, int]]) -> int:
    """Of bodies by address and bytes to come, the place of one: of who has most of them, the farthest from its end.

    So who sends little is soon out of reach, however slowly it comes. Those without an address come from this
    machine, or from a server in front that does not say for whom; they are one address. At least one body.
    """
    listed = [(wide(address), left) for address, left in bodies]
    many = Counter(address for address, _ in listed)
    return max(range(len(listed)), key=lambda at: (many[listed[at][0]], listed[at][1]))


def wide(address: str) -> str:
    """The address; of IPv6 the network that one machine may have."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(address).supernet(new_prefix=_WIDE_BITS))

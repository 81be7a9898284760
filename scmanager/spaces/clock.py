"""What entries say of this machine's clock: dated too far ahead of it they wait, and the people here should know.

Also when the clock was set back: what this process counted before it goes on counting, till the node starts again.
"""

from scmanager.errors import Unavailable
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import AHEAD_US_MAX, Space

HOUR_US = 3600 * 1_000_000


class ClockSlow(Unavailable):
    """This machine's clock is slow: everything in the space is dated more than {hours} hours ahead of it."""

    code = "clock-slow"
    hint = "Set the clock right. Nothing is lost; the entries count as soon as their time is near."


SLOW = "your clock is slow: all that is known of a space is dated far ahead of it"
SET_BACK = "the clock was set back far: set it right, or start the node again to go on in a new log"


def clock_fault(shelf: Shelf, now_us: int) -> str:
    """What is wrong with this machine's clock, for people; empty when nothing is known to be."""
    with shelf.lock:
        spaces = shelf.spaces()
        if any(_all_held(space) for space in spaces):
            return SLOW
        return SET_BACK if any(space.hlc > now_us + AHEAD_US_MAX for space in spaces) else ""


def clock_hint(shelf: Shelf, now_us: int) -> str:
    """The same, or what only waits: somebody else's clock may be the wrong one."""
    if fault := clock_fault(shelf, now_us):
        return fault
    with shelf.lock:
        held = sum(space.waiting[0] for space in shelf.spaces())
    return f"{held} entries are dated far ahead of your clock and wait for their time" if held else ""


def refuse_slow_clock(shelf: Shelf, space: bytes) -> None:
    """Raises ClockSlow when nothing in the space counts yet, though something is there."""
    if _all_held(shelf.space(space)):
        shelf.time_passed()
        if _all_held(shelf.space(space)):
            raise ClockSlow(hours=AHEAD_US_MAX // HOUR_US)


def _all_held(space: Space) -> bool:
    return bool(space.waiting[0]) and not space.hlc

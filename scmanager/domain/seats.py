"""Seats: which grants of a member stand, as the roster hears of them. So his rank is known before he says a word.

What a grant is worth is judged by `validity`; here it counts in fold order, as all that is said of a member does.
"""

from typing import Final

from scmanager.domain.event import Envelope, Id32, State
from scmanager.domain.governance import Granted, Removed
from scmanager.domain.payload import TUPLE_MAX

Seating = Granted | Removed
SEATS_MAX: Final = TUPLE_MAX
"""Of one member; of more the highest are known."""


class Seat(State, order=True):
    """A grant of a member."""

    rank: int
    grant: Id32


def seated(seats: tuple[Seat, ...], event: Seating, envelope: Envelope) -> tuple[Seat, ...]:
    """The seats after a grant or a removal (rule 7: of what ranks below who says so), the highest first."""
    if isinstance(event, Removed):
        if envelope.member == envelope.entity:
            return seats
        gone = {event.grant} if event.grant != envelope.entity else {each.grant for each in seats}
        return tuple(each for each in seats if each.grant not in gone or each.rank <= envelope.rank)
    if event.member != envelope.entity:
        return seats
    return tuple(sorted({*seats, Seat(event.rank, envelope.entry)}))[:SEATS_MAX]

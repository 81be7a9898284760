"""Departing: who said that he leaves gets no further keys and says nothing more; somebody above ends his grants.

His word is a fact of the roster and cuts nothing by itself (DESIGN 3, rule 6): he has no right over his own grants.
So it is answered: the highest of those who may remove him ends them, keeping all that he wrote, and changes the key,
as soon as his machine hears of it. An invitation takes the word back, before that and afterwards.
"""

from typing import Any

from scmanager.domain.event import Event, Id
from scmanager.domain.governance import EVERY_RIGHT, Continued, Erased, Heads, Removed, needs
from scmanager.domain.member import Joined
from scmanager.domain.records import Grant, Standing
from scmanager.errors import Refused
from scmanager.spaces.readers import has_left
from scmanager.spaces.space import Space

STILL_SAID = (Joined, Erased, Heads, Continued)
"""What somebody who left may record: his own words go, a founder comes back, and his log goes on for either."""


class YouLeft(Refused):
    """You have left this organisation."""

    code = "member-left"
    hint = (
        "Ask for a new invitation; a founder comes back with: scm member join. Your words can be erased: scm erase."
    )


def check_here(member: Any, event: Event) -> None:
    """`member`: who records it, as the roster has him. Raises YouLeft."""
    if member.has_left and not isinstance(event, STILL_SAID):
        raise YouLeft


def owed_to(space: Space, grant: Grant) -> list[Id]:
    """The members whose grants it is for this one to end: they left, and it is the highest of those who may."""
    highest = highest_able(space)
    if highest is None or highest.id != grant.id:
        return []
    ranks: dict[Id, int] = {}
    for standing in space.grants():
        held = standing.grant
        ranks[held.member] = min(held.rank, ranks.get(held.member, held.rank))
    return sorted(member for member, rank in ranks.items() if rank > grant.rank and has_left(space, member))


def able(space: Space) -> list[Standing]:
    """The grants that may end others and change the key (one right is both), of those still here."""
    may = {needs(Removed.tag), EVERY_RIGHT}
    return [each for each in space.grants() if each.grant.rights & may and not has_left(space, each.grant.member)]


def highest_able(space: Space) -> Grant | None:
    """The highest of them."""
    return min((each.grant for each in able(space)), key=lambda each: (each.rank, each.id), default=None)

"""Access: all that this machine holds about one person in a space, for that person to read (SPEC A8).

Events that he said, that are about him or his ships, that name him or hold words of his, with the words that can be
opened here; of words that cannot be opened, why not; and of his keys, that they exist.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from scmanager.application.erasing import known_as
from scmanager.application.keys import Keys
from scmanager.application.telling import ToldEntry, tell
from scmanager.domain.catalogue import MEMBERS, SHIPS
from scmanager.domain.event import Id
from scmanager.domain.governance import EVERY_RIGHT, Erased
from scmanager.domain.rights import Right
from scmanager.domain.ship import Ship
from scmanager.domain.ship_events import Lent, Returned
from scmanager.errors import Refused
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import once
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space


class NotYoursToExport(Refused):
    """What is held about somebody else is his to ask for, or of those who may speak for him."""

    code = "privacy-not-yours"
    hint = "He asks on his own machine: scm privacy export. For who has none: a role with the right member.represent."


def check_may_see(space: Space, me: Id | None, subject: Id) -> None:
    """Raises NotYoursToExport: oneself, or whoever may speak for members that have no machine."""
    if me == subject:
        return
    rights = {right for each in space.grants() if each.grant.member == me for right in each.grant.rights}
    himself = any(each.grant.member == subject for each in space.grants())
    if himself or not rights & {Right.MEMBER_REPRESENT.value, EVERY_RIGHT}:
        raise NotYoursToExport


def subjects_of(space: Space, subject: Id) -> frozenset[Id]:
    """He, and what others recorded of him under other ids before he joined, as far as that is sure (member.erase)."""
    return frozenset({subject, *(each for each, sure in known_as(space.things(MEMBERS), subject).items() if sure)})


def held_about(shelf: Shelf, store: Store, keys: Keys, space: bytes, subject: Id) -> Iterator[ToldEntry]:
    """Every entry by him, about him, that names him or has words of his, and what is said of his ships and loans.

    In order of arrival. What an erasure of his would take is among it, and what one took.
    """
    with shelf.lock:
        held = shelf.space(space)
        subjects = subjects_of(held, subject)
        his = frozenset(_his(held, keys, subjects))
    hexed = {each.hex() for each in subjects}
    named = [b64encode(each) for each in subjects]
    for each in tell(shelf, store, once(keys.held), space, shelf.pos):
        payload = bytes(each.payload) if each.payload is not None else b""
        if each.id in his or not hexed.isdisjoint((each.member, each.entity)) or any(one in payload for one in named):
            yield each


def keys_about(keys: Keys, space: Space, subject: Id) -> list[dict[str, Any]]:
    """His keys: that they are here, or were destroyed. Never a key itself."""
    found = sorted(each for one in subjects_of(space, subject) for each in keys.keys_of(space.id, one))
    return [{"key": each, "held": not keys.is_erased(each)} for each in found]


def _is_of(ship: object, subjects: frozenset[Id]) -> bool:
    """Whether it is or was a ship of his."""
    return isinstance(ship, Ship) and not subjects.isdisjoint(ship.claimants)


def _his(space: Space, keys: Keys, subjects: frozenset[Id]) -> Iterator[str]:
    """Entries with words under his keys, those that are destroyed too; and what is said of his ships and loans.

    A ship that is another's by now has his words as well: those are not for whoever had it before.
    """
    sealing = {key for key, whose in keys.subjects(space.id).items() if whose in subjects}
    theirs = {key for key, whose in keys.subjects(space.id).items() if whose and whose not in subjects}
    ships = {id_ for id_, ship in space.things(SHIPS) if _is_of(ship, subjects)}
    loans = set[bytes]()
    for each in space.entries():
        if isinstance(each.event, Erased):
            (sealing if each.event.subject in subjects else theirs).update(each.event.keys)
        if isinstance(each.event, Lent) and each.event.borrower in subjects:
            loans.add(each.entry.id32)
    for each in space.entries():
        under = {part.key for part in each.entry.parts[1:]}
        about = each.shared is not None and each.shared.entity in ships
        about = about or (isinstance(each.event, Returned) and each.event.loan in loans)
        if under & sealing or (about and not under & theirs):
            yield each.entry.id32.hex()

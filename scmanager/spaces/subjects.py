"""Whom an entry's words are about: only words that an erasure of theirs destroys are read (DESIGN 3, erasure).

A writer chooses the key of each part. Under the space's own key, under a made up subject's or under none, what is
said of somebody would outlive that person's erasure: such words are shown to nobody.
"""

from typing import cast

from scmanager.domain.catalogue import CONTACTS, MEMBERS, SHIPS, TREATIES
from scmanager.domain.contact import Contact
from scmanager.domain.document import LeftOut
from scmanager.domain.event import Id
from scmanager.domain.member import Member
from scmanager.domain.prose import prose_of
from scmanager.domain.rights import ANYONE, RIGHT_NEEDED
from scmanager.domain.ship import Ship
from scmanager.domain.ship_events import Owner, OwnerKind
from scmanager.domain.subject import is_nobodys
from scmanager.domain.treaty import Treaty
from scmanager.domain.treaty_events import Proposed
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

OF_THE_SPACE = frozenset({"organisation", "operation"})
OF_THE_AUTHOR = frozenset({"character", "audit", "machine"})


def subjects(space: Space, opened: Opened) -> frozenset[Id]:
    """The subjects whose keys may seal this entry's words; none when its type carries none. Total."""
    if opened.shared is None:
        return frozenset()
    entity, kind = opened.shared.entity, opened.shared.type.partition(".")[0]
    if kind == "member":
        return frozenset(() if is_nobodys(entity) else {entity})
    if kind == "contact":
        return frozenset({entity} if is_nobodys(entity) else ())
    if kind in OF_THE_SPACE or opened.shared.type == LeftOut.tag:
        return frozenset({prose_in(space)})
    if kind in OF_THE_AUTHOR:
        return _author(space, opened)
    if kind == "ship":
        if RIGHT_NEEDED.get(opened.shared.type) is ANYONE:
            return _author(space, opened)  # What is one's own: it counts from its owner only.
        ship = cast("Ship", space.state(SHIPS, entity))
        owners = (claim.value for claim in (*ship.owners, *ship.former_owners))
        return frozenset(each.subject for each in owners if _is_here(space, each))
    if kind == "treaty":
        treaty = cast("Treaty", space.state(TREATIES, entity))
        proposed = opened.event.contact if isinstance(opened.event, Proposed) else b""
        named = {*(each.contact for each in treaty.proposals), proposed}
        return frozenset(each for each in named if is_nobodys(each) and _is_recorded(space, each))
    return frozenset()


def prose_in(space: Space) -> Id:
    """Whose key seals prose here: the organisation's own subject; all that a personal space says is its owner's."""
    return prose_of(space.id[:16]) if space.kind == "org" else space.id[:16]


def _is_recorded(space: Space, contact: Id) -> bool:
    return bool(cast("Contact", space.state(CONTACTS, contact)).names)


def _is_here(space: Space, owner: Owner) -> bool:
    if owner.kind is OwnerKind.ORGANISATION:
        return owner.id == space.id[:16]
    return owner.id == space.id[:16] or _is_member(space, owner.id)


def _is_member(space: Space, who: Id) -> bool:
    """By what counts: anybody may say of anybody what only that member can."""
    member = cast("Member", space.state(MEMBERS, who))
    return bool(member.id or member.seats)


def _author(space: Space, opened: Opened) -> frozenset[Id]:
    standing = space.verdicts.grants.get(opened.shared.by) if opened.shared else None
    return frozenset({standing.grant.member}) if standing else frozenset()

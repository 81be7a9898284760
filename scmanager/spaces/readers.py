"""Readers: to which devices the keys of a space may be sealed. To no disowned one, and to nobody's who left."""

from typing import cast

from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.event import Id
from scmanager.domain.governance import Enrolled
from scmanager.domain.member import Member
from scmanager.spaces.space import Space


def box_keys(space: Space) -> frozenset[bytes]:
    """The box keys of every device that acts here."""
    return frozenset(box for box, _ in readers(space))


def readers(space: Space) -> frozenset[tuple[bytes, Id]]:
    """The same, each with the member who acts there.

    An enrolment speaks for the grant it was written by: naming a log of somebody else's brings no box in.
    """
    standing = {each.grant.id: each for each in space.grants() if not has_left(space, each.grant.member)}
    enrolled = (
        (opened.event.box, each.grant.member)
        for opened in space.of_type(Enrolled.tag)
        if isinstance(opened.event, Enrolled)
        and opened.shared is not None
        and (each := standing.get(opened.shared.by)) is not None
        and each.speaks(opened.event.log)
    )
    return frozenset((*((each.grant.box, each.grant.member) for each in standing.values()), *enrolled))


def has_left(space: Space, member: Id) -> bool:
    """Whether this member said himself that he leaves, and nobody has invited him since."""
    return cast("Member", space.state(MEMBERS, member)).has_left

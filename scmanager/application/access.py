"""Access: all that this machine holds about one person in a space, for that person to read (SPEC A8).

Events that he said, that are about him or that name him, with the words that can be opened here; of words that cannot
be opened, why not; and of his keys, that they exist.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from scmanager.application.keys import Keys
from scmanager.application.telling import ToldEntry, tell
from scmanager.domain.event import Id
from scmanager.domain.governance import EVERY_RIGHT
from scmanager.domain.rights import Right
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


def held_about(shelf: Shelf, store: Store, keys: Keys, space: bytes, subject: Id) -> Iterator[ToldEntry]:
    """Every entry by him, about him, or that names him, in order of arrival."""
    named, hexed = b64encode(subject), subject.hex()
    for each in tell(shelf, store, once(keys.held), space, shelf.pos):
        payload = bytes(each.payload) if each.payload is not None else b""
        if hexed in (each.member, each.entity) or named in payload:
            yield each


def keys_about(keys: Keys, space: bytes, subject: Id) -> list[dict[str, Any]]:
    """His keys: that they are here, or were destroyed. Never a key itself."""
    return [{"key": each, "held": not keys.is_erased(each)} for each in keys.keys_of(space, subject)]

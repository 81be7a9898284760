"""Reading: which notifications a member has read, in his own space, so that all his machines know."""

from collections.abc import Iterator

from scmanager.domain.event import Decision, Envelope, Event, Id, State, replace
from scmanager.domain.payload import TUPLE_MAX, Ids
from scmanager.errors import Refused

READ_MAX = 16_384
"""As many are remembered, the newest; what is older shows as unread again, should anybody still look for it."""


class Read(Event, tag="notification.read/1"):
    """Its author has read these."""

    notifications: Ids


class NoNotificationNamed(Refused):
    """No notification was named."""

    code = "notification-none-named"
    hint = "Name at least one. List them with: scm inbox."


class Inbox(State):
    """What a member has read, by his own id."""

    read: tuple[Id, ...] = ()


def mark_read(inbox: Inbox, notifications: tuple[Id, ...]) -> Iterator[Decision]:
    """Remember that these are read; what was read before costs nothing. Raises NoNotificationNamed."""
    if not notifications:
        raise NoNotificationNamed
    known = set(inbox.read)
    fresh = [each for each in dict.fromkeys(notifications) if each not in known]
    for first in range(0, len(fresh), TUPLE_MAX):
        yield Read(tuple(fresh[first : first + TUPLE_MAX]))


def evolve(inbox: Inbox, event: Read, envelope: Envelope) -> Inbox:
    """Total. Counts only from the member himself. Read on two machines is read: there is no clash."""
    if envelope.member != envelope.entity:
        return inbox
    known = set(inbox.read)
    fresh = (each for each in dict.fromkeys(event.notifications) if each not in known)
    return replace(inbox, read=(*inbox.read, *fresh)[-READ_MAX:])

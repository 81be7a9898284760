"""A notification: something that a member should know, worked out from what was said of one thing. Nobody sends it.

It holds moments: what is due later has a time to come, and is shown from then on. What no longer holds (a loan that
was returned, a contest that was settled) is gone by itself. What is read is remembered apart (`reading`).
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from scmanager.domain.contest import Claim
from scmanager.domain.event import Envelope, Event, Id, Id32, State
from scmanager.domain.rights import Right

History = Sequence[tuple[Envelope, Event]]
"""The valid events of one thing in fold order."""

SECOND_US = 1_000_000


class Kind(enum.StrEnum):
    """What a notification tells."""

    INVITED = "invited"
    ADMITTED = "admitted"
    MEMBER_JOINED = "member-joined"
    ROLE_CHANGED = "role-changed"
    REMOVED = "removed"
    OPERATION_ANNOUNCED = "operation-announced"
    OPERATION_CHANGED = "operation-changed"
    OPERATION_CANCELLED = "operation-cancelled"
    OPERATION_REINSTATED = "operation-reinstated"
    SIGNED_UP = "signed-up"
    ANSWERED_FOR = "answered-for"
    MOVED_UP = "moved-up"
    SEAT_ASSIGNED = "seat-assigned"
    LEAD_ASSIGNED = "lead-assigned"
    REMINDER = "reminder"
    ENLISTED = "enlisted"
    TREATY_PROPOSED = "treaty-proposed"
    TREATY_AGREED = "treaty-agreed"
    TREATY_NOTICE = "treaty-notice"
    TREATY_ENDING = "treaty-ending"
    TREATY_ENDED = "treaty-ended"
    TREATY_EXPIRING = "treaty-expiring"
    TREATY_EXPIRED = "treaty-expired"
    WAR_DECLARED = "war-declared"
    PEACE_MADE = "peace-made"
    SHIP_LENT = "ship-lent"
    SHIP_DUE = "ship-due"
    SHIP_RETURNED = "ship-returned"
    SHIP_GIVEN = "ship-given"
    CONTESTED = "contested"
    FORK = "fork"


SENTENCES: Mapping[Kind, str] = {
    Kind.INVITED: "{who} invited you.",
    Kind.ADMITTED: "{who} let you in, with {said}.",
    Kind.MEMBER_JOINED: "{who} has joined.",
    Kind.ROLE_CHANGED: "{who} changed your role: you have {said} now.",
    Kind.REMOVED: "{who} took you off the roster ({said}).",
    Kind.OPERATION_ANNOUNCED: "{who} planned {title}: {said}.",
    Kind.OPERATION_CHANGED: "{who} changed {title}: the {said}.",
    Kind.OPERATION_CANCELLED: "{who} called {title} off ({said}).",
    Kind.OPERATION_REINSTATED: "{who} says that {title} takes place after all.",
    Kind.SIGNED_UP: "{who} answered to {title}: {said}.",
    Kind.ANSWERED_FOR: "{who} answered for you to {title}: {said}.",
    Kind.MOVED_UP: "You have a place in {title}: you are no longer on the wait-list.",
    Kind.SEAT_ASSIGNED: "{who} gave you a slot in {title}: {said}.",
    Kind.LEAD_ASSIGNED: "{who} made you the lead of {title}.",
    Kind.REMINDER: "{title} begins in {said}.",
    Kind.ENLISTED: "{who} enlisted you in {title}.",
    Kind.TREATY_PROPOSED: "{who} put terms on the table: {title}.",
    Kind.TREATY_AGREED: "{title} is agreed.",
    Kind.TREATY_NOTICE: "{who} gave notice: {title} ends on {said}.",
    Kind.TREATY_ENDING: "{title} ends by notice on {said}.",
    Kind.TREATY_ENDED: "{title} has ended ({said}).",
    Kind.TREATY_EXPIRING: "{title} ends soon.",
    Kind.TREATY_EXPIRED: "{title} has run out.",
    Kind.WAR_DECLARED: "There is war with {title} ({said}).",
    Kind.PEACE_MADE: "There is peace with {title}.",
    Kind.SHIP_LENT: "{who} lent you a ship: {title}.",
    Kind.SHIP_DUE: "A ship that you have on loan is to be returned: {title}.",
    Kind.SHIP_RETURNED: "{who} returned your ship: {title}.",
    Kind.SHIP_GIVEN: "{who} gave you a ship: {title}.",
    Kind.CONTESTED: "{title}: two said different things at the same time ({said}). It waits for a decision.",
    Kind.FORK: "A log here has signed two histories: its key has a twin, or its writer deceives.",
}
"""In plain words: `{who}` did it, `{title}` is the thing's own name, `{said}` what goes along."""


class Notification(State):
    """One notification, about one thing."""

    id: Id
    """The same on every machine and after every rebuild."""
    kind: Kind
    at: int
    """When it happened, or is due: UTC microseconds."""
    who: Id | None = None
    title: str = ""
    said: str = ""
    right: Right | None = None
    """Who has this right is meant; None: this member, whatever he may do."""


class Told(State):
    """For whom notifications are worked out, about which thing."""

    me: Id
    since: int
    """When he came (UTC microseconds): what was said to everybody before is no news to him."""
    thing: Id
    title: str = ""
    by_entry: Mapping[Id32, Envelope] = {}

    def of(
        self, kind: Kind, envelope: Envelope | None, said: str = "", right: Right | None = None
    ) -> Iterator[Notification]:
        """Something that somebody else did."""
        if envelope is not None and envelope.member != self.me:
            told = notification_id(kind, self.thing, envelope.entry)
            yield Notification(told, kind, envelope.hlc, envelope.member, self.title, said, right)

    def news(
        self, kind: Kind, envelope: Envelope | None, said: str = "", right: Right | None = None
    ) -> Iterator[Notification]:
        """The same, said to everybody: not to him who came later."""
        if envelope is not None and envelope.hlc > self.since:
            yield from self.of(kind, envelope, said, right)

    def due(self, kind: Kind, at_s: int, said: str = "", right: Right | None = None) -> Iterator[Notification]:
        """What is to be known from a moment on (UTC seconds)."""
        told = notification_id(kind, self.thing, at_s.to_bytes(8, "big"))
        yield Notification(told, kind, at_s * SECOND_US, None, self.title, said, right)

    def claimed(self, kind: Kind, claims: tuple[Claim[Id], ...], said: str = "") -> Iterator[Notification]:
        """He was set, by somebody else."""
        for claim in claims:
            if claim.value == self.me:
                yield from self.of(kind, self.by_entry.get(claim.entry), said)


def notification_id(kind: Kind, thing: Id, cause: bytes) -> Id:
    """16 bytes that follow from what is told."""
    return sha256(b"scm/notification/1\n" + kind.value.encode() + b"\n" + thing + cause).digest()[:16]


def sentence(kind: Kind, who: str, title: str, said: str) -> str:
    """A notification in plain words; times are shown beside it."""
    return SENTENCES[kind].format(who=who or "Somebody", title=title, said=said)

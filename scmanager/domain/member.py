"""A member, as the organisation's roster knows him. His rights and rank stand in his grant, not here.

He needs no installation: a leader records him as a placeholder and speaks for him (`member.represent`). Later either
his first device is granted the placeholder's own id, or, if he has an id already, that member claims the placeholder;
the placeholder's history stays as it is and is read as his. What he says of himself counts only from himself; once he
has been admitted, nobody speaks for him who is not above his rank: that of the seats he was given, whatever he says.
"""

import enum
from collections.abc import Iterator

from scmanager.domain.attribution import Attributed, attributed
from scmanager.domain.contest import holder, rivals
from scmanager.domain.event import About, Decision, Envelope, Event, Id, Id32, Personal, replace
from scmanager.domain.payload import RANK_LOWEST, Entries, Id16, Seconds
from scmanager.domain.rights import ANYONE, RIGHT_NEEDED
from scmanager.domain.seats import Seat, Seating, seated
from scmanager.domain.words import GivenName, Name, Prose, check_name, check_words
from scmanager.errors import Refused


class RemovalReason(enum.StrEnum):
    """Why somebody was taken off the roster. Anything more is a note."""

    INACTIVE = "inactive"
    CONDUCT = "conduct"
    REQUESTED = "requested"
    MISTAKE = "mistake"
    OTHER = "other"


class Recorded(Event, tag="member.recorded/1"):
    """Carries a Profile."""


class ProfileChanged(Event, tag="member.profile-changed/1"):
    """Carries a Profile."""


class ProfileChangedFor(ProfileChanged, tag="member.profile-changed-for/1"):
    """The same, said by one who speaks for him."""


class Noted(Event, tag="member.noted/1"):
    """Carries a Note."""


class Invited(Event, tag="member.invited/1"):
    until: Seconds = 0


class InvitationWithdrawn(Event, tag="member.invitation-withdrawn/1"):
    pass


class Joined(Event, tag="member.joined/1"):
    pass


class Confirmed(Event, tag="member.confirmed/1"):
    """Settles a contested joining: he stays."""


class Left(Event, tag="member.left/1"):
    pass


class LeftFor(Left, tag="member.left-for/1"):
    """The same, said by one who speaks for him."""


class Removed(Event, tag="member.removed/1"):
    reason: RemovalReason = RemovalReason.OTHER


class Claimed(Event, tag="member.claimed/1"):
    """This placeholder is that member."""

    by: Id16
    over: Entries = ()


MemberEvent = (
    Recorded | ProfileChanged | Noted | Invited | InvitationWithdrawn | Joined | Confirmed | Left | Removed | Claimed
    | Seating
)  # fmt: skip


class Profile(Personal):
    """How a member is called: his handle in the game, and the name he goes by here."""

    handle: GivenName
    display_name: Name = ""


class Note(Personal):
    """What leaders write about a member. Sealed under his key, so his erasure takes it too."""

    text: Prose


class Standing(enum.StrEnum):
    """Where a member stands in the roster."""

    UNKNOWN = "unknown"
    RECORDED = "recorded"
    INVITED = "invited"
    JOINED = "joined"
    LEFT = "left"
    REMOVED = "removed"


class Member(Attributed):
    """A member, as his events so far tell it."""

    id: Id = b""
    standing: Standing = Standing.UNKNOWN
    profile: Id32 = b""
    """The entry whose part holds the Profile."""
    note: Id32 = b""
    """The entry whose part holds the Note."""
    invited_until: int = 0
    """Seconds; 0 if the invitation has no end."""
    invitation_withdrawn: bool = False
    withdrawal: Id32 = b""
    """The entry that withdrew the invitation last."""
    join_contested: bool = False
    """He accepted while the invitation was withdrawn. `confirm` or `remove` settles it."""
    joined: Id32 = b""
    """The entry by which he joined."""
    removed_for: RemovalReason | None = None
    has_left: bool = False
    """He said himself that he leaves, and nobody has invited him since: his grants are to end."""
    rank: int = RANK_LOWEST + 1
    """Of his highest seat, or the last that ended; beyond the lowest if he never had one. The founder's is 0."""
    seats: tuple[Seat, ...] = ()

    @property
    def is_himself(self) -> bool:
        """Whether he acts here, or joined once: then he is nobody's placeholder."""
        return bool(self.joined or self.seats)

    @property
    def claimed_by(self) -> Id | None:
        """The living member this placeholder is. None if there is none, or once it acts as itself."""
        return None if self.is_himself else holder(self.claims)

    @property
    def rival_claims(self) -> tuple[Id, ...]:
        """Others it was given to at the same time. `settle_claim` decides."""
        return () if self.is_himself else rivals(self.claims)


class MemberKnown(Refused):
    """This member is on the roster already ({standing})."""

    code = "member-known"
    hint = "Change that entry: scm member change-profile, scm member set-role."


class MemberUnknown(Refused):
    """There is no such member on the roster."""

    code = "member-unknown"
    hint = "Look at the roster, scm member list, then scm member record or scm member invite."


class MemberGone(Refused):
    """This member is no longer here ({standing})."""

    code = "member-gone"
    hint = "Invite the person again: scm member invite --member."


class NotYours(Refused):
    """Only the member can say this."""

    code = "member-not-yours"
    hint = "Ask the member to do it on a device of theirs."


class JoinedAlready(Refused):
    """You have joined already."""

    code = "member-joined-already"
    hint = "To be called otherwise: scm member change-profile."


class NotInvited(Refused):
    """There is no invitation that holds."""

    code = "member-not-invited"
    hint = "Ask whoever leads for an invitation that holds: scm member invite."


class InvitationTimeUnusable(Refused):
    """An invitation cannot end at {until:utc}, which is over."""

    code = "member-invitation-time-unusable"
    hint = "Choose a later time, or none."


class NothingContested(Refused):
    """Nothing about this member awaits a decision."""

    code = "member-nothing-contested"
    hint = "Somebody may have settled it. What is still open: scm contested."


class RankTooHigh(Refused):
    """Rank {rank} is not below your own."""

    code = "member-rank-too-high"
    hint = (
        "Ask somebody of a higher rank. Above the founder is nobody: that seat is handed over, scm org hand-over, or"
        " taken over with the recovery sheet: scm recovery offer."
    )


def record(member: Member, id_: Id, handle: str, display_name: str = "") -> Iterator[Decision]:
    """Put somebody on the roster who has no installation; 16 random bytes. Raises MemberKnown, WordsUnusable."""
    if member.standing is not Standing.UNKNOWN:
        raise MemberKnown(standing=member.standing.value)
    yield About(Recorded(), id_, _profile(handle, display_name))


def change_profile(member: Member, actor: Id, actor_rank: int, handle: str, display_name: str) -> Iterator[Decision]:
    """Say anew how a member is called: his own word, or that of one who speaks for him.

    Raises MemberUnknown, RankTooHigh, WordsUnusable.
    """
    check_known(member)
    _check_speaks_for(member, actor, actor_rank)
    event = ProfileChanged() if actor == member.id else ProfileChangedFor()
    yield About(event, member.id, _profile(handle, display_name))


def note(member: Member, text: str) -> Iterator[Decision]:
    """Keep a note about a member; empty text takes it back. Raises MemberUnknown, WordsUnusable."""
    check_known(member)
    yield About(Noted(), member.id, Note(check_words(text, may_be_empty=True)))


def invite(member: Member, now: int, until: int = 0) -> Iterator[Decision]:
    """Invite somebody, new, recorded or gone. Times in UTC seconds. Raises MemberKnown, InvitationTimeUnusable."""
    if member.standing is Standing.JOINED:
        raise MemberKnown(standing=member.standing.value)
    if until and until <= now:
        raise InvitationTimeUnusable(until=until)
    if not (invitation_holds(member, now) and member.invited_until == until):
        yield Invited(until)


def withdraw_invitation(member: Member) -> Iterator[Decision]:
    """Take an invitation back. Harmless if it was taken back. Raises NotInvited."""
    if member.standing is not Standing.INVITED:
        raise NotInvited
    if not member.invitation_withdrawn:
        yield InvitationWithdrawn()


def join(member: Member, id_: Id, actor: Id, actor_rank: int, now: int) -> Iterator[Decision]:
    """Accept one's own invitation, or come as the recorded member one's grant names; the founder (rank 0) just comes.

    So does he of whom others said that he left. Raises NotYours, JoinedAlready, NotInvited.
    """
    if actor != id_:
        raise NotYours
    if member.standing is Standing.JOINED:
        raise JoinedAlready
    comes = actor_rank == 0 or member.standing is Standing.RECORDED or _was_said_to_leave(member)
    if not comes and not invitation_holds(member, now):
        raise NotInvited
    yield Joined()


def confirm(member: Member) -> Iterator[Decision]:
    """Let somebody stay who accepted while the invitation was withdrawn. Raises NothingContested."""
    if not member.join_contested:
        raise NothingContested
    yield Confirmed()


def leave(member: Member, actor: Id, actor_rank: int) -> Iterator[Decision]:
    """Leave, or say it for a member who has no installation. His grants end by the settling of others.

    Raises MemberUnknown, MemberGone, RankTooHigh.
    """
    check_known(member)
    _check_speaks_for(member, actor, actor_rank)
    if member.standing is Standing.LEFT:
        return  # Gone already.
    if member.standing is Standing.REMOVED:
        raise MemberGone(standing=member.standing.value)
    yield Left() if actor == member.id else LeftFor()


def remove(member: Member, reason: RemovalReason, actor_rank: int) -> Iterator[Decision]:
    """Take somebody off the roster; ending his grants is governance's part. Raises MemberUnknown, RankTooHigh."""
    check_known(member)
    if member.rank <= actor_rank:
        raise RankTooHigh(rank=member.rank)
    if member.standing is not Standing.REMOVED:
        yield Removed(reason)


def invitation_holds(member: Member, now: int) -> bool:
    """Whether he can accept at this time (UTC seconds)."""
    open_ = member.standing is Standing.INVITED and not member.invitation_withdrawn
    return open_ and (member.invited_until == 0 or now < member.invited_until)


def evolve(member: Member, event: MemberEvent, envelope: Envelope) -> Member:
    """Total. What is said of a member in his own name counts only from himself (rule 4).

    - Accepted while the invitation was withdrawn: he is in, contested until `confirm` or `remove`.
    - Left and removed at once: removed, in either order. Only a new invitation leads back.
    - Removed, renamed, claimed or said to have left by another who is not above his rank: does not count.
    - Said by another to have left, and joined: whichever is the last in fold order.
    - A placeholder claimed for two members: the first in fold order, what rank 0 or 1 said before what others say;
      contested until `settle_claim`.
    - Profiles, notes and invitations: the last in fold order stands.
    """
    if isinstance(event, Seating):
        seats = seated(member.seats, event, envelope)
        return replace(member, seats=seats, rank=seats[0].rank if seats else member.rank)
    if RIGHT_NEEDED.get(event.tag) is ANYONE and envelope.member != envelope.entity:
        return member
    member = replace(member, id=envelope.entity)
    if envelope.member == envelope.entity:
        if (
            envelope.rank == 0
        ):  # The founder, for ever: his seat is no grant. Any other rank may have been taken back.
            member = replace(member, rank=0)
    elif isinstance(event, Recorded | ProfileChanged | Left | Claimed) and envelope.rank >= member.rank:
        return member
    match event:
        case Recorded():
            standing = Standing.RECORDED if member.standing is Standing.UNKNOWN else member.standing
            return replace(member, standing=standing, profile=envelope.entry)
        case ProfileChanged():
            return replace(member, profile=envelope.entry)
        case Noted():
            return replace(member, note=envelope.entry)
        case Removed(reason) if envelope.rank < member.rank:
            return replace(member, standing=Standing.REMOVED, removed_for=reason, join_contested=False)
        case Left():
            gone = member.standing if member.standing is Standing.REMOVED else Standing.LEFT
            himself = member.has_left or not isinstance(event, LeftFor)
            return replace(member, standing=gone, join_contested=False, has_left=himself)
        case Claimed(by, over) if by != envelope.entity:
            return attributed(member, by, over, envelope)
        case _:
            return _evolve_invitation(member, event, envelope)


def _evolve_invitation(member: Member, event: MemberEvent, envelope: Envelope) -> Member:
    match event:
        case Invited(until) if member.standing is not Standing.JOINED:
            member = replace(member, invitation_withdrawn=False, removed_for=None, has_left=False)
            return replace(member, standing=Standing.INVITED, invited_until=until)
        case InvitationWithdrawn() if member.standing is Standing.INVITED:
            return replace(member, invitation_withdrawn=True, withdrawal=envelope.entry)
        case InvitationWithdrawn() if member.standing is Standing.JOINED and member.joined not in envelope.saw:
            return replace(member, join_contested=True, withdrawal=envelope.entry)
        case Joined() if member.standing is Standing.LEFT and envelope.rank == 0:
            return replace(member, standing=Standing.JOINED, has_left=False)  # Nobody is there to invite a founder.
        case Joined() if _was_said_to_leave(member):
            return replace(member, standing=Standing.JOINED, joined=envelope.entry)
        case Joined() if member.standing in (Standing.UNKNOWN, Standing.RECORDED, Standing.INVITED):
            contested = member.standing is Standing.INVITED and member.invitation_withdrawn
            return replace(member, standing=Standing.JOINED, joined=envelope.entry, join_contested=contested)
        case Confirmed():
            return replace(member, join_contested=False)
        case _:
            return member  # Said too late, or twice.


def _was_said_to_leave(member: Member) -> bool:
    """By others; he himself never did."""
    return member.standing is Standing.LEFT and not member.has_left


def _profile(handle: str, display_name: str) -> Profile:
    return Profile(check_name(handle), check_name(display_name, may_be_empty=True))


def _check_speaks_for(member: Member, actor: Id, actor_rank: int) -> None:
    if actor != member.id and member.rank <= actor_rank:
        raise RankTooHigh(rank=member.rank)


def check_known(member: Member) -> None:
    """Raises MemberUnknown."""
    if member.standing is Standing.UNKNOWN:
        raise MemberUnknown

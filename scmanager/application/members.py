"""Members: record, invite, join, leave, remove; who may do what stands in the grants that are issued here."""

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, UnsetType

from scmanager.application import undo_steps as steps
from scmanager.application.desk import Desk
from scmanager.application.inverses import back, by, final, former, like
from scmanager.application.keeping import kept, words_with
from scmanager.application.verbs import DeviceId, EntryId, MemberId, RoleId, verb
from scmanager.domain import member, placeholder, role
from scmanager.domain.catalogue import MEMBERS, ROLES
from scmanager.domain.event import Id, Id32
from scmanager.domain.governance import DeviceCut, Enrolled, EpochOpened, Granted, Kept, Removed
from scmanager.domain.member import Profile
from scmanager.domain.records import Standing
from scmanager.errors import Refused
from scmanager.eventstore.entry import Dep
from scmanager.eventstore.own_log import Sealed
from scmanager.eventstore.parts import is_box_key

Result = dict[str, Any]
KEPT_MAX = 512
"""Heads that a cut names at most: an entry holds some 660 of them."""


class NothingToChange(Refused):
    """This member holds no grant that stands."""

    code = "member-without-grant"
    hint = "Admit one of their devices first: scm member admit."


class AlreadyIn(Refused):
    """This device acts as that member in that role already."""

    code = "device-already-in"
    hint = "Give them the space's file: scm space export. Another role: scm member set-role."


class LogNotHere(Refused):
    """The log that this request names is not here."""

    code = "request-log-missing"
    hint = "Take the request in by its file: scm member admit FILE."


class DeviceUnknown(Refused):
    """None of your grants has this device."""

    code = "device-unknown"
    hint = "List your devices with: scm device list."


class RemovedFromAbove(Refused):
    """Somebody of a higher rank removed this member; only they, or one above them, can let the member in again."""

    code = "member-removed-from-above"
    hint = "Ask somebody of a higher rank to admit the member."


class EventNotTheirs(Refused):
    """This is no event of that member that counts."""

    code = "event-not-theirs"
    hint = "Find it with: scm log show --type erased. Without --voiding everything known until now stays."


class DeviceUnreachable(Refused):
    """Nothing can be sealed to the box key of this device: it would get no key of this space."""

    code = "device-unreachable"
    hint = "Have the device write a new request: scm space request, or scm device request."


class DeviceNotYounger(Refused):
    """This device was not let in by the one you write from."""

    code = "device-not-younger"
    hint = (
        "Do it on an older device of yours (scm device list). Else a leader removes you and lets you in again;"
        " a founder takes his seat anew: scm recovery offer."
    )


@verb(
    "member.record",
    undo=back("member.remove", member.Recorded, thing="member_id", begins=True, reason=member.RemovalReason.MISTAKE),
)
def record(desk: Desk, *, handle: str, display_name: str = "") -> Result:
    """Put somebody on the roster who has no installation: you speak for them until they join."""
    new = desk.new_id()
    desk.decide(MEMBERS, new, member.record, new, handle, display_name)
    return {"member": new.hex()}


@verb("member.change-profile", "org", "personal", undo=former("profile", member.ProfileChanged))
def change_profile(
    desk: Desk, *, member_id: MemberId, handle: str, display_name: str | UnsetType | None = UNSET
) -> Result:
    """Change how a member is called: your own name, or that of somebody you speak for.

    `display_name`: left out it stays; empty takes it away.
    """
    _call(desk, member_id, handle, display_name)
    return {"member": member_id.hex()}


@verb("member.note", undo=former("note", member.Noted))
def note(desk: Desk, *, member_id: MemberId, text: str) -> Result:
    """Keep a note about a member; empty text takes it back. It is erased with the member's other words."""
    desk.decide(MEMBERS, member_id, member.note, text)
    return {"member": member_id.hex()}


@verb(
    "member.invite", undo=back("member.withdraw-invitation", member.Invited, thing="member_id", aspect="invitation")
)
def invite(desk: Desk, *, member_id: MemberId | None = None, until_s: int | UnsetType | None = UNSET) -> Result:
    """Invite somebody new, or a member recorded or gone. `until_s`: UTC seconds, 0 for no end.

    Invited again before that, the end stays if it is left out.
    """
    invited = member_id or desk.new_id()
    before: member.Member = desk.state(MEMBERS, invited)
    end = before.invited_until if member.invitation_holds(before, desk.now_s) else 0
    desk.decide(MEMBERS, invited, member.invite, desk.now_s, kept(until_s, end, 0))
    return {"member": invited.hex()}


@verb("member.withdraw-invitation", undo=by(steps.invitation, member.InvitationWithdrawn, aspect="invitation"))
def withdraw_invitation(desk: Desk, *, member_id: MemberId) -> Result:
    """Take an invitation back."""
    desk.decide(MEMBERS, member_id, member.withdraw_invitation)
    return {"member": member_id.hex()}


@verb("member.join", undo=final("whoever joined leaves again: scm member leave.", member.Joined))
def join(
    desk: Desk, *, handle: str | UnsetType | None = UNSET, display_name: str | UnsetType | None = UNSET
) -> Result:
    """Accept your invitation, once your device was admitted; say how you are called if nobody did.

    What is known of you already stays if it is left out; an empty `display_name` takes it away.
    """
    desk.decide(MEMBERS, desk.me, member.join, desk.me, desk.me, desk.grant.rank, desk.now_s)
    if handle or display_name is not UNSET:
        _call(desk, desk.me, handle or UNSET, display_name)
    return {"member": desk.me.hex()}


@verb("member.confirm", undo=final("whoever may not stay is removed: scm member remove.", member.Confirmed))
def confirm(desk: Desk, *, member_id: MemberId) -> Result:
    """Let somebody stay who accepted while their invitation was being withdrawn."""
    desk.decide(MEMBERS, member_id, member.confirm)
    return {"member": member_id.hex()}


@verb(
    "member.leave",
    undo=final("whoever left is invited again: scm member invite; a founder: scm member join.", member.Left),
)
def leave(desk: Desk, *, member_id: MemberId | None = None) -> Result:
    """Leave, or say it for a member you speak for. What they did stays.

    `seat` says what becomes of the grants: `ends` (your own: you record nothing more; as soon as the highest of those
    who may remove members hears of it, your grants end and the key changes), `stays` (a founder's, and the seat of
    somebody for whom you say it: `member.remove` ends that), `none`.
    """
    who = member_id or desk.me
    if who != desk.me:
        _check_below(desk, who)
    desk.decide(MEMBERS, who, member.leave, desk.me, desk.grant.rank)
    ranks = [each.grant.rank for each in desk.space.grants() if each.grant.member == who]
    seat = ("ends" if who == desk.me and min(ranks) else "stays") if ranks else "none"
    return {"member": who.hex(), "seat": seat}


@verb(
    "member.remove",
    undo=final("keys have changed since; invite and admit the member again.", member.Removed, Removed, EpochOpened),
)
def remove(
    desk: Desk, *, member_id: MemberId, reason: member.RemovalReason, voiding: EntryId | None = None
) -> Result:
    """Take somebody off the roster. Their grants end at what is known now; the keys change.

    `voiding`: an event of theirs that shall not count, an erasure say, nor what they wrote after it on that device.
    """
    if voiding is not None:
        _check_theirs(desk, member_id, voiding)
    _check_below(desk, member_id)
    desk.decide(MEMBERS, member_id, member.remove, reason, desk.grant.rank)
    if any(standing.grant.member == member_id for standing in desk.space.grants()):
        desk.record(MEMBERS, member_id, Removed(member_id, _known_work(desk, member_id, voiding)))
        desk.open_epoch()
    return {"member": member_id.hex()}


@verb("member.claim", undo=final("whose it is can be decided anew: scm member settle-claim.", member.Claimed))
def claim(desk: Desk, *, member_id: MemberId, by: MemberId) -> Result:
    """Say which member, who has joined, a recorded one is; the history stays and is read as theirs.

    If you are of rank 0 or 1, an erasure of that member takes the entry along; else not until one of those confirms.
    """
    placeholder.check_joined(desk.state(MEMBERS, by))
    desk.decide(MEMBERS, member_id, placeholder.claim, by)
    return {"member": member_id.hex()}


@verb("member.settle-claim", undo=like("member.claim"))
def settle_claim(desk: Desk, *, member_id: MemberId, by: MemberId) -> Result:
    """Decide whose a recorded member is when several were named at the same time.

    Of rank 0 or 1 you confirm it by that, also where one alone was named (see `member.erase`); what one of those said
    is decided anew by nobody else.
    """
    placeholder.check_joined(desk.state(MEMBERS, by))
    desk.decide(MEMBERS, member_id, placeholder.settle_claim, by, desk.grant.rank)
    return {"member": member_id.hex()}


@verb("member.grant", undo=by(steps.role_of_member, Granted, aspect="grant"))
def grant(desk: Desk, *, member_id: MemberId, role_id: RoleId, log: EntryId, device: EntryId, box: EntryId) -> Result:
    """Let a member act from the log of their request, with a role's rank and rights."""
    standing = (each.grant for each in desk.space.grants())
    if any((each.member, each.log, each.role) == (member_id, log, role_id) for each in standing):
        raise AlreadyIn
    _check_reachable(box)
    sealed = _issue(desk, member_id, role_id, log, device, box)
    return {"member": member_id.hex(), "grant": sealed.entry.id32.hex()}


@verb("member.set-role", undo=like("member.grant"))
def set_role(desk: Desk, *, member_id: MemberId, role_id: RoleId) -> Result:
    """Give a member another role: the grants are issued anew with its rank and rights, and the old ones end."""
    old = [standing for standing in desk.space.grants() if standing.grant.member == member_id]
    if not old:
        raise NothingToChange
    _check_below(desk, member_id)
    for place in dict.fromkeys((each.grant.log, each.grant.device, each.grant.box) for each in old):
        _issue(desk, member_id, role_id, *place)
    for standing in old:
        desk.record(MEMBERS, member_id, Removed(standing.grant.id, _most(_kept(desk, standing))))
    return {"member": member_id.hex(), "role": role_id.hex()}


@verb("device.enrol", "org", "personal", undo=back("device.cut", Enrolled, aspect="device", device="device"))
def enrol(desk: Desk, *, log: EntryId, device: EntryId, box: EntryId, transport: EntryId | None = None) -> Result:
    """Let a further device of yours act as you, from the log of its request."""
    first = desk.space.first_entry(log)
    if first is None:
        raise LogNotHere
    _check_reachable(box)
    desk.record(None, desk.me, Enrolled(log, device, box, transport or b""), (first,))
    return {"member": desk.me.hex(), "log": log.hex()}


@verb(
    "device.cut",
    "org",
    "personal",
    undo=final("what was disowned stays outside; enrol the device afresh.", DeviceCut),
)
def cut_device(desk: Desk, *, device: DeviceId) -> Result:
    """Disown a device of yours, such as a lost phone: what it wrote until now stays, nothing more will."""
    mine = [each for each in desk.space.grants() if each.grant.id == desk.grant.id]
    if not any(device in each.devices for each in mine):
        raise DeviceUnknown
    if not any(each.levels[desk.log_id] < each.devices.get(device, 0) for each in mine):
        raise DeviceNotYounger  # The rules let an older log disown a younger device, and nothing else.
    rows = _most(row for each in mine for row in _kept(desk, each))
    desk.record(None, desk.me, DeviceCut(device, rows))
    desk.open_epoch_if_allowed()
    return {"device": device.hex()}


def _call(desk: Desk, member_id: Id, handle: str | UnsetType, display_name: str | UnsetType | None) -> None:
    """What is left out stays. Raises RankTooHigh, WordsNotHere, WordsUnusable where no handle is known."""
    if member_id != desk.me:
        _check_below(desk, member_id)
    entry = desk.state(MEMBERS, member_id).profile
    words = words_with(desk, entry, Profile, handle=handle, display_name=display_name)
    desk.decide(MEMBERS, member_id, member.change_profile, desk.me, desk.grant.rank, words.handle, words.display_name)


def _issue(desk: Desk, member_id: bytes, role_id: bytes, log: bytes, device: bytes, box: bytes) -> Sealed:
    """A grant that stands beside what the member has done, and is not ended by an earlier removal.

    Raises MemberGone for one who left and was not invited since: the grant would be ended again.
    """
    if desk.state(MEMBERS, member_id).has_left:
        raise member.MemberGone(standing=member.Standing.LEFT.value)
    template = role.live_template(desk.state(ROLES, role_id))
    first = desk.space.first_entry(log)
    if first is None:
        raise LogNotHere
    lifted = _removals_lifted(desk, member_id, template.rank)
    # A grant from further up would void theirs, and all the work done by them (rule 4).
    every = desk.space.verdicts.grants.values()
    lower = (each.grant for each in every if each.grant.written_at > desk.grant.rank)
    kept = tuple(sorted(grant.id for grant in lower if grant.member == member_id))
    given = Granted(member_id, log, device, box, template.rank, role_id, template.rights, lifted, kept)
    return desk.record(MEMBERS, member_id, given, (first,))


def _removals_lifted(desk: Desk, member_id: bytes, rank: int) -> tuple[bytes, ...]:
    """The removals of the member as a whole: they reach later grants too, unless those name them (rule 7)."""
    lifted = []
    for opened in desk.space.of_type(Removed.tag):
        if not isinstance(opened.event, Removed) or opened.event.grant != member_id:
            continue
        author = desk.space.envelope(opened)
        if author.rank >= rank or author.member == member_id:
            continue
        if desk.grant.rank > author.rank:
            raise RemovedFromAbove
        lifted.append(opened.entry.id32)
    return tuple(sorted(lifted))


def _check_reachable(box: bytes) -> None:
    if not is_box_key(box):
        raise DeviceUnreachable


def _check_below(desk: Desk, member_id: bytes) -> None:
    """Of no member is anything said or ended who has a seat that is not below one's own."""
    ranks = [each.grant.rank for each in desk.space.grants() if each.grant.member == member_id]
    if ranks and min(ranks) <= desk.grant.rank:
        raise member.RankTooHigh(rank=min(ranks))


def end_grants(desk: Desk, members: Iterable[bytes]) -> None:
    """End every grant of who left, keeping all that is known of their work, and change the key.

    Each grant by itself: not the member, so that whoever may admits them again.
    """
    for member_id in members:
        for standing in [each for each in desk.space.grants() if each.grant.member == member_id]:
            desk.record(MEMBERS, member_id, Removed(standing.grant.id, _most(_kept(desk, standing))))
    desk.open_epoch()


def _known_work(desk: Desk, member_id: MemberId, voiding: Id32 | None = None) -> tuple[Kept, ...]:
    """Every head of every log that acts for this member, so that nothing done until now is lost.

    Of the log of `voiding`: what precedes that event.
    """
    standings = [each for each in desk.space.grants() if each.grant.member == member_id]
    rows = (row for each in standings for row in _kept(desk, each))
    opened = desk.space.opened(voiding) if voiding is not None else None
    if opened is None:
        return _most(rows)
    one = opened.entry
    return _most((Kept(one.log, one.seq - 1, one.prev[:32]), *(row for row in rows if row.log != one.log)))


def _check_theirs(desk: Desk, member_id: MemberId, event: Id32) -> None:
    """Raises EventNotTheirs."""
    opened = desk.space.opened(event)
    if opened is None or not desk.space.verdict(event).valid or desk.space.envelope(opened).member != member_id:
        raise EventNotTheirs


def _most(rows: Iterable[Kept]) -> tuple[Kept, ...]:
    """As many as one entry takes, the longest logs first: nobody stays by having more logs than can be listed."""
    each = tuple(dict.fromkeys(rows))
    return each if len(each) <= KEPT_MAX else tuple(sorted(each, key=lambda row: -row.seq)[:KEPT_MAX])


def _kept(desk: Desk, standing: Standing) -> tuple[Kept, ...]:
    heads: list[Dep] = [head for log in standing.levels for head in desk.space.heads(log)]
    return tuple(Kept(head.log, head.seq, head.id) for head in heads)

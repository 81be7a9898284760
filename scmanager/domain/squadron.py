"""A squadron: ships and members that fly together, in a fleet or straight under the organisation.

A ship and a member may be in several squadrons. Whether they still are in the organisation is theirs to say: a read
model shows of a squadron what is present.
"""

from collections.abc import Iterator

from scmanager.domain.contest import Led, begun_before, drop, entries, stake
from scmanager.domain.event import Decision, Envelope, Event, Id, replace
from scmanager.domain.payload import Entries, Id16, Title
from scmanager.domain.roll import Roll
from scmanager.domain.words import check_title, flaw_of_title
from scmanager.errors import Refused

SHIPS_MAX = 256
MEMBERS_MAX = 1024


class Formed(Event, tag="squadron.formed/1"):
    title: Title
    fleet: Id16 | None = None


class Renamed(Event, tag="squadron.renamed/1"):
    title: Title
    over: Entries = ()


class Disbanded(Event, tag="squadron.disbanded/1"):
    pass


class Reformed(Event, tag="squadron.reformed/1"):
    pass


class Moved(Event, tag="squadron.moved/1"):
    """To another fleet, or straight under the organisation."""

    fleet: Id16 | None = None


class LeadAssigned(Event, tag="squadron.lead-assigned/1"):
    member: Id16
    over: Entries = ()


class LeadRelieved(Event, tag="squadron.lead-relieved/1"):
    over: Entries = ()


class ShipEnlisted(Event, tag="squadron.ship-enlisted/1"):
    ship: Id16


class ShipReleased(Event, tag="squadron.ship-released/1"):
    ship: Id16


class MemberEnlisted(Event, tag="squadron.member-enlisted/1"):
    member: Id16


class MemberReleased(Event, tag="squadron.member-released/1"):
    member: Id16


class MemberLeft(Event, tag="squadron.member-left/1"):
    """Its author leaves."""


SquadronEvent = (
    Formed
    | Renamed
    | Disbanded
    | Reformed
    | Moved
    | LeadAssigned
    | LeadRelieved
    | ShipEnlisted
    | ShipReleased
    | MemberEnlisted
    | MemberReleased
    | MemberLeft
)


class Squadron(Led):
    """A squadron, as its events so far tell it."""

    formed: bool = False
    disbanded: bool = False
    fleet: Id | None = None
    ships: Roll[Id, Id] = Roll()
    members: Roll[Id, Id] = Roll()


class SquadronFormedAlready(Refused):
    """This squadron was formed before, as {title}."""

    code = "squadron-formed-already"
    hint = "Rename or move it, or form another one."


class SquadronUnknown(Refused):
    """There is no such squadron."""

    code = "squadron-unknown"
    hint = "Look at the list, scm squadron list, or form one: scm squadron form."


class SquadronDisbanded(Refused):
    """The squadron {title} is disbanded."""

    code = "squadron-disbanded"
    hint = "Form it again first: scm squadron reform."


class SquadronNameNotContested(Refused):
    """{title} is not one of several names that await a decision."""

    code = "squadron-name-not-contested"
    hint = "Choose one of the names shown as contested, or rename the squadron."


class SquadronFull(Refused):
    """The squadron {title} has {count} {what}, which is as many as it may have."""

    code = "squadron-full"
    hint = "Release some, or form another squadron."


def form(squadron: Squadron, title: str, fleet: Id | None = None) -> Iterator[Decision]:
    """Form a squadron, in a fleet or in none. Twice is harmless. Raises SquadronFormedAlready, TitleUnusable."""
    if squadron.formed and (squadron.title, squadron.fleet) != (title, fleet):
        raise SquadronFormedAlready(title=squadron.title)
    if not squadron.formed:
        yield Formed(check_title(title), fleet)


def rename(squadron: Squadron, title: str) -> Iterator[Decision]:
    """Give another name; ends every name that stands. Raises SquadronUnknown, SquadronDisbanded, TitleUnusable."""
    _check_live(squadron)
    if squadron.title != check_title(title) or squadron.rival_titles:
        yield Renamed(title, entries(squadron.names))


def settle_name(squadron: Squadron, title: str) -> Iterator[Decision]:
    """Decide for one of the contested names. Raises SquadronNameNotContested."""
    _check_live(squadron)
    if not squadron.rival_titles or title not in (squadron.title, *squadron.rival_titles):
        raise SquadronNameNotContested(title=title)
    yield Renamed(title, entries(squadron.names))


def disband(squadron: Squadron) -> Iterator[Decision]:
    """End a squadron. Asking twice is harmless. Raises SquadronUnknown."""
    _check_formed(squadron)
    if not squadron.disbanded:
        yield Disbanded()


def reform(squadron: Squadron) -> Iterator[Decision]:
    """Undo a disbanding. Harmless if there is none. Raises SquadronUnknown."""
    _check_formed(squadron)
    if squadron.disbanded:
        yield Reformed()


def move(squadron: Squadron, fleet: Id | None) -> Iterator[Decision]:
    """Put it into another fleet, or into none. Raises SquadronUnknown, SquadronDisbanded."""
    _check_live(squadron)
    if squadron.fleet != fleet:
        yield Moved(fleet)


def assign_lead(squadron: Squadron, member: Id) -> Iterator[Decision]:
    """Let a member lead; ends every other lead, contested ones too. Raises SquadronUnknown, SquadronDisbanded."""
    _check_live(squadron)
    if squadron.lead != member or squadron.rival_leads:
        yield LeadAssigned(member, entries(squadron.leads))


def relieve_lead(squadron: Squadron) -> Iterator[Decision]:
    """Let nobody lead. Harmless if nobody does. Raises SquadronUnknown, SquadronDisbanded."""
    _check_live(squadron)
    if squadron.leads:
        yield LeadRelieved(entries(squadron.leads))


def enlist_ship(squadron: Squadron, ship: Id) -> Iterator[Decision]:
    """Take a ship in. Asking twice is harmless. Raises SquadronUnknown, SquadronDisbanded, SquadronFull."""
    _check_live(squadron)
    if squadron.ships.has(ship):
        return
    if len(squadron.ships) >= SHIPS_MAX:
        raise SquadronFull(title=squadron.title, count=len(squadron.ships), what="ships")
    yield ShipEnlisted(ship)


def release_ship(squadron: Squadron, ship: Id) -> Iterator[Decision]:
    """Let a ship go. Harmless if it is not in. Raises SquadronUnknown."""
    _check_formed(squadron)
    if squadron.ships.has(ship):
        yield ShipReleased(ship)


def enlist_member(squadron: Squadron, member: Id) -> Iterator[Decision]:
    """Take a member in. Asking twice is harmless. Raises SquadronUnknown, SquadronDisbanded, SquadronFull."""
    _check_live(squadron)
    if squadron.members.has(member):
        return
    if len(squadron.members) >= MEMBERS_MAX:
        raise SquadronFull(title=squadron.title, count=len(squadron.members), what="members")
    yield MemberEnlisted(member)


def release_member(squadron: Squadron, member: Id) -> Iterator[Decision]:
    """Let a member go. Harmless if he is not in. Raises SquadronUnknown."""
    _check_formed(squadron)
    if squadron.members.has(member):
        yield MemberReleased(member)


def leave(squadron: Squadron, actor: Id) -> Iterator[Decision]:
    """Leave oneself; nobody's leave is needed. Harmless if one is not in. Raises SquadronUnknown."""
    _check_formed(squadron)
    if squadron.members.has(actor):
        yield MemberLeft()


def evolve(squadron: Squadron, event: SquadronEvent, envelope: Envelope) -> Squadron:
    """Total. Names or leads set at once are contested: the first in fold order holds, the others are kept beside it.

    Formed by two under one id: the names and the fleets are contested. For each ship and member, for the fleet and
    for disbanding, the last in fold order stands. A squadron that was filled from two devices may be over its limit:
    nobody is dropped, it only takes no more.
    """
    match event:
        case Formed() | Renamed() if flaw_of_title(event.title):
            return squadron  # Written by something that is not ours.
        case Formed() if begun_before(squadron.formed, envelope):
            return squadron
        case Formed(title, fleet):
            return replace(
                squadron,
                formed=True,
                fleet=fleet or squadron.fleet,
                names=stake(squadron.names, title, (), envelope),
            )
        case Renamed(title, over):
            return replace(squadron, names=stake(squadron.names, title, over, envelope))
        case Disbanded():
            return replace(squadron, disbanded=True)
        case Reformed():
            return replace(squadron, disbanded=False)
        case Moved(fleet):
            return replace(squadron, fleet=fleet)
        case LeadAssigned(member, over):
            return replace(squadron, leads=stake(squadron.leads, member, over, envelope))
        case LeadRelieved(over):
            return replace(squadron, leads=drop(squadron.leads, over, envelope))
        case _:
            return _evolve_lists(squadron, event, envelope)


def _evolve_lists(
    squadron: Squadron,
    event: ShipEnlisted | ShipReleased | MemberEnlisted | MemberReleased | MemberLeft,
    envelope: Envelope,
) -> Squadron:
    match event:
        case ShipEnlisted(ship):
            return replace(squadron, ships=squadron.ships.enter(ship, ship))
        case ShipReleased(ship):
            return replace(squadron, ships=squadron.ships.strike(ship))
        case MemberEnlisted(member):
            return replace(squadron, members=squadron.members.enter(member, member))
        case MemberReleased(member):
            return replace(squadron, members=squadron.members.strike(member))
        case MemberLeft():
            return replace(squadron, members=squadron.members.strike(envelope.member))


def _check_formed(squadron: Squadron) -> None:
    if not squadron.formed:
        raise SquadronUnknown


def _check_live(squadron: Squadron) -> None:
    _check_formed(squadron)
    if squadron.disbanded:
        raise SquadronDisbanded(title=squadron.title)

"""What a decision about one thing needs of another: that a member, a fleet or a ship it names is here."""

from scmanager.application.desk import Desk
from scmanager.domain import contact, fleet, hangar, member, ship
from scmanager.domain.catalogue import CONTACTS, FLEETS, MEMBERS, SHIPS
from scmanager.domain.event import Id
from scmanager.domain.ship_events import Owner, OwnerKind

_GONE = (member.Standing.LEFT, member.Standing.REMOVED)


def check_member(desk: Desk, member_id: Id) -> Id:
    """A member who is on the roster, with or without an installation. Raises MemberUnknown, MemberGone."""
    one: member.Member = desk.state(MEMBERS, member_id)
    if one.standing is member.Standing.UNKNOWN:
        raise member.MemberUnknown
    if one.standing in _GONE:
        raise member.MemberGone(standing=one.standing.value)
    return member_id


def check_fleet(desk: Desk, fleet_id: Id) -> Id:
    """A fleet that was formed and not disbanded. Raises FleetUnknown, FleetDisbanded."""
    one: fleet.Fleet = desk.state(FLEETS, fleet_id)
    if not one.formed:
        raise fleet.FleetUnknown
    if one.disbanded:
        raise fleet.FleetDisbanded(title=one.title)
    return fleet_id


def check_ship(desk: Desk, ship_id: Id) -> Id:
    """A ship that is shown here. Raises ShipUnknown, ShipGone."""
    one: ship.Ship = desk.state(SHIPS, ship_id)
    if one.standing is ship.Standing.UNKNOWN:
        raise hangar.ShipUnknown
    if one.standing is not ship.Standing.PRESENT:
        raise hangar.ShipGone(standing=one.standing.value)
    return ship_id


def check_contact(desk: Desk, contact_id: Id) -> Id:
    """Another organisation that is recorded and not archived. Raises ContactUnknown, ContactArchived."""
    one: contact.Contact = desk.state(CONTACTS, contact_id)
    contact.check_live(one)
    return contact_id


def owner_named(desk: Desk, member_id: Id | None, organisation: bool) -> Owner:
    """Whose a ship shall be: a member's, the organisation's, or, if neither is said, one's own.

    In a personal space it is always one's own. Raises OwnerUnclear, MemberUnknown, MemberGone.
    """
    if organisation and (member_id or desk.space.kind == "personal"):
        raise hangar.OwnerUnclear
    if organisation:
        return Owner(OwnerKind.ORGANISATION, desk.organisation)
    if member_id is None or member_id == desk.me:
        return Owner(OwnerKind.MEMBER, desk.me)
    if desk.space.kind == "personal":
        raise hangar.OwnerUnclear
    return Owner(OwnerKind.MEMBER, check_member(desk, member_id))

"""Fleets and squadrons: who leads them, and which ships and members fly with them."""

from typing import Any

from scmanager.application import undo_steps as steps
from scmanager.application.desk import Desk
from scmanager.application.inverses import back, former, like
from scmanager.application.named import check_fleet, check_member, check_ship
from scmanager.application.verbs import FleetId, MemberId, ShipId, SquadronId, verb
from scmanager.domain import fleet, squadron
from scmanager.domain.catalogue import FLEETS, SQUADRONS

Result = dict[str, Any]


@verb("fleet.form", undo=back("fleet.disband", fleet.Formed, thing="fleet_id", begins=True))
def form(desk: Desk, *, title: str) -> Result:
    """Form a fleet."""
    new = desk.new_id()
    desk.decide(FLEETS, new, fleet.form, title)
    return {"fleet": new.hex()}


@verb("fleet.rename", undo=former("name", fleet.Renamed))
def rename(desk: Desk, *, fleet_id: FleetId, title: str) -> Result:
    """Give a fleet another name."""
    desk.decide(FLEETS, fleet_id, fleet.rename, title)
    return {"fleet": fleet_id.hex()}


@verb("fleet.settle-name", undo=like("fleet.rename"))
def settle_name(desk: Desk, *, fleet_id: FleetId, title: str) -> Result:
    """Decide for one of several names that were given at the same time."""
    desk.decide(FLEETS, fleet_id, fleet.settle_name, title)
    return {"fleet": fleet_id.hex()}


@verb("fleet.disband", undo=back("fleet.reform", fleet.Disbanded, thing="fleet_id", aspect="disbanded"))
def disband(desk: Desk, *, fleet_id: FleetId) -> Result:
    """End a fleet; its ships and squadrons stay what they are."""
    desk.decide(FLEETS, fleet_id, fleet.disband)
    return {"fleet": fleet_id.hex()}


@verb("fleet.reform", undo=back("fleet.disband", fleet.Reformed, thing="fleet_id", aspect="disbanded"))
def reform(desk: Desk, *, fleet_id: FleetId) -> Result:
    """Undo a disbanding."""
    desk.decide(FLEETS, fleet_id, fleet.reform)
    return {"fleet": fleet_id.hex()}


@verb("fleet.assign-lead", undo=former("lead", fleet.LeadAssigned))
def assign_lead(desk: Desk, *, fleet_id: FleetId, member_id: MemberId) -> Result:
    """Let a member lead a fleet; settles a contested lead too."""
    desk.decide(FLEETS, fleet_id, fleet.assign_lead, check_member(desk, member_id))
    return {"fleet": fleet_id.hex()}


@verb("fleet.relieve-lead", undo=former("lead", fleet.LeadRelieved))
def relieve_lead(desk: Desk, *, fleet_id: FleetId) -> Result:
    """Let nobody lead a fleet."""
    desk.decide(FLEETS, fleet_id, fleet.relieve_lead)
    return {"fleet": fleet_id.hex()}


@verb("squadron.form", undo=back("squadron.disband", squadron.Formed, thing="squadron_id", begins=True))
def form_squadron(desk: Desk, *, title: str, fleet_id: FleetId | None = None) -> Result:
    """Form a squadron, in a fleet or straight under the organisation."""
    new = desk.new_id()
    desk.decide(SQUADRONS, new, squadron.form, title, check_fleet(desk, fleet_id) if fleet_id else None)
    return {"squadron": new.hex()}


@verb("squadron.rename", undo=former("name", squadron.Renamed))
def rename_squadron(desk: Desk, *, squadron_id: SquadronId, title: str) -> Result:
    """Give a squadron another name."""
    desk.decide(SQUADRONS, squadron_id, squadron.rename, title)
    return {"squadron": squadron_id.hex()}


@verb("squadron.settle-name", undo=like("squadron.rename"))
def settle_squadron_name(desk: Desk, *, squadron_id: SquadronId, title: str) -> Result:
    """Decide for one of several names that were given at the same time."""
    desk.decide(SQUADRONS, squadron_id, squadron.settle_name, title)
    return {"squadron": squadron_id.hex()}


@verb("squadron.disband", undo=back("squadron.reform", squadron.Disbanded, thing="squadron_id", aspect="disbanded"))
def disband_squadron(desk: Desk, *, squadron_id: SquadronId) -> Result:
    """End a squadron."""
    desk.decide(SQUADRONS, squadron_id, squadron.disband)
    return {"squadron": squadron_id.hex()}


@verb("squadron.reform", undo=back("squadron.disband", squadron.Reformed, thing="squadron_id", aspect="disbanded"))
def reform_squadron(desk: Desk, *, squadron_id: SquadronId) -> Result:
    """Undo a disbanding."""
    desk.decide(SQUADRONS, squadron_id, squadron.reform)
    return {"squadron": squadron_id.hex()}


@verb("squadron.move", undo=former("fleet", squadron.Moved))
def move(desk: Desk, *, squadron_id: SquadronId, fleet_id: FleetId | None = None) -> Result:
    """Put a squadron into a fleet, or into none."""
    desk.decide(SQUADRONS, squadron_id, squadron.move, check_fleet(desk, fleet_id) if fleet_id else None)
    return {"squadron": squadron_id.hex()}


@verb("squadron.assign-lead", undo=former("lead", squadron.LeadAssigned))
def assign_squadron_lead(desk: Desk, *, squadron_id: SquadronId, member_id: MemberId) -> Result:
    """Let a member lead a squadron; settles a contested lead too."""
    desk.decide(SQUADRONS, squadron_id, squadron.assign_lead, check_member(desk, member_id))
    return {"squadron": squadron_id.hex()}


@verb("squadron.relieve-lead", undo=former("lead", squadron.LeadRelieved))
def relieve_squadron_lead(desk: Desk, *, squadron_id: SquadronId) -> Result:
    """Let nobody lead a squadron."""
    desk.decide(SQUADRONS, squadron_id, squadron.relieve_lead)
    return {"squadron": squadron_id.hex()}


@verb(
    "squadron.enlist-ship",
    undo=back("squadron.release-ship", squadron.ShipEnlisted, thing="squadron_id", aspect="ship", ship_id="ship"),
)
def enlist_ship(desk: Desk, *, squadron_id: SquadronId, ship_id: ShipId) -> Result:
    """Take a ship into a squadron. It may be in several."""
    desk.decide(SQUADRONS, squadron_id, squadron.enlist_ship, check_ship(desk, ship_id))
    return {"squadron": squadron_id.hex(), "ship": ship_id.hex()}


@verb(
    "squadron.release-ship",
    undo=back("squadron.enlist-ship", squadron.ShipReleased, thing="squadron_id", aspect="ship", ship_id="ship"),
)
def release_ship(desk: Desk, *, squadron_id: SquadronId, ship_id: ShipId) -> Result:
    """Let a ship go from a squadron."""
    desk.decide(SQUADRONS, squadron_id, squadron.release_ship, ship_id)
    return {"squadron": squadron_id.hex(), "ship": ship_id.hex()}


@verb(
    "squadron.enlist-member",
    undo=back(
        "squadron.release-member", squadron.MemberEnlisted, thing="squadron_id", aspect="member", member_id="member"
    ),
)
def enlist_member(desk: Desk, *, squadron_id: SquadronId, member_id: MemberId) -> Result:
    """Take a member into a squadron. A member may be in several."""
    desk.decide(SQUADRONS, squadron_id, squadron.enlist_member, check_member(desk, member_id))
    return {"squadron": squadron_id.hex(), "member": member_id.hex()}


@verb(
    "squadron.release-member",
    undo=back(
        "squadron.enlist-member", squadron.MemberReleased, thing="squadron_id", aspect="member", member_id="member"
    ),
)
def release_member(desk: Desk, *, squadron_id: SquadronId, member_id: MemberId) -> Result:
    """Let a member go from a squadron."""
    desk.decide(SQUADRONS, squadron_id, squadron.release_member, member_id)
    return {"squadron": squadron_id.hex(), "member": member_id.hex()}


@verb(
    "squadron.leave",
    undo=back(
        "squadron.enlist-member", squadron.MemberLeft, thing="squadron_id", aspect="member", member_id=steps.author
    ),
)
def leave(desk: Desk, *, squadron_id: SquadronId) -> Result:
    """Leave a squadron yourself."""
    desk.decide(SQUADRONS, squadron_id, squadron.leave, desk.me)
    return {"squadron": squadron_id.hex()}

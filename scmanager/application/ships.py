"""Ships: one's hangar in the personal space, what of it is shared into an organisation, and what becomes of it there.

A hangar entry lives in the personal space. What an organisation sees is an event of its own there that quotes the
ship's id and model; loans and fleets are said in each space for itself. Nothing moves from one space to another by
itself: what takes a ship off the hangar's list, or says its readiness, answers where it is shown as it was, and
sharing it again tells what has changed since.
"""

from collections.abc import Callable
from typing import Any

from scmanager.application import undo_steps as steps
from scmanager.application.desk import Desk
from scmanager.application.inverses import back, by, former, like
from scmanager.application.named import check_fleet, check_member, owner_named
from scmanager.application.verbs import FleetId, MemberId, ShipId, verb
from scmanager.domain import hangar
from scmanager.domain import ship_events as events
from scmanager.domain.catalogue import SHIPS
from scmanager.domain.event import Id
from scmanager.domain.ship import Ship, Standing, owned_by, readiness_at
from scmanager.domain.ship_events import Readiness, RemovalReason, Source
from scmanager.spaces.space import Space

Result = dict[str, Any]


@verb(
    "ship.add",
    "org",
    "personal",
    undo=back(
        "ship.remove", events.Added, events.AddedFor, thing="ship_id", begins=True, reason=RemovalReason.MISTAKE
    ),
)
def add(
    desk: Desk, *, model: str, owner: MemberId | None = None, organisation: bool = False, nickname: str = ""
) -> Result:
    """Add a ship by its model's catalogue key: your own, another member's, or the organisation's."""
    new = desk.new_id()
    whose = owner_named(desk, owner, organisation)
    desk.decide(SHIPS, new, hangar.add, desk.me, model, Source.TYPED, None, whose)
    if nickname:
        desk.decide(SHIPS, new, hangar.name, desk.me, nickname)
    return {"ship": new.hex()}


@verb("ship.name", "org", "personal", undo=former("nickname", events.Named))
def name(desk: Desk, *, ship_id: ShipId, nickname: str) -> Result:
    """Give a ship a nickname; empty text takes it back. It is erased with its owner's other words."""
    desk.decide(SHIPS, ship_id, hangar.name, desk.me, nickname)
    return {"ship": ship_id.hex()}


@verb("ship.remove", "org", "personal", undo=back("ship.restore", events.Removed, thing="ship_id", aspect="standing"))
def remove(desk: Desk, *, ship_id: ShipId, reason: RemovalReason) -> Result:
    """Take a ship off the list, or onto the wish list (reason `wished`). What is known of it stays.

    From the personal space: `still_shared_in` names the organisations that still see it.
    """
    desk.decide(SHIPS, ship_id, hangar.remove, desk.me, reason)
    return {"ship": ship_id.hex(), "still_shared_in": still_shared_in(desk, [ship_id])}


@verb("ship.restore", "org", "personal", undo=by(steps.ship_removed, events.Restored, aspect="standing"))
def restore(desk: Desk, *, ship_id: ShipId) -> Result:
    """Undo a removal."""
    desk.decide(SHIPS, ship_id, hangar.restore, desk.me)
    return {"ship": ship_id.hex()}


@verb("ship.transfer", undo=by(steps.ship_owner, events.Transferred, aspect="owner"))
def transfer(desk: Desk, *, ship_id: ShipId, owner: MemberId | None = None, organisation: bool = False) -> Result:
    """Give a ship to another member or to the organisation."""
    desk.decide(SHIPS, ship_id, hangar.transfer, desk.me, owner_named(desk, owner, organisation))
    return {"ship": ship_id.hex()}


@verb("ship.settle-owner", undo=like("ship.transfer"))
def settle_owner(desk: Desk, *, ship_id: ShipId, owner: MemberId | None = None, organisation: bool = False) -> Result:
    """Decide whose a ship is that was given to two at the same time."""
    desk.decide(SHIPS, ship_id, hangar.settle_owner, owner_named(desk, owner, organisation))
    return {"ship": ship_id.hex()}


@verb(
    "ship.set-readiness",
    "org",
    "personal",
    undo=by(steps.ship_readiness, events.ReadinessChanged, aspect="readiness"),
)
def set_readiness(desk: Desk, *, ship_id: ShipId, readiness: Readiness, until_s: int = 0) -> Result:
    """Say what state a ship is in. `until_s`: when its claim is through, in UTC seconds, for `in-claim` only.

    From the personal space: `still_shared_in` names the organisations that see it in another.
    """
    desk.decide(SHIPS, ship_id, hangar.set_readiness, desk.me, readiness, desk.now_s, until_s)
    here = desk.state(SHIPS, ship_id)
    return {
        "ship": ship_id.hex(),
        "still_shared_in": _seen_in(desk, lambda org: _otherwise(desk, here, org, ship_id)),
    }


@verb("ship.share", undo=by(steps.ship_shared, events.Shared, aspect="standing"))
def share(desk: Desk, *, ship_id: ShipId) -> Result:
    """Show a ship of your hangar to this organisation, or tell it what has changed since: model, readiness.

    A ship that you have removed from your hangar since is withdrawn there: `withdrawn`.
    """
    if _gone(desk, ship_id):
        desk.decide(SHIPS, ship_id, hangar.withdraw_share, desk.me)
        return {"ship": ship_id.hex(), "withdrawn": [ship_id.hex()]}
    _tell(desk, ship_id, _in_hangar(desk, ship_id))
    return {"ship": ship_id.hex()}


@verb("ship.withdraw", undo=back("ship.share", events.ShareWithdrawn, thing="ship_id", aspect="standing"))
def withdraw(desk: Desk, *, ship_id: ShipId) -> Result:
    """Show a ship to this organisation no longer. It stays in your hangar."""
    desk.decide(SHIPS, ship_id, hangar.withdraw_share, desk.me)
    return {"ship": ship_id.hex()}


@verb("hangar.share", undo=like("ship.share"))
def share_hangar(desk: Desk) -> Result:
    """Show every ship of your hangar to this organisation; those it removed stay removed there.

    Of those that are shown already it tells what has changed since. `ships`: shown, or told anew; `withdrawn`: those
    that you have removed from your hangar since.
    """
    gone = [ship_id for ship_id, one in desk.things(SHIPS) if mine(desk, one) and _gone(desk, ship_id)]
    for ship_id in gone:
        desk.decide(SHIPS, ship_id, hangar.withdraw_share, desk.me)
    shared = []
    for ship_id, one in _hangar(desk):
        known: Ship = desk.state(SHIPS, ship_id)
        if known.standing is Standing.REMOVED or (known.standing is not Standing.UNKNOWN and not mine(desk, known)):
            continue
        before = desk.recorded
        _tell(desk, ship_id, one)
        if desk.recorded > before:
            shared.append(ship_id.hex())
    return {"ships": shared, "withdrawn": [ship_id.hex() for ship_id in gone]}


@verb("hangar.withdraw", undo=like("ship.withdraw"))
def withdraw_hangar(desk: Desk) -> Result:
    """Show none of your ships to this organisation any more. They stay in your hangar."""
    shown = [ship_id for ship_id, one in desk.things(SHIPS) if one.standing is Standing.PRESENT and mine(desk, one)]
    for ship_id in shown:
        desk.decide(SHIPS, ship_id, hangar.withdraw_share, desk.me)
    return {"ships": [ship_id.hex() for ship_id in shown]}


@verb("ship.lend", undo=back("ship.return", events.Lent, thing="ship_id", aspect="loan", borrower="borrower"))
def lend(desk: Desk, *, ship_id: ShipId, borrower: MemberId, until_s: int = 0) -> Result:
    """Lend a ship to a member. `until_s`: the day agreed on in UTC seconds, 0 for none."""
    check_member(desk, borrower)
    desk.decide(SHIPS, ship_id, hangar.lend, desk.me, borrower, desk.now_s, until_s)
    return {"ship": ship_id.hex()}


@verb("ship.return", undo=by(steps.ship_lent_again, events.Returned, aspect="loan"))
def return_(desk: Desk, *, ship_id: ShipId, borrower: MemberId | None = None) -> Result:
    """End a loan: yours, or that of the member named."""
    desk.decide(SHIPS, ship_id, hangar.return_, desk.me, borrower or desk.me)
    return {"ship": ship_id.hex()}


@verb("ship.settle-loan", undo=like("ship.return"))
def settle_loan(desk: Desk, *, ship_id: ShipId, borrower: MemberId) -> Result:
    """Decide who has a ship that was lent to two at the same time."""
    desk.decide(SHIPS, ship_id, hangar.settle_loan, desk.me, borrower)
    return {"ship": ship_id.hex()}


@verb("ship.assign", undo=former("fleet", events.Assigned))
def assign(desk: Desk, *, ship_id: ShipId, fleet_id: FleetId) -> Result:
    """Let a ship fly with a fleet; it leaves the one it flew with."""
    desk.decide(SHIPS, ship_id, hangar.assign, desk.me, check_fleet(desk, fleet_id))
    return {"ship": ship_id.hex(), "fleet": fleet_id.hex()}


@verb("ship.unassign", undo=former("fleet", events.Unassigned))
def unassign(desk: Desk, *, ship_id: ShipId) -> Result:
    """Let a ship fly with no fleet."""
    desk.decide(SHIPS, ship_id, hangar.unassign, desk.me)
    return {"ship": ship_id.hex()}


def mine(desk: Desk, one: Ship) -> bool:
    """Whether a ship is one's own."""
    return owned_by(one, desk.me)


def still_shared_in(desk: Desk, ships: list[Id]) -> list[str]:
    """Organisations, as their spaces' hex ids, that see one of these hangar entries."""
    return _seen_in(desk, lambda org: any(_shown(org.state(SHIPS, ship_id)) for ship_id in ships))


def _seen_in(desk: Desk, sees: Callable[[Space], bool]) -> list[str]:
    """One's organisations, as their spaces' hex ids, that see something; asked in the personal space only."""
    if desk.space.kind != "personal":
        return []
    return [org.id.hex() for org in desk.own_spaces("org") if sees(org)]


def _otherwise(desk: Desk, here: Ship, org: Space, ship_id: Id) -> bool:
    """Whether an organisation sees a ship in another state than its owner said here."""
    there: Any = org.state(SHIPS, ship_id)
    return _shown(there) and readiness_at(there, desk.now_s) is not readiness_at(here, desk.now_s)


def _tell(desk: Desk, ship_id: Id, one: Ship) -> None:
    """Show it as the hangar has it: the model, and the readiness where that is the newer word of the two."""
    desk.decide(SHIPS, ship_id, hangar.share, desk.me, one.model)
    readiness = readiness_at(one, desk.now_s)
    until = one.claim_until if readiness is Readiness.IN_CLAIM else 0
    known: Ship = desk.state(SHIPS, ship_id)
    as_told = (readiness_at(known, desk.now_s), known.claim_until if until else 0) == (readiness, until)
    told_at = max((_readiness_said_at(own, ship_id) for own in desk.own_spaces("personal")), default=0)
    if not as_told and told_at > _readiness_said_at(desk.space, ship_id):
        desk.decide(SHIPS, ship_id, hangar.set_readiness, desk.me, readiness, desk.now_s, until)


def _readiness_said_at(space: Space, ship_id: Id) -> int:
    """The hlc of the last word on a ship's readiness in a space; 0 if nobody said any."""
    thing = space.thing(SHIPS, ship_id)
    said = thing.events() if thing else ()
    return max((at.hlc for at, event in said if isinstance(event, events.ReadinessChanged)), default=0)


def _gone(desk: Desk, ship_id: Id) -> bool:
    """Whether a ship that is one's own and shown here was removed from one's hangar since."""
    held = [space.state(SHIPS, ship_id) for space in desk.own_spaces("personal")]
    found = [one.standing for one in held if isinstance(one, Ship) and one.standing is not Standing.UNKNOWN]
    known = desk.state(SHIPS, ship_id)
    return _shown(known) and mine(desk, known) and bool(found) and Standing.PRESENT not in found


def _shown(one: Any) -> bool:
    return isinstance(one, Ship) and one.standing is Standing.PRESENT


def _hangar(desk: Desk) -> list[tuple[Id, Ship]]:
    """Every ship of one's own that is present in one's personal space, by id."""
    found = [
        (ship_id, one)
        for space in desk.own_spaces("personal")
        for ship_id, one in space.things(SHIPS)
        if isinstance(one, Ship) and one.standing is Standing.PRESENT
    ]
    return sorted(found, key=lambda each: each[0])


def _in_hangar(desk: Desk, ship_id: Id) -> Ship:
    """Raises ShipUnknown, ShipGone."""
    held = [space.state(SHIPS, ship_id) for space in desk.own_spaces("personal")]
    found = [one for one in held if isinstance(one, Ship) and one.standing is not Standing.UNKNOWN]
    if not found:
        raise hangar.ShipUnknown
    if found[0].standing is not Standing.PRESENT:
        raise hangar.ShipGone(standing=found[0].standing.value)
    return found[0]

"""Every act on a thing that is there, as two devices can say it at once: what must hold before, and what each says.

The two devices say different things wherever there is a choice, so an act meets itself as well. `ELSEWHERE` names the
verbs that cannot meet another on one thing, and why.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from scmanager.application.desk import Desk
from scmanager.application.verbs import VERBS
from scmanager.domain import (
    character,
    contact,
    fleet,
    hangar,
    member,
    negotiation,
    organisation,
    placeholder,
    role,
    squadron,
)
from scmanager.domain import operation_crew as crew
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import (
    CHARACTERS,
    CONTACTS,
    FLEETS,
    MACHINES,
    MEMBERS,
    OPERATIONS,
    ORGANISATIONS,
    ROLES,
    SHIPS,
    SQUADRONS,
    TREATIES,
)
from scmanager.domain.character import CharacterSheet, Copy, Fate, SheetText
from scmanager.domain.diplomacy import Side, Stance
from scmanager.domain.fold import Fold
from scmanager.domain.member import RemovalReason
from scmanager.domain.negotiation import Times
from scmanager.domain.operation_events import Answer, CancelReason, Outcome
from scmanager.domain.operation_parts import Window
from scmanager.domain.ship_events import Owner, OwnerKind, Readiness, Source
from scmanager.domain.ship_events import RemovalReason as Gone
from scmanager.domain.subject import NOBODY
from scmanager.domain.treaty_events import EndReason, Kind

START_S = 4_000_000_000


class World(msgspec.Struct, frozen=True):
    """What is there beside the thing, two of each, so that two devices can name different ones."""

    members: tuple[bytes, bytes]
    fleets: tuple[bytes, bytes]
    ships: tuple[bytes, bytes]
    contact: bytes


Do = Callable[[Desk, World, bytes, int], None]
"""(desk, world, thing, which of the two devices)"""


class Act(msgspec.Struct, frozen=True):
    """A verb on a thing that is there."""

    verb: str
    do: Do
    given: tuple[Do, ...] = ()
    """What must have been said before, so that it can be said at all."""


class Kindred(msgspec.Struct, frozen=True):
    """A kind of thing and all acts on it."""

    fold: Fold
    begin: Do
    acts: tuple[Act, ...]
    where: str = ""
    """Which spaces, where not every act is said in all of them."""

    def thing(self, data: bytes) -> bytes:
        """An id for one of this kind, out of 16 bytes whose last stays."""
        return NOBODY + data[2:] if self.fold is CONTACTS else data


def said(verb: str, id_: str = "", **arguments: Any) -> Do:
    """The verb itself; what is callable is asked for (world, thing, device), a list has one value a device."""

    def do(desk: Desk, world: World, thing: bytes, side: int) -> None:
        told = {name: _value(value, world, thing, side) for name, value in arguments.items()}
        VERBS[verb].act(desk, **({id_: thing} if id_ else {}), **told)

    return do


def decided(fold: Fold, decision: Callable[..., Any], *arguments: Any) -> Do:
    """The decision behind a verb that finds its thing by itself (the organisation, one's own)."""

    def do(desk: Desk, world: World, thing: bytes, side: int) -> None:
        desk.decide(fold, thing, decision, *(_value(each, world, thing, side, desk) for each in arguments))

    return do


def _value(value: Any, world: World, thing: bytes, side: int, desk: Desk | None = None) -> Any:
    if value is ME and desk is not None:
        return desk.me
    if callable(value):
        return value(world, thing, side)
    return value[side] if isinstance(value, list) else value


ME = object()


def _ids(name: str) -> Callable[[World, bytes, int], bytes]:
    return lambda world, _, side: bytes(getattr(world, name)[side])


def _slot(number: int) -> Callable[[World, bytes, int], bytes]:
    """A slot or a squad of the operation."""
    return lambda _world, thing, _side: thing[:15] + bytes([number])


MEMBER, FLEET, SHIP = _ids("members"), _ids("fleets"), _ids("ships")
FIRST_MEMBER: Callable[[World, bytes, int], bytes] = lambda world, _thing, _side: world.members[0]  # noqa: E731
ONE_MEMBER: Callable[[World, bytes, int], tuple[bytes]] = lambda world, _thing, side: (world.members[side],)  # noqa: E731
GUN, HULL, SQUAD = _slot(1), _slot(2), _slot(3)
TITLES = ["North", "South"]
TEXTS = ["We mine.", "We fly."]


def _organisation() -> Kindred:
    o, fold = organisation, ORGANISATIONS
    other = bytes(range(16))
    noted = decided(fold, o.affiliate, other, "Lyra")
    return Kindred(
        fold,
        decided(fold, o.found, "Nova"),
        (
            Act("organisation.rename", decided(fold, o.rename, TITLES)),
            Act("organisation.describe", decided(fold, o.describe, TEXTS)),
            Act("organisation.set-sid", decided(fold, o.set_sid, ["ONE", "TWO"])),
            Act("organisation.archive", decided(fold, o.archive)),
            Act("organisation.restore", decided(fold, o.restore), (decided(fold, o.archive),)),
            Act("organisation.affiliate", decided(fold, o.affiliate, other, TITLES)),
            Act("organisation.unaffiliate", decided(fold, o.unaffiliate, other), (noted,)),
        ),
    )


def _role() -> Kindred:
    return Kindred(
        ROLES,
        decided(ROLES, role.define, "Pilot", 5, (), 0, frozenset()),
        (
            Act("role.change", said("role.change", "role_id", title=TITLES, rank=6)),
            Act("role.withdraw", said("role.withdraw", "role_id")),
        ),
    )


def _member() -> Kindred:
    def record(desk: Desk, _world: World, thing: bytes, _side: int) -> None:
        desk.decide(MEMBERS, thing, member.record, thing, "grace", "")

    invite = said("member.invite", "member_id")
    claim = decided(MEMBERS, placeholder.claim, MEMBER)

    def claimed(desk: Desk, world: World, thing: bytes, _side: int) -> None:
        desk.record(MEMBERS, thing, member.Claimed(world.ships[0]))

    return Kindred(
        MEMBERS,
        record,
        (
            Act("member.change-profile", said("member.change-profile", "member_id", handle=["grace1", "grace2"])),
            Act("member.note", said("member.note", "member_id", text=TEXTS)),
            Act("member.invite", said("member.invite", "member_id", until_s=[START_S, START_S + 1])),
            Act("member.withdraw-invitation", said("member.withdraw-invitation", "member_id"), (invite,)),
            Act("member.leave", said("member.leave", "member_id")),
            Act(
                "member.remove",
                said("member.remove", "member_id", reason=[RemovalReason.CONDUCT, RemovalReason.INACTIVE]),
            ),
            Act("member.claim", claim),
            Act("member.settle-claim", decided(MEMBERS, placeholder.settle_claim, MEMBER, 0), (claimed,)),
        ),
    )  # fmt: skip


def _ship() -> Kindred:
    def add(desk: Desk, _world: World, thing: bytes, _side: int) -> None:
        mine = Owner(OwnerKind.MEMBER, desk.me)
        desk.decide(SHIPS, thing, hangar.add, desk.me, "drak-corsair", Source.TYPED, None, mine)

    i = "ship_id"
    lent = said("ship.lend", i, borrower=FIRST_MEMBER)
    return Kindred(
        SHIPS,
        add,
        (
            Act("ship.name", said("ship.name", i, nickname=["Rocinante", "Nostromo"])),
            Act("ship.remove", said("ship.remove", i, reason=[Gone.SOLD, Gone.MELTED])),
            Act("ship.restore", said("ship.restore", i), (said("ship.remove", i, reason=Gone.SOLD),)),
            Act("ship.transfer", said("ship.transfer", i, owner=MEMBER)),
            Act("ship.set-readiness", said("ship.set-readiness", i, readiness=[Readiness.DAMAGED, Readiness.LOST])),
            Act("ship.share", decided(SHIPS, hangar.share, ME, ["anvl-carrack", "aegs-gladius"])),
            Act("ship.withdraw", said("ship.withdraw", i)),
            Act("ship.lend", said("ship.lend", i, borrower=MEMBER)),
            Act("ship.return", said("ship.return", i, borrower=FIRST_MEMBER), (lent,)),
            Act("ship.assign", said("ship.assign", i, fleet_id=FLEET)),
            Act("ship.unassign", said("ship.unassign", i), (said("ship.assign", i, fleet_id=FLEET),)),
        ),
    )


def _fleet() -> Kindred:
    i = "fleet_id"
    led = said("fleet.assign-lead", i, member_id=lambda world, _t, _s: world.members[0])
    return Kindred(
        FLEETS,
        decided(FLEETS, fleet.form, "First"),
        (
            Act("fleet.rename", said("fleet.rename", i, title=TITLES)),
            Act("fleet.disband", said("fleet.disband", i)),
            Act("fleet.reform", said("fleet.reform", i), (said("fleet.disband", i),)),
            Act("fleet.assign-lead", said("fleet.assign-lead", i, member_id=MEMBER)),
            Act("fleet.relieve-lead", said("fleet.relieve-lead", i), (led,)),
        ),
    )


def _squadron() -> Kindred:
    i = "squadron_id"
    ship = said("squadron.enlist-ship", i, ship_id=lambda world, _t, _s: world.ships[0])
    one = said("squadron.enlist-member", i, member_id=FIRST_MEMBER)

    def me(desk: Desk, _world: World, thing: bytes, _side: int) -> None:
        desk.decide(SQUADRONS, thing, squadron.enlist_member, desk.me)

    return Kindred(
        SQUADRONS,
        decided(SQUADRONS, squadron.form, "Red"),
        (
            Act("squadron.rename", said("squadron.rename", i, title=TITLES)),
            Act("squadron.disband", said("squadron.disband", i)),
            Act("squadron.reform", said("squadron.reform", i), (said("squadron.disband", i),)),
            Act("squadron.move", said("squadron.move", i, fleet_id=FLEET)),
            Act("squadron.assign-lead", said("squadron.assign-lead", i, member_id=MEMBER)),
            Act("squadron.relieve-lead", said("squadron.relieve-lead", i),
                (said("squadron.assign-lead", i, member_id=FIRST_MEMBER),)),
            Act("squadron.enlist-ship", said("squadron.enlist-ship", i, ship_id=SHIP)),
            Act("squadron.release-ship",
                said("squadron.release-ship", i, ship_id=lambda world, _t, _s: world.ships[0]), (ship,)),
            Act("squadron.enlist-member", said("squadron.enlist-member", i, member_id=MEMBER)),
            Act("squadron.release-member", said("squadron.release-member", i, member_id=FIRST_MEMBER), (one,)),
            Act("squadron.leave", said("squadron.leave", i), (me,)),
        ),
    )  # fmt: skip


def _operation() -> Kindred:
    i = "operation_id"

    def plan(desk: Desk, _world: World, thing: bytes, _side: int) -> None:
        def act(decide: Callable[..., Any], *arguments: Any) -> None:
            desk.decide(OPERATIONS, thing, decide, *arguments)

        act(planning.plan, "Jump", Window(START_S, START_S + 3600, "UTC"))
        act(planning.form_squad, thing[:15] + b"\3", "Alpha")
        act(planning.add_ship_slot, thing[:15] + b"\2", "Hull", (), None, False)
        act(planning.add_crew_slots, (thing[:15] + b"\1", thing[:15] + b"\4"), "gunner", None, None, False)

    def signed(desk: Desk, world: World, thing: bytes, _side: int) -> None:
        for each in world.members:
            desk.decide(OPERATIONS, thing, crew.sign_up, desk.me, each, Answer.ACCEPTED)

    begun = said("operation.start", i)
    answers = [Answer.TENTATIVE, Answer.DECLINED]
    windows = [Window(START_S + 60, START_S + 3600, "UTC"), Window(START_S + 90, START_S + 3600, "UTC")]
    put = said("operation.take-slot", i, slot=GUN, member_id=FIRST_MEMBER)
    berthed = said("operation.assign-ship", i, slot=HULL, ship_id=lambda world, _t, _s: world.ships[0])
    return Kindred(
        OPERATIONS,
        plan,
        (
            Act("operation.rename", said("operation.rename", i, title=TITLES)),
            Act("operation.describe", said("operation.describe", i, objective=TEXTS)),
            Act("operation.reschedule", decided(OPERATIONS, planning.reschedule, windows)),
            Act("operation.limit-crew", said("operation.limit-crew", i, most=[7, 9])),
            Act("operation.set-reminders", said("operation.set-reminders", i, before=[(60,), (90,)])),
            Act("operation.form-squad", said("operation.form-squad", i, title=TITLES)),
            Act("operation.disband-squad", said("operation.disband-squad", i, squad=SQUAD)),
            Act("operation.add-crew-slots", said("operation.add-crew-slots", i, role=["pilot", "medic"])),
            Act("operation.add-ship-slot", said("operation.add-ship-slot", i, title=["Cutter", "Hauler"])),
            Act("operation.drop-slot", said("operation.drop-slot", i, slot=GUN)),
            Act("operation.assign-lead", said("operation.assign-lead", i, member_id=MEMBER)),
            Act("operation.relieve-lead", said("operation.relieve-lead", i),
                (said("operation.assign-lead", i, member_id=FIRST_MEMBER),)),
            Act("operation.sign-up", said("operation.sign-up", i, answer=answers, member_id=FIRST_MEMBER)),
            Act("operation.take-slot", said("operation.take-slot", i, slot=GUN, member_id=MEMBER), (signed,)),
            Act("operation.leave-slot", said("operation.leave-slot", i, slot=GUN), (signed, put)),
            Act("operation.assign-ship", said("operation.assign-ship", i, slot=HULL, ship_id=SHIP)),
            Act("operation.release-ship", said("operation.release-ship", i, slot=HULL), (berthed,)),
            Act("operation.check-in", said("operation.check-in", i, member_id=MEMBER)),
            Act("operation.start", begun),
            Act("operation.complete", said("operation.complete", i, outcome=[Outcome.SUCCESS, Outcome.FAILURE]),
                (begun,)),
            Act("operation.cancel",
                said("operation.cancel", i, reason=[CancelReason.TOO_FEW, CancelReason.SERVERS], text=TEXTS)),
            Act("operation.reinstate", said("operation.reinstate", i), (begun,)),
            Act("operation.take-attendance", said("operation.take-attendance", i, members=ONE_MEMBER), (begun,)),
        ),
    )  # fmt: skip


def _contact() -> Kindred:
    i = "contact_id"

    def record(desk: Desk, _world: World, thing: bytes, _side: int) -> None:
        desk.decide(CONTACTS, thing, contact.record, "Tallow", desk.space.id, "TLW", None)

    war = said("contact.declare-war", i)
    return Kindred(
        CONTACTS,
        record,
        (
            Act("contact.rename", said("contact.rename", i, title=TITLES)),
            Act("contact.set-sid", said("contact.set-sid", i, sid=["ONE", "TWO"])),
            Act("contact.identify", said("contact.identify", i, space_id=[b"1" * 32, b"2" * 32])),
            Act("contact.note", said("contact.note", i, text=TEXTS)),
            Act("contact.archive", said("contact.archive", i)),
            Act("contact.restore", said("contact.restore", i), (said("contact.archive", i),)),
            Act("contact.set-stance", said("contact.set-stance", i, stance=[Stance.ALLY, Stance.HOSTILE])),
            Act("contact.report-stance", said("contact.report-stance", i, stance=[Stance.ALLY, Stance.HOSTILE])),
            Act("contact.declare-war", said("contact.declare-war", i, by=[Side.US, Side.THEM])),
            Act("contact.make-peace", said("contact.make-peace", i), (war,)),
        ),
    )


def _treaty() -> Kindred:
    i = "treaty_id"

    def propose(desk: Desk, world: World, thing: bytes, _side: int) -> None:
        times = Times(0, 0, 14)
        desk.decide(
            TREATIES, thing, negotiation.propose,
            world.contact, Kind.COOPERATION, "Pact", "No shots.", Side.US, times, desk.now_s,
        )  # fmt: skip

    def first(desk: Desk, _world: World, thing: bytes, _side: int) -> None:
        chosen = desk.state(TREATIES, thing).versions[0].entry
        desk.decide(TREATIES, thing, negotiation.choose_terms, chosen)

    more = said("treaty.change-terms", i, text="Else.")
    sign, claim = said("treaty.sign", i), said("treaty.claim-acceptance", i, text=TEXTS)
    withdraw = said("treaty.withdraw", i)
    return Kindred(
        TREATIES,
        propose,
        (
            Act("treaty.change-terms", said("treaty.change-terms", i, text=TEXTS)),
            Act("treaty.choose-terms", first, (more,)),
            Act("treaty.sign", sign),
            Act("treaty.claim-acceptance", claim),
            Act("treaty.decline", said("treaty.decline", i)),
            Act("treaty.withdraw", withdraw),
            Act("treaty.end", said("treaty.end", i, reason=[EndReason.CANCELLED, EndReason.BROKEN]), (sign, claim)),
            Act("treaty.reinstate", said("treaty.reinstate", i), (withdraw,)),
        ),
    )


def _character() -> Kindred:
    c, fold = character, CHARACTERS
    sheets = [CharacterSheet("Wren", origin="Terra"), CharacterSheet("Wren", origin="Pyro")]
    retired = decided(fold, c.retire, ME, Fate.RETIRED)
    return Kindred(
        fold,
        decided(fold, c.make, ME, CharacterSheet("Wren")),
        (
            Act("character.describe", decided(fold, c.describe, ME, sheets)),
            Act("character.retire", decided(fold, c.retire, ME, [Fate.DEAD, Fate.MISSING])),
            Act("character.return", decided(fold, c.return_, ME), (retired,)),
        ),
        "in one's own space",
    )


def _shown_character() -> Kindred:
    c, fold = character, CHARACTERS
    copies = [
        Copy(CharacterSheet("Wren", origin="Terra"), text=SheetText("Born in a storm.")),
        Copy(CharacterSheet("Wren", origin="Pyro"), text=SheetText("Born at sea.")),
    ]
    return Kindred(
        fold,
        decided(fold, c.share, ME, Copy(CharacterSheet("Wren")), None),
        (
            Act("character.share", decided(fold, c.share, ME, copies, None)),
            Act("character.withdraw", decided(fold, c.withdraw_share, ME)),
        ),
        "shown to an organisation",
    )


def _machine() -> Kindred:
    def name(desk: Desk, _: World, thing: bytes, side: int) -> None:
        VERBS["device.name"].act(desk, device=thing * 2, name=["Laptop", "Tower"][side])

    return Kindred(MACHINES, name, (Act("device.name", name),))


KINDS = tuple(
    make()
    for make in (
        _organisation, _role, _member, _ship, _fleet, _squadron, _operation, _contact, _treaty, _character,
        _shown_character, _machine,
    )
)  # fmt: skip

_NEW = (
    "It makes a new thing under an id of its own. What two say of one that both began is contested, value by value."
)
_JUDGED = "Governance: which of two acts counts is judged from the set of entries alone (ADR 2)."
_SETTLES = "It settles what is contested already, and says what the ordinary verb of that field says."
_MANY = "It says the verbs of ships, each ship by itself."
ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(
        ("role.define", "member.record", "ship.add", "fleet.form", "squadron.form", "operation.plan",
         "operation.copy", "operation.save-template", "contact.record", "treaty.propose", "character.make"),
        _NEW,
    ),
    **dict.fromkeys(
        ("member.grant", "member.set-role", "member.erase", "device.enrol", "device.cut", "event.reissue"), _JUDGED
    ),
    **dict.fromkeys(
        ("settle", "organisation.settle-name", "fleet.settle-name", "squadron.settle-name", "ship.settle-owner",
         "ship.settle-loan", "character.settle-sheet"),
        _SETTLES,
    ),
    **dict.fromkeys(("hangar.import", "hangar.undo-import", "hangar.share", "hangar.withdraw"), _MANY),
    **dict.fromkeys(("document.edit", "document.undo"), "Edits at the same time are merged: see ADR 13."),
    "document.leave-out": "What is written at that time counts, unless it builds on what is left out: see ADR 13.",
    "document.take-in": "It takes back one leaving-out; another one said at that time stands.",
    "notification.mark-read": "Only the member says it, of himself; what two devices read is read.",
    **dict.fromkeys(
        ("privacy.consent", "privacy.withdraw"),
        "Only the member says it, of himself. Of a consent and a withdrawal at one time, the withdrawal holds.",
    ),
    "undo": "It says what the ordinary verb says that undoes something.",
    "operation.repeat": "It makes new operations, and puts this one into their series: the last series stands.",
    "member.join": "Only the member says it. Met by a withdrawn invitation it is contested: field `joining`.",
    "member.confirm": "It settles a contested joining.",
    "character.choose-main": "Only the member says it, of himself. Two at once are contested: field `main`.",
    "character.drop-main": "Only the member says it. A main one that is chosen at that time stays.",
}  # fmt: skip
"""Verbs that the table has no row for, and why."""

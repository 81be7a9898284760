"""An organisation to read: members, ships, a fleet, squadrons, roles; written by the domain's own decisions."""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain import fleet, hangar, hangar_import, member, player, role, squadron
from scmanager.domain import operation_crew as crew
from scmanager.domain import operation_flow as flow
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import FLEETS, IMPORTS, MEMBERS, OPERATIONS, PLAYERS, ROLES, SHIPS, SQUADRONS
from scmanager.domain.operation_events import Answer
from scmanager.domain.operation_parts import Window
from scmanager.domain.ship_events import Owner, OwnerKind, Readiness, Source
from scmanager.domain.subject import nobodys
from tests.support.api_node import ApiNode
from tests.support.books import agree, record_contact, show_character

MODELS = ("aegs-gladius", "anvl-carrack", "drak-cutlass-black", "misc-prospector", "rsi-constellation")
STARTS = 4_000_000_000
"""When its operation begins."""
RIGHTS = ("member.invite", "member.represent")


class Nova(msgspec.Struct, frozen=True):
    """Hex ids."""

    space: str
    organisation: str
    members: list[str]
    ships: list[str]
    fleet: str
    squadron: str
    role: str
    operation: str
    contact: str
    treaty: str
    character: str


def populate(node: ApiNode, *, members: int, ships: int, title: str = "Nova") -> Nova:
    """Found it and fill it in a few commits; returns when the read models show it."""
    founding = node.found_organisation(secrets.token_bytes(16), {"title": title, "sid": "NOVA", "handle": "founder"})
    space = bytes.fromhex(founding.result()["space"])
    made: dict[str, Any] = {"members": [], "ships": []}

    def act(desk: Desk) -> dict[str, Any]:
        _people(desk, members, made)
        _ships(desk, ships, made)
        _imports(desk)
        _formations(desk, made)
        _operation(desk, made)
        _others(desk, made)
        return {}

    node.node.writer.do(Command(secrets.token_bytes(16), space, act))
    assert node.wait_projected(node.last_pos(), 60)
    return Nova(space.hex(), space[:16].hex(), **made)


def _people(desk: Desk, count: int, made: dict[str, Any]) -> None:
    for number in range(count):
        new = desk.new_id()
        desk.decide(MEMBERS, new, member.record, new, f"Pilot-{number:03}", f"The {number}th")
        made["members"].append(new.hex())
    chosen = desk.new_id()
    desk.decide(ROLES, chosen, role.define, "Officer", 2, RIGHTS, desk.grant.rank, desk.grant.rights)
    made["role"] = chosen.hex()


def _imports(desk: Desk) -> None:
    mine = Owner(OwnerKind.MEMBER, desk.me)
    for number, tool in enumerate(("hangarxplor", "fleetyards", "hangarxplor")):
        new = desk.new_id()
        desk.decide(IMPORTS, new, hangar_import.apply, hangar_import.Applied(tool, mine, number + 1, number, 1, 0))
        if number == 1:
            desk.decide(IMPORTS, new, hangar_import.undo, desk.me)


def _ships(desk: Desk, count: int, made: dict[str, Any]) -> None:
    for number in range(count):
        new = desk.new_id()
        owner = Owner(OwnerKind.MEMBER, bytes.fromhex(made["members"][number % len(made["members"])]))
        desk.decide(SHIPS, new, hangar.add, desk.me, MODELS[number % len(MODELS)], Source.TYPED, None, owner)
        if number % 7 == 3:
            desk.decide(SHIPS, new, hangar.set_readiness, desk.me, Readiness.DAMAGED, desk.now_s)
        made["ships"].append(new.hex())


def _others(desk: Desk, made: dict[str, Any]) -> None:
    tallow, pact = nobodys(desk.new_id()), desk.new_id()
    record_contact(tallow, "Tallow")(desk)
    agree(pact, tallow, until=4_000_000_000)(desk)
    record_contact(nobodys(desk.new_id()), "Brine")(desk)
    vesper = desk.new_id()
    show_character(vesper, "Vesper Ilo", "medic")(desk)
    show_character(desk.new_id(), "Kestrel")(desk)
    desk.decide(PLAYERS, desk.me, player.choose_main, vesper)
    made["character"] = vesper.hex()
    made["contact"], made["treaty"] = tallow.hex(), pact.hex()


def _formations(desk: Desk, made: dict[str, Any]) -> None:
    flying, wing = desk.new_id(), desk.new_id()
    desk.decide(FLEETS, flying, fleet.form, "First")
    desk.decide(FLEETS, flying, fleet.assign_lead, bytes.fromhex(made["members"][0]))
    desk.decide(SQUADRONS, wing, squadron.form, "Red", flying)
    for ship in made["ships"][:3]:
        desk.decide(SQUADRONS, wing, squadron.enlist_ship, bytes.fromhex(ship))
    for each in made["members"][:2]:
        desk.decide(SQUADRONS, wing, squadron.enlist_member, bytes.fromhex(each))
    made["fleet"], made["squadron"] = flying.hex(), wing.hex()


def _operation(desk: Desk, made: dict[str, Any]) -> None:
    """One with words, slots, a ship, a crew and one who waits; and a template."""
    jumptown, hull, guns = desk.new_id(), desk.new_id(), tuple(desk.new_id() for _ in range(2))
    pilots = [bytes.fromhex(each) for each in made["members"][:3]]

    def act(decide: Callable[..., Any], *arguments: Any) -> None:
        desk.decide(OPERATIONS, jumptown, decide, *arguments)

    act(planning.plan, "Jumptown", Window(STARTS, STARTS + 7200, "Europe/Berlin"))
    act(planning.describe, desk.organisation, "Take it.", "Yela")
    act(planning.set_reminders, (3600, 900))
    act(planning.add_ship_slot, hull, "Gunship", (MODELS[0],), None, False)
    act(planning.add_crew_slots, guns, "gunner", hull, None, False)
    act(planning.assign_ship, hull, bytes.fromhex(made["ships"][0]), MODELS[0])
    for each in pilots:
        act(crew.sign_up, desk.me, each, Answer.ACCEPTED, ("gunner",))
    act(crew.take_slot, desk.me, pilots[0], guns[0])
    act(crew.check_in, desk.me, pilots[0])
    act(flow.start)
    act(flow.take_attendance, desk.new_id(), STARTS, ())
    source = desk.state(OPERATIONS, jumptown)
    desk.decide(OPERATIONS, desk.new_id(), planning.copy, source, "As ever", 0, None)
    made["operation"] = jumptown.hex()

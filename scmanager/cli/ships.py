"""Ships, fleets and squadrons out of the folder itself, as lists."""

import time
from collections.abc import Iterable
from typing import Any

import typer

from scmanager.application.verbs import FleetId, MemberId
from scmanager.cli import names
from scmanager.cli.calling import Called, Register
from scmanager.cli.moments import Moment
from scmanager.cli.output import JsonFlag
from scmanager.cli.people import AllFlag, Row, list_rows, list_rows_of
from scmanager.cli.session import Place
from scmanager.cli.verbs import OrgOption, PersonalFlag
from scmanager.domain.catalogue import FLEETS, SHIPS, SQUADRONS
from scmanager.domain.ship import Ship, readiness_at
from scmanager.domain.ship_events import Owner, OwnerKind
from scmanager.forensics import gone
from scmanager.spaces.space import Space


def list_ships(
    context: typer.Context, everything: AllFlag = False, org: OrgOption = None, personal: PersonalFlag = False,
    as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """The ships of an organisation, or those of your own hangar."""
    empty = "No ship yet. Import your list: scm import FILE"
    empty += "" if personal else ", then show it here: scm hangar share"
    list_rows_of(context, org, rows_of_ships, as_json, empty, personal=personal, everything=everything)


def list_fleets(
    context: typer.Context, everything: AllFlag = False, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """The fleets."""
    empty = 'No fleet yet. Form one: scm fleet form "Home Fleet"'
    list_rows(context, org, _fleets, as_json, empty, everything=everything)


def list_squadrons(
    context: typer.Context, everything: AllFlag = False, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """The squadrons."""
    empty = 'No squadron yet. Form one: scm squadron form "Red Wing"'
    list_rows(context, org, _squadrons, as_json, empty, everything=everything)


def rows_of_ships(place: Place, space: Space) -> Iterable[Row]:
    """Every ship with its nickname, whose it is, who has it on loan, and until when claims and loans last."""
    ships: list[tuple[bytes, Any]] = [
        (entity, each) for entity, each in space.things(SHIPS) if isinstance(each, Ship)
    ]
    people, fleets = names.register(MemberId, place, space), names.register(FleetId, place, space)
    called, now_s = names.nicknames(place, space, (each for _, each in ships)), int(time.time())
    for entity, ship in ships:
        readiness = readiness_at(ship, now_s)
        yield {
            "model": ship.model,
            "nickname": called.get(ship.nickname, ""),
            "owner": owner_of(space, ship.owner, people),
            "readiness": readiness.value,
            "claim_until": Moment(ship.claim_until if readiness is ship.readiness else 0),
            "lent_to": [people.call(loan.value.borrower) for loan in ship.loans],
            "lent_until": [Moment(loan.value.until) for loan in ship.loans],
            "fleet": fleets.call(ship.fleet) if ship.fleet else None,
            "gone": gone.mark(ship, now_s),
            "id": entity,
        }


def owner_of(space: Space, owner: Owner | None, people: Register) -> Called | None:
    """Whose something is: a member's, or the organisation's."""
    if owner is None:
        return None
    if owner.kind is OwnerKind.ORGANISATION:
        return Called(owner.id, names.title_of(space))
    return people.call(owner.id) if space.kind == "org" else Called(owner.id, instead="you")


def _fleets(place: Place, space: Space) -> Iterable[Row]:
    people = names.register(MemberId, place, space)
    flying: dict[bytes, int] = {}
    for _, each in space.things(SHIPS):
        ship: Any = each
        if ship.fleet and not gone.mark(ship, 0):
            flying[ship.fleet] = flying.get(ship.fleet, 0) + 1
    for entity, state in space.things(FLEETS):
        fleet: Any = state
        yield {
            "title": fleet.title, "lead": people.call(fleet.lead) if fleet.lead else None,
            "ships": flying.get(entity, 0), "gone": gone.mark(fleet, 0), "id": entity,
        }  # fmt: skip


def _squadrons(place: Place, space: Space) -> Iterable[Row]:
    fleets = names.register(FleetId, place, space)
    for entity, state in space.things(SQUADRONS):
        held: Any = state
        yield {
            "title": held.title, "fleet": fleets.call(held.fleet) if held.fleet else None,
            "ships": len(held.ships), "members": len(held.members), "gone": gone.mark(held, 0), "id": entity,
        }  # fmt: skip

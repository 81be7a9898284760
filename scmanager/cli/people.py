"""Lists out of the folder itself, for whoever has no node running: members, roles, devices, ships, fleets."""

from collections.abc import Callable, Iterable
from typing import Any

import typer

from scmanager.application.verbs import FleetId, RoleId
from scmanager.cli import names
from scmanager.cli.output import JsonFlag, say_json, say_table, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption, PersonalFlag
from scmanager.domain.catalogue import FLEETS, MEMBERS, ROLES, SHIPS, SQUADRONS
from scmanager.domain.governance import DeviceCut
from scmanager.domain.ship import Standing as ShipStanding
from scmanager.spaces.space import Space

Row = dict[str, Any]
NOT_IN_YET = (
    "You are not in yet: give your request to whoever invited you, then scm space import the file they export."
)


def list_members(context: typer.Context, org: OrgOption = None, as_json: JsonFlag = False) -> None:
    """Everybody who is or was on the roster."""
    list_rows(context, org, _members, as_json, "Nobody yet. Record somebody: scm member record HANDLE")


def list_roles(context: typer.Context, org: OrgOption = None, as_json: JsonFlag = False) -> None:
    """The roles that grants are written from."""
    list_rows(context, org, _roles, as_json, "No role yet. Define one: scm role define Member 5")


def list_ships(
    context: typer.Context, org: OrgOption = None, personal: PersonalFlag = False, as_json: JsonFlag = False
) -> None:
    """The ships of an organisation, or those of your own hangar."""
    empty = "No ship yet. Import your list: scm import FILE"
    shown = "" if personal else ", then show it here: scm hangar share"
    list_rows_of(context, org, _ships, as_json, empty + shown, personal=personal)


def list_fleets(context: typer.Context, org: OrgOption = None, as_json: JsonFlag = False) -> None:
    """The fleets."""
    list_rows(context, org, _fleets, as_json, 'No fleet yet. Form one: scm fleet form "Home Fleet"')


def list_squadrons(context: typer.Context, org: OrgOption = None, as_json: JsonFlag = False) -> None:
    """The squadrons."""
    list_rows(context, org, _squadrons, as_json, 'No squadron yet. Form one: scm squadron form "Red Wing"')


def list_devices(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Your devices in each space, this machine among them."""
    with session_of(context).open() as place:
        rows = [row for space in place.shelf.spaces() for row in _devices(place, space)]
    show_rows(
        rows, as_json, "No device acts anywhere yet. Found an organisation, or join one: scm space request FILE"
    )


def me(place: Place, space: Space) -> bytes | None:
    """As which member this folder acts in a space."""
    own = set(place.vault.logs_of(space.id))
    return next((each.grant.member for each in space.grants() if own & set(each.levels)), None)


def list_rows(
    context: typer.Context, org: str | None, rows_of: Callable[[Place, Space], Iterable[Row]], as_json: bool,
    empty: str,
) -> None:  # fmt: skip
    """The rows of one organisation; when there are none, the next step instead."""
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        rows = list(rows_of(place, space))
        if not rows and me(place, space) is None:
            empty = NOT_IN_YET
    show_rows(rows, as_json, empty)


def list_rows_of(
    context: typer.Context, org: str | None, rows_of: Callable[[Place, Space], Iterable[Row]], as_json: bool,
    empty: str, *, personal: bool,
) -> None:  # fmt: skip
    """Rows of an organisation, or of your own space."""
    if not personal:
        list_rows(context, org, rows_of, as_json, empty)
        return
    with session_of(context).open() as place:
        own = [space for space in place.personal_spaces() if me(place, space)]
        rows = [row for space in own for row in rows_of(place, space)]
    show_rows(rows, as_json, empty)


def show_rows(rows: list[Row], as_json: bool, empty: str) -> None:
    """A table of rows that have the same columns, or JSON."""
    if as_json:
        say_json(rows)
        return
    columns = list(rows[0]) if rows else []
    say_table(
        [column.replace("_", " ") for column in columns],
        [[_cell(row[column]) for column in columns] for row in rows],
        empty,
    )


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return short(value)
    if isinstance(value, list | tuple):
        return ", ".join(_cell(each) for each in value)
    return "" if value is None else str(value)


def _members(place: Place, space: Space) -> Iterable[Row]:
    grants = {standing.grant.member: standing.grant for standing in space.grants()}
    roles = names.known(RoleId, place, space)
    for entity, state in space.things(MEMBERS):
        member: Any = state
        profile = names.profile_of(place, space, member.profile)
        grant = grants.get(entity)
        yield {
            "handle": profile.handle if profile else "",
            "name": profile.display_name if profile else "",
            "standing": member.standing.value,
            "role": _role(grant, roles),
            "id": entity,
        }


def _role(grant: Any, roles: list[names.Named]) -> str:
    if grant is None:
        return ""
    if grant.rank == 0:
        return "founder"
    return next((each.names[0] for each in roles if each.id == grant.role), f"rank {grant.rank}")


def _roles(_place: Place, space: Space) -> Iterable[Row]:
    for entity, state in space.things(ROLES):
        role: Any = state
        if role.template is not None and not role.withdrawn:
            told = role.template
            yield {"title": told.title, "rank": told.rank, "rights": list(told.rights), "id": entity}


def _ships(place: Place, space: Space) -> Iterable[Row]:
    people, fleets = names.members(place, space), names.known(FleetId, place, space)
    for entity, state in space.things(SHIPS):
        ship: Any = state
        if ship.standing is not ShipStanding.PRESENT:
            continue
        yield {
            "model": ship.model,
            "owner": names.call(ship.owner.id, people) if ship.owner else "",
            "readiness": ship.readiness.value,
            "lent_to": [names.call(loan.value.borrower, people) for loan in ship.loans],
            "fleet": names.call(ship.fleet, fleets) if ship.fleet else "",
            "id": entity,
        }


def _fleets(place: Place, space: Space) -> Iterable[Row]:
    people = names.members(place, space)
    for entity, state in space.things(FLEETS):
        fleet: Any = state
        if not fleet.disbanded:
            yield {"title": fleet.title, "lead": names.call(fleet.lead, people) if fleet.lead else "", "id": entity}


def _squadrons(place: Place, space: Space) -> Iterable[Row]:
    fleets = names.known(FleetId, place, space)
    for entity, state in space.things(SQUADRONS):
        held: Any = state
        if not held.disbanded:
            yield {
                "title": held.title, "fleet": names.call(held.fleet, fleets) if held.fleet else "",
                "ships": len(held.ships), "members": len(held.members), "id": entity,
            }  # fmt: skip


def _devices(place: Place, space: Space) -> Iterable[Row]:
    mine = me(place, space)
    disowned = {
        each.event.device
        for each in space.of_type(DeviceCut.tag)
        if isinstance(each.event, DeviceCut) and space.envelope(each).member == mine
    }
    for standing in space.grants():
        if standing.grant.member != mine:
            continue
        for device, level in sorted(standing.devices.items(), key=lambda each: each[1]):
            yield {
                "space": space.kind, "of": space.id, "device": device, "level": level,
                "this machine": "yes" if device == place.identity.device else "",
                "cut": "yes" if device in disowned and standing.disowned else "",
            }  # fmt: skip

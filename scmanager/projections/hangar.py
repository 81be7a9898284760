"""The hangar: ships, whose they are, who has them on loan, and with which fleet they fly."""

from collections.abc import Iterator

from scmanager.domain.catalogue import SHIPS
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.ship import Ship, Standing
from scmanager.domain.ship_events import Nickname
from scmanager.projections.copy_text import NULL, ident, idents, line, seconds, text
from scmanager.projections.read_model import Look, ReadModel, Row, Table, spoken


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A ship's row, once somebody brought it."""
    ship: Ship = look.state(SHIPS, entity)
    if ship.standing is Standing.UNKNOWN:
        return
    name = look.words(ship.nickname, Nickname)
    yield (
        "ship",
        line(
            ident(look.space),
            ident(entity),
            ship.standing.value,
            text(ship.removed_for.value if ship.removed_for else None),
            text(ship.model),
            ship.source.value,
            *_owner(ship),
            ship.readiness.value,
            seconds(ship.claim_until),
            *_loan(ship),
            ident(ship.fleet),
            idents(ship.rival_fleets),
            text(name.text if isinstance(name, Nickname) else None),
            text(name.text.lower() if isinstance(name, Nickname) else None),
            spoken(name),
        ),
    )


def _owner(ship: Ship) -> tuple[str, str, str]:
    owner = ship.owner
    rivals = idents(each.id for each in ship.rival_owners)
    return (owner.kind.value, ident(owner.id), rivals) if owner else (NULL, NULL, rivals)


def _loan(ship: Ship) -> tuple[str, str, str, str]:
    rivals = idents(each.borrower for each in ship.rival_loans)
    if not ship.loans:
        return NULL, NULL, NULL, rivals
    first = ship.loans[0]
    return ident(first.value.borrower), ident(first.entry), seconds(first.value.until), rivals


def _words(state: State) -> tuple[Id32, ...]:
    return (state.nickname,) if isinstance(state, Ship) and state.nickname else ()


MODEL = ReadModel("hangar", (Table("ship", "id", ("nickname", "nickname_lower")),), (SHIPS,), rows, _words)

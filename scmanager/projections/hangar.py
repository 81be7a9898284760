"""The hangar: ships, whose they are, who has them on loan, with which fleet they fly; and imports of ship lists."""

from collections.abc import Iterator

from scmanager.domain.catalogue import IMPORTS, SHIPS
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.hangar_import import Deed, Import
from scmanager.domain.ship import Ship, Standing
from scmanager.domain.ship_events import Nickname, Owner
from scmanager.projections.copy_text import NULL, flag, ident, idents, line, number, seconds, text
from scmanager.projections.read_model import Look, ReadModel, Row, Table, spoken


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A ship's row, once somebody brought it; an import's, once it was recorded."""
    past: Import = look.state(IMPORTS, entity)
    if past.deed and past.owner:
        yield "hangar_import", _import(look, entity, past, past.deed, past.owner)
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


def _import(look: Look, entity: Id, past: Import, deed: Deed, owner: Owner) -> str:
    return line(
        ident(look.space),
        ident(entity),
        text(past.tool),
        owner.kind.value,
        ident(owner.id),
        ident(deed.by),
        look.moment(past.entry),
        *map(number, (past.added, past.changed, past.removed, past.skipped)),
        flag(past.undone),
        look.moment(past.undone_in) if past.undone_in else NULL,
        ident(past.undoings[0].by if past.undoings else None),
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
    if isinstance(state, Import):
        return tuple(entry for entry in (state.entry, state.undone_in) if entry)
    return (state.nickname,) if isinstance(state, Ship) and state.nickname else ()


MODEL = ReadModel(
    "hangar",
    (Table("ship", "id", ("nickname", "nickname_lower")), Table("hangar_import", "id")),
    (SHIPS, IMPORTS),
    rows,
    _words,
)

"""Fleets and squadrons, who leads them, and who and what is enlisted in squadrons."""

from collections.abc import Iterator

from scmanager.domain.catalogue import FLEETS, SQUADRONS
from scmanager.domain.event import Id
from scmanager.domain.fleet import Fleet
from scmanager.domain.squadron import Squadron
from scmanager.projections.copy_text import flag, ident, idents, line, number, text, texts
from scmanager.projections.read_model import Look, ReadModel, Row, Table


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A fleet's or a squadron's rows, once it was formed."""
    space, me = ident(look.space), ident(entity)
    fleet: Fleet = look.state(FLEETS, entity)
    if fleet.formed:
        yield "fleet", line(space, me, *_common(fleet))
    squadron: Squadron = look.state(SQUADRONS, entity)
    if squadron.formed:
        yield "squadron", line(space, me, ident(squadron.fleet), *_common(squadron))
        for place, ship in enumerate(squadron.ships):
            yield "squadron_ship", line(space, me, ident(ship), number(place))
        for place, member in enumerate(squadron.members):
            yield "squadron_member", line(space, me, ident(member), number(place))


def _common(group: Fleet | Squadron) -> tuple[str, ...]:
    return (
        text(group.title),
        text(group.title.lower()),
        texts(group.rival_titles),
        flag(group.disbanded),
        ident(group.lead),
        idents(group.rival_leads),
    )


MODEL = ReadModel(
    "fleets",
    (
        Table("fleet", "id"),
        Table("squadron", "id"),
        Table("squadron_ship", "squadron"),
        Table("squadron_member", "squadron"),
    ),
    (FLEETS, SQUADRONS),
    rows,
)

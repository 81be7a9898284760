"""Organisations with what they are affiliated with, and the roles they give."""

from collections.abc import Iterator

from scmanager.domain.catalogue import ORGANISATIONS, ROLES
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.organisation import Description, Organisation
from scmanager.domain.role import Role
from scmanager.projections.copy_text import flag, ident, line, number, text, texts
from scmanager.projections.read_model import Look, ReadModel, Row, Table, spoken


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """An organisation's or a role's rows."""
    organisation: Organisation = look.state(ORGANISATIONS, entity)
    if organisation.id:
        yield from _organisation(look, entity, organisation)
    role: Role = look.state(ROLES, entity)
    if role.template is not None:
        yield "role", _role(look, entity, role)


def _organisation(look: Look, entity: Id, organisation: Organisation) -> Iterator[Row]:
    space, title = ident(look.space), organisation.title
    words = look.words(organisation.profile, Description)
    yield (
        "organisation",
        line(
            space,
            ident(entity),
            text(title),
            text(title.lower()),
            texts(organisation.rival_titles),
            text(organisation.sid),
            flag(organisation.archived),
            text(words.text if isinstance(words, Description) else None),
            spoken(words),
        ),
    )
    for each in organisation.affiliations:
        other = ident(each.organisation)
        yield "affiliation", line(space, ident(entity), other, text(each.title), text(each.title.lower()))


def _role(look: Look, entity: Id, role: Role) -> str:
    template = role.template
    if template is None:
        raise ValueError("a role without a template has no row")
    return line(
        ident(look.space),
        ident(entity),
        text(template.title),
        text(template.title.lower()),
        number(template.rank),
        texts(template.rights),
        flag(role.withdrawn),
        flag(bool(role.rival_templates)),
    )


def _words(state: State) -> tuple[Id32, ...]:
    return (state.profile,) if isinstance(state, Organisation) and state.profile else ()


MODEL = ReadModel(
    "organisations",
    (
        Table("organisation", "id", ("description",)),
        Table("affiliation", "organisation"),
        Table("role", "id"),
    ),
    (ORGANISATIONS, ROLES),
    rows,
    _words,
)

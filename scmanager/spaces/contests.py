"""The contests of a space, and how a contested value is told: as text, as an id, or as the words an entry holds."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from scmanager.domain.catalogue import FOLDS
from scmanager.domain.character import Character, Standing
from scmanager.domain.clash import Contest, Field
from scmanager.domain.clash_fields import FIELDS, field_of
from scmanager.domain.event import Id, Id32, Personal, State
from scmanager.domain.fold import Fold
from scmanager.domain.operation_parts import Call, Window
from scmanager.domain.role import Template
from scmanager.domain.ship import Loan
from scmanager.domain.ship_events import Owner
from scmanager.spaces.space import Space

_LAST_S = 253_402_300_799
"""The end of the year 9999: no calendar goes on."""


CONTESTED: tuple[Fold, ...] = tuple(dict.fromkeys(fold for fold in FOLDS.values() if fold.name in FIELDS))
"""The kinds of things of which something can be contested."""


class Contested(msgspec.Struct, frozen=True):
    """A contest and what it is about."""

    fold: Fold
    entity: Id
    state: State
    field: Field
    contest: Contest


def contests_in(space: Space) -> Iterator[Contested]:
    """Every contest in a space, open and settled, as far as it is shown there."""
    for fold in CONTESTED:
        for entity, state in space.things(fold):
            yield from contests_of(space, fold, entity, state)


def contests_of(space: Space, fold: Fold, entity: Id, state: State) -> Iterator[Contested]:
    """The contests of one thing."""
    thing = space.thing(fold, entity)
    if thing is None or not shown(state):
        return
    for contest in thing.contests():
        field = field_of(fold.name, contest.field)
        if field is not None:
            yield Contested(fold, entity, state, field, contest)


def shown(state: State) -> bool:
    """Whether anything may be told of it: a character that its player shows no longer is told of nowhere."""
    return not (isinstance(state, Character) and state.standing is Standing.WITHDRAWN)


def spelt(value: Any) -> str:
    """A value in one line; empty for none. Total: what is no text is told by what it is made of."""
    match value:
        case None | b"" | "":
            return ""
        case str():
            return str(value)
        case bytes():
            return value.hex()
        case Window(starts, ends, zone):
            return f"{_moment(starts)} to {_moment(ends)} UTC ({zone})"
        case Template(title, rank, rights):
            return f"{title}, rank {rank}: {', '.join(rights) or 'no rights'}"
        case Call(stage, outcome, reason):
            why = outcome or reason
            return f"{stage.value} ({why.value})" if why else stage.value
        case Owner(kind, id_):
            return f"{kind.value} {id_.hex()}"
        case Loan(borrower, until):
            return f"{borrower.hex()}, until {_moment(until)} UTC" if until else borrower.hex()
        case _:
            return str(value)


def in_words(personal: Personal) -> str:
    """Personal words as one text: as they are where there is one, else a line for each that says something."""
    said = {name: getattr(personal, name) for name in personal.__struct_fields__}
    if len(said) == 1:
        return str(next(iter(said.values())))
    return "\n".join(f"{name}: {value}" for name, value in said.items() if value not in ("", None))


def label(state: State) -> str:
    """What a thing is called in part 0; empty where its name is personal words."""
    template = getattr(state, "template", None)
    if isinstance(template, Template):
        return template.title
    return str(getattr(state, "title", "") or getattr(state, "model", "") or "")


def worded(field: Field, contest: Contest) -> tuple[Id32, ...]:
    """The entries whose words a contest is about; none where its values stand in part 0."""
    if field.words is None:
        return ()
    every = (*(each.value for each in contest.rivals), contest.outcome)
    return tuple(each for each in every if isinstance(each, bytes) and each)


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(min(seconds, _LAST_S), UTC):%Y-%m-%d %H:%M}"

"""Search: everything that has a name, whatever its kind, found by what `matching` leaves of it.

What is to be found is entered in SEARCHED: a line a kind. Where words were erased, or are not here, a thing is found
by what is left of its name, if anything is. A document has no name: it is found by its text.
"""

import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from scmanager.domain import member, ship
from scmanager.domain.catalogue import (
    CHARACTERS,
    CONTACTS,
    FLEETS,
    MEMBERS,
    OPERATIONS,
    ORGANISATIONS,
    ROLES,
    SHIPS,
    SQUADRONS,
    TREATIES,
)
from scmanager.domain.character import Character, CharacterSheet, each_player
from scmanager.domain.character import Standing as CharacterStanding
from scmanager.domain.event import Id, Id32, Personal, State
from scmanager.domain.fold import Fold
from scmanager.domain.member import Profile
from scmanager.domain.operation_parts import Stage
from scmanager.domain.ship_events import Nickname
from scmanager.projections.copy_text import flag, ident, line, numbers, text
from scmanager.projections.matching import grams, matching_keys
from scmanager.projections.read_model import Look, ReadModel, Row, Table


def _no_entries(_: Any) -> tuple[Id32, ...]:
    return ()


def _nothing(_: Any) -> tuple[str, ...]:
    return ()


class Kind(enum.StrEnum):
    """What can be found."""

    ORGANISATION = "organisation"
    ROLE = "role"
    MEMBER = "member"
    SHIP = "ship"
    FLEET = "fleet"
    SQUADRON = "squadron"
    OPERATION = "operation"
    CONTACT = "contact"
    TREATY = "treaty"
    CHARACTER = "character"
    DOCUMENT = "document"
    """By what it says; what can be searched of that stands in the read model of documents."""


class Searched(msgspec.Struct, frozen=True):
    """A kind of thing that is found by name. The first name there is is the one shown."""

    kind: Kind
    fold: Fold
    gone: Callable[[Any], bool]
    """Whether a thing is no longer what it was: of a state."""
    titles: Callable[[Any], tuple[str, ...]] = _nothing
    """The names in its state; they come after those in its words."""
    entries: Callable[[Any], tuple[Id32, ...]] = _no_entries
    """Of a state: the entries that hold its words."""
    words: type[Personal] = Personal
    spoken: Callable[[Any], tuple[str, ...]] = _nothing
    """The names in its words."""

    def names(self, state: Any, words: Iterable[object]) -> list[str]:
        """What a thing is called: `words` are those of its entries, or why they are not there."""
        said = [name for each in words if isinstance(each, self.words) for name in self.spoken(each)]
        return [name for name in (*said, *self.titles(state)) if name]


def _role_titles(role: Any) -> tuple[str, ...]:
    return (role.template.title,) if role.template else ()


def _sheets_shown(one: Character) -> tuple[Id32, ...]:
    return tuple(each.sheet for each in each_player(one) if each.standing is CharacterStanding.PRESENT)


_GONE_MEMBERS = (member.Standing.LEFT, member.Standing.REMOVED)

SEARCHED = (
    Searched(
        Kind.ORGANISATION, ORGANISATIONS, lambda one: one.archived,
        lambda one: (one.title, one.sid, *one.rival_titles),
    ),
    Searched(Kind.ROLE, ROLES, lambda one: one.withdrawn, _role_titles),
    Searched(
        Kind.MEMBER, MEMBERS, lambda one: one.standing in _GONE_MEMBERS,
        entries=lambda one: (one.profile,), words=Profile, spoken=lambda said: (said.display_name, said.handle),
    ),
    Searched(
        Kind.SHIP, SHIPS, lambda one: one.standing is not ship.Standing.PRESENT, lambda one: (one.model,),
        entries=lambda one: (one.nickname,), words=Nickname, spoken=lambda said: (said.text,),
    ),
    Searched(Kind.FLEET, FLEETS, lambda one: one.disbanded, lambda one: (one.title, *one.rival_titles)),
    Searched(Kind.SQUADRON, SQUADRONS, lambda one: one.disbanded, lambda one: (one.title, *one.rival_titles)),
    Searched(
        Kind.OPERATION, OPERATIONS, lambda one: one.call.stage is Stage.CANCELLED,
        lambda one: (one.title, *one.rival_titles),
    ),
    Searched(Kind.CONTACT, CONTACTS, lambda one: one.archived, lambda one: (one.title, one.sid, *one.rival_titles)),
    Searched(Kind.TREATY, TREATIES, lambda one: bool(one.ended or one.dropped), lambda one: (one.title,)),
    Searched(
        Kind.CHARACTER, CHARACTERS, lambda one: bool(one.fate),
        entries=_sheets_shown,
        words=CharacterSheet, spoken=lambda said: (said.name,),
    ),
)  # fmt: skip
"""What can be found by name. A thing without a name (one that was never founded, say) is none."""

_BY_STATE = {type(each.fold.empty): each for each in SEARCHED}


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A row for each kind of thing that this id is, nearly always one."""
    for each in SEARCHED:
        state = look.state(each.fold, entity)
        if state is each.fold.empty:
            continue
        names = each.names(state, (look.words(entry, each.words) for entry in each.entries(state)))
        keys = matching_keys(names)
        if keys:
            told = ident(look.space), ident(entity), each.kind.value, flag(each.gone(state))
            yield "searchable", line(*told, text(names[0]), text(keys), numbers(grams(keys)))


def _words(state: State) -> Iterable[Id32]:
    searched = _BY_STATE.get(type(state))
    return [entry for entry in searched.entries(state) if entry] if searched else ()


MODEL = ReadModel(
    "search",
    (Table("searchable", "id", ("name", "key", "grams")),),
    tuple(each.fold for each in SEARCHED),
    rows,
    _words,
)

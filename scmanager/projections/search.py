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
from scmanager.domain.character import CharacterSheet
from scmanager.domain.character import Standing as CharacterStanding
from scmanager.domain.event import Id, Id32, Personal, State
from scmanager.domain.fold import Fold
from scmanager.domain.member import Profile
from scmanager.domain.operation_parts import Stage
from scmanager.domain.ship_events import Nickname
from scmanager.projections.copy_text import flag, ident, line, numbers, text
from scmanager.projections.matching import grams, matching_keys
from scmanager.projections.read_model import Look, ReadModel, Row, Table


def _no_entry(_: Any) -> Id32:
    return b""


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
    entry: Callable[[Any], Id32] = _no_entry
    """Of a state: the entry that holds its words."""
    words: type[Personal] = Personal
    spoken: Callable[[Any], tuple[str, ...]] = _nothing
    """The names in its words."""

    def names(self, state: Any, words: object) -> list[str]:
        """What a thing is called: `words` are those of its entry, or why they are not there."""
        said = self.spoken(words) if isinstance(words, self.words) else ()
        return [name for name in (*said, *self.titles(state)) if name]


def _role_titles(role: Any) -> tuple[str, ...]:
    return (role.template.title,) if role.template else ()


_GONE_MEMBERS = (member.Standing.LEFT, member.Standing.REMOVED)

SEARCHED = (
    Searched(
        Kind.ORGANISATION, ORGANISATIONS, lambda one: one.archived,
        lambda one: (one.title, one.sid, *one.rival_titles),
    ),
    Searched(Kind.ROLE, ROLES, lambda one: one.withdrawn, _role_titles),
    Searched(
        Kind.MEMBER, MEMBERS, lambda one: one.standing in _GONE_MEMBERS,
        entry=lambda one: one.profile, words=Profile, spoken=lambda said: (said.display_name, said.handle),
    ),
    Searched(
        Kind.SHIP, SHIPS, lambda one: one.standing is not ship.Standing.PRESENT, lambda one: (one.model,),
        entry=lambda one: one.nickname, words=Nickname, spoken=lambda said: (said.text,),
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
        entry=lambda one: one.sheet if one.standing is CharacterStanding.PRESENT else b"",
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
        names = each.names(state, look.words(each.entry(state), each.words))
        keys = matching_keys(names)
        if keys:
            told = ident(look.space), ident(entity), each.kind.value, flag(each.gone(state))
            yield "searchable", line(*told, text(names[0]), text(keys), numbers(grams(keys)))


def _words(state: State) -> Iterable[Id32]:
    searched = _BY_STATE.get(type(state))
    entry = searched.entry(state) if searched else b""
    return (entry,) if entry else ()


MODEL = ReadModel(
    "search",
    (Table("searchable", "id", ("name", "key", "grams")),),
    tuple(each.fold for each in SEARCHED),
    rows,
    _words,
)

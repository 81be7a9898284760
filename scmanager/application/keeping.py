"""Keeping: what a command leaves out stays as it was; what it gives as nothing is taken away."""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from scmanager.application.desk import Desk
from scmanager.domain.event import Id32, Personal
from scmanager.errors import Unavailable
from scmanager.spaces.personal import Absence

P = TypeVar("P", bound=Personal)
V = TypeVar("V")


class WordsNotHere(Unavailable):
    """What is left out cannot be kept: the words that stand have not come to this machine."""

    code = "words-not-here"
    hint = (
        "Say all of it, an empty text for what shall be empty; or try again once they have come (scm space import)."
    )


def kept(said: V | UnsetType | None, before: V, none: V) -> V:
    """What is said, `none` for None; what was before, if nothing is said."""
    if isinstance(said, UnsetType):
        return before
    return none if said is None else said


def words_with(desk: Desk, entry: Id32, kind: type[P], **said: Any) -> P:
    """The words that an entry holds, changed to what is said; what is left out stays. Raises WordsNotHere.

    Words that were erased, or that nobody can read, leave nothing to keep: what is left out then is empty.
    """
    new = {name: "" if value is None else value for name, value in said.items() if value is not UNSET}
    if len(new) < len(kind.__struct_fields__):
        before = desk.words_in(desk.space, entry, kind)
        if isinstance(before, kind):
            return msgspec.structs.replace(before, **new)
        if before is Absence.NOT_HERE:
            raise WordsNotHere
    required = (each.name for each in msgspec.structs.fields(kind) if each.required)
    return kind(**dict.fromkeys(required, "") | new)

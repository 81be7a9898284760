"""What an organisation is shown of a character: a copy of its words and, if its player says so, its sheet's text.

The text is a document of the personal space. It is read before the command is decided, for reading takes long; at the
desk it must still be what was read.
"""

from typing import cast

import msgspec

from scmanager.application.desk import Desk
from scmanager.application.drafting import Drafting
from scmanager.domain.catalogue import CHARACTERS, DOCUMENTS
from scmanager.domain.character import Character, CharacterSheet, CharacterUnknown, Copy, SheetText
from scmanager.domain.document import Document, DocumentMoved, Kind, Leaving, Text, owner_of
from scmanager.domain.event import Id, Id32
from scmanager.errors import Refused
from scmanager.spaces.documents import Place
from scmanager.spaces.scribe import Reading
from scmanager.spaces.space import Space


class SheetUnreadable(Refused):
    """What is written about this character cannot be read here ({why})."""

    code = "character-sheet-unreadable"
    hint = "Describe it anew, with its name. If it was written a moment ago, try again."


class ReadText(msgspec.Struct, frozen=True):
    """What the document of a sheet said, and what it was read from."""

    space: Id32
    heads: tuple[Id32, ...]
    leavings: tuple[Leaving, ...]
    erased: frozenset[bytes]
    """Keys that were erased in that space."""
    said: str


def own_character(desk: Desk, character_id: Id) -> tuple[Space, Character]:
    """A character of one's personal space. Raises CharacterUnknown."""
    for space in desk.own_spaces("personal"):
        one = space.state(CHARACTERS, character_id)
        if isinstance(one, Character) and one.player:
            return space, one
    raise CharacterUnknown


def sheet_in(desk: Desk, space: Space, one: Character, *, must: bool) -> CharacterSheet | None:
    """What is written about it, as committed so far. Raises SheetUnreadable if it must be there."""
    words = desk.words_in(space, one.sheet, CharacterSheet)
    if isinstance(words, CharacterSheet):
        return words
    if must and one.player:
        raise SheetUnreadable(why=str(words))
    return None


def shown_here(desk: Desk, one: Character) -> Copy | None:
    """What this organisation is shown of it; None if that cannot be read."""
    sheet = sheet_in(desk, desk.space, one, must=False)
    text = desk.words_in(desk.space, one.text, SheetText) if one.text else None
    if sheet is None or not (text is None or isinstance(text, SheetText)):
        return None
    return Copy(sheet, one.fate, text)


def read_text(drafting: Drafting, character_id: Id) -> ReadText:
    """What its sheet says now, empty if nobody wrote one.

    Raises CharacterUnknown, and what keeps the document from being read: WordsAbsent, DocumentUnreadable, ScribeAway.
    """
    with drafting.shelf.lock:
        personal = [each for each in drafting.own_spaces() if each.kind == "personal"]
        held = ((each, cast("Character", each.state(CHARACTERS, character_id))) for each in personal)
        found = next(((each, one.player, each.erased_keys()) for each, one in held if one.player), None)
    if found is None:
        raise CharacterUnknown
    space, player, erased = found

    def use(text: Text, reading: Reading) -> ReadText:
        return ReadText(space.id, text.heads, text.leavings, erased, reading.text.replace("\0", "\ufffd"))

    return drafting.documents.read(Place(space.id, character_id, Kind.SHEET, owner_of(Kind.SHEET, player)), use)


def check_unmoved(space: Space, character_id: Id, player: Id, read: ReadText) -> SheetText:
    """The text, if it is still what the sheet says. Raises DocumentMoved."""
    document = cast("Document", space.state(DOCUMENTS, character_id))
    now = document.text(Kind.SHEET, owner_of(Kind.SHEET, player))
    said = (space.id, now.heads, now.leavings, space.erased_keys())
    if said != (read.space, read.heads, read.leavings, read.erased):
        raise DocumentMoved
    return SheetText(read.said)

"""Characters that are seen: in a personal space its owner's own, in an organisation those that were shared with it.

A character that was withdrawn has no row.
"""

from collections.abc import Iterator

from scmanager.domain.catalogue import CHARACTERS, PLAYERS
from scmanager.domain.character import Character, CharacterSheet, SheetText, Standing, each_player
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.player import Player
from scmanager.domain.words import NAME_LENGTH_MAX
from scmanager.projections.copy_text import NULL, flag, ident, idents, line, text
from scmanager.projections.read_model import Look, ReadModel, Row, Table, spoken

SORTED_BY = 2 * NAME_LENGTH_MAX
"""Characters of a name that count when names are sorted; an index takes no long ones."""


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A row for each player's character and, while its sheet is contested, one for each; or a player's main one."""
    space, me = ident(look.space), ident(entity)
    for character in each_player(look.state(CHARACTERS, entity)):
        if character.standing is not Standing.PRESENT:
            continue
        player, place = ident(character.player), ident(entity + character.player)
        fate = character.fate.value if character.fate else NULL
        told = _sheet(look, character.sheet)
        lowered = _lowered(look, character.sheet)
        shown = look.words(character.text, SheetText)
        body = text(shown.text) if isinstance(shown, SheetText) else NULL
        along = (body, spoken(shown), look.moment(character.text))
        yield (
            "persona",
            line(space, me, player, place, fate, lowered, *told, *along, idents(character.rival_sheets)),
        )
        for sheet in (character.sheet, *character.rival_sheets) if character.rival_sheets else ():
            stands = flag(sheet == character.sheet)
            told = _sheet(look, sheet)
            yield "persona_sheet", line(space, me, player, ident(sheet), look.moment(sheet), stands, *told)
    chosen: Player = look.state(PLAYERS, entity)
    if chosen.main:
        yield "main_persona", line(space, me, ident(chosen.main), idents(chosen.rival_mains))


def _sheet(look: Look, entry: Id32) -> tuple[str, ...]:
    words = look.words(entry, CharacterSheet)
    if isinstance(words, CharacterSheet):
        return (
            text(words.name),
            text(words.occupation),
            text(words.origin),
            text(words.background),
            spoken(words),
        )
    return NULL, NULL, NULL, NULL, spoken(words)


def _lowered(look: Look, entry: Id32) -> str:
    words = look.words(entry, CharacterSheet)
    return text(words.name.lower()[:SORTED_BY] if isinstance(words, CharacterSheet) else None)


def _words(state: State) -> Iterator[Id32]:
    for one in each_player(state) if isinstance(state, Character) else ():
        yield from (entry for entry in (one.sheet, *one.rival_sheets, one.text) if entry)


MODEL = ReadModel(
    "characters",
    (
        Table("persona", "id", ("name_lower", "name", "occupation", "origin", "background", "body")),
        Table("persona_sheet", "persona", ("name", "occupation", "origin", "background")),
        Table("main_persona", "member"),
    ),
    (CHARACTERS, PLAYERS),
    rows,
    _words,
)

"""Characters out of the folder itself: one's own, and those that members show to an organisation."""

from collections.abc import Iterable

import typer

from scmanager.cli import names
from scmanager.cli.output import JsonFlag
from scmanager.cli.people import Row, list_rows, me, show_rows
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption, PersonalFlag
from scmanager.domain.catalogue import CHARACTERS, PLAYERS
from scmanager.domain.character import Character, CharacterSheet, Standing
from scmanager.domain.player import Player
from scmanager.spaces.space import Space

NO_CHARACTER = "No character is shown here yet. Make one: scm character make NAME. Show it: scm character share NAME"
NO_OWN_CHARACTER = "No character yet. Make one: scm character make NAME"


def list_characters(
    context: typer.Context, org: OrgOption = None, personal: PersonalFlag = False, as_json: JsonFlag = False
) -> None:
    """The characters that members show to an organisation, or your own."""
    if not personal:
        list_rows(context, org, _characters, as_json, NO_CHARACTER)
        return
    with session_of(context).open() as place:
        own = [space for space in place.personal_spaces() if me(place, space)]
        rows = [row for space in own for row in _characters(place, space)]
    show_rows(rows, as_json, NO_OWN_CHARACTER)


def _characters(place: Place, space: Space) -> Iterable[Row]:
    people = names.members(place, space)
    for entity, state in space.things(CHARACTERS):
        if not isinstance(state, Character) or state.standing is not Standing.PRESENT:
            continue
        sheet = names.sheet_of(place, space, state.sheet)
        player = space.state(PLAYERS, state.player)
        yield {
            "name": sheet.name if sheet else "",
            "occupation": sheet.occupation if sheet else "",
            "player": names.call(state.player, people),
            "main": "yes" if isinstance(player, Player) and player.main == entity else "",
            "fate": state.fate.value if state.fate else "",
            "contested": [_called(place, space, each) for each in state.rival_sheets],
            "id": entity,
        }


def _called(place: Place, space: Space, entry: bytes) -> str:
    """A contested sheet: what it calls the character, and the id to choose it by."""
    sheet: CharacterSheet | None = names.sheet_of(place, space, entry)
    return f"{sheet.name if sheet else ''} ({entry.hex()[:12]})".strip()

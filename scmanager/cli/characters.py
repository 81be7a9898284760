"""Characters out of the folder itself: one's own, and those that members show to an organisation."""

from collections.abc import Iterable

import typer

from scmanager.application.verbs import MemberId
from scmanager.cli import gone, names
from scmanager.cli.output import JsonFlag
from scmanager.cli.people import AllFlag, Row, list_rows_of
from scmanager.cli.session import Place
from scmanager.cli.verbs import OrgOption, PersonalFlag
from scmanager.domain.catalogue import CHARACTERS, PLAYERS
from scmanager.domain.character import Character, CharacterSheet, Standing
from scmanager.domain.player import Player
from scmanager.spaces.space import Space

NO_CHARACTER = "No character is shown here yet. Make one: scm character make NAME. Show it: scm character share NAME"
NO_OWN_CHARACTER = "No character yet. Make one: scm character make NAME"


def list_characters(
    context: typer.Context, everything: AllFlag = False, org: OrgOption = None, personal: PersonalFlag = False,
    as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """The characters that members show to an organisation, or your own."""
    empty = NO_OWN_CHARACTER if personal else NO_CHARACTER
    list_rows_of(context, org, _characters, as_json, empty, personal=personal, everything=everything)


def _characters(place: Place, space: Space) -> Iterable[Row]:
    people = names.register(MemberId, place, space)
    for entity, state in space.things(CHARACTERS):
        if not isinstance(state, Character) or state.standing is Standing.UNKNOWN:
            continue
        sheet = names.sheet_of(place, space, state.sheet)
        player = space.state(PLAYERS, state.player)
        yield {
            "name": sheet.name if sheet else "",
            "occupation": sheet.occupation if sheet else "",
            "player": people.call(state.player),
            "main": "yes" if isinstance(player, Player) and player.main == entity else "",
            "fate": state.fate.value if state.fate else "",
            "contested": [_called(place, space, each) for each in state.rival_sheets],
            "gone": gone.mark(state, 0),
            "id": entity,
        }


def _called(place: Place, space: Space, entry: bytes) -> str:
    """A contested sheet: what it calls the character, and the id to choose it by."""
    sheet: CharacterSheet | None = names.sheet_of(place, space, entry)
    return f"{sheet.name if sheet else ''} ({entry.hex()[:12]})".strip()

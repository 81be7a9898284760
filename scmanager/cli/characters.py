"""Characters out of the folder itself: one's own, and those that members show to an organisation."""

from collections.abc import Iterable
from typing import Annotated

import typer

from scmanager.application.verbs import CharacterId, MemberId, OrganisationId
from scmanager.application.words import Words
from scmanager.cli import names
from scmanager.cli.moments import Moment
from scmanager.cli.output import JsonFlag, say, say_json, short
from scmanager.cli.people import AllFlag, Row, list_rows_of, me
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption, PersonalFlag
from scmanager.domain.catalogue import CHARACTERS, PLAYERS
from scmanager.domain.character import (
    Character,
    CharacterSheet,
    CharacterWithdrawn,
    SheetText,
    Standing,
    each_player,
    played_by,
)
from scmanager.domain.event import Id32, Personal
from scmanager.domain.player import Player
from scmanager.forensics import gone
from scmanager.spaces.personal import Absence
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


def show(
    context: typer.Context,
    character: Annotated[str, typer.Argument(metavar="CHARACTER", help="Its name, or first digits of the id.")],
    org: OrgOption = None,
    personal: PersonalFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """One character in full: who they are, and the text of their sheet as it was when it was shown."""
    with session_of(context).open() as place:
        space = place.shelf.space(place.personal_space()) if personal else names.organisation(place, org)
        told = page(place, space, names.resolve(CharacterId, character, place, space))
    if as_json:
        say_json(told)
        return
    whose = "" if personal else f"of {told['player']}"
    stands = told["fate"] or ("main character" if told["main"] else "")
    heading = (told["name"] or f"({told['words']})", whose, stands, short(told["id"]))
    say("  ".join(each for each in heading if each))
    if told["also_shown_by"]:
        say(f"{'same id:':<12} {', '.join(str(each) for each in told['also_shown_by'])} too, each another character")
    for name in ("occupation", "origin", "background"):
        if told[name]:
            say(f"{name + ':':<12} {told[name]}")
    for each in told["shown_in"]:
        text = (
            f", with its text as of {each['text_shown_at']}" if each["text_shown_at"].at_s else ", without its text"
        )
        say(f"{'shown in:':<12} {each['organisation']} since {each['at']}{text}")
    if told["text_words"] != Absence.NONE.value:
        say(f"{'text:':<12} as of {told['text_shown_at']}, when it was shown")
        say(told["text"].removesuffix("\n") if told["text"] is not None else f"({told['text_words']})")


def page(place: Place, space: Space, wanted: bytes) -> Row:
    """Everything about a character that this space is shown, for programs. Raises CharacterWithdrawn."""
    held = space.state(CHARACTERS, wanted)
    played = each_player(held) if isinstance(held, Character) else ()
    shown = [each for each in played if each.standing is Standing.PRESENT]
    if not shown:
        raise CharacterWithdrawn
    one = next((each for each in shown if each.player == me(place, space)), shown[0])
    read = Words(place.store, place.vault.held).read(space, {one.sheet: CharacterSheet, one.text: SheetText})
    sheet, text = read[one.sheet], read[one.text] if one.text else Absence.NONE
    words = sheet if isinstance(sheet, CharacterSheet) else CharacterSheet("")
    player = space.state(PLAYERS, one.player)
    return {
        "id": wanted, "name": words.name, "occupation": words.occupation, "origin": words.origin,
        "background": words.background, "words": _spoken(sheet),
        "player": names.register(MemberId, place, space).call(one.player),
        "main": isinstance(player, Player) and player.main == wanted, "fate": one.fate.value if one.fate else None,
        "also_shown_by": [
            names.register(MemberId, place, space).call(each.player) for each in shown if each.player != one.player
        ],
        "contested": [_called(place, space, each) for each in one.rival_sheets],
        "text": text.text if isinstance(text, SheetText) else None, "text_words": _spoken(text),
        "text_shown_at": _said_at(space, one.text),
        "shown_in": list(_shown_in(place, wanted)) if space.kind == "personal" else [],
    }  # fmt: skip


def _shown_in(place: Place, wanted: bytes) -> Iterable[Row]:
    """The organisations that see a character of one's own, and of when what they see is."""
    for org in place.shelf.spaces():
        held = org.state(CHARACTERS, wanted) if org.kind == "org" else None
        one = played_by(held, me(place, org) or b"") if isinstance(held, Character) else Character()
        if one.standing is Standing.PRESENT:
            called = names.register(OrganisationId, place, org).call(org.id[:16])
            at, text_at = _said_at(org, one.sheet), _said_at(org, one.text)
            yield {"organisation": called, "at": at, "text_shown_at": text_at}


def _said_at(space: Space, entry: Id32) -> Moment:
    opened = space.opened(entry) if entry else None
    return Moment(opened.entry.hlc // 1_000_000 if opened else 0)


def _spoken(words: Personal | Absence) -> str:
    return words.value if isinstance(words, Absence) else "open"


def _characters(place: Place, space: Space) -> Iterable[Row]:
    people = names.register(MemberId, place, space)
    for entity, state in space.things(CHARACTERS):
        for one in each_player(state) if isinstance(state, Character) else ():
            if one.standing is Standing.UNKNOWN:
                continue
            sheet = names.sheet_of(place, space, one.sheet)
            player = space.state(PLAYERS, one.player)
            yield {
                "name": sheet.name if sheet else "",
                "occupation": sheet.occupation if sheet else "",
                "player": people.call(one.player),
                "main": "yes" if isinstance(player, Player) and player.main == entity else "",
                "fate": one.fate.value if one.fate else "",
                "contested": [_called(place, space, each) for each in one.rival_sheets],
                "gone": gone.mark(one, 0),
                "id": entity,
            }


def _called(place: Place, space: Space, entry: bytes) -> str:
    """A contested sheet: what it calls the character, and the id to choose it by."""
    sheet: CharacterSheet | None = names.sheet_of(place, space, entry)
    return f"{sheet.name if sheet else ''} ({entry.hex()[:12]})".strip()

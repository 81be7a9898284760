"""Characters: made in the personal space, shown to organisations as their player likes, and withdrawn again.

What an organisation sees is what was true when the player shared the character last: sharing it again tells the rest.
Withdrawing hides it from every read model; what others hold goes only when the words are erased (`member.erase`).
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from scmanager.application import showing
from scmanager.application import undo_steps as steps
from scmanager.application.desk import Desk
from scmanager.application.drafting import AtDesk, Drafting
from scmanager.application.inverses import back, by, final, former, like, silent
from scmanager.application.keeping import kept, words_with
from scmanager.application.verbs import CharacterId, EntryId, verb
from scmanager.domain import character, player
from scmanager.domain.catalogue import CHARACTERS, PLAYERS
from scmanager.domain.character import Character, CharacterSheet, Copy, Fate, Standing
from scmanager.domain.event import Id

Result = dict[str, Any]


@verb(
    "character.make",
    "personal",
    undo=back("character.retire", character.Made, thing="character_id", begins=True, fate=Fate.MISTAKE),
)
def make(desk: Desk, *, name: str, occupation: str = "", origin: str = "", background: str = "") -> Result:
    """Make a character. It lives in your personal space; nobody sees it until you share it."""
    new = desk.new_id()
    sheet = CharacterSheet(name, occupation, origin, background)
    desk.decide(CHARACTERS, new, character.make, desk.me, sheet)
    return {"character": new.hex()}


@verb("character.describe", "personal", undo=former("sheet", character.Described, character.SheetChosen))
def describe(
    desk: Desk,
    *,
    character_id: CharacterId,
    name: str | UnsetType | None = UNSET,
    occupation: str | UnsetType | None = UNSET,
    origin: str | UnsetType | None = UNSET,
    background: str | UnsetType | None = UNSET,
) -> Result:
    """Say anew who a character is; what is left out stays as it was, empty text takes it away.

    `still_shared_in`: who sees the old words.
    """
    one: Character = desk.state(CHARACTERS, character_id)
    if name is UNSET:
        showing.sheet_in(desk, desk.space, one, must=True)
    said = {"name": name, "occupation": occupation, "origin": origin, "background": background}
    sheet = words_with(desk, one.sheet, CharacterSheet, **said)
    desk.decide(CHARACTERS, character_id, character.describe, desk.me, sheet)
    return {"character": character_id.hex(), "still_shared_in": still_shared_in(desk, character_id)}


@verb("character.settle-sheet", "personal", undo=like("character.describe"))
def settle_sheet(desk: Desk, *, character_id: CharacterId, sheet: EntryId) -> Result:
    """Decide for one of several descriptions that were written at the same time."""
    desk.decide(CHARACTERS, character_id, character.settle_sheet, desk.me, sheet)
    return {"character": character_id.hex()}


@verb("character.retire", "personal", undo=by(steps.fate, character.Retired, character.Returned, aspect="fate"))
def retire(desk: Desk, *, character_id: CharacterId, fate: Fate | UnsetType | None = UNSET) -> Result:
    """Play a character no more: retired, or what is said; once it is not played, the fate stays if it is left out.

    `still_shared_in`: the organisations that see it as it was.
    """
    one: Character = desk.state(CHARACTERS, character_id)
    desk.decide(CHARACTERS, character_id, character.retire, desk.me, kept(fate, one.fate, None) or Fate.RETIRED)
    return {"character": character_id.hex(), "still_shared_in": still_shared_in(desk, character_id)}


@verb("character.return", "personal", undo=like("character.retire"))
def return_(desk: Desk, *, character_id: CharacterId) -> Result:
    """Play a retired character again."""
    desk.decide(CHARACTERS, character_id, character.return_, desk.me)
    return {"character": character_id.hex(), "still_shared_in": still_shared_in(desk, character_id)}


@verb("character.share", drafted=True, undo=by(steps.character_shown, character.Shared, aspect="share"))
def share(
    drafting: Drafting,
    *,
    character_id: CharacterId,
    background: bool | UnsetType | None = UNSET,
    with_text: bool = False,
) -> AtDesk:
    """Show a character to this organisation, or tell it what changed; its background only if you like.

    Left out, the background is shown the first time, and from then on if it is shown already. `with_text`: also the
    text of its sheet, as it is now; what is written later is shown by sharing again. Without it no text is shown.
    """
    read = showing.read_text(drafting, character_id) if with_text else None
    return lambda desk: _share(desk, character_id, background, read)


silent(character.TextShown)


@verb(
    "character.withdraw",
    undo=final("share it again, with as much of it as you like: scm character share.", character.ShareWithdrawn),
)
def withdraw(desk: Desk, *, character_id: CharacterId) -> Result:
    """Show a character to this organisation no longer. It stays in your personal space."""
    desk.decide(CHARACTERS, character_id, character.withdraw_share, desk.me)
    return {"character": character_id.hex()}


@verb("character.choose-main", "org", "personal", undo=former("main", player.MainChosen))
def choose_main(desk: Desk, *, character_id: CharacterId) -> Result:
    """Make a character your main one here; settles a contested choice too. Each organisation may see another."""
    character.check_playable(desk.state(CHARACTERS, character_id), desk.me)
    desk.decide(PLAYERS, desk.me, player.choose_main, character_id)
    return {"character": character_id.hex()}


@verb("character.drop-main", "org", "personal", undo=former("main", player.MainDropped))
def drop_main(desk: Desk) -> Result:
    """Have no main character here."""
    desk.decide(PLAYERS, desk.me, player.drop_main)
    return {"member": desk.me.hex()}


def still_shared_in(desk: Desk, character_id: Id) -> list[str]:
    """Organisations, as their spaces' hex ids, that see a character of one's personal space."""
    return [
        org.id.hex()
        for org in desk.own_spaces("org")
        if isinstance(one := org.state(CHARACTERS, character_id), Character)
        and any(each.standing is Standing.PRESENT for each in character.each_player(one))
    ]


def _share(
    desk: Desk, character_id: Id, background: bool | UnsetType | None, read: showing.ReadText | None
) -> Result:
    space, own = showing.own_character(desk, character_id)
    text = showing.check_unmoved(space, character_id, own.player, read) if read else None
    sheet = showing.sheet_in(desk, space, own, must=True) or CharacterSheet("")
    here = character.played_by(desk.state(CHARACTERS, character_id), desk.me)
    shown = showing.shown_here(desk, here)
    goes_along = kept(background, not here.player or bool(shown and shown.sheet.background), False)
    told = sheet if goes_along else msgspec.structs.replace(sheet, background="")
    desk.decide(CHARACTERS, character_id, character.share, desk.me, Copy(told, own.fate, text), shown)
    return {"character": character_id.hex()}

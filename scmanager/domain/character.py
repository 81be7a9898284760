"""A character that a member plays: it lives in the personal space, and is shown to organisations as its player likes.

Who it is stands in words about its player, sealed under the player's key. What is shown to an organisation is a copy
of its own there, under the same id: nothing moves from one space to another by itself. The text of its sheet, a
document, goes along when its player says so, as it is then.
"""

import enum
from collections.abc import Iterator

import msgspec

from scmanager.domain.contest import Claim, begun_before, beside, claim, drop, entries, holder, rivals, stake
from scmanager.domain.event import About, Decision, Envelope, Event, Id, Id32, Personal, State, replace
from scmanager.domain.payload import TUPLE_MAX, Entries, Entry
from scmanager.domain.words import Name, Prose, WordsUnusable, check_name, check_words
from scmanager.errors import Refused


class Fate(enum.StrEnum):
    """Why a character is not played any more."""

    RETIRED = "retired"
    DEAD = "dead"
    MISSING = "missing"
    MISTAKE = "mistake"


class Made(Event, tag="character.made/1"):
    """One's own, in the personal space. Carries a CharacterSheet."""


class Described(Event, tag="character.described/1"):
    """Carries a CharacterSheet, all of it anew."""

    over: Entries = ()


class SheetChosen(Event, tag="character.sheet-chosen/1"):
    """The sheet that this entry holds is the one that counts."""

    sheet: Entry
    over: Entries = ()


class Retired(Event, tag="character.retired/1"):
    fate: Fate = Fate.RETIRED


class Returned(Event, tag="character.returned/1"):
    pass


class Shared(Event, tag="character.shared/1"):
    """Shown to an organisation, as it is now. Carries a CharacterSheet, as much of it as its player shows."""

    fate: Fate | None = None
    over: Entries = ()


class TextShown(Event, tag="character.text-shown/1"):
    """What goes along with the sharing that its author said just before. Carries a SheetText."""


class ShareWithdrawn(Event, tag="character.share-withdrawn/1"):
    """Shown no longer."""


CharacterEvent = Made | Described | SheetChosen | Retired | Returned | Shared | TextShown | ShareWithdrawn


class CharacterSheet(Personal):
    """Who a character is."""

    name: Name
    occupation: Name = ""
    origin: Name = ""
    background: Prose = ""


class SheetText(Personal):
    """What the document of its sheet said when it was shown."""

    text: Prose


class Copy(msgspec.Struct, frozen=True):
    """As much of a character as an organisation is shown."""

    sheet: CharacterSheet
    fate: Fate | None = None
    text: SheetText | None = None


class Standing(enum.StrEnum):
    """Whether a character is seen in this space."""

    UNKNOWN = "unknown"
    PRESENT = "present"
    WITHDRAWN = "withdrawn"


class Character(State):
    """A character, as its events so far tell it.

    Ids are random and dates are what each says, so nobody's character becomes another's by who came first: whoever
    else shows one under this id has his own beside it.
    """

    player: Id = b""
    """Whose it is."""
    sheets: tuple[Claim[Id32], ...] = ()
    """The entry whose part holds the CharacterSheet."""
    written: tuple[Id32, ...] = ()
    """The newest sheets there are, at most 64: what can be chosen."""
    fate: Fate | None = None
    withdrawals: tuple[Claim[bool], ...] = ()
    """What no later sharing took back."""
    text: Id32 = b""
    """The entry whose part holds the SheetText that is shown beside the sheet; empty if none is."""
    others: tuple["Character", ...] = ()
    """Those of other players under this id, in fold order of when each brought his. They have none themselves."""

    @property
    def standing(self) -> Standing:
        """A withdrawal stands until its player shares the character again, knowing of it."""
        if not self.player:
            return Standing.UNKNOWN
        return Standing.WITHDRAWN if self.withdrawals else Standing.PRESENT

    @property
    def sheet(self) -> Id32:
        """The entry that says who it is; empty if there is none."""
        return holder(self.sheets) or b""

    @property
    def rival_sheets(self) -> tuple[Id32, ...]:
        """Sheets written at the same time. `settle_sheet` decides, or a new one."""
        return rivals(self.sheets)


def each_player(character: Character) -> tuple[Character, ...]:
    """The character of each who brought one under this id; at least one."""
    return (character, *character.others)


def played_by(character: Character, member: Id) -> Character:
    """What this member brought under this id; the empty state if he brought nothing."""
    return next((each for each in each_player(character) if each.player == member), Character())


class CharacterUnknown(Refused):
    """There is no such character."""

    code = "character-unknown"
    hint = "Make it first, in your personal space: scm character make NAME."


class CharacterKnown(Refused):
    """This character was made before."""

    code = "character-known"
    hint = "Describe it anew, or make another one."


class CharacterNotYours(Refused):
    """This character is another member's."""

    code = "character-not-yours"
    hint = "Ask the member who plays it. Your own: scm character list."


class CharacterWithdrawn(Refused):
    """This character is not shown here."""

    code = "character-withdrawn"
    hint = "Share it first: scm character share."


class CharacterRetired(Refused):
    """This character is not played any more ({fate})."""

    code = "character-retired"
    hint = "Let it return first: scm character return."


class TextNotShowable(Refused):
    """The text of this character's sheet cannot be shown: {why}."""

    code = "character-text-not-showable"
    hint = "Write or shorten it: scm document edit CHARACTER --kind sheet. Or share the character without it."


class SheetNotContested(Refused):
    """This is not one of several sheets that await a decision."""

    code = "character-sheet-not-contested"
    hint = "Choose one that is shown as contested, or describe the character anew."


def make(character: Character, player: Id, sheet: CharacterSheet) -> Iterator[Decision]:
    """Make one's own character. Raises CharacterKnown, WordsUnusable."""
    if character.player:
        raise CharacterKnown
    yield About(Made(), player, check_sheet(sheet))


def describe(character: Character, actor: Id, sheet: CharacterSheet) -> Iterator[Decision]:
    """Say anew who it is; ends every sheet that stands. Raises CharacterUnknown, CharacterNotYours, WordsUnusable."""
    mine = own(character, actor)
    yield About(Described(entries(mine.sheets)), actor, check_sheet(sheet))


def settle_sheet(character: Character, actor: Id, sheet: Id32) -> Iterator[Decision]:
    """Decide for one of the contested sheets. Raises CharacterUnknown, CharacterNotYours, SheetNotContested."""
    mine = own(character, actor)
    if not mine.rival_sheets or sheet not in (mine.sheet, *mine.rival_sheets):
        raise SheetNotContested
    yield SheetChosen(sheet, entries(mine.sheets))


def retire(character: Character, actor: Id, fate: Fate) -> Iterator[Decision]:
    """Play it no more. Asking twice is harmless. Raises CharacterUnknown, CharacterNotYours."""
    if own(character, actor).fate is not fate:
        yield Retired(fate)


def return_(character: Character, actor: Id) -> Iterator[Decision]:
    """Play it again. Harmless if it is played. Raises CharacterUnknown, CharacterNotYours."""
    if own(character, actor).fate:
        yield Returned()


def share(character: Character, actor: Id, copy: Copy, shown: Copy | None) -> Iterator[Decision]:
    """Show it here as it is now. Harmless if it is `shown` like that.

    Raises WordsUnusable, TextNotShowable.
    """
    mine = played_by(character, actor)
    if mine.standing is Standing.PRESENT and copy == shown:
        return
    text = None if copy.text is None else check_shown(copy.text)
    yield About(Shared(copy.fate, entries(mine.withdrawals)), actor, check_sheet(copy.sheet))
    if text is not None:
        yield About(TextShown(), actor, text)


def withdraw_share(character: Character, actor: Id) -> Iterator[Decision]:
    """Show it no longer. Asking twice is harmless. Raises CharacterUnknown, CharacterNotYours."""
    if own(character, actor).standing is not Standing.WITHDRAWN:
        yield ShareWithdrawn()


def check_playable(character: Character, actor: Id) -> None:
    """One's own, seen here and played. Raises CharacterUnknown, -NotYours, -Withdrawn, -Retired."""
    mine = own(character, actor)
    if mine.standing is not Standing.PRESENT:
        raise CharacterWithdrawn
    if mine.fate:
        raise CharacterRetired(fate=mine.fate.value)


def check_sheet(sheet: CharacterSheet) -> CharacterSheet:
    """The sheet, if it can be kept. Raises WordsUnusable."""
    check_name(sheet.name)
    check_name(sheet.occupation, may_be_empty=True)
    check_name(sheet.origin, may_be_empty=True)
    check_words(sheet.background, may_be_empty=True)
    return sheet


def check_shown(text: SheetText) -> SheetText:
    """The text, if it can be shown. Raises TextNotShowable."""
    try:
        check_words(text.text)
    except WordsUnusable as error:
        raise TextNotShowable(why=error.facts["why"]) from error
    return text


def evolve(character: Character, event: CharacterEvent, envelope: Envelope) -> Character:
    """Total. What is said of a character counts only from its player (rule 4), of what he himself brought.

    - Made or described on two devices at once, or two sheets chosen: contested until one is chosen or it is described
      anew.
    - Shared and withdrawn at once: withdrawn, in either order. Shared twice at once: the last in fold order is seen,
      with the text that went along with it or without one: a text whose sharing another has followed is not shown.
    - Retired and returned at once: the last in fold order stands.
    """
    told = _evolve_his(played_by(character, envelope.member), event, envelope)
    if not told.player:
        return character  # Said before he brought it.
    if character.player in (b"", told.player):
        return replace(told, others=character.others)
    if any(each.player == told.player for each in character.others):
        others = tuple(told if each.player == told.player else each for each in character.others)
    else:
        others = (*character.others, told)
    return replace(character, others=others)


def _evolve_his(character: Character, event: CharacterEvent, envelope: Envelope) -> Character:
    match event:
        case Made() if not begun_before(character.player, envelope):
            return _with_sheet(replace(character, player=envelope.member), (), envelope)
        case Shared(fate, over):
            return replace(
                character,
                player=envelope.member,
                sheets=(claim(envelope.entry, envelope),),
                fate=fate,
                withdrawals=drop(character.withdrawals, over, envelope),
                text=b"",
            )
        case _ if not character.player:
            return character
        case Described(over):
            return _with_sheet(character, over, envelope)
        case SheetChosen(sheet, over) if sheet in character.written:
            return replace(character, sheets=stake(character.sheets, sheet, over, envelope))
        case Retired(fate):
            return replace(character, fate=fate)
        case Returned():
            return replace(character, fate=None)
        case TextShown() if character.sheet in envelope.saw:
            return replace(character, text=envelope.entry)
        case ShareWithdrawn():
            return replace(character, withdrawals=beside(character.withdrawals, True, envelope))
        case _:
            return character  # Made before, a sheet that nobody wrote, or the text of another sharing.


def _with_sheet(character: Character, over: tuple[Id32, ...], envelope: Envelope) -> Character:
    others = tuple(each for each in character.written if each != envelope.entry)
    return replace(
        character,
        sheets=stake(character.sheets, envelope.entry, over, envelope),
        written=(*others, envelope.entry)[-TUPLE_MAX:],
    )


def own(character: Character, actor: Id) -> Character:
    """What the actor himself brought under this id. Raises CharacterUnknown, CharacterNotYours."""
    mine = played_by(character, actor)
    if mine.player:
        return mine
    raise CharacterNotYours if character.player else CharacterUnknown

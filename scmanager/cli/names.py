"""Names for ids: on the command line a thing may be called by its full id, by the first digits of it, or by its name.

Whatever fits more than one thing is an error that lists them. What is gone gives way to what lives (`gone`).
"""

import re
import time
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from scmanager.adapters.ship_catalogue import Catalogue
from scmanager.application.verbs import (
    CharacterId,
    ContactId,
    EntryId,
    FleetId,
    ImportId,
    MemberId,
    NotificationId,
    OperationId,
    OrganisationId,
    RoleId,
    ShipId,
    SlotId,
    SquadId,
    SquadronId,
    TreatyId,
)
from scmanager.application.words import Words
from scmanager.cli import gone
from scmanager.cli.output import short
from scmanager.cli.session import Place
from scmanager.domain.catalogue import (
    CHARACTERS,
    CONTACTS,
    FLEETS,
    IMPORTS,
    MEMBERS,
    OPERATIONS,
    ORGANISATIONS,
    ROLES,
    SHIPS,
    SQUADRONS,
    TREATIES,
)
from scmanager.domain.character import Character, CharacterSheet
from scmanager.domain.event import Id32
from scmanager.domain.fold import Fold
from scmanager.domain.member import Profile
from scmanager.domain.role import Role
from scmanager.domain.ship import Ship
from scmanager.errors import Refused
from scmanager.spaces.space import Space

PREFIX_DIGITS_MIN = 4
CANDIDATES_SHOWN = 8
_LAST_S = 253_402_214_400
"""Near the end of the year 9999: no calendar goes on."""

NOUNS: dict[Any, str] = {
    MemberId: "member",
    ShipId: "ship",
    FleetId: "fleet",
    SquadronId: "squadron",
    RoleId: "role",
    ImportId: "import",
    OrganisationId: "organisation",
    EntryId: "entry, log or device",
    OperationId: "operation",
    SlotId: "slot",
    SquadId: "squad",
    ContactId: "contact",
    TreatyId: "treaty",
    CharacterId: "character",
    NotificationId: "notification",
}
"""What a verb's parameter of an id type is called."""


FOLDS: dict[Any, Fold] = {
    RoleId: ROLES,
    FleetId: FLEETS,
    SquadronId: SQUADRONS,
    ShipId: SHIPS,
    ImportId: IMPORTS,
    ContactId: CONTACTS,
    TreatyId: TREATIES,
}
"""Where the things of an id type are."""


class NameUnknown(Refused):
    """There is no {noun} called {name}. {known}"""

    code = "name-unknown"
    hint = "Give the name as it is shown, the id, or at least its first four digits."


class NameAmbiguous(Refused):
    """{name} could be several: {candidates}."""

    code = "name-ambiguous"
    hint = "Give more digits of the id you mean."


class NoOrganisation(Refused):
    """There is no organisation in this folder."""

    code = "no-organisation"
    hint = "Found one: scm org found TITLE --handle NAME. Or join one: scm space request INVITATION -o FILE."


class WhichOrganisation(Refused):
    """Several organisations are here: {candidates}."""

    code = "which-organisation"
    hint = "Say which one: --org with its tag, its title or the first digits of its id."


class Named(msgspec.Struct, frozen=True):
    """A thing that can be called by name."""

    id: bytes
    names: tuple[str, ...]
    mark: str = ""
    """`removed`, `template` ...: what is gone, or no operation to fly."""

    @property
    def label(self) -> str:
        """For lists: the first name and the beginning of the id."""
        called = next((name for name in self.names if name), "")
        return f"{called} ({short(self.id)})" if called else short(self.id)

    @property
    def label_with_mark(self) -> str:
        """The same, with the word for what is gone."""
        return f"{self.label} ({self.mark})" if self.mark else self.label


def resolve(
    kind: Any, text: str, place: Place, space: Space, verb: str = "", within: bytes | None = None
) -> bytes:  # fmt: skip
    """The id that `text` means to a verb; slots and squads only of the operation `within`, if there is one.

    Raises NameUnknown, NameAmbiguous.
    """
    width = 64 if kind is EntryId else 32
    if re.fullmatch(rf"[0-9a-fA-F]{{{width}}}", text):
        return bytes.fromhex(text)
    candidates = _in_operations(kind, space, within) if kind in (SlotId, SquadId) else known(kind, place, space)
    return pick(NOUNS[kind], text, candidates, verb).id


def pick(noun: str, text: str, candidates: Sequence[Named], verb: str = "") -> Named:
    """The one candidate that bears this name, or whose id begins with these digits; the living before the gone."""
    wanted = _folded(text)
    found = [each for each in candidates if wanted in (_folded(name) for name in each.names if name)]
    found = gone.preferred(found, verb)
    if not found and len(text) >= PREFIX_DIGITS_MIN:
        found = [each for each in candidates if each.id.hex().startswith(wanted)]
    found = list({each.id: each for each in found}.values())
    if len(found) > 1:
        raise NameAmbiguous(name=text, candidates=listed(found))
    if not found:
        held = [each for each in candidates if any(each.names)]
        raise NameUnknown(noun=noun, name=text, known=_known(held, candidates))
    return found[0]


def _folded(name: str) -> str:
    """For comparing: without case, and with one spelling of letters that have accents (Unicode 3.13, D145)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _known(held: Sequence[Named], candidates: Sequence[Named]) -> str:
    if held:
        return f"Known: {listed(held)}" + ("" if len(held) > CANDIDATES_SHOWN else ".")
    return f"There are {len(candidates)}, to be named by their ids." if candidates else "None is known here."


def listed(candidates: Sequence[Named]) -> str:
    """Some of them, for an error."""
    shown = ", ".join(each.label_with_mark for each in candidates[:CANDIDATES_SHOWN])
    return shown + (", ..." if len(candidates) > CANDIDATES_SHOWN else "")


def known(kind: Any, place: Place, space: Space) -> list[Named]:
    """Everything of one kind that can be named in a space."""
    if kind is MemberId:
        return members(place, space)
    if kind is OrganisationId:
        return [msgspec.structs.replace(each, id=each.id[:16]) for each in organisations(place)]
    if kind is EntryId:
        return _entries(space)
    if kind in (SlotId, SquadId):
        return _in_operations(kind, space)
    if kind is NotificationId:
        return []  # Only what `scm inbox` shows has an id, and that is given whole.
    if kind is CharacterId:
        return _characters(place, space)
    if kind is OperationId:
        now_s = int(time.time())
        return [Named(entity, _dated(state), gone.mark(state, now_s)) for entity, state in space.things(OPERATIONS)]
    return _titled(kind, space)


def _titled(kind: Any, space: Space) -> list[Named]:
    """Roles, fleets, squadrons, treaties by title; contacts by title and tag; ships by model or its name."""
    now_s = int(time.time())
    return [
        Named(entity, (_title(state), _also(state)), gone.mark(state, now_s))
        for entity, state in space.things(FOLDS[kind])
    ]


def _also(state: Any) -> str:
    """A second name: a contact's tag, what the catalogue calls a ship's model."""
    listed_as = Catalogue.load().get(state.model) if isinstance(state, Ship) else None
    return listed_as.name if listed_as else str(getattr(state, "sid", ""))


def _dated(operation: Any) -> tuple[str, ...]:
    """An operation's name, and the name with its day in UTC: those of a series differ by it."""
    title, starts = str(operation.title), min(operation.window.starts, _LAST_S)
    return (title,) if operation.template else (f"{title} {datetime.fromtimestamp(starts, UTC):%Y-%m-%d}", title)


def _in_operations(kind: Any, space: Space, within: bytes | None = None) -> list[Named]:
    """Slots or squads of one operation or of all, by name; slots of one role are numbered too: `gunner 2`."""
    found = []
    for entity, state in space.things(OPERATIONS):
        one: Any = state
        if within not in (None, entity):
            continue
        if kind is SquadId:
            found += [Named(each.id, (each.title,)) for each in one.squads]
            continue
        found += [Named(each.id, (each.title,)) for each in one.ship_slots]
        numbers: dict[str, int] = {}
        for slot in one.crew_slots:
            numbers[slot.role] = numbers.get(slot.role, 0) + 1
            found.append(Named(slot.id, (f"{slot.role} {numbers[slot.role]}", slot.role)))
    return found


def _title(state: Any) -> str:
    if isinstance(state, Role):
        return state.template.title if state.template else ""
    return str(getattr(state, "title", "") or getattr(state, "model", "") or "")


def _entries(space: Space) -> list[Named]:
    """Entries, logs and devices: all have ids of 32 bytes."""
    ids: dict[bytes, None] = {opened.entry.id32: None for opened in space.entries()}
    for standing in space.verdicts.grants.values():
        ids |= dict.fromkeys((*standing.levels, *standing.devices, standing.grant.box))
    return [Named(each, ()) for each in ids]


def members(place: Place, space: Space) -> list[Named]:
    """The roster with the names that this device can read."""
    found = []
    for entity, state in space.things(MEMBERS):
        profile = profile_of(place, space, getattr(state, "profile", b""))
        called = (profile.handle, profile.display_name) if profile else ()
        found.append(Named(entity, called, gone.mark(state, 0)))  # A member's standing needs no clock.
    return found


def _characters(place: Place, space: Space) -> list[Named]:
    """By name: what is shown in this space, and one's own, which can be shown there."""
    found: dict[bytes, dict[str, None]] = {}
    for each in (space, *(one for one in place.personal_spaces() if one.id != space.id)):
        for entity, state in each.things(CHARACTERS):
            sheet = sheet_of(place, each, state.sheet) if isinstance(state, Character) else None
            found.setdefault(entity, {}).update({sheet.name: None} if sheet else {})
    return [Named(entity, tuple(called)) for entity, called in found.items()]


def member_name(place: Place, space: Space, member: bytes) -> str:
    """What a member is called, if that can be read."""
    state: Any = space.state(MEMBERS, member)
    profile = profile_of(place, space, state.profile)
    return (profile.display_name or profile.handle) if profile else ""


def sheet_of(place: Place, space: Space, entry: Id32) -> CharacterSheet | None:
    """Who a character is, if the words are here, their key is, and nobody had them erased."""
    words = Words(place.store, place.vault.held).read(space, {entry: CharacterSheet}) if entry else {}
    found = words.get(entry)
    return found if isinstance(found, CharacterSheet) else None


def profile_of(place: Place, space: Space, entry: Id32) -> Profile | None:
    """How somebody is called, if the words are here, their key is, and nobody had them erased."""
    words = Words(place.store, place.vault.held).read(space, {entry: Profile}) if entry else {}
    found = words.get(entry)
    return found if isinstance(found, Profile) else None


def organisations(place: Place) -> list[Named]:
    """The organisations of this folder, by tag and title; ids are those of their spaces."""
    found = []
    for space in place.shelf.spaces():
        if space.kind == "org":
            state: Any = space.state(ORGANISATIONS, space.id[:16])
            found.append(Named(space.id, (state.sid, state.title)))
    return found


def organisation(place: Place, text: str | None) -> Space:
    """The organisation that is meant: the only one, when nothing is said. Raises NoOrganisation, NameUnknown."""
    held = organisations(place)
    if not held:
        raise NoOrganisation
    if text is None and len(held) > 1:
        raise WhichOrganisation(candidates=listed(held))
    return place.shelf.space(held[0].id if text is None else pick("organisation", text, held).id)


def call(entity: bytes, named: Iterable[Named]) -> str:
    """A name to show for an id."""
    return next((each.label for each in named if each.id == entity), short(entity))

"""Names for ids: on the command line a thing may be called by its full id, by the first digits of it, or by its name.

Whatever fits more than one thing is an error that lists them. What is gone gives way to what lives (`gone`).
"""

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from scmanager.adapters.ship_catalogue import Catalogue
from scmanager.application.verbs import (
    CharacterId,
    ContactId,
    DeviceId,
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
from scmanager.cli import gone, machines
from scmanager.cli.calling import NameAmbiguous, Named, NameUnknown, Register, pick, same_name
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
from scmanager.domain.character import Character, CharacterSheet, each_player
from scmanager.domain.character import Standing as CharacterStanding
from scmanager.domain.event import Id32, Personal
from scmanager.domain.fold import Fold
from scmanager.domain.member import Profile
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import manifest, taker
from scmanager.domain.role import Role
from scmanager.domain.ship import Ship
from scmanager.domain.ship_events import Nickname
from scmanager.errors import Refused
from scmanager.spaces.personal import Absence
from scmanager.spaces.space import Space

_LAST_S = 253_402_214_400
"""Near the end of the year 9999: no calendar goes on."""

TAKE_SLOT = "operation.take-slot"

NOUNS: dict[Any, str] = {
    MemberId: "member",
    ShipId: "ship",
    FleetId: "fleet",
    SquadronId: "squadron",
    RoleId: "role",
    ImportId: "import",
    OrganisationId: "organisation",
    DeviceId: "device of yours",
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


class NoOrganisation(Refused):
    """There is no organisation in this folder."""

    code = "no-organisation"
    hint = "Found one: scm org found TITLE --handle NAME. Or join one: scm space request INVITATION -o FILE."


class WhichOrganisation(Refused):
    """Several organisations are here: {candidates}."""

    code = "which-organisation"
    hint = "Say which one: --org with its tag, its title or the first digits of its id."


def resolve(
    kind: Any, text: str, place: Place, space: Space, verb: str = "", within: bytes | None = None
) -> bytes:  # fmt: skip
    """The id that `text` means to a verb; slots and squads only of the operation `within`, if there is one.

    Raises NameUnknown, NameAmbiguous.
    """
    width = 64 if kind in (DeviceId, EntryId) else 32
    if re.fullmatch(rf"[0-9a-fA-F]{{{width}}}", text):
        return bytes.fromhex(text)
    candidates = in_operations(kind, space, within) if kind in (SlotId, SquadId) else known(kind, place, space)
    if kind is SlotId and verb == TAKE_SLOT:
        candidates = _first_free(space, candidates)
    try:
        return pick(NOUNS[kind], text, candidates, verb).id
    except NameUnknown:
        if kind is ShipId and space.kind == "org" and (own := _in_own_hangar(text, place, space)):
            raise NameUnknown(noun=NOUNS[kind], name=text, known=own) from None
        raise


def _in_own_hangar(text: str, place: Place, space: Space) -> str:
    """Of a ship that is called so in one's own space alone: how to name it; empty if there is none."""
    own = [each for one in place.personal_spaces() for each in _ships(place, one)]
    with suppress(NameUnknown, NameAmbiguous):
        found = pick(NOUNS[ShipId], text, own)
        here = f"; here it is {short(found.id)}" if space.thing(SHIPS, found.id) else ""
        return f"It is so called in your own hangar: say --personal to mean it there{here}."
    return ""


def _first_free(space: Space, slots: list[Named]) -> list[Named]:
    """Where a role has slots that nobody took, its name alone means the first of them."""
    taken = {
        slot.id
        for _, state in space.things(OPERATIONS)
        if isinstance(state, Operation)
        for crew in (frozenset(manifest(state).crew),)
        for slot in state.crew_slots
        if taker(slot, crew)
    }
    first: dict[str, bytes] = {}
    for each in slots:
        if each.id not in taken:
            first.setdefault(each.names[-1], each.id)
    return [
        each if first.get(each.names[-1], each.id) == each.id else Named(each.id, each.names[:1]) for each in slots
    ]


def register(kind: Any, place: Place, space: Space) -> Register:
    """What things of one kind are called in a space, by id."""
    return Register(known(kind, place, space))


def known(kind: Any, place: Place, space: Space) -> list[Named]:
    """Everything of one kind that can be named in a space."""
    if kind is MemberId:
        return members(place, space)
    if kind is OrganisationId:
        return [msgspec.structs.replace(each, id=each.id[:16]) for each in organisations(place)]
    if kind is DeviceId:  # Names stand in one's own space, and a device may act in others only.
        return machines.known(place, [space] if space.kind == "org" else place.shelf.spaces())
    if kind is EntryId:
        return _entries(space)
    if kind in (SlotId, SquadId):
        return in_operations(kind, space)
    if kind is NotificationId:
        return []  # Only what `scm inbox` shows has an id, and that is given whole.
    if kind is CharacterId:
        return _characters(place, space)
    if kind is OperationId:
        now_s = int(time.time())
        return [Named(entity, _dated(state), gone.mark(state, now_s)) for entity, state in space.things(OPERATIONS)]
    return _ships(place, space) if kind is ShipId else _titled(kind, space)


def _titled(kind: Any, space: Space) -> list[Named]:
    """Roles, fleets, squadrons, treaties by title; contacts by title and tag."""
    now_s = int(time.time())
    return [
        Named(entity, (_title(state), str(getattr(state, "sid", ""))), gone.mark(state, now_s))
        for entity, state in space.things(FOLDS[kind])
    ]


def _ships(place: Place, space: Space) -> list[Named]:
    """By nickname, by the key of the model, and by what the catalogue calls that."""
    ships: list[tuple[bytes, Any]] = [
        (entity, each) for entity, each in space.things(SHIPS) if isinstance(each, Ship)
    ]
    called, catalogue = nicknames(place, space, (each for _, each in ships)), Catalogue.load()
    found = []
    for entity, ship in ships:
        model = catalogue.get(ship.model)
        spelt = (called.get(ship.nickname, ""), ship.model, model.name if model else "")
        found.append(Named(entity, spelt, gone.mark(ship, 0)))
    return found


def nicknames(place: Place, space: Space, ships: Iterable[Ship]) -> dict[Id32, str]:
    """What owners call these ships, by the entry that says so, as far as it can be read here."""
    wanted = {ship.nickname: Nickname for ship in ships if ship.nickname}
    read = Words(place.store, place.vault.held).read(space, wanted) if wanted else {}
    return {entry: words.text for entry, words in read.items() if isinstance(words, Nickname)}


def _dated(operation: Any) -> tuple[str, ...]:
    """An operation's name, and the name with its day in UTC: those of a series differ by it."""
    title, starts = str(operation.title), min(operation.window.starts, _LAST_S)
    return (title,) if operation.template else (f"{title} {datetime.fromtimestamp(starts, UTC):%Y-%m-%d}", title)


def in_operations(kind: Any, space: Space, within: bytes | None = None) -> list[Named]:
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
    called, absent = profiles(place, space)
    found = []
    for entity, state in space.things(MEMBERS):
        said = getattr(state, "profile", b"")
        profile = called.get(said)
        both = (profile.handle, profile.display_name) if profile else ()
        instead = Absence.ERASED.value if absent.get(said) == Absence.ERASED else ""
        found.append(Named(entity, both, gone.mark(state, 0), instead))  # A member's standing needs no clock.
    return found


def profiles(place: Place, space: Space) -> tuple[dict[Id32, Profile], dict[Id32, str]]:
    """What everybody on the roster is called, by the entry that says so; and why what cannot be read cannot be."""
    wanted = {entry: Profile for _, state in space.things(MEMBERS) if (entry := getattr(state, "profile", b""))}
    read = Words(place.store, place.vault.held).read(space, wanted)
    called = {entry: words for entry, words in read.items() if isinstance(words, Profile)}
    return called, {entry: str(read[entry]) for entry in wanted if entry not in called}


def _characters(place: Place, space: Space) -> list[Named]:
    """By name: what is shown in this space, and one's own, which can be shown there."""
    found: dict[bytes, dict[str, None]] = {}
    marks: dict[bytes, set[str]] = {}
    erased: set[bytes] = set()
    for each in (space, *(one for one in place.personal_spaces() if one.id != space.id)):
        for entity, state in each.things(CHARACTERS):
            for one in each_player(state) if isinstance(state, Character) else ():
                sheet = _sheet(place, each, one.sheet)
                found.setdefault(entity, {}).update({sheet.name: None} if isinstance(sheet, CharacterSheet) else {})
                erased |= {entity} if sheet is Absence.ERASED else set()
                marks.setdefault(entity, set()).add(gone.mark(one, 0))
    instead = dict.fromkeys(erased, Absence.ERASED.value)
    return [
        Named(entity, tuple(called), _last_mark(marks[entity]), instead.get(entity, ""))
        for entity, called in found.items()
    ]


def _last_mark(marks: set[str]) -> str:
    """Of one character in several spaces: withdrawn from one, but played all the same, it is not gone."""
    fates = marks - {"", CharacterStanding.WITHDRAWN.value}
    return min(fates) if fates else "" if "" in marks else min(marks)


def member_name(place: Place, space: Space, member: bytes) -> str:
    """What a member is called, if that can be read."""
    state: Any = space.state(MEMBERS, member)
    profile = profile_of(place, space, state.profile)
    return (profile.display_name or profile.handle) if profile else ""


def sheet_of(place: Place, space: Space, entry: Id32) -> CharacterSheet | None:
    """Who a character is, if the words are here, their key is, and nobody had them erased."""
    found = _sheet(place, space, entry)
    return found if isinstance(found, CharacterSheet) else None


def _sheet(place: Place, space: Space, entry: Id32) -> Personal | Absence:
    read = Words(place.store, place.vault.held).read
    return read(space, {entry: CharacterSheet})[entry] if entry else Absence.NONE


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


def org_as_typed(place: Place, space: bytes) -> str:
    """How an organisation is said to --org: by its tag, or the first digits of its id where another has that too."""
    held = organisations(place)
    own = next((each for each in held if each.id == space), None)
    alone = own is not None and own.name and sum(own.name in each.names for each in held) == 1
    return own.name if own is not None and alone else short(space)


def title_of(space: Space) -> str:
    """What the organisation of a space is called; nothing for somebody's own space."""
    state: Any = space.state(ORGANISATIONS, space.id[:16])
    return str(state.title)


def organisation(place: Place, text: str | None) -> Space:
    """The organisation that is meant: the only one, when nothing is said. Raises NoOrganisation, NameUnknown."""
    held = organisations(place)
    if not held:
        raise NoOrganisation
    if text is None and len(held) > 1:
        raise WhichOrganisation(candidates=_told_apart(held))
    if text is None:
        return place.shelf.space(held[0].id)
    try:
        return place.shelf.space(pick("organisation", text, held).id)
    except NameAmbiguous as error:
        meant = [each for each in held if same_name(text, each.names) or each.id.hex().startswith(text.casefold())]
        raise NameAmbiguous(name=text, candidates=_told_apart(meant)) from error


def _told_apart(found: list[Named]) -> str:
    """Organisations by tag, title and id: tags may be the same."""
    return ", ".join(f"{' '.join(filter(None, each.names))} ({short(each.id)})" for each in found)

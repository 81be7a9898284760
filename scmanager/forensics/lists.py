"""What can be called by a name in a space, kind by kind, as far as its words can be read here."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from scmanager.adapters.key_vault import KeyVault
from scmanager.adapters.ship_catalogue import Catalogue
from scmanager.application.verbs import (
    CharacterId,
    ContactId,
    FleetId,
    ImportId,
    MemberId,
    OperationId,
    RoleId,
    ShipId,
    SquadronId,
    TreatyId,
)
from scmanager.application.words import Words
from scmanager.domain.catalogue import (
    CHARACTERS,
    CONTACTS,
    FLEETS,
    IMPORTS,
    MEMBERS,
    OPERATIONS,
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
from scmanager.domain.role import Role
from scmanager.domain.ship import Ship
from scmanager.domain.ship_events import Nickname
from scmanager.eventstore.store import Store
from scmanager.forensics import gone
from scmanager.forensics.called import Named
from scmanager.spaces.personal import Absence
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space


class Held(Protocol):
    """What names are read from."""

    @property
    def store(self) -> Store:
        """Entries and their parts."""

    @property
    def shelf(self) -> Shelf:
        """Spaces, as they are or were."""

    @property
    def vault(self) -> KeyVault:
        """The keys that there are."""

    def personal_spaces(self) -> list[Space]:
        """The owner's own."""


def named(kind: Any, place: Held, space: Space) -> list[Named]:
    """Everything of one kind in a space that has a name: members, ships, roles ..."""
    if kind is MemberId:
        return members(place, space)
    if kind is CharacterId:
        return characters(place, space)
    if kind is OperationId:
        now_s = place.shelf.now_us() // 1_000_000
        return [Named(entity, dated(state), gone.mark(state, now_s)) for entity, state in space.things(OPERATIONS)]
    return ships(place, space) if kind is ShipId else _titled(kind, place, space)


_LAST_S = 253_402_214_400
"""Near the end of the year 9999: no calendar goes on."""

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


def _titled(kind: Any, place: Held, space: Space) -> list[Named]:
    """Roles, fleets, squadrons, treaties by title; contacts by title and tag."""
    now_s = place.shelf.now_us() // 1_000_000
    return [
        Named(entity, (_title(state), str(getattr(state, "sid", ""))), gone.mark(state, now_s))
        for entity, state in space.things(FOLDS[kind])
    ]


def ships(place: Held, space: Space) -> list[Named]:
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


def nicknames(place: Held, space: Space, ships: Iterable[Ship]) -> dict[Id32, str]:
    """What owners call these ships, by the entry that says so, as far as it can be read here."""
    wanted = {ship.nickname: Nickname for ship in ships if ship.nickname}
    read = Words(place.store, place.vault.held).read(space, wanted) if wanted else {}
    return {entry: words.text for entry, words in read.items() if isinstance(words, Nickname)}


def dated(operation: Any) -> tuple[str, ...]:
    """An operation's name, and the name with its day in UTC: those of a series differ by it."""
    title, starts = str(operation.title), min(operation.window.starts, _LAST_S)
    return (title,) if operation.template else (f"{title} {datetime.fromtimestamp(starts, UTC):%Y-%m-%d}", title)


def _title(state: Any) -> str:
    if isinstance(state, Role):
        return state.template.title if state.template else ""
    return str(getattr(state, "title", "") or getattr(state, "model", "") or "")


def members(place: Held, space: Space) -> list[Named]:
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


def profiles(place: Held, space: Space) -> tuple[dict[Id32, Profile], dict[Id32, str]]:
    """What everybody on the roster is called, by the entry that says so; and why what cannot be read cannot be."""
    wanted = {entry: Profile for _, state in space.things(MEMBERS) if (entry := getattr(state, "profile", b""))}
    read = Words(place.store, place.vault.held).read(space, wanted)
    called = {entry: words for entry, words in read.items() if isinstance(words, Profile)}
    return called, {entry: str(read[entry]) for entry in wanted if entry not in called}


def characters(place: Held, space: Space) -> list[Named]:
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


def sheet_of(place: Held, space: Space, entry: Id32) -> CharacterSheet | None:
    """Who a character is, if the words are here, their key is, and nobody had them erased."""
    found = _sheet(place, space, entry)
    return found if isinstance(found, CharacterSheet) else None


def _sheet(place: Held, space: Space, entry: Id32) -> Personal | Absence:
    read = Words(place.store, place.vault.held).read
    return read(space, {entry: CharacterSheet})[entry] if entry else Absence.NONE


def profile_of(place: Held, space: Space, entry: Id32) -> Profile | None:
    """How somebody is called, if the words are here, their key is, and nobody had them erased."""
    words = Words(place.store, place.vault.held).read(space, {entry: Profile}) if entry else {}
    found = words.get(entry)
    return found if isinstance(found, Profile) else None

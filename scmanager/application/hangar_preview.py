"""The preview of a hangar import: what a file would change, and what a person confirmed of it. Nothing is written.

A preview carries a digest of the hangar it was made on. `hangar.import` applies what was confirmed only while the
hangar is still that one. Words of a file are offered for a ship unless an erasure took the ship's words before.
"""

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from scmanager.application.hangar_diff import KnownShip, Missing, Pair, diff
from scmanager.application.hangar_ships import HangarFile, ImportedShip, Note, Tool, Unrecognised
from scmanager.application.ship_names import compact
from scmanager.application.words import Words
from scmanager.domain.catalogue import SHIPS
from scmanager.domain.event import Id, Id32, Personal
from scmanager.domain.ship import Ship, Standing
from scmanager.domain.ship_events import Details, Nickname, Owner
from scmanager.eventstore.entry import digest
from scmanager.spaces.personal import Absence
from scmanager.spaces.space import Space

DETAILS = ("serial", "pledge_id", "pledge_name", "pledge_date", "insurance_months", "lti")


class Fate(enum.StrEnum):
    """What becomes of a ship that the file does not list. A file proves only what it lists: the default is KEEP."""

    KEEP = "keep"
    WISH = "wish-list"
    REMOVE = "remove"


class Preview(msgspec.Struct, frozen=True):
    """What an import would do. added + unchanged + changed + unrecognised rows are the ships of the file."""

    owner: Owner
    tool: Tool
    state: bytes
    """Digest of the hangar it was made on, 32 bytes."""
    added: tuple[ImportedShip, ...]
    unchanged: tuple[Pair, ...]
    changed: tuple[Pair, ...]
    missing: tuple[Missing, ...]
    unrecognised: tuple[Unrecognised, ...]
    """Models to ask about. Without an answer their rows are skipped."""
    wishes: tuple[ImportedShip, ...] = ()
    notes: tuple[Note, ...] = ()


class Choice(msgspec.Struct, frozen=True):
    """What a person chose for one missing ship."""

    ship: bytes
    fate: Fate


class NewShip(msgspec.Struct, frozen=True):
    """A ship to add."""

    model: str
    fingerprint: str
    nickname: str | None
    details: Details


class ChangedShip(msgspec.Struct, frozen=True):
    """New words for a ship; None leaves what is there."""

    ship: bytes
    nickname: str | None = None
    details: Details | None = None


class Confirmed(msgspec.Struct, frozen=True):
    """What a person confirmed of a preview: all that `hangar.import` will do, and the hangar it may be done to."""

    owner: Owner
    tool: str
    state: bytes
    added: tuple[NewShip, ...] = ()
    changed: tuple[ChangedShip, ...] = ()
    missing: tuple[Choice, ...] = ()
    skipped: int = 0
    """Rows nobody recognised."""


def preview(
    space: Space, owner: Owner, file: HangarFile, words: Words, answers: Mapping[str, str] | None = None
) -> Preview:
    """Compare a file with an owner's ships in a space. Pure but for reading words; call it under the shelf's lock.

    `answers`: which catalogue key a name stands for that was not recognised. Those of earlier imports are remembered
    in the ships they led to, until an erasure.
    """
    present = [(id_, one) for id_, one in owned(space, owner) if one.standing is Standing.PRESENT]
    known = _known(space, present, words)
    answered = _answered(file, {**_remembered(known), **(answers or {})})
    found = diff(known, answered)
    return Preview(
        owner=owner,
        tool=file.tool,
        state=state_digest(owner, ((id_, space.tips(SHIPS, id_)) for id_, _ in owned(space, owner)), space),
        added=tuple(ship for ship in found.added if ship.key is not None),
        unchanged=found.unchanged,
        changed=found.changed,
        missing=found.missing,
        unrecognised=_unrecognised(file, found.added),
        wishes=answered.wishes,
        notes=file.notes,
    )


def confirm(made: Preview, choices: Iterable[Choice] = (), without: Iterable[bytes] = ()) -> Confirmed:
    """What a person wants of a preview: `choices` for missing ships, `without` the changes of these ships."""
    unwanted = set(without)
    missing = {each.known.ship for each in made.missing}
    return Confirmed(
        owner=made.owner,
        tool=made.tool,
        state=made.state,
        added=tuple(_new(ship) for ship in made.added),
        changed=tuple(_changed(pair) for pair in made.changed if pair.known.ship not in unwanted),
        missing=tuple(each for each in choices if each.ship in missing and each.fate is not Fate.KEEP),
        skipped=sum(each.count for each in made.unrecognised),
    )


def owned(space: Space, owner: Owner) -> list[tuple[Id, Ship]]:
    """An owner's ships in a space, those that are gone too."""
    return [(id_, one) for id_, one in space.things(SHIPS) if isinstance(one, Ship) and one.owner == owner]


def state_digest(owner: Owner, tips: Iterable[tuple[Id, Sequence[Id32]]], space: Space) -> bytes:
    """What a preview was made on: the newest events of each of the owner's ships, and what was erased."""
    ships = (id_ + b"".join(sorted(newest)) for id_, newest in sorted(tips))
    hashed = (digest("scm/hangar-ship/1", ship) for ship in ships)
    gone = digest("scm/hangar-erased/1", *sorted(space.erased_keys()))
    return digest("scm/hangar/1", owner.id, owner.kind.value.encode(), gone, *hashed)


def _known(space: Space, ships: Sequence[tuple[Id, Ship]], words: Words) -> list[KnownShip]:
    wanted: dict[Id32, type[Personal]] = {one.details: Details for _, one in ships if one.details}
    wanted |= {one.nickname: Nickname for _, one in ships if one.nickname}
    told = words.read(space, wanted)
    return [_told(id_, one, told.get(one.details), told.get(one.nickname)) for id_, one in ships]


def _told(id_: Id, one: Ship, details: Personal | Absence | None, nickname: Personal | Absence | None) -> KnownShip:
    known = KnownShip(
        id_,
        one.model,
        nickname=nickname.text or None if isinstance(nickname, Nickname) else None,
        erased=any(isinstance(each, Absence) and each is not Absence.NONE for each in (details, nickname)),
    )
    if not isinstance(details, Details):
        return known
    return msgspec.structs.replace(known, **msgspec.structs.asdict(details))


def _remembered(known: Iterable[KnownShip]) -> dict[str, str]:
    """Names as written and the models they were taken for; a name taken for two says nothing."""
    taken: dict[str, set[str]] = {}
    for ship in known:
        if ship.name and ship.key:
            taken.setdefault(ship.name, set()).add(ship.key)
    return {name: min(keys) for name, keys in taken.items() if len(keys) == 1}


def _answered(file: HangarFile, answers: Mapping[str, str]) -> HangarFile:
    keys = {form: key for name, key in answers.items() if (form := compact(name))}

    def read(ships: tuple[ImportedShip, ...]) -> tuple[ImportedShip, ...]:
        return tuple(
            msgspec.structs.replace(ship, key=keys[compact(ship.name)])
            if ship.key is None and compact(ship.name) in keys
            else ship
            for ship in ships
        )

    return msgspec.structs.replace(file, ships=read(file.ships), wishes=read(file.wishes))


def _unrecognised(file: HangarFile, added: Iterable[ImportedShip]) -> tuple[Unrecognised, ...]:
    counts = Counter(ship.name for ship in added if ship.key is None)
    suggestions = {each.name: each.suggestions for each in file.unrecognised}
    return tuple(Unrecognised(name, counts[name], suggestions.get(name, ())) for name in sorted(counts))


def _new(ship: ImportedShip) -> NewShip:
    details = Details(name=ship.name, **{field: getattr(ship, field) for field in DETAILS})
    return NewShip(ship.key or "", ship.fingerprint, ship.nickname, details)


def _changed(pair: Pair) -> ChangedShip:
    """The words that are there with those of the file over them; where it is silent nothing goes."""
    news = {change.field: change.after for change in pair.changes}
    nickname = pair.imported.nickname if "nickname" in news else None
    if not news.keys() & set(DETAILS):
        return ChangedShip(pair.known.ship, nickname)
    said = {field: getattr(pair.imported if field in news else pair.known, field) for field in DETAILS}
    return ChangedShip(pair.known.ship, nickname, Details(name=pair.known.name or pair.imported.name, **said))

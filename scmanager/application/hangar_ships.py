"""What a hangar export says, whichever tool wrote it.

Everything but the catalogue key is personal: names a person gave, pledges, dates, and the fingerprint too, being
made of them. It belongs in personal parts and never in part 0 (DESIGN section 2).
"""

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

from scmanager.application.ship_names import compact

Tool = Literal[
    "hangarxplor", "hangarxplor-legacy", "hangarxplor-csv", "sc-bridge", "fleetyards", "starship42", "fleetview"
]
NoteCode = Literal[
    "row-without-name",
    "row-is-no-ship",
    "date-not-understood",
    "value-not-understood",
    "layout-says-nothing-of-ownership",
    "contents-of-pledges-left-out",
    "nickname-shortened",
]


class ImportedShip(msgspec.Struct, frozen=True):
    """One hull of the file. None means: this tool does not say."""

    key: str | None
    """The catalogue's key; None if a person has to choose (`HangarFile.unrecognised`)."""
    name: str
    """The model as the tool wrote it, without invisible characters."""
    nickname: str | None = None
    serial: str | None = None
    pledge_id: str | None = None
    pledge_name: str | None = None
    pledge_date: str | None = None
    """`2018-06-10`."""
    insurance_months: int | None = None
    """Months; None for lifetime and unknown alike, see `lti`."""
    lti: bool | None = None
    row: int = 0
    """Of the source, counted from 1 (a table's header is not counted)."""
    fingerprint: str = ""
    """Equal for the same hull in two files of one tool, whatever the order of rows; distinct within one file."""


class Unrecognised(msgspec.Struct, frozen=True):
    """A model to ask about once, and what it might be (catalogue keys, likeliest first)."""

    name: str
    count: int
    suggestions: tuple[str, ...] = ()


class Note(msgspec.Struct, frozen=True):
    """Something the person should know: a stable code and how many rows it is about."""

    code: NoteCode
    count: int


class HangarFile(msgspec.Struct, frozen=True):
    """A hangar as one tool exported it. Wishes are ships that the person does not own."""

    tool: Tool
    ships: tuple[ImportedShip, ...]
    unrecognised: tuple[Unrecognised, ...] = ()
    wishes: tuple[ImportedShip, ...] = ()
    notes: tuple[Note, ...] = ()


def model(key: str | None, name: str) -> str:
    """What makes two hulls the same model: the catalogue key, else the comparable name."""
    return key or written(name)


def written(name: str) -> str:
    """The comparable name, apart from every catalogue key; a name of signs alone stands for itself."""
    return f"~{compact(name) or name}"


def details(ship: ImportedShip) -> tuple[str, ...]:
    """All that the tool said of one hull, comparable; it orders equal models without looking at rows."""
    facts = (ship.pledge_id, ship.serial, ship.nickname, ship.pledge_name, ship.pledge_date, ship.insurance_months)
    return tuple(f"{fact is not None:d}{fact}" for fact in (*facts, ship.lti, ship.name))


def fingerprinted(ships: Iterable[ImportedShip]) -> tuple[ImportedShip, ...]:
    """The ships, in their order, with fingerprints: of model as written, pledge, serial, and which of several."""
    taken = list(ships)
    counted: dict[str, int] = {}
    prints: dict[int, str] = {}
    for place in sorted(range(len(taken)), key=lambda place: (details(taken[place]), place)):
        base = _digest(taken[place])
        counted[base] = counted.get(base, 0) + 1
        prints[place] = f"{base}-{counted[base]}"
    return tuple(msgspec.structs.replace(ship, fingerprint=prints[place]) for place, ship in enumerate(taken))


def _digest(ship: ImportedShip) -> str:
    """Of what a tool does not change. Not of the key: a newer catalogue may know a model that this one does not."""
    told = msgspec.json.encode([compact(ship.name), ship.pledge_id, ship.serial])
    return hashlib.sha3_256(b"scm/hangar-row/1\n" + told).hexdigest()[:32]

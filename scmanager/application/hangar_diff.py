"""What an import would change: a preview that a person confirms, computed without touching anything.

Hulls are matched as a multiset, so N equal hulls stay N. Both sides are paired off by the strongest evidence first
(`_EVIDENCE`), and last by the model alone: that still works when an erasure left nothing but the catalogue key. The
order of rows never matters. *Missing* is only what the file does not list: keep, wish for or remove is the caller's
question to the person, never ours to answer (docs/adr/0005).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from scmanager.application.hangar_ships import HangarFile, ImportedShip, details, model, written

Field = Literal["key", "nickname", "serial", "pledge_id", "pledge_name", "pledge_date", "insurance_months", "lti"]
Evidence = Literal["all", "pledge", "serial", "nickname", "model"]

_WORDS: tuple[Field, ...] = (
    "nickname",
    "serial",
    "pledge_id",
    "pledge_name",
    "pledge_date",
    "insurance_months",
    "lti",
)


class KnownShip(msgspec.Struct, frozen=True):
    """A ship of the hangar as it stands. After an erasure only `ship` and `key` are left, and `erased` is set."""

    ship: bytes
    """The ship's own id: random, no two alike."""
    key: str | None
    name: str = ""
    nickname: str | None = None
    serial: str | None = None
    pledge_id: str | None = None
    pledge_name: str | None = None
    pledge_date: str | None = None
    insurance_months: int | None = None
    lti: bool | None = None
    erased: bool = False
    """Its owner had his words erased: an import does not offer to bring them back."""


class Change(msgspec.Struct, frozen=True):
    """One field that the file says otherwise. A field on which the file is silent is no change."""

    field: Field
    before: str | int | None
    after: str | int | None


class Pair(msgspec.Struct, frozen=True):
    """A known ship and the row that is taken for it, and by what."""

    known: KnownShip
    imported: ImportedShip
    by: Evidence
    changes: tuple[Change, ...] = ()


class Missing(msgspec.Struct, frozen=True):
    """A known ship that the file does not list as owned. Not a deletion."""

    known: KnownShip
    wished: bool
    """The file has this model on its wish list."""


class HangarDiff(msgspec.Struct, frozen=True):
    """unchanged + changed + missing are the known ships, unchanged + changed + added those of the file: each once."""

    added: tuple[ImportedShip, ...]
    unchanged: tuple[Pair, ...]
    changed: tuple[Pair, ...]
    missing: tuple[Missing, ...]


Side = KnownShip | ImportedShip
Trait = Callable[[Side], tuple[object, ...] | None]
"""What two hulls must have in common to be paired; None never pairs."""


def diff(existing: Sequence[KnownShip], file: HangarFile) -> HangarDiff:
    """Which rows are the ships already there. Pure; equal for any order of `existing` and of the file's rows."""
    matching = _Matching(existing, file.ships)
    for by, trait in _EVIDENCE:
        matching.pair_off(by, trait, _model)
        matching.pair_off(by, trait, _written)
    matching.complete()
    pairs = sorted(matching.pairs, key=lambda pair: pair.known.ship)
    wishes = {form(wish) for wish in file.wishes for form in (_model, _written)} - {None}
    return HangarDiff(
        added=tuple(sorted(matching.rows, key=_place)),
        unchanged=tuple(pair for pair in pairs if not pair.changes),
        changed=tuple(pair for pair in pairs if pair.changes),
        missing=tuple(Missing(ship, bool({_model(ship), _written(ship)} & wishes)) for ship in matching.known),
    )


def _place(row: ImportedShip) -> tuple[object, ...]:
    """By which rows are sorted: two that differ at all differ here."""
    return (model(row.key, row.name), details(row), row.fingerprint, row.key or "", row.name)


class _Matching:
    """What is paired so far, and what is left of both sides, in an order that rows have no part in."""

    def __init__(self, known: Iterable[KnownShip], rows: Iterable[ImportedShip]) -> None:
        self.known = sorted(known, key=lambda ship: ship.ship)
        self.rows = sorted(rows, key=_place)
        self.pairs: list[Pair] = []

    def pair_off(self, by: Evidence, trait: Trait, kind: Callable[[Side], str | None]) -> None:
        """Pair what is of one kind and has the trait in common."""
        waiting: defaultdict[object, deque[int]] = defaultdict(deque)
        for place, row in enumerate(self.rows):
            if (told := trait(row)) is not None and (of := kind(row)) is not None:
                waiting[of, told].append(place)
        taken: set[int] = set()
        left: list[KnownShip] = []
        for ship in self.known:
            places = waiting.get((kind(ship), trait(ship)))
            if places:
                place = places.popleft()
                taken.add(place)
                self.pairs.append(_pair(ship, self.rows[place], by))
            else:
                left.append(ship)
        self.known = left
        self.rows = [row for place, row in enumerate(self.rows) if place not in taken]

    def complete(self) -> None:
        """Pair what is left by moving ships among rows that fit them as well.

        A hull fits by key or by name as written, so one that took a row may have left another ship without any: the
        matching is made a maximum one by augmenting paths. Else a re-import could add what is already there.
        """
        if not self.known or not self.rows:
            return
        rows = [pair.imported for pair in self.pairs] + self.rows
        owners: list[KnownShip | None] = [pair.known for pair in self.pairs] + [None] * len(self.rows)
        fitting: defaultdict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            for kind in _kinds(row):
                fitting[kind].append(place)
        dead_ends: set[str] = set()
        left: list[KnownShip] = []
        for ship in self.known:
            moves = _moves(ship, owners, fitting, dead_ends)
            if not moves:
                left.append(ship)
            for place, mover in moves:
                owners[place] = mover
        old = {place: pair for place, pair in enumerate(self.pairs) if owners[place] is pair.known}
        self.pairs = [old.get(i) or _pair(ship, rows[i], "model") for i, ship in enumerate(owners) if ship]
        self.rows = [row for row, ship in zip(rows, owners, strict=True) if ship is None]
        self.known = left


def _moves(
    ship: KnownShip, owners: Sequence[KnownShip | None], fitting: dict[str, list[int]], dead_ends: set[str]
) -> list[tuple[int, KnownShip]]:
    """Who moves to which row so that `ship` gets one too, by the fewest moves; empty if that cannot be."""
    came: dict[int, tuple[KnownShip, int | None]] = {}
    waiting: deque[tuple[KnownShip, int | None]] = deque([(ship, None)])
    looked: set[str] = set()
    while waiting:
        mover, origin = waiting.popleft()
        for kind in _kinds(mover):
            if kind in looked or kind in dead_ends:
                continue
            looked.add(kind)
            for place in fitting.get(kind, ()):
                if place in came:
                    continue
                came[place] = mover, origin
                owner = owners[place]
                if owner is None:
                    return _way_back(place, came)
                waiting.append((owner, place))
    dead_ends |= looked  # No free row can be reached from here, now or later.
    return []


def _way_back(place: int | None, came: dict[int, tuple[KnownShip, int | None]]) -> list[tuple[int, KnownShip]]:
    moves = []
    while place is not None:
        mover, origin = came[place]
        moves.append((place, mover))
        place = origin
    return moves


def _kinds(side: Side) -> tuple[str, ...]:
    return tuple(kind for kind in (_model(side), _written(side), _unrecognised(side)) if kind)


def _pair(known: KnownShip, row: ImportedShip, by: Evidence) -> Pair:
    fields = () if known.erased else _WORDS
    changes = [
        Change(field, getattr(known, field), after)
        for field in fields
        if (after := getattr(row, field)) is not None and after != getattr(known, field)
    ]
    if known.key is None and row.key is not None:
        changes.insert(0, Change("key", None, row.key))
    return Pair(known, row, by, tuple(changes))


def _model(side: Side) -> str | None:
    return model(side.key, side.name) if side.key or side.name else None


def _written(side: Side) -> str | None:
    """The name as written: for models only one side recognises, and for answers that differ from the catalogue."""
    return written(side.name) if side.name else None


def _unrecognised(side: Side) -> str | None:
    """A ship that was never recognised and whose name was erased can only be one of the rows nobody recognises."""
    nameless = not side.name or isinstance(side, ImportedShip)
    return "~~unrecognised" if side.key is None and nameless else None


def _of(*fields: str) -> Trait:
    def trait(side: Side) -> tuple[object, ...] | None:
        values = tuple(getattr(side, field) for field in fields)
        return None if None in values else values

    return trait


def _all(side: Side) -> tuple[object, ...]:
    return tuple(getattr(side, field) for field in _WORDS)


def _file_silent(side: Side) -> tuple[object, ...] | None:
    """A ship whose pledge is known and a row that names none: they cannot contradict each other."""
    return () if (side.pledge_id is None) == isinstance(side, ImportedShip) else None


def _ship_silent(side: Side) -> tuple[object, ...] | None:
    """A ship whose pledge is not known and a row that names one."""
    return () if (side.pledge_id is None) == isinstance(side, KnownShip) else None


def _any(_: Side) -> tuple[object, ...]:
    return ()


_EVIDENCE: tuple[tuple[Evidence, Trait], ...] = (
    ("all", _all),
    ("pledge", _of("pledge_id", "serial")),
    ("pledge", _of("pledge_id", "nickname")),
    ("pledge", _of("pledge_id")),
    ("serial", _of("serial")),
    ("nickname", _of("nickname")),
    ("model", _file_silent),
    ("model", _ship_silent),
    ("model", _any),
)
"""Strongest first. A pledge says more than a serial, which tools seldom have; a nickname can be given twice. Of hulls
known by model alone, those are paired first that do not contradict each other's pledge."""

"""The catalogue of hulls: which ship a name or a class code of some tool stands for.

A key is what events carry: stable for ever, made once per hull (`data/README.md`). Matching is deterministic and
never guesses: whatever could be two ships, or only looks like one, comes back as suggestions for a person to choose
from, and the answer is remembered with `Catalogue.remembering`. Order: class code, name, alias, suggestions.
"""

import csv
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from importlib import resources
from typing import Literal

import msgspec

from scmanager.application.ship_names import compact, manufacturer_code, same_maker, without_mark, words

How = Literal["code", "name", "alias", "fuzzy-suggestion"]
SUGGESTIONS_MAX = 5
_ALIKE = 0.45
"""Share of letter pairs two names must have in common to be suggested."""


class Ship(msgspec.Struct, frozen=True):
    """One hull. Crew in people, cargo in SCU; None is unknown, never zero."""

    key: str
    name: str
    manufacturer: str
    manufacturer_code: str
    class_name: str | None
    crew_min: int | None
    crew_max: int | None
    cargo_scu: int | None
    size: str | None
    role: str | None
    status: Literal["flight-ready", "in-concept"]
    aliases: tuple[str, ...] = ()


class Match(msgspec.Struct, frozen=True):
    """What a name stands for. Without a key, `suggestions` (keys, likeliest first, may be none) are for a person."""

    key: str | None
    how: How
    suggestions: tuple[str, ...] = ()


class Catalogue:
    """All hulls we know. Immutable."""

    def __init__(self, ships: Iterable[Ship], learned: Mapping[str, str] | None = None) -> None:
        self._ships = {ship.key: ship for ship in ships}
        self._answers = dict(learned or {})
        known = {compact(name): key for name, key in self._answers.items() if key in self._ships}
        self._learned = {form: key for form, key in known.items() if form}  # Signs alone name nothing.

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> "Catalogue":
        """The catalogue that ships with the program."""
        text = (resources.files("scmanager.adapters") / "data" / "ships.csv").read_text(encoding="utf-8")
        return Catalogue(_ship(row) for row in csv.DictReader(text.splitlines()))

    @property
    def ships(self) -> tuple[Ship, ...]:
        """Every hull, by key."""
        return tuple(self._ships[key] for key in sorted(self._ships))

    def get(self, key: str) -> Ship | None:
        """The hull with this key; None for a key of a newer release."""
        return self._ships.get(key)

    def remembering(self, learned: Mapping[str, str]) -> "Catalogue":
        """A catalogue that also knows these answers of a person: name as written to key. Unknown keys are ignored."""
        return Catalogue(self._ships.values(), {**self._answers, **learned})

    def match(self, name: str, manufacturer: str | None = None, code: str | None = None) -> Match:
        """Which hull this is.

        `code` is a class name or a tool's own (`DRAK_Corsair`, `drake-corsair`). A person's earlier answer for the
        name beats everything. A code and a name that mean two hulls, or a name of another manufacturer, are asked.
        """
        learned = self._learned.get(compact(name))
        if learned:
            return Match(learned, "alias")
        by_code, by_name, how = self._of_code(code), *self._of_name(name)
        found = {key for key in (by_code, by_name) if key}
        if len(found) == 1:
            key = found.pop()
            if self._made_by(key, manufacturer):
                return Match(key, "code" if by_code else how)
            return Match(None, "fuzzy-suggestion", (key,))
        if found:
            return Match(None, "fuzzy-suggestion", tuple(sorted(found)))
        return Match(None, "fuzzy-suggestion", self._suggest(name, manufacturer))

    def _of_code(self, code: str | None) -> str | None:
        if not code:
            return None
        exact = self._codes.get(code.strip().casefold())
        if exact:
            return exact
        maker, _, rest = code.replace("-", "_").partition("_")
        spelled = rest if manufacturer_code(maker) else code
        return self._of_name(spelled)[0]

    def _of_name(self, name: str) -> tuple[str | None, How]:
        form = compact(name)
        if form in self._names:
            return _only(self._names[form]), "name"
        if form in self._other_names:
            return _only(self._other_names[form]), "alias"
        return self._of_markless(form), "alias"

    def _of_markless(self, form: str) -> str | None:
        """`Zeus CL` is the Zeus Mk II CL, there being no other. `F7C Hornet` could be two, `Aurora` six: asked."""
        key = _only(self._markless.get(form, frozenset()))
        others = any(known.startswith(form) and keys != {key} for known, keys in self._markless.items())
        return None if others else key

    def _made_by(self, key: str, manufacturer: str | None) -> bool:
        maker = manufacturer_code(manufacturer)
        return maker is None or same_maker(maker, self._ships[key].manufacturer_code)

    def _suggest(self, name: str, manufacturer: str | None) -> tuple[str, ...]:
        pairs, said = _pairs(compact(name)), set(words(name))
        scored: list[tuple[float, str]] = []
        for key, (first, ship_pairs, ship_words) in self._likeness.items():
            if not pairs or not self._made_by(key, manufacturer):
                continue
            score = 2 * len(pairs & ship_pairs) / (len(pairs) + len(ship_pairs))
            if ship_words <= said or said <= ship_words:
                score += 0.5  # "Cutlass" is in "Cutlass Black": a likelier reading than any spelling.
            elif words(name)[0] == first:
                score += 0.3  # An edition we do not know: "600i Executive Edition".
            if score >= _ALIKE:
                scored.append((-score, key))
        return tuple(key for _, key in sorted(scored)[:SUGGESTIONS_MAX])

    @cached_property
    def _codes(self) -> dict[str, str]:
        named = {ship.class_name.casefold(): ship.key for ship in self.ships if ship.class_name}
        return {**{key.casefold(): key for key in self._ships}, **named}

    @cached_property
    def _names(self) -> dict[str, frozenset[str]]:
        return _index((compact(ship.name), ship.key) for ship in self.ships)

    @cached_property
    def _other_names(self) -> dict[str, frozenset[str]]:
        return _index((compact(alias), ship.key) for ship in self.ships for alias in ship.aliases)

    @cached_property
    def _markless(self) -> dict[str, frozenset[str]]:
        return _index((without_mark(ship.name), ship.key) for ship in self.ships)

    @cached_property
    def _likeness(self) -> dict[str, tuple[str, frozenset[str], frozenset[str]]]:
        named = {ship.key: words(ship.name) for ship in self.ships}
        return {key: (said[0], _pairs("".join(said)), frozenset(said)) for key, said in named.items()}


def _only(keys: frozenset[str]) -> str | None:
    return next(iter(keys)) if len(keys) == 1 else None


def _index(named: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    index: dict[str, set[str]] = {}
    for form, key in named:
        index.setdefault(form, set()).add(key)
    return {form: frozenset(keys) for form, keys in index.items()}


def _pairs(form: str) -> frozenset[str]:
    return frozenset(form[i : i + 2] for i in range(len(form) - 1)) or frozenset({form} - {""})


def _ship(row: Mapping[str, str]) -> Ship:
    texts = ("class_name", "size", "role")
    counts = ("crew_min", "crew_max", "cargo_scu")
    fields: dict[str, object] = {
        name: row[name] for name in ("key", "name", "manufacturer", "manufacturer_code", "status")
    }
    fields |= {name: row[name] or None for name in texts}
    fields |= {name: int(row[name]) if row[name] else None for name in counts}
    fields["aliases"] = tuple(filter(None, row["aliases"].split("|")))
    return msgspec.convert(fields, Ship)

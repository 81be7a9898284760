"""How things are called: by name where one can be read, with the beginning of its id where two share it."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

_LAST_S = 253_402_214_400
"""Near the end of the year 9999: no calendar goes on."""


class Cell(msgspec.Struct, frozen=True):
    """What people and programs read differently: people `str(cell)`."""

    def plain(self) -> Any:
        """For programs: of this, JSON is made."""
        raise TypeError


class Called(Cell, frozen=True):
    """A thing that is named in passing."""

    id: bytes
    name: str = ""
    """Empty if this device cannot read one."""
    gone: str = ""
    """`removed`, `disbanded` ...; empty for what is here."""
    alone: bool = True
    """Nothing else is called so."""
    instead: str = ""
    """What people read where there is no name: `erased`, `you` ...; empty for the beginning of the id."""

    def __str__(self) -> str:
        called = self.name or (f"({self.instead})" if self.instead else short(self.id))
        if self.name and not self.alone:
            called += f" ({short(self.id)})"
        return f"{called} ({self.gone})" if self.gone else called

    def plain(self) -> Any:
        """Id, name, and whether it is gone."""
        return {"id": self.id or None, "name": self.name, "gone": self.gone or None}


class Named(msgspec.Struct, frozen=True):
    """A thing that can be called by name."""

    id: bytes
    names: tuple[str, ...]
    mark: str = ""
    """`removed`, `template` ...: what is gone, or no operation to fly."""
    instead: str = ""
    """See Called."""

    @property
    def name(self) -> str:
        """The first of its names; empty if none is known here."""
        return next((name for name in self.names if name), "")

    @property
    def label(self) -> str:
        """To choose among several: the first name, the beginning of the id, and the word for what is gone."""
        called = f"{self.name} ({short(self.id)})" if self.name else short(self.id)
        return f"{called} ({self.mark})" if self.mark else called


class Register:
    """The things of one kind in a space, by id."""

    def __init__(self, named: Iterable[Named]) -> None:
        self._named = {each.id: each for each in named}
        self._borne = Counter((folded(each.name), each.mark) for each in self._named.values())

    def call(self, entity: bytes) -> Called:
        """How to call what has this id, known here or not."""
        one = self._named.get(entity, Named(entity, ()))
        alone = self._borne[folded(one.name), one.mark] == 1
        return Called(entity, one.name, one.mark, alone=alone, instead=one.instead)


def same_name(text: str, names: Iterable[str]) -> bool:
    """Whether one of these names is what was typed, however it is spelt."""
    return bool(text) and folded(text) in map(folded, filter(None, names))


def folded(name: str) -> str:
    """For comparing: without case, and with one spelling of letters that have accents (Unicode 3.13, D145)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def short(value: bytes | str) -> str:
    """The first twelve hex digits of an id: enough to be typed back."""
    return (value if isinstance(value, str) else value.hex())[:12]


def counted(count: int, one: str, many: str = "") -> str:
    """`1 slot`, `2 slots`; `many` where it does not end so."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def moment(at_s: int) -> str | None:
    """UTC seconds as ISO 8601 has them; None for none."""
    return f"{datetime.fromtimestamp(min(at_s, _LAST_S), UTC):%Y-%m-%dT%H:%M:%SZ}" if at_s > 0 else None

"""Telling what a thing is or was, field by field: ids by name, claims by value, words where they can be read."""

from collections.abc import Iterable
from enum import Enum
from functools import cached_property
from typing import Any

import msgspec

from scmanager.application.verbs import (
    CharacterId,
    ContactId,
    FleetId,
    MemberId,
    OperationId,
    RoleId,
    ShipId,
    SquadronId,
    TreatyId,
)
from scmanager.application.words import Words
from scmanager.domain.consent import Agreed, Consents, Standing
from scmanager.domain.contest import Claim
from scmanager.domain.counting import Counted
from scmanager.domain.document import Document
from scmanager.domain.epoch import EPOCHS
from scmanager.domain.event import Id, Personal, State
from scmanager.domain.fold import Fold
from scmanager.domain.pages import merged
from scmanager.domain.registry import Register as LedgerRegister
from scmanager.domain.registry import Statement
from scmanager.forensics import lists
from scmanager.forensics.called import Called, Named, Register, counted, moment, short
from scmanager.forensics.ledger_words import counted_words, statement_words
from scmanager.forensics.lists import Held
from scmanager.spaces.contests import in_words, spelt
from scmanager.spaces.explaining import names_of
from scmanager.spaces.opening import Opened
from scmanager.spaces.personal import Absence, plain_part
from scmanager.spaces.space import Space
from scmanager.spaces.state_digest import KINDS
from scmanager.spaces.subjects import subjects

NAMED = (MemberId, RoleId, ShipId, FleetId, SquadronId, OperationId, ContactId, TreatyId, CharacterId)
BRIEF_FIELDS = 4
BRIEF_LENGTH = 60
MOMENTS_FROM_S = 1_000_000_000
"""A field of seconds from here on is a moment, and a span below."""
ERASED = f"({Absence.ERASED.value})"
UNSPOKEN = frozenset({"salt"})
"""Of words: what only proves them."""
SEEN_FIRST = (
    "standing",
    "stage",
    "call",
    "readiness",
    "stance",
    "window",
    "template",
    "lead",
    "owner",
    "model",
    "sid",
)
"""What a line about a thing says before anything else."""


class Telling:
    """Of one space as it was or is."""

    def __init__(self, place: Held, space: Space, *, marked: bool = True) -> None:
        """`marked`: in values, names are followed by what became of the thing (removed, completed)."""
        self.place, self.space, self._marked = place, space, marked
        self._registers: dict[Any, Register] = {}
        self._lists: dict[Any, list[Named]] = {}

    def who(self, member: Id) -> Called:
        """A member by name."""
        return self._of(MemberId).call(member)

    def role(self, role: Id) -> Called | None:
        """A role by title; None for none."""
        return self._of(RoleId).call(role) if role else None

    def called(self, fold: Fold, entity: Id, state: State) -> str:
        """What a thing is called; the first digits of its id where it has no name that can be read."""
        if fold.name == "member":
            return str(self.who(entity))
        title = str(getattr(state, "title", "") or "")
        known = None if fold.name == "organisation" else self.known.get(entity)
        return (
            (known.name if known else "")
            or title
            or (f"({known.instead})" if known and known.instead else short(entity))
        )

    def fields(self, state: State) -> dict[str, str]:
        """Every field and property that says something, in words."""
        values = {name: getattr(state, name) for name in names_of(type(state)) if name != "id"}
        found = {name: self.field(name, value) for name, value in values.items()}
        held = {told for name, told in found.items() if not is_claims(values[name])}
        return {
            name: told
            for name, told in found.items()
            if told not in ("", "0") and not (told in held and is_claims(values[name]))
        }

    def field(self, name: str, value: Any) -> str:
        """A field's value in words; seconds since 1970 as a moment."""
        if name.endswith("_s") and type(value) is int and value >= MOMENTS_FROM_S:
            return str(moment(value))
        return self.value(value)

    def beside(self, name: str, value: Any, other: Any) -> str:
        """A field's value in words beside another that it has or had; of a list, what the other lacks."""
        mine, theirs = elements(value), elements(other)
        if not (mine and theirs):
            return self.field(name, value)
        return self._plain(tuple(each for each in mine if each not in theirs))

    def brief(self, state: State) -> str:
        """The few that matter most, in one line and without words about people."""
        if isinstance(state, LedgerRegister) and state.statements:
            newest = _cut(statement_words(state.statements[-1]).partition(", signed by ")[0])
            return f"{counted(len(state.statements), 'statement')}, the newest: {newest}"
        if isinstance(state, Consents | LedgerRegister):
            return "; ".join(_cut(self.value(value)) for value in msgspec.structs.astuple(state) if value)
        if isinstance(state, Document):
            changes = ((each.kind.value, sum(map(len, each.pages))) for each in state.texts)
            return "; ".join(f"{kind}: {counted(count, 'change')}" for kind, count in changes)
        told: dict[str, str] = {}
        for name in dict.fromkeys((*SEEN_FIRST, *names_of(type(state)))):
            value = getattr(state, name, None)
            if name not in SEEN_FIRST and (name in ("title", "rank") or not isinstance(value, Enum | str | int)):
                continue
            spoken = self._plain(value)
            if spoken not in ("", "0") and len(told) < BRIEF_FIELDS:
                told[name] = _cut(spoken)
        return "; ".join(f"{name} {value}" if value != "yes" else name for name, value in told.items())

    def value(self, value: Any) -> str:
        """A value in words; that of an entry which holds words is those words, or why there are none."""
        if isinstance(value, bytes) and len(value) == 32 and (opened := self.space.opened(value)) is not None:
            words = self.words(opened)
            return "; ".join(words) if words else short(value)
        return self._plain(value)

    def words(self, opened: Opened) -> list[str]:
        """The personal words that an entry carries, part by part, or why they cannot be read."""
        held = self.place.store.parts([opened.pos]) if len(opened.entry.parts) > 1 else {}
        public, erased = self.space.public(opened.entry.log), self.space.erased_keys()
        about, key_of = subjects(self.space, opened), self.place.vault.held
        told = []
        for number in range(1, len(opened.entry.parts)):
            stored = held.get((opened.pos, number))
            plain = plain_part(opened.entry, number, stored, public, key_of, about, erased)
            told.append(f"({plain.value})" if isinstance(plain, Absence) else _spoken(plain))
        return told

    def said(self, opened: Opened) -> dict[str, str]:
        """What an event says: its fields, and the words it carries."""
        fields = msgspec.structs.asdict(opened.event) if opened.event is not None else {}
        told = {name: self._plain(value) for name, value in fields.items() if name != "over"}
        told = {name: value for name, value in told.items() if value}
        words = self.words(opened)
        return told | ({"words": "; ".join(words)} if words else {})

    def personal(self, entry: bytes, kind: type[Personal]) -> str:
        """The words in one entry as one text."""
        words = Words(self.place.store, self.place.vault.held).read(self.space, {entry: kind})[entry]
        return f"({words.value})" if isinstance(words, Absence) else in_words(words)

    def _plain(self, value: Any) -> str:
        match value:
            case True | False:
                return "yes" if value else ""
            case Enum():
                return str(value.value)
            case bytes():
                return str(self._called[value]) if value in self._called else short(value)
            case Claim():
                return self.value(value.value)
            case Agreed() | Standing() | (_, Standing()):
                return self._consent(value)
            case tuple() | list() | frozenset() | set() | dict():
                return self._several(value)
            case msgspec.Struct():
                return self._struct(value)
            case _:
                return spelt(value)

    def _several(self, value: Any) -> str:
        if isinstance(value, tuple) and value and all(isinstance(each, dict) for each in value):
            value = merged(value)
        if isinstance(value, dict):
            return ", ".join(f"{self._plain(key)} {self._plain(each)}".strip() for key, each in value.items())
        every: Iterable[Any] = sorted(value, key=repr) if isinstance(value, frozenset | set) else value
        return ", ".join(filter(None, map(self.value, every)))

    def _struct(self, value: Any) -> str:
        match value:
            case Statement():
                return statement_words(value)
            case Counted():
                return counted_words(value)
            case _ if hasattr(value, "pages"):
                whole: dict[Any, Any] = merged(value.pages)
                keyed = all(isinstance(each, bool | int) for each in whole.values())
                return self._plain(tuple(whole) if keyed else tuple(whole.values()))
            case _ if type(value).__name__ in _SPELT:
                return spelt(value) if type(value).__name__ != "Owner" else self._plain(getattr(value, "id", b""))
            case _:
                said = ((name, self._plain(each)) for name, each in msgspec.structs.asdict(value).items())
                told = [(name, each) for name, each in said if each not in ("", "0") and name != "entry"]
                return ", ".join(f"{name.replace('_', ' ')} {each}" for name, each in told)

    def _consent(self, value: Any) -> str:
        match value:
            case Agreed(version):
                return f"to version {version}"
            case Standing(given, withdrawn):
                return "withdrawn" if withdrawn else f"given {self._plain(given)}".rstrip()
            case _:
                return f"{value[0].value} {self._consent(value[1])}"

    @cached_property
    def known(self) -> dict[bytes, Named]:
        """Everything that people can call by a name, by id."""
        return {each.id: each for kind in NAMED for each in self._named(kind)}

    @cached_property
    def _called(self) -> dict[bytes, Called]:
        every = [self._of(kind).call(each.id) for kind in NAMED for each in self._named(kind)]
        return {each.id: each if self._marked else msgspec.structs.replace(each, gone="") for each in every}

    def _of(self, kind: Any) -> Register:
        if kind not in self._registers:
            self._registers[kind] = Register(self._named(kind))
        return self._registers[kind]

    def _named(self, kind: Any) -> list[Named]:
        if kind not in self._lists:
            self._lists[kind] = lists.named(kind, self.place, self.space)
        return self._lists[kind]


_SPELT = frozenset({"Window", "Template", "Call", "Owner"})
"""What `spelt` has a sentence for."""


def is_claims(*values: Any) -> bool:
    """Whether these are values with the entries that set them: what holds of them is told beside them."""
    return all(isinstance(each, tuple) and all(isinstance(one, Claim) for one in each) for each in values)


def things_named(telling: Telling) -> list[tuple[Fold, Named]]:
    """Every thing of a space, to be called by name or id."""
    found = []
    for fold in KINDS:
        if fold is EPOCHS:
            continue  # Of keys, not of anything that people know.
        for entity, state in telling.space.things(fold):
            known = telling.known.get(entity) if fold.name != "organisation" else None
            called = telling.called(fold, entity, state)
            told = ("" if called in (short(entity), ERASED) else called, str(getattr(state, "sid", "")))
            found.append((fold, Named(entity, (*(known.names if known else ()), *told), known.mark if known else "")))
    return found


def elements(value: Any) -> list[Any] | None:
    """What a list, a set or a table has in it; None for what is none, and for claims, which tell it beside."""
    if isinstance(value, msgspec.Struct) and hasattr(value, "pages"):
        value = value.pages
    if isinstance(value, tuple) and value and all(isinstance(each, dict) for each in value):
        value = merged(value)
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, tuple | list | frozenset | set) and not (value and is_claims(value)):
        return sorted(value, key=repr) if isinstance(value, frozenset | set) else list(value)
    return None


def _cut(text: str) -> str:
    return text if len(text) <= BRIEF_LENGTH else f"{text[: BRIEF_LENGTH - 3]}..."


def _spoken(plain: bytes) -> str:
    try:
        found = msgspec.json.decode(plain, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"({Absence.UNREADABLE.value})"
    told = {name: value for name, value in found.items() if value not in ("", None) and name not in UNSPOKEN}
    if set(told) == {"text"}:
        return str(told["text"])
    return ", ".join(f"{name} {value}" for name, value in told.items())

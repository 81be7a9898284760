"""Documents as this node can show them: the changes that count, opened and handed to the scribe (SPEC M3).

Changes are told to the scribe once; after that only what is new. A text is shown when the bytes of every change are
here. Bytes that are not what their entry says are left out, with what builds on them, and counted.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.document import ROOT, Changed, Kind, Text
from scmanager.domain.event import Envelope, Id, Id32
from scmanager.errors import Refused
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import KeyOf, Opened
from scmanager.spaces.personal import Absence, plain_part
from scmanager.spaces.scribe import DocumentUnreadable, Draft, Forgotten, Omitted, Reading, Scribe, ScribeAway, Told
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

HELD_MAX: Final = 8
TRIES: Final = 4

T = TypeVar("T")


class ChangeUnknown(Refused):
    """There is no change {change} in this document."""

    code = "document-change-unknown"
    hint = "Take the id of a change from the document's history: scm document history."


class WordsAbsent(Refused):
    """What was written in this document cannot be read here ({why})."""

    code = "document-words-absent"
    hint = "If it was erased, it is gone. If it is not here, import the newest space file from a member who has it."


class Place(msgspec.Struct, frozen=True):
    """Which document: of which thing in which space."""

    space: Id32
    entity: Id
    kind: Kind
    owner: Id = b""

    @property
    def name(self) -> bytes:
        """What the scribe knows it by."""
        return self.space + self.entity + self.owner + self.kind.value.encode()


class Shown(msgspec.Struct, frozen=True):
    """A document as it can be shown."""

    text: str | None = None
    """None with `absence` or `trouble`."""
    heads: tuple[Id32, ...] = ()
    """The changes it ends with, as far as it can be shown."""
    absence: Absence | None = None
    trouble: str = ""
    """Why it cannot be shown though everything is here: a `Trouble`, or the code of an error."""
    omitted: int = 0
    """Changes that are left out, as their bytes cannot be used."""


class Step(msgspec.Struct, frozen=True):
    """One change in a document's history."""

    change: Id32
    envelope: Envelope
    deps: tuple[Id32, ...]


class _Held(msgspec.Struct, frozen=True):
    """What the scribe has of a document."""

    changes: frozenset[Id32]
    heads: tuple[Id32, ...]
    erased: frozenset[bytes]
    reading: Reading


class _Found(msgspec.Struct, frozen=True):
    """A document as the space has it: its changes that the scribe does not have."""

    text: Text
    fresh: tuple[tuple[Opened, bytes], ...]
    """Entries with the keys of their logs."""
    erased: frozenset[bytes]
    before: _Held | None
    """What the scribe has; None: it has to be told everything."""


class Documents:
    """The documents of a node. May be asked from any thread; none may hold the shelf's lock for long meanwhile."""

    def __init__(self, store: Store, shelf: Shelf, key_of: KeyOf, scribe: Scribe) -> None:
        self._store, self._shelf, self._key_of, self._scribe = store, shelf, key_of, scribe
        self._lock = threading.RLock()
        """Held while the scribe works. The shelf's lock is never asked for under it."""
        self._held: OrderedDict[Place, _Held] = OrderedDict()
        self._broken: dict[Place, tuple[tuple[Id32, ...], str]] = {}
        """Where a document could not be read, and why: it is not tried again until it changes."""

    def show(self, place: Place) -> Shown:
        """What it says now. Whatever its changes hold, this raises nothing but ScribeAway and NoSuchSpace."""
        try:
            return self.read(place, _shown)
        except WordsAbsent as error:
            return Shown(absence=Absence(str(error.facts["why"])))
        except DocumentUnreadable as error:
            return Shown(trouble=str(error.facts["why"]))

    def read(self, place: Place, use: Callable[[Text, Reading], T]) -> T:
        """What is made of the document and its text. Raises WordsAbsent, DocumentUnreadable, ScribeAway."""
        anew = False
        for _ in range(TRIES):
            found = self._find(place, anew=anew)
            told, omitted = self._open(found)
            with self._lock:
                if found.before is not None and self._held.get(place) is not found.before:
                    continue  # Another thread told the scribe more meanwhile.
                try:
                    return use(found.text, self._bring(place, found, told, omitted))
                except Forgotten:
                    self._held.pop(place, None)
                    anew = True
        raise ScribeAway(why="it stops again and again")

    def text_at(self, place: Place, heads: Iterable[Id32]) -> str:
        """What it said at these changes. Raises ChangeUnknown and as `read`."""
        wanted = tuple(sorted(set(heads)))
        return self.read(place, lambda text, _: self._text_at(place, text, wanted))

    def write(self, place: Place, draft: Callable[[Text, Reading], Draft]) -> tuple[Told, ...]:
        """The changes that make it say what the draft says. Nothing is recorded. Raises ChangeUnknown, as `read`."""

        def use(text: Text, reading: Reading) -> tuple[Told, ...]:
            wanted = draft(text, reading)
            self._check(place, text, wanted.at)
            return self._scribe.write(place.name, wanted)

        return self.read(place, use)

    def history(self, place: Place) -> tuple[Step, ...]:
        """Every change that counts, each after what it builds on. Raises NoSuchSpace."""
        with self._shelf.lock:
            space = self._shelf.space(place.space)
            return tuple(_steps(space, _text(space, place)))

    def heads_at(self, place: Place, until_us: int) -> tuple[Id32, ...]:
        """How it ended at a moment, UTC microseconds, as far as it is held now."""
        known, heads = {ROOT}, {ROOT}
        for step in self.history(place):
            if step.envelope.hlc <= until_us and known.issuperset(step.deps):
                known.add(step.change)
                heads = heads.difference(step.deps) | {step.change}
        return tuple(sorted(heads))

    def _text_at(self, place: Place, text: Text, heads: tuple[Id32, ...]) -> str:
        self._check(place, text, heads)
        return self._scribe.text_at(place.name, heads)

    def _check(self, place: Place, text: Text, heads: Iterable[Id32]) -> None:
        left_out = {each.change for each in self._held[place].reading.omitted}
        for each in heads:
            if not text.knows(each) or each in left_out:
                raise ChangeUnknown(change=each.hex())

    def _find(self, place: Place, *, anew: bool) -> _Found:
        before = None if anew else self._held.get(place)
        with self._shelf.lock:
            space = self._shelf.space(place.space)
            text, erased = _text(space, place), space.erased_keys()
            if before is not None and (before.heads, before.erased) == (text.heads, erased):
                return _Found(text, (), erased, before)
            known: frozenset[Id32] = before.changes if before is not None else frozenset()
            fresh = [entry for change, entry in text.changes() if change not in known]
            if before is not None and (before.erased != erased or len(known) + len(fresh) != text.count):
                before, fresh = None, [entry for _, entry in text.changes()]
            opened = [each for entry in fresh if (each := space.opened(entry)) is not None]
            return _Found(text, tuple((each, space.public(each.entry.log)) for each in opened), erased, before)

    def _open(self, found: _Found) -> tuple[list[Told], list[Omitted]]:
        """Raises WordsAbsent."""
        parts: Mapping[tuple[int, int], bytes] = {}
        if found.fresh:
            parts = self._store.parts([opened.pos for opened, _ in found.fresh])
        told, omitted = [], []
        absent: set[Absence] = set()
        for opened, public in found.fresh:
            stored, event = parts.get((opened.pos, 1)), opened.event
            plain = plain_part(opened.entry, 1, stored, public, self._key_of, found.erased)
            if not isinstance(event, Changed):
                continue
            if isinstance(plain, bytes):
                told.append(Told(event.change, event.actor, event.number, event.deps, plain))
            elif plain is Absence.UNREADABLE:
                omitted.append(Omitted(event.change, "its bytes are not what the entry says"))
            else:
                absent.add(plain)
        if absent:
            raise WordsAbsent(why=(Absence.ERASED if Absence.ERASED in absent else Absence.NOT_HERE).value)
        return told, omitted

    def _bring(self, place: Place, found: _Found, told: list[Told], omitted: list[Omitted]) -> Reading:
        before = found.before
        if before is not None and not found.fresh:
            self._held.move_to_end(place)
            return before.reading
        heads, why = self._broken.get(place, ((), ""))
        if why and heads == found.text.heads:
            raise DocumentUnreadable(why=why)
        try:
            reading = self._scribe.bring(place.name, told, anew=before is None)
        except DocumentUnreadable as error:
            self._held.pop(place, None)
            self._broken[place] = (found.text.heads, str(error.facts["why"]))
            raise
        earlier = before.reading.omitted if before else ()
        reading = Reading(reading.text, reading.heads, (*earlier, *omitted, *reading.omitted))
        changes = frozenset(change for change, _ in found.text.changes())
        self._held[place] = _Held(changes, found.text.heads, found.erased, reading)
        self._held.move_to_end(place)
        self._broken.pop(place, None)
        while len(self._held) > HELD_MAX:
            self._held.popitem(last=False)
        return reading


def _text(space: Space, place: Place) -> Text:
    text: Text = space.state(DOCUMENTS, place.entity).text(place.kind, place.owner)  # type: ignore[attr-defined] # a Document
    return text


def _steps(space: Space, text: Text) -> Iterable[Step]:
    for change, entry in text.changes():
        opened = space.opened(entry)
        if opened is not None and isinstance(opened.event, Changed):
            yield Step(change, space.envelope(opened), opened.event.deps)


def _shown(text: Text, reading: Reading) -> Shown:
    if not text.count:
        return Shown(heads=reading.heads, absence=Absence.NONE)
    return Shown(reading.text.replace("\0", "\ufffd"), reading.heads, omitted=len(reading.omitted))

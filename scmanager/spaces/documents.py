"""Documents as this node can show them: the changes that count, opened and handed to the scribe (SPEC M3).

Changes are told to the scribe once; after that only what is new, and what had not come. Bytes that are not what their
entry says, were erased, are not here, or are sealed under another key than the document's are left out, with what
builds on them, and counted. A document of which nothing can be used says why.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from scmanager.domain.catalogue import DOCUMENTS, TREATIES
from scmanager.domain.change_graph import ROOT
from scmanager.domain.document import Changed, Kind, Text, subject_of
from scmanager.domain.event import Envelope, Id, Id32
from scmanager.errors import Refused
from scmanager.eventstore.store import Store
from scmanager.spaces.document_history import Step, left_out, steps
from scmanager.spaces.opening import Opened, WordKeyOf, once
from scmanager.spaces.personal import Absence, plain_part
from scmanager.spaces.scribe import DocumentUnreadable, Draft, Forgotten, Omitted, Reading, Scribe, ScribeAway, Told
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space
from scmanager.spaces.thing import order_of

HELD_MAX: Final = 8
TRIES: Final = 4
BACK_OFF: Final = 20
"""A document that took some time to fail is left alone for so many times as long: reading it holds others up."""

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
    """Changes that are left out: their bytes, or bytes they build on, cannot be used or are not here."""


class _Held(msgspec.Struct, frozen=True):
    """What the scribe has of a document."""

    entries: frozenset[Id32]
    """Of the changes that were looked at."""
    erased: frozenset[bytes]
    left: Mapping[Id32, Omitted]
    """By entry: what somebody left out."""
    closed: Mapping[Id32, Omitted]
    """By entry: what could not be handed to the scribe."""
    missing: frozenset[Id32]
    """Entries whose bytes or key had not come."""
    told: Reading

    @property
    def reading(self) -> Reading:
        return Reading(
            self.told.text, self.told.heads, (*self.left.values(), *self.closed.values(), *self.told.omitted)
        )


class _Broken(msgspec.Struct, frozen=True):
    """A document that could not be read."""

    entries: frozenset[Id32]
    """Of its changes then."""
    why: str
    until_s: float
    """Before this moment of the steady clock it is not tried again, while all those changes still count."""


class _Found(msgspec.Struct, frozen=True):
    """A document as the space has it: its changes that the scribe does not have."""

    text: Text
    entries: frozenset[Id32]
    """Of the changes that count and are not left out."""
    left: Mapping[Id32, Omitted]
    fresh: tuple[tuple[Opened, bytes, bytes], ...]
    """Entries with the keys of their logs and where they stand in fold order."""
    erased: frozenset[bytes]
    subject: Id
    """Whose key seals it."""
    before: _Held | None
    """What the scribe has; None: it has to be told everything."""


class _Part(msgspec.Struct):
    """What opening some entries of a document led to."""

    told: list[Told] = []
    closed: dict[Id32, Omitted] = {}
    missing: set[Id32] = set()


class Documents:
    """The documents of a node. May be asked from any thread; none may hold the shelf's lock for long meanwhile."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        key_of: WordKeyOf,
        scribe: Scribe,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._shelf, self._key_of, self._scribe = store, shelf, key_of, scribe
        self._steady_s = steady_s
        self._lock = threading.RLock()
        """Held while the scribe works. The shelf's lock is never asked for under it."""
        self._held: OrderedDict[Place, _Held] = OrderedDict()
        self._broken: dict[Place, _Broken] = {}

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
            part = self._open(found)
            with self._lock:
                if found.before is not None and self._held.get(place) is not found.before:
                    continue  # Another thread told the scribe more meanwhile.
                try:
                    return use(found.text, self._bring(place, found, part))
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
        """Every change that counts, each after what it builds on; also those left out. Raises NoSuchSpace."""
        with self._shelf.lock:
            space = self._shelf.space(place.space)
            return tuple(steps(space, _text(space, place), self._store, self._key_of))

    def usable(self, place: Place) -> tuple[Step, ...]:
        """The history without what is left out: the author of each is whose bytes they are. Raises as `read`."""
        omitted = self.read(place, lambda _, reading: {(each.change, each.actor) for each in reading.omitted})
        return tuple(each for each in self.history(place) if (each.change, each.actor) not in omitted)

    def heads_at(self, place: Place, until_us: int) -> tuple[Id32, ...]:
        """How it ended at a moment, UTC microseconds, as far as it is held now. Raises as `read`."""
        known, heads = {ROOT}, {ROOT}
        for step in self.usable(place):
            if step.envelope.hlc <= until_us and known.issuperset(step.deps):
                known.add(step.change)
                heads = heads.difference(step.deps) | {step.change}
        return tuple(sorted(heads))

    def _text_at(self, place: Place, text: Text, heads: tuple[Id32, ...]) -> str:
        self._check(place, text, heads)
        return self._scribe.text_at(place.name, heads)

    def _check(self, place: Place, text: Text, heads: Iterable[Id32]) -> None:
        omitted = [each.change for each in self._held[place].reading.omitted]
        for each in heads:
            if each != ROOT and omitted.count(each) >= text.claims(each):
                raise ChangeUnknown(change=each.hex())

    def _find(self, place: Place, *, anew: bool) -> _Found:
        before = None if anew else self._held.get(place)
        with self._shelf.lock:
            space = self._shelf.space(place.space)
            text, erased = _text(space, place), space.erased_keys()
            left = {entry: omitted for entry, (_, omitted) in left_out(space, text).items()}
            entries = frozenset(entry for _, entry in text.changes() if entry not in left)
            if before is not None and (before.erased != erased or not entries >= before.entries):
                before = None
            known = before.entries - before.missing if before is not None else frozenset()
            fresh = [entry for _, entry in text.changes() if entry in entries and entry not in known]
            opened = [each for entry in fresh if (each := space.opened(entry)) is not None]
            told = tuple((each, space.public(each.entry.log), _order(space.envelope(each))) for each in opened)
            return _Found(text, entries, left, told, erased, _subject(space, place), before)

    def _open(self, found: _Found) -> _Part:
        stored: Mapping[tuple[int, int], bytes] = {}
        if found.fresh:
            stored = self._store.parts([opened.pos for opened, *_ in found.fresh])
        part, key_of = _Part(), once(self._key_of)
        for opened, public, order in found.fresh:
            event, entry = opened.event, opened.entry
            if not isinstance(event, Changed):
                continue
            part_1 = stored.get((opened.pos, 1))
            plain = plain_part(entry, 1, part_1, public, key_of, {found.subject}, found.erased)
            if isinstance(plain, bytes):
                said = (event.change, event.actor, event.number, event.deps)
                part.told.append(Told(*said, plain, order))
                continue
            part.closed[entry.id32] = Omitted(event.change, event.actor, _WHY[plain])
            if plain is Absence.NOT_HERE:
                part.missing.add(entry.id32)
        return part

    def _bring(self, place: Place, found: _Found, part: _Part) -> Reading:
        before, entries = found.before, found.entries
        if before is not None and not part.told and (entries, found.left) == (before.entries, before.left):
            self._held.move_to_end(place)
            return _usable(before)
        reading = self._asked(place, entries, part.told, anew=before is None)
        closed = dict(part.closed)
        if before is not None:
            seen = {opened.entry.id32 for opened, *_ in found.fresh}
            closed = {entry: each for entry, each in before.closed.items() if entry not in seen} | closed
        held = _Held(entries, found.erased, found.left, closed, frozenset(part.missing), reading)
        self._held[place] = held
        self._held.move_to_end(place)
        while len(self._held) > HELD_MAX:
            self._held.popitem(last=False)
        return _usable(held)

    def _asked(self, place: Place, entries: frozenset[Id32], told: list[Told], *, anew: bool) -> Reading:
        """What the scribe reads, unless it lately failed over what still counts. Raises DocumentUnreadable."""
        broken, started_s = self._broken.get(place), self._steady_s()
        if broken is not None and entries >= broken.entries and started_s < broken.until_s:
            raise DocumentUnreadable(why=broken.why)
        try:
            reading = self._scribe.bring(place.name, told, anew=anew)
        except DocumentUnreadable as error:
            self._held.pop(place, None)
            now_s = self._steady_s()
            until_s = now_s + BACK_OFF * (now_s - started_s)
            self._broken[place] = _Broken(entries, str(error.facts["why"]), until_s)
            raise
        self._broken.pop(place, None)
        return reading


_WHY: Final = {
    Absence.NONE: "there are no bytes",
    Absence.ERASED: "it was erased",
    Absence.NOT_HERE: "its bytes are not here",
    Absence.UNREADABLE: "its bytes are not what the entry says",
}


def _order(envelope: Envelope) -> bytes:
    """Fold order, as bytes."""
    hlc, log, seq, id32 = order_of(envelope)
    return hlc.to_bytes(8, "big") + log + seq.to_bytes(8, "big") + id32


def _usable(held: _Held) -> Reading:
    """Raises WordsAbsent where nothing can be used and something is gone or has not come."""
    gone = {each.why for each in held.closed.values()}
    if not set(held.told.heads) - {ROOT}:
        for absence in (Absence.ERASED, Absence.NOT_HERE):
            if _WHY[absence] in gone:
                raise WordsAbsent(why=absence.value)
    return held.reading


def _subject(space: Space, place: Place) -> Id:
    """Whose key seals a document: its own, the contact's with whom the treaty is, or its owner's."""
    if place.kind is Kind.TREATY:
        contact: Id = space.state(TREATIES, place.entity).contact  # type: ignore[attr-defined] # a Treaty
        return contact
    return place.owner or subject_of(place.entity, place.kind)


def _text(space: Space, place: Place) -> Text:
    text: Text = space.state(DOCUMENTS, place.entity).text(place.kind, place.owner)  # type: ignore[attr-defined] # a Document
    return text


def _shown(text: Text, reading: Reading) -> Shown:
    if not text.count:
        return Shown(heads=reading.heads, absence=Absence.NONE)
    return Shown(reading.text.replace("\0", "\ufffd"), reading.heads, omitted=len(reading.omitted))

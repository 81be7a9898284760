"""A document's history: who changed it when; what was left out of it, by whom and why (SPEC M3). Needs no text."""

from collections.abc import Iterator

import msgspec

from scmanager.domain.change_graph import ROOT
from scmanager.domain.document import Changed, Leaving, Text
from scmanager.domain.event import Envelope, Id, Id32
from scmanager.domain.leaving import LeavingReason, Sieve
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import WordKeyOf
from scmanager.spaces.personal import Absence, open_part
from scmanager.spaces.scribe import Omitted
from scmanager.spaces.space import Space
from scmanager.spaces.subjects import subjects


class Left(msgspec.Struct, frozen=True):
    """That a change is left out of the text, and who said so."""

    leaving: Leaving
    why: str | Absence
    """In words, or why there are none."""


class Step(msgspec.Struct, frozen=True):
    """One change in a document's history."""

    change: Id32
    actor: Id
    envelope: Envelope
    deps: tuple[Id32, ...]
    left: Left | None = None
    """Who left it out, the first of several."""
    without: bool = False
    """Whether it builds on what is left out, and so is not in the text either."""


def left_out(space: Space, text: Text) -> dict[Id32, tuple[Leaving, Omitted]]:
    """By entry: the changes that somebody left out."""
    found = {}
    if text.leavings:
        sieve = Sieve(text.leavings)
        for _, entry in text.changes():
            opened = space.opened(entry)
            if opened is None or not isinstance(opened.event, Changed):
                continue
            envelope = space.envelope(opened)
            leaving = sieve.leaving_of(envelope)
            if leaving is not None:
                found[entry] = (leaving, Omitted(opened.event.change, opened.event.actor, "somebody left it out"))
    return found


def steps(space: Space, text: Text, store: Store, key_of: WordKeyOf) -> Iterator[Step]:
    """Every change that counts, each after what it builds on. The space's lock is the caller's business."""
    reasons = {each.entry: _reason(space, each, store, key_of) for each in text.leavings}
    inside, left = {ROOT}, left_out(space, text)
    for change, entry in text.changes():
        opened = space.opened(entry)
        if opened is not None and isinstance(opened.event, Changed):
            deps = opened.event.deps
            leaving = left[entry][0] if entry in left else None
            why = Left(leaving, reasons[leaving.entry]) if leaving else None
            without = why is None and not inside.issuperset(deps)
            if why is None and not without:
                inside.add(change)
            yield Step(change, opened.event.actor, space.envelope(opened), deps, why, without)


def _reason(space: Space, leaving: Leaving, store: Store, key_of: WordKeyOf) -> str | Absence:
    opened = space.opened(leaving.entry)
    if opened is None or len(opened.entry.parts) < 2:
        return Absence.NONE
    stored, public = store.parts([opened.pos]).get((opened.pos, 1)), space.public(opened.entry.log)
    about = subjects(space, opened)
    words = open_part(opened.entry, 1, LeavingReason, stored, public, key_of, about, space.erased_keys())
    return words if isinstance(words, Absence) else words.text

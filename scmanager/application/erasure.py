"""Erasure: what valid `erased` events ask for is done on this device, and done again after a restore.

Read models hide the words at once. The keys and the sealed parts go at once when the subject himself says so, else
seven days after this device first saw the event, by its own clock, if the event still counts then (DESIGN 3).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping

import msgspec

from scmanager.application.keys import Keys
from scmanager.domain.event import Id32
from scmanager.domain.governance import Erased, at_once
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import Opened
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

GRACE_S = 7 * 24 * 3600


class Pending(msgspec.Struct, frozen=True):
    """An erasure that waits for its days of grace."""

    space: bytes
    entry: Id32
    subject: bytes
    due_s: int
    """UTC seconds, by this device's clock."""


class Erasures:
    """Carries erasures out. `seen` remembers when this device first saw each one; it must outlive the process."""

    def __init__(
        self, store: Store, shelf: Shelf, vault: Keys, seen: MutableMapping[str, int], now_s: Callable[[], int]
    ) -> None:
        self._store, self._shelf, self._vault, self._seen, self._now_s = store, shelf, vault, seen, now_s
        self._done: set[Id32] = set()

    def run(self) -> int:
        """Do what is due; returns how many erasures destroyed something now.

        Only keys held for the erased subject go: whoever may erase himself may not name the keys of others, or the
        space's own. A key that comes later, with an old file, goes when it comes.
        """
        now = self._now_s()
        self._shelf.time_passed()  # Runs now and then anyway: what was held for its date may count by now.
        with self._shelf.lock:
            valid = list(self._valid())
            self._see([opened.entry.id32.hex() for _, opened, _ in valid], now)
            due = [
                (space.id, opened.entry.id32, event)
                for space, opened, event in valid
                if self._due_s(space, opened, event) <= now
            ]
            spaces = {space for space, _, _ in due}
            named = {
                each: self._shelf.space(each).named_keys().union(self._store.pending.keys(each)) for each in spaces
            }
        held = {space: self._vault.subjects(space) for space in named}
        return sum(self._destroy(entry, event, held[space], named[space]) for space, entry, event in due)

    def _see(self, names: list[str], now: int) -> None:
        """Remember at once all that is seen for the first time, or was seen in a future that a wrong clock showed."""
        fresh = {name: now for name in names if self._seen.get(name, now + 1) > now}
        if fresh:
            self._seen.update(fresh)

    def _destroy(self, entry: Id32, event: Erased, held: Mapping[bytes, bytes], named: Collection[bytes]) -> bool:
        """`held`: the keys here, with their subjects; `named`: those that something here is sealed under."""
        theirs = [key for key in event.keys if held.get(key) == event.subject]
        if not theirs and entry in self._done:
            return False
        destroyed = self._vault.erase(theirs) if theirs else ()
        gone = [key for key in event.keys if key in named and self._vault.is_erased(key)]
        removed = self._store.erase(gone) if gone else 0
        self._done.add(entry)
        return bool(destroyed or removed)

    def pending(self) -> list[Pending]:
        """What waits, so that it can still be called off."""
        with self._shelf.lock:
            waiting = [
                Pending(space.id, opened.entry.id32, event.subject, self._due_s(space, opened, event))
                for space, opened, event in self._valid()
            ]
        return [each for each in waiting if each.due_s > self._now_s()]

    def next_due_s(self) -> int | None:
        """When something is due next; None when nothing waits."""
        return min((each.due_s for each in self.pending()), default=None)

    def _valid(self) -> Iterator[tuple[Space, Opened, Erased]]:
        for space in self._shelf.spaces():
            for opened in space.of_type(Erased.tag):
                if isinstance(opened.event, Erased):
                    yield space, opened, opened.event

    def _due_s(self, space: Space, opened: Opened, event: Erased) -> int:
        now = self._now_s()
        first_seen = min(self._seen.get(opened.entry.id32.hex(), now), now)
        if at_once(space.envelope(opened).member, event):
            return first_seen
        return first_seen + GRACE_S

"""Erasure: what valid `erased` events ask for is done on this device, and done again after a restore.

Read models hide the words at once. The keys and the sealed parts go at once when the subject himself says so, else
after seven days of grace on this device, if the event still counts then (DESIGN 3, ADR 14).

Erasures of one subject that name the same keys are one: its days run from the first of them that counts.

Grace is counted from look to look, and no look counts for more than LOOK_MOST_S: a clock that jumps ahead ends
nothing. A machine that is on for a moment once a week counts that much a week.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from typing import Annotated

import msgspec

from scmanager.application.keys import Keys
from scmanager.domain.event import Id, Id32
from scmanager.domain.governance import Erased, asks_at_once
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import Opened
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

GRACE_S = 7 * 24 * 3600
LOOK_MOST_S = 26 * 3600
"""Of the time since the look before. Above a day: who starts his machine each evening counts every day."""
WAITING_MAX = 64
"""Erasures of one subject by one author whose days of grace run at a time.

Whoever says very many fills nobody's disk, and keeps nobody else's from beginning.
"""
LOOK_LEAST_S = 60
"""What passed is written down once it is so long; until then the next look counts it."""


class Pending(msgspec.Struct, frozen=True):
    """An erasure that waits for its days of grace."""

    space: bytes
    entry: Id32
    subject: bytes
    due_s: int
    """UTC seconds, by this device's clock, if it runs on until then and is looked at."""


class Grace(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How much of its days of grace an erasure had on this device, up to the last look."""

    counted_s: Annotated[int, msgspec.Meta(ge=0)]
    looked_s: int
    """UTC seconds, as the clock was at that look; it may have been wrong."""


_Keys = tuple[Id32, Id, frozenset[bytes]]
"""(space, subject, keys)"""


class _Begun(msgspec.Struct, frozen=True):
    """An erasure whose keys are destroyed."""

    entry: Id32
    destroyed: bool
    """Whether there were any."""
    gone: list[bytes]
    """Under which parts may be left."""


class Erasures:
    """Carries erasures out. `seen` keeps the grace each had, by its id32 in hex, and must outlive the process.

    `before` is called before keys are destroyed: it removes what holds words in clear and hears of nothing.
    """

    def __init__(
        self, store: Store, shelf: Shelf, vault: Keys, seen: MutableMapping[str, Grace], now_s: Callable[[], int],
        before: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._store, self._shelf, self._vault, self._seen, self._now_s = store, shelf, vault, seen, now_s
        self._before = before
        self._done: set[Id32] = set()

    def run(self) -> int:
        """Do what is due; returns how many erasures destroyed something now.

        Only keys held for the erased subject go: whoever may erase himself may not name the keys of others, or the
        space's own. A key that comes later, with an old file, goes when it comes.

        Nothing is heard between the look and the end of the keys: what is destroyed is what counts at that moment.
        """
        now = self._now_s()
        self._shelf.time_passed()  # Runs now and then anyway: what was held for its date may count by now.
        with self._shelf.lock:
            valid = list(self._valid())
            self._look(valid, now)
            due = [
                (space.id, opened.entry.id32, event)
                for (space, opened, event), left in zip(valid, self._left_s(valid, now), strict=True)
                if not left
            ]
            spaces = {space for space, _, _ in due}
            named = {
                each: self._shelf.space(each).named_keys().union(self._store.pending.keys(each)) for each in spaces
            }
            held = {space: self._vault.subjects(space) for space in named}
            if any(held[space].get(key) == event.subject for space, _, event in due for key in event.keys):
                self._before()
            begun = [self._destroy(entry, event, held[space], named[space]) for space, entry, event in due]
        return sum(self._finish(each) for each in begun if each)

    def _look(self, valid: list[tuple[Space, Opened, Erased]], now: int) -> None:
        """Write down what is seen for the first time, and the grace of what waits; with one write, or none.

        What goes at once waits for nothing. Of those that one author says of one subject few wait at a time, the
        others for their turn. Of those by which he names the same keys one is written down; those of another author
        are written down too, and go on if his come to be void.
        """
        alike: dict[tuple[_Keys, Id], list[str]] = {}
        for space, opened, event in valid:
            if not self._hurries(space, opened, event):
                place = _keys(space, event), space.envelope(opened).member
                alike.setdefault(place, []).append(opened.entry.id32.hex())
        waiting: Counter[tuple[Id32, Id, Id]] = Counter()
        fresh: list[tuple[str, tuple[Id32, Id, Id]]] = []
        told: dict[str, Grace] = {}
        for ((space_id, subject, _), author), names in alike.items():
            known = {name: grace for name in names if (grace := self._seen.get(name)) is not None}
            if not known:
                fresh.append((names[0], (space_id, subject, author)))
                continue
            waiting[space_id, subject, author] += all(_counted_s(each, now) < GRACE_S for each in known.values())
            looked = {name: _looked(grace, now) for name, grace in known.items()}
            told |= {name: each for name, each in looked.items() if each is not None}
        for name, whose in fresh:
            if waiting[whose] < WAITING_MAX:
                waiting[whose] += 1
                told[name] = Grace(0, now)
        if told:
            self._seen.update(told)

    def _destroy(
        self, entry: Id32, event: Erased, held: Mapping[bytes, bytes], named: Collection[bytes]
    ) -> _Begun | None:
        """Destroy the keys; None when all was done before.

        `held`: the keys here, with their subjects; `named`: those that something here is sealed under.
        """
        theirs = [key for key in event.keys if held.get(key) == event.subject]
        if not theirs and entry in self._done:
            return None
        destroyed = bool(theirs and self._vault.erase(theirs))
        return _Begun(entry, destroyed, [key for key in event.keys if key in named and self._vault.is_erased(key)])

    def _finish(self, begun: _Begun) -> bool:
        """Remove the parts; no others come, as their keys are refused by now. Whether anything was destroyed."""
        removed = self._store.erase(begun.gone) if begun.gone else 0
        self._done.add(begun.entry)
        return bool(begun.destroyed or removed)

    def pending(self) -> list[Pending]:
        """What waits, so that it can still be called off."""
        now = self._now_s()
        with self._shelf.lock:
            valid = list(self._valid())
            return [
                Pending(space.id, opened.entry.id32, event.subject, now + left)
                for (space, opened, event), left in zip(valid, self._left_s(valid, now), strict=True)
                if left
            ]

    def next_due_s(self) -> int | None:
        """When something is due next; None when nothing waits."""
        return min((each.due_s for each in self.pending()), default=None)

    def _valid(self) -> Iterator[tuple[Space, Opened, Erased]]:
        for space in self._shelf.spaces():
            for opened in space.of_type(Erased.tag):
                if isinstance(opened.event, Erased):
                    yield space, opened, opened.event

    def _left_s(self, valid: list[tuple[Space, Opened, Erased]], now: int) -> list[int]:
        """Seconds of grace that each of them has left."""
        counted: dict[_Keys, int] = {}
        for space, opened, event in valid:
            grace = self._seen.get(opened.entry.id32.hex())
            if grace is not None:
                named = _keys(space, event)
                counted[named] = max(counted.get(named, 0), _counted_s(grace, now))
        return [
            0 if self._hurries(space, opened, event) else GRACE_S - counted.get(_keys(space, event), 0)
            for space, opened, event in valid
        ]

    def _hurries(self, space: Space, opened: Opened, event: Erased) -> bool:
        """Whether it has no days of grace here.

        On a member's own machines, and where rank 0 or 1 let him in. Whoever else may admit says who somebody is: a
        machine let in as another could destroy his words at once, so there is time to call that off.
        """
        if opened.shared is None or not asks_at_once(space.envelope(opened).member, event):
            return False
        grant = space.grant(opened.shared.by)
        let_in_by = grant.written_at if grant is not None else 0
        return let_in_by <= 1 or opened.entry.log in self._vault.logs_of(space.id)


def _keys(space: Space, event: Erased) -> _Keys:
    return space.id, event.subject, frozenset(event.keys)


def _counted_s(grace: Grace, now: int) -> int:
    """With the time since the last look, as far as it counts; a clock that was set back counts nothing."""
    return min(GRACE_S, grace.counted_s + min(max(0, now - grace.looked_s), LOOK_MOST_S))


def _looked(grace: Grace, now: int) -> Grace | None:
    """What there is to write down of this look; None for nothing."""
    if grace.counted_s >= GRACE_S or 0 <= now - grace.looked_s < LOOK_LEAST_S:
        return None
    return Grace(_counted_s(grace, now), now)

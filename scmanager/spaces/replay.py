"""Replay: a space as of an earlier point, folded anew from the entries that stood up to it and from nothing else.

- By position: what this store held then. By time: what is dated up to then and held now. By entry: what its author
  had seen when he wrote it, and the entry itself.
- The same spaces, verdicts and folds serve as for today: there is no second way to read an entry.
- What was erased since is hidden in every earlier state too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha3_512
from typing import Final

import msgspec

from scmanager.domain.event import Id32
from scmanager.domain.fold import Fold
from scmanager.eventstore.store import Row, Store
from scmanager.spaces.journal import Change
from scmanager.spaces.opening import HeldOf, KeyOf, parse_row
from scmanager.spaces.shelf import PAGE_ROWS, Shelf
from scmanager.spaces.space import Space

Within = Callable[[Row], bool]
"""Whether an entry stood at a point. What it lets in of a log goes back to the log's beginning."""

_HLC: Final = slice(44, 52)


class PastSpace(Space):
    """A space as of a point, for reading."""

    erased_since: frozenset[bytes] = frozenset()
    """Key ids that erasures of any time named."""

    def erased_keys(self) -> frozenset[bytes]:
        """See Space.erased_keys."""
        return super().erased_keys() | self.erased_since


class PastShelf(Shelf):
    """Spaces as of a point. `follow` reads the store from its beginning up to where it was when this was made."""

    def __init__(
        self,
        store: Store,
        folds: Mapping[str, Fold],
        key_of: KeyOf,
        clock_us: Callable[[], int],
        held_of: HeldOf = lambda _: {},
        within: Within = lambda _: True,
        only: bytes | None = None,
    ) -> None:
        """`only`: the one space that is wanted; None for all."""
        super().__init__(store, folds, key_of, clock_us, held_of)
        self._within, self._only = within, only
        self._read, self._end = 0, store.last_pos()
        self.advance: Callable[[int], None] = lambda _: None
        """Told of each page how many rows it had."""
        self.tops: dict[tuple[bytes, int], Row] = {}
        """The last entry of each branch that stood, by log and branch."""
        self.entries = 0

    def follow(self) -> dict[bytes, Change]:
        """See Shelf.follow."""
        changes: dict[bytes, Change] = {}
        with self.lock:
            while rows := self._page():
                stood = [row for row in rows if self._within(row) and self._only in (None, self._space_of(row))]
                self.tops.update(((row.log, row.branch), row) for row in stood)
                self.entries += len(stood)
                if stood:
                    changes |= self._absorb(stood)
                self.advance(len(rows))
        return changes

    def hide(self, present: Iterable[Space]) -> None:
        """Hide what is erased by now."""
        gone = {space.id: space.erased_keys() for space in present}
        for space in self.spaces():
            if isinstance(space, PastSpace):
                space.erased_since = gone.get(space.id, frozenset())

    def past(self, present: Space) -> Space:
        """A space of today as it was; empty where nothing of it stood yet."""
        made = self._made(present.id)
        if made.first_entry(present.id) is None:
            made.kind = present.kind
        return made

    def _page(self) -> list[Row]:
        rows = [row for row in self._store.tail(self._read, PAGE_ROWS) if row.pos <= self._end]
        self._read = rows[-1].pos if rows else self._read
        return rows

    def _made(self, space: bytes) -> Space:
        if space not in self._spaces:
            self._spaces[space] = PastSpace(space, self._folds, self._key_of, self._held_of)
        return self._spaces[space]


def rows_of(store: Store, space: bytes, end: int) -> Iterator[Row]:
    """The entries of one space in order of arrival, up to a position."""
    logs = {head.log for head in store.heads(space)}
    at = 0
    while at < end and (rows := store.tail(at, PAGE_ROWS)):
        at = rows[-1].pos
        yield from (row for row in rows if row.log in logs and row.pos <= end)


def by_position(pos: int) -> Within:
    """What stood at this position of the store."""
    return lambda row: row.pos <= pos


def by_time(until_us: int) -> Within:
    """What is dated up to this moment, UTC microseconds."""
    return lambda row: hlc_of(row) <= until_us


def by_past(past: frozenset[Id32]) -> Within:
    """These entries."""
    return lambda row: id_of(row) in past


def hlc_of(row: Row) -> int:
    """When its author dates an entry, UTC microseconds."""
    return int.from_bytes(row.data[_HLC], "big")


def id_of(row: Row) -> Id32:
    """An entry's id32."""
    return sha3_512(row.data).digest()[:32]


class Moment(msgspec.Struct, frozen=True):
    """Where an entry was found, and its past."""

    entry: Id32
    past: frozenset[Id32]
    """By prev and deps, whatever the verdicts between; itself included."""


def past_of(rows: Iterable[Row], named: str) -> list[Moment]:
    """The entries of a space whose id begins with these hex digits (of 64 bytes), each with its past."""
    before: dict[Id32, tuple[Id32, ...]] = {}
    found: list[Id32] = []
    for row in rows:
        one = parse_row(row)
        before[one.id32] = (*([one.prev[:32]] if one.seq else ()), *(dep.id for dep in one.deps))
        if one.id.hex().startswith(named):
            found.append(one.id32)
    return [Moment(each, _reached(each, before)) for each in found]


def _reached(entry: Id32, before: Mapping[Id32, tuple[Id32, ...]]) -> frozenset[Id32]:
    reached, waiting = {entry}, [entry]
    while waiting:
        for each in before.get(waiting.pop(), ()):
            if each not in reached and each in before:
                reached.add(each)
                waiting.append(each)
    return frozenset(reached)

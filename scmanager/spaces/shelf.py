"""The shelf: every space this node holds, kept up to date with the store, and who wants to know of changes."""

import threading
from collections.abc import Callable, Mapping, Sequence

from scmanager.domain.fold import Fold
from scmanager.errors import Refused
from scmanager.eventstore import entry
from scmanager.eventstore.store import Row, Store
from scmanager.spaces.journal import WORDS_CAME, Change
from scmanager.spaces.opening import HeldOf, KeyOf, parse_row
from scmanager.spaces.space import Space

PAGE_ROWS = 5_000

Listener = Callable[[], None]
"""Called after something changed; must return at once."""


class NoSuchSpace(Refused):
    """There is no space {space} on this node."""

    code = "space-unknown"
    hint = "List the spaces that are here (scm space list), or import the space's file first."


class Shelf:
    """Spaces by id. `lock` guards them: the writer changes them under it, readers look under it."""

    def __init__(
        self,
        store: Store,
        folds: Mapping[str, Fold],
        key_of: KeyOf,
        clock_us: Callable[[], int],
        held_of: HeldOf = lambda _: {},
    ) -> None:
        self.lock = threading.RLock()
        self._store = store
        self._folds = folds
        self._key_of = key_of
        self._clock_us = clock_us
        self._held_of = held_of
        self._spaces: dict[bytes, Space] = {}
        self._space_of_log: dict[bytes, bytes] = {}
        self._listeners: list[Listener] = []
        self._late_parts: dict[bytes, int] = {}
        self.pos = 0

    def follow(self) -> dict[bytes, Change]:
        """Read what the store has beyond what is here. Used at start and after foreign entries, or parts, came."""
        changes: dict[bytes, Change] = {}
        with self.lock:
            while rows := self._store.tail(self.pos, PAGE_ROWS):
                changes |= self._absorb(rows)
            late = self._note_late_parts()
        if changes or late:
            self.tell()
        return changes

    def take(self, rows: Sequence[Row], *, own: bool = False) -> dict[bytes, Change]:
        """Take in rows that the store committed, in order of pos. `own`: this process wrote them.

        Another thread may have committed before them, or have followed up to them already: each row of the store
        comes in once and in its turn, whoever brings it.
        """
        with self.lock:
            if rows[0].pos != self.pos + 1:
                return self.follow()
            changes = self._absorb(rows, own=own)
        self.tell()
        return changes

    def subjects(self, space: bytes) -> Mapping[bytes, bytes]:
        """The keys of a space that this node has: each one's subject (empty: an epoch's), by its id."""
        return self._held_of(space)

    def now_us(self) -> int:
        """This machine's clock, UTC microseconds."""
        return self._clock_us()

    def time_passed(self) -> None:
        """Count what was held for being dated too far ahead, and is so no longer. Cheap when nothing is held."""
        with self.lock:
            now = self._clock_us()
            due = [space for space in self._spaces.values() if space.holds_due(now)]
            for space in due:
                space.absorb((), now)
        if due:
            self.tell()

    def _absorb(self, rows: Sequence[Row], *, own: bool = False) -> dict[bytes, Change]:
        by_space: dict[bytes, list[Row]] = {}
        for row in rows:
            by_space.setdefault(self._space_of(row), []).append(row)
        now = self._clock_us()
        changes = {space: self._made(space).absorb(mine, now, own=own) for space, mine in by_space.items()}
        self.pos = rows[-1].pos
        return changes

    def _note_late_parts(self) -> bool:
        """Whether parts came to entries that are here. Who follows their spaces looks at all words again."""
        came = False
        for space in self._spaces.values():
            count = self._store.late_parts(space.id)
            if count != self._late_parts.get(space.id, 0):
                self._late_parts[space.id], came = count, True
                space.journal.note(WORDS_CAME)
        return came

    def keys_came(self) -> None:
        """Open what stayed closed for want of keys."""
        with self.lock:
            for space in self._spaces.values():
                space.keys_came(self._clock_us())
        self.tell()

    def space(self, space: bytes) -> Space:
        """One space. Raises NoSuchSpace."""
        found = self._spaces.get(space)
        if found is None:
            raise NoSuchSpace(space=space.hex())
        return found

    def fresh(self, space: bytes, kind: entry.Kind) -> Space:
        """An empty space that is about to be founded; it joins the shelf with its first rows."""
        made = Space(space, self._folds, self._key_of, self._held_of)
        made.kind = kind
        return made

    def spaces(self) -> list[Space]:
        """Every space, in the order they came."""
        return list(self._spaces.values())

    def listen(self, listener: Listener) -> None:
        """Have `listener` called after each change."""
        self._listeners.append(listener)

    def tell(self) -> None:
        """Wake whoever follows the spaces."""
        for listener in self._listeners:
            listener()

    def _made(self, space: bytes) -> Space:
        if space not in self._spaces:
            self._spaces[space] = Space(space, self._folds, self._key_of, self._held_of)
        return self._spaces[space]

    def _space_of(self, row: Row) -> bytes:
        known = self._space_of_log.get(row.log)
        if known is None:
            known = self._space_of_log[row.log] = self._founding(row)
        return known

    def _founding(self, row: Row) -> bytes:
        first = parse_row(row)
        if first.genesis is None:
            first = parse_row(self._store.read(row.log, 0, 0, 1)[0])
        return first.space

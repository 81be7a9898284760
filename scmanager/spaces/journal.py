"""The journal: what changed in a space of late, so that a follower redoes only that.

Bounded: who has fallen too far behind is told so, and compares everything instead.
"""

from collections import deque

import msgspec

from scmanager.domain.event import Id, Id32

LENGTH_MAX = 256


class Change(msgspec.Struct, frozen=True):
    """What some rows, or keys that came, brought about."""

    entities: frozenset[Id]
    """Things whose state may differ now."""
    verdicts: frozenset[Id32]
    """Entries judged for the first time or anew."""
    governance: bool = False
    """Whether grants may differ now."""
    words: bool = False
    """Whether personal words may be readable, or erased, that were not so before."""


WORDS_CAME = Change(frozenset(), frozenset(), words=True)
"""A key, or parts of entries that were here without them."""


class Journal:
    """The last changes, numbered from 1."""

    def __init__(self) -> None:
        self.number = 0
        """Of the newest change; 0 before the first."""
        self._changes: deque[Change] = deque(maxlen=LENGTH_MAX)

    def note(self, change: Change) -> Change:
        """Enter one more."""
        self._changes.append(change)
        self.number += 1
        return change

    def since(self, number: int) -> list[Change] | None:
        """Every change after this number, oldest first; None when some are forgotten."""
        missing = self.number - number
        if missing > len(self._changes):
            return None
        return list(self._changes)[len(self._changes) - missing :]

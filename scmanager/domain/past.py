"""What an entry builds on.

The past of an entry is what prev and deps reach, whatever the verdicts between. It matters only where an own cut
has victims, so it is walked then and there, from the few entries concerned, and never kept for all.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

from scmanager.domain.event import Id32
from scmanager.domain.records import Clear

E = TypeVar("E", bound=Clear)


def contiguous(entries: Iterable[E]) -> list[E]:
    """The entries whose log is held back to entry 0, each once. The others wait; they are not judged."""
    held: dict[Id32, E] = {}
    for entry in sorted({entry.id: entry for entry in entries}.values(), key=lambda entry: entry.seq):
        if entry.seq == 0:
            if entry.genesis is not None:
                held[entry.id] = entry
        elif follows(entry, held.get(entry.prev)):
            held[entry.id] = entry
    return list(held.values())


def follows(entry: Clear, before: Clear | None) -> bool:
    """Whether `before` is the predecessor that this entry claims."""
    return before is not None and before.log == entry.log and before.seq + 1 == entry.seq


def heads(entries: Iterable[E]) -> list[E]:
    """The last entry of every branch."""
    entries = list(entries)
    continued = {entry.prev for entry in entries}  # Entry 0 names zeros, which are nobody's id.
    return [entry for entry in entries if entry.id not in continued]


class Held(Generic[E]):
    """A contiguous set of entries, by id and by log, with both directions of the graph."""

    def __init__(self, entries: Iterable[E]) -> None:
        self.by_id: dict[Id32, E] = {}
        self.logs: dict[Id32, list[E]] = {}
        for entry in entries:
            self.by_id[entry.id] = entry
            self.logs.setdefault(entry.log, []).append(entry)
        self._children: dict[Id32, list[Id32]] | None = None
        self._forked: dict[Id32, bool] = {}

    def forked(self, log: Id32) -> bool:
        """Whether two held entries of this log, of which there are some, have one seq."""
        known = self._forked.get(log)
        if known is None:
            entries = self.logs[log]
            known = self._forked[log] = len(entries) > 1 + max(entry.seq for entry in entries)
        return known

    def future(self, ids: Iterable[Id32]) -> set[Id32]:
        """The entries that have one of these held ones in their past, and these."""
        found = set(ids)
        stack = list(found)
        while stack:
            for other in self.children(stack.pop()):
                if other not in found:
                    found.add(other)
                    stack.append(other)
        return found

    def children(self, entry: Id32) -> list[Id32]:
        """What names a held entry directly, as often as it does."""
        return self._parents_turned()[entry]

    def _parents_turned(self) -> dict[Id32, list[Id32]]:
        if self._children is None:
            self._children = {entry: [] for entry in self.by_id}
            for entry in self.by_id.values():
                for parent in parents(entry):
                    if parent in self._children:
                        self._children[parent].append(entry.id)
        return self._children


def parents(entry: Clear) -> list[Id32]:
    """What it names directly: its deps and its predecessor."""
    named = [head for _, _, head in entry.deps]
    if entry.seq > 0:
        named.append(entry.prev)
    return named

"""What an entry builds on, and what of a log a cut keeps.

The past of an entry is what prev and deps reach, whatever the verdicts between. It matters only where an own cut
has victims, so it is walked then and there, from the few entries concerned, and never kept for all.
"""

from collections.abc import Iterable, Set
from typing import Generic, TypeVar

from scmanager.domain.event import Id32
from scmanager.domain.governance import Kept
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

    def forked(self, log: Id32) -> bool:
        """Whether two held entries of this log, of which there are some, have one seq."""
        entries = self.logs[log]
        return len(entries) > 1 + max(entry.seq for entry in entries)

    def chain(self, head: E) -> set[Id32]:
        """The ids from this entry back to entry 0 of its log."""
        ids = {head.id}
        entry = head
        while entry.seq > 0:
            entry = self.by_id[entry.prev]
            ids.add(entry.id)
        return ids

    def future(self, ids: Iterable[Id32], outside: Set[Id32] = frozenset()) -> set[Id32]:
        """The entries that have one of these held ones in their past, and these, on paths `outside` some set."""
        children = self._parents_turned()
        found = set(ids)
        stack = list(found)
        while stack:
            for other in children[stack.pop()]:
                if other not in found and other not in outside:
                    found.add(other)
                    stack.append(other)
        return found

    def past(self, ids: Iterable[Id32], within: Set[Id32]) -> set[Id32]:
        """The entries in the past of one of these, and these themselves, as far as paths stay `within`."""
        found = set(ids)
        stack = list(found)
        while stack:
            for other in parents(self.by_id[stack.pop()]):
                if other in within and other not in found:
                    found.add(other)
                    stack.append(other)
        return found

    def _parents_turned(self) -> dict[Id32, list[Id32]]:
        if self._children is None:
            self._children = {entry: [] for entry in self.by_id}
            for entry in self.by_id.values():
                for parent in parents(entry):
                    if parent in self._children:
                        self._children[parent].append(entry.id)
        return self._children


class Keeps:
    """What a cut's rows keep: the chain of a listed head; while that head is not held, its log up to its seq."""

    def __init__(self, held: Held[E], rows: Iterable[Kept]) -> None:
        self._up_to: dict[Id32, int] = {}
        self._chains: dict[Id32, set[Id32]] = {}
        for row in rows:
            head = held.by_id.get(row.head)
            if head is not None and (head.log, head.seq) == (row.log, row.seq) and held.forked(row.log):
                self._chains.setdefault(row.log, set()).update(held.chain(head))
            else:  # Not held: all up to its seq. Held and no fork: its chain is all up to its seq.
                self._up_to[row.log] = max(row.seq, self._up_to.get(row.log, 0))

    def __contains__(self, entry: Clear) -> bool:
        return entry.seq <= self._up_to.get(entry.log, -1) or entry.id in self._chains.get(entry.log, ())


def parents(entry: Clear) -> list[Id32]:
    """What it names directly: its deps and its predecessor."""
    named = [head for _, _, head in entry.deps]
    if entry.seq > 0:
        named.append(entry.prev)
    return named

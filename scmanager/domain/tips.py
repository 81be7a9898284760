"""What a writer names in deps: the tips of other logs, and none that he should not vouch for (DESIGN 3, rule 13).

A tip is named only if its whole past is held and it is valid here. Where a log's end is void, its newest valid entry
is meant. Entries 0 are never tips: only the entry that introduces a log names them.
"""

from collections.abc import Iterable, Mapping, Sequence

from scmanager.domain.event import Id32
from scmanager.domain.past import parents
from scmanager.domain.records import Clear, Dep, Verdict

DEPS_MAX = 64


class Tips:
    """The graph as far as a writer holds it. Grows by `admit`, in any order."""

    def __init__(self) -> None:
        self._entries: dict[Id32, Clear] = {}
        self._children: dict[Id32, Id32 | list[Id32]] = {}
        """By parent. Nearly all have one child; the list is for the others."""
        self._partial: set[Id32] = set()
        """The entries whose past is not all here."""
        self._heads: set[Id32] = set()

    def admit(self, entries: Iterable[Clear]) -> None:
        """Take further entries, known ones too."""
        for entry in entries:
            if entry.id in self._entries:
                continue
            self._entries[entry.id] = entry
            if not entry.deps and self._is_whole(entry.prev) and entry.id not in self._children:
                self._add_child(entry.prev, entry.id)  # The ordinary case: nothing waits for it, and it for nothing.
                self._heads.discard(entry.prev)
                self._heads.add(entry.id)
                continue
            for parent in parents(entry):
                self._add_child(parent, entry.id)
            self._settle(entry)

    def to_name(self, own_log: Id32, verdicts: Mapping[Id32, Verdict]) -> list[tuple[Dep, ...]]:
        """The deps of the next entry in `own_log`, in rows of at most 64.

        More than one row: each but the last goes into a `heads/1` entry first. No row at all: nothing new is known.
        """
        tips = {
            tip
            for head in self._heads
            if self._entries[head].log != own_log and (tip := self._newest_to_vouch_for(head, verdicts)) is not None
        }
        deps = sorted((entry.log, entry.seq, entry.id) for tip in tips if (entry := self._entries[tip]))
        free = [dep for dep in deps if not self._built_on(dep[2], verdicts)]
        return [tuple(free[start : start + DEPS_MAX]) for start in range(0, len(free), DEPS_MAX)]

    def _add_child(self, parent: Id32, child: Id32) -> None:
        known = self._children.setdefault(parent, child)
        if isinstance(known, list):
            known.append(child)
        elif known is not child:
            self._children[parent] = [known, child]

    def _children_of(self, entry: Id32) -> Sequence[Id32]:
        known = self._children.get(entry, ())
        return (known,) if isinstance(known, bytes) else known

    def _is_whole(self, entry: Id32) -> bool:
        return entry in self._entries and entry not in self._partial

    def _settle(self, entry: Clear) -> None:
        """Enter it as whole, and what waited for it, if its past is."""
        self._partial.add(entry.id)
        waiting = [entry]
        while waiting:
            entry = waiting.pop()
            if entry.id not in self._partial or not all(map(self._is_whole, parents(entry))):
                continue
            self._partial.discard(entry.id)
            self._heads.discard(entry.prev)
            self._heads.add(entry.id)
            waiting += [self._entries[child] for child in self._children_of(entry.id)]

    def _newest_to_vouch_for(self, head: Id32, verdicts: Mapping[Id32, Verdict]) -> Id32 | None:
        entry = self._entries[head]
        while entry.seq > 0 and not self._vouched(entry.id, verdicts):
            entry = self._entries[entry.prev]
        return entry.id if entry.seq > 0 else None

    def _vouched(self, entry: Id32, verdicts: Mapping[Id32, Verdict]) -> bool:
        verdict = verdicts.get(entry)
        return verdict is not None and verdict.valid and self._is_whole(entry)

    def _built_on(self, tip: Id32, verdicts: Mapping[Id32, Verdict]) -> bool:
        """Whether it lies in the past of something else that a writer would vouch for, or has written himself."""
        seen = {tip}
        stack = [tip]
        while stack:
            for child in self._children_of(stack.pop()):
                if self._vouched(child, verdicts):
                    return True
                if child not in seen:
                    seen.add(child)
                    stack.append(child)
        return False

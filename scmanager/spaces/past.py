"""What each log's head has behind it, so that a writer names only heads that nothing he names has seen already."""

from bisect import bisect_right

from scmanager.eventstore.entry import DEPS_MAX, Dep, Entry


class Past:
    """For each log: at which seq it learned of which other heads. Exact for what is held."""

    def __init__(self) -> None:
        self._steps: dict[bytes, list[int]] = {}
        self._known: dict[bytes, list[dict[bytes, int]]] = {}
        self._heads: dict[bytes, Dep] = {}

    def add(self, entry: Entry) -> None:
        """Take in one entry; those before it in its log came earlier."""
        if entry.deps:
            known = dict(self.behind(entry.log, entry.seq))
            for dep in entry.deps:
                for log, seq in self.behind(dep.log, dep.seq).items():
                    known[log] = max(seq, known.get(log, -1))
                known[dep.log] = max(dep.seq, known.get(dep.log, -1))
            self._steps.setdefault(entry.log, []).append(entry.seq)
            self._known.setdefault(entry.log, []).append(known)

    def stands(self, entry: Entry) -> None:
        """This entry is valid: its log's head, as far as a writer may name it."""
        newest = self._heads.get(entry.log)
        if newest is None or newest.seq < entry.seq:
            self._heads[entry.log] = Dep(entry.log, entry.seq, entry.id32)

    def behind(self, log: bytes, seq: int) -> dict[bytes, int]:
        """The newest seq of every other log that the entry at `seq` has in its past."""
        step = bisect_right(self._steps.get(log, ()), seq)
        return self._known[log][step - 1] if step else {}

    def to_name(self, own: bytes) -> tuple[Dep, ...]:
        """The heads an own entry should name now: tips of other logs, at most 64, in a stable order."""
        mine = self.behind(own, 2**53)
        fresh = [dep for dep in self._heads.values() if dep.log != own and mine.get(dep.log, -1) < dep.seq]
        if not fresh:
            return ()
        seen: dict[bytes, int] = {}
        for dep in fresh:
            for log, seq in self.behind(dep.log, dep.seq).items():
                seen[log] = max(seq, seen.get(log, -1))
        tips = sorted((dep for dep in fresh if seen.get(dep.log, -1) < dep.seq), key=lambda dep: dep.log)
        return tuple(tips[:DEPS_MAX])

"""The event store in memory: the reference the others are held against, for tests and for a demo without a disk."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from scmanager.eventstore.branches import Branch, place
from scmanager.eventstore.entry import ZERO_ID
from scmanager.eventstore.late_parts import Found, lacking, spans
from scmanager.eventstore.own_log import Batch, Head, Sealed
from scmanager.eventstore.pending import MemoryPending
from scmanager.eventstore.store import Also, CommandRepeated, LogMoved, NotHeld, Outcome, Row
from scmanager.eventstore.verification import SignedNote, VerifiedRun


class _Log:
    """One log: its branches, each with its own entries' rows and notes."""

    def __init__(self) -> None:
        self.branches: dict[int, Branch] = {}
        self.heads: dict[int, Head] = {}
        self.own: dict[int, list[tuple[Row, Sealed]]] = {}
        self.notes: dict[int, list[SignedNote]] = {}
        self.outcomes: dict[bytes, bytes] = {}

    def chain(self, branch: int) -> list[tuple[Row, Sealed]]:
        """All entries of a branch, those before the fork included."""
        here = self.branches[branch]
        return (self.chain(here.parent)[: here.start] if here.start else []) + self.own[branch]

    def id_at(self, branch: int, seq: int) -> bytes | None:
        """The id of the entry at seq on this branch."""
        while seq < self.branches[branch].start:
            branch = self.branches[branch].parent
        own, start = self.own[branch], self.branches[branch].start
        return own[seq - start][1].entry.id if seq - start < len(own) else None


class MemoryStore:
    """See Store. Everything is gone when the process ends."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._grown = threading.Condition(self._lock)
        self._closed = False
        self.pending = MemoryPending(self._lock)
        self._logs: dict[bytes, _Log] = {}
        self._rows: list[Row] = []
        self._parts: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self._late: Counter[bytes] = Counter()

    def append(self, batch: Batch, outcomes: Sequence[Outcome] = (), also: Also | None = None) -> int:
        """See Store.append."""
        with self._lock:
            log = self._logs.get(batch.head.log)
            held = log.heads.get(batch.head.branch) if log else None
            if (held.size, held.id) != batch.before if held else batch.before != (0, ZERO_ID):
                raise LogMoved(log=batch.head.log.hex()[:16])
            commands = [outcome.command for outcome in outcomes]
            if len(set(commands)) < len(commands) or (log and not log.outcomes.keys().isdisjoint(commands)):
                raise CommandRepeated(log=batch.head.log.hex()[:16])
            if also:
                also(None, len(self._rows) + len(batch.sealed))  # It may refuse; what follows cannot.
            if log is None:
                log = self._logs[batch.head.log] = _Log()
                log.branches[0] = Branch(0, 0, 0, 0)
            note = SignedNote(batch.head.size, batch.root, batch.signature)
            self._insert(log, batch.head, batch.sealed, note)
            log.outcomes.update((outcome.command, outcome.result) for outcome in outcomes)
            return len(self._rows)

    def private(self, also: Also) -> None:
        """See Store.private."""
        with self._lock:
            also(None, len(self._rows))

    def admit(self, run: VerifiedRun) -> int:
        """See Store.admit."""
        with self._lock:
            log = self._logs.get(run.head.log) or _Log()
            placement = place(run, log.branches, log.id_at)
            if placement is None:
                raise NotHeld(log=run.head.log.hex()[:16], seq=run.after.size)
            found = [each for span in spans(run, placement, log.branches) for each in self._found(log, *span)]
            for part in lacking(run, found):
                self._parts[part.pos, part.number] = (part.key, part.bytes)
                self._late[run.head.space] += 1
            if not placement.new:
                return 0
            self._logs[run.head.log] = log
            if placement.fork:
                log.branches[placement.branch] = placement.fork
            self._insert(log, replace(run.head, branch=placement.branch), placement.new, run.note)
            return len(placement.new)

    def _found(self, log: _Log, branch: int, first: int, end: int) -> Iterator[Found]:
        start = log.branches[branch].start
        for row, one in log.own[branch][first - start : end - start]:
            yield one.entry.seq, row.pos, None
            for number in range(1, len(one.entry.parts)):
                if (row.pos, number) in self._parts:
                    yield one.entry.seq, row.pos, number

    def late_parts(self, space: bytes) -> int:
        """See Store.late_parts."""
        return self._late[space]

    def _insert(self, log: _Log, head: Head, sealed: Sequence[Sealed], note: SignedNote) -> None:
        for one in sealed:
            pos = len(self._rows) + 1
            row = Row(pos, head.log, head.branch, one.entry.data, one.parts[0] if one.parts else b"")
            self._rows.append(row)
            log.own.setdefault(head.branch, []).append((row, one))
            for number in range(1, len(one.parts)):
                if one.parts[number]:
                    self._parts[pos, number] = (one.entry.parts[number].key, one.parts[number])
        log.notes.setdefault(head.branch, []).append(note)
        log.heads[head.branch] = head
        log.branches[head.branch] = replace(log.branches[head.branch], size=head.size)
        self._grown.notify_all()

    def heads(self, space: bytes | None = None) -> Sequence[Head]:
        """See Store.heads."""
        with self._lock:
            every = [head for log in self._logs.values() for _, head in sorted(log.heads.items())]
        return [head for head in every if space in {None, head.space}]

    def read(self, log: bytes, branch: int, first: int, limit: int) -> Sequence[Row]:
        """See Store.read."""
        with self._lock:
            found = self._logs.get(log)
            if found is None or branch not in found.branches:
                return []
            return [row for row, _ in found.chain(branch)[first : first + limit]]

    def tail(self, after: int, limit: int) -> Sequence[Row]:
        """See Store.tail."""
        with self._lock:
            return self._rows[after : after + limit]

    def parts(self, positions: Iterable[int]) -> Mapping[tuple[int, int], bytes]:
        """See Store.parts."""
        wanted = set(positions)
        with self._lock:
            return {place: stored for place, (_, stored) in self._parts.items() if place[0] in wanted}

    def note(self, log: bytes, branch: int, size: int) -> SignedNote | None:
        """See Store.note."""
        with self._lock:
            notes = self._logs[log].notes.get(branch, []) if log in self._logs else []
            return next((note for note in notes if note.size >= size), None)

    def outcome(self, log: bytes, command: bytes) -> bytes | None:
        """See Store.outcome."""
        with self._lock:
            return self._logs[log].outcomes.get(command) if log in self._logs else None

    def erase(self, keys: Iterable[bytes]) -> int:
        """See Store.erase."""
        gone = set(keys)
        with self._lock:
            doomed = [place for place, (key, _) in self._parts.items() if key in gone]
            for each in doomed:
                del self._parts[each]
            return len(doomed) + self.pending.erase(gone)

    @contextmanager
    def deciding(self, space: bytes) -> Iterator[None]:  # noqa: ARG002 - one lock for all spaces
        """See Store.deciding."""
        with self._lock:
            yield

    def wait(self, after: int, timeout_s: float) -> bool:
        """See Store.wait."""
        with self._grown:
            self._grown.wait_for(lambda: self._closed or len(self._rows) > after, timeout_s)
            return not self._closed and len(self._rows) > after

    def last_pos(self) -> int:
        """See Store.last_pos."""
        return len(self._rows)

    def close(self) -> None:
        """See Store.close."""
        with self._grown:
            self._closed = True
            self._grown.notify_all()

"""Runs that wait: entries of a log whose predecessor is not held yet are neither lost nor counted.

- Pending is private to the node, mutable and bounded. Nothing in it is a head, an entry, a note or a position: it
  cannot reach validity, frontier, digest or read models, for nothing that computes these ever looks here.
- A run is checked as far as it can be by itself when it comes. What proves it, the tree before it, comes later.
- Beyond a bound nothing is dropped: whoever brought the run is told to pause and to bring it again.
"""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from scmanager.errors import Unavailable
from scmanager.eventstore import entry, verification
from scmanager.eventstore.own_log import empty_head
from scmanager.eventstore.verification import NoteMismatch, SignedNote


class PendingFull(Unavailable):
    """There is no room for {entries} more entries of log {log} that wait for earlier ones: {reason}."""

    code = "pending-full"
    hint = "None of them was kept. Bring the earlier entries first and pause until then; then bring these again."


class RunNotPending(ValueError):
    """A run that begins a log waits for nothing."""


class Bounds(msgspec.Struct, frozen=True):
    """How much may wait, of one log and in all. Bytes are those of entries and parts."""

    log_entries: int = 10_000
    log_bytes: int = 32 << 20
    entries: int = 50_000
    bytes: int = 128 << 20


BOUNDS = Bounds()
DROPPED_MAX = 100
"""Of how many dropped runs a store knows: a hostile peer cannot fill the disk with them."""


class PendingRun(msgspec.Struct, frozen=True):
    """Entries that chain among themselves, and the note over them and all that comes before. Made by `parse_run`."""

    space: bytes
    """As whoever brought it says. The log's entry 0 decides, once it is here."""
    log: bytes
    first: int
    prev: bytes
    """The id of the entry that it waits for, 64 bytes."""
    entries: Sequence[bytes]
    held: Sequence[Mapping[int, bytes]]
    note: SignedNote
    id: bytes
    """32 bytes: the same entries under the same note are the same run, whichever parts came along."""
    since_s: int = 0
    """When it came, in UTC seconds of this machine's clock; 0 where nobody said."""

    @property
    def size_bytes(self) -> int:
        """What counts against the bounds."""
        return sum(map(len, self.entries)) + sum(len(part) for held in self.held for part in held.values())


class Waiting(msgspec.Struct, frozen=True):
    """A run that waits, without its bytes."""

    number: int
    """Where it lies in this store; never given twice."""
    space: bytes
    log: bytes
    first: int
    prev: bytes
    note: SignedNote
    size_bytes: int
    """What counts against the bounds."""
    since_s: int

    @property
    def entries(self) -> int:
        """How many."""
        return self.note.size - self.first


class Dropped(msgspec.Struct, frozen=True):
    """A run that proved to be none of its log, without its bytes."""

    space: bytes
    log: bytes
    first: int
    end: int
    """One more than its last seq."""
    code: str
    reason: str
    number: int = 0
    """Under which it waited; 0 for one that was refused as it came."""


class Pending(Protocol):
    """The part of a store where runs wait."""

    def keep(self, run: PendingRun, bounds: Bounds = BOUNDS) -> bool:
        """Keep it; False when it is here already. Raises PendingFull, and nothing of it was kept then."""

    def waiting(self, log: bytes | None = None) -> Sequence[Waiting]:
        """What waits, of one log or of all, by log and first seq."""

    def run(self, number: int) -> PendingRun | None:
        """One run with its bytes; None when it is gone."""

    def release(self, number: int, carried: Collection[bytes] = ()) -> Collection[bytes]:
        """Let a run go. `carried`: the ids of the keys of its parts that were admitted with it.

        Returns those whose parts had been erased here meanwhile. Their admitted parts must be erased too: the stores
        with transactions do that in this one.
        """

    def drop(self, number: int, code: str, reason: str) -> None:
        """Let a run go that proved wrong, and note that in the same transaction: the newest DROPPED_MAX are known."""

    def dropped(self) -> Sequence[Dropped]:
        """What was dropped, the oldest first."""

    def forget(self, number: int) -> bool:
        """Strike one off that list; False when it is not on it."""

    def room(self) -> tuple[int, int]:
        """How many entries wait in all, and their bytes."""

    def keys(self, space: bytes) -> Collection[bytes]:
        """The ids of all keys under which parts wait that are said to be of this space."""


def parse_run(
    space: bytes,
    entries: Sequence[bytes],
    held: Sequence[Mapping[int, bytes]],
    note: SignedNote,
    since_s: int = 0,
) -> PendingRun:
    """Check what a run shows by itself: one log, one chain, rising clocks, its parts, a note that ends with it.

    Raises Untrusted; RunNotPending for a run from entry 0 on.
    """
    if not entries:
        raise verification.PartMissing(log="", seq=0)
    first = entry.parse(entries[0])
    if first.seq == 0:
        raise RunNotPending
    start = msgspec.structs.replace(
        empty_head(space, first.log, b""), size=first.seq, id=first.prev, hlc=first.hlc - 1
    )
    chained = verification.chained(start, entries, held)
    if note.size != first.seq + len(chained):
        raise NoteMismatch(log=first.log.hex(), size=note.size)
    name = entry.digest(
        "scm/pending/1", first.log, entry.u64(first.seq), chained[-1].entry.id, note.root, note.signature
    )
    return PendingRun(space, first.log, first.seq, first.prev, entries, held, note, name, since_s)


def check_room(run: PendingRun, of_log: tuple[int, int], of_all: tuple[int, int], bounds: Bounds) -> None:
    """Raises PendingFull. What waits already: (entries, bytes)."""
    more = (len(run.entries), run.size_bytes)
    for (entries, size), entries_max, bytes_max, whose in (
        (of_log, bounds.log_entries, bounds.log_bytes, "of this log"),
        (of_all, bounds.entries, bounds.bytes, "in all"),
    ):
        if entries + more[0] > entries_max:
            reason = f"{entries} wait {whose}, and {entries_max} may"
        elif size + more[1] > bytes_max:
            reason = f"{size} bytes wait {whose}, and {bytes_max} may"
        else:
            continue
        raise PendingFull(log=run.log.hex()[:16], entries=more[0], reason=reason)


def part_rows(run: PendingRun) -> list[tuple[int, int, bytes, bytes]]:
    """The parts that may be erased: (place in the run, part number, key id, bytes)."""
    return [
        (nth, number, entry.parse(data).parts[number].key, held[number])
        for nth, (data, held) in enumerate(zip(run.entries, run.held, strict=True))
        for number in sorted(held)
        if number > 0
    ]


def rebuilt(
    row: Waiting,
    name: bytes,
    entries: Iterable[tuple[bytes, bytes]],
    parts: Iterable[tuple[int, int, bytes]],
) -> PendingRun | None:
    """A run from its rows: entries with part 0, parts by place and number; None unless all entries are here."""
    pairs = list(entries)
    if len(pairs) != row.entries:
        return None  # Another process let it go while it was read.
    held = [{0: shared} for _, shared in pairs]
    for nth, number, stored in parts:
        held[nth][number] = stored
    return PendingRun(
        row.space, row.log, row.first, row.prev, [data for data, _ in pairs], held, row.note, name, row.since_s
    )


class MemoryPending:
    """See Pending. `lock` is the store's."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._runs: dict[int, PendingRun] = {}
        self._parts: dict[int, dict[tuple[int, int], tuple[bytes, bytes]]] = {}
        self._dropped: dict[int, Dropped] = {}
        self._last = 0

    def keep(self, run: PendingRun, bounds: Bounds = BOUNDS) -> bool:
        """See Pending.keep."""
        with self._lock:
            if any(each.id == run.id for each in self._runs.values()):
                return False
            check_room(run, self._sizes(run.log), self._sizes(None), bounds)
            self._last += 1
            self._runs[self._last] = run
            self._parts[self._last] = {(n, part): (key, stored) for n, part, key, stored in part_rows(run)}
            return True

    def _sizes(self, log: bytes | None) -> tuple[int, int]:
        runs = [run for run in self._runs.values() if log in {None, run.log}]
        return sum(len(run.entries) for run in runs), sum(run.size_bytes for run in runs)

    def waiting(self, log: bytes | None = None) -> Sequence[Waiting]:
        """See Pending.waiting."""
        with self._lock:
            found = [_waiting(number, run) for number, run in self._runs.items() if log in {None, run.log}]
        return sorted(found, key=lambda each: (each.log, each.first, each.number))

    def run(self, number: int) -> PendingRun | None:
        """See Pending.run."""
        with self._lock:
            run = self._runs.get(number)
            if run is None:
                return None
            entries = [(data, held[0]) for data, held in zip(run.entries, run.held, strict=True)]
            parts = [(*place, stored) for place, (_, stored) in self._parts[number].items()]
            return rebuilt(_waiting(number, run), run.id, entries, parts)

    def release(self, number: int, carried: Collection[bytes] = ()) -> Collection[bytes]:
        """See Pending.release."""
        with self._lock:
            if self._runs.pop(number, None) is None:
                return ()
            return set(carried) - {key for key, _ in self._parts.pop(number).values()}

    def drop(self, number: int, code: str, reason: str) -> None:
        """See Pending.drop."""
        with self._lock:
            run = self._runs.get(number)
            if run is not None:
                end = run.note.size
                self._dropped[number] = Dropped(run.space, run.log, run.first, end, code, reason, number)
                for old in sorted(self._dropped)[:-DROPPED_MAX]:
                    del self._dropped[old]
                self.release(number)

    def dropped(self) -> Sequence[Dropped]:
        """See Pending.dropped."""
        with self._lock:
            return [self._dropped[number] for number in sorted(self._dropped)]

    def forget(self, number: int) -> bool:
        """See Pending.forget."""
        with self._lock:
            return self._dropped.pop(number, None) is not None

    def room(self) -> tuple[int, int]:
        """See Pending.room."""
        with self._lock:
            return self._sizes(None)

    def keys(self, space: bytes) -> Collection[bytes]:
        """See Pending.keys."""
        with self._lock:
            mine = [number for number, run in self._runs.items() if run.space == space]
            return {key for number in mine for key, _ in self._parts[number].values() if key}

    def erase(self, keys: Collection[bytes]) -> int:
        """Remove every part under these keys; returns how many. The store asks, in its own erasure."""
        count = 0
        with self._lock:
            for parts in self._parts.values():
                for place in [place for place, (key, _) in parts.items() if key in keys]:
                    del parts[place]
                    count += 1
        return count


def _waiting(number: int, run: PendingRun) -> Waiting:
    return Waiting(number, run.space, run.log, run.first, run.prev, run.note, run.size_bytes, run.since_s)

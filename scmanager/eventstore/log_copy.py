"""A copy of one log's branch, as it travels: entries verbatim, the parts that are held, the note that proves them."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from scmanager.eventstore import verification
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.store import Store, StoreDamaged
from scmanager.eventstore.verification import SignedNote, VerifiedRun

PAGE_ROWS = 2_000
ENTRIES_A_RUN = 5_000
"""After so many a run ends at the next note."""


class LogCopy(msgspec.Struct, frozen=True):
    """From entry 0, or from a later one on (a piece), to a signed size."""

    entries: Sequence[bytes]
    held: Sequence[Mapping[int, bytes]]
    """Each entry's stored parts by number. Part 0 is always there; erasable ones may lack."""
    note: SignedNote


def copy_of(store: Store, head: Head, first: int = 0) -> LogCopy:
    """Everything up to this head of a log in the store; `first`: for somebody who has what comes before that seq."""
    rows = list(pages(store, head, first))
    return LogCopy([data for data, _ in rows], [held for _, held in rows], note_of(store, head))


def pages(store: Store, head: Head, first: int = 0) -> Iterator[tuple[bytes, Mapping[int, bytes]]]:
    """The same entry by entry, each with its stored parts: never more than a page of them in memory."""
    at = first
    while at < head.size:
        rows = store.read(head.log, head.branch, at, min(PAGE_ROWS, head.size - at))
        kept = store.parts(row.pos for row in rows)
        by_pos: dict[int, dict[int, bytes]] = {}
        for (pos, number), stored in kept.items():
            by_pos.setdefault(pos, {})[number] = stored
        for row in rows:
            yield row.data, ({0: row.shared} if row.shared else {}) | by_pos.get(row.pos, {})
        at += len(rows)


def note_of(store: Store, head: Head) -> SignedNote:
    """The note that proves everything up to this head. Raises StoreDamaged where the store has none."""
    note = store.note(head.log, head.branch, head.size)
    if note is None:
        raise StoreDamaged(reason=f"log {head.log.hex()} has no note at {head.size}")
    return note


class Copies:
    """Everything that is held of a space, run by run: read one at a time, each up to a size that was signed.

    The founding log comes first, and every log from its beginning on.
    """

    def __init__(self, store: Store, space: bytes) -> None:
        self._store = store
        heads = sorted(store.heads(space), key=lambda head: head.log != space)
        self._spans = [span for head in heads for span in _spans(store, head)]

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[LogCopy]:
        return (copy_of(self._store, head, first) for head, first in self._spans)


def _spans(store: Store, head: Head) -> list[tuple[Head, int]]:
    """(the head it ends at, its first seq) of each run."""
    spans: list[tuple[Head, int]] = []
    first = 0
    while cut := _cut(store, head, first + ENTRIES_A_RUN):
        spans.append((cut, first))
        first = cut.size
    return [*spans, (head, first)]


def _cut(store: Store, head: Head, size: int) -> Head | None:
    """The first signed place of this size or more before the head, on its branch or on one that it left later."""
    found = []
    for branch in range(head.branch + 1):
        note = store.note(head.log, branch, size)
        if note is not None and note.size < head.size:
            theirs, ours = (store.read(head.log, each, note.size - 1, 1) for each in (branch, head.branch))
            if theirs[0].data == ours[0].data:
                found.append(msgspec.structs.replace(head, branch=branch, size=note.size))
    return min(found, key=lambda each: each.size, default=None)


def verify_copy(copy: LogCopy) -> VerifiedRun:
    """Check it from entry 0 on. Raises Untrusted."""
    if not copy.entries:
        raise verification.PartMissing(log="", seq=0)
    return verification.verify(verification.start_of(copy.entries[0]), copy.entries, copy.held, copy.note)

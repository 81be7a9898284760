"""A copy of one log's branch, as it travels: entries verbatim, the parts that are held, the note that proves them."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from scmanager.eventstore import verification
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.store import Store
from scmanager.eventstore.verification import SignedNote, VerifiedRun

PAGE_ROWS = 2_000


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
    """The note that proves everything up to this head."""
    note = store.note(head.log, head.branch, head.size)
    if note is None:
        raise LookupError(f"log {head.log.hex()} has no note at {head.size}")
    return note


def verify_copy(copy: LogCopy) -> VerifiedRun:
    """Check it from entry 0 on. Raises Untrusted."""
    if not copy.entries:
        raise verification.PartMissing(log="", seq=0)
    return verification.verify(verification.start_of(copy.entries[0]), copy.entries, copy.held, copy.note)

"""The audit vault: what an author has to look at in the intake log, and when errors become a bug record (SPEC A10).

It follows the log like any reader. A bug record is an entry of the log, under an id that follows from what it is
about: opened once, whoever asks and however often.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from scmanager.application.sequencing import Reports
from scmanager.domain.audit_types import AuditType
from scmanager.domain.event import Event
from scmanager.domain.intake import AuditTaken, BugOpened, ErrorCounted, Frame
from scmanager.eventstore import content
from scmanager.eventstore.entry import Entry, digest, encode_json, parse
from scmanager.eventstore.store import Row, Store

PAGE_ROWS: Final = 2_000
DAY_US: Final = 86_400 * 10**6
_ERROR, _BUG, _AUDIT = (
    f'{{"type":"{kind.tag}"'.encode() for kind in (ErrorCounted, BugOpened, AuditTaken)
)  # fmt: skip
_TERMS: Final = f'"type":"{AuditType.TOS_VIOLATION}"'.encode()


class Shape(msgspec.Struct, frozen=True):
    """A shape of errors was reported; `count`: how often its reporter met it, or how many reported it."""

    fingerprint: bytes
    error: str
    frames: tuple[Frame, ...]
    version: str
    day: int
    """Since 1970, UTC, by the clock of the server."""
    count: int


class Bug(msgspec.Struct, frozen=True):
    """A bug record was opened."""

    fingerprint: bytes
    version: str
    opened_s: int


class Terms(msgspec.Struct, frozen=True):
    """An act that would have broken terms was reported."""

    event: bytes
    """The event_id, 64 bytes."""
    log: bytes
    seq: int
    at: int
    version: str
    region: str | None
    count: int
    payload: bytes
    day: int
    """Of the report, since 1970, UTC, by the clock of the server."""


Noticed = Shape | Bug | Terms


class Book(Protocol):
    """Where it is kept."""

    @property
    def pos(self) -> int:
        """How far the store's entries are in it."""

    def clear(self) -> None:
        """Forget all of it."""

    def enter(self, noticed: list[Noticed], pos: int) -> None:
        """What stood in the entries up to `pos`."""

    def rising(self, day: int) -> list[tuple[Shape, int]]:
        """Shapes that rose on this day and have no bug record, each with the reports of the day before."""


def follow(store: Store, book: Book, now_us: int) -> int:
    """Bring the book up to the store's newest entry; how many it took notice of.

    A log's time never goes back: after a clock that was ahead once, an entry is of today at the latest. A book that
    is further than the store is of a store that was put back: it is made anew.
    """
    if book.pos > store.last_pos():
        book.clear()
    at, found = book.pos, 0
    while rows := store.tail(at, PAGE_ROWS):
        noticed, at = list(_noticed(rows, now_us // DAY_US)), rows[-1].pos
        book.enter(noticed, at)
        found += len(noticed)
    return found


def bugs(book: Book, now_us: int) -> list[Reports]:
    """The bug records to open today, each a batch of its own."""
    opened = []
    for shape, before in book.rising(now_us // DAY_US):
        event = BugOpened(shape.error, shape.frames, shape.version, shape.count, before, now_us // 10**6)
        opened.append(Reports(digest("scm/bug/1", shape.fingerprint, shape.version.encode())[:16], (event,)))
    return opened


def fingerprint(said: ErrorCounted | BugOpened) -> bytes:
    """The same as its reporter's: H(scm/error/1, [error, frames]), 32 bytes."""
    return digest("scm/error/1", encode_json((said.error, said.frames)))


def _noticed(rows: Sequence[Row], today: int) -> Iterator[Noticed]:
    for row in rows:
        if row.shared.startswith((_ERROR, _BUG)) or (row.shared.startswith(_AUDIT) and _TERMS in row.shared):
            shared = content.read(row.shared)
            assert shared is not None
            entry = parse(row.data)
            event = msgspec.json.decode(shared.payload, type=_CLASSES[shared.type])
            yield from _told(event, entry, min(entry.hlc // DAY_US, today))


def _told(event: Event, entry: Entry, day: int) -> Iterator[Noticed]:
    match event:
        case ErrorCounted():
            yield Shape(fingerprint(event), event.error, event.frames, event.version, day, event.count)
        case BugOpened():
            yield Bug(fingerprint(event), event.version, event.at)
        case AuditTaken() if event.type is AuditType.TOS_VIOLATION:
            yield Terms(
                entry.id, entry.log, entry.seq, event.at, event.version, event.region, event.count, event.payload,
                day,
            )  # fmt: skip


_CLASSES: Final = {kind.tag: kind for kind in (ErrorCounted, BugOpened, AuditTaken)}

"""Logs that come without their beginning: which of them may wait, and what is done with them."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import msgspec

from scmanager.errors import Refused, Untrusted
from scmanager.eventstore import entry, verification
from scmanager.eventstore.file_faults import FileUnusable
from scmanager.eventstore.filling import Drained, Gap, drain, gaps, take_in
from scmanager.eventstore.log_copy import LogCopy
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.pending import Dropped, PendingRun
from scmanager.eventstore.store import Store, StoreBusy
from scmanager.eventstore.verification import NoteMismatch, SignedNote
from scmanager.spaces.shelf import Shelf


class OtherSpace(Untrusted):
    """A log in this file belongs to another space."""

    code = "exchange-other-space"
    hint = "Have the sender export the space again."


class RunGone(Refused):
    """No run of this space waits under the number {number}, and none was dropped under it."""

    code = "pending-run-gone"
    hint = "It may have come in meanwhile. See what waits: scm space pending."


def is_piece(copy: LogCopy) -> bool:
    """Whether it does not begin with its log's entry 0. Raises MalformedEntry."""
    return bool(copy.entries) and entry.parse(copy.entries[0]).seq > 0


class Brief(msgspec.Struct, frozen=True):
    """A piece without its bytes."""

    log: bytes
    first: int
    note: SignedNote


def awaited(
    store: Store,
    shelf: Shelf,
    space: bytes,
    coming: Mapping[bytes, Head],
    named: Set[bytes],
    pieces: Sequence[Brief],
) -> list[Brief]:
    """Those that may wait: of logs that are here or come now, or that something here or coming names.

    Anybody can make others up, and they would take the room away. Of a log that is here, its key must have signed.
    Raises OtherSpace, NoteMismatch.
    """
    heads = {head.log: head for head in store.heads()} | dict(coming)
    for piece in pieces:
        head = heads.get(piece.log)
        if head is not None and head.space != space:
            raise OtherSpace
        if head is not None and not verification.signed(head, piece.note):
            raise NoteMismatch(log=piece.log.hex(), size=piece.note.size)
    if all(piece.log in heads for piece in pieces):
        return list(pieces)
    here = {held.id: held for held in shelf.spaces()}.get(space)
    known = {dep.log for each in here.entries() for dep in each.entry.deps} if here else set()
    return [piece for piece in pieces if piece.log in heads or piece.log in named or piece.log in known]


def unheard_of(store: Store, pieces: Iterable[Brief]) -> set[bytes]:
    """Logs that are here and whose key signed a history that is not: for one's own log a reason for doubt."""
    pieces = list(pieces)
    logs = {piece.log for piece in pieces}
    heads = [head for head in store.heads() if head.log in logs]
    found = set()
    for piece in pieces:
        notes = [store.note(head.log, head.branch, piece.note.size) for head in heads if head.log == piece.log]
        if notes and not any(note is not None and note.root == piece.note.root for note in notes):
            found.add(piece.log)
    return found


def take_piece(store: Store, piece: PendingRun) -> Drained:
    """Admit a piece if it continues what is held, and what waited for it; else it waits. Raises PendingFull.

    When it proves wrong only now, when what comes before it is here, it is dropped alone.
    """
    try:
        return take_in(store, piece)
    except Untrusted as fault:
        end = piece.note.size
        return Drained(0, (Dropped(piece.space, piece.log, piece.first, end, fault.code, str(fault)),))


def finish_pieces(store: Store) -> None:
    """Carry on where a process ended between a gap's filling and what waited for it. On a full disk: next time.

    What proves wrong here is dropped, and stands in the store's list of that (`Pending.dropped`).
    """
    try:
        drain(store)
    except (StoreBusy, FileUnusable):
        return


def discard(store: Store, shelf: Shelf, space: bytes, number: int) -> None:
    """Let go of a run that waits in a space, or strike a dropped one off the list. Raises RunGone.

    Nothing remembers it: brought again it waits again, and comes in when its log's earlier entries do.
    """
    with shelf.lock:  # So that nobody admits it just now.
        if any(each.number == number and each.space == space for each in store.pending.waiting()):
            store.pending.release(number)
            return
        known = any(each.number == number and each.space == space for each in store.pending.dropped())
    if not (known and store.pending.forget(number)):
        raise RunGone(number=number)


def pending_hint(store: Store) -> str:
    """What waits and what was dropped, in all, for people; empty when there is neither. Names nobody."""
    (entries, size), dropped = store.pending.room(), len(store.pending.dropped())
    told = [
        f"{entries} entries ({size} bytes) wait for earlier ones of their logs" if entries else "",
        f"{dropped} runs that waited proved to be none of their logs, and were dropped" if dropped else "",
    ]
    return "; ".join(each for each in told if each)


def pending_rows(store: Store, space: bytes) -> list[dict[str, Any]]:
    """What waits in a space, for people and programs: the log, its entries that wait, and those that are missing.

    `missing_from` is None when as many entries of the log are here, but of another history. `since_s`: UTC seconds.
    """
    return [_row(gap) for gap in gaps(store, space)]


def _row(gap: Gap) -> dict[str, Any]:
    run = gap.run
    return {
        "number": run.number, "space": run.space.hex(), "log": run.log.hex(), "entries": run.entries,
        "from": run.first, "to": run.note.size - 1, "missing_from": gap.missing, "missing_to": run.first - 1,
        "bytes": run.size_bytes, "since_s": run.since_s, "why": _why(gap),
    }  # fmt: skip


def _why(gap: Gap) -> str:
    if gap.missing is None:
        return f"entry {gap.run.first} follows another history of this log than those held: a fork's beginning"
    if gap.missing == gap.run.first - 1:
        return f"entry {gap.missing} is missing"
    return f"entries {gap.missing} to {gap.run.first - 1} are missing"


def dropped_rows(dropped: Iterable[Dropped]) -> list[dict[str, Any]]:
    """What was dropped, and why. `number` is 0 for what was refused as it came."""
    return [
        {
            "number": each.number, "space": each.space.hex(), "log": each.log.hex(),
            "from": each.first, "to": each.end - 1, "code": each.code, "reason": each.reason,
        }
        for each in dropped
    ]  # fmt: skip

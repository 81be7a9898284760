"""Logs that come without their beginning: which of them may wait, and what is done with them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from scmanager.errors import Refused, Untrusted
from scmanager.eventstore import entry, verification
from scmanager.eventstore.filling import Drained, Gap, drain, gaps, take_in
from scmanager.eventstore.log_copy import LogCopy
from scmanager.eventstore.pending import Dropped, PendingRun
from scmanager.eventstore.store import Store, StoreBusy
from scmanager.eventstore.verification import NoteMismatch, VerifiedRun
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


def awaited(
    store: Store, shelf: Shelf, space: bytes, runs: Sequence[VerifiedRun], pieces: Sequence[PendingRun]
) -> list[PendingRun]:
    """Those that may wait: of logs that are here or come now, or that something here or coming names.

    Anybody can make others up, and they would take the room away. Of a log that is here, its key must have signed.
    Raises OtherSpace, NoteMismatch.
    """
    heads = {head.log: head for head in store.heads()} | {run.head.log: run.head for run in runs}
    for piece in pieces:
        head = heads.get(piece.log)
        if head is not None and head.space != space:
            raise OtherSpace
        if head is not None and not verification.signed(head, piece.note):
            raise NoteMismatch(log=piece.log.hex(), size=piece.note.size)
    if all(piece.log in heads for piece in pieces):
        return list(pieces)
    named = {dep.log for run in runs for one in run.sealed for dep in one.entry.deps}
    for held in shelf.spaces():
        named |= {dep.log for each in held.entries() for dep in each.entry.deps} if held.id == space else set()
    return [piece for piece in pieces if piece.log in heads or piece.log in named]


def unheard_of(store: Store, pieces: Iterable[PendingRun]) -> set[bytes]:
    """Logs that are here and whose key signed a history that is not: for one's own log a reason for doubt."""
    heads = [head for head in store.heads() if any(head.log == piece.log for piece in pieces)]
    found = set()
    for piece in pieces:
        notes = [store.note(head.log, head.branch, piece.note.size) for head in heads if head.log == piece.log]
        if notes and not any(note is not None and note.root == piece.note.root for note in notes):
            found.add(piece.log)
    return found


def take_pieces(store: Store, logs: Collection[bytes], pieces: Sequence[PendingRun]) -> Drained:
    """Admit what waited for these logs' entries, then the pieces; what does not fit yet waits. Raises PendingFull.

    Whichever proves wrong only now, when what comes before it is here, is dropped alone.
    """
    done = drain(store, logs)
    entries, dropped = done.entries, list(done.dropped)
    for piece in sorted(pieces, key=lambda each: (each.log, each.first)):
        try:
            taken = take_in(store, piece)
        except Untrusted as fault:
            end = piece.note.size
            dropped.append(Dropped(piece.space, piece.log, piece.first, end, fault.code, str(fault)))
        else:
            entries, dropped = entries + taken.entries, [*dropped, *taken.dropped]
    return Drained(entries, tuple(dropped))


def finish_pieces(store: Store) -> None:
    """Carry on where a process ended between a gap's filling and what waited for it. On a full disk: next time.

    What proves wrong here is dropped, and stands in the store's list of that (`Pending.dropped`).
    """
    try:
        drain(store)
    except StoreBusy:
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

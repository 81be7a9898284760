"""Runs that come in pieces: what continues something held is admitted, the rest waits until the gap is filled.

Safe at every step: a run leaves `pending` after it was admitted, in a commit of its own. A process that ends in
between admits it again, which adds nothing, and lets it go then.
"""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore import entry, merkle, verification
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.pending import BOUNDS, Bounds, Dropped, PendingRun, Waiting
from scmanager.eventstore.store import Store
from scmanager.eventstore.verification import NoteMismatch, VerifiedRun

PAGE_ROWS = 2_000


class Drained(msgspec.Struct, frozen=True):
    """What came of the runs that could be judged."""

    entries: int
    """New ones."""
    dropped: tuple[Dropped, ...] = ()


class Gap(msgspec.Struct, frozen=True):
    """A run that waits, and what for."""

    run: Waiting
    missing: int | None
    """The first seq that is not here; it waits for that and all up to `run.first` - 1.

    None when as much of its log is here, but of another history: it waits for the first entries of a fork.
    """


def take_in(store: Store, run: PendingRun, bounds: Bounds = BOUNDS) -> Drained:
    """Admit a run if it continues what is held, and what waited for it; else let it wait.

    Raises Untrusted when it proves to be none of its log, PendingFull when there is no room for it.
    """
    heads = _heads(store, run.log)
    after = _before(store, run, heads)
    if after is not None:
        new = store.admit(verification.verify(after, run.entries, run.held, run.note))
        more = drain(store, [run.log])
        return Drained(new + more.entries, more.dropped)
    if heads and not verification.signed(heads[0], run.note):
        raise NoteMismatch(log=run.log.hex(), size=run.note.size)
    store.pending.keep(run, bounds)
    return drain(store, [run.log])  # Another machine may have filled the gap just now.


def drain(store: Store, logs: Collection[bytes] | None = None) -> Drained:
    """Admit what waits and fits by now, of some logs or of all; drop what can never fit. Harmless at any time.

    A run that follows another history than those held, but carries the log's own signature, goes on waiting: it may
    belong to a fork whose first entries are still missing.
    """
    if logs is None:
        logs = sorted({each.log for each in store.pending.waiting()})
    entries, dropped = 0, []
    for log in logs:
        heads, progress = _heads(store, log), True
        while heads and progress:
            progress = False
            for waiting in store.pending.waiting(log):
                new, fault = _judge(store, waiting, heads)
                dropped += [] if fault is None else [_dropped(waiting, fault)]
                if new is not None:
                    heads, entries, progress = _heads(store, log), entries + new, True
    return Drained(entries, tuple(dropped))


def gaps(store: Store, space: bytes | None = None) -> list[Gap]:
    """What waits, of one space as whoever brought it says, or of all, and for which entries."""
    found = []
    for each in store.pending.waiting():
        if space in {None, each.space}:
            sizes = [head.size for head in _heads(store, each.log)] or [0]
            found.append(Gap(each, max((size for size in sizes if size < each.first), default=None)))
    return found


def _judge(store: Store, waiting: Waiting, heads: Sequence[Head]) -> tuple[int | None, Untrusted | None]:
    """(how many new entries came of it, or None when it still waits or was dropped; why it was dropped)."""
    after = _before(store, waiting, heads)
    try:
        if not verification.signed(heads[0], waiting.note):
            raise NoteMismatch(log=waiting.log.hex(), size=waiting.note.size)
        run = store.pending.run(waiting.number) if after else None
        if after is None or run is None:
            return None, None
        verified = verification.verify(after, run.entries, run.held, run.note)
    except Untrusted as fault:
        store.pending.drop(waiting.number, fault.code, str(fault))
        return None, fault
    new = store.admit(verified)
    erased = store.pending.release(waiting.number, _keys(verified))
    if erased:
        store.erase(erased)
    return new, None


def _before(store: Store, run: PendingRun | Waiting, heads: Iterable[Head]) -> Head | None:
    """The head that the run continues, of whichever branch, computed when it is none of today's."""
    for head in heads:
        if (head.size, head.id) == (run.first, run.prev):
            return head
        if head.size > run.first:
            rows = store.read(run.log, head.branch, run.first - 1, 1)
            if rows and entry.parse(rows[0].data).id == run.prev:
                return _head_at(store, head, run.first)
    return None


def _head_at(store: Store, head: Head, size: int) -> Head:
    tree, data = merkle.CompactRange(), b""
    while tree.size < size:
        rows = store.read(head.log, head.branch, tree.size, min(PAGE_ROWS, size - tree.size))
        tree, data = tree.extend([merkle.leaf_hash(row.data) for row in rows]), rows[-1].data
    last = entry.parse(data)
    return msgspec.structs.replace(head, size=size, id=last.id, hlc=last.hlc, tree=tree.to_bytes())


def _heads(store: Store, log: bytes) -> list[Head]:
    return [head for head in store.heads() if head.log == log]


def _keys(run: VerifiedRun) -> set[bytes]:
    """The keys of the parts that came with it."""
    return {
        ref.key
        for one in run.sealed
        for number, ref in enumerate(one.entry.parts)
        if number > 0 and one.parts[number] and ref.key
    }


def _dropped(waiting: Waiting, fault: Untrusted) -> Dropped:
    end = waiting.note.size
    return Dropped(waiting.space, waiting.log, waiting.first, end, fault.code, str(fault), waiting.number)

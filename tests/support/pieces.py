"""Logs that arrive in pieces: commits as runs, for whoever holds nothing before them."""

from collections.abc import Sequence

from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import Batch, OwnLog
from scmanager.eventstore.pending import PendingRun, parse_run
from scmanager.eventstore.store import Store
from scmanager.eventstore.verification import SignedNote
from tests.support.stores import draft, new_log, run_of


def note_of(batch: Batch) -> SignedNote:
    return SignedNote(batch.head.size, batch.root, batch.signature)


def write(log: OwnLog, *words: str) -> Batch:
    """One commit, each entry with a personal part, kept nowhere yet."""
    for word in words:
        log.add(draft(word, word.encode()), log.hlc + 1)
    batch = log.commit()
    log.committed(batch)
    return batch


def piece(batches: Sequence[Batch], with_parts: bool = True, note: SignedNote | None = None) -> PendingRun:
    """These commits, one after the other, as a run by itself."""
    sealed = [one for batch in batches for one in batch.sealed]
    held = [dict(enumerate(one.parts if with_parts else one.parts[:1])) for one in sealed]
    head = batches[-1].head
    return parse_run(head.space, [one.entry.data for one in sealed], held, note or note_of(batches[-1]))


class Sender:
    """Another node with one log: four entries, then three commits `a`, `b` and `c` of two entries each."""

    def __init__(self, seed: int = 1, store: Store | None = None) -> None:
        self.store = MemoryStore() if store is None else store
        self.log = new_log(self.store, seed)
        self.base, self.beginning = self.log.head, run_of(self.store, self.log.head.log)
        self.a, self.b, self.c = (write(self.log, f"{word}1", f"{word}2") for word in "abc")
        for batch in (self.a, self.b, self.c):
            self.store.append(batch)

    @property
    def id(self) -> bytes:
        return self.log.head.log

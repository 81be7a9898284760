"""The sequencer: what was reported becomes entries of one log, a commit for all that has gathered (ADR 20).

- One transaction, one signed note and one fsync serve every batch that waited; a receipt is given after COMMIT only.
- A batch that comes twice has its first receipt, whenever it comes: the store keeps it beside the entries.
- Whoever may not write the log, or is not alone in it, takes nothing more: it ends, and says why.
- The log is never loaded: all that is known of it is its head.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

import msgspec

from scmanager.domain.event import Event
from scmanager.errors import ScManagerError, Unavailable
from scmanager.eventstore import content
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import Entry, Links, compose, encode_json
from scmanager.eventstore.own_log import Draft, Head, OwnLog, Sealed
from scmanager.eventstore.parts import refer
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import LogMoved, LogTaken, Outcome, Store
from scmanager.master_ledger.reports import Receipt

ENTRIES_A_COMMIT = 5_000
"""About a fifth of a second on a small machine: nobody waits for more than that before his own batch is begun."""
WAITING_MAX = 20_000
"""Entries that wait. What comes beyond is sent away."""


class IntakeFull(Unavailable):
    """More is reported than can be written just now."""

    code = "intake-full"
    hint = "Nothing was recorded. Send the same batch again, later."


class IntakeEnded(Unavailable):
    """This server takes no reports any more: {reason}."""

    code = "intake-ended"
    hint = "Nothing was recorded. Send the same batch again when the server is back."


class Reports(msgspec.Struct, frozen=True):
    """One batch, checked: it becomes entries in this order, all of them or none."""

    id: bytes
    """16 bytes; the same id twice is the same batch. What comes from outside has one by `reports.batch_of`."""
    events: tuple[Event, ...]
    """At least one."""
    beside: Callable[[], None] | None = None
    """Keeps what stands in no log, durably, before the commit. Harmless twice; raises what refuses the batch."""

    @property
    def amount(self) -> int:
        """How many reports its sender is charged for."""
        return len(self.events)


class _Waiting(msgspec.Struct):
    reports: Reports
    answer: Future[bytes]
    first: int = 0
    receipt: bytes = b""


class Sequencer:
    """Owns the log. `submit` from any thread; `stop` finishes what was taken."""

    def __init__(
        self, store: Store, head: Head, key: SigningKey, grant: bytes, clock_us: Callable[[], int],
        check: Callable[[], None], earlier: Sequence[bytes] = (),
    ) -> None:  # fmt: skip
        """`check` raises when the log must not be written now. `earlier`: logs whose receipts are answered too."""
        self._store, self._key, self._grant = store, key, grant
        self._clock_us, self._check, self._logs = clock_us, check, (head.log, *earlier)
        self._log: OwnLog | None = OwnLog(head, key)
        self._head = head
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._entries = 0
        self.ended: ScManagerError | None = None
        """Why nothing is taken any more."""
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)
        self.committed = threading.Event()
        """Set after each commit; whoever follows clears it."""
        self.commits = 0
        """Transactions so far; for measurements."""

    @property
    def head(self) -> Head:
        """What the store holds."""
        return self._head

    def start(self) -> None:
        """Begin to take batches."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end."""
        self.end(IntakeEnded(reason="it is stopping"))
        if self._thread.is_alive():
            self._thread.join()
        self._refuse_waiting()

    def end(self, reason: ScManagerError) -> None:
        """Take nothing more; what waits is still written, unless nothing can be."""
        with self._door:
            if self.ended is None:
                self.ended = reason
                self._queue.put(None)

    def submit(self, reports: Reports) -> Future[bytes]:
        """Queue a batch; the future ends after its commit with its receipt (JSON), or with what refused it.

        Raises IntakeFull, IntakeEnded.
        """
        with self._door:
            if self.ended is not None:
                raise self._over()
            if self._entries and self._entries + len(reports.events) > WAITING_MAX:
                raise IntakeFull
            self._entries += len(reports.events)
            answer: Future[bytes] = Future()
            self._queue.put(_Waiting(reports, answer))
        return answer

    def _over(self) -> IntakeEnded:
        """For senders: `ended` may name what is on this machine."""
        if isinstance(self.ended, IntakeEnded):
            return self.ended
        return IntakeEnded(reason=f"it ended with {self.ended.code if self.ended else 'nothing'}")

    # The thread

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                self._serve(first)
        finally:
            self.end(IntakeEnded(reason="its sequencer failed"))
            self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                if (waiting := self._queue.get_nowait()) is not None:
                    _fail(waiting, self._over())

    def _serve(self, first: _Waiting) -> None:
        """Write what has gathered: one commit."""
        taken = list(self._gathered(first))
        decided: dict[bytes, _Waiting] = {}
        try:
            self._check()
            log = self._opened()
            for waiting in taken:
                self._add(log, waiting, decided)
            if decided:
                self._commit(log, list(decided.values()))
        except BaseException as error:  # noqa: BLE001 - the senders get it, whatever it is; the thread goes on
            self._log = None
            for waiting in taken:
                _fail(waiting, error)
            if isinstance(error, LogMoved | LogTaken):
                self.end(error)
        finally:
            with self._door:
                self._entries -= sum(len(each.reports.events) for each in taken)

    def _gathered(self, first: _Waiting) -> Iterator[_Waiting]:
        count, following = 0, first
        while True:
            yield following
            count += len(following.reports.events)
            if count >= ENTRIES_A_COMMIT:
                return
            try:
                found = self._queue.get_nowait()
            except queue.Empty:
                return
            if found is None:
                self._queue.put(None)  # The end stays at the end.
                return
            following = found

    def _add(self, log: OwnLog, waiting: _Waiting, decided: dict[bytes, _Waiting]) -> None:
        """Seal a batch's entries, or answer it with what it led to before."""
        if not waiting.answer.set_running_or_notify_cancel():
            return  # Its sender went away before it was taken up.
        reports, mark = waiting.reports, log.added
        if (twin := decided.get(reports.id)) is not None:
            twin.answer.add_done_callback(lambda first: _pass_on(first, waiting.answer))
            return
        try:
            if (known := self._known(reports.id)) is not None:
                waiting.answer.set_result(known)
                return
            if reports.beside is not None:
                reports.beside()
            hlc = max(self._clock_us(), log.hlc + 1)
            waiting.first = mark
            for number, event in enumerate(reports.events):
                log.add(draft_of(event, reports.id, self._grant, self._head.space), hlc + number)
        except Exception as error:  # noqa: BLE001 - this sender's alone; the others' batches go on
            log.undo_to(mark)
            _fail(waiting, error)
            return
        decided[reports.id] = waiting

    def _known(self, batch: bytes) -> bytes | None:
        return next((found for log in self._logs if (found := self._store.outcome(log, batch)) is not None), None)

    def _commit(self, log: OwnLog, decided: list[_Waiting]) -> None:
        batch = log.commit()
        for each in decided:
            count = len(each.reports.events)
            each.receipt = encode_json(
                _receipt(batch.sealed[each.first : each.first + count], batch.head, self._grant)
            )
        self._store.append(batch, [Outcome(each.reports.id, each.receipt) for each in decided])
        log.committed(batch)
        self._head = batch.head
        self.commits += 1
        for each in decided:
            each.answer.set_result(each.receipt)
        self.committed.set()

    def _opened(self) -> OwnLog:
        """The log where the store has it: after a commit of which nobody knows what became of it, too."""
        if self._log is None:
            heads = [each for each in self._store.heads(self._head.space) if each.log == self._head.log]
            if len(heads) != 1 or heads[0].size < self._head.size:
                raise LogMoved(log=self._head.log.hex()[:16])
            self._head = heads[0]
            self._log = OwnLog(heads[0], self._key)
        return self._log


def draft_of(event: Event, batch: bytes, grant: bytes, space: bytes) -> Draft:
    """An entry of the intake log before it is sealed. Raises ValueError for one that nobody could read."""
    shared = Shared(event.tag, grant, batch, b"", space[:16], (), msgspec.Raw(encode_json(event)))
    return Draft(content.encode(shared), None)


def entries_of(receipt: Receipt, batch: bytes, events: Sequence[Event]) -> Iterator[Entry]:
    """The entries that a receipt promises: their ids are the event_ids, their bytes the leaves to prove.

    `batch`: the id that they stand under, `reports.batch_of` the one that was sent.
    """
    prev = receipt.prev
    for number, event in enumerate(events):
        shared = draft_of(event, batch, receipt.by, receipt.space).shared
        links = Links((), (refer(shared),))
        made = compose(receipt.log, receipt.first + number, receipt.hlc + number, prev, links)
        prev = made.id
        yield made


def _receipt(sealed: Sequence[Sealed], head: Head, grant: bytes) -> Receipt:
    first, last = sealed[0].entry, sealed[-1].entry
    return Receipt(
        head.space, head.log, grant, first.seq, len(sealed), first.hlc, first.prev, last.id, head.size
    )  # fmt: skip


def _fail(waiting: _Waiting, error: BaseException) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)


def _pass_on(first: Future[bytes], second: Future[bytes]) -> None:
    """The same batch was sent twice at once: both hear the one outcome."""
    error = first.exception()
    if error is not None:
        second.set_exception(error)
    else:
        second.set_result(first.result())

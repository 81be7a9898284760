"""The auditor: puts audit events into the owner's own space, as far as there is room for them (SPEC D8, A2).

Causes come by the intake, which never waits. Whoever runs the auditor looks for what the store itself shows (forks),
has the tally judge what is listed, and records it by commands of the writer; an event counts as noted once that is
committed. What cannot be recorded now waits in the spool. What fails in here raises no audit event.
"""

import hashlib
import threading
from collections.abc import Callable
from typing import Any, Protocol

from scmanager.application.audit_foreign import originators
from scmanager.application.audit_intake import Intake
from scmanager.application.audit_tally import DAY_S, WINDOW_S, Beyond, Cause, Grown, Opened, Step, Tally, merged
from scmanager.application.desk import Desk
from scmanager.application.keys import Keys
from scmanager.application.personal import own_space
from scmanager.application.writer import Command, Writer
from scmanager.domain import audit_event
from scmanager.domain.audit_event import AuditDetail, Noted, Series, payload_hash, source_hash
from scmanager.domain.audit_types import KINDS, AuditType
from scmanager.domain.catalogue import AUDIT
from scmanager.eventstore.store import Store
from scmanager.spaces.shelf import Shelf

PAUSE_S = 2.0
"""Between two looks: what comes meanwhile is recorded together."""
LATER_S = 60
"""Between two writes of one waiting note that goes on."""
HOURLY_S = 3600.0
FORK_SEEN = "fork-seen"
FORKS_NAMED_MAX = 8
"""Logs that one word about forks names."""


class Spool(Protocol):
    """Where notes wait that cannot be recorded yet. No method raises."""

    def put(self, cause: Cause) -> bool:
        """Keep it, durably; False when it cannot be kept."""

    def knows(self, cause: Cause) -> bool:
        """Whether something like it waits already."""

    def waiting(self) -> list[Cause]:
        """All that waits."""

    def forget(self, cause: Cause) -> None:
        """It is recorded."""


class Auditor:
    """Of one open node. `note` from any thread; `work` from one at a time."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        writer: Writer,
        vault: Keys,
        clock_us: Callable[[], int],
        entropy: Callable[[int], bytes],
        spool: Spool,
        secret: bytes,
        version: str,
        region: str | None = None,
    ) -> None:
        """`secret`: 32 bytes of this installation, for source hashes; `region`: only as the owner said."""
        self._store, self._shelf, self._writer, self._vault = store, shelf, writer, vault
        self._clock_us, self._entropy, self._spool = clock_us, entropy, spool
        self._secret, self._version, self._region = secret, version, region
        self._wake = threading.Event()
        self._working = threading.Lock()
        self._tallies: dict[bytes, Tally] = {}
        self._put_at: dict[tuple[AuditType, str, str], int] = {}
        self._forks: set[bytes] = set()
        self.note = Intake(clock_us, entropy, self._wake.set)
        """See audit_intake.Note."""
        self.dropped = 0
        """How many causes were told nowhere, because nothing could be written."""
        shelf.listen(self._wake.set)

    def run(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Record what comes until `stop` is set, then what is left. An actor (supervisor.Run)."""
        threading.Thread(target=self._wake_after, args=(stop,), name="audit-stop", daemon=True).start()
        ready()
        while not stop.is_set():
            self._wake.clear()
            self.work()
            stop.wait(PAUSE_S)
            if not stop.is_set():  # Else nothing might ever wake it again.
                self._wake.wait(min(HOURLY_S, WINDOW_S - self._now_s() % WINDOW_S + 1))
        self.work(closing=True)

    def work(self, *, closing: bool = False) -> None:
        """Record what came since. `closing`: also the counts of windows that are not over.

        Raises what the store raises; what came is in the spool then.
        """
        with self._working:
            self._look_for_forks()
            causes, beyond = self.note.take()
            try:
                own = self._own_space()
                if own is None:
                    self._wait(causes, beyond, closing=closing)
                else:
                    self._record(own, causes, beyond, closing=closing)
            except BaseException:
                self._wait(causes, beyond, closing=True)
                raise

    def _wake_after(self, stop: threading.Event) -> None:
        stop.wait()
        self._wake.set()

    def _now_s(self) -> int:
        return max(self._clock_us(), 0) // 1_000_000

    def _own_space(self) -> bytes | None:
        """The owner's space, if this device may write there. None is ever founded for this."""
        with self._shelf.lock:
            own = own_space(self._shelf, self._store, self._vault)
        return own if own is not None and self._writer.seat_log(own) is not None else None

    def _look_for_forks(self) -> None:
        """One word for all the logs of a member in a space, and another when there are more."""
        seen: dict[tuple[bytes, str], list[bytes]] = {}
        with self._shelf.lock:
            for space in self._shelf.spaces():
                forked = space.forks()
                if not self._forks.issuperset(forked):
                    sources = originators(space, forked)
                    for log in forked:
                        seen.setdefault((space.id, sources[log]), []).append(log)
        for (space_id, source), logs in sorted(seen.items()):
            fresh = [log for log in logs if log not in self._forks]
            if not fresh:
                continue
            self._forks.update(fresh)
            named = ", ".join(log.hex() for log in fresh[:FORKS_NAMED_MAX])
            more = f" and {len(fresh) - FORKS_NAMED_MAX} more" if len(fresh) > FORKS_NAMED_MAX else ""
            text = f"log {named}{more} of space {space_id.hex()} signed two histories: scm log forks"
            once = hashlib.sha3_256(b"scm/audit-fork/1\n" + b"".join(logs)).digest()[:16]
            self.note(AuditType.INTEGRITY_FAILURE, FORK_SEEN, source, text, once)

    # Without a space of one's own

    def _wait(self, causes: list[Cause], beyond: list[Beyond], *, closing: bool) -> None:
        """The first of a kind is kept at once; that it goes on, once a minute."""
        now = self._now_s()
        for cause in causes:
            name = (cause.type, cause.code, cause.source)
            if not closing and self._spool.knows(cause) and now < self._put_at.get(name, 0) + LATER_S:
                self.note.give_back(cause)
            elif self._spool.put(cause):
                self._put_at[name] = now
            else:
                self.dropped += cause.count
        self.dropped += sum(each.count for each in beyond)

    # Into the owner's log

    def _record(self, own: bytes, causes: list[Cause], beyond: list[Beyond], *, closing: bool) -> None:
        waiting = self._spool.waiting()
        if not (waiting or causes or beyond or self._tallies):
            return
        tally = self._tally(own)
        steps: list[Step] = []
        for cause in merged(each for each in (*waiting, *causes) if not self._is_recorded(own, each)):
            source = source_hash(self._secret, cause.first_s // DAY_S, cause.source)
            opened = tally.admit(cause, source, self._entropy(16))
            if opened is not None:
                steps.append(opened)
        for more in beyond:
            tally.leave_out(more.type, more.count, more.first_s, more.last_s)
        steps += tally.closing(self._now_s(), everything=closing)
        failed = self._carry_out(own, tally, steps)
        self._put_at.clear()
        for each in waiting:
            if each.id not in failed:
                self._spool.forget(each)

    def _carry_out(self, own: bytes, tally: Tally, steps: list[Step]) -> set[bytes]:
        """The ids of the causes that could not be recorded: they are in the spool."""
        answers = [(step, self._writer.submit(self._command(own, step))) for step in steps]
        failed = [step for step, answer in answers if answer.exception() is not None]
        for step in failed:
            self._failed(tally, step)
        return {step.cause.id for step in failed if isinstance(step, Opened)}

    def _failed(self, tally: Tally, step: Step) -> None:
        """Said nowhere but in the metrics: a word about it would go the same way."""
        if isinstance(step, Opened):
            tally.give_back(step)
            self.dropped += 0 if self._spool.put(step.cause) else step.cause.count
        else:
            self.dropped += step.further if isinstance(step, Grown) else step.count

    def _is_recorded(self, own: bytes, cause: Cause) -> bool:
        return any(self._store.outcome(log, cause.id) is not None for log in self._vault.logs_of(own))

    def _tally(self, own: bytes) -> Tally:
        """Of the log that is written now, with what it holds of these days."""
        log = self._writer.seat_log(own) or b""
        if log not in self._tallies:
            since = self._now_s() - 2 * DAY_S
            with self._shelf.lock:
                known = [
                    (entity, series)
                    for entity, series in self._shelf.space(own).things(AUDIT)
                    if isinstance(series, Series) and series.log == log and series.first_s >= since
                ]
            self._tallies = {log: Tally(known)}
        return self._tallies[log]

    def _command(self, own: bytes, step: Step) -> Command:
        command = step.cause.id if isinstance(step, Opened) else self._entropy(16)
        entity = self._entropy(16) if isinstance(step, Beyond) else step.entity
        salt = self._entropy(32)

        def act(desk: Desk) -> dict[str, Any]:
            match step:
                case Opened(_, cause, source):
                    noted = self._noted(cause, source, salt)
                    detail = AuditDetail(salt, cause.text, cause.source)
                    desk.decide(AUDIT, entity, audit_event.note, desk.me, noted, detail)
                case Grown(_, total, _, last_s):
                    desk.decide(AUDIT, entity, audit_event.repeat, total, last_s)
                case Beyond(type_, count, first_s, last_s):
                    desk.decide(AUDIT, entity, audit_event.leave_unlisted, type_, count, first_s, last_s)
            return {}

        return Command(command, own, act)

    def _noted(self, cause: Cause, source: bytes, salt: bytes) -> Noted:
        return Noted(
            cause.type, cause.code, KINDS[cause.type].severity, source, payload_hash(salt, cause.text),
            self._version, cause.first_s, cause.last_s, cause.count, self._region,
        )  # fmt: skip

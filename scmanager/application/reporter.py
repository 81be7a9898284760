"""The reporter: gathers what the owner consents to send to the author, and sends it when the author's server answers.

Off without consent and without a server that was named: then nothing is gathered either. It waits on the network in
a thread of its own, for nobody. What it sends lies in the outbox word for word, before and after (SPEC A7, M8, A10).
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec

from scmanager.application import privacy
from scmanager.application.keys import Keys
from scmanager.application.personal import own_space
from scmanager.domain.audit_event import Series
from scmanager.domain.audit_types import KINDS as AUDIT_KINDS
from scmanager.domain.catalogue import AUDIT
from scmanager.domain.consent import given_in
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.event import Id32
from scmanager.errors import Misconfigured, Refused, ScManagerError, Unavailable, Untrusted
from scmanager.eventstore.entry import digest
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Store
from scmanager.master_ledger import reports, statistics_batch
from scmanager.master_ledger.error_shape import joined
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.reports import AuditReport, ErrorReport, HealthReport, Kind, ReceiptMalformed
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

DAY_S: Final = 86_400
KEPT_S: Final = 30 * DAY_S
"""What is older is not reported any more."""
HEALTH_S: Final = 300
"""Between two health reports (SPEC M8), on average."""
HEALTH_DRAWN_S: Final = 60
"""As much sooner or later each comes, drawn: who can set his clock by one could tell whose the next is."""
HOUR_S: Final = 3600
PAUSE_S: Final = 2.0
"""Between two looks: what comes meanwhile is gathered together."""
FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 3600.0
ERRORS_KEPT: Final = 64
STATES_STEP: Final = 8
"""States are filled up to a multiple of it, so that their number does not tell how many spaces there are."""
HEALTH_NAME: Final = b"newest"

Draw = Callable[[int], int]
"""A random number of 0 and above, below the one given."""
Parts = Callable[[], tuple[int, int]]
"""How many parts of the node run, and how many fail."""


class Post(Protocol):
    """What sends to the author's server."""

    def __call__(self, path: str, body: bytes, reporter: SigningKey, /) -> bytes:
        """The answer. Raises Unavailable to be tried later, Refused for good."""

    def keys(self) -> TrustedKeys:
        """The author's keys, as the server showed them last. Raises Unavailable, Untrusted, Misconfigured."""


class Outgoing(Protocol):
    """A batch on its way."""

    @property
    def id(self) -> bytes:
        """16 bytes."""

    @property
    def body(self) -> bytes:
        """JSON, word for word."""

    @property
    def count(self) -> int:
        """Of its reports."""

    @property
    def newest_s(self) -> int:
        """When the newest of them was put there, UTC seconds."""


class Outbox(Protocol):
    """Where it waits. Raises Unavailable."""

    def put(
        self, kind: str, purpose: str, consent: bytes, body: bytes, at_s: int, name: bytes | None = None,
        told: tuple[bytes, int] | None = None,
    ) -> bool:  # fmt: skip
        """Keep a report, and that so much of something is told by it; False when there is no room."""

    def named(self, kind: str, name: bytes) -> bytes | None:
        """What waits under this name, in no batch yet."""

    def batch(self, kind: str) -> Any:
        """The oldest that has no receipt, else a new one; None: nothing waits."""

    def done(self, batch: Any, answer: bytes, at_s: int) -> None:
        """It is not sent again."""

    def keep_only(self, consents: Collection[bytes], now_s: int) -> int:
        """Delete what rests on no consent that stands."""

    def told(self, name: bytes) -> int:
        """How much of something was reported."""

    def hold_up(self, why: str, at_s: int, until_s: int) -> None:
        """Why what waits was not sent, and when it is tried again; empty: it was."""

    def close(self) -> None:
        """Let go of the file."""


class Reporter:
    """Of one open node. `failed` from any thread; `work` from one at a time."""

    def __init__(
        self, store: Store, shelf: Shelf, vault: Keys, outbox: Outbox, post: Post | None, secret: bytes, version: str,
        now_s: Callable[[], int], parts: Parts, draw: Draw,
    ) -> None:  # fmt: skip
        """`post`: None where no server is named; `secret`: 32 bytes of this installation, for reporting alone."""
        self._store, self._shelf, self._vault, self._outbox, self._post = store, shelf, vault, outbox, post
        self._secret, self._version, self._now_s, self._parts, self._draw = secret, version, now_s, parts, draw
        self._errors: deque[ErrorReport] = deque(maxlen=ERRORS_KEPT)
        self._wake = threading.Event()
        self._wait_s, self._not_before, self._health_s = 0.0, 0.0, 0
        self.held_up = ""
        """The code of what keeps reports from being sent; empty: nothing does."""
        self._held_up_kept = True  # By whoever ran before.
        shelf.listen(self._wake.set)

    def failed(self, shape: ErrorReport) -> None:
        """Something of the program failed. Returns at once; forgotten unless its owner consents to report it."""
        self._errors.append(shape)
        self._wake.set()

    def run(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Gather and send until `stop` is set. An actor (supervisor.Run)."""
        threading.Thread(target=self._wake_after, args=(stop,), name="reports-stop", daemon=True).start()
        ready()
        try:
            while not stop.is_set():
                self._wake.clear()
                wait_s = self.work(stop.is_set)
                stop.wait(PAUSE_S)
                if not stop.is_set():
                    self._wake.wait(wait_s)
        finally:
            self._outbox.close()

    def work(self, stopped: Callable[[], bool] = lambda: False) -> float | None:
        """Once: what consent ended for goes, what is new is gathered, what waits is sent.

        Seconds until there is something to do; None: until something changes. Raises what outbox and shelf raise.
        """
        stands = privacy.standing(self._shelf, self._store, self._vault)
        now_s = self._now_s()
        self._outbox.keep_only(set(stands.values()), now_s)
        if self._post is None or not stands:
            self._errors.clear()
            return None
        self._gather(stands, now_s)
        rest_s = self._not_before - now_s
        return rest_s if 0 < rest_s <= LONGEST_WAIT_S else self._send_all(stands, stopped)

    def _wake_after(self, stop: threading.Event) -> None:
        stop.wait()
        self._wake.set()

    # Gathering

    def _gather(self, stands: Mapping[Purpose, Id32], now_s: int) -> None:
        if Purpose.AUDIT_REPORTS in stands:
            for name, count, report in self._noted(now_s):
                self._put(reports.AUDIT, stands, report, now_s, told=(name, count))
        self._gather_errors(stands, now_s)
        if Purpose.HEALTH in stands and not now_s < self._health_s <= now_s + 2 * HEALTH_S:
            self._health_s = now_s + HEALTH_S - HEALTH_DRAWN_S + self._draw(2 * HEALTH_DRAWN_S + 1)
            self._put(reports.HEALTH, stands, self._health(now_s), now_s, HEALTH_NAME)

    def _noted(self, now_s: int) -> Iterator[tuple[bytes, int, AuditReport]]:
        """What this device noted since its owner consents, as far as it was not reported: entity, how much in all."""
        with self._shelf.lock:
            own = own_space(self._shelf, self._store, self._vault)
            space = self._shelf.space(own) if own is not None else None
            found = list(self._series(space, now_s)) if space else []
        for entity, one in found:
            further = one.count - self._outbox.told(entity)
            if further > 0:
                yield entity, one.count, AuditReport(
                    one.type, one.first_s, one.source or bytes(32), one.payload or bytes(32), one.region,
                    one.version or self._version, further,
                )  # fmt: skip

    def _series(self, space: Space, now_s: int) -> Iterator[tuple[bytes, Series]]:
        mine = frozenset(self._vault.logs_of(space.id))
        entries = given_in(privacy.consents_in(space), Purpose.AUDIT_REPORTS)
        since_s = max((held.entry.hlc // 10**6 for each in entries if (held := space.opened(each))), default=now_s)
        for entity, one in space.things(AUDIT):
            if not isinstance(one, Series) or one.log not in mine or AUDIT_KINDS[one.type].consent:
                continue
            if since_s <= one.first_s and now_s < one.last_s + KEPT_S:
                yield entity, one

    def _gather_errors(self, stands: Mapping[Purpose, Id32], now_s: int) -> None:
        while self._errors:
            shape = self._errors.popleft()
            if Purpose.ERROR_REPORTS in stands:
                name = shape.fingerprint + shape.version.encode()
                held = self._outbox.named(reports.ERRORS.name, name)
                more = joined(msgspec.json.decode(held, type=ErrorReport), shape) if held else shape
                self._put(reports.ERRORS, stands, more, now_s, name)

    def _health(self, now_s: int) -> HealthReport:
        with self._shelf.lock:
            spaces = [each for each in self._shelf.spaces() if self._vault.logs_of(each.id) and each.kind != "author"]
            frontiers = [each.frontier() for each in spaces[: reports.STATES_MAX]]
        salt, missing = reports.health_salt(self._secret, now_s), -len(frontiers) % STATES_STEP
        fill = [digest("scm/no-state/1", salt, bytes([number])) for number in range(missing)]
        states = sorted(reports.blinded_state(salt, each) for each in (*frontiers, *fill))
        running, failing = self._parts()
        hour_s = now_s // HOUR_S * HOUR_S
        return HealthReport(hour_s, self._version, tuple(states[: reports.STATES_MAX]), running, failing)

    def _put(
        self, kind: Kind[Any], stands: Mapping[Purpose, Id32], report: Any, now_s: int, name: bytes | None = None,
        told: tuple[bytes, int] | None = None,
    ) -> None:  # fmt: skip
        body, consent = msgspec.json.encode(report), stands[kind.purpose]
        self._outbox.put(kind.name, kind.purpose.value, consent, body, now_s, name, told)

    # Sending

    def _send_all(self, stands: Mapping[Purpose, Id32], stopped: Callable[[], bool]) -> float:
        amiss: ScManagerError | None = None
        for kind in (*reports.KINDS, statistics_batch.KIND):
            while not stopped() and self._keep(kind, stands) and (batch := self._outbox.batch(kind.name)) is not None:
                wrong = self._send(kind, batch)
                if wrong is None:
                    continue
                amiss = wrong
                if not isinstance(wrong, ReceiptMalformed):
                    return self._later(wrong)
                break  # This batch's alone: those of other kinds need not wait for it.
        if amiss is not None:
            return self._later(amiss)
        if self._held_up_kept:
            self._outbox.hold_up("", 0, 0)
        self._wait_s, self.held_up, self._held_up_kept = 0.0, "", False
        return float(max(1, self._health_s - self._now_s()) if Purpose.HEALTH in stands else HEALTH_S)

    def _keep(self, kind: Kind[Any], stands: Mapping[Purpose, Id32]) -> bool:
        """Whether consent stands still: if it ended while a batch was on its way, the others go at once."""
        now = privacy.standing(self._shelf, self._store, self._vault)
        if now != stands:
            self._outbox.keep_only(set(now.values()), self._now_s())
        return kind.purpose in now

    def _send(self, kind: Kind[Any], batch: Outgoing) -> ScManagerError | None:
        """None: it is done; else why it is tried again later."""
        assert self._post is not None
        try:
            key = self._key(kind, batch.newest_s // DAY_S)
            path = kind.path.format(node_id=reports.node_id_of(key.public).hex())
            answer = self._post(path, batch.body, key)
            if kind is statistics_batch.KIND:
                statistics_batch.parse_kept(batch.id, answer)
            else:
                reports.check_listed(reports.parse_receipt(batch.count, answer), self._post.keys())
        except Refused as error:
            answer = msgspec.json.encode({"code": error.code, "message": str(error)})
        except (Unavailable, Untrusted, Misconfigured) as error:
            return error
        self._outbox.done(batch, answer, self._now_s())
        return None

    def _key(self, kind: Kind[Any], day: int) -> SigningKey:
        """Of the batch's day, whenever it is sent: one that has to be sent again never stands under two keys."""
        stands = privacy.grounds(self._shelf, self._store, self._vault, kind.purpose)
        return reports.reporter_key(self._secret, kind.purpose, stands, day)

    def _later(self, error: ScManagerError) -> float:
        """Whatever wakes it meanwhile, it does not try before so many seconds."""
        self._wait_s = min(max(2 * self._wait_s, FIRST_WAIT_S), LONGEST_WAIT_S)
        now_s = self._now_s()
        self._not_before = now_s + self._wait_s
        self.held_up, self._held_up_kept = error.code, True
        self._outbox.hold_up(f"{error} {error.hint}", now_s, int(self._not_before))
        return self._wait_s

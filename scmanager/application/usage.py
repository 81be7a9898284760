"""Use of this node, as far as its owner consented to statistics: sessions, features, commands (SPEC A5, A2).

Whoever serves a request leaves a word in passing: without consent that is one look at a flag. With it, what came is
taken up by an actor: as audit events in the owner's own space, and, on the day that was drawn, as records to be sent.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

import msgspec

from scmanager.application.answer_times import AnswerTimes
from scmanager.application.audit_intake import Note
from scmanager.application.companion import TELLABLE, Heard
from scmanager.domain.audit_types import AuditType
from scmanager.domain.statistics import (
    DAY_S,
    FEATURES,
    Action,
    Category,
    MetaKey,
    MetaValue,
    Record,
    coarse_day_s,
    coarse_duration_ms,
    org_hash,
    user_hash,
)

IDLE_S: Final = 1_800
"""After so long without a request a session is over."""
WAITING_MAX: Final = 1_000
PAUSE_S: Final = 2.0
DAY_RECORDS_MAX: Final = 200
"""What one installation tells of a day at most: more adds nothing to any sum."""
ONCE_A_DAY: Final = frozenset({Category.FEATURE_USED, Category.PERFORMANCE_METRIC, *TELLABLE})
"""Of FEATURE_USED and what companions tell, once for each feature."""
SOURCE: Final = "api"
NOTHING: Final[Mapping[MetaKey, MetaValue | None]] = MappingProxyType({})


class Step(msgspec.Struct, frozen=True):
    """Something that was asked for."""

    at_s: int
    action: Action
    category: Category | None = None
    """Of a command that is the cause of one."""
    command: bool = False
    space: bytes = b""
    interface: MetaValue = MetaValue.GRAPHQL
    """What it came by: what a companion tells itself is no request."""


class Session(msgspec.Struct):
    """From the first request to the last before a pause."""

    id: bytes
    since_s: int
    last_s: int


class Salts(Protocol):
    """`adapters.participation`."""

    def salt(self, today: int) -> bytes | None:
        """Today's salt if this installation tells of today."""

    def forget(self, today: int) -> None:
        """Overwrite the salt of a day that is over."""

    def give_up(self, today: int) -> None:
        """Overwrite the salt, whatever its day."""


Owner = Callable[[], bytes | None]
"""The id of the owner's personal space; None where there is none."""
Keep = Callable[[Record], None]
"""Puts a record where it waits to be sent. Raises what keeps it from being kept."""


class Usage:
    """Of one node. `used` and `happened` from any thread; the rest from one at a time."""

    def __init__(
        self, note: Note, now_s: Callable[[], int], consented: Callable[[], bool], owner: Owner, keep: Keep,
        salts: Salts, entropy: Callable[[int], bytes], version: str, region: str | None,
        platform: MetaValue | None = None,
    ) -> None:  # fmt: skip
        self.on = False
        """Whether its owner consents; read before anything else is done."""
        self._note, self._now_s, self._consented, self._owner, self._keep = note, now_s, consented, owner, keep
        self._salts, self._entropy, self._version, self._region = salts, entropy, version, region
        self._platform = platform
        self._heard, self._answers = Heard(), AnswerTimes()
        self._steps: deque[Step] = deque(maxlen=WAITING_MAX)
        self._failures: deque[int] = deque(maxlen=WAITING_MAX)
        self._wake = threading.Event()
        self._session: Session | None = None
        self._started_s = 0
        self._crashed = False
        self._told: tuple[int, set[tuple[Category, Action]], int] = (0, set(), 0)

    def used(
        self, action: Action, *, command: bool = False, category: Category | None = None, space: bytes = b"",
        interface: MetaValue = MetaValue.GRAPHQL,
    ) -> None:  # fmt: skip
        """A request was answered, or a command carried out. Never waits, never fails."""
        if self.on:
            self._steps.append(Step(self._now_s(), action, category, command, space, interface))
            self._wake.set()

    def told(self, category: Category, action: Action) -> None:
        """A companion tells of a step of its own (companion.TELLABLE). From one thread; never waits, never fails."""
        if self.on and self._heard.counts(now_s := self._now_s(), category, action):
            self._steps.append(Step(now_s, action, category, interface=MetaValue.COMPANION))
            self._wake.set()

    def answered(self, took_s: float) -> None:
        """A request was answered within so many seconds. Never waits, never fails."""
        if self.on:
            self._answers.add(took_s)

    def failed(self) -> None:
        """A part of the node failed."""
        if self.on:
            self._failures.append(self._now_s())
            self._wake.set()

    def crashed(self) -> None:
        """The run before this one ended without stopping. Call it before `run`."""
        self._crashed = True

    def look(self) -> None:
        """Consent may have changed: from any thread."""
        self._wake.set()

    def run(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Take up what comes until `stop` is set. An actor (supervisor.Run)."""
        threading.Thread(target=self._wake_after, args=(stop,), name="statistics-stop", daemon=True).start()
        ready()
        while not stop.is_set():
            self._wake.clear()
            self.work()
            stop.wait(PAUSE_S)
            if not stop.is_set():
                self._wake.wait(self._rest_s())
        self.work()
        self.close()

    def work(self) -> None:
        """What came since. Raises what keeps it from being kept; then it is lost, and nothing else."""
        before, self.on = self.on, self._consented()
        crashed, self._crashed = self._crashed, False
        now_s = self._now_s()
        if not self.on:
            self._steps.clear()
            self._failures.clear()
            self._heard.forget()
            self._answers.clear()
            self._session, self._started_s = None, 0
            self._salts.give_up(_day(now_s))
            return
        if not before:
            self._started_s = now_s
            self._tell(now_s, Category.APP_STARTED, more={MetaKey.PLATFORM: self._platform})
        if crashed:
            self._tell(now_s, Category.CRASH_REPORTED)
        while (
            self._steps or self._failures
        ):  # In the order of time: what is of a day that is over is told of no more.
            if self._failures and (not self._steps or self._failures[0] < self._steps[0].at_s):
                failed_s = self._failures.popleft()
                self._end_if_over(failed_s)
                self._tell(failed_s, Category.ERROR_OCCURRED)
            else:
                self._take(self._steps.popleft())
        self._end_if_over(now_s)
        self._salts.forget(_day(now_s))

    def close(self) -> None:
        """The node stops."""
        if self.on:
            self._end()
            now_s = self._now_s()
            self._tell(now_s, Category.APP_STOPPED, lasted_s=now_s - self._started_s)
            self.on = False

    def _take(self, step: Step) -> None:
        self._end_if_over(step.at_s)
        if self._session is None:
            self._session = Session(self._entropy(16), step.at_s, step.at_s)
            self._note(AuditType.SESSION_STARTED, "session-started", SOURCE)
            self._tell(step.at_s, Category.SESSION_STARTED)
        self._session.last_s = max(self._session.last_s, step.at_s)
        came = {MetaKey.INTERFACE: step.interface}
        if step.interface is MetaValue.COMPANION and step.category is not None:
            self._tell(step.at_s, step.category, step.action, more=came)
            return
        self._note(AuditType.ACTION_PERFORMED if step.command else AuditType.FEATURE_USED, step.action.value, SOURCE)
        if step.action in FEATURES:
            self._tell(step.at_s, Category.FEATURE_USED, step.action, space=step.space, more=came)
        if step.category is not None:
            self._tell(step.at_s, step.category, space=step.space, more=came)

    def _end_if_over(self, at_s: int) -> None:
        if self._session and (at_s - self._session.last_s >= IDLE_S or _day(at_s) != _day(self._session.last_s)):
            self._end()

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._note(AuditType.SESSION_ENDED, "session-ended", SOURCE)
            if middle := self._answers.middle():
                told = {MetaKey.ANSWERS: middle}
                self._tell(session.last_s, Category.PERFORMANCE_METRIC, session=session, more=told)
            self._answers.clear()
            self._tell(
                session.last_s, Category.SESSION_ENDED, lasted_s=session.last_s - session.since_s, session=session
            )

    def _tell(
        self, at_s: int, category: Category, action: Action = Action.NOTHING_CLOSER, *, space: bytes = b"",
        lasted_s: int | None = None, session: Session | None = None,
        more: Mapping[MetaKey, MetaValue | None] = NOTHING,
    ) -> None:  # fmt: skip
        """A record, if it is of the day that is told of, and not too many."""
        salt, owner = self._salts.salt(_day(at_s)), self._owner()
        if salt is None or owner is None or not self._is_new(_day(at_s), category, action):
            return
        held = session or self._session
        self._keep(
            Record(
                user_hash(salt, owner[:16]), category, action, coarse_day_s(at_s),
                held.id if held else self._entropy(16), self._version, org_hash(salt, space) if space else None,
                self._region, None if lasted_s is None else coarse_duration_ms(lasted_s * 1000),
                {key: value for key, value in more.items() if value is not None},
            )
        )  # fmt: skip

    def _is_new(self, day: int, category: Category, action: Action) -> bool:
        """What adds something only once a day is told once, and of everything together no more than counts."""
        if self._told[0] != day:
            self._told = (day, set(), 0)
        _, once, count = self._told
        if count >= DAY_RECORDS_MAX or (category in ONCE_A_DAY and (category, action) in once):
            return False
        once.add((category, action))
        self._told = (day, once, count + 1)
        return True

    def _rest_s(self) -> float | None:
        """Until a session or the day may be over; None: until something comes."""
        if not self.on:
            return None
        return IDLE_S / 4 if self._session else DAY_S - self._now_s() % DAY_S

    def _wake_after(self, stop: threading.Event) -> None:
        stop.wait()
        self._wake.set()


def _day(at_s: int) -> int:
    return at_s // DAY_S

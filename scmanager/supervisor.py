"""Actors: the parts of a running node that live side by side. Each fails, restarts and is watched on its own (M10).

An actor is a function that runs until its stop event is set. When it raises, it is started again after a pause that
doubles up to half a minute and shrinks back once it has run well. The registry is what `/health` shows.
"""

import contextlib
import enum
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
WELL_AFTER_S = 60.0
STOP_TIMEOUT_S = 15.0
_OVER = b"\0"
"""No signal has this number."""

Run = Callable[[threading.Event, Callable[[], None]], None]
"""run(stop, ready): call `ready()` once it serves; return when `stop` is set."""

Failed = Callable[[str, BaseException], None]
"""failed(actor's name, what it raised). Must return at once and not raise."""


class Health(enum.StrEnum):
    """How an actor is."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class Report(msgspec.Struct, frozen=True):
    """One line of the registry."""

    name: str
    health: Health
    restarts: int
    since_s: float
    """UTC seconds since when it is so."""
    error: str
    """What stopped it last; empty if nothing did. Codes and class names, never data."""


class Actor:
    """One supervised part, in a thread of its own."""

    def __init__(self, name: str, run: Run, failed: Failed = lambda _, __: None) -> None:
        self.name = name
        self._run, self._failed = run, failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._changed = threading.Condition()
        self._report = Report(name, Health.STARTING, 0, time.time(), "")
        self.failure: BaseException | None = None
        """What stopped it last, for whoever waits for its start."""

    @property
    def report(self) -> Report:
        """How it is now."""
        return self._report

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Set the stop event; `join` waits."""
        self._stop.set()

    def join(self) -> bool:
        """Wait for its end, bounded; False if it did not come."""
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT_S)
        return not self._thread.is_alive()

    def wait_until(self, health: Health, timeout_s: float) -> bool:
        """Wait until it is so; False when the time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: self._report.health is health, timeout_s)

    def _live(self) -> None:
        pause = FIRST_PAUSE_S
        restarts = 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._run(self._stop, lambda: self._tell(Health.RUNNING, restarts))  # noqa: B023 - called meanwhile
                error = "" if self._stop.is_set() else "ended by itself"
            except BaseException as raised:  # noqa: BLE001 - an actor's failure is its own, a SystemExit of a library too
                self.failure = raised
                error = _described(raised)
                if not self._stop.is_set():
                    self._failed(self.name, raised)
            if self._stop.is_set():
                break
            if time.monotonic() - began > WELL_AFTER_S:
                pause = FIRST_PAUSE_S
            restarts += 1
            self._tell(Health.RESTARTING, restarts, error)
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        self._tell(Health.STOPPED, restarts)

    def _tell(self, health: Health, restarts: int, error: str | None = None) -> None:
        with self._changed:
            kept = self._report.error if error is None else error
            self._report = Report(self.name, health, restarts, time.time(), kept)
            self._changed.notify_all()


class Supervisor:
    """The registry of actors. Started in order, stopped in the opposite one."""

    def __init__(self, failed: Failed = lambda _, __: None) -> None:
        self._actors: list[Actor] = []
        self._failed = failed

    def start(self, name: str, run: Run) -> Actor:
        """Register and start an actor."""
        actor = Actor(name, run, self._failed)
        self._actors.append(actor)
        actor.start()
        return actor

    def reports(self) -> list[Report]:
        """A line for each actor."""
        return [actor.report for actor in self._actors]

    def stop(self) -> list[str]:
        """Stop all, the youngest first; the names of those that did not end in time."""
        late = []
        for actor in reversed(self._actors):
            actor.ask_to_stop()
            if not actor.join():
                late.append(actor.name)
        self._actors.clear()
        return late


def _described(error: BaseException) -> str:
    code = getattr(error, "code", "")
    return f"{type(error).__name__} ({code})" if code else type(error).__name__


@contextlib.contextmanager
def told_by_signals(asked: threading.Event) -> Iterator[None]:
    """While it lasts, `asked` is set when somebody wants this process to end. In the main thread only.

    No handler sets it: one that runs while the main thread begins to wait for `asked` would need the lock it holds,
    and one whose signal came a moment earlier would run after the wait only. The interpreter writes each signal's
    number to a socket at once, and a thread of its own reads it.
    """
    names = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        names.append(signal.SIGBREAK)
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # Nohup means: go on.
        names.append(signal.SIGHUP)
    told, tell = socket.socketpair()
    tell.setblocking(False)

    def listen() -> None:
        while (number := told.recv(1)) not in (b"", _OVER):
            if number[0] in names:
                asked.set()

    listening = threading.Thread(target=listen, name="signals", daemon=True)
    listening.start()
    woken = signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
    before = {name: signal.signal(name, lambda _number, _frame: None) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
        signal.set_wakeup_fd(woken)
        tell.send(_OVER)
        listening.join()
        told.close()
        tell.close()

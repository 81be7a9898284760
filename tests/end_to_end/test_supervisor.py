"""Actors fail and restart on their own."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from scmanager.supervisor import Health, Supervisor
from tests.support.forked import unmeasured

Ready = Callable[[], None]


def well(stop: threading.Event, ready: Ready) -> None:
    ready()
    stop.wait()


def test_an_actor_runs_until_it_is_stopped() -> None:
    supervisor = Supervisor()
    actor = supervisor.start("well", well)
    assert actor.wait_until(Health.RUNNING, 5)
    assert supervisor.stop() == []
    assert actor.report.health is Health.STOPPED
    assert supervisor.reports() == []


def test_an_actor_that_fails_is_started_again_and_says_why() -> None:
    tries: list[float] = []

    def fails_twice(stop: threading.Event, ready: Ready) -> None:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise ConnectionError("secret words")
        well(stop, ready)

    supervisor = Supervisor()
    other = supervisor.start("other", well)
    actor = supervisor.start("shaky", fails_twice)
    assert actor.wait_until(Health.RUNNING, 10)
    assert actor.report.restarts == 2
    assert actor.report.error == "ConnectionError"
    assert tries[2] - tries[1] > tries[1] - tries[0]
    assert other.report.restarts == 0
    assert [report.name for report in supervisor.reports()] == ["other", "shaky"]
    supervisor.stop()


def test_an_actor_that_just_ends_is_started_again() -> None:
    runs = threading.Semaphore(0)

    def ends(stop: threading.Event, ready: Ready) -> None:
        runs.release()

    supervisor = Supervisor()
    actor = supervisor.start("short", ends)
    assert all(runs.acquire(timeout=5) for _ in range(2))
    assert actor.wait_until(Health.RESTARTING, 5)
    assert actor.report.error == "ended by itself"
    supervisor.stop()


def test_stopping_does_not_wait_for_a_pause() -> None:
    def fails(stop: threading.Event, ready: Ready) -> None:
        raise OSError

    supervisor = Supervisor()
    actor = supervisor.start("down", fails)
    assert actor.wait_until(Health.RESTARTING, 5)
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 5


MANY_SIGNALS = """
import os, signal, threading
from scmanager.supervisor import told_by_signals

def ask(go):
    for _ in range(4000):
        go.acquire()
        os.kill(os.getpid(), signal.SIGTERM)

go = threading.Semaphore(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Thread(target=ask, args=(go,), daemon=True).start()
for _ in range(4000):
    asked = threading.Event()
    with told_by_signals(asked):
        go.release()
        asked.wait()
print("all heard")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends a process there")
def test_a_signal_at_the_moment_when_waiting_begins_does_not_hold_the_process_for_ever() -> None:
    command = [sys.executable, "-c", MANY_SIGNALS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=unmeasured())
    assert done.stdout == "all heard\n"

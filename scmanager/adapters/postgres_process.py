"""The postmaster as a process: recognise the one that works on a data folder, and end it within a bounded time.

`postmaster.pid` alone proves nothing: after a power cut or a kill its number may belong to anybody. A process is
taken for the postmaster only if the system says that it is a PostgreSQL, runs as the right user and works in that
folder; only such a process is ever sent a signal.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from scmanager.adapters.postgres_account import Account
from scmanager.adapters.postgres_binaries import Binaries

_PAUSE_S = 0.01
_CLOCK_STEP_S = 60


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a postmaster writes about itself, as far as it has come."""

    pid: int
    started: int
    port: int
    sockets: str
    address: str
    status: str
    """`starting`, `ready`, `stopping`, or empty so far."""


class Postmaster:
    """A running server: our own child, or an orphan that an earlier node left behind."""

    def __init__(self, process: psutil.Process, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self._process = process
        self._child = child
        self.pid: int = process.pid

    def running(self) -> bool:
        """Whether it still works; a process that is dead but not yet buried does not."""
        if self._child is not None:
            return self._child.poll() is None
        return _working(self._process)

    def stop(self, binaries: Binaries, *, fast_s: float, immediate_s: float) -> None:
        """Fast (sessions end, data is flushed), then immediate, then kill; returns when the process is gone.

        At most `fast_s` + `immediate_s` + a few seconds; read models survive each of the three.
        """
        for name, seconds in (("INT", fast_s), ("QUIT", immediate_s)):
            if self._gone_within(0):
                return
            self._signal(name, binaries)
            if self._gone_within(seconds):
                return
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process.kill()
        self._gone_within(5)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_S)
        return True

    def _signal(self, name: str, binaries: Binaries) -> None:
        if sys.platform == "win32":  # Signals go through a pipe that only PostgreSQL's own program knows.
            subprocess.run([binaries.program("pg_ctl"), "kill", name, str(self.pid)], check=False, timeout=10)
        else:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._process.send_signal(getattr(signal, f"SIG{name}"))


def read_pid_file(data: Path) -> PidFile | None:
    """What stands in `postmaster.pid`, or None if nothing that makes sense does."""
    try:
        descriptor = os.open(data / "postmaster.pid", os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        lines = [line.strip() for line in file.read(4096).decode("utf-8", "surrogateescape").splitlines()]
    lines += [""] * (8 - len(lines))
    try:
        return PidFile(int(lines[0]), int(lines[2] or 0), int(lines[3] or 0), lines[4], lines[5], lines[7])
    except ValueError:
        return None


def find_postmaster(data: Path, account: Account) -> Postmaster | None:
    """The process that works on this data folder, if one does."""
    written = read_pid_file(data)
    if written is None or written.pid <= 0:
        return None
    try:
        process = psutil.Process(written.pid)
        if _working(process) and _is_postmaster_of(process, data, written, account):
            return Postmaster(process)
    except psutil.Error:
        return None
    return None


def forget_stale_pid_file(data: Path) -> None:
    """Remove a `postmaster.pid` whose number by now belongs to something else.

    Call only after `find_postmaster` found none. PostgreSQL does not start while a process of the same user has that
    number, whatever it is. Where no process has it, PostgreSQL judges the file itself, and looks for children of the
    dead server as well.
    """
    written = read_pid_file(data)
    if written and written.pid > 0 and psutil.pid_exists(written.pid):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _working(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _is_postmaster_of(process: psutil.Process, data: Path, written: PidFile, account: Account) -> bool:
    if not process.name().lower().startswith("postgres"):
        return False
    if sys.platform != "win32" and process.uids().real != account.uid:
        return False
    try:
        return Path(process.cwd()).samefile(data)  # A postmaster works in its data folder.
    except (psutil.AccessDenied, OSError):
        return abs(float(process.create_time()) - written.started) < _CLOCK_STEP_S

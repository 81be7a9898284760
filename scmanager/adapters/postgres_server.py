"""The PostgreSQL that holds a node's read models: one named by its administrator, or a private one that we run.

Invariants of a private server: one node a folder (a lock); no network; every login by password (SCRAM), the password
in a 0600 file; never as root; what it holds is disposable, so a folder of another major version is made anew.

Its process outlives a node that is killed. The next start finds it and takes it over, or ends it if it does not
answer to our password or was started with other settings.
"""

import os
import sys
import time
from pathlib import Path
from typing import NoReturn

import psycopg

from scmanager.adapters.folder_lock import FolderLock
from scmanager.adapters.postgres_account import account
from scmanager.adapters.postgres_binaries import Binaries, find_binaries
from scmanager.adapters.postgres_connection import (
    SETTING,
    PostgresServer,
    ask,
    connect_to_named,
    private_dsn,
)
from scmanager.adapters.postgres_launch import (
    StartFailed,
    data_version,
    free_port,
    initialise,
    launch_by_pg_ctl,
    launch_directly,
    refuse_full_disk,
)
from scmanager.adapters.postgres_place import FolderUnusable, Place
from scmanager.adapters.postgres_process import (
    Postmaster,
    find_postmaster,
    forget_stale_pid_file,
    read_pid_file,
)
from scmanager.adapters.postgres_settings import PORT, cluster_name, settings

_PASSING = (
    # Children of a postmaster that was killed need a moment to notice; then their memory is free.
    "shared memory block",
    # Somebody took the free port between our look and the server's.
    "could not create any TCP/IP sockets",
)
_FAST_S = 10.0
_IMMEDIATE_S = 5.0


class PrivateServer(PostgresServer):
    """A server of our own in a folder of our own. Holds the folder's lock until `stop`."""

    def __init__(self, place: Place, binaries: Binaries, timeout_s: float) -> None:
        super().__init__("", 0)
        self._place = place
        self._binaries = binaries
        self._timeout_s = timeout_s
        self._lock = FolderLock(place.lock)
        self._postmaster: Postmaster | None = None
        self.adopted = False
        """Whether the server was running already, left behind by a node that was killed."""

    @property
    def pid(self) -> int | None:
        """The postmaster's process, while there is one."""
        return self._postmaster.pid if self._postmaster else None

    @property
    def data_folder(self) -> Path:
        """Where PostgreSQL keeps everything it knows; as root seldom below the node's folder."""
        return self._place.data

    def alive(self) -> bool:
        """Whether its process is there and takes connections."""
        return self.running() and super().alive()

    def running(self) -> bool:
        """Whether its process is there. Costs the server nothing, where `alive` makes it start a session."""
        return self._postmaster is not None and self._postmaster.running()

    def stop(self) -> None:
        """End the process (fast, then immediate, then kill: at most about 20 s) and give the folder back."""
        self._end()
        self._place.release()
        self._lock.release()

    def restart(self) -> None:
        """End it and start it anew, also after it crashed; the folder stays ours. Raises as `start` does."""
        self._end()
        self.bring_up()

    def bring_up(self) -> None:
        """Take the folder, then adopt the server that runs on it or start one."""
        if not self._lock.held:
            self._lock.acquire()
        try:
            self._bring_up()
        except OSError as error:
            self.stop()
            raise FolderUnusable(folder=str(self._place.folder), reason=error.strerror or str(error)) from error
        except BaseException:
            self.stop()
            raise

    def _end(self) -> None:
        if self._postmaster is not None:
            self._postmaster.stop(self._binaries, fast_s=_FAST_S, immediate_s=_IMMEDIATE_S)
            self._postmaster = None
            self._place.remove_sockets()

    def _bring_up(self) -> None:
        place = self._place
        place.make()
        self._binaries = place.usable(self._binaries)
        password, password_is_new = place.password()
        orphan = find_postmaster(place.data, place.account)
        current = data_version(place.data) == str(self._binaries.major) and not password_is_new
        if orphan and current and self._adopt(orphan, password):
            return
        if orphan:
            orphan.stop(self._binaries, fast_s=_FAST_S, immediate_s=_IMMEDIATE_S)
        if not current:
            initialise(place, self._binaries, password)
        forget_stale_pid_file(place.data)
        place.forget_stale_socket()
        self._start(password)

    def _adopt(self, orphan: Postmaster, password: str) -> bool:
        """Take over a server that knows our password and runs as we would run it."""
        deadline = time.monotonic() + self._timeout_s
        while orphan.running() and time.monotonic() < deadline:
            written = read_pid_file(self._place.data)
            if written is None or written.status == "stopping":
                return False
            if written.status == "ready":
                dsn = private_dsn(written.sockets or written.address, written.port, password)
                try:
                    version, name = ask(dsn)
                except psycopg.Error:
                    return False
                self.adopted = name == cluster_name(self._binaries.major)
                if self.adopted:
                    self._postmaster, self._dsn, self.version = orphan, dsn, version
                return self.adopted
            time.sleep(0.01)
        return False

    def _start(self, password: str) -> None:
        self.adopted = False
        deadline = time.monotonic() + self._timeout_s
        while True:
            offset = self._place.log_size()
            where = self._launch()
            if self._wait_until_ready(deadline):
                break
            said = self._place.log_since(offset)
            if not any(words in said for words in _PASSING) or time.monotonic() >= deadline:
                self._fail(said)
            time.sleep(0.1)
        self._dsn = private_dsn(*where, password)
        try:
            self.version, _ = ask(self._dsn)
        except psycopg.Error:
            self._fail("", "it does not accept our password")

    def _fail(self, said: str, reason: str = "no answer in time") -> NoReturn:
        refuse_full_disk(self._place, said)
        for line in said.splitlines():
            _, found, rest = line.partition("FATAL:") if "FATAL:" in line else line.partition("PANIC:")
            reason = rest.strip() if found else reason
        raise StartFailed(reason=reason, log=str(self._place.log), tail=said)

    def _launch(self) -> tuple[str, int]:
        """Start the process; gives the host and port to connect to."""
        place = self._place
        chosen = settings(self._binaries.major)
        if sys.platform == "win32":
            where = ("127.0.0.1", free_port())
            chosen |= {"listen_addresses": where[0], "port": str(where[1]), "unix_socket_directories": ""}
            self._postmaster = launch_by_pg_ctl(place, self._binaries, chosen, self._timeout_s)
        else:
            where = (str(place.sockets()), PORT)
            chosen |= {"listen_addresses": "", "port": str(PORT), "unix_socket_directories": f'"{where[0]}"'}
            chosen |= {"unix_socket_permissions": "0700"}
            self._postmaster = launch_directly(place, self._binaries, chosen)
        return where

    def _wait_until_ready(self, deadline: float) -> bool:
        postmaster = self._postmaster
        while postmaster and postmaster.running() and time.monotonic() < deadline:
            written = read_pid_file(self._place.data)
            if written and written.pid == postmaster.pid and written.status == "ready":
                return True
            time.sleep(0.005)
        return False


def start(
    folder: Path, *, dsn: str | None = None, binaries: Binaries | None = None, timeout_s: float = 60.0
) -> PostgresServer:
    """A PostgreSQL for the node whose data is in `folder`; close it with `stop` or `with`.

    Uses the server that `dsn` or SCM_POSTGRES_DSN names. Otherwise runs a private one in `folder`: the first time
    its data folder is made (about half a second), later it starts in a fraction of that. `binaries` fixes the
    installation instead of searching for one. Blocks; call it from a thread.

    Raises DsnMalformed, DsnUnreachable, PostgresTooOld for a named server; NoPostgres, NoAccount, FolderUnusable,
    FolderInUse, InitFailed, StartFailed, DiskFull for a private one.
    """
    if named := dsn or os.environ.get(SETTING):
        return connect_to_named(named)
    chosen = binaries or find_binaries()
    place = _place(folder)
    server = PrivateServer(place, chosen, timeout_s)
    server.bring_up()
    place.remove_abandoned()
    return server


def remove(folder: Path) -> None:
    """Delete a private server's data, programs' copy and password, wherever they are; ends an orphan first.

    Everything in it is made again from the event log. Raises FolderInUse while a node works there.
    """
    place = _place(folder)
    with FolderLock(place.lock):
        try:
            place.make()
            if orphan := find_postmaster(place.data, place.account):
                orphan.stop(find_binaries(), fast_s=_FAST_S, immediate_s=_IMMEDIATE_S)
            place.remove()
        finally:
            place.release()


def _place(folder: Path) -> Place:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnusable(folder=str(folder), reason=error.strerror) from error
    return Place(folder.resolve(), account())

"""Reports in PostgreSQL survive: our process killed, and the database stopped hard, at each step of a commit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.adapters.postgres_server import PrivateServer, start
from scmanager.errors import Unavailable
from scmanager.eventstore import audit
from scmanager.eventstore.audit_postgres import PostgresSource
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.postgres_connections import CommitUnknown, StoreUnreachable
from scmanager.eventstore.postgres_install import Roles, install
from scmanager.master_ledger.reports import Receipt
from tests.end_to_end.test_intake import POSIX, left_by, nothing_is_lost, published, take
from tests.support.intake import Site
from tests.support.postgres import fresh
from tests.support.stores import PASSWORD, dsn_of

pytestmark = [POSIX, pytest.mark.slow, pytest.mark.services]
KILLED = [
    "before WITH", "during WITH", "after WITH", "before file", "after file", "before checkpoint", "after checkpoint",
]  # fmt: skip
STOPPED = ("before", "during", "after")


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[tuple[Path, str]]:
    """Servers that were killed, one a step, all of them at one database."""
    folder = tmp_path_factory.mktemp("died")
    with fresh(postgres) as database:
        install(database, PASSWORD, PASSWORD)
        dsn = dsn_of(database, Roles().writer)
        command = [sys.executable, "-m", "tests.support.intake_process", str(folder), *KILLED]
        subprocess.run(command, timeout=120, check=True, env=os.environ | {"SCM_INTAKE_DSN": dsn})
        yield folder, dsn


@pytest.mark.parametrize("step", KILLED)
def test_a_server_killed_at_any_step_loses_nothing_acknowledged_and_publishes_nothing_unstored(
    died: tuple[Path, str], step: str
) -> None:
    folder, dsn = died
    site, acknowledged = left_by(folder, KILLED.index(step), dsn)
    assert (site.folder / "ended").read_text() == "-9"
    nothing_is_lost(site, acknowledged)


class Hit:
    """The writing connection: calls `strike` once, before, during or after the next append."""

    def __init__(self, real: Any, when: str, strike: Callable[[], None]) -> None:
        self.real, self.when, self.strike, self.struck = real, when, strike, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def execute(self, sql: Any, *more: Any, **how: Any) -> Any:
        if self.struck or not (isinstance(sql, bytes) and sql.strip().startswith(b"WITH")):
            return self.real.execute(sql, *more, **how)
        self.struck = True
        if self.when != "after":
            self.strike()
        done = self.real.execute(sql, *more, **how)
        if self.when == "after":
            self.strike()
        return done


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrivateServer]:
    """One of its own: it is stopped hard."""
    made = start(tmp_path / "postgres")
    try:
        yield made
    finally:
        made.stop()


def stop_hard(server: PrivateServer, *, waits: bool) -> None:
    """As `pg_ctl stop -m immediate`: every session is cut off, nothing is written back."""
    process = psutil.Process(server.pid)
    process.send_signal(signal.SIGQUIT)
    while waits and server.running():
        time.sleep(0.005)


def test_a_database_that_is_stopped_hard_loses_nothing_acknowledged_and_the_server_goes_on_by_itself(
    server: PrivateServer, tmp_path: Path
) -> None:
    install(server.dsn, PASSWORD, PASSWORD)
    dsn = dsn_of(server.dsn, Roles().writer)
    site = Site(tmp_path / "site", dsn).make()
    acknowledged: dict[int, Receipt] = {}
    with site.taking() as taking:
        store: Any = taking._intake.store
        for turn, when in enumerate(STOPPED):
            number = 10 * turn
            acknowledged[number] = take(taking, number)
            store._writer = Hit(store._writer, when, lambda: stop_hard(server, waits=when != "during"))  # noqa: B023
            with suppress(StoreUnreachable, CommitUnknown):
                acknowledged[number + 1] = take(taking, number + 1)
                assert when != "before"
            with pytest.raises(Unavailable):
                take(taking, number + 2)
            point = published(site)
            while server.running():  # Else who starts it takes over what is about to end.
                time.sleep(0.005)
            server.restart()
            for again in (number + 1, number + 2):
                acknowledged[again] = receipt = taken_at_last(taking, again)
                assert take(taking, again) == receipt
            assert all(take(taking, each) == kept for each, kept in acknowledged.items())
            assert point is not None
            rows = store.read(taking.sequencer.head.log, 0, 0, taking.sequencer.head.size)
            assert point.root == root_of([leaf_hash(row.data) for row in rows[: point.size]])
        assert taking.sequencer.head.size == 1 + 40 * 3 * len(STOPPED), "each batch once"
    assert audit.verify(PostgresSource(dsn), deep=True).ok
    nothing_is_lost(site, [[str(each), str(one.first), one.last.hex()] for each, one in acknowledged.items()])


def taken_at_last(taking: Any, number: int) -> Receipt:
    """Sent again until it is taken, as a reporter would."""
    end = time.monotonic() + 20
    while True:
        try:
            return take(taking, number)
        except (StoreUnreachable, CommitUnknown):
            assert time.monotonic() < end
            time.sleep(0.05)

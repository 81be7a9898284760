"""The projector as an actor: woken, waited for, away and back, and what it tells subscribers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from scmanager.adapters.postgres_server import PrivateServer, remove, start
from scmanager.projections import following, generation, runner, writing
from scmanager.projections.gathering import everything
from scmanager.projections.generation import CHANNEL, LIVE
from scmanager.projections.runner import Projector, ReadModelsAway
from scmanager.spaces.reader import Readers
from tests.support.books import Books, add_ship, form_fleet, one
from tests.support.processes import wait_until

pytestmark = pytest.mark.services


@contextmanager
def running(projector: Projector) -> Iterator[threading.Event]:
    """The projector's actor in a thread, until the block ends."""
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=projector.run, args=(stop, ready.set))
    thread.start()
    try:
        yield ready
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive(), "it must end when it is told to"


def test_it_projects_when_the_shelf_tells_and_not_before(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    with running(projector) as ready:
        assert ready.wait(10)
        nova.do(form_fleet(b"F" * 16, "First"))
        assert projector.wait(nova.store.last_pos(), 10)
        assert one(database, "select title from scm_read.fleet") == ("First",)
        assert projector.status().lag == 0


def sessions(database: str) -> int:
    """Of others than the one that asks."""
    found = one(
        database,
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    )
    return int(found[0])


def test_without_anything_to_do_it_has_no_session_and_goes_on_where_it_was(
    nova: Books, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "REST_S", 0.1)
    projector = nova.projector(database)
    with running(projector) as ready:
        assert ready.wait(10)
        wait_until(lambda: sessions(database) == 0)
        monkeypatch.setattr(following, "compared", None)  # What is as it was left is not compared anew.
        nova.do(form_fleet(b"F" * 16, "First"))
        assert projector.wait(nova.store.last_pos(), 10)
        assert one(database, "select title from scm_read.fleet") == ("First",)


@pytest.mark.parametrize("meanwhile", ["gone", "written by another"])
def test_what_happened_to_the_read_models_while_it_rested_is_found(
    nova: Books, database: str, meanwhile: str
) -> None:
    projector = nova.projector(database)
    nova.do(form_fleet(b"F" * 16, "First"))
    projector.catch_up()
    projector.rest()
    if meanwhile == "gone":
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"drop schema {LIVE} cascade")
    else:
        nova.do(form_fleet(b"G" * 16, "Second"))
        other = nova.projector(database)
        other.catch_up()
        other.close()
    nova.do(form_fleet(b"H" * 16, "Third"))
    projector.catch_up()
    assert one(database, "select count(*) from scm_read.fleet") == ((2,) if meanwhile == "gone" else (3,))
    assert projector.rebuild().differing == ()
    projector.close()


def test_waiting_for_what_nobody_wrote_ends(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    assert not projector.wait(nova.store.last_pos() + 1, 0.05)
    projector.close()


def test_the_status_tells_how_far_behind_it_is(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    nova.do(form_fleet(b"F" * 16, "First"))
    status = projector.status()
    assert (status.lag, status.pos, status.generation) == (1, nova.store.last_pos() - 1, 1)
    projector.close()


def test_a_subscriber_hears_which_tables_changed_and_up_to_where(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    with psycopg.connect(database, autocommit=True) as listener:
        listener.execute(f"listen {CHANNEL}")
        nova.do(form_fleet(b"F" * 16, "First"))
        projector.catch_up()
        heard = [json.loads(each.payload) for each in listener.notifies(timeout=5, stop_after=1)]
    assert heard == [
        {"space": nova.space.hex(), "tables": ["audit", "fleet", "searchable"], "pos": nova.store.last_pos()}
    ]
    projector.close()


def test_nothing_new_writes_nothing(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    before = one(database, "select max(recorded_at) from scm_read.progress")
    projector.catch_up()
    assert one(database, "select max(recorded_at) from scm_read.progress") == before
    projector.close()


def test_the_database_may_go_away_and_come_back(nova: Books, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("away")
    server = start(folder)
    assert isinstance(server, PrivateServer)
    projector = nova.projector(server.dsn)
    try:
        with running(projector) as ready:
            assert ready.wait(10)
            server.restart()
            nova.do(form_fleet(b"F" * 16, "First"))
            assert projector.wait(nova.store.last_pos(), 30)
            assert one(server.dsn, "select count(*) from scm_read.fleet") == (1,)
    finally:
        server.stop()
        remove(folder)


def test_a_database_that_is_away_is_said_and_loses_nothing(nova: Books) -> None:
    projector = nova.projector("host=127.0.0.1 port=1 connect_timeout=1")
    with pytest.raises(ReadModelsAway):
        projector.catch_up()
    assert projector.status().pos == 0


def test_two_projectors_on_one_database_do_not_count_twice(nova: Books, database: str) -> None:
    first, second = nova.projector(database), nova.projector(database)
    first.catch_up()
    second.catch_up()
    nova.do(form_fleet(b"F" * 16, "First"))
    first.catch_up()
    nova.do(form_fleet(b"G" * 16, "Second"))
    second.catch_up()
    assert one(database, "select count(*), count(distinct pos) from scm_read.audit") == (nova.store.last_pos(),) * 2
    with psycopg.connect(database) as connection:
        assert generation.progress(connection, LIVE).digests == generation.digests(connection, LIVE)
    first.close()
    second.close()


def test_a_batch_that_was_made_for_another_position_writes_nothing(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    with psycopg.connect(database, autocommit=True) as connection:
        batch = writing.Batch(connection, LIVE, nova.store, nova.keys.held, nova.shelf.lock)
        with pytest.raises(writing.ProjectedElsewhere):
            batch.write([everything(nova.shelf.space(nova.space), Readers(nova.keys.logs_of))], before=2, pos=3)
    assert one(database, "select count(*) from scm_read.audit") == (nova.store.last_pos(),)
    projector.close()


def test_a_commit_is_whole_or_not_at_all(nova: Books, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    nova.do(add_ship(b"A" * 16))
    nova.do(form_fleet(b"F" * 16, "First"))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing.Batch, "_record", die)
        with pytest.raises(KeyboardInterrupt):
            projector.catch_up()
    assert one(database, "select count(*) from scm_read.ship") == (0,)
    projector.catch_up()
    assert one(database, "select count(*) from scm_read.ship") == (1,)
    projector.close()


def test_the_planner_is_told_when_tables_have_grown(
    nova: Books, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted() -> float:
        return float(one(database, "select reltuples from pg_class where oid = to_regclass('scm_read.audit')")[0])

    monkeypatch.setattr(generation, "GROWN_BY_ENTRIES", 3)
    projector = nova.projector(database)
    projector.catch_up()
    before = counted()
    nova.do(form_fleet(b"1" * 16, "One"))
    projector.catch_up()
    assert counted() == before, "one more entry is not much"
    for number in range(12):
        nova.do(form_fleet(bytes([number]) * 16, f"F{number}"))
    projector.catch_up()
    assert counted() == nova.store.last_pos()
    projector.close()

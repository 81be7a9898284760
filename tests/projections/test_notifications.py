"""Notifications as rows: what concerns the owner, nothing else, and the same after a rebuild."""

from typing import Any

import psycopg
import pytest

from scmanager.domain import fleet
from scmanager.domain import operation_crew as crew
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import FLEETS, FOLDS
from scmanager.domain.operation_events import Answer
from scmanager.projections.runner import Projector
from scmanager.runtime import clock_us
from scmanager.spaces.shelf import Shelf
from tests.projections.conftest import Tale
from tests.support.books import Books, dump, form_fleet, operate, plan

pytestmark = pytest.mark.services

JUMPTOWN, START = b"J" * 16, 4_000_000_000


def told(database: str) -> list[tuple[Any, ...]]:
    query = "select kind, title, said, who is null from scm_read.notification order by at, kind"
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()


def test_what_is_due_and_what_is_contested_has_rows_and_a_rebuild_makes_the_same(nova: Books, database: str) -> None:
    nova.do(plan(JUMPTOWN, "Jumptown", START, START + 7200))
    nova.do(operate(JUMPTOWN, planning.set_reminders, (900,)))
    nova.do(operate(JUMPTOWN, crew.sign_up, nova.founder, nova.founder, Answer.ACCEPTED))
    nova.do(form_fleet(b"F" * 16, "Home"))
    for title in ("One", "Two"):  # As if neither knew of the other.
        nova.do(lambda desk, title=title: desk.record(None, b"F" * 16, fleet.Renamed(title)) and None)
    projector = nova.projector(database)
    projector.catch_up()
    assert told(database) == [("contested", "Home", "name", False), ("reminder", "Jumptown", "15 min", True)]
    live = dump(database)
    assert projector.rebuild().differing == ()
    assert dump(database) == live
    nova.do(lambda desk: desk.decide(FLEETS, b"F" * 16, fleet.rename, "One"))
    projector.catch_up()
    assert [each[0] for each in told(database)] == ["reminder"]
    projector.close()


def test_who_reads_a_space_decides_what_he_is_told(tale: Tale, database: str) -> None:
    """The same entries, on the host's machine, on the guest's, and on that of nobody."""
    found: dict[str, set[str]] = {}
    store: Any = tale.history.store()
    shelf = Shelf(store, FOLDS, tale.history.key_of, clock_us)
    store.arrive(tale.history.rows)
    shelf.follow()
    for name, logs in (("host", tale.host_logs), ("guest", tale.guest_logs), ("nobody", ())):
        projector = Projector(shelf, store, tale.history.held, database, lambda _, logs=logs: logs)  # type: ignore[misc]
        projector.rebuild()
        found[name] = {each[0] for each in told(database)}
        projector.close()
    assert found["nobody"] == set()
    assert found["guest"] >= {"admitted", "removed", "operation-announced"}
    assert not found["host"] & {"admitted", "removed", "operation-announced"}

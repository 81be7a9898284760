"""Whatever the order of arrival, the batches and the crashes: the rows are those of a rebuild."""

import contextlib

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.domain.catalogue import FOLDS
from scmanager.domain.subject import nobodys
from scmanager.eventstore.entry import parse
from scmanager.eventstore.store import Row
from scmanager.projections import generation
from scmanager.projections.generation import LIVE
from scmanager.projections.runner import Projector
from scmanager.runtime import clock_us
from scmanager.spaces.shelf import Shelf
from tests.projections.conftest import Tale
from tests.support.books import Crash, Replayed, dump, one

pytestmark = pytest.mark.services


class Installation:
    """Someone who receives the tale's entries, projects them, and may crash anywhere."""

    def __init__(self, tale: Tale, database: str) -> None:
        self.tale, self.database = tale, database
        self.store: Replayed = tale.history.store()
        self._open()

    def restart(self) -> None:
        self.projector.close()
        self._open()

    def _open(self) -> None:
        self.store.fail_at = -1
        self.shelf = Shelf(self.store, FOLDS, self.tale.history.key_of, clock_us)  # type: ignore[arg-type]
        self.shelf.follow()
        own_logs = self.tale.guest_logs
        self.projector = Projector(
            self.shelf,
            self.store,
            self.tale.history.held,
            self.database,
            lambda _: own_logs,  # type: ignore[arg-type]
        )

    def receive(self, rows: list[Row]) -> None:
        self.store.arrive(rows)
        self.shelf.follow()

    def withhold_parts(self) -> None:
        """The parts of all that comes from here on stay away."""
        here = {parse(row.data).id32 for row in self.store.rows}
        self.store.withheld.update({parse(row.data).id32 for row in self.tale.history.rows} - here)

    def bring_parts(self) -> None:
        """They come after all."""
        self.store.bring_parts()
        self.shelf.follow()

    def crash_while_projecting(self, at: int) -> None:
        self.store.fail_at = at
        with contextlib.suppress(Crash):
            self.projector.catch_up()
        self.restart()


def interleaved(tale: Tale, draw: st.DrawFn) -> list[Row]:
    """The tale's rows, each log in its order, the logs in any. The founding entry comes first."""
    logs: dict[bytes, list[Row]] = {}
    for row in tale.history.rows:
        logs.setdefault(parse(row.data).log, []).append(row)
    order = [log for log, rows in logs.items() for _ in rows]
    shuffled = draw(st.permutations(order))
    return [logs[log].pop(0) for log in shuffled]


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[int, str]]:
    kinds = st.sampled_from(["project", "skip", "rest", "restart", "crash", "rebuild", "withhold", "parts"])
    return draw(st.lists(st.tuples(st.integers(1, 25), kinds), min_size=1, max_size=8))


def cleared(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        found = connection.execute("select nspname from pg_namespace where nspname like 'scm_read%'").fetchall()
        for (schema,) in found:
            connection.execute(f"drop schema {schema} cascade")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=steps(), data=st.data())
def test_any_batches_and_crashes_give_the_rows_of_a_rebuild(
    tale: Tale, database: str, plan: list[tuple[int, str]], data: st.DataObject
) -> None:
    cleared(database)
    rows = interleaved(tale, data.draw)
    here = Installation(tale, database)
    try:
        live(here, rows, plan, data)
    finally:
        here.projector.close()


def live(here: Installation, rows: list[Row], plan: list[tuple[int, str]], data: st.DataObject) -> None:
    tale, database = here.tale, here.database
    for count, kind in plan:
        if kind == "withhold":
            here.withhold_parts()
        arrived, rows = rows[:count], rows[count:]
        here.receive(arrived)
        if kind == "project":
            here.projector.catch_up()
        elif kind == "rest":
            here.projector.rest()
        elif kind == "restart":
            here.restart()
        elif kind == "crash":
            here.crash_while_projecting(data.draw(st.integers(1, 4)))
        elif kind == "rebuild":
            assert here.projector.rebuild().differing == ()
        elif kind == "parts":
            here.bring_parts()
    here.receive(rows)
    if data.draw(st.booleans(), "parts come at last"):
        here.projector.catch_up()
        here.bring_parts()
        if data.draw(st.booleans(), "the process ends before they are projected"):
            here.restart()
    assert here.projector.catch_up() == len(tale.history.rows)
    with psycopg.connect(database) as connection:
        kept = generation.progress(connection, LIVE).digests
        assert kept == generation.digests(connection, LIVE), "the digest follows every change"
    before = dump(database)
    assert here.projector.rebuild().differing == ()
    assert dump(database) == before


@pytest.mark.parametrize("backwards", [False, True], ids=["as written", "the guest's log first"])
def test_one_entry_at_a_time_gives_the_rows_of_a_rebuild(tale: Tale, database: str, backwards: bool) -> None:
    host = tale.space
    rows = sorted(tale.history.rows, key=lambda row: parse(row.data).log == host) if backwards else tale.history.rows
    here = Installation(tale, database)
    for row in rows:
        here.receive([row])
        here.projector.catch_up()
    before = dump(database)
    assert here.projector.rebuild().differing == ()
    assert dump(database) == before
    here.projector.close()


@pytest.mark.parametrize("ended", [False, True], ids=["at once", "after a restart"])
def test_parts_that_come_after_their_entries_are_shown(tale: Tale, database: str, ended: bool) -> None:
    here = Installation(tale, database)
    here.withhold_parts()
    here.receive(tale.history.rows)
    here.projector.catch_up()
    ship = "select nickname, nickname_words from scm_read.ship where id = %s"
    note = "select note, note_words from scm_read.contact where id = %s"
    assert one(database, ship, b"A" * 16) == (None, "not-here")
    assert one(database, note, nobodys(b"C" * 16))[1] in {"not-here", "none"}
    here.bring_parts()
    if ended:
        here.restart()
    here.projector.catch_up()
    assert one(database, ship, b"A" * 16) == ("Nostromo", "open")
    assert one(database, "select count(*) from scm_read.treaty where terms_words = 'not-here'") == (0,)
    before = dump(database)
    assert here.projector.rebuild().differing == ()
    assert dump(database) == before
    here.projector.close()


def test_late_foreign_events_refold_what_they_concern(tale: Tale, database: str) -> None:
    here = Installation(tale, database)
    host = tale.space
    mine = [row for row in tale.history.rows if parse(row.data).log == host]
    theirs = [row for row in tale.history.rows if parse(row.data).log != host]
    here.receive(mine)
    here.projector.catch_up()
    assert one(database, "select title from scm_read.fleet where id = %s", b"F" * 16) is None
    here.receive(theirs)
    here.projector.catch_up()
    assert one(database, "select title from scm_read.fleet where id = %s", b"F" * 16) == ("Guest's fleet",)


def test_a_removal_that_voids_old_work_updates_rows_even_after_a_crash(tale: Tale, database: str) -> None:
    """The guest's unseen work was shown; the removal comes, and the process dies before it is projected."""
    removal = next(row for row in tale.history.rows if _type(tale, row) == "grant.removed/1")
    at = tale.history.rows.index(removal)
    host_later = [row for row in tale.history.rows[at:] if parse(row.data).log == parse(removal.data).log]
    rest = [row for row in tale.history.rows if row not in host_later]
    here = Installation(tale, database)
    here.receive(rest)
    here.projector.catch_up()
    assert one(database, "select title from scm_read.fleet where id = %s", b"F" * 16) == ("Renamed unseen",)
    assert one(database, "select title from scm_read.fleet where id = %s", b"G" * 16) == ("Unseen fleet",)
    assert one(database, "select count(*) from scm_read.squadron") == (1,)
    assert one(database, "select title, settled_in from scm_read.contest") == ("First unseen", None)
    here.receive(host_later)
    here.restart()
    here.projector.catch_up()
    assert one(database, "select title from scm_read.fleet where id = %s", b"F" * 16) == ("Guest's fleet",)
    assert one(database, "select count(*) from scm_read.fleet where id = %s", b"G" * 16) == (0,)
    assert one(database, "select count(*) from scm_read.squadron") == (0,)
    assert one(database, "select count(*) from scm_read.contest") == (0,), "one of the two names is void"
    reasons = one(
        database, "select count(*), min(reason), bool_and(cause is not null) from scm_read.audit where not valid"
    )
    assert reasons == (4, "cut-by-removal", True)
    standing = one(
        database, "select standing, removed_for, rank, devices from scm_read.member where id = %s", tale.guest
    )
    assert standing == ("removed", "conduct", None, 0)


def test_entries_that_begin_to_count_while_nobody_projects_are_shown(tale: Tale, database: str) -> None:
    """The guest's log alone counts for nothing; the founding log comes, and the process dies before projecting."""
    mine = [row for row in tale.history.rows if parse(row.data).log == tale.space]
    theirs = [row for row in tale.history.rows if parse(row.data).log != tale.space]
    here = Installation(tale, database)
    here.receive(theirs)
    here.projector.catch_up()
    assert one(database, "select bool_or(valid) from scm_read.audit") == (False,)
    here.receive(mine)
    here.restart()
    here.projector.catch_up()
    assert one(database, "select count(*) from scm_read.audit where not valid") == (4,)
    before = dump(database)
    assert here.projector.rebuild().differing == ()
    assert dump(database) == before
    here.projector.close()


def _type(tale: Tale, row: Row) -> str:
    shelf = Shelf(tale.history.store(), FOLDS, tale.history.key_of, clock_us)  # type: ignore[arg-type]
    shelf.take(tale.history.rows)
    opened = shelf.space(tale.space).opened(parse(row.data).id32)
    return opened.shared.type if opened and opened.shared else ""

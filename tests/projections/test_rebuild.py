"""A rebuild beside the live read models: reads never stop, and what was wrong is right afterwards."""

import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from scmanager.adapters.space_reading import read_space
from scmanager.domain.catalogue import FOLDS
from scmanager.projections import generation, rebuild, runner
from scmanager.projections.generation import LIVE
from scmanager.projections.rebuild import RebuildUnderWay, Step
from scmanager.projections.runner import Projector
from scmanager.runtime import clock_us
from scmanager.spaces.shelf import Shelf
from tests.support.books import Books, add_ship, books, dump, form_fleet, one
from tests.support.machines import Machine, found, let_in, officer_role
from tests.support.processes import wait_until

pytestmark = pytest.mark.services


def test_readers_never_stop_and_never_see_less(nova: Books, database: str) -> None:
    for number in range(30):
        nova.do(add_ship(bytes([number]) * 16))
    projector = nova.projector(database)
    projector.catch_up()
    stop, seen, failures = threading.Event(), [], []

    def read() -> None:
        with psycopg.connect(database, autocommit=True, prepare_threshold=1) as reader:
            while not stop.is_set():
                try:
                    row = reader.execute(
                        "select count(*), max(generation) from scm_read.ship, scm_read.progress"
                    ).fetchone()
                    seen.append(row)
                except psycopg.Error as error:
                    failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(5):
        projector.rebuild()
    stop.set()
    thread.join()
    assert failures == []
    assert {count for count, _ in seen} == {30 * len(generation.NAMES)}
    assert len({number for _, number in seen}) > 1, "the reader must have seen more than one generation"
    projector.close()


def test_events_that_come_during_a_rebuild_are_in_it(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()

    def interrupt(step: Step) -> None:
        if step.phase == "index" and step.done == 1:
            nova.do(form_fleet(b"F" * 16, "Meanwhile"))

    made = projector.rebuild(interrupt)
    assert made.pos == nova.store.last_pos()
    assert made.differing == ()
    assert one(database, "select title from scm_read.fleet") == ("Meanwhile",)
    projector.close()


def test_a_rebuild_says_how_far_it_is(nova: Books, database: str) -> None:
    steps: list[Step] = []
    projector = nova.projector(database)
    projector.rebuild(steps.append)
    assert [each.phase for each in steps if each.phase != "index"] == ["fill", "compare", "switch", "done"]
    assert steps[0] == Step("fill", nova.store.last_pos(), nova.store.last_pos())
    projector.close()


def test_rows_that_were_changed_from_outside_are_found_and_put_right(nova: Books, database: str) -> None:
    nova.do(form_fleet(b"F" * 16, "First"))
    projector = nova.projector(database)
    projector.catch_up()
    before = dump(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update scm_read.fleet set title = 'Forged'")
    assert projector.rebuild().differing == ("fleets",)
    assert dump(database) == before
    projector.close()


def test_read_models_of_other_code_are_rebuilt_at_the_start(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    projector.close()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update scm_read.progress set fingerprint = 'older' where model = 'hangar'")
        connection.execute("update scm_read.organisation set title = 'made by older code'")
    again = nova.projector(database)
    again.catch_up()
    assert again.status().generation == 2
    assert one(database, "select title from scm_read.organisation") == ("Nova",)
    again.close()


def test_read_models_of_another_store_are_rebuilt_at_the_start(nova: Books, database: str) -> None:
    with books("Orion", "bob") as orion:
        other = orion.projector(database)
        other.catch_up()
        other.close()
    projector = nova.projector(database)
    projector.catch_up()
    assert one(database, "select title from scm_read.organisation") == ("Nova",)
    assert one(database, "select count(*) from scm_read.audit") == (nova.store.last_pos(),)
    projector.close()


def test_a_roll_back_returns_to_the_generation_before_and_catches_up(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    assert projector.catch_up()
    projector.rebuild()
    nova.do(form_fleet(b"F" * 16, "Later"))
    assert projector.roll_back()
    assert projector.status().generation == 1
    assert one(database, "select title from scm_read.fleet") == ("Later",)
    projector.close()


def test_only_one_earlier_generation_is_kept(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    for _ in range(3):
        projector.rebuild()
    with psycopg.connect(database) as connection:
        assert rebuild.kept_generations(connection) == [rebuild.shadow_name(3)]
        assert generation.progress(connection, LIVE).generation == 4
    projector.close()


def test_a_rebuild_that_dies_leaves_the_live_ones_and_the_next_one_works(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    before = dump(database)

    def die(step: Step) -> None:
        if step.phase == "compare":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        projector.rebuild(die)
    assert dump(database) == before
    nova.do(form_fleet(b"F" * 16, "First"))
    projector.catch_up()
    assert projector.rebuild().differing == ()
    assert one(database, "select count(*) from scm_read.fleet") == (1,)
    projector.close()


def test_entries_whose_key_is_lost_leave_the_read_models(nova: Books, database: str) -> None:
    nova.do(form_fleet(b"F" * 16, "First"))
    projector = nova.projector(database)
    projector.catch_up()
    projector.close()
    shelf = Shelf(nova.store, FOLDS, lambda _: None, clock_us)
    shelf.follow()
    keyless = Projector(shelf, nova.store, lambda _: None, database)
    keyless.catch_up()
    assert one(database, "select count(*) from scm_read.fleet") == (0,)
    assert one(database, "select count(*) from scm_read.audit") == (1,), "entry 0 is in clear"
    keyless.close()


def test_when_more_comes_than_is_there_it_is_filled_anew(
    nova: Books, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "BULK_ENTRIES", 5)
    projector = nova.projector(database)
    projector.catch_up()
    for number in range(nova.store.last_pos() + 1):
        nova.do(add_ship(bytes([number]) * 16))
    assert projector.catch_up() == nova.store.last_pos()
    assert projector.status().generation == 2
    nova.do(form_fleet(b"F" * 16, "First"))
    projector.catch_up()
    assert projector.status().generation == 2, "a little is done in place"
    projector.close()


def test_a_switch_waits_for_locks_and_gives_up_with_the_old_ones_in_place(
    nova: Books, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "_ATTEMPTS", 2)
    projector = nova.projector(database)
    projector.catch_up()
    before = dump(database)
    with psycopg.connect(database) as other:
        other.execute("alter schema scm_read rename to in_the_way")
        with pytest.raises(rebuild.SwitchBlocked):
            projector.rebuild()
        other.rollback()
    assert dump(database) == before
    assert projector.rebuild().differing == ()
    projector.close()


def refused(act: Callable[[], object]) -> bool:
    """Whether another thread is refused, as a rebuild is under way."""
    refusals: list[RebuildUnderWay] = []

    def call() -> None:
        try:
            act()
        except RebuildUnderWay as error:
            refusals.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(5)
    return bool(refusals)


def test_while_one_rebuilds_nobody_else_makes_or_drops_generations(nova: Books, database: str) -> None:
    projector, second = nova.projector(database), nova.projector(database)
    projector.catch_up()
    projector.rebuild()  # One to roll back to.
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update scm_read.progress set clean_up_due = true")
    answers: list[bool] = []

    def interrupt(step: Step) -> None:
        if step.phase == "index" and not answers:
            acts = (projector.rebuild, second.rebuild, projector.roll_back, projector.clean_up_if_due)
            answers.extend(refused(act) for act in acts)

    made = projector.rebuild(interrupt)
    assert answers == [True] * 4
    assert (made.generation, made.differing) == (3, ())
    assert projector.roll_back()
    assert projector.rebuild().differing == ()
    projector.close()
    second.close()


def test_a_projector_that_would_rebuild_waits_for_another_that_does(nova: Books, database: str) -> None:
    first, second, stop = nova.projector(database), nova.projector(database), threading.Event()
    thread = threading.Thread(target=second.run, args=(stop,))
    errors: list[str] = []

    def interrupt(step: Step) -> None:
        if step.phase == "index" and not errors:
            thread.start()
            wait_until(lambda: second.status().error)
            errors.append(second.status().error)

    assert first.rebuild(interrupt).generation == 1
    assert errors == ["read-models-rebuild-under-way"]
    assert second.wait(nova.store.last_pos(), 30)
    assert second.status().generation == 1
    stop.set()
    thread.join(30)
    first.close()


def test_keys_that_come_while_it_compares_are_no_difference(tmp_path: Path, database: str) -> None:
    """Keys are in the vault and told of in one: else a rebuild between the two reads what the live rows do not."""
    ada, bob = Machine(tmp_path, "ada"), Machine(tmp_path, "bob")
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        let_in(host, guest, space, officer_role(host, space), tmp_path)
        host.do("member.record", space, {"handle": "grace"})
        host.export_space(space, tmp_path / "closed.scm", with_keys=False)
        guest.import_space(read_space(tmp_path / "closed.scm"))
        projector = Projector(guest.shelf, guest.store, guest.vault.held, database, guest.vault.logs_of)
        projector.catch_up()
        assert one(database, "select count(*) from scm_read.member where profile_words = 'not-here'") == (1,)
        host.export_space(space, tmp_path / "open.scm")
        made, compared, told = [], threading.Event(), guest.shelf.keys_came

        def halfway(step: Step) -> None:
            if step.phase == "switch":
                compared.set()

        rebuilding = threading.Thread(target=lambda: made.append(projector.rebuild(halfway)))

        def tell_late() -> None:
            rebuilding.start()
            compared.wait(2)  # It cannot come so far while the keys are not told of.
            told()

        guest.shelf.keys_came = tell_late  # type: ignore[method-assign]
        guest.import_space(read_space(tmp_path / "open.scm"))
        rebuilding.join()
        assert [each.differing for each in made] == [()]
        projector.catch_up()
        assert one(database, "select count(*) from scm_read.member where profile_words = 'not-here'") == (0,)
        projector.close()

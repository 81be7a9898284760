"""A value that no database keeps stops its own entity and no other; what is away a while costs nobody his rows."""

import threading

import psycopg
import pytest
from msgspec.structs import replace

from scmanager.adapters.key_vault import VaultFailed
from scmanager.domain import squadron
from scmanager.domain.catalogue import SQUADRONS
from scmanager.projections import fleets, following, gathering, generation, hangar, writing
from scmanager.projections.copy_text import text
from scmanager.projections.generation import LIVE
from tests.support.books import Books, add_ship, form_squadron, name_ship, one, record
from tests.support.processes import wait_until

pytestmark = pytest.mark.services


@pytest.fixture
def unlucky(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hangar whose rows of model `bad_*` are broken in three ways."""
    good = hangar.MODEL

    def rows(look, entity):  # type: ignore[no-untyped-def]
        for table, line in good.rows(look, entity):
            if "bad_python" in line:
                raise ZeroDivisionError
            if "bad_value" in line:
                line = line.replace("ready", "re\0ady")
            if "bad_type" in line:
                line = line.replace("{}", "no array", 1)
            yield table, line

    models = tuple(replace(each, rows=rows) if each is good else each for each in gathering.MODELS)
    monkeypatch.setattr(writing, "MODELS", models)


@pytest.mark.usefixtures("unlucky")
@pytest.mark.parametrize("bad", ["bad_python", "bad_value", "bad_type"])
def test_one_poisoned_ship_does_not_stop_the_others(nova: Books, database: str, bad: str) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    for number in range(9):
        nova.do(add_ship(bytes([number + 1]) * 16, bad if number == 4 else "aegs_gladius"))
    nova.do(record("bob", b"b" * 16))
    assert projector.catch_up() == nova.store.last_pos()
    assert one(
        database, "select count(*), count(*) filter (where model like 'bad%%') from scm_read.ship where %s", True
    ) == (8, 0)
    assert one(database, "select count(*) from scm_read.member") == (2,)
    (found,) = projector.status().poison
    assert found[:3] == ("hangar", nova.space, bytes([5]) * 16)
    projector.close()


@pytest.mark.usefixtures("unlucky")
def test_poison_at_a_rebuild_is_reported_too(nova: Books, database: str) -> None:
    nova.do(add_ship(b"A" * 16, "bad_value"))
    nova.do(add_ship(b"B" * 16))
    projector = nova.projector(database)
    projector.catch_up()
    assert one(database, "select id from scm_read.ship") == (b"B" * 16,)
    assert len(projector.status().poison) == 1
    projector.close()


@pytest.mark.usefixtures("unlucky")
def test_an_entity_that_is_well_again_is_poison_no_longer(
    nova: Books, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova.do(add_ship(b"A" * 16, "bad_value"))
    projector = nova.projector(database)
    projector.catch_up()
    monkeypatch.setattr(writing, "MODELS", gathering.MODELS)
    nova.do(name_ship(b"A" * 16, "Phoenix"))
    projector.catch_up()
    assert one(database, "select nickname from scm_read.ship") == ("Phoenix",)
    assert projector.status().poison == []
    projector.close()


def test_what_is_poison_in_one_table_is_in_none(nova: Books, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = fleets.MODEL

    def rows(look, entity):  # type: ignore[no-untyped-def]
        for table, line in good.rows(look, entity):
            yield table, line.replace("\t0\n", "\tnowhere\n") if table == "squadron_ship" else line

    models = tuple(replace(each, rows=rows) if each is good else each for each in gathering.MODELS)
    monkeypatch.setattr(writing, "MODELS", models)
    projector = nova.projector(database)
    projector.catch_up()
    for number in (1, 2):
        nova.do(form_squadron(bytes([number]) * 16, f"Squadron {number}"))
    nova.do(add_ship(b"A" * 16))
    nova.do(lambda desk: desk.decide(SQUADRONS, b"\1" * 16, squadron.enlist_ship, b"A" * 16))
    projector.catch_up()
    assert one(database, "select title from scm_read.squadron") == ("Squadron 2",)
    assert len(projector.status().poison) == 1
    with psycopg.connect(database) as connection:
        assert generation.progress(connection, LIVE).digests == generation.digests(connection, LIVE)
    projector.close()


@pytest.mark.parametrize("words", ["\\", "\\N", "\t\n\r", '{"x"}', "'; drop table", "\\x00", "\u2028", "🚀"])
def test_any_words_come_back_as_they_were(nova: Books, database: str, words: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("create temp table t (words text)")
        with connection.cursor().copy("copy t from stdin") as copy:
            copy.write(text(words) + "\n")
        assert connection.execute("select words from t").fetchone() == (words,)


class Failing:
    """The hangar's rows, which cannot be made while `error` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        good = hangar.MODEL

        def rows(look, entity):  # type: ignore[no-untyped-def]
            if self.error is not None:
                raise self.error
            yield from good.rows(look, entity)

        models = tuple(replace(each, rows=rows) if each is good else each for each in gathering.MODELS)
        monkeypatch.setattr(writing, "MODELS", models)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    return Failing(monkeypatch)


def test_while_something_is_away_rows_stay_and_the_batch_is_tried_again(
    nova: Books, database: str, failing: Failing
) -> None:
    error = VaultFailed(reason="database is locked")
    nova.do(add_ship(b"A" * 16))
    projector = nova.projector(database)
    before = projector.catch_up()
    nova.do(name_ship(b"A" * 16, "Phoenix"))
    failing.error = error
    with pytest.raises(type(error)):
        projector.catch_up()
    assert one(database, "select nickname from scm_read.ship") == (None,)
    assert (projector.status().pos, projector.status().poison) == (before, [])
    failing.error = None
    assert projector.catch_up() == nova.store.last_pos()
    assert one(database, "select nickname from scm_read.ship") == ("Phoenix",)
    assert projector.rebuild().differing == ()
    projector.close()


def test_the_running_projector_says_what_is_away_and_goes_on_when_it_is_back(
    nova: Books, database: str, failing: Failing
) -> None:
    projector, stop = nova.projector(database), threading.Event()
    projector.catch_up()
    failing.error = VaultFailed(reason="database is locked")
    thread = threading.Thread(target=projector.run, args=(stop,))
    thread.start()
    nova.do(add_ship(b"A" * 16))
    wait_until(lambda: projector.status().error == "vault-failed")
    failing.error = None
    assert projector.wait(nova.store.last_pos(), 30)
    stop.set()
    thread.join(30)
    assert one(database, "select count(*) from scm_read.ship") == (1,)


def test_what_could_not_be_projected_is_tried_again_with_each_batch_in_turn(
    nova: Books, database: str, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRIED_MAX", 2)
    projector = nova.projector(database)
    projector.catch_up()
    failing.error = ZeroDivisionError()
    for number in range(5):
        nova.do(add_ship(bytes([number + 1]) * 16))
    projector.catch_up()
    assert len(projector.status().poison) == 5
    failing.error = None
    projector.catch_up()
    assert len(projector.status().poison) == 5, "without news there is no batch"
    left = []
    for number in range(3):
        nova.do(form_squadron(bytes([number + 1]) * 16, f"Squadron {number}"))
        projector.catch_up()
        left.append(len(projector.status().poison))
    assert left == [3, 1, 0]
    assert one(database, "select count(*) from scm_read.ship") == (5,)
    assert projector.rebuild().differing == ()
    projector.close()


@pytest.mark.parametrize("closed", [False, True])
def test_what_can_be_projected_now_is_no_difference_that_a_rebuild_finds(
    nova: Books, database: str, failing: Failing, closed: bool
) -> None:
    projector = nova.projector(database)
    projector.catch_up()
    failing.error = ZeroDivisionError()
    nova.do(add_ship(b"A" * 16))
    projector.catch_up()
    assert len(projector.status().poison) == 1
    failing.error = None
    if closed:
        projector.close()
    assert projector.rebuild().differing == ()
    assert projector.status().poison == []
    assert one(database, "select count(*) from scm_read.ship") == (1,)
    projector.close()

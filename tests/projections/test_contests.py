"""The read model of contests: open and settled ones, erased words, equal to a rebuild after every step."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from scmanager.application import characters, contests, erasing
from scmanager.application.desk import Desk
from scmanager.domain import character, fleet, member, organisation
from scmanager.domain.catalogue import FLEETS, MEMBERS, ORGANISATIONS
from scmanager.domain.character import CharacterSheet
from scmanager.domain.event import About, Decision
from scmanager.domain.fold import Fold
from scmanager.domain.prose import prose_of
from scmanager.projections import generation
from scmanager.projections.generation import LIVE
from tests.support.books import Books, dump, form_fleet, one, show_character

pytestmark = pytest.mark.services

FLEET, VESPER = b"F" * 16, b"v" * 16


def unseen(entity: bytes, decided: Callable[[Desk], Decision]) -> Callable[[Desk], None]:
    """Said by a device that knew of nothing else about the thing."""

    def act(desk: Desk) -> None:
        desk.record(None, entity, decided(desk))

    return act


def renamed(title: str) -> Callable[[Desk], None]:
    return unseen(FLEET, lambda _: fleet.Renamed(title))


def described(text: str) -> Callable[[Desk], None]:
    def words(desk: Desk) -> About:
        return About(organisation.Described(), prose_of(desk.organisation), organisation.Description(text))

    return lambda desk: unseen(desk.organisation, words)(desk)


def noted(text: str) -> Callable[[Desk], None]:
    """About the founder, so that his erasure takes it."""
    return lambda desk: unseen(desk.me, lambda _: About(member.Noted(), desk.me, member.Note(text)))(desk)


def shown(made: Books, database: str, query: str) -> list[dict[str, Any]]:
    """Rows, after everything was projected."""
    made.projector(database).catch_up()
    with psycopg.connect(database, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def settle(made: Books, fold: Fold, entity: bytes, field: str, place: int) -> None:
    thing = made.shelf.space(made.space).thing(fold, entity)
    assert thing is not None
    found = next(each for each in thing.contests() if each.field == field and not each.settled)
    entry = found.rivals[place - 1].entry
    made.do(lambda desk: contests.settle(desk, thing=entity, field=field, entry=entry))


@pytest.fixture
def flying(nova: Books) -> Books:
    nova.do(form_fleet(FLEET, "First"))
    return nova


VALUES = "select * from scm_read.contest_value order by contest, place"


def test_a_contest_is_shown_with_its_values_and_who_may_settle_it(flying: Books, database: str) -> None:
    assert shown(flying, database, "select * from scm_read.contest") == []
    flying.do(renamed("North"))
    (row,) = shown(flying, database, "select * from scm_read.contest")
    assert (row["thing"], row["kind"], row["title"], row["field"], row["part"]) == (
        FLEET, "fleet", "First", "name", None
    )  # fmt: skip
    assert (row["right_needed"], row["owner"], row["verb"]) == ("fleet.manage", None, "fleet.rename")
    assert (row["settled_in"], row["settled_by"], row["settled_at"], row["outcome"]) == (None, None, None, None)
    first, second = shown(flying, database, VALUES)
    assert [(each["value"], each["holds"], each["place"]) for each in (first, second)] == [
        ("First", True, 1),
        ("North", False, 2),
    ]
    assert (first["member"], second["member"]) == (flying.founder, flying.founder)
    assert row["since"] == second["at"] > first["at"]
    assert (first["words"], first["words_open"], first["noun"], first["value_id"]) == (None, "none", "", None)


def test_a_settled_contest_stays_with_the_value_that_lost(flying: Books, database: str) -> None:
    flying.do(renamed("North"))
    settle(flying, FLEETS, FLEET, "name", 2)
    (row,) = shown(flying, database, "select * from scm_read.contest")
    assert (row["outcome"], row["settled_by"], row["title"]) == ("North", flying.founder, "North")
    assert row["settled_at"] > row["since"]
    assert [(each["value"], each["holds"]) for each in shown(flying, database, VALUES)] == [
        ("First", False),
        ("North", True),
    ]


def test_words_that_stand_against_each_other_are_shown_until_they_are_erased(nova: Books, database: str) -> None:
    nova.do(noted("We mine."))
    nova.do(noted("We fly.\tFar."))
    assert [each["words"] for each in shown(nova, database, VALUES)] == ["We fly.\tFar.", "We mine."]
    settle(nova, MEMBERS, nova.founder, "note", 2)
    (row,) = shown(nova, database, "select * from scm_read.contest")
    assert row["outcome_words"] == "We mine."
    nova.do(lambda desk: erasing.erase(desk, member_id=nova.founder))
    (row,) = shown(nova, database, "select * from scm_read.contest")
    assert row["outcome_words"] is None
    assert {(each["words"], each["words_open"]) for each in shown(nova, database, VALUES)} == {(None, "erased")}


def test_what_its_player_shows_no_longer_is_not_shown_as_contested_either(nova: Books, database: str) -> None:
    nova.do(show_character(VESPER, "Vesper"))
    sheet = CharacterSheet("Vesper", origin="Pyro")
    nova.do(unseen(VESPER, lambda desk: About(character.Described(), desk.me, sheet)))
    told = [each["words"] for each in shown(nova, database, VALUES)]
    assert told == ["name: Vesper", "name: Vesper\norigin: Pyro"]
    nova.do(lambda desk: characters.withdraw(desk, character_id=VESPER))
    assert shown(nova, database, VALUES) == []


def test_after_every_step_the_rows_are_those_of_a_rebuild(flying: Books, database: str) -> None:
    projector = flying.projector(database)
    for act in (
        renamed("North"),
        renamed("South"),
        described("We mine."),
        described("We fly."),
        noted("Late."),
        noted("On time."),
        lambda desk: desk.decide(FLEETS, FLEET, fleet.rename, "South"),
        lambda desk: desk.decide(ORGANISATIONS, desk.organisation, organisation.describe, "Both."),
        lambda desk: desk.decide(MEMBERS, desk.me, member.note, "Mostly on time."),
        lambda desk: desk.decide(FLEETS, FLEET, fleet.disband),
        lambda desk: erasing.erase(desk, member_id=flying.founder),
    ):
        flying.do(act)
        projector.catch_up()
        with psycopg.connect(database) as connection:
            assert generation.progress(connection, LIVE).digests == generation.digests(connection, LIVE)
        before = dump(database)
        assert projector.rebuild().differing == ()
        assert dump(database) == before
    assert one(database, "select count(*) from scm_read.contest where settled_in is null") == (0,)
    projector.close()

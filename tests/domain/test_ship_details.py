"""What a hangar tool says of a ship: kept as words of its owner, said anew, taken back, gone with him."""

import pytest

from scmanager.domain.event import About
from scmanager.domain.hangar import ModelUnusable, ShipGone, ShipUnknown, add, detail, name, restore_words
from scmanager.domain.ship import Ship, Standing, evolve
from scmanager.domain.ship_events import (
    Added,
    AddedFor,
    Detailed,
    DetailedFor,
    Details,
    Named,
    Nickname,
    Owner,
    OwnerKind,
    RemovalReason,
    Removed,
    Shared,
    Source,
    TransferredFor,
    WordsRestored,
    WordsRestoredFor,
)
from tests.support.scenario import LEADER, Scenario, entry, told, who

ADA, GRACE = who("ada"), who("grace")
HERS, ORG = Owner(OwnerKind.MEMBER, ADA), Owner(OwnerKind.ORGANISATION, who("org"))
MARK = who("random mark")
DETAILS = Details("Aegis Vanguard", pledge_id="12345678", lti=True)

story = Scenario(Ship(), evolve)
given, when, then, then_refused, then_state = story.verbs()

ADDED = told(Added("aegis-vanguard"), by=ADA, rank=5)


def test_a_ship_comes_with_its_details_sealed_under_its_owner_s_key() -> None:
    given()
    when(add, ADA, "aegis-vanguard", Source.FILE, MARK, HERS, DETAILS, by=ADA)
    then(About(Added("aegis-vanguard", Source.FILE, MARK), ADA, DETAILS))
    then_state(details=entry(1), nickname=b"")


def test_what_is_added_for_another_keeps_how_it_came_and_its_mark() -> None:
    given()
    when(add, ADA, "aegis-vanguard", Source.FILE, MARK, ORG, DETAILS)
    then(About(AddedFor("aegis-vanguard", ORG, Source.FILE, MARK), ORG.subject, DETAILS))
    then_state(model="aegis-vanguard", owner=ORG, source=Source.FILE, mark=MARK, details=entry(1))


def test_what_is_shared_was_typed_and_has_no_mark() -> None:
    given(told(Shared("aegis-vanguard"), by=ADA))
    then_state(source=Source.TYPED, mark=None)


@pytest.mark.parametrize("model", ["", "Not a key", "x" * 200])
def test_a_model_is_a_key_of_the_catalogue(model: str) -> None:
    given()
    when(add, ADA, model, Source.TYPED, None, HERS)
    then_refused(ModelUnusable, model=model)


def test_details_are_said_anew_by_the_owner_or_by_right() -> None:
    given(ADDED)
    when(detail, ADA, DETAILS, by=ADA)
    then(About(Detailed(), ADA, DETAILS))
    then_state(details=entry(2), nickname=b"")
    when(detail, LEADER, DETAILS)
    then(About(DetailedFor(), ADA, DETAILS))
    then_state(details=entry(3))


def test_nothing_is_said_of_a_ship_that_is_not_there() -> None:
    given()
    when(detail, ADA, DETAILS)
    then_refused(ShipUnknown)
    given(ADDED, told(Removed(RemovalReason.SOLD), by=ADA))
    when(detail, ADA, DETAILS)
    then_refused(ShipGone, standing="removed")
    when(restore_words, ADA, b"", b"")
    then_refused(ShipGone, standing="removed")


def test_a_nickname_is_taken_back_by_an_empty_one() -> None:
    given(ADDED)
    when(name, ADA, "", by=ADA)
    then(About(Named(), ADA, Nickname("")))


def test_earlier_words_stand_again() -> None:
    given(ADDED, told(Named(), by=ADA), told(Detailed(), by=ADA), told(Named(), by=ADA))
    when(restore_words, ADA, entry(2), entry(1), by=ADA)
    then(WordsRestored(entry(2), entry(1)))
    then_state(nickname=entry(2), details=entry(1))
    when(restore_words, ADA, entry(2), entry(1), by=ADA)
    then()
    when(restore_words, LEADER, b"", entry(3))
    then(WordsRestoredFor(None, entry(3)))
    then_state(nickname=b"", details=entry(3))
    when(restore_words, ADA, b"", b"", by=ADA)
    then(WordsRestored())
    then_state(nickname=b"", details=b"")


def test_details_stay_as_long_as_their_owner() -> None:
    given(ADDED, TransferredFor(HERS, (entry(1),)))
    then_state(owner=HERS, details=entry(1))
    given(ADDED, TransferredFor(Owner(OwnerKind.MEMBER, GRACE), (entry(1),)))
    then_state(details=b"", standing=Standing.PRESENT)

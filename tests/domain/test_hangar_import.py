"""An import as a fact, and what taking it back makes of a ship."""

import pytest

from scmanager.domain import hangar_import, ship
from scmanager.domain.event import Envelope
from scmanager.domain.hangar_import import (
    Applied,
    Deed,
    Import,
    ImportKnown,
    ImportUnknown,
    Undone,
    UndoneFor,
    apply,
    changed_since,
    evolve,
    quiet,
    touched,
    undo,
    undo_ship,
)
from scmanager.domain.payload import TUPLE_MAX
from scmanager.domain.ship import Ship
from scmanager.domain.ship_events import (
    Added,
    Detailed,
    Named,
    Owner,
    OwnerKind,
    Readiness,
    ReadinessChanged,
    RemovalReason,
    Removed,
    Restored,
    ShipEvent,
    WordsRestored,
)
from tests.support.scenario import THING, Scenario, entry, told, who

ADA, GRACE = who("ada"), who("grace")
HERS = Owner(OwnerKind.MEMBER, ADA)
NOT_LISTED = RemovalReason.NOT_LISTED
FIRST, SECOND, UNDOING, BY_HAND = (who(name) for name in ("first", "second", "undoing", "by hand"))

story = Scenario(Import(), evolve)
given, when, then, then_refused, then_state = story.verbs()

Told = tuple[bytes, ShipEvent]


def history(*said: Told, by: bytes = ADA) -> list[tuple[Envelope, ShipEvent]]:
    """A ship's events with the commands they belong to."""
    return [
        (Envelope(entry(n), by * 2, n, n, by * 2, by, 0, THING, command=command), event)
        for n, (command, event) in enumerate(said, 1)
    ]


def state(past: list[tuple[Envelope, ShipEvent]]) -> Ship:
    one = Ship()
    for envelope, event in past:
        one = ship.evolve(one, event, envelope)
    return one


def undone(past: list[tuple[Envelope, ShipEvent]], command: bytes, *silent: bytes, by: bytes = ADA) -> list[object]:
    hushed = frozenset(Deed(ADA, each) for each in silent)
    return list(undo_ship(state(past), by, past, Deed(ADA, command), hushed))


def test_an_import_is_recorded_once() -> None:
    given()
    when(apply, Applied("hangarxplor", HERS, 3), by=ADA)
    then(Applied("hangarxplor", HERS, 3))
    then_state(tool="hangarxplor", owner=HERS, undone=False)
    when(apply, Applied("fleetyards", HERS), by=ADA)
    then_refused(ImportKnown)


def test_who_imported_takes_it_back_and_once_is_enough() -> None:
    given(told(Applied("hangarxplor", HERS), ADA))
    when(undo, ADA, by=ADA)
    then(Undone())
    then_state(undone=True)
    when(undo, ADA, by=ADA)
    then()


def test_somebody_else_needs_a_right_to_take_it_back() -> None:
    given(told(Applied("hangarxplor", HERS), ADA))
    when(undo, GRACE, by=GRACE)
    then(UndoneFor())
    then_state(undone=True)


def test_an_import_is_taken_back_by_no_more_devices_than_the_books_hold() -> None:
    past = Import(Deed(ADA, FIRST), HERS, "hangarxplor")
    for number in range(TUPLE_MAX + 1):
        command = who(f"undoing {number}")
        past = evolve(
            past, Undone(), Envelope(entry(number), ADA * 2, number, number, ADA * 2, ADA, 0, THING, (), command)
        )
    assert len(past.undoings) == TUPLE_MAX


def test_in_the_name_of_another_nothing_is_taken_back() -> None:
    given(told(Applied("hangarxplor", HERS), ADA), told(Undone(), GRACE))
    then_state(undone=False)


def test_what_was_never_imported_cannot_be_taken_back() -> None:
    given()
    when(undo, ADA)
    then_refused(ImportUnknown)
    given(told(Undone(), ADA), told(Applied("hangarxplor", HERS), ADA))
    then_state(undone=False)


def test_what_an_undone_import_and_its_undoing_did_is_quiet() -> None:
    past = Import(Deed(ADA, FIRST), HERS, "fleetyards", (Deed(GRACE, UNDOING),))
    standing = Import(Deed(ADA, SECOND), HERS, "fleetyards")
    assert quiet([past, standing]) == {Deed(ADA, FIRST), Deed(GRACE, UNDOING)}


@pytest.mark.parametrize("event", [Named(), ReadinessChanged(Readiness.LOST), Removed(RemovalReason.SOLD)])
def test_a_later_word_on_the_ship_counts_as_a_change(event: ShipEvent) -> None:
    past = history((FIRST, Added("arrow")), (BY_HAND, event))
    assert changed_since(past, Deed(ADA, FIRST), frozenset())
    assert not changed_since(past, Deed(ADA, FIRST), {Deed(ADA, BY_HAND)})


def test_what_was_said_before_the_import_is_no_change_since() -> None:
    past = history((BY_HAND, Added("arrow")), (BY_HAND, Named()), (FIRST, Named()), (FIRST, Detailed()))
    assert not changed_since(past, Deed(ADA, FIRST), frozenset())


def test_a_ship_that_another_import_brought_too_is_left_whichever_came_first() -> None:
    past = history((FIRST, Added("arrow")), (SECOND, Added("arrow")))
    for one, other in ((FIRST, SECOND), (SECOND, FIRST)):
        assert changed_since(past, Deed(ADA, one), frozenset())
        assert not changed_since(past, Deed(ADA, one), {Deed(ADA, other)})


def test_another_member_s_command_of_the_same_id_is_not_the_import() -> None:
    past = history((FIRST, Named()), by=GRACE)
    assert touched(past, Deed(GRACE, FIRST))
    assert not touched(past, Deed(ADA, FIRST))
    assert not changed_since(past, Deed(ADA, FIRST), frozenset())


def test_a_ship_that_the_import_brought_is_removed() -> None:
    past = history((FIRST, Added("arrow")), (FIRST, Named()))
    assert undone(past, FIRST) == [Removed(RemovalReason.IMPORT_UNDONE)]
    assert undone([*past, *history((UNDOING, Removed(RemovalReason.IMPORT_UNDONE)))], FIRST, UNDOING) == []


def test_words_go_back_to_those_before_the_import() -> None:
    past = history((BY_HAND, Added("arrow")), (BY_HAND, Named()), (FIRST, Named()), (FIRST, Detailed()))
    assert undone(past, FIRST) == [WordsRestored(entry(2), entry(1))]


def test_words_that_there_were_none_of_are_none_again() -> None:
    past = history((BY_HAND, Added("arrow")), (FIRST, Named()))
    assert undone(past, FIRST) == [WordsRestored(None, entry(1))]


def test_a_ship_that_the_import_removed_is_there_again_with_its_words() -> None:
    past = history((BY_HAND, Added("arrow")), (FIRST, Named()), (FIRST, Removed(NOT_LISTED)))
    assert undone(past, FIRST) == [Restored(), WordsRestored(None, entry(1))]


def test_with_it_goes_the_nickname_it_had_before() -> None:
    past = history((BY_HAND, Added("arrow")), (BY_HAND, Named()), (FIRST, Detailed()), (FIRST, Removed(NOT_LISTED)))
    assert undone(past, FIRST) == [Restored(), WordsRestored(entry(2), entry(1))]


def test_a_ship_that_was_removed_by_hand_before_stays_removed() -> None:
    past = history((BY_HAND, Added("arrow")), (BY_HAND, Removed(RemovalReason.SOLD)), (FIRST, Detailed()))
    assert undone(past, FIRST) == []


def test_what_only_an_undone_import_brought_goes_with_the_last_that_kept_it() -> None:
    past = history((FIRST, Added("arrow")), (SECOND, Named()))
    assert undone(past, SECOND, FIRST) == [Removed(RemovalReason.IMPORT_UNDONE)]
    assert undone(past, SECOND) == [WordsRestored(None, entry(1))]


def test_an_undoing_by_another_is_said_by_the_voice_that_needs_a_right() -> None:
    past = history((FIRST, Added("arrow")))
    (event,) = undone(past, FIRST, by=GRACE)
    assert hangar_import.RemovalReason.IMPORT_UNDONE is event.reason  # type: ignore[attr-defined] # a removal
    assert type(event).__name__ == "RemovedFor"

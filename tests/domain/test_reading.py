"""What was read: by the member himself, once, on all machines."""

from scmanager.domain.payload import TUPLE_MAX
from scmanager.domain.reading import READ_MAX, Inbox, NoNotificationNamed, Read, evolve, mark_read
from tests.support.scenario import LEADER, Scenario, meanwhile, told, who

ADA, ONE, TWO = who("ada"), who("one"), who("two")
story = Scenario(Inbox(), evolve, LEADER)
given, when, then, then_refused, then_state = story.verbs()


def test_what_is_read_is_said_once() -> None:
    given()
    when(mark_read, (ONE, TWO, ONE))
    then(Read((ONE, TWO)))
    then_state(read=(ONE, TWO))
    when(mark_read, (TWO,))
    then()


def test_nothing_named_is_refused() -> None:
    given()
    when(mark_read, ())
    then_refused(NoNotificationNamed)


def test_many_are_several_events() -> None:
    many = tuple(number.to_bytes(16, "big") for number in range(TUPLE_MAX + 1))
    given()
    when(mark_read, many)
    then(Read(many[:TUPLE_MAX]), Read(many[TUPLE_MAX:]))
    then_state(read=many)


def test_read_on_two_machines_at_once_both_are_read() -> None:
    given(Read((ONE,)), meanwhile(Read((TWO, ONE))))
    then_state(read=(ONE, TWO))
    given()
    one, two = story.in_either_order(Read((ONE,)), Read((TWO,)))
    assert set(one.read) == set(two.read) == {ONE, TWO}


def test_nobody_reads_for_another() -> None:
    given(told(Read((ONE,)), by=ADA))
    then_state(read=())


def test_the_oldest_are_forgotten_when_there_are_very_many() -> None:
    state = Inbox(tuple(number.to_bytes(16, "big") for number in range(READ_MAX)))
    story.state = state
    when(mark_read, (ONE,))
    assert len(story.state.read) == READ_MAX
    assert story.state.read[-1] == ONE

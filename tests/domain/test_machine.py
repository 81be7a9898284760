"""A machine: what a member calls one of his devices."""

from scmanager.domain.clash_fields import FIELDS
from scmanager.domain.event import About
from scmanager.domain.machine import Machine, MachineName, Named, evolve, machine_of, name
from scmanager.domain.words import WordsUnusable
from tests.support.scenario import Scenario, entry, meanwhile, told, who

ADA, GRACE = who("ada"), who("grace")
LAPTOP = who("laptop") * 2
story = Scenario(Machine(), evolve, machine_of(LAPTOP))
given, when, then, then_refused, then_state = story.verbs()
NAMED = told(Named(LAPTOP), by=ADA)


def test_a_device_is_named_under_its_owners_key_and_the_name_taken_away() -> None:
    given()
    when(name, ADA, LAPTOP, "Läptop 星", by=ADA)
    then(About(Named(LAPTOP), ADA, MachineName("Läptop 星")))
    then_state(owner=ADA, device=LAPTOP, name=entry(1))
    when(name, ADA, LAPTOP, "", by=ADA)
    then(About(Named(LAPTOP), ADA, MachineName("")))
    then_state(name=entry(2))


def test_a_name_that_steers_a_terminal_is_refused() -> None:
    given(NAMED)
    when(name, ADA, LAPTOP, "\x1b[2J", by=ADA)
    then_refused(WordsUnusable)
    when(name, ADA, LAPTOP, "x" * 81, by=ADA)
    then_refused(WordsUnusable)


def test_only_who_named_it_first_names_it_anew_and_only_under_its_own_id() -> None:
    given(NAMED, told(Named(LAPTOP), by=GRACE))
    then_state(owner=ADA, name=entry(1))
    given(told(Named(bytes(32)), by=ADA))
    assert story.state == Machine()


def test_named_from_two_machines_at_once_the_last_in_fold_order_stands_and_both_contend() -> None:
    given(NAMED, meanwhile(Named(LAPTOP), by=ADA))
    then_state(owner=ADA, name=entry(2))
    (field,) = FIELDS["machine"]
    assert (field.own(machine_of(LAPTOP), story.state), field.reads(story.state)) == (ADA, entry(2))

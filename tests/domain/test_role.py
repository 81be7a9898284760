"""A role: a template below its author's rank."""

import pytest

from scmanager.domain.event import Event
from scmanager.domain.governance import EVERY_RIGHT
from scmanager.domain.role import (
    Changed,
    Defined,
    RightNotYours,
    RightUnknown,
    Role,
    RoleDefinedAlready,
    RoleRankUnusable,
    RoleUnknown,
    Template,
    Withdrawn,
    change,
    define,
    evolve,
    withdraw,
)
from scmanager.domain.words import TitleUnusable
from tests.support.scenario import Scenario, entry, meanwhile, told

story = Scenario(Role(), evolve)
given, when, then, then_refused, then_state = story.verbs()

ALL = frozenset({EVERY_RIGHT})
QUARTERMASTER = Defined("Quartermaster", 4, ("ship.manage",))


def test_a_role_is_defined_with_its_rights_in_the_order_of_the_catalogue() -> None:
    given()
    when(define, "Officer", 3, ("ship.manage", "member.invite", "ship.manage"), 0, ALL)
    then(Defined("Officer", 3, ("member.invite", "ship.manage")))
    then_state(template=Template("Officer", 3, ("member.invite", "ship.manage")), rival_templates=())


def test_defining_it_twice_is_harmless_and_otherwise_refused() -> None:
    given(QUARTERMASTER)
    when(define, "Quartermaster", 4, ("ship.manage",), 0, ALL)
    then()
    when(define, "Cook", 9, (), 0, ALL)
    then_refused(RoleDefinedAlready, title="Quartermaster")


def test_defined_twice_at_once_the_first_holds_and_it_is_contested() -> None:
    given(QUARTERMASTER, meanwhile(Defined("Cook", 9, ())))
    then_state(template=Template("Quartermaster", 4, ("ship.manage",)), rival_templates=(Template("Cook", 9, ()),))


@pytest.mark.parametrize(("rank", "own"), [(0, 0), (11, 0), (3, 3), (2, 3)])
def test_a_role_is_below_the_one_who_writes_it_and_within_the_ranks(rank: int, own: int) -> None:
    given()
    when(define, "Officer", rank, (), own, ALL)
    then_refused(RoleRankUnusable, rank=rank)


def test_the_highest_and_the_lowest_rank_can_be_given() -> None:
    for rank in (1, 10):
        given()
        when(define, "Officer", rank, (), 0, ALL)
        then(Defined("Officer", rank))
        then_state(template=Template("Officer", rank))


def test_a_right_that_is_not_in_the_catalogue_is_refused() -> None:
    given()
    when(define, "Officer", 3, ("org.burn",), 0, ALL)
    then_refused(RightUnknown, right="org.burn")


def test_an_empty_title_is_refused() -> None:
    given()
    when(define, "", 3, (), 0, ALL)
    then_refused(TitleUnusable)


def test_a_role_changes() -> None:
    given(QUARTERMASTER)
    when(change, "Quartermaster", 5, ("ship.manage", "fleet.manage"), 2, ALL)
    then(Changed("Quartermaster", 5, ("ship.manage", "fleet.manage"), over=(entry(1),)))
    when(change, "Quartermaster", 5, ("ship.manage", "fleet.manage"), 2, ALL)
    then()


def test_a_role_that_is_not_there_or_above_is_not_changed() -> None:
    given()
    when(change, "Cook", 5, (), 0, ALL)
    then_refused(RoleUnknown)
    given(QUARTERMASTER)
    when(change, "Quartermaster", 6, (), 4, ALL)
    then_refused(RoleRankUnusable, rank=4)


def test_two_changes_at_once_are_contested_until_one_is_made_again() -> None:
    given(QUARTERMASTER)
    more, less = Changed("Chief", 4, ("ship.manage",), (entry(1),)), Changed("Clerk", 4, (), (entry(1),))
    one, other = story.in_either_order(more, less)
    assert (one.template.title, one.rival_templates) == ("Chief", (Template("Clerk", 4),))
    assert (other.template.title, other.rival_templates) == ("Clerk", (Template("Chief", 4, ("ship.manage",)),))
    given(QUARTERMASTER, more, meanwhile(less))
    when(change, "Clerk", 4, (), 0, ALL)
    then(Changed("Clerk", 4, (), over=(entry(2), entry(3))))
    then_state(template=Template("Clerk", 4), rival_templates=())
    given(QUARTERMASTER, more, meanwhile(less))
    when(change, "Chief", 4, ("ship.manage",), 0, ALL)
    then_state(template=Template("Chief", 4, ("ship.manage",)), rival_templates=())


def test_a_withdrawn_role_is_not_changed_and_does_not_come_back() -> None:
    given(QUARTERMASTER)
    when(withdraw, 0)
    then(Withdrawn())
    when(withdraw, 0)
    then()
    when(change, "Quartermaster", 6, (), 0, ALL)
    then_refused(RoleUnknown)
    when(define, "Quartermaster", 4, ("ship.manage",), 0, ALL)
    then_refused(RoleDefinedAlready)


def test_what_is_not_there_or_above_is_not_withdrawn() -> None:
    given()
    when(withdraw, 0)
    then_refused(RoleUnknown)
    given(QUARTERMASTER)
    when(withdraw, 4)
    then_refused(RoleRankUnusable, rank=4)


def test_withdrawn_and_changed_at_once_is_withdrawn_in_either_order() -> None:
    given(QUARTERMASTER)
    one, other = story.in_either_order(Withdrawn(), Changed("Cook", 5, (), (entry(1),)))
    assert one == other
    assert one.withdrawn


def test_what_somebody_writes_of_a_role_not_below_him_does_not_count() -> None:
    given(told(QUARTERMASTER, rank=3), told(Changed("Cook", 5, (), (entry(1),)), rank=4), told(Withdrawn(), rank=4))
    then_state(template=Template("Quartermaster", 4, ("ship.manage",)), withdrawn=False)
    given(told(QUARTERMASTER, rank=4))
    then_state(template=None)


def test_a_template_that_something_else_wrote_does_not_count() -> None:
    given(Defined("Off\u200bicer", 3), Defined("Officer", 11))
    then_state(template=None)


def test_nobody_puts_a_right_into_a_role_that_he_has_not() -> None:
    own = frozenset({"role.define", "ship.manage"})
    given()
    when(define, "Officer", 4, ("ship.manage", "member.remove"), 3, own)
    then_refused(RightNotYours, right="member.remove")
    when(define, "Officer", 4, ("ship.manage",), 3, own)
    then(Defined("Officer", 4, ("ship.manage",)))
    when(change, "Officer", 4, ("ship.manage", "diplomacy.commit"), 3, own)
    then_refused(RightNotYours, right="diplomacy.commit")


def test_what_rights_a_role_has_may_stay_whoever_changes_it() -> None:
    given(QUARTERMASTER, meanwhile(Defined("Cook", 9, ("fleet.manage",))))
    when(change, "Cook", 9, ("fleet.manage",), 3, frozenset({"role.define"}))
    then(Changed("Cook", 9, ("fleet.manage",), over=(entry(1), entry(2))))


@pytest.mark.parametrize("said", [Defined("Cook", 9, ("member.remove",)), Changed("Cook", 9, ("*",))])
def test_what_was_put_there_all_the_same_does_not_count(said: Event) -> None:
    given(told(said, rank=3, rights=frozenset({"role.define"})))
    then_state(template=None)
    given(QUARTERMASTER, told(said, rank=3, rights=frozenset({"role.define"})))
    then_state(template=Template("Quartermaster", 4, ("ship.manage",)))

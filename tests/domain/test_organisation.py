"""An organisation: founded, named, described, archived, affiliated."""

import pytest

from scmanager.domain.event import About
from scmanager.domain.organisation import (
    Affiliated,
    AffiliatedWithItself,
    Affiliation,
    AlreadyFounded,
    Archived,
    Described,
    Description,
    Founded,
    NameNotContested,
    NotFounded,
    Organisation,
    OrganisationArchived,
    Renamed,
    Restored,
    SidSet,
    SidUnusable,
    TooManyAffiliations,
    Unaffiliated,
    affiliate,
    archive,
    describe,
    evolve,
    found,
    rename,
    restore,
    set_sid,
    settle_name,
    unaffiliate,
)
from scmanager.domain.prose import prose_of
from scmanager.domain.words import TitleUnusable, WordsUnusable
from tests.support.scenario import THING, Scenario, entry, meanwhile, who

story = Scenario(Organisation(), evolve)
given, when, then, then_refused, then_state = story.verbs()

OTHER = who("another org")


def test_a_space_gets_its_organisation() -> None:
    given()
    when(found, "Vanguard", "VNGD")
    then(Founded("Vanguard", "VNGD"))
    then_state(id=THING, title="Vanguard", sid="VNGD", rival_titles=(), archived=False)


def test_an_organisation_needs_no_short_tag() -> None:
    given()
    when(found, "Vanguard")
    then(Founded("Vanguard"))


def test_an_organisation_is_founded_once() -> None:
    given(Founded("Vanguard"))
    when(found, "Rearguard")
    then_refused(AlreadyFounded, title="Vanguard")


def test_two_foundings_leave_the_first() -> None:
    given(Founded("Vanguard"), meanwhile(Founded("Rearguard", "RG")))
    then_state(title="Vanguard", rival_titles=(), sid="")


@pytest.mark.parametrize("sid", ["vngd", "ABCDEFGHIJK", "A B", "Ä"])
def test_a_short_tag_has_capital_letters_and_digits(sid: str) -> None:
    given()
    when(found, "Vanguard", sid)
    then_refused(SidUnusable, sid=sid)


def test_a_short_tag_has_up_to_ten_characters() -> None:
    given()
    when(found, "Vanguard", "ABCDE12345")
    then_state(sid="ABCDE12345")


def test_a_title_that_nobody_could_read_is_refused() -> None:
    given()
    when(found, "Vanguard\u202e")
    then_refused(TitleUnusable, why="character 9 is the invisible U+202E")


def test_a_title_that_something_else_wrote_does_not_count() -> None:
    given(Founded("a\u200bb"), Renamed("\x00"), Affiliated(OTHER, ""), Founded("A", "a"), SidSet("\n"))
    then_state(id=b"", title="", affiliations=(), sid="")


def test_it_is_described_in_words_that_can_be_erased() -> None:
    given(Founded("Vanguard"))
    when(describe, "We fly\nby night.")
    then(About(Described(), prose_of(THING), Description("We fly\nby night.")))
    then_state(profile=entry(2))
    when(describe, "")
    then(About(Described(), prose_of(THING), Description("")))


def test_a_description_that_cannot_be_written_is_refused() -> None:
    given(Founded("Vanguard"))
    when(describe, "a\0b")
    then_refused(WordsUnusable)


def test_of_two_descriptions_the_last_in_fold_order_stands() -> None:
    given(Founded("Vanguard"))
    one, other = story.in_either_order(Described(), Described())
    assert (one.profile, other.profile) == (entry(3), entry(2))


def test_nothing_is_said_of_an_organisation_that_is_not_there() -> None:
    given()
    for decide, *args in ((rename, "X"), (describe, "X"), (archive,), (restore,), (affiliate, OTHER, "X")):
        when(decide, *args)
        then_refused(NotFounded)


def test_a_new_name_ends_the_old_one() -> None:
    given(Founded("Vanguard"))
    when(rename, "Rearguard")
    then(Renamed("Rearguard", over=(entry(1),)))
    then_state(title="Rearguard", rival_titles=())


def test_giving_the_name_it_has_is_harmless() -> None:
    given(Founded("Vanguard"))
    when(rename, "Vanguard")
    then()


def test_two_names_given_at_once_are_contested_and_the_first_holds() -> None:
    given(Founded("Vanguard"))
    one, other = story.in_either_order(Renamed("Ada's", over=(entry(1),)), Renamed("Grace's", over=(entry(1),)))
    assert (one.title, one.rival_titles) == ("Ada's", ("Grace's",))
    assert (other.title, other.rival_titles) == ("Grace's", ("Ada's",))


def test_a_name_given_in_the_knowledge_of_the_other_ends_it_even_through_later_events() -> None:
    given(
        Founded("Vanguard"),
        Archived(),
        Restored(),
        meanwhile(Renamed("Rearguard", over=(entry(1),)), saw=(entry(3),)),
    )
    then_state(title="Rearguard", rival_titles=())


def test_the_same_name_given_twice_at_once_is_no_contest() -> None:
    given(Founded("Vanguard"), Renamed("New", (entry(1),)), meanwhile(Renamed("New", (entry(1),))))
    then_state(title="New", rival_titles=())
    when(settle_name, "New")
    then_refused(NameNotContested, title="New")


def test_contested_names_are_settled_for_one_of_them() -> None:
    given(Founded("Vanguard"), Renamed("Ada's", (entry(1),)), meanwhile(Renamed("Grace's", (entry(1),))))
    when(settle_name, "Grace's")
    then(Renamed("Grace's", over=(entry(2), entry(3))))
    then_state(title="Grace's", rival_titles=())


def test_a_name_that_nobody_gave_settles_nothing() -> None:
    given(Founded("Vanguard"), Renamed("Ada's", (entry(1),)), meanwhile(Renamed("Grace's", (entry(1),))))
    when(settle_name, "Mine")
    then_refused(NameNotContested, title="Mine")


def test_contested_names_settled_in_two_ways_at_once_stay_contested() -> None:
    given(Founded("Vanguard"), Renamed("Ada's", (entry(1),)), meanwhile(Renamed("Grace's", (entry(1),))))
    both = (entry(2), entry(3))
    one, other = story.in_either_order(Renamed("Ada's", both), Renamed("Grace's", both))
    assert {one.title, *one.rival_titles} == {other.title, *other.rival_titles} == {"Ada's", "Grace's"}


def test_the_holder_settles_by_naming_it_again() -> None:
    given(Founded("Vanguard"), Renamed("Ada's", (entry(1),)), meanwhile(Renamed("Grace's", (entry(1),))))
    when(rename, "Ada's")
    then(Renamed("Ada's", over=(entry(2), entry(3))))
    then_state(title="Ada's", rival_titles=())


def test_the_short_tag_changes() -> None:
    given(Founded("Vanguard", "VNGD"))
    when(set_sid, "VG2")
    then(SidSet("VG2"))
    then_state(sid="VG2")
    when(set_sid, "VG2")
    then()
    when(set_sid, "no")
    then_refused(SidUnusable, sid="no")


def test_of_two_tags_set_at_once_the_last_in_fold_order_stands() -> None:
    given(Founded("Vanguard"))
    one, other = story.in_either_order(SidSet("ONE"), SidSet("TWO"))
    assert (one.sid, other.sid) == ("TWO", "ONE")


def test_an_archived_organisation_does_not_change_until_it_is_restored() -> None:
    given(Founded("Vanguard"))
    when(archive)
    then(Archived())
    when(archive)
    then()
    when(rename, "Rearguard")
    then_refused(OrganisationArchived, title="Vanguard")
    when(restore)
    then(Restored())
    when(restore)
    then()
    then_state(archived=False)


def test_a_name_given_while_it_was_archived_elsewhere_is_kept() -> None:
    given(Founded("Vanguard"))
    one, other = story.in_either_order(Archived(), Renamed("Rearguard", over=(entry(1),)))
    assert one == other
    assert (one.title, one.archived) == ("Rearguard", True)


def test_of_archiving_and_restoring_at_once_the_last_in_fold_order_stands() -> None:
    given(Founded("Vanguard"), Archived())
    one, other = story.in_either_order(Archived(), Restored())
    assert (one.archived, other.archived) == (False, True)


def test_an_affiliation_is_noted_renamed_and_ended() -> None:
    given(Founded("Vanguard"))
    when(affiliate, OTHER, "Aegis")
    then(Affiliated(OTHER, "Aegis"))
    when(affiliate, OTHER, "Aegis")
    then()
    when(affiliate, OTHER, "Aegis Guild")
    then_state(affiliations=(Affiliation(OTHER, "Aegis Guild"),))
    when(unaffiliate, OTHER)
    then(Unaffiliated(OTHER))
    when(unaffiliate, OTHER)
    then()
    then_state(affiliations=())


def test_nobody_is_affiliated_with_himself_or_with_more_than_the_books_hold() -> None:
    given(Founded("Vanguard"), *(Affiliated(who(f"org {number}"), "Some org") for number in range(64)))
    when(affiliate, THING, "Vanguard")
    then_refused(AffiliatedWithItself)
    when(affiliate, OTHER, "One more")
    then_refused(TooManyAffiliations, count=64)


def test_of_affiliating_and_ending_it_at_once_the_last_in_fold_order_stands() -> None:
    given(Founded("Vanguard"))
    one, other = story.in_either_order(Affiliated(OTHER, "Aegis"), Unaffiliated(OTHER))
    assert (one.affiliations, other.affiliations) == ((), (Affiliation(OTHER, "Aegis"),))

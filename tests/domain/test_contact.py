"""A contact: another organisation, our stance towards it, war and peace."""

from scmanager.domain.contact import (
    Archived,
    AtWar,
    Contact,
    ContactArchived,
    ContactIsUs,
    ContactKnown,
    ContactNote,
    ContactUnknown,
    Identified,
    NotAtWar,
    Noted,
    PeaceMade,
    Recorded,
    Renamed,
    Restored,
    SidSet,
    StanceNotForWar,
    StanceReported,
    StanceSet,
    WarDeclared,
    archive,
    declare_war,
    evolve,
    identify,
    make_peace,
    note,
    record,
    relation,
    rename,
    report_stance,
    restore,
    set_sid,
    set_stance,
)
from scmanager.domain.diplomacy import Side, Stance
from scmanager.domain.event import About
from scmanager.domain.organisation import SidUnusable
from scmanager.domain.words import TitleUnusable, WordsUnusable
from tests.support.scenario import LEADER, THING, Scenario, entry, meanwhile, who

US, THEM, ELSE = entry(900), entry(901), entry(902)
story = Scenario(Contact(), evolve)
given, when, then, then_refused, then_state = story.verbs()
TALLOW = Recorded("Tallow", "TLW")


def test_another_organisation_is_recorded_once_by_name_and_tag() -> None:
    given()
    when(record, "Tallow", US, "TLW")
    then(TALLOW)
    when(record, "Tallow", US)
    then()
    when(record, "Tallowmen", US)
    then_refused(ContactKnown, title="Tallow")
    given(TALLOW, Recorded("Somebody else", "ELSE"))
    then_state(title="Tallow", sid="TLW", rival_titles=(), stance=Stance.NEUTRAL)


def test_what_two_record_under_one_id_is_contested() -> None:
    given()
    brine = Recorded("Brine", "BRN", ELSE)
    one, two = story.in_either_order(Recorded("Tallow", "TLW", THEM), brine)
    assert (one.title, one.rival_titles, one.space, one.rival_spaces) == ("Tallow", ("Brine",), THEM, (ELSE,))
    assert (two.title, two.rival_titles, two.space, two.rival_spaces) == ("Brine", ("Tallow",), ELSE, (THEM,))
    assert (one.sid, two.sid) == ("BRN", "TLW")
    one, two = story.in_either_order(TALLOW, Recorded("Brine"))
    assert (one.sid, two.sid) == ("TLW", "TLW")


def test_a_contact_has_a_readable_name_and_a_tag_and_is_not_ourselves() -> None:
    given()
    when(record, " Tallow", US)
    then_refused(TitleUnusable, why="it begins or ends with a blank")
    when(record, "Tallow", US, "tlw")
    then_refused(SidUnusable, sid="tlw")
    when(record, "Tallow", US, "", US)
    then_refused(ContactIsUs)
    given(Recorded("\n"), Recorded("Tallow", "no tag"), Renamed("\n"))
    then_state(id=b"", title="")


def test_nothing_is_said_of_a_contact_that_is_not_there_or_is_archived() -> None:
    for decide, *args in (
        (rename, "X"),
        (set_sid, "X"),
        (identify, THEM, US),
        (note, "x"),
        (set_stance, Stance.ALLY),
        (report_stance, Stance.ALLY),
        (declare_war, Side.US),
        (make_peace,),
    ):
        given()
        when(decide, *args)
        then_refused(ContactUnknown)
        given(TALLOW, Archived())
        when(decide, *args)
        then_refused(ContactArchived, title="Tallow")
    for decide in (archive, restore):
        given()
        when(decide)
        then_refused(ContactUnknown)


def test_a_contact_is_renamed_and_two_names_at_once_are_settled() -> None:
    given(TALLOW)
    when(rename, "Tallow Guild")
    then(Renamed("Tallow Guild", over=(entry(1),)))
    when(rename, "Tallow Guild")
    then()
    given(TALLOW, Renamed("Guild", (entry(1),)), meanwhile(Renamed("Union", (entry(1),))))
    then_state(title="Guild", rival_titles=("Union",))
    when(rename, "Guild")
    then(Renamed("Guild", over=(entry(2), entry(3))))
    then_state(title="Guild", rival_titles=())


def test_tag_and_note_are_the_last_in_fold_order() -> None:
    given(TALLOW)
    when(set_sid, "GUILD")
    then(SidSet("GUILD"))
    when(set_sid, "GUILD")
    then()
    when(set_sid, "no")
    then_refused(SidUnusable)
    when(note, "Their envoy is Marlowe.")
    then(About(Noted(), THING, ContactNote("Their envoy is Marlowe.")))
    then_state(note=entry(3))
    when(note, "\0")
    then_refused(WordsUnusable)
    one, two = story.in_either_order(SidSet("A"), SidSet("B"))
    assert (one.sid, two.sid) == ("B", "A")
    one, two = story.in_either_order(Noted(), Noted())
    assert {one.note, two.note} == {entry(4), entry(5)}


def test_their_space_is_claimed_and_two_claims_at_once_are_settled() -> None:
    given(TALLOW)
    when(identify, US, US)
    then_refused(ContactIsUs)
    when(identify, THEM, US)
    then(Identified(THEM))
    when(identify, THEM, US)
    then()
    one, two = story.in_either_order(Identified(ELSE, (entry(2),)), Identified(US, (entry(2),)))
    assert (one.space, one.rival_spaces) == (ELSE, (US,))
    assert (two.space, two.rival_spaces) == (US, (ELSE,))
    given(TALLOW, Identified(THEM), meanwhile(Identified(ELSE)))
    when(identify, ELSE, US)
    then(Identified(ELSE, over=(entry(2), entry(3))))
    then_state(space=ELSE, rival_spaces=())


def test_a_contact_is_put_away_and_taken_out_again() -> None:
    given(TALLOW)
    when(archive)
    then(Archived())
    when(archive)
    then()
    when(restore)
    then(Restored())
    when(restore)
    then()
    one, two = story.in_either_order(Archived(), Restored())
    assert (one.archived, two.archived) == (False, True)


def test_a_stance_holds_until_another_is_taken() -> None:
    given(TALLOW)
    when(set_stance, Stance.ALLY)
    then(StanceSet(Stance.ALLY))
    when(set_stance, Stance.ALLY)
    then()
    when(set_stance, Stance.HOSTILE)
    then(StanceSet(Stance.HOSTILE, over=(entry(2),)))
    then_state(stance=Stance.HOSTILE, rival_stances=())
    when(set_stance, Stance.WAR)
    then_refused(StanceNotForWar)


def test_two_stances_at_once_are_contested_until_one_is_taken_again() -> None:
    given(TALLOW)
    one, two = story.in_either_order(StanceSet(Stance.ALLY), StanceSet(Stance.HOSTILE))
    assert (one.stance, one.rival_stances) == (Stance.ALLY, (Stance.HOSTILE,))
    assert (two.stance, two.rival_stances) == (Stance.HOSTILE, (Stance.ALLY,))
    given(TALLOW, StanceSet(Stance.ALLY), meanwhile(StanceSet(Stance.HOSTILE)))
    when(set_stance, Stance.ALLY)
    then(StanceSet(Stance.ALLY, over=(entry(2), entry(3))))
    then_state(stance=Stance.ALLY, rival_stances=())


def test_what_they_think_of_us_is_a_report_and_changes_nothing_of_ours() -> None:
    given(TALLOW, StanceSet(Stance.ALLY))
    when(report_stance, Stance.HOSTILE)
    then(StanceReported(Stance.HOSTILE))
    when(report_stance, Stance.HOSTILE)
    then()
    then_state(stance=Stance.ALLY, reported=Stance.HOSTILE, reported_in=entry(3))
    one, two = story.in_either_order(StanceReported(Stance.ALLY), StanceReported(Stance.NEUTRAL))
    assert (one.reported, two.reported) == (Stance.NEUTRAL, Stance.ALLY)


def test_war_is_declared_and_ended_by_peace_after_which_one_is_neutral() -> None:
    given(TALLOW, StanceSet(Stance.ALLY))
    when(make_peace)
    then_refused(NotAtWar, title="Tallow")
    when(declare_war, Side.US)
    then(WarDeclared(Side.US, over=(entry(2),)))
    when(declare_war, Side.US)
    then()
    then_state(stance=Stance.WAR)
    when(set_stance, Stance.ALLY)
    then_refused(AtWar, title="Tallow")
    when(make_peace)
    then(PeaceMade(over=(entry(3),)))
    then_state(stance=Stance.NEUTRAL, wars=())


def test_nobody_sets_war_as_a_stance_not_even_by_writing_it() -> None:
    given(TALLOW, StanceSet(Stance.WAR))
    then_state(stance=Stance.NEUTRAL)


def test_peace_ends_the_war_it_knew_and_not_one_declared_meanwhile() -> None:
    given(TALLOW, WarDeclared())
    one, two = story.in_either_order(WarDeclared(Side.THEM), PeaceMade((entry(2),)))
    assert one.stance is two.stance is Stance.WAR
    assert [claim.value for claim in one.wars] == [claim.value for claim in two.wars] == [Side.THEM]


def test_war_declared_twice_at_once_is_one_war_that_one_peace_ends() -> None:
    given(TALLOW, WarDeclared(), meanwhile(WarDeclared(Side.THEM)))
    when(make_peace)
    then(PeaceMade(over=(entry(2), entry(3))))
    then_state(stance=Stance.NEUTRAL)


def test_a_stance_taken_while_war_was_declared_waits_below_it_in_either_order() -> None:
    given(TALLOW)
    one, two = story.in_either_order(WarDeclared(), StanceSet(Stance.FRIENDLY))
    assert one.stance is two.stance is Stance.WAR
    given(TALLOW, WarDeclared(), meanwhile(StanceSet(Stance.FRIENDLY)))
    when(make_peace)
    then_state(stance=Stance.FRIENDLY)


def test_treaties_in_force_lift_the_stance_and_war_outweighs_them() -> None:
    given(TALLOW)
    assert relation(story.state, ()) is Stance.NEUTRAL
    assert relation(story.state, [Stance.NON_AGGRESSION_PACT]) is Stance.NON_AGGRESSION_PACT
    assert relation(story.state, [Stance.NON_AGGRESSION_PACT, Stance.ALLY]) is Stance.ALLY
    given(TALLOW, WarDeclared())
    assert relation(story.state, [Stance.ALLY]) is Stance.WAR


def test_the_history_tells_who_did_what_in_whose_name() -> None:
    given(TALLOW, StanceSet(Stance.ALLY), WarDeclared(Side.THEM), PeaceMade((entry(3),)))
    assert [(step.act, step.side, step.said) for step in story.state.history] == [
        ("contact.recorded", Side.US, ""),
        ("contact.stance-set", Side.US, "ally"),
        ("contact.war-declared", Side.THEM, "war"),
        ("contact.peace-made", Side.US, ""),
    ]
    assert {step.member for step in story.state.history} == {LEADER}
    given(TALLOW, StanceReported(Stance.ALLY))
    assert story.state.history[-1].side is Side.THEM
    given(TALLOW, *(meanwhile(StanceReported(Stance.ALLY), by=who("ada")) for _ in range(80)))
    assert len(story.state.history) == 64
    assert story.state.history[-1].entry == entry(81)


def test_what_an_event_names_is_ended_even_if_newer_things_were_all_its_author_saw() -> None:
    given(TALLOW, Renamed("Guild", (entry(1),)), meanwhile(Renamed("Union", (entry(2),))))
    then_state(title="Union", rival_titles=())
    given(TALLOW, Identified(THEM), meanwhile(Identified(ELSE, (entry(2),))))
    then_state(space=ELSE, rival_spaces=())
    given(TALLOW, StanceSet(Stance.ALLY), meanwhile(StanceSet(Stance.HOSTILE, (entry(2),))))
    then_state(stance=Stance.HOSTILE, rival_stances=())
    given(TALLOW, StanceSet(Stance.ALLY), meanwhile(WarDeclared(over=(entry(2),))), PeaceMade((entry(3),)))
    then_state(stance=Stance.NEUTRAL)
    given(TALLOW, WarDeclared(), meanwhile(PeaceMade((entry(2),))))
    then_state(stance=Stance.NEUTRAL)


def test_a_tag_that_was_set_before_the_record_came_stands() -> None:
    given(SidSet("GUILD"), TALLOW)
    then_state(sid="GUILD")

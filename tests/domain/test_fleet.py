"""A fleet: formed, named, led, disbanded."""

from scmanager.domain.fleet import (
    Disbanded,
    Fleet,
    FleetDisbanded,
    FleetFormedAlready,
    FleetNameNotContested,
    FleetUnknown,
    Formed,
    LeadAssigned,
    LeadRelieved,
    Reformed,
    Renamed,
    assign_lead,
    disband,
    evolve,
    form,
    reform,
    relieve_lead,
    rename,
    settle_name,
)
from scmanager.domain.words import TitleUnusable
from tests.support.scenario import Scenario, entry, meanwhile, who

ADA, GRACE = who("ada"), who("grace")
story = Scenario(Fleet(), evolve)
given, when, then, then_refused, then_state = story.verbs()


def test_a_fleet_is_formed_once_and_asking_twice_is_harmless() -> None:
    given()
    when(form, "First Fleet")
    then(Formed("First Fleet"))
    when(form, "First Fleet")
    then()
    when(form, "Second Fleet")
    then_refused(FleetFormedAlready, title="First Fleet")
    given(Formed("First Fleet"), Formed("Second Fleet"))
    then_state(title="First Fleet", rival_titles=())


def test_a_fleet_that_two_formed_under_one_id_has_two_names_until_one_is_chosen() -> None:
    given(Formed("First Fleet"), Disbanded(), meanwhile(Formed("Second Fleet")))
    then_state(title="First Fleet", rival_titles=("Second Fleet",), disbanded=True)
    given(Formed("First Fleet"), meanwhile(Formed("Second Fleet")))
    when(rename, "Second Fleet")
    then_state(title="Second Fleet", rival_titles=())
    given(Formed("First Fleet"), meanwhile(Formed("First Fleet")))
    then_state(title="First Fleet", rival_titles=())


def test_a_fleet_needs_a_readable_name() -> None:
    given()
    when(form, " First")
    then_refused(TitleUnusable, why="it begins or ends with a blank")
    given(Formed("\n"), Renamed("\n"))
    then_state(formed=False, title="")


def test_nothing_is_said_of_a_fleet_that_is_not_there_or_is_disbanded() -> None:
    for decide, *args in ((rename, "X"), (settle_name, "X"), (assign_lead, ADA), (relieve_lead,)):
        given()
        when(decide, *args)
        then_refused(FleetUnknown)
        given(Formed("First Fleet"), Disbanded())
        when(decide, *args)
        then_refused(FleetDisbanded, title="First Fleet")
    for decide in (disband, reform):
        given()
        when(decide)
        then_refused(FleetUnknown)


def test_a_fleet_is_renamed() -> None:
    given(Formed("First Fleet"))
    when(rename, "Home Fleet")
    then(Renamed("Home Fleet", over=(entry(1),)))
    when(rename, "Home Fleet")
    then()
    then_state(title="Home Fleet")


def test_two_names_at_once_are_contested_until_one_is_chosen() -> None:
    given(Formed("First Fleet"))
    home, night = Renamed("Home Fleet", (entry(1),)), Renamed("Night Fleet", (entry(1),))
    one, other = story.in_either_order(home, night)
    assert (one.title, one.rival_titles) == ("Home Fleet", ("Night Fleet",))
    assert (other.title, other.rival_titles) == ("Night Fleet", ("Home Fleet",))
    given(Formed("First Fleet"), home, meanwhile(night))
    when(settle_name, "First Fleet")
    then_refused(FleetNameNotContested, title="First Fleet")
    when(settle_name, "Home Fleet")
    then(Renamed("Home Fleet", over=(entry(2), entry(3))))
    then_state(title="Home Fleet", rival_titles=())
    when(settle_name, "Home Fleet")
    then_refused(FleetNameNotContested)
    given(Formed("First Fleet"), home, meanwhile(night))
    when(rename, "Home Fleet")
    then_state(rival_titles=())


def test_a_fleet_is_disbanded_and_formed_anew() -> None:
    given(Formed("First Fleet"))
    when(disband)
    then(Disbanded())
    when(disband)
    then()
    when(reform)
    then(Reformed())
    when(reform)
    then()
    then_state(disbanded=False)


def test_disbanded_and_renamed_at_once_is_both_in_either_order() -> None:
    given(Formed("First Fleet"))
    one, other = story.in_either_order(Disbanded(), Renamed("Home Fleet", (entry(1),)))
    assert one == other
    assert (one.disbanded, one.title) == (True, "Home Fleet")


def test_of_disbanding_and_forming_anew_at_once_the_last_in_fold_order_stands() -> None:
    given(Formed("First Fleet"), Disbanded())
    one, other = story.in_either_order(Disbanded(), Reformed())
    assert (one.disbanded, other.disbanded) == (False, True)


def test_a_member_leads_until_he_is_relieved() -> None:
    given(Formed("First Fleet"))
    when(assign_lead, ADA)
    then(LeadAssigned(ADA))
    when(assign_lead, ADA)
    then()
    when(assign_lead, GRACE)
    then(LeadAssigned(GRACE, over=(entry(2),)))
    then_state(lead=GRACE, rival_leads=())
    when(relieve_lead)
    then(LeadRelieved(over=(entry(3),)))
    when(relieve_lead)
    then()
    then_state(lead=None)


def test_two_leads_at_once_are_contested_until_one_is_assigned_again() -> None:
    given(Formed("First Fleet"))
    one, other = story.in_either_order(LeadAssigned(ADA), LeadAssigned(GRACE))
    assert (one.lead, one.rival_leads) == (ADA, (GRACE,))
    assert (other.lead, other.rival_leads) == (GRACE, (ADA,))
    given(Formed("First Fleet"), LeadAssigned(ADA), meanwhile(LeadAssigned(GRACE)))
    when(assign_lead, ADA)
    then(LeadAssigned(ADA, over=(entry(2), entry(3))))
    then_state(lead=ADA, rival_leads=())


def test_relieved_while_another_was_assigned_leaves_the_other_in_either_order() -> None:
    given(Formed("First Fleet"), LeadAssigned(ADA))
    one, other = story.in_either_order(LeadRelieved((entry(2),)), LeadAssigned(GRACE, (entry(2),)))
    assert one == other
    assert one.lead == GRACE

"""A squadron: its place, its lead, its ships and its members."""

import pytest

from scmanager.domain.roll import Roll
from scmanager.domain.squadron import (
    MEMBERS_MAX,
    SHIPS_MAX,
    Disbanded,
    Formed,
    LeadAssigned,
    LeadRelieved,
    MemberEnlisted,
    MemberLeft,
    MemberReleased,
    Moved,
    Reformed,
    Renamed,
    ShipEnlisted,
    ShipReleased,
    Squadron,
    SquadronDisbanded,
    SquadronFormedAlready,
    SquadronFull,
    SquadronNameNotContested,
    SquadronUnknown,
    assign_lead,
    disband,
    enlist_member,
    enlist_ship,
    evolve,
    form,
    leave,
    move,
    reform,
    release_member,
    release_ship,
    relieve_lead,
    rename,
    settle_name,
)
from scmanager.domain.words import TitleUnusable
from tests.support.rolls import roll_of
from tests.support.scenario import Scenario, entry, meanwhile, told, who

ADA, GRACE = who("ada"), who("grace")
FLEET, OTHER_FLEET = who("first fleet"), who("second fleet")
SHIP = who("a ship")
story = Scenario(Squadron(), evolve)
given, when, then, then_refused, then_state = story.verbs()

FORMED = Formed("Owls", FLEET)


@pytest.mark.parametrize("fleet", [FLEET, None])
def test_a_squadron_is_formed_in_a_fleet_or_in_none(fleet: bytes | None) -> None:
    given()
    when(form, "Owls", fleet)
    then(Formed("Owls", fleet))
    when(form, "Owls", fleet)
    then()
    then_state(title="Owls", fleet=fleet)
    when(form, "Owls", OTHER_FLEET)
    then_refused(SquadronFormedAlready, title="Owls")


def test_a_squadron_that_two_formed_under_one_id_has_two_names() -> None:
    given()
    one, other = story.in_either_order(FORMED, Formed("Crows"))
    assert (one.title, one.fleet, one.rival_titles) == ("Owls", FLEET, ("Crows",))
    assert (other.title, other.fleet, other.rival_titles) == ("Crows", FLEET, ("Owls",))
    given(FORMED, Formed("Crows"))
    then_state(title="Owls", rival_titles=())


def test_a_squadron_needs_a_readable_name() -> None:
    given()
    when(form, "Ow\u200bls")
    then_refused(TitleUnusable)
    given(Formed(""), Renamed(""))
    then_state(formed=False, title="")


def test_nothing_is_said_of_a_squadron_that_is_not_there_or_is_disbanded() -> None:
    verbs = (
        (rename, "X"),
        (settle_name, "X"),
        (move, None),
        (assign_lead, ADA),
        (relieve_lead,),
        (enlist_ship, SHIP),
        (enlist_member, ADA),
    )
    for decide, *args in verbs:
        given()
        when(decide, *args)
        then_refused(SquadronUnknown)
        given(FORMED, Disbanded())
        when(decide, *args)
        then_refused(SquadronDisbanded, title="Owls")
    for decide, *args in ((disband,), (reform,), (release_ship, SHIP), (release_member, ADA), (leave, ADA)):
        given()
        when(decide, *args)
        then_refused(SquadronUnknown)


def test_a_squadron_is_renamed_and_two_names_at_once_are_settled() -> None:
    given(FORMED)
    when(rename, "Crows")
    then(Renamed("Crows", over=(entry(1),)))
    when(rename, "Crows")
    then()
    given(FORMED)
    one, other = story.in_either_order(Renamed("Crows", (entry(1),)), Renamed("Hawks", (entry(1),)))
    assert (one.title, one.rival_titles) == ("Crows", ("Hawks",))
    assert (other.title, other.rival_titles) == ("Hawks", ("Crows",))
    given(FORMED, Renamed("Crows", (entry(1),)), meanwhile(Renamed("Hawks", (entry(1),))))
    when(settle_name, "Owls")
    then_refused(SquadronNameNotContested, title="Owls")
    when(settle_name, "Hawks")
    then(Renamed("Hawks", over=(entry(2), entry(3))))
    then_state(title="Hawks", rival_titles=())
    when(settle_name, "Hawks")
    then_refused(SquadronNameNotContested)


def test_renaming_a_contested_squadron_to_the_name_that_holds_settles_it() -> None:
    given(FORMED, Renamed("Crows", (entry(1),)), meanwhile(Renamed("Hawks", (entry(1),))))
    when(rename, "Crows")
    then_state(title="Crows", rival_titles=())


def test_a_squadron_is_disbanded_and_formed_anew() -> None:
    given(FORMED, ShipEnlisted(SHIP))
    when(disband)
    then(Disbanded())
    when(disband)
    then()
    when(reform)
    then(Reformed())
    when(reform)
    then()
    then_state(disbanded=False, ships=(SHIP,))


def test_of_disbanding_and_forming_anew_at_once_the_last_in_fold_order_stands() -> None:
    given(FORMED, Disbanded())
    one, other = story.in_either_order(Disbanded(), Reformed())
    assert (one.disbanded, other.disbanded) == (False, True)


def test_a_squadron_moves_to_another_fleet_or_to_none() -> None:
    given(FORMED)
    when(move, OTHER_FLEET)
    then(Moved(OTHER_FLEET))
    when(move, OTHER_FLEET)
    then()
    when(move, None)
    then(Moved())
    then_state(fleet=None)


def test_of_two_moves_at_once_the_last_in_fold_order_stands() -> None:
    given(FORMED)
    one, other = story.in_either_order(Moved(OTHER_FLEET), Moved(None))
    assert (one.fleet, other.fleet) == (None, OTHER_FLEET)


def test_a_member_leads_until_he_is_relieved_and_two_leads_at_once_are_settled() -> None:
    given(FORMED)
    when(assign_lead, ADA)
    then(LeadAssigned(ADA))
    when(assign_lead, ADA)
    then()
    when(relieve_lead)
    then(LeadRelieved(over=(entry(2),)))
    when(relieve_lead)
    then()
    then_state(lead=None)
    given(FORMED)
    one, other = story.in_either_order(LeadAssigned(ADA), LeadAssigned(GRACE))
    assert (one.lead, one.rival_leads) == (ADA, (GRACE,))
    assert (other.lead, other.rival_leads) == (GRACE, (ADA,))
    given(FORMED, LeadAssigned(ADA), meanwhile(LeadAssigned(GRACE)))
    when(assign_lead, ADA)
    then(LeadAssigned(ADA, over=(entry(2), entry(3))))
    then_state(lead=ADA, rival_leads=())


def test_ships_and_members_come_and_go_and_asking_twice_is_harmless() -> None:
    given(FORMED)
    when(enlist_ship, SHIP)
    then(ShipEnlisted(SHIP))
    when(enlist_ship, SHIP)
    then()
    when(enlist_member, ADA)
    then(MemberEnlisted(ADA))
    when(enlist_member, ADA)
    then()
    then_state(ships=(SHIP,), members=(ADA,))
    when(release_ship, SHIP)
    then(ShipReleased(SHIP))
    when(release_ship, SHIP)
    then()
    when(release_member, ADA)
    then(MemberReleased(ADA))
    when(release_member, ADA)
    then()
    then_state(ships=(), members=())


def test_a_member_leaves_by_himself_and_only_himself() -> None:
    given(FORMED, MemberEnlisted(ADA), MemberEnlisted(GRACE))
    when(leave, ADA, by=ADA)
    then(MemberLeft())
    then_state(members=(GRACE,))
    when(leave, ADA, by=ADA)
    then()
    given(FORMED, MemberEnlisted(ADA), told(MemberLeft(), by=GRACE))
    then_state(members=(ADA,))


def test_enlisted_from_two_devices_once_is_enough() -> None:
    given(
        FORMED, ShipEnlisted(SHIP), meanwhile(ShipEnlisted(SHIP)), MemberEnlisted(ADA), meanwhile(MemberEnlisted(ADA))
    )
    then_state(ships=(SHIP,), members=(ADA,))


def test_of_enlisting_and_releasing_at_once_the_last_in_fold_order_stands() -> None:
    given(FORMED)
    one, other = story.in_either_order(ShipEnlisted(SHIP), ShipReleased(SHIP))
    assert (one.ships, other.ships) == ((), (SHIP,))
    one, other = story.in_either_order(MemberEnlisted(ADA), told(MemberLeft(), by=ADA))
    assert (one.members, other.members) == ((), (ADA,))
    one, other = story.in_either_order(MemberEnlisted(ADA), MemberReleased(ADA))
    assert (one.members, other.members) == ((), (ADA,))


def full(**lists: Roll[bytes, bytes]) -> Scenario[Squadron]:
    return Scenario(Squadron(formed=True, **lists), evolve)  # type: ignore[arg-type]  # ids by field name


def test_a_full_squadron_takes_no_more_but_a_merge_drops_nobody() -> None:
    ids = tuple(number.to_bytes(16, "big") for number in range(MEMBERS_MAX))
    crowd = full(ships=roll_of(ids[:SHIPS_MAX], bytes), members=roll_of(ids, bytes))
    crowd.when(enlist_ship, SHIP)
    crowd.then_refused(SquadronFull, title=crowd.state.title, what="ships", count=SHIPS_MAX)
    crowd.when(enlist_member, ADA)
    crowd.then_refused(SquadronFull, title=crowd.state.title, what="members", count=MEMBERS_MAX)
    crowd.given(ShipEnlisted(SHIP), MemberEnlisted(ADA))
    assert (len(crowd.state.ships), len(crowd.state.members)) == (SHIPS_MAX + 1, MEMBERS_MAX + 1)


def test_a_lead_relieved_while_another_was_assigned_leaves_the_other_in_either_order() -> None:
    given(FORMED, LeadAssigned(ADA))
    one, other = story.in_either_order(LeadRelieved((entry(2),)), LeadAssigned(GRACE, (entry(2),)))
    assert one == other
    assert one.lead == GRACE

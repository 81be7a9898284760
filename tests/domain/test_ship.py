"""A ship: whose, where it stands, in what state, with whom, under which fleet."""

import pytest

from scmanager.domain.event import About, Event
from scmanager.domain.hangar import (
    CLAIM_MAX_S,
    ClaimTimeUnusable,
    LentAlready,
    LentToOwner,
    LoanTimeUnusable,
    NotLent,
    OwnershipContested,
    ShipGone,
    ShipKnown,
    ShipNotContested,
    ShipNotYours,
    ShipUnknown,
    add,
    assign,
    lend,
    name,
    remove,
    restore,
    return_,
    set_readiness,
    settle_loan,
    settle_owner,
    share,
    transfer,
    unassign,
    withdraw_share,
)
from scmanager.domain.payload import INT_MAX
from scmanager.domain.ship import Loan, Ship, Standing, claim_left_s, evolve, overdue, readiness_at
from scmanager.domain.ship_events import (
    FOR,
    Added,
    AddedFor,
    Assigned,
    AssignedFor,
    Lent,
    LentFor,
    Named,
    NamedFor,
    Nickname,
    Owner,
    OwnerKind,
    Readiness,
    ReadinessChanged,
    ReadinessChangedFor,
    RemovalReason,
    Removed,
    RemovedFor,
    Restored,
    RestoredFor,
    Returned,
    ReturnedFor,
    Shared,
    ShareWithdrawn,
    Source,
    Transferred,
    TransferredFor,
    Unassigned,
)
from scmanager.domain.words import WordsUnusable
from tests.support.scenario import LEADER, THING, Scenario, Told, entry, meanwhile, told, who

ADA, GRACE, LIN, STRANGER = who("ada"), who("grace"), who("lin"), who("stranger")
ORG = Owner(OwnerKind.ORGANISATION, who("org"))
FLEET, OTHER_FLEET = who("first fleet"), who("second fleet")
MARK = who("random mark")

story = Scenario(Ship(), evolve)
given, when, then, then_refused, then_state = story.verbs()


def owner(member: bytes) -> Owner:
    return Owner(OwnerKind.MEMBER, member)


def own(event: Event) -> Told:
    return told(event, by=ADA, rank=5)


def own_meanwhile(event: Event) -> Told:
    return meanwhile(event, by=ADA, rank=5)


ADDED = own(Added("aegis-vanguard", Source.FILE, MARK))
OF_THE_ORG = AddedFor("aegis-vanguard", ORG)


def test_a_member_adds_his_own_ship() -> None:
    given()
    when(add, ADA, "aegis-vanguard", Source.FILE, MARK, owner(ADA), by=ADA)
    then(Added("aegis-vanguard", Source.FILE, MARK))
    then_state(
        id=THING, owner=owner(ADA), model="aegis-vanguard", source=Source.FILE, mark=MARK, standing=Standing.PRESENT
    )


def test_a_ship_of_the_organisation_or_of_another_member_is_added_by_right() -> None:
    for whose in (ORG, owner(GRACE)):
        given()
        when(add, ADA, "aegis-vanguard", Source.TYPED, None, whose, by=ADA)
        then(AddedFor("aegis-vanguard", whose))
        then_state(owner=whose)


def test_a_ship_is_added_once() -> None:
    given(ADDED)
    when(add, ADA, "aegis-vanguard", Source.TYPED, None, owner(ADA))
    then_refused(ShipKnown)


@pytest.mark.parametrize("bring", [Shared, Added])
def test_one_id_brought_by_two_at_once_is_contested_and_nobody_is_dropped(bring: type[Shared | Added]) -> None:
    given()
    one, other = story.in_either_order(own(bring("aegis-vanguard")), told(bring("anvil-carrack"), by=GRACE))
    assert (one.owner, one.model, one.rival_owners) == (owner(ADA), "aegis-vanguard", (owner(GRACE),))
    assert (other.owner, other.model, other.rival_owners) == (owner(GRACE), "anvil-carrack", (owner(ADA),))


def test_who_takes_a_ship_by_an_earlier_date_is_seen_and_settled() -> None:
    given(told(Added("anvil-carrack"), by=GRACE), own_meanwhile(Added("aegis-vanguard")))
    then_state(owner=owner(GRACE), rival_owners=(owner(ADA),))
    when(settle_owner, owner(ADA))
    then_state(owner=owner(ADA), rival_owners=())


@pytest.mark.parametrize("bring", [Shared, Added])
def test_a_ship_that_two_brought_is_what_whoever_has_it_says(bring: type[Shared | Added]) -> None:
    mark, settled = who("mark"), (entry(1), entry(2))
    hers = AddedFor("anvil-carrack", owner(GRACE), Source.FILE, mark)
    given(
        own(bring("aegis-vanguard")),
        own(Named()),
        meanwhile(hers),
        TransferredFor(owner(GRACE), (entry(1), entry(3))),
    )
    then_state(
        owner=owner(GRACE), model="anvil-carrack", source=Source.FILE, mark=mark, details=entry(3), nickname=b""
    )
    for to, model in ((GRACE, "anvil-carrack"), (ADA, "aegis-vanguard")):
        given(own(bring("aegis-vanguard")), meanwhile(bring("anvil-carrack"), by=GRACE))
        when(settle_owner, owner(to))
        then_state(owner=owner(to), rival_owners=(), model=model)
    given(own(Shared("aegis-vanguard")), meanwhile(Shared("anvil-carrack"), by=GRACE), own(Shared("aegis-sentinel")))
    then_state(model="aegis-sentinel")
    when(settle_owner, owner(GRACE))
    then_state(model="anvil-carrack", details=entry(2))
    when(transfer, GRACE, owner(ADA), by=GRACE)
    then_state(model="aegis-sentinel", details=entry(1))
    when(transfer, ADA, owner(LIN), by=ADA)
    then_state(model="aegis-sentinel", details=b"")
    given(own(Shared("aegis-vanguard")), meanwhile(Shared("anvil-carrack"), by=GRACE))
    one, other = story.in_either_order(TransferredFor(owner(GRACE), settled), TransferredFor(owner(ADA), settled))
    assert (one.owner, one.model, other.owner, other.model) == (
        owner(GRACE), "anvil-carrack", owner(ADA), "aegis-vanguard",
    )  # fmt: skip


def test_a_ship_that_one_brought_stays_what_it_became_wherever_it_goes() -> None:
    given(
        own(Shared("aegis-vanguard")),
        own(Transferred(owner(GRACE), (entry(1),))),
        told(Shared("aegis-sentinel"), by=GRACE),
        told(Transferred(owner(ADA), (entry(2),)), by=GRACE),
    )
    then_state(owner=owner(ADA), model="aegis-sentinel")


def test_a_ship_from_the_hangar_is_shared_withdrawn_and_shared_again() -> None:
    given()
    when(share, ADA, "aegis-vanguard", by=ADA)
    then(Shared("aegis-vanguard"))
    when(share, ADA, "aegis-vanguard", by=ADA)
    then()
    when(withdraw_share, ADA, by=ADA)
    then(ShareWithdrawn())
    when(withdraw_share, ADA, by=ADA)
    then()
    then_state(standing=Standing.WITHDRAWN, owner=owner(ADA))
    when(share, ADA, "aegis-sentinel", by=ADA)
    then_state(standing=Standing.PRESENT, model="aegis-sentinel")
    when(share, ADA, "aegis-vanguard", by=ADA)
    then(Shared("aegis-vanguard"))
    when(withdraw_share, ADA, by=ADA)
    when(share, ADA, "aegis-vanguard", by=ADA)
    then(Shared("aegis-vanguard"))


def test_a_removed_ship_is_not_shared_back_and_an_unknown_one_is_neither_removed_nor_restored() -> None:
    given(ADDED, own(Removed(RemovalReason.SOLD)), own(Shared("aegis-sentinel")))
    then_state(standing=Standing.REMOVED, model="aegis-vanguard")
    for event in (RemovedFor(RemovalReason.SOLD), RestoredFor()):
        given(event)
        then_state(standing=Standing.UNKNOWN)


def test_only_the_owner_shares_and_withdraws() -> None:
    given(own(Shared("aegis-vanguard")))
    when(share, GRACE, "aegis-vanguard")
    then_refused(ShipKnown)
    when(withdraw_share, GRACE)
    then_refused(ShipNotYours)
    given()
    when(withdraw_share, GRACE)
    then_refused(ShipUnknown)
    given(ADDED, own(Removed(RemovalReason.SOLD)))
    when(share, ADA, "aegis-vanguard")
    then_refused(ShipGone, standing="removed")


def test_of_sharing_and_withdrawing_at_once_the_last_in_fold_order_stands() -> None:
    given(own(Shared("aegis-vanguard")))
    one, other = story.in_either_order(own(Shared("aegis-sentinel")), own(ShareWithdrawn()))
    assert (one.standing, other.standing) == (Standing.WITHDRAWN, Standing.PRESENT)


def test_what_its_owner_withdrew_only_he_shows_again() -> None:
    given(own(Shared("aegis-vanguard")))
    one, other = story.in_either_order(own(ShareWithdrawn()), RemovedFor(RemovalReason.MISTAKE))
    assert one == other
    assert (one.standing, one.removed_for) == (Standing.WITHDRAWN, None)
    given(own(Shared("aegis-vanguard")), own(ShareWithdrawn()))
    when(remove, LEADER, RemovalReason.MISTAKE)
    then_refused(ShipGone, standing="withdrawn")
    given(own(Shared("aegis-vanguard")), own(ShareWithdrawn()), RestoredFor(), AddedFor("aegis-vanguard", owner(ADA)))
    then_state(standing=Standing.WITHDRAWN)
    given(ADDED, own(ShareWithdrawn()), ADDED)
    then_state(standing=Standing.PRESENT)


def test_a_nickname_is_sealed_under_the_owner_s_key() -> None:
    given(ADDED)
    when(name, ADA, "Old Lady", by=ADA)
    then(About(Named(), ADA, Nickname("Old Lady")))
    then_state(nickname=entry(2))
    given(OF_THE_ORG)
    when(name, ADA, "Flagship")
    then(About(NamedFor(), ORG.subject, Nickname("Flagship")))
    when(name, ADA, "x" * 81)
    then_refused(WordsUnusable)


def test_of_two_nicknames_at_once_the_last_in_fold_order_stands() -> None:
    given(ADDED)
    one, other = story.in_either_order(own(Named()), NamedFor())
    assert (one.nickname, other.nickname) == (entry(3), entry(2))


@pytest.mark.parametrize("reason", list(RemovalReason))
def test_a_ship_is_removed_for_a_reason_and_restored(reason: RemovalReason) -> None:
    given(ADDED)
    when(remove, ADA, reason, by=ADA)
    then(Removed(reason))
    when(remove, ADA, reason, by=ADA)
    then()
    then_state(standing=Standing.REMOVED, removed_for=reason, owner=owner(ADA))
    when(restore, ADA, by=ADA)
    then(Restored())
    when(restore, ADA, by=ADA)
    then()
    then_state(standing=Standing.PRESENT, removed_for=None)


def test_the_reason_of_a_removal_can_be_put_right() -> None:
    given(ADDED, own(Removed(RemovalReason.SOLD)))
    when(remove, ADA, RemovalReason.MELTED, by=ADA)
    then(Removed(RemovalReason.MELTED))
    then_state(removed_for=RemovalReason.MELTED)


def test_who_manages_ships_removes_and_restores_by_right() -> None:
    given(ADDED)
    when(remove, LEADER, RemovalReason.MISTAKE)
    then(RemovedFor(RemovalReason.MISTAKE))
    when(restore, LEADER)
    then(RestoredFor())


def test_of_removing_and_restoring_at_once_the_last_in_fold_order_stands() -> None:
    given(ADDED, own(Removed(RemovalReason.SOLD)))
    one, other = story.in_either_order(own(Restored()), RemovedFor(RemovalReason.MELTED))
    assert (one.standing, one.removed_for) == (Standing.REMOVED, RemovalReason.MELTED)
    assert (other.standing, other.removed_for) == (Standing.PRESENT, None)


def test_a_removed_ship_does_nothing_and_an_unknown_one_neither() -> None:
    verbs = (
        (name, ADA, "x"),
        (transfer, ADA, ORG),
        (set_readiness, ADA, Readiness.LOST, 0),
        (lend, ADA, GRACE, 0),
        (assign, ADA, FLEET),
    )
    for decide, *args in verbs:
        given(ADDED, own(Removed(RemovalReason.SOLD)))
        when(decide, *args)
        then_refused(ShipGone, standing="removed")
        given()
        when(decide, *args)
        then_refused(ShipUnknown)
    for decide, *args in ((remove, ADA, RemovalReason.SOLD), (restore, ADA), (return_, ADA, GRACE), (unassign, ADA)):
        given()
        when(decide, *args)
        then_refused(ShipUnknown)


def test_what_a_removed_ship_was_told_meanwhile_is_kept() -> None:
    given(ADDED)
    one, other = story.in_either_order(own(Removed(RemovalReason.MISTAKE)), ReadinessChangedFor(Readiness.LOST))
    assert one == other
    assert (one.standing, one.readiness) == (Standing.REMOVED, Readiness.LOST)


def test_a_ship_is_transferred_and_the_former_owner_s_words_go() -> None:
    given(ADDED, own(Named()))
    when(transfer, ADA, owner(GRACE), by=ADA)
    then(Transferred(owner(GRACE), over=(entry(1),)))
    then_state(owner=owner(GRACE), rival_owners=(), nickname=b"")
    when(transfer, ADA, owner(GRACE))
    then()


def test_a_nickname_stays_as_long_as_its_owner() -> None:
    given(ADDED, own(Named()), TransferredFor(owner(ADA), (entry(1),)))
    then_state(owner=owner(ADA), nickname=entry(2))


def test_what_is_not_his_any_more_he_does_not_give_away() -> None:
    given(ADDED, own(Transferred(owner(GRACE), (entry(1),))), own(Named()), own(Transferred(owner(LIN), (entry(2),))))
    then_state(owner=owner(GRACE), rival_owners=(), nickname=b"")


def test_given_away_by_two_devices_at_once_the_first_has_it_and_it_is_contested() -> None:
    given(ADDED)
    to_grace, to_lin = Transferred(owner(GRACE), (entry(1),)), Transferred(owner(LIN), (entry(1),))
    one, other = story.in_either_order(own(to_grace), own(to_lin))
    assert (one.owner, one.rival_owners) == (owner(GRACE), (owner(LIN),))
    assert (other.owner, other.rival_owners) == (owner(LIN), (owner(GRACE),))
    given(ADDED, own(to_grace), own_meanwhile(to_lin))
    when(transfer, GRACE, ORG)
    then_refused(OwnershipContested)
    when(settle_owner, ORG)
    then_refused(ShipNotContested)
    when(settle_owner, owner(LIN))
    then(TransferredFor(owner(LIN), over=(entry(2), entry(3))))
    then_state(owner=owner(LIN), rival_owners=())
    when(settle_owner, owner(LIN))
    then_refused(ShipNotContested)


def test_settled_for_two_at_once_it_is_contested_between_those() -> None:
    given(ADDED, own(Transferred(owner(GRACE), (entry(1),))), own_meanwhile(Transferred(owner(LIN), (entry(1),))))
    both = (entry(2), entry(3))
    for_grace, for_lin = TransferredFor(owner(GRACE), over=both), TransferredFor(owner(LIN), over=both)
    one, other = story.in_either_order(told(for_grace), told(for_lin))
    assert (one.owner, one.rival_owners) == (owner(GRACE), (owner(LIN),))
    assert (other.owner, other.rival_owners) == (owner(LIN), (owner(GRACE),))


def test_a_former_owner_cannot_take_it_back_by_claiming_to_know_the_new_one() -> None:
    given(ADDED, own(Transferred(owner(GRACE), (entry(1),))), own(Transferred(owner(ADA), (entry(1), entry(2)))))
    then_state(owner=owner(GRACE), rival_owners=(owner(ADA),))


def test_a_contested_owner_passes_on_his_own_claim_only() -> None:
    given(
        ADDED,
        own(Transferred(owner(GRACE), (entry(1),))),
        own_meanwhile(Transferred(owner(LIN), (entry(1),))),
        told(Transferred(ORG, (entry(2), entry(3))), by=GRACE),
    )
    then_state(owner=ORG, rival_owners=(owner(LIN),))


def test_given_away_twice_to_the_same_member_is_no_contest_and_passes_on_whole() -> None:
    given(
        ADDED,
        own(Transferred(owner(GRACE), (entry(1),))),
        own_meanwhile(Transferred(owner(GRACE), (entry(1),))),
    )
    then_state(owner=owner(GRACE), rival_owners=())
    when(transfer, GRACE, owner(LIN), by=GRACE)
    then(Transferred(owner(LIN), over=(entry(2), entry(3))))
    then_state(owner=owner(LIN), rival_owners=())


def test_what_the_organisation_owns_moves_by_right() -> None:
    given(OF_THE_ORG)
    when(transfer, LEADER, owner(ADA))
    then(TransferredFor(owner(ADA), over=(entry(1),)))
    then_state(owner=owner(ADA))


def test_a_ship_is_damaged_lost_and_ready_again() -> None:
    given(ADDED)
    for readiness in (Readiness.DAMAGED, Readiness.LOST, Readiness.READY):
        when(set_readiness, ADA, readiness, 1000, by=ADA)
        then(ReadinessChanged(readiness))
        then_state(readiness=readiness)
    when(set_readiness, ADA, Readiness.READY, 1000)
    then()
    when(set_readiness, LEADER, Readiness.LOST, 1000)
    then(ReadinessChangedFor(Readiness.LOST))


def test_a_claim_runs_down_by_the_reader_s_clock() -> None:
    given(ADDED)
    when(set_readiness, ADA, Readiness.IN_CLAIM, 1000, 1600, by=ADA)
    then(ReadinessChanged(Readiness.IN_CLAIM, 1600))
    assert (readiness_at(story.state, 1599), claim_left_s(story.state, 1599)) == (Readiness.IN_CLAIM, 1)
    assert (readiness_at(story.state, 1600), claim_left_s(story.state, 1600)) == (Readiness.READY, 0)
    assert claim_left_s(story.state, 1700) == 0
    when(set_readiness, ADA, Readiness.LOST, 1700, by=ADA)
    then_state(readiness=Readiness.LOST, claim_until=0)
    assert (readiness_at(story.state, 9999), claim_left_s(story.state, 0)) == (Readiness.LOST, 0)


@pytest.mark.parametrize(
    ("readiness", "until"),
    [
        (Readiness.IN_CLAIM, 0),
        (Readiness.IN_CLAIM, 1000),
        (Readiness.IN_CLAIM, 1001 + CLAIM_MAX_S),
        (Readiness.READY, 2000),
    ],
)
def test_a_time_that_no_claim_has_is_refused(readiness: Readiness, until: int) -> None:
    given(ADDED)
    when(set_readiness, ADA, readiness, 1000, until)
    then_refused(ClaimTimeUnusable, until=until)


def test_the_longest_claim_there_is_is_taken() -> None:
    given(ADDED)
    when(set_readiness, ADA, Readiness.IN_CLAIM, 1000, 1000 + CLAIM_MAX_S, by=ADA)
    then_state(claim_until=1000 + CLAIM_MAX_S)


def test_a_time_beside_another_readiness_does_not_count() -> None:
    given(ADDED, own(ReadinessChanged(Readiness.LOST, 2000)))
    then_state(readiness=Readiness.LOST, claim_until=0)


def test_of_two_readinesses_at_once_the_last_in_fold_order_stands() -> None:
    given(ADDED)
    one, other = story.in_either_order(
        own(ReadinessChanged(Readiness.LOST)), ReadinessChangedFor(Readiness.IN_CLAIM, 9)
    )
    assert (one.readiness, one.claim_until) == (Readiness.IN_CLAIM, 9)
    assert (other.readiness, other.claim_until) == (Readiness.LOST, 0)


def test_a_ship_is_lent_and_given_back_by_the_borrower() -> None:
    given(ADDED)
    when(lend, ADA, GRACE, 1000, 2000, by=ADA)
    then(Lent(GRACE, 2000))
    when(lend, ADA, GRACE, 1000, 2000, by=ADA)
    then()
    then_state(loan=Loan(GRACE, 2000), rival_loans=())
    assert not overdue(story.state, 1999)
    assert overdue(story.state, 2000)
    when(return_, GRACE, GRACE, by=GRACE)
    then(Returned(entry(2)))
    then_state(loan=None)
    assert not overdue(story.state, 9999)


def test_a_loan_may_end_at_any_moment_that_a_clock_can_show() -> None:
    for until in (1, INT_MAX):
        given(ADDED)
        when(lend, ADA, GRACE, 0, until, by=ADA)
        then(Lent(GRACE, until))
        assert not overdue(story.state, until - 1)
        assert overdue(story.state, until)
    given(ADDED)
    when(lend, ADA, GRACE, 0, INT_MAX + 1)
    then_refused(LoanTimeUnusable, until=INT_MAX + 1)


def test_a_loan_without_a_day_is_never_overdue() -> None:
    given(ADDED, own(Lent(GRACE)))
    assert not overdue(story.state, 10**9)


def test_the_owner_takes_it_back_and_who_manages_ships_does_both_by_right() -> None:
    given(ADDED, own(Lent(GRACE)))
    when(return_, ADA, GRACE, by=ADA)
    then(Returned(entry(2)))
    given(OF_THE_ORG)
    when(lend, LEADER, GRACE, 0)
    then(LentFor(GRACE))
    when(return_, LEADER, GRACE)
    then(ReturnedFor(entry(2)))
    then_state(loan=None)


def test_what_is_lent_is_not_lent_again_nor_to_its_owner_nor_until_yesterday() -> None:
    given(ADDED, own(Lent(GRACE)))
    when(lend, ADA, LIN, 0)
    then_refused(LentAlready)
    when(lend, ADA, ADA, 0)
    then_refused(LentToOwner)
    given(ADDED)
    when(lend, ADA, LIN, 1000, 1000)
    then_refused(LoanTimeUnusable, until=1000)


def test_what_is_not_lent_is_not_returned() -> None:
    given(ADDED)
    when(return_, ADA, GRACE)
    then_refused(NotLent, to_whom="")
    given(ADDED, own(Lent(GRACE)))
    when(return_, ADA, LIN)
    then_refused(NotLent, to_whom=" to this member")


def test_only_owner_and_borrower_return_without_a_right() -> None:
    given(ADDED, own(Lent(GRACE)), told(Returned(entry(2)), by=LIN))
    then_state(loan=Loan(GRACE))


def test_lent_to_two_at_once_the_first_has_it_and_the_other_waits() -> None:
    given(ADDED)
    one, other = story.in_either_order(own(Lent(GRACE, 10)), LentFor(LIN, 20))
    assert (one.loan, one.rival_loans) == (Loan(GRACE, 10), (Loan(LIN, 20),))
    assert (other.loan, other.rival_loans) == (Loan(LIN, 20), (Loan(GRACE, 10),))
    given(ADDED, own(Lent(GRACE)), meanwhile(LentFor(LIN)), told(Returned(entry(2)), by=GRACE))
    then_state(loan=Loan(LIN), rival_loans=())


def test_lent_to_the_same_member_from_two_devices_is_one_loan() -> None:
    given(ADDED, own(Lent(GRACE, 10)), own_meanwhile(Lent(GRACE, 20)))
    then_state(loan=Loan(GRACE, 10), rival_loans=())


def test_contested_loans_are_settled_for_one_of_them() -> None:
    given(ADDED, own(Lent(GRACE)), meanwhile(LentFor(LIN)))
    when(settle_loan, ADA, STRANGER)
    then_refused(ShipNotContested)
    when(settle_loan, ADA, LIN, by=ADA)
    then(Returned(entry(2)))
    then_state(loan=Loan(LIN), rival_loans=())
    when(settle_loan, ADA, LIN)
    then_refused(ShipNotContested)


def test_returned_and_lent_anew_at_once_leaves_the_new_loan_in_either_order() -> None:
    given(ADDED, own(Lent(GRACE)))
    one, other = story.in_either_order(told(Returned(entry(2)), by=GRACE), LentFor(LIN))
    assert one == other
    assert one.loan == Loan(LIN)


def test_a_ship_flies_with_a_fleet() -> None:
    given(ADDED)
    when(assign, ADA, FLEET, by=ADA)
    then(Assigned(FLEET))
    when(assign, ADA, FLEET, by=ADA)
    then()
    when(assign, LEADER, OTHER_FLEET)
    then(AssignedFor(OTHER_FLEET, over=(entry(2),)))
    then_state(fleet=OTHER_FLEET, rival_fleets=())
    when(unassign, ADA, by=ADA)
    then(Unassigned(over=(entry(3),)))
    when(unassign, ADA, by=ADA)
    then()
    then_state(fleet=None)


def test_assigned_to_two_fleets_at_once_it_is_contested_until_assigned_again() -> None:
    given(ADDED)
    one, other = story.in_either_order(own(Assigned(FLEET)), AssignedFor(OTHER_FLEET))
    assert (one.fleet, one.rival_fleets) == (FLEET, (OTHER_FLEET,))
    assert (other.fleet, other.rival_fleets) == (OTHER_FLEET, (FLEET,))
    given(ADDED, own(Assigned(FLEET)), meanwhile(AssignedFor(OTHER_FLEET)))
    when(assign, ADA, FLEET, by=ADA)
    then(Assigned(FLEET, over=(entry(2), entry(3))))
    then_state(fleet=FLEET, rival_fleets=())


def test_unassigned_while_it_was_assigned_elsewhere_it_keeps_the_new_fleet_in_either_order() -> None:
    given(ADDED, own(Assigned(FLEET)))
    one, other = story.in_either_order(own(Unassigned((entry(2),))), AssignedFor(OTHER_FLEET, (entry(2),)))
    assert one == other
    assert one.fleet == OTHER_FLEET


def test_every_twin_says_the_same_by_another_voice() -> None:
    for event, twin in FOR.items():
        assert issubclass(twin, event)
        assert twin.tag == event.tag.replace("/1", "-for/1")
        assert twin.__struct_fields__ == event.__struct_fields__

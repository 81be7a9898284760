"""A member on the roster: recorded, invited, joined, left, removed, claimed."""

from scmanager.domain import governance
from scmanager.domain.event import About, Event
from scmanager.domain.governance import Granted
from scmanager.domain.member import (
    Claimed,
    Confirmed,
    InvitationTimeUnusable,
    InvitationWithdrawn,
    Invited,
    Joined,
    JoinedAlready,
    Left,
    LeftFor,
    Member,
    MemberGone,
    MemberKnown,
    MemberUnknown,
    Note,
    Noted,
    NothingContested,
    NotInvited,
    NotYours,
    Profile,
    ProfileChanged,
    ProfileChangedFor,
    RankTooHigh,
    Recorded,
    RemovalReason,
    Removed,
    Standing,
    change_profile,
    confirm,
    evolve,
    invitation_holds,
    invite,
    join,
    leave,
    note,
    record,
    remove,
    withdraw_invitation,
)
from scmanager.domain.payload import RANK_LOWEST
from scmanager.domain.placeholder import ClaimConfirmed, ClaimedAlready, NoPlaceholder, claim, settle_claim
from scmanager.domain.seats import SEATS_MAX
from scmanager.domain.words import WordsUnusable
from tests.support.scenario import LEADER, Scenario, Told, entry, meanwhile, told, who

ADA, GRACE, LIN = who("ada"), who("grace"), who("lin")
story = Scenario(Member(), evolve, entity=ADA)
given, when, then, then_refused, then_state = story.verbs()


def seat(rank: int, member: bytes = ADA) -> Granted:
    return Granted(member, bytes(32), bytes(32), bytes(32), rank)


def own(event: Event, rank: int = 5) -> Told:
    return told(event, by=ADA, rank=rank)


def test_a_leader_records_somebody_without_an_installation() -> None:
    given()
    when(record, ADA, "Ada_L", "Ada")
    then(About(Recorded(), ADA, Profile("Ada_L", "Ada")))
    then_state(id=ADA, standing=Standing.RECORDED, profile=entry(1))
    given()
    when(record, ADA, "Ada_L")
    then(About(Recorded(), ADA, Profile("Ada_L", "")))


def test_nobody_is_recorded_twice_or_without_a_handle() -> None:
    given(Recorded())
    when(record, ADA, "Ada_L")
    then_refused(MemberKnown, standing="recorded")
    given()
    when(record, ADA, " ")
    then_refused(WordsUnusable, why="it is empty")
    when(record, ADA, "a" * 81)
    then_refused(WordsUnusable)


def test_recorded_from_two_devices_the_last_words_in_fold_order_stand() -> None:
    given()
    one, other = story.in_either_order(Recorded(), Recorded())
    assert (one.profile, other.profile) == (entry(2), entry(1))


def test_a_member_changes_his_profile_and_a_leader_speaks_for_him() -> None:
    given(Recorded())
    when(change_profile, ADA, 5, "Ada_L", "", by=ADA, rank=5)
    then(About(ProfileChanged(), ADA, Profile("Ada_L")))
    when(change_profile, LEADER, 0, "Ada_L", "Countess")
    then(About(ProfileChangedFor(), ADA, Profile("Ada_L", "Countess")))
    then_state(profile=entry(3))
    given()
    when(change_profile, LEADER, 0, "Ada_L", "")
    then_refused(MemberUnknown)


def test_a_profile_in_his_name_counts_only_from_himself() -> None:
    given(Recorded(), told(ProfileChanged(), by=GRACE))
    then_state(profile=entry(1))


def test_of_two_profiles_at_once_the_last_in_fold_order_stands() -> None:
    given(Recorded())
    one, other = story.in_either_order(own(ProfileChanged()), ProfileChangedFor())
    assert (one.profile, other.profile) == (entry(3), entry(2))


def test_a_note_is_kept_under_the_member_s_own_key() -> None:
    given(Recorded())
    when(note, "Flies well at night.")
    then(About(Noted(), ADA, Note("Flies well at night.")))
    then_state(note=entry(2), profile=entry(1))
    when(note, "")
    then(About(Noted(), ADA, Note("")))
    given()
    when(note, "x")
    then_refused(MemberUnknown)


def test_of_two_notes_at_once_the_last_in_fold_order_stands() -> None:
    given(Recorded())
    one, other = story.in_either_order(Noted(), Noted())
    assert (one.note, other.note) == (entry(3), entry(2))


def test_somebody_is_invited_and_joins() -> None:
    given()
    when(invite, 1000, 2000)
    then(Invited(2000))
    when(invite, 1000, 2000)
    then()
    when(join, ADA, ADA, 5, 1999, by=ADA, rank=5)
    then(Joined())
    then_state(standing=Standing.JOINED, join_contested=False)


def test_who_has_joined_joins_again_only_after_he_was_gone_and_invited_again() -> None:
    given(Invited(), own(Joined()))
    when(join, ADA, ADA, 5, 0, by=ADA)
    then_refused(JoinedAlready)
    for gone in (own(Left()), told(Removed())):
        given(Invited(), own(Joined()), gone)
        when(join, ADA, ADA, 5, 0, by=ADA)
        then_refused(NotInvited)
        given(Invited(), own(Joined()), gone, Invited())
        when(join, ADA, ADA, 5, 0, by=ADA, rank=5)
        then(Joined())
        then_state(standing=Standing.JOINED)


def test_an_invitation_ends_at_its_time() -> None:
    given(Invited(2000))
    assert invitation_holds(story.state, 1999)
    assert not invitation_holds(story.state, 2000)
    when(join, ADA, ADA, 5, 2000)
    then_refused(NotInvited)
    when(invite, 2000, 2000)
    then_refused(InvitationTimeUnusable, until=2000)
    when(invite, 2000)
    then(Invited())
    assert invitation_holds(story.state, 10**12)


def test_who_has_joined_is_not_invited() -> None:
    given(Invited(), own(Joined()))
    when(invite, 0)
    then_refused(MemberKnown, standing="joined")


def test_nobody_joins_for_another_or_unasked_but_the_founder() -> None:
    given()
    when(join, ADA, GRACE, 5, 0)
    then_refused(NotYours)
    when(join, ADA, ADA, 5, 0)
    then_refused(NotInvited)
    when(join, ADA, ADA, 1, 0)
    then_refused(NotInvited)
    when(join, ADA, ADA, 0, 0, by=ADA)
    then(Joined())
    given(Invited(), told(Joined(), by=GRACE))
    then_state(standing=Standing.INVITED)


def test_a_recorded_member_joins_with_a_grant_to_his_own_id_and_keeps_his_history() -> None:
    given(Recorded(), Noted())
    when(join, ADA, ADA, 5, 0, by=ADA)
    then(Joined())
    then_state(standing=Standing.JOINED, profile=entry(1), note=entry(2))


def test_an_invitation_is_withdrawn() -> None:
    given(Invited())
    when(withdraw_invitation)
    then(InvitationWithdrawn())
    when(withdraw_invitation)
    then()
    when(join, ADA, ADA, 5, 0)
    then_refused(NotInvited)
    given(Recorded())
    when(withdraw_invitation)
    then_refused(NotInvited)


def test_accepted_while_it_was_withdrawn_he_is_in_but_contested_in_either_order() -> None:
    given(Invited())
    for state in story.in_either_order(own(Joined()), InvitationWithdrawn()):
        assert (state.standing, state.join_contested) == (Standing.JOINED, True)


def test_an_invitation_or_a_record_that_crosses_a_joining_changes_nothing_of_it() -> None:
    for crossing in (Invited(10), Recorded()):
        given(Invited(), own(Joined()), meanwhile(crossing))
        then_state(standing=Standing.JOINED, invited_until=0)


def test_who_is_invited_again_after_a_withdrawal_joins_uncontested() -> None:
    given(Invited(), InvitationWithdrawn())
    when(invite, 0)
    then(Invited())
    when(join, ADA, ADA, 5, 0, by=ADA)
    then_state(standing=Standing.JOINED, join_contested=False)


def test_who_leaves_ends_what_was_contested_about_his_joining() -> None:
    given(Invited(), InvitationWithdrawn(), own(Joined()), own(Left()))
    then_state(standing=Standing.LEFT, join_contested=False)


def test_a_withdrawal_by_one_who_knew_that_he_had_joined_contests_nothing() -> None:
    given(Invited(), own(Joined()), InvitationWithdrawn())
    then_state(standing=Standing.JOINED, join_contested=False)


def test_a_contested_joining_is_settled_by_confirming_or_removing() -> None:
    given(Invited(), InvitationWithdrawn(), own(Joined()))
    then_state(join_contested=True)
    when(confirm)
    then(Confirmed())
    then_state(standing=Standing.JOINED, join_contested=False)
    when(confirm)
    then_refused(NothingContested)
    given(Invited(), InvitationWithdrawn(), own(Joined()), Removed(RemovalReason.MISTAKE))
    then_state(standing=Standing.REMOVED, join_contested=False)


def test_confirmed_and_removed_at_once_is_removed_in_either_order() -> None:
    given(Invited(), InvitationWithdrawn(), own(Joined()))
    one, other = story.in_either_order(Confirmed(), Removed(RemovalReason.MISTAKE))
    assert one.standing is other.standing is Standing.REMOVED


def test_of_two_invitations_at_once_the_last_in_fold_order_stands() -> None:
    given()
    one, other = story.in_either_order(Invited(10), Invited(20))
    assert (one.invited_until, other.invited_until) == (20, 10)


def test_a_member_leaves_or_a_leader_says_it_for_him() -> None:
    given(Invited(), own(Joined()))
    when(leave, ADA, 5, by=ADA, rank=5)
    then(Left())
    when(leave, ADA, 5, by=ADA, rank=5)
    then()
    then_state(standing=Standing.LEFT, has_left=True)
    when(invite, 0)
    then_state(standing=Standing.INVITED, has_left=False)
    given(Recorded())
    when(leave, LEADER, 0)
    then(LeftFor())
    then_state(standing=Standing.LEFT, has_left=False)


def test_nobody_leaves_who_is_not_there_or_was_removed() -> None:
    given()
    when(leave, ADA, 0)
    then_refused(MemberUnknown)
    given(Recorded(), Removed())
    when(leave, ADA, 0)
    then_refused(MemberGone, standing="removed")


def test_a_leaving_in_his_name_counts_only_from_himself() -> None:
    given(Recorded(), told(Left(), by=GRACE))
    then_state(standing=Standing.RECORDED)


def test_a_member_is_removed_and_can_be_invited_again() -> None:
    given(Recorded())
    when(remove, RemovalReason.INACTIVE, 3)
    then(Removed(RemovalReason.INACTIVE))
    then_state(standing=Standing.REMOVED, removed_for=RemovalReason.INACTIVE)
    when(remove, RemovalReason.INACTIVE, 3)
    then()
    when(invite, 0)
    then_state(standing=Standing.INVITED, removed_for=None)


def test_only_somebody_above_removes() -> None:
    given(Invited(), seat(3), own(Joined(), rank=3))
    when(remove, RemovalReason.CONDUCT, 3)
    then_refused(RankTooHigh, rank=3)
    given(Invited(), seat(3), own(Joined(), rank=3), told(Removed(), by=GRACE, rank=3))
    then_state(standing=Standing.JOINED)
    given(Invited(), seat(3), own(Joined(), rank=3), told(Removed(), by=GRACE, rank=2))
    then_state(standing=Standing.REMOVED)
    given()
    when(remove, RemovalReason.CONDUCT, 0)
    then_refused(MemberUnknown)


def test_left_and_removed_at_once_is_removed_in_either_order() -> None:
    given(Invited(), own(Joined()))
    one, other = story.in_either_order(own(Left()), Removed(RemovalReason.CONDUCT))
    assert one == other
    assert (one.standing, one.has_left) == (Standing.REMOVED, True)


def test_joining_and_being_removed_at_once_ends_in_removal_in_either_order() -> None:
    given(Invited())
    one, other = story.in_either_order(own(Joined()), Removed(RemovalReason.MISTAKE))
    assert one.standing is other.standing is Standing.REMOVED


def test_who_left_does_not_come_back_by_an_old_acceptance() -> None:
    given(Invited(), own(Joined()), own(Left()), own(Joined()))
    then_state(standing=Standing.LEFT)


def test_a_placeholder_is_claimed_by_a_living_member() -> None:
    given(Recorded(), Noted())
    when(claim, GRACE)
    then(Claimed(GRACE))
    when(claim, GRACE)
    then()
    then_state(claimed_by=GRACE, profile=entry(1), note=entry(2))


def test_what_is_no_placeholder_is_not_claimed() -> None:
    given()
    when(claim, GRACE)
    then_refused(MemberUnknown)
    given(Recorded())
    when(claim, ADA)
    then_refused(NoPlaceholder)
    given(Recorded(), own(Joined()))
    when(claim, GRACE)
    then_refused(NoPlaceholder)
    given(Recorded(), Claimed(GRACE))
    when(claim, LIN)
    then_refused(ClaimedAlready)


def test_a_placeholder_claimed_for_two_is_contested_until_it_is_settled() -> None:
    given(Recorded())
    one, other = story.in_either_order(Claimed(GRACE), Claimed(LIN))
    assert (one.claimed_by, one.rival_claims) == (GRACE, (LIN,))
    assert (other.claimed_by, other.rival_claims) == (LIN, (GRACE,))
    given(Recorded(), Claimed(GRACE), meanwhile(Claimed(LIN)))
    when(settle_claim, LIN, 0)
    then(Claimed(LIN, over=(entry(2), entry(3))))
    then_state(claimed_by=LIN, rival_claims=())
    when(settle_claim, LIN, 0)
    then()


def test_a_wrong_claim_is_put_right_and_none_is_settled_without_one() -> None:
    given(Recorded(), Claimed(GRACE))
    when(settle_claim, LIN, 0)
    then_state(claimed_by=LIN)
    when(settle_claim, ADA, 0)
    then_refused(NoPlaceholder)
    given(Recorded())
    when(settle_claim, LIN, 0)
    then_refused(NothingContested)


def test_a_placeholder_who_joins_as_himself_is_nobody_else() -> None:
    given(Recorded())
    one, other = story.in_either_order(Claimed(GRACE), own(Joined()))
    assert one.claimed_by is other.claimed_by is None
    given(Recorded(), Claimed(ADA))
    then_state(claims=())


def test_nobody_speaks_for_a_member_at_his_rank_or_above() -> None:
    here = (Invited(), seat(3), own(Joined(), rank=3), own(ProfileChanged(), rank=3))
    for decide, *words in ((change_profile, "Impostor", ""), (leave,)):
        given(*here)
        when(decide, GRACE, 3, *words, by=GRACE, rank=3)
        then_refused(RankTooHigh, rank=3)
        when(decide, GRACE, 2, *words, by=GRACE, rank=2)
        then_state(standing=Standing.LEFT if decide is leave else Standing.JOINED)
    for said in (Recorded(), ProfileChangedFor(), LeftFor()):
        given(*here, told(said, by=GRACE, rank=3))
        then_state(standing=Standing.JOINED, profile=entry(4))


def test_a_founder_who_left_comes_back_by_himself() -> None:
    given(told(Recorded(), by=ADA), own(Joined(), rank=0), own(Left(), rank=0))
    then_state(standing=Standing.LEFT)
    when(join, ADA, ADA, 0, 1000, by=ADA, rank=0)
    then(Joined())
    then_state(standing=Standing.JOINED, has_left=False)


def test_whoever_has_ever_joined_is_nobodys_placeholder() -> None:
    given(Invited(), own(Joined(), rank=5), own(Left(), rank=5), told(Claimed(GRACE)))
    then_state(claimed_by=None, rival_claims=())
    when(claim, GRACE)
    then_refused(NoPlaceholder)
    when(settle_claim, GRACE, 0)
    then_refused(NoPlaceholder)


def test_who_was_admitted_is_spoken_for_by_nobody_who_is_not_above_him_before_he_joins() -> None:
    for known in (Recorded(), Invited()):
        for decide, *words in ((change_profile, "Impostor", ""), (leave,)):
            given(known, seat(2))
            when(decide, GRACE, 2, *words, by=GRACE, rank=2)
            then_refused(RankTooHigh, rank=2)
            when(decide, GRACE, 1, *words, by=GRACE, rank=1)
            then_state(rank=2)
        given(known, seat(2))
        before = story.state
        for said in (Recorded(), ProfileChangedFor(), LeftFor(), Claimed(GRACE), Removed()):
            given(known, seat(2), told(said, by=GRACE, rank=2))
            assert story.state == before
    given(Recorded(), seat(2))
    when(claim, GRACE)
    then_refused(NoPlaceholder)


def test_what_was_said_of_a_placeholder_before_he_was_admitted_stays_said() -> None:
    given(told(Recorded(), by=GRACE, rank=3), told(Claimed(GRACE), by=GRACE, rank=3), seat(2))
    then_state(standing=Standing.RECORDED, profile=entry(1), claimed_by=None, rival_claims=())
    when(settle_claim, GRACE, 0)
    then_refused(NoPlaceholder)


def test_his_rank_is_that_of_his_highest_seat_that_stands() -> None:
    given(Invited(), seat(8), seat(2))
    then_state(rank=2)
    given(Invited(), seat(2), own(Joined(), rank=2), seat(8))
    then_state(rank=2)
    given(Invited(), seat(2), seat(8), told(governance.Removed(entry(2)), rank=1))
    then_state(rank=8)
    given(Invited(), seat(2), seat(8), own(Joined(), rank=8))
    then_state(rank=2)
    given(Invited(), seat(8), seat(2), told(governance.Removed(ADA), rank=2))
    then_state(rank=2, is_himself=True)
    given(Invited(), seat(8), seat(2), told(governance.Removed(ADA), rank=1))
    then_state(rank=2, seats=(), is_himself=False)
    given(Invited(), seat(2), own(governance.Removed(ADA), rank=1))
    then_state(rank=2, is_himself=True)
    given(Invited(), seat(2, GRACE), seat(4))
    then_state(rank=4)


def test_what_he_says_gives_nobody_a_rank_but_the_founder() -> None:
    given(Invited(), own(Joined(), rank=3))
    then_state(rank=RANK_LOWEST + 1)
    given(Invited(), seat(3), seat(8), told(governance.Removed(entry(2)), rank=0), own(ProfileChanged(), rank=3))
    then_state(rank=8)
    given(own(Joined(), rank=0), own(ProfileChanged(), rank=0))
    then_state(rank=0)


def test_of_very_many_seats_the_highest_count() -> None:
    given(*[seat(8)] * SEATS_MAX, seat(2), seat(9))
    then_state(rank=2)
    assert len(story.state.seats) == SEATS_MAX


def test_who_never_left_himself_joins_though_another_said_that_he_left() -> None:
    given(Recorded(), LeftFor(), seat(2))
    when(join, ADA, ADA, 2, 0, by=ADA, rank=2)
    then(Joined())
    then_state(standing=Standing.JOINED, joined=entry(4), rank=2)
    given(Invited(), seat(2), own(Left(), rank=2), LeftFor())
    when(join, ADA, ADA, 2, 0, by=ADA, rank=2)
    then_refused(NotInvited)
    given(Recorded(), LeftFor(), Removed(), seat(2))
    when(join, ADA, ADA, 2, 0, by=ADA, rank=2)
    then_refused(NotInvited)


def test_what_rank_0_or_1_said_of_whose_it_is_holds_before_what_others_say() -> None:
    below = told(Claimed(LIN, over=(entry(2),)), by=LIN, rank=2)
    given(Recorded(), told(Claimed(GRACE), rank=1), below)
    then_state(claimed_by=GRACE, rival_claims=(LIN,))
    when(settle_claim, LIN, 2, by=LIN, rank=2)
    then_refused(ClaimConfirmed)
    when(settle_claim, LIN, 1, rank=1)
    then_state(claimed_by=LIN, rival_claims=())
    given(Recorded())
    one, other = story.in_either_order(told(Claimed(LIN), by=LIN, rank=2), told(Claimed(GRACE), rank=1))
    assert one.claimed_by == other.claimed_by == GRACE
    assert one.rival_claims == other.rival_claims == (LIN,)


def test_nobody_below_settles_what_was_confirmed_but_says_the_same_without_harm() -> None:
    given(Recorded(), told(Claimed(GRACE), by=LIN, rank=2))
    when(settle_claim, GRACE, 2, by=LIN, rank=2)
    then()
    when(settle_claim, GRACE, 1, rank=1)
    then(Claimed(GRACE, over=(entry(2),)))
    when(settle_claim, GRACE, 1, rank=1)
    then()
    when(settle_claim, GRACE, 2, by=LIN, rank=2)
    then()

"""Who comes to an operation: answers, wait-list, slots, checking in."""

from operator import attrgetter

from hypothesis import given as drawn
from hypothesis import strategies as st

from scmanager.domain.contest import Claim
from scmanager.domain.operation import Operation, evolve
from scmanager.domain.operation_crew import (
    Manifest,
    NotInCrew,
    SlotTakenAlready,
    SlotUnknown,
    TooManyRoles,
    check_in,
    leave_slot,
    manifest,
    places,
    rival_takers,
    sign_up,
    take_slot,
    taker,
)
from scmanager.domain.operation_events import (
    Answer,
    AttendanceTaken,
    Cancelled,
    CancelReason,
    CheckedIn,
    CheckedInFor,
    CrewLimited,
    CrewSlotAdded,
    Planned,
    Reinstated,
    SignedUp,
    SignedUpFor,
    SlotLeft,
    SlotLeftFor,
    SlotTaken,
    SlotTakenFor,
)
from scmanager.domain.operation_parts import PEOPLE_MAX, SignUp, Snapshot
from scmanager.domain.operation_rules import OperationClosed, OperationIsTemplate, OperationUnknown
from scmanager.domain.words import TitleUnusable
from tests.support.rolls import roll_of
from tests.support.scenario import LEADER, Scenario, Told, entry, meanwhile, told, who

ADA, GRACE, ALAN, GUN, HELM = who("ada"), who("grace"), who("alan"), who("gun"), who("helm")
PLANNED = Planned("Jumptown", 1_800_000_000, 1_800_007_200)
YES, NO, MAYBE, RESERVE = Answer.ACCEPTED, Answer.DECLINED, Answer.TENTATIVE, Answer.RESERVE
story = Scenario(Operation(), evolve)
given, when, then, then_refused, then_state = story.verbs()


def says(answer: Answer, by: bytes) -> Told:
    return told(SignedUp(answer), by)


def test_a_member_signs_up_once_and_changes_his_mind() -> None:
    given(PLANNED)
    when(sign_up, ADA, ADA, YES, ("pilot", "pilot"), by=ADA)
    then(SignedUp(YES, ("pilot",)))
    when(sign_up, ADA, ADA, YES, ("pilot",), by=ADA)
    then()
    when(sign_up, ADA, ADA, MAYBE, by=ADA)
    then(SignedUp(MAYBE))
    assert manifest(story.state) == Manifest(tentative=(ADA,))
    when(sign_up, LEADER, GRACE, RESERVE)
    then(SignedUpFor(GRACE, RESERVE))
    assert manifest(story.state).reserve == (GRACE,)


def test_answers_that_cannot_be_taken_are_refused() -> None:
    for decide, *args in (
        (sign_up, ADA, ADA, YES),
        (take_slot, ADA, ADA, GUN),
        (leave_slot, ADA, GUN),
        (check_in, ADA, ADA),
    ):
        given()
        when(decide, *args)
        then_refused(OperationUnknown)
        given(Planned("Template", 0, 5, template=True))
        when(decide, *args)
        then_refused(OperationIsTemplate)
        given(PLANNED, Cancelled(CancelReason.OTHER))
        when(decide, *args)
        then_refused(OperationClosed, stage="cancelled")
    given(PLANNED)
    when(sign_up, ADA, ADA, YES, tuple(f"role {number}" for number in range(17)))
    then_refused(TooManyRoles, count=17)
    when(sign_up, ADA, ADA, YES, ("",))
    then_refused(TitleUnusable)
    given(PLANNED, told(SignedUp(YES, ("\n",)), ADA))
    then_state(sign_ups=())


def test_who_comes_too_late_waits_and_moves_up_by_himself() -> None:
    given(PLANNED, CrewLimited(2), says(YES, ADA), says(YES, GRACE), says(YES, ALAN))
    assert (manifest(story.state).crew, manifest(story.state).waiting) == ((ADA, GRACE), (ALAN,))
    when(sign_up, ADA, ADA, NO, by=ADA)
    assert (manifest(story.state).crew, manifest(story.state).waiting) == ((GRACE, ALAN), ())
    when(sign_up, ADA, ADA, YES, by=ADA)
    assert manifest(story.state).waiting == (ADA,)
    assert [manifest(story.state).standing(each) for each in (GRACE, ADA, GUN)] == ["crew", "waiting", "no answer"]


def test_there_are_as_many_places_as_crew_slots_unless_a_number_is_set() -> None:
    given(PLANNED, says(YES, ADA), says(YES, GRACE))
    assert (places(story.state), manifest(story.state).waiting) == (None, ())
    given(PLANNED, CrewSlotAdded(GUN, "gunner"), says(YES, ADA), says(YES, GRACE))
    assert (places(story.state), manifest(story.state).waiting) == (1, (GRACE,))
    given(PLANNED, CrewSlotAdded(GUN, "gunner"), CrewLimited(2), says(YES, ADA), says(YES, GRACE))
    assert (places(story.state), manifest(story.state).waiting) == (2, ())


@drawn(
    answers=st.lists(
        st.tuples(st.sampled_from((ADA, GRACE, ALAN, LEADER)), st.sampled_from(list(Answer))), max_size=20
    ),
    most=st.integers(0, 4),
)
def test_whatever_is_answered_no_place_is_free_while_somebody_waits(
    answers: list[tuple[bytes, Answer]], most: int
) -> None:
    given(PLANNED, CrewLimited(most), *(says(answer, member) for member, answer in answers))
    held = manifest(story.state)
    newest = dict(answers)
    assert len(held.crew) <= (most or 4)
    assert not held.waiting or len(held.crew) == most
    assert {*held.crew, *held.waiting} == {member for member, answer in newest.items() if answer is YES}
    everybody = [
        member for group in (held.crew, held.waiting, held.tentative, held.reserve, held.declined) for member in group
    ]
    assert sorted(everybody) == sorted(newest)


def test_two_take_the_last_place_at_once_and_the_later_in_fold_order_waits() -> None:
    given(PLANNED, CrewLimited(1))
    one, other = story.in_either_order(says(YES, ADA), says(YES, GRACE))
    assert (manifest(one).crew, manifest(one).waiting) == ((ADA,), (GRACE,))
    assert (manifest(other).crew, manifest(other).waiting) == ((GRACE,), (ADA,))


def test_what_a_member_says_himself_stands_against_what_is_said_for_him_at_once() -> None:
    given(PLANNED)
    one, other = story.in_either_order(says(NO, ADA), told(SignedUpFor(ADA, YES)))
    assert manifest(one) == manifest(other) == Manifest(declined=(ADA,))
    given(PLANNED, says(NO, ADA))
    when(sign_up, LEADER, ADA, YES)
    then(SignedUpFor(ADA, YES, (), (entry(2),)))
    assert manifest(story.state).crew == (ADA,)


def test_answers_from_two_devices_of_one_member_the_last_in_fold_order_stands() -> None:
    given(PLANNED)
    one, other = story.in_either_order(says(YES, ADA), says(NO, ADA))
    assert (manifest(one).declined, manifest(other).crew) == ((ADA,), (ADA,))
    one, other = story.in_either_order(says(YES, ADA), says(YES, ADA))
    assert manifest(one) == manifest(other)


def test_answers_given_while_it_was_cancelled_are_kept_and_count_when_it_is_reinstated() -> None:
    given(PLANNED)
    one, other = story.in_either_order(Cancelled(CancelReason.SERVERS), says(YES, ADA))
    assert one == other
    assert (one.call.stage, manifest(one).crew) == ("cancelled", (ADA,))
    given(PLANNED, Cancelled(CancelReason.SERVERS), meanwhile(SignedUp(YES), ADA), Reinstated())
    assert manifest(story.state).crew == (ADA,)


def test_more_people_than_can_be_are_not_counted_but_those_who_are_may_change_their_minds() -> None:
    many = tuple(SignUp(number.to_bytes(16, "big"), YES, entry(number)) for number in range(PEOPLE_MAX))
    there = roll_of((Claim(each.member, each.entry) for each in many), attrgetter("value"))
    story.state = Operation(id=GUN, sign_ups=roll_of(many, attrgetter("member")), checked_in=there)
    one, _ = story.in_either_order(says(YES, ADA), says(NO, many[0].member))
    assert len(one.sign_ups) == PEOPLE_MAX
    assert manifest(one).declined == (many[0].member,)
    assert len(story.in_either_order(told(CheckedIn(), ADA), told(CheckedIn(), GRACE))[0].checked_in) == PEOPLE_MAX
    shot = AttendanceTaken(HELM, 5, (ADA,))
    story.state = Operation(id=GUN, snapshots=(Snapshot(HELM, 5, tuple(each.member for each in many)),))
    assert len(story.in_either_order(shot, shot)[0].snapshots[0].members) == PEOPLE_MAX


def test_a_slot_is_taken_by_one_of_the_crew_who_leaves_the_one_he_had() -> None:
    given(PLANNED, CrewSlotAdded(GUN, "gunner"), CrewSlotAdded(HELM, "pilot"), says(YES, ADA), says(YES, GRACE))
    when(take_slot, ADA, ADA, GUN, by=ADA)
    then(SlotTaken(GUN))
    when(take_slot, ADA, ADA, GUN, by=ADA)
    then()
    when(take_slot, GRACE, GRACE, GUN, by=GRACE)
    then_refused(SlotTakenAlready, role="gunner")
    when(take_slot, LEADER, GRACE, GUN)
    then(SlotTakenFor(GUN, GRACE, (entry(6),)))
    when(take_slot, GRACE, GRACE, HELM, by=GRACE)
    assert [[each.value for each in slot.claims] for slot in story.state.crew_slots] == [[], [GRACE]]
    when(take_slot, ALAN, ALAN, GUN, by=ALAN)
    then_refused(NotInCrew, standing="no answer")
    when(take_slot, ADA, ADA, who("none"), by=ADA)
    then_refused(SlotUnknown, title="Jumptown")


def test_two_take_one_slot_at_once_and_whoever_leads_settles_it() -> None:
    past = (PLANNED, CrewSlotAdded(GUN, "gunner"), CrewLimited(5), says(YES, ADA), says(YES, GRACE))
    given(*past)
    one, other = story.in_either_order(told(SlotTaken(GUN), ADA), told(SlotTaken(GUN), GRACE))
    crew = frozenset((ADA, GRACE))
    assert (taker(one.crew_slots[0], crew), rival_takers(one.crew_slots[0], crew)) == (ADA, (GRACE,))
    assert (taker(other.crew_slots[0], crew), rival_takers(other.crew_slots[0], crew)) == (GRACE, (ADA,))
    given(*past, told(SlotTaken(GUN), ADA), meanwhile(SlotTakenFor(GUN, GRACE)))
    when(take_slot, LEADER, ADA, GUN)
    then(SlotTakenFor(GUN, ADA, (entry(6), entry(7))))
    assert rival_takers(story.state.crew_slots[0], crew) == ()


def test_who_declines_has_no_slot_any_more_and_does_not_get_it_back_from_another() -> None:
    past = (PLANNED, CrewSlotAdded(GUN, "gunner"), CrewLimited(5), says(YES, ADA), says(YES, GRACE))
    given(*past, told(SlotTaken(GUN), ADA))
    one, other = story.in_either_order(says(NO, ADA), told(SlotTakenFor(GUN, ADA, (entry(6),))))
    for state in (one, other):
        assert taker(state.crew_slots[0], frozenset(manifest(state).crew)) is None
    given(*past, told(SlotTaken(GUN), ADA), says(NO, ADA))
    when(take_slot, GRACE, GRACE, GUN, by=GRACE)
    then(SlotTaken(GUN))
    when(sign_up, ADA, ADA, YES, by=ADA)
    assert taker(story.state.crew_slots[0], frozenset(manifest(story.state).crew)) == GRACE


def test_a_slot_is_left_by_its_taker_or_by_order() -> None:
    past = (PLANNED, CrewSlotAdded(GUN, "gunner"), says(YES, ADA), told(SlotTaken(GUN), ADA))
    given(*past)
    when(leave_slot, ADA, GUN, by=ADA)
    then(SlotLeft(GUN))
    when(leave_slot, ADA, GUN, by=ADA)
    then()
    given(*past)
    when(leave_slot, LEADER, GUN)
    then(SlotLeftFor(GUN, (entry(4),)))
    when(leave_slot, LEADER, who("none"))
    then_refused(SlotUnknown)
    given(*past)
    one, other = story.in_either_order(told(SlotLeft(GUN), ADA), told(SlotLeft(GUN), GRACE))
    assert one == other
    assert one.crew_slots[0].claims == ()
    one, other = story.in_either_order(
        told(SlotLeftFor(GUN, (entry(4),))), told(SlotTakenFor(GUN, GRACE, (entry(4),)))
    )
    assert one == other
    assert [each.value for each in one.crew_slots[0].claims] == [GRACE]


def test_a_member_is_there_once_even_if_two_say_so_at_once() -> None:
    given(PLANNED)
    when(check_in, ADA, ADA, by=ADA)
    then(CheckedIn())
    when(check_in, LEADER, ADA)
    then()
    when(check_in, LEADER, GRACE)
    then(CheckedInFor(GRACE))
    given(PLANNED)
    one, other = story.in_either_order(told(CheckedIn(), ADA), told(CheckedInFor(ADA)))
    assert [each.value for each in one.checked_in] == [each.value for each in other.checked_in] == [ADA]
    assert [each.entry for each in one.checked_in] == [entry(2)]


def test_the_same_answer_again_with_other_roles_keeps_its_place() -> None:
    given(PLANNED, says(YES, ADA), says(YES, GRACE), told(SignedUp(YES, ("pilot",)), ADA))
    assert [(each.member, each.roles) for each in story.state.sign_ups] == [(ADA, ("pilot",)), (GRACE, ())]
    when(sign_up, ADA, ADA, YES, tuple(f"role {number}" for number in range(16)), by=ADA)
    then_state(checked_in=())
    assert len(next(iter(story.state.sign_ups)).roles) == 16


def test_a_slot_taken_from_two_devices_of_one_member_is_taken_once() -> None:
    given(PLANNED, CrewSlotAdded(GUN, "gunner"), says(YES, ADA))
    one, other = story.in_either_order(told(SlotTaken(GUN), ADA), told(SlotTaken(GUN), ADA))
    assert len(one.crew_slots[0].claims) == len(other.crew_slots[0].claims) == 1


def test_what_is_said_of_one_slot_leaves_the_others_as_they_are() -> None:
    slots = CrewSlotAdded(GUN, "gunner"), CrewSlotAdded(HELM, "pilot")
    given(PLANNED, *slots, says(YES, ADA), says(YES, GRACE), told(SlotTaken(GUN), ADA), told(SlotTaken(HELM), GRACE))
    when(leave_slot, LEADER, GUN)
    assert [[each.value for each in slot.claims] for slot in story.state.crew_slots] == [[], [GRACE]]
    given(PLANNED, *slots, says(YES, GRACE), told(SlotTaken(HELM), GRACE), told(SlotLeft(GUN), GRACE))
    assert [[each.value for each in slot.claims] for slot in story.state.crew_slots] == [[], [GRACE]]


def test_who_leads_settles_a_contest_for_himself_too_and_nobody_without_the_right() -> None:
    past = (PLANNED, CrewSlotAdded(GUN, "gunner"), CrewLimited(5), says(YES, LEADER), says(YES, ADA))
    given(*past, told(SlotTaken(GUN), ADA))
    when(take_slot, LEADER, ADA, GUN)
    then()
    for holder, rival in ((LEADER, ADA), (ADA, LEADER)):
        given(*past, told(SlotTaken(GUN), holder), meanwhile(SlotTaken(GUN), rival))
        when(take_slot, LEADER, LEADER, GUN)
        then(SlotTakenFor(GUN, LEADER, (entry(6), entry(7))))

"""An operation as it happens: start, end, calling off, attendance."""

from scmanager.domain.event import About, Event
from scmanager.domain.operation import SNAPSHOTS_MAX, Operation, evolve
from scmanager.domain.operation_events import (
    AttendanceTaken,
    Cancellation,
    Cancelled,
    CancelReason,
    CheckedInFor,
    Completed,
    Outcome,
    Planned,
    Reinstated,
    RemindersSet,
    Started,
)
from scmanager.domain.operation_flow import (
    NobodyThere,
    NothingToReport,
    TooManySnapshots,
    cancel,
    complete,
    due_reminders,
    reinstate,
    start,
    take_attendance,
)
from scmanager.domain.operation_parts import Call, Snapshot, Stage
from scmanager.domain.operation_rules import OperationClosed, OperationIsTemplate, OperationUnknown
from scmanager.domain.prose import prose_of
from scmanager.domain.words import WordsUnusable
from tests.support.scenario import Scenario, entry, meanwhile, who

ADA, GRACE, ORG, SHOT = who("ada"), who("grace"), who("organisation"), who("snapshot")
PLANNED = Planned("Jumptown", 1_800_000_000, 1_800_007_200)
OFF, DONE = Cancelled(CancelReason.TOO_FEW), Completed(Outcome.SUCCESS)
story = Scenario(Operation(), evolve)
given, when, then, then_refused, then_state = story.verbs()

FLOWING = (
    (start,),
    (complete, Outcome.SUCCESS),
    (cancel, ORG, CancelReason.OTHER),
    (reinstate,),
    (take_attendance, SHOT, 5, (ADA,)),
)


def test_nothing_becomes_of_an_operation_that_is_not_there_or_is_a_template() -> None:
    for decide, *args in FLOWING:
        given()
        when(decide, *args)
        then_refused(OperationUnknown)
        given(Planned("Template", 0, 5, template=True))
        when(decide, *args)
        then_refused(OperationIsTemplate)


def test_an_operation_is_started_and_completed() -> None:
    given(PLANNED)
    when(complete, Outcome.SUCCESS)
    then_refused(NothingToReport, title="Jumptown")
    when(start)
    then(Started())
    when(start)
    then()
    when(complete, Outcome.PARTIAL)
    then(Completed(Outcome.PARTIAL, (entry(2),)))
    when(complete, Outcome.PARTIAL)
    then()
    when(complete, Outcome.SUCCESS)
    then(Completed(Outcome.SUCCESS, (entry(3),)))
    then_state(call=Call(Stage.COMPLETED, outcome=Outcome.SUCCESS), rival_calls=())
    when(start)
    then_refused(OperationClosed, stage="completed")


def test_an_operation_is_cancelled_with_a_reason_and_words_and_reinstated() -> None:
    given(PLANNED)
    when(cancel, ORG, CancelReason.SERVERS, "Patch day.")
    then(About(Cancelled(CancelReason.SERVERS), prose_of(ORG), Cancellation("Patch day.")))
    then_state(cancellation=entry(2))
    when(cancel, ORG, CancelReason.SERVERS, "Patch day.", "Patch day.")
    then()
    when(cancel, ORG, CancelReason.OTHER)
    then(Cancelled(CancelReason.OTHER, (entry(2),)))
    for decide, *args in ((start,), (complete, Outcome.SUCCESS)):
        when(decide, *args)
        then_refused(OperationClosed, stage="cancelled")
    when(reinstate)
    then(Reinstated((entry(3),)))
    when(reinstate)
    then()
    then_state(call=Call(Stage.PLANNED))
    when(cancel, ORG, CancelReason.OTHER, " ")
    then_refused(WordsUnusable)
    given(PLANNED, Started(), DONE)
    when(cancel, ORG, CancelReason.OTHER)
    then_refused(OperationClosed, stage="completed")


def test_cancelled_while_another_started_it_is_contested_until_one_of_them_says_it_again() -> None:
    given(PLANNED)
    one, other = story.in_either_order(Started(), OFF)
    assert (one.call.stage, [each.stage for each in one.rival_calls]) == ("started", ["cancelled"])
    assert (other.call.stage, [each.stage for each in other.rival_calls]) == ("cancelled", ["started"])
    for decide, *args in ((start,), (cancel, ORG, CancelReason.TOO_FEW), (reinstate,)):
        for first, second in ((Started(), OFF), (OFF, Started())):
            given(PLANNED, first, meanwhile(second))
            when(decide, *args)
            then_state(rival_calls=())
    assert story.state.call.stage is Stage.PLANNED


def test_completed_and_cancelled_at_once_is_contested_and_either_can_hold() -> None:
    for past in ((DONE, OFF), (OFF, DONE)):
        given(PLANNED, Started(), past[0], meanwhile(past[1], saw=(entry(2),)))
        assert {story.state.call.stage, *(each.stage for each in story.state.rival_calls)} == {
            "completed",
            "cancelled",
        }
        when(complete, Outcome.SUCCESS)
        then(Completed(Outcome.SUCCESS, (entry(3), entry(4))))
        given(PLANNED, Started(), past[0], meanwhile(past[1], saw=(entry(2),)))
        when(cancel, ORG, CancelReason.TOO_FEW)
        then(Cancelled(CancelReason.TOO_FEW, (entry(3), entry(4))))
    given(PLANNED, OFF)
    one, other = story.in_either_order(Reinstated((entry(2),)), Cancelled(CancelReason.OTHER, (entry(2),)))
    assert (one.call.stage, other.call.stage) == ("planned", "cancelled")
    assert one.rival_calls
    assert other.rival_calls


def test_who_is_there_is_kept_even_if_there_are_many() -> None:
    given(PLANNED)
    when(take_attendance, SHOT, 5, (ADA,))
    then_refused(NothingToReport)
    given(PLANNED, Started())
    when(take_attendance, SHOT, 5, ())
    then_refused(NobodyThere, title="Jumptown")
    many = tuple(who(f"member {number}") for number in range(130))
    when(take_attendance, SHOT, 5, (*many, many[0]))
    then(*(AttendanceTaken(SHOT, 5, many[first : first + 64]) for first in (0, 64, 128)))
    then_state(snapshots=(Snapshot(SHOT, 5, many),))
    given(PLANNED, Started(), CheckedInFor(ADA))
    when(take_attendance, SHOT, 5, ())
    then(AttendanceTaken(SHOT, 5, (ADA,)))
    full: list[Event] = [AttendanceTaken(who(f"shot {number}"), 5, (ADA,)) for number in range(SNAPSHOTS_MAX)]
    given(PLANNED, Started(), *full)
    when(take_attendance, SHOT, 5, (ADA,))
    then_refused(TooManySnapshots, count=SNAPSHOTS_MAX)


def test_attendance_taken_by_two_at_once_is_kept_twice() -> None:
    given(PLANNED, Started())
    one, other = story.in_either_order(AttendanceTaken(SHOT, 5, (ADA,)), AttendanceTaken(ORG, 6, (GRACE,)))
    assert set(one.snapshots) == set(other.snapshots)
    assert len(one.snapshots) == 2


def test_reminders_are_due_once_and_only_while_it_is_planned() -> None:
    starts = PLANNED.starts
    given(PLANNED, RemindersSet((3600, 900)))
    assert due_reminders(story.state, 0, starts - 3601) == ()
    assert due_reminders(story.state, starts - 3601, starts - 3600) == (starts - 3600,)
    assert due_reminders(story.state, starts - 3600, starts - 1) == (starts - 900,)
    assert due_reminders(story.state, 0, starts) == ()
    given(PLANNED, RemindersSet((3600,)), OFF)
    assert due_reminders(story.state, 0, starts - 1) == ()

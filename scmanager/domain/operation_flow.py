"""An operation as it happens: started, completed, called off; who was there, and what came of it. The decisions.

What becomes of it is contested when two say different things at once; saying one of them again settles it.
"""

from collections.abc import Iterator

from scmanager.domain.contest import entries
from scmanager.domain.event import About, Decision, Id
from scmanager.domain.operation import SNAPSHOTS_MAX, Operation
from scmanager.domain.operation_events import (
    AttendanceTaken,
    Cancellation,
    Cancelled,
    CancelReason,
    Completed,
    Outcome,
    Reinstated,
    Started,
)
from scmanager.domain.operation_parts import Call, Stage
from scmanager.domain.operation_rules import OperationClosed, check_flown
from scmanager.domain.payload import TUPLE_MAX
from scmanager.domain.prose import prose_of
from scmanager.domain.words import check_words
from scmanager.errors import Refused


class NothingToReport(Refused):
    """The operation {title} has not begun."""

    code = "operation-not-begun"
    hint = "Start it first, scm operation start, or call it off: scm operation cancel."


class TooManySnapshots(Refused):
    """The attendance of {title} was taken {count} times, which is as often as it can be."""

    code = "operation-too-many-snapshots"
    hint = "Who was there is recorded; check members in one by one."


class NobodyThere(Refused):
    """Nobody has checked in to {title}, and nobody is named."""

    code = "operation-nobody-there"
    hint = "Check members in first, or name those who are there."


def start(operation: Operation) -> Iterator[Decision]:
    """Begin. Asking twice is harmless. Raises OperationUnknown, OperationIsTemplate, OperationClosed."""
    check_flown(operation)
    if operation.call.stage in (Stage.COMPLETED, Stage.CANCELLED) and not _contested(operation, Stage.STARTED):
        raise OperationClosed(title=operation.title, stage=operation.call.stage.value)
    if operation.call.stage is not Stage.STARTED or operation.rival_calls:
        yield Started(entries(operation.calls))


def complete(operation: Operation, outcome: Outcome) -> Iterator[Decision]:
    """End it, and say how it went; said anew, it went otherwise. Raises OperationClosed, NothingToReport."""
    check_flown(operation)
    contested = _contested(operation, Stage.COMPLETED)
    if operation.call.stage is Stage.CANCELLED and not contested:
        raise OperationClosed(title=operation.title, stage=operation.call.stage.value)
    if operation.call.stage is Stage.PLANNED and not contested:
        raise NothingToReport(title=operation.title)
    said = Call(Stage.COMPLETED, outcome=outcome)
    if operation.call != said or operation.rival_calls:
        yield Completed(outcome, entries(operation.calls))


def cancel(
    operation: Operation, organisation: Id, reason: CancelReason, text: str = "", before: str = ""
) -> Iterator[Decision]:
    """Call it off, perhaps with words; `before`: those that it was called off with. The same twice is harmless.

    Raises OperationUnknown, OperationClosed, WordsUnusable.
    """
    check_flown(operation)
    if operation.call.stage is Stage.COMPLETED and not operation.rival_calls:
        raise OperationClosed(title=operation.title, stage=operation.call.stage.value)
    same = (operation.call.stage, operation.call.reason, text) == (Stage.CANCELLED, reason, before)
    if same and not operation.rival_calls:
        return  # It is.
    event = Cancelled(reason, entries(operation.calls))
    yield About(event, prose_of(organisation), Cancellation(check_words(text))) if text else event


def reinstate(operation: Operation) -> Iterator[Decision]:
    """Undo that it was started, completed or cancelled. Harmless if it is planned. Raises OperationUnknown."""
    check_flown(operation)
    if operation.calls and (operation.call.stage is not Stage.PLANNED or operation.rival_calls):
        yield Reinstated(entries(operation.calls))


def take_attendance(operation: Operation, snapshot: Id, at: int, members: tuple[Id, ...]) -> Iterator[Decision]:
    """Keep who is there now: those named, or whoever has checked in.

    Raises OperationUnknown, NothingToReport, TooManySnapshots, NobodyThere.
    """
    check_begun(operation)
    if len(operation.snapshots) >= SNAPSHOTS_MAX:
        raise TooManySnapshots(title=operation.title, count=len(operation.snapshots))
    there = tuple(dict.fromkeys(members or (each.value for each in operation.checked_in)))
    if not there:
        raise NobodyThere(title=operation.title)
    for first in range(0, len(there), TUPLE_MAX):
        yield AttendanceTaken(snapshot, at, there[first : first + TUPLE_MAX])


def due_reminders(operation: Operation, since: int, now: int) -> tuple[int, ...]:
    """When members were to be reminded after `since` and until `now`, UTC seconds; of a planned operation only."""
    if operation.template or operation.call.stage is not Stage.PLANNED:
        return ()
    starts = operation.window.starts
    return tuple(at for before in operation.reminders if since < (at := starts - before) <= now < starts)


def check_begun(operation: Operation) -> None:
    """Something became of it. Raises OperationUnknown, OperationIsTemplate, NothingToReport."""
    check_flown(operation)
    if operation.call.stage is Stage.PLANNED:
        raise NothingToReport(title=operation.title)


def _contested(operation: Operation, stage: Stage) -> bool:
    """Whether this is one of several things that became of it at once."""
    return any(each.stage is stage for each in operation.rival_calls)

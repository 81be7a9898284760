"""Operations: planning, signing up, flying, and what remains of them."""

from typing import Any

from msgspec import UNSET, UnsetType

from scmanager.application import undo_steps as steps
from scmanager.application.desk import Desk
from scmanager.application.inverses import back, by, final, former, like, silent
from scmanager.application.keeping import kept, words_with
from scmanager.application.named import check_member, check_ship
from scmanager.application.verbs import MemberId, OperationId, ShipId, SlotId, SquadId, verb
from scmanager.application.zones import days_later, zone_named
from scmanager.domain import operation_crew as crew
from scmanager.domain import operation_events as events
from scmanager.domain import operation_flow as flow
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import OPERATIONS, SHIPS
from scmanager.domain.event import Id
from scmanager.domain.operation import Operation
from scmanager.domain.operation_events import Answer, Cancellation, CancelReason, Objective, Outcome
from scmanager.domain.operation_parts import Every, Stage, Window
from scmanager.domain.operation_rules import check_flown

Result = dict[str, Any]

DAYS = {Every.DAY: 1, Every.WEEK: 7, Every.FORTNIGHT: 14}


@verb("operation.plan", undo=by(steps.planned, events.Planned, aspect="planned", begins=True))
def plan(
    desk: Desk, *, title: str, starts_s: int, ends_s: int, zone: str = "UTC", objective: str = "", place: str = ""
) -> Result:
    """Plan an operation. Times are instants; the zone says in whose clock you thought of them."""
    zone_named(zone)
    new = desk.new_id()
    desk.decide(OPERATIONS, new, planning.plan, title, Window(starts_s, ends_s, zone))
    if objective or place:
        desk.decide(OPERATIONS, new, planning.describe, desk.organisation, objective, place)
    return {"operation": new.hex()}


@verb("operation.rename", undo=former("name", events.Renamed))
def rename(desk: Desk, *, operation_id: OperationId, title: str) -> Result:
    """Give an operation another name; settles contested names too."""
    desk.decide(OPERATIONS, operation_id, planning.rename, title)
    return {"operation": operation_id.hex()}


@verb("operation.describe", undo=former("objective", events.Described))
def describe(
    desk: Desk,
    *,
    operation_id: OperationId,
    objective: str | UnsetType | None = UNSET,
    place: str | UnsetType | None = UNSET,
) -> Result:
    """Say what an operation is for and where it meets; settles contested words too.

    What is left out stays as it was; empty text takes it away.
    """
    words = words_with(desk, _operation(desk, operation_id).objective, Objective, objective=objective, place=place)
    desk.decide(OPERATIONS, operation_id, planning.describe, desk.organisation, words.objective, words.place)
    return {"operation": operation_id.hex()}


@verb("operation.reschedule", undo=former("window", events.Rescheduled))
def reschedule(
    desk: Desk, *, operation_id: OperationId, starts_s: int, ends_s: int, zone: str | None = None
) -> Result:
    """Move an operation in time; settles contested times too. A template begins at 0 and ends after its length."""
    there = zone_named(zone).key if zone else _operation(desk, operation_id).window.zone
    desk.decide(OPERATIONS, operation_id, planning.reschedule, Window(starts_s, ends_s, there))
    return {"operation": operation_id.hex()}


@verb(
    "operation.limit-crew",
    undo=back(
        "operation.limit-crew",
        events.CrewLimited,
        thing="operation_id",
        aspect="crew-limit",
        most=steps.was("crew_most"),
    ),
)
def limit_crew(desk: Desk, *, operation_id: OperationId, most: int) -> Result:
    """Set how many may come. 0: as many as there are crew slots, or everybody where there are none."""
    desk.decide(OPERATIONS, operation_id, planning.limit_crew, most)
    return {"operation": operation_id.hex()}


@verb(
    "operation.set-reminders",
    undo=back(
        "operation.set-reminders",
        events.RemindersSet,
        thing="operation_id",
        aspect="reminders",
        before=steps.was("reminders"),
    ),
)
def set_reminders(desk: Desk, *, operation_id: OperationId, before: tuple[int, ...] = ()) -> Result:
    """Remind members so long before an operation begins; none for no reminder."""
    desk.decide(OPERATIONS, operation_id, planning.set_reminders, tuple(before))
    return {"operation": operation_id.hex()}


@verb(
    "operation.form-squad",
    undo=back("operation.disband-squad", events.SquadFormed, thing="operation_id", aspect="squad", squad="squad"),
)
def form_squad(desk: Desk, *, operation_id: OperationId, title: str) -> Result:
    """Form a squad in an operation; slots can belong to it."""
    new = desk.new_id()
    desk.decide(OPERATIONS, operation_id, planning.form_squad, new, title)
    return {"operation": operation_id.hex(), "squad": new.hex()}


@verb("operation.disband-squad", undo=final("its slots stayed; form another one.", events.SquadDisbanded))
def disband_squad(desk: Desk, *, operation_id: OperationId, squad: SquadId) -> Result:
    """End a squad of an operation; its slots stay."""
    desk.decide(OPERATIONS, operation_id, planning.disband_squad, squad)
    return {"operation": operation_id.hex(), "squad": squad.hex()}


@verb(
    "operation.add-crew-slots",
    undo=back("operation.drop-slot", events.CrewSlotAdded, thing="operation_id", aspect="slot", slot="slot"),
)
def add_crew_slots(
    desk: Desk,
    *,
    operation_id: OperationId,
    role: str,
    count: int = 1,
    aboard: SlotId | None = None,
    squad: SquadId | None = None,
    optional: bool = False,
) -> Result:
    """Ask for members in a role, on board of the ship of a ship slot or on foot."""
    wanted = min(max(count, 0), planning.SLOTS_AT_ONCE_MAX + 1)
    slots = tuple(desk.new_id() for _ in range(wanted))
    desk.decide(OPERATIONS, operation_id, planning.add_crew_slots, slots, role, aboard, squad, optional)
    return {"operation": operation_id.hex(), "slots": [slot.hex() for slot in slots]}


@verb(
    "operation.add-ship-slot",
    undo=back("operation.drop-slot", events.ShipSlotAdded, thing="operation_id", aspect="slot", slot="slot"),
)
def add_ship_slot(
    desk: Desk,
    *,
    operation_id: OperationId,
    title: str,
    models: tuple[str, ...] = (),
    squad: SquadId | None = None,
    optional: bool = False,
) -> Result:
    """Ask for a ship of one of these models, or of any."""
    new = desk.new_id()
    desk.decide(OPERATIONS, operation_id, planning.add_ship_slot, new, title, tuple(models), squad, optional)
    return {"operation": operation_id.hex(), "slot": new.hex()}


@verb("operation.drop-slot", undo=final("whoever was in it went; add another one.", events.SlotDropped))
def drop_slot(desk: Desk, *, operation_id: OperationId, slot: SlotId) -> Result:
    """Ask for this member or this ship no longer."""
    desk.decide(OPERATIONS, operation_id, planning.drop_slot, slot)
    return {"operation": operation_id.hex(), "slot": slot.hex()}


@verb("operation.assign-lead", undo=former("lead", events.LeadAssigned))
def assign_lead(desk: Desk, *, operation_id: OperationId, member_id: MemberId) -> Result:
    """Let a member lead an operation; settles a contested lead too."""
    desk.decide(OPERATIONS, operation_id, planning.assign_lead, check_member(desk, member_id))
    return {"operation": operation_id.hex()}


@verb("operation.relieve-lead", undo=former("lead", events.LeadRelieved))
def relieve_lead(desk: Desk, *, operation_id: OperationId) -> Result:
    """Let nobody lead an operation."""
    desk.decide(OPERATIONS, operation_id, planning.relieve_lead)
    return {"operation": operation_id.hex()}


@verb(
    "operation.sign-up", undo=by(steps.answer, events.SignedUp, events.SignedUpFor, aspect="answer", key=steps.whose)
)
def sign_up(
    desk: Desk,
    *,
    operation_id: OperationId,
    answer: Answer = Answer.ACCEPTED,
    roles: tuple[str, ...] | UnsetType | None = UNSET,
    member_id: MemberId | None = None,
) -> Result:
    """Say whether you come to an operation, and in which roles; or say it for another member.

    Who accepts when it is full waits, and moves up by himself as soon as there is a place. Roles that were said
    before stay if they are left out.
    """
    whom = _whom(desk, member_id)
    said = crew.sign_up_of(_operation(desk, operation_id), whom)
    wanted = tuple(kept(roles, said.roles if said else (), ()))
    desk.decide(OPERATIONS, operation_id, crew.sign_up, desk.me, whom, answer, wanted)
    standing = crew.manifest(_operation(desk, operation_id)).standing(whom)
    return {"operation": operation_id.hex(), "member": whom.hex(), "standing": standing}


@verb(
    "operation.take-slot",
    undo=by(steps.crew_slot, events.SlotTaken, events.SlotTakenFor, aspect="crew", key=steps.slot_of),
)
def take_slot(desk: Desk, *, operation_id: OperationId, slot: SlotId, member_id: MemberId | None = None) -> Result:
    """Take a crew slot of an operation, or put another member there; settles a contested slot too."""
    whom = _whom(desk, member_id)
    desk.decide(OPERATIONS, operation_id, crew.take_slot, desk.me, whom, slot)
    return {"operation": operation_id.hex(), "slot": slot.hex(), "member": whom.hex()}


@verb(
    "operation.leave-slot",
    undo=by(steps.crew_slot, events.SlotLeft, events.SlotLeftFor, aspect="crew", key=steps.slot_of),
)
def leave_slot(desk: Desk, *, operation_id: OperationId, slot: SlotId) -> Result:
    """Leave your crew slot, or have whoever is in it leave it."""
    desk.decide(OPERATIONS, operation_id, crew.leave_slot, desk.me, slot)
    return {"operation": operation_id.hex(), "slot": slot.hex()}


@verb("operation.assign-ship", undo=former("ship", events.ShipAssigned))
def assign_ship(desk: Desk, *, operation_id: OperationId, slot: SlotId, ship_id: ShipId) -> Result:
    """Put a ship into a ship slot of an operation; settles a contested one too."""
    model = desk.state(SHIPS, check_ship(desk, ship_id)).model
    desk.decide(OPERATIONS, operation_id, planning.assign_ship, slot, ship_id, model)
    return {"operation": operation_id.hex(), "slot": slot.hex(), "ship": ship_id.hex()}


@verb("operation.release-ship", undo=former("ship", events.ShipReleased))
def release_ship(desk: Desk, *, operation_id: OperationId, slot: SlotId) -> Result:
    """Let the ship of a ship slot go."""
    desk.decide(OPERATIONS, operation_id, planning.release_ship, slot)
    return {"operation": operation_id.hex(), "slot": slot.hex()}


@verb(
    "operation.check-in",
    undo=final("whoever was there was there; take attendance without him.", events.CheckedIn, events.CheckedInFor),
)
def check_in(desk: Desk, *, operation_id: OperationId, member_id: MemberId | None = None) -> Result:
    """Say that you are there, or that another member is."""
    whom = _whom(desk, member_id)
    desk.decide(OPERATIONS, operation_id, crew.check_in, desk.me, whom)
    return {"operation": operation_id.hex(), "member": whom.hex()}


@verb(
    "operation.start",
    undo=by(steps.course, events.Started, events.Completed, events.Cancelled, events.Reinstated, aspect="course"),
)
def start(desk: Desk, *, operation_id: OperationId) -> Result:
    """Begin an operation."""
    desk.decide(OPERATIONS, operation_id, flow.start)
    return {"operation": operation_id.hex()}


@verb("operation.complete", undo=like("operation.start"))
def complete(desk: Desk, *, operation_id: OperationId, outcome: Outcome) -> Result:
    """End an operation and say how it went."""
    desk.decide(OPERATIONS, operation_id, flow.complete, outcome)
    return {"operation": operation_id.hex()}


@verb("operation.cancel", undo=like("operation.start"))
def cancel(
    desk: Desk, *, operation_id: OperationId, reason: CancelReason, text: str | UnsetType | None = UNSET
) -> Result:
    """Call an operation off, with a reason and perhaps words. Answers are kept.

    Of one that is called off it changes the reason; the words stay if they are left out.
    """
    one = _operation(desk, operation_id)
    called = one.cancellation if one.call.stage is Stage.CANCELLED else b""
    words, told = words_with(desk, called, Cancellation, text=text), desk.words_in(desk.space, called, Cancellation)
    before = told.text if isinstance(told, Cancellation) else ""
    desk.decide(OPERATIONS, operation_id, flow.cancel, desk.organisation, reason, words.text, before)
    return {"operation": operation_id.hex()}


@verb("operation.reinstate", undo=like("operation.start"))
def reinstate(desk: Desk, *, operation_id: OperationId) -> Result:
    """Undo that an operation was started, completed or cancelled."""
    desk.decide(OPERATIONS, operation_id, flow.reinstate)
    return {"operation": operation_id.hex()}


@verb(
    "operation.take-attendance",
    undo=final("it says who was there at that time; take it again.", events.AttendanceTaken),
)
def take_attendance(desk: Desk, *, operation_id: OperationId, members: tuple[MemberId, ...] = ()) -> Result:
    """Keep who is there now: those you name, or whoever has checked in."""
    snapshot = desk.new_id()
    there = tuple(check_member(desk, each) for each in members)
    desk.decide(OPERATIONS, operation_id, flow.take_attendance, snapshot, desk.now_s, there)
    return {"operation": operation_id.hex(), "snapshot": snapshot.hex()}


@verb("operation.copy", undo=like("operation.plan"))
def copy(desk: Desk, *, operation_id: OperationId, starts_s: int, title: str | None = None) -> Result:
    """Plan an operation like another one or a template, at another time, without its people and ships."""
    source = _operation(desk, operation_id)
    new = desk.new_id()
    desk.decide(OPERATIONS, new, planning.copy_at, source, title or source.title, starts_s)
    return {"operation": new.hex()}


@verb("operation.save-template", undo=like("operation.plan"))
def save_template(desk: Desk, *, operation_id: OperationId, title: str) -> Result:
    """Keep an operation's plan as a template, to be copied."""
    new = desk.new_id()
    desk.decide(OPERATIONS, new, planning.copy, _operation(desk, operation_id), title, 0, None)
    return {"operation": new.hex()}


@verb("operation.repeat", undo=silent(events.SeriesJoined))
def repeat(desk: Desk, *, operation_id: OperationId, every: Every, times: int) -> Result:
    """Plan an operation again every day, week or fortnight, when clocks in its zone show the same time."""
    source = _operation(desk, operation_id)
    check_flown(source)
    planning.check_times(times)
    series = source.series or desk.new_id()
    desk.decide(OPERATIONS, operation_id, planning.join_series, series)
    planned = []
    for number in range(1, times + 1):
        starts, new = days_later(source.window.starts, number * DAYS[every], source.window.zone), desk.new_id()
        desk.decide(OPERATIONS, new, planning.copy, source, source.title, starts, series)
        planned.append(new.hex())
    return {"operation": operation_id.hex(), "series": series.hex(), "operations": planned}


def _operation(desk: Desk, operation_id: Id) -> Operation:
    one: Operation = desk.state(OPERATIONS, operation_id)
    return one


def _whom(desk: Desk, member_id: Id | None) -> Id:
    """Oneself, or a member who is on the roster. Raises MemberUnknown, MemberGone."""
    return desk.me if member_id is None or member_id == desk.me else check_member(desk, member_id)

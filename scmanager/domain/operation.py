"""An operation: an outing of the organisation, with a window, slots for crew and ships, and who said what to it.

Who is in the crew and who waits follows from the answers and the number of places: nobody moves anybody up. A
template is an operation without a time, to be copied.
"""

from scmanager.domain.contest import Claim, Led, begun_before, drop, holder, rivals, stake
from scmanager.domain.event import Envelope, Id, Id32, replace
from scmanager.domain.operation_events import (
    Answer,
    AttendanceTaken,
    Cancelled,
    CheckedIn,
    CheckedInFor,
    Completed,
    CrewLimited,
    CrewSlotAdded,
    Described,
    LeadAssigned,
    LeadRelieved,
    OperationEvent,
    Planned,
    Reinstated,
    RemindersSet,
    Renamed,
    Rescheduled,
    SeriesJoined,
    ShipAssigned,
    ShipReleased,
    ShipSlotAdded,
    SignedUp,
    SignedUpFor,
    SlotDropped,
    SlotLeft,
    SlotLeftFor,
    SlotTaken,
    SlotTakenFor,
    SquadDisbanded,
    SquadFormed,
    Started,
)
from scmanager.domain.operation_parts import (
    Call,
    CrewSlot,
    ShipSlot,
    SignUp,
    Snapshot,
    Squad,
    Stage,
    Text,
    TextKind,
    Window,
    answered,
    left,
    placed,
    put,
    seen,
    taken,
    together,
    usable,
    without_claims,
)
from scmanager.domain.roll import Roll
from scmanager.domain.words import flaw_of_title

SQUADS_MAX = 64
CREW_SLOTS_MAX = 1024
SHIP_SLOTS_MAX = 256
SNAPSHOTS_MAX = 64
TEXTS_MAX = 256


class Operation(Led):
    """An operation, as its events so far tell it. `id` is empty until it is planned."""

    id: Id = b""
    template: bool = False
    windows: tuple[Claim[Window], ...] = ()
    objectives: tuple[Claim[Id32], ...] = ()
    """The entries whose parts hold an Objective."""
    crew_most: int = 0
    reminders: tuple[int, ...] = ()
    series: Id | None = None
    squads: tuple[Squad, ...] = ()
    crew_slots: tuple[CrewSlot, ...] = ()
    ship_slots: tuple[ShipSlot, ...] = ()
    sign_ups: Roll[Id, SignUp] = Roll()
    """In the order in which they count: whoever changes his answer goes to the end."""
    calls: tuple[Claim[Call], ...] = ()
    """What became of it; none: it is planned."""
    cancellation: Id32 = b""
    """The entry that cancelled it last; its part may hold a Cancellation."""
    checked_in: Roll[Id, Claim[Id]] = Roll()
    snapshots: tuple[Snapshot, ...] = ()
    texts: tuple[Text, ...] = ()
    """Everything that was written of it, in fold order; what was replaced stays readable."""

    @property
    def window(self) -> Window:
        """From when to when."""
        return holder(self.windows) or Window(0, 0, "UTC")

    @property
    def call(self) -> Call:
        """What became of it."""
        return holder(self.calls) or Call(Stage.PLANNED)

    @property
    def objective(self) -> Id32:
        """The entry whose words hold; empty for none."""
        return holder(self.objectives) or b""

    @property
    def rival_windows(self) -> tuple[Window, ...]:
        """Times set at the same time. Rescheduling settles it."""
        return rivals(self.windows)

    @property
    def rival_objectives(self) -> tuple[Id32, ...]:
        """Entries whose words were written at the same time: they stay readable. Describing it again settles it."""
        return rivals(self.objectives)

    @property
    def rival_calls(self) -> tuple[Call, ...]:
        """What became of it at the same time. Whoever says one of them again settles it."""
        return rivals(self.calls)


def evolve(operation: Operation, event: OperationEvent, envelope: Envelope) -> Operation:
    """Total. What is set twice at once is contested: the first in fold order holds, the rest is kept beside it.

    - So it is with name, window, objective, lead, who is put into a slot, which ship is, and what becomes of
      the operation: cancelled while another started it is contested until somebody who knows both says it again.
    - Planned by two under one id: name, window and objective are contested. As a template too: it is an operation.
    - Answers are kept whatever became of the operation meanwhile. Of one member's own words the last in fold order
      stands; it stands against what somebody said for him without knowing it.
    - The last crew slot taken free by two at once: the first in fold order has it, the other is beside him.
    - The last place taken by two at once: the first in fold order is in the crew, the other waits; who leads says
      which of them comes (`placed`).
    - A member has one slot, a ship too: the last in fold order. What is said of a dropped slot is not counted.
    - Crew limit, reminders, squads: the last in fold order stands.
    """
    for step in (_plan, _slots, _people, _flow):
        after = step(operation, event, envelope)
        if after is not None:
            return after
    return operation


def _plan(operation: Operation, event: OperationEvent, envelope: Envelope) -> Operation | None:
    match event:
        case Planned() | Renamed() | SquadFormed() if flaw_of_title(event.title):
            return operation  # Written by something that is not ours.
        case Planned() if not usable(event.starts, event.ends, template=event.template):
            return operation
        case Planned() if begun_before(operation.id, envelope):
            return operation
        case Planned():
            return _planned(operation, event, envelope)
        case Renamed(title, over):
            return replace(operation, names=stake(operation.names, title, over, envelope))
        case Described(over):
            written = _with_text(operation, TextKind.OBJECTIVE, envelope)
            return replace(written, objectives=stake(operation.objectives, envelope.entry, over, envelope))
        case Rescheduled(starts, ends, zone, over):
            if not usable(starts, ends, template=operation.template):
                return operation
            return replace(operation, windows=stake(operation.windows, Window(starts, ends, zone), over, envelope))
        case CrewLimited(most):
            return replace(operation, crew_most=max(0, most))
        case RemindersSet(before):
            return replace(operation, reminders=tuple(sorted(set(before), reverse=True)))
        case SeriesJoined(series):
            return replace(operation, series=series)
        case _:
            return None


def _planned(operation: Operation, event: Planned, envelope: Envelope) -> Operation:
    """Planned, perhaps by a second one too. A template's window is a length, which is no rival to a time."""
    template = event.template and (operation.template or not operation.id)
    windows = () if operation.template and not template else operation.windows
    if event.template is template:
        windows = stake(windows, Window(event.starts, event.ends, event.zone), (), envelope)
    objectives = operation.objectives
    return replace(
        operation,
        id=envelope.entity,
        template=template,
        names=stake(operation.names, event.title, (), envelope),
        windows=windows,
        objectives=stake(objectives, event.briefing, (), envelope) if event.briefing else objectives,
        series=operation.series or event.series,
    )


def _slots(operation: Operation, event: OperationEvent, envelope: Envelope) -> Operation | None:
    match event:
        case SquadFormed(squad, title):
            others = tuple(each for each in operation.squads if each.id != squad)
            full = len(others) >= SQUADS_MAX
            return operation if full else replace(operation, squads=(*others, Squad(squad, title)))
        case SquadDisbanded(squad):
            return replace(operation, squads=tuple(each for each in operation.squads if each.id != squad))
        case CrewSlotAdded() | ShipSlotAdded() if _is_slot(operation, event.slot):
            return operation  # Added once.
        case CrewSlotAdded(slot, role, aboard, squad, optional):
            if flaw_of_title(role) or len(operation.crew_slots) >= CREW_SLOTS_MAX:
                return operation
            made = CrewSlot(slot, role, aboard, squad, optional)
            return replace(operation, crew_slots=(*operation.crew_slots, made))
        case ShipSlotAdded(slot, title, models, squad, optional):
            if flaw_of_title(title) or len(operation.ship_slots) >= SHIP_SLOTS_MAX:
                return operation
            berth = ShipSlot(slot, title, models, squad, optional)
            return replace(operation, ship_slots=(*operation.ship_slots, berth))
        case SlotDropped(slot):
            return _dropped(operation, slot)
        case ShipAssigned(slot, ship, over):
            return replace(operation, ship_slots=put(operation.ship_slots, slot, ship, over, envelope))
        case ShipReleased(slot, over):
            return replace(operation, ship_slots=without_claims(operation.ship_slots, slot, over, envelope))
        case _:
            return None


def _is_slot(operation: Operation, slot: Id) -> bool:
    crew, ships = operation.crew_slots, operation.ship_slots
    return any(each.id == slot for each in crew) or any(each.id == slot for each in ships)


def _dropped(operation: Operation, slot: Id) -> Operation:
    """Without the slot; whoever was to be aboard of that ship goes on foot."""
    crew = (each for each in operation.crew_slots if each.id != slot)
    return replace(
        operation,
        crew_slots=tuple(replace(each, aboard=None) if each.aboard == slot else each for each in crew),
        ship_slots=tuple(each for each in operation.ship_slots if each.id != slot),
    )


def _people(operation: Operation, event: OperationEvent, envelope: Envelope) -> Operation | None:
    me = envelope.member
    match event:
        case SignedUp() | SignedUpFor() if any(flaw_of_title(role) for role in event.roles):
            return operation
        case SignedUp(answer, roles):
            mine = SignUp(me, answer, envelope.entry, roles, own=True)
            return replace(operation, sign_ups=answered(operation.sign_ups, mine, (), envelope))
        case SignedUpFor(member, answer, roles, over):
            theirs = SignUp(member, answer, envelope.entry, roles, own=member == me)
            sign_ups = answered(operation.sign_ups, theirs, over, envelope)
            return replace(operation, sign_ups=placed(sign_ups, member, over, envelope))
        case SlotTaken(slot):
            coming = frozenset(each.member for each in operation.sign_ups if each.answer is Answer.ACCEPTED)
            return replace(operation, crew_slots=taken(operation.crew_slots, slot, me, coming, envelope))
        case SlotTakenFor(slot, member, over):
            return replace(operation, crew_slots=put(operation.crew_slots, slot, member, over, envelope))
        case SlotLeft(slot):
            return replace(operation, crew_slots=left(operation.crew_slots, slot, me))
        case SlotLeftFor(slot, over):
            return replace(operation, crew_slots=without_claims(operation.crew_slots, slot, over, envelope))
        case CheckedIn():
            return replace(operation, checked_in=seen(operation.checked_in, me, envelope))
        case CheckedInFor(member):
            return replace(operation, checked_in=seen(operation.checked_in, member, envelope))
        case _:
            return None


def _flow(operation: Operation, event: OperationEvent, envelope: Envelope) -> Operation | None:
    match event:
        case LeadAssigned(member, over):
            return replace(operation, leads=stake(operation.leads, member, over, envelope))
        case LeadRelieved(over):
            return replace(operation, leads=drop(operation.leads, over, envelope))
        case Started(over):
            return _called(operation, Call(Stage.STARTED), over, envelope)
        case Completed(outcome, over):
            return _called(operation, Call(Stage.COMPLETED, outcome=outcome), over, envelope)
        case Cancelled(reason, over):
            called = replace(_with_text(operation, TextKind.CANCELLATION, envelope), cancellation=envelope.entry)
            return _called(called, Call(Stage.CANCELLED, reason=reason), over, envelope)
        case Reinstated(over):
            return _called(operation, Call(Stage.PLANNED), over, envelope)
        case AttendanceTaken(snapshot, at, members):
            return _with_attendance(operation, Snapshot(snapshot, at, members))
        case _:
            return None


def _called(operation: Operation, call: Call, over: tuple[Id32, ...], envelope: Envelope) -> Operation:
    return replace(operation, calls=stake(operation.calls, call, over, envelope))


def _with_text(operation: Operation, kind: TextKind, envelope: Envelope) -> Operation:
    """With one more text; of very many the oldest go."""
    if any(each.entry == envelope.entry for each in operation.texts):
        return operation
    text = Text(envelope.entry, kind, envelope.member)
    return replace(operation, texts=(*operation.texts, text)[-TEXTS_MAX:])


def _with_attendance(operation: Operation, snapshot: Snapshot) -> Operation:
    """More names of one snapshot are put to those that came before; its time is the first one's."""
    known = next((each for each in operation.snapshots if each.id == snapshot.id), None)
    if known is None:
        full = len(operation.snapshots) >= SNAPSHOTS_MAX
        members = together((), snapshot.members)
        return (
            operation
            if full
            else replace(operation, snapshots=(*operation.snapshots, replace(snapshot, members=members)))
        )
    more = replace(known, members=together(known.members, snapshot.members))
    return replace(operation, snapshots=tuple(more if each is known else each for each in operation.snapshots))

"""What can be said of an operation: the events, and the words that go along with some of them.

Times are UTC seconds; a zone's name only says how planners meant them to be shown. What a member says of himself
needs no right; the twin of the same event (`...For`) names a member and needs `operation.lead`.
"""

import enum

from scmanager.domain.event import Event, Personal
from scmanager.domain.payload import (
    CatalogueKeys,
    Crew,
    Entries,
    Entry,
    Id16,
    Ids,
    Seconds,
    Spans,
    Title,
    Titles,
    Zone,
)
from scmanager.domain.words import Name, Prose


class Answer(enum.StrEnum):
    """What a member says to an operation."""

    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"
    RESERVE = "reserve"
    """Comes if somebody is missing; waits for no place."""


class Outcome(enum.StrEnum):
    """How an operation went."""

    SUCCESS = "success"
    PARTIAL = "partial"
    FAILURE = "failure"


class CancelReason(enum.StrEnum):
    """Why an operation was called off."""

    TOO_FEW = "too-few"
    SERVERS = "servers"
    """The game was down, or not as it should be."""
    POSTPONED = "postponed"
    LEAD_AWAY = "lead-away"
    OTHER = "other"


class Planned(Event, tag="operation.planned/1"):
    """`briefing`: an entry of another operation whose Objective holds here too. A template has a length, no time."""

    title: Title
    starts: Seconds
    ends: Seconds
    zone: Zone = "UTC"
    template: bool = False
    briefing: Entry | None = None
    series: Id16 | None = None


class Renamed(Event, tag="operation.renamed/1"):
    title: Title
    over: Entries = ()


class Described(Event, tag="operation.described/1"):
    """Carries an Objective."""

    over: Entries = ()


class Rescheduled(Event, tag="operation.rescheduled/1"):
    starts: Seconds
    ends: Seconds
    zone: Zone = "UTC"
    over: Entries = ()


class CrewLimited(Event, tag="operation.crew-limited/1"):
    """How many may come; 0: as many as there are crew slots, or everybody where there are none."""

    most: Crew = 0


class RemindersSet(Event, tag="operation.reminders-set/1"):
    """How many seconds before its beginning."""

    before: Spans = ()


class SeriesJoined(Event, tag="operation.series-joined/1"):
    series: Id16


class SquadFormed(Event, tag="operation.squad-formed/1"):
    squad: Id16
    title: Title


class SquadDisbanded(Event, tag="operation.squad-disbanded/1"):
    squad: Id16


class CrewSlotAdded(Event, tag="operation.crew-slot-added/1"):
    """A place for one member in a role: on board of a ship slot's ship, or on foot."""

    slot: Id16
    role: Title
    aboard: Id16 | None = None
    squad: Id16 | None = None
    optional: bool = False


class ShipSlotAdded(Event, tag="operation.ship-slot-added/1"):
    """A place for one ship, of one of these models; of any, if none is named."""

    slot: Id16
    title: Title
    models: CatalogueKeys = ()
    squad: Id16 | None = None
    optional: bool = False


class SlotDropped(Event, tag="operation.slot-dropped/1"):
    slot: Id16


class LeadAssigned(Event, tag="operation.lead-assigned/1"):
    member: Id16
    over: Entries = ()


class LeadRelieved(Event, tag="operation.lead-relieved/1"):
    over: Entries = ()


class SignedUp(Event, tag="operation.signed-up/1"):
    """`roles` are those its author can take; none named: any."""

    answer: Answer
    roles: Titles = ()


class SignedUpFor(Event, tag="operation.signed-up-for/1"):
    """For a member who cannot say it. His own word stands against it, unless `over` or `saw` names it."""

    member: Id16
    answer: Answer
    roles: Titles = ()
    over: Entries = ()


class SlotTaken(Event, tag="operation.slot-taken/1"):
    """A crew slot, by its author. He leaves the one he had."""

    slot: Id16


class SlotTakenFor(Event, tag="operation.slot-taken-for/1"):
    slot: Id16
    member: Id16
    over: Entries = ()


class SlotLeft(Event, tag="operation.slot-left/1"):
    """A crew slot, by its author."""

    slot: Id16


class SlotLeftFor(Event, tag="operation.slot-left-for/1"):
    slot: Id16
    over: Entries = ()


class ShipAssigned(Event, tag="operation.ship-assigned/1"):
    """To a ship slot. It leaves the one it had."""

    slot: Id16
    ship: Id16
    over: Entries = ()


class ShipReleased(Event, tag="operation.ship-released/1"):
    slot: Id16
    over: Entries = ()


class CheckedIn(Event, tag="operation.checked-in/1"):
    """Its author is there."""


class CheckedInFor(Event, tag="operation.checked-in-for/1"):
    member: Id16


class Started(Event, tag="operation.started/1"):
    over: Entries = ()


class Completed(Event, tag="operation.completed/1"):
    outcome: Outcome
    over: Entries = ()


class Cancelled(Event, tag="operation.cancelled/1"):
    """May carry a Cancellation."""

    reason: CancelReason
    over: Entries = ()


class Reinstated(Event, tag="operation.reinstated/1"):
    """It is planned again, whatever became of it."""

    over: Entries = ()


class AttendanceTaken(Event, tag="operation.attendance-taken/1"):
    """Who was there at this time. Several with one `snapshot` are one."""

    snapshot: Id16
    at: Seconds
    members: Ids = ()


OperationEvent = (
    Planned
    | Renamed
    | Described
    | Rescheduled
    | CrewLimited
    | RemindersSet
    | SeriesJoined
    | SquadFormed
    | SquadDisbanded
    | CrewSlotAdded
    | ShipSlotAdded
    | SlotDropped
    | LeadAssigned
    | LeadRelieved
    | SignedUp
    | SignedUpFor
    | SlotTaken
    | SlotTakenFor
    | SlotLeft
    | SlotLeftFor
    | ShipAssigned
    | ShipReleased
    | CheckedIn
    | CheckedInFor
    | Started
    | Completed
    | Cancelled
    | Reinstated
    | AttendanceTaken
)


class Objective(Personal):
    """What an operation is for, and where. Sealed like all prose of an organisation (prose.py)."""

    objective: Prose = ""
    place: Name = ""


class Cancellation(Personal):
    """Why it was called off, in words. Sealed like an Objective."""

    text: Prose

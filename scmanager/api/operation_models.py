"""Operations as GraphQL types, bound to their read model like all the others (`models`)."""

from strawberry import ID

from scmanager.api import models
from scmanager.api.bindings import Table, chosen, column, described, hexed, hexed_list, many, moment, one
from scmanager.api.document_models import Document
from scmanager.api.filters import MemberFilter, MemberSort, Words
from scmanager.api.models import NO_MEMBERS, SAME, Connection, Member, Organisation, Ship, Titled
from scmanager.api.operation_filters import (
    CrewStanding,
    OperationAnswer,
    OperationCancelReason,
    OperationFilter,
    OperationOutcome,
    OperationSort,
    OperationStage,
    OperationTextKind,
    PresenceFilter,
    PresenceSort,
    SignUpFilter,
    SignUpSort,
    SlotFilter,
    SlotSort,
    SquadFilter,
    SquadSort,
    TextFilter,
    TextSort,
    TextStanding,
)
from scmanager.api.scalars import Moment, Whole

NO_SIGN_UPS = "Nobody has answered yet: members answer with operationSignUp."
NO_SLOTS = "Nothing is asked for yet: add slots with operationAddCrewSlots and operationAddShipSlot."
NO_SQUADS = "No squads: form one with operationFormSquad."
NO_TEXTS = "Nothing was written yet: say what it is for with operationDescribe."
NOBODY_THERE = "Nobody has checked in yet: members do with operationCheckIn."
NO_SNAPSHOTS = "Attendance was not taken: do it with operationTakeAttendance."

_MINE = f"{SAME} and {{c}}.operation = {{p}}.id"
_BESIDE = f"{SAME} and {{c}}.operation = {{p}}.operation"


@described
class OperationText:
    """Something that was written of an operation: its objective, why it was cancelled."""

    id: ID = hexed("entry", "The entry that holds it.")
    kind: OperationTextKind = chosen("kind")  # type: ignore[valid-type] # made from the domain's
    standing: TextStanding = chosen("standing")
    at: Moment | None = moment("at")
    body: str | None = column("body")
    meets: str | None = column("meets", "Of an objective: the place.")
    words: Words = chosen("words")
    member: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.member", "Who wrote it.")


@described
class OperationSquad:
    """A part of an operation's crew and ships."""

    id: ID = hexed("id")
    title: str = column("title")


@described
class ShipSlot:
    """A place for one ship."""

    id: ID = hexed("id")
    title: str = column("title")
    models: list[str] = column("models", "Any of these; none: any ship.")
    optional: bool = column("optional")
    rival_ships: list[ID] = hexed_list("rival_ships", "Others that were assigned at the same time.")
    squad: OperationSquad | None = one(f"{_BESIDE} and {{c}}.id = {{p}}.squad")
    ship: Ship | None = one(f"{SAME} and {{c}}.id = {{p}}.ship", "Its standing tells whether it is still there.")


@described
class CrewSlot:
    """A place for one member in a role."""

    id: ID = hexed("id")
    role: str = column("role")
    optional: bool = column("optional")
    rival_members: list[ID] = hexed_list("rival_members", "Others of the crew who took it at the same time.")
    squad: OperationSquad | None = one(f"{_BESIDE} and {{c}}.id = {{p}}.squad")
    aboard: ShipSlot | None = one(f"{_BESIDE} and {{c}}.id = {{p}}.aboard", "The ship slot it is on.")
    member: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.member")


@described
class SignUp:
    """What a member answered to an operation."""

    id: ID = hexed("entry", "The entry that says so.")
    answer: OperationAnswer = chosen("answer")  # type: ignore[valid-type] # made from the domain's
    standing: CrewStanding = chosen("standing", "What follows from it: who accepts late waits for a place.")
    roles: list[str] = column("roles", "Those he can take; none: any.")
    own: bool = column("own", "Whether he said it himself.")
    at: Moment | None = moment("at")
    member_id: ID = hexed("member")
    member: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.member")
    operation: "Operation | None" = one(f"{SAME} and {{c}}.id = {{p}}.operation")


@described
class CheckIn:
    """Somebody who was there."""

    member_id: ID = hexed("member")
    at: Moment | None = moment("at")
    member: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.member")
    operation: "Operation | None" = one(f"{SAME} and {{c}}.id = {{p}}.operation")


@described
class Attendance:
    """Who was there at a time."""

    id: ID = hexed("id")
    at: Moment | None = moment("at")
    member_ids: list[ID] = hexed_list("members")
    members: Connection[Member] = many(
        f"{SAME} and {{c}}.id = any({{p}}.members)", filter=MemberFilter, sort=MemberSort, next_step=NO_MEMBERS
    )


@described
class Operation(Titled):
    """An outing of the organisation, or a template of one."""

    template: bool = column("template")
    starts: Moment | None = moment("starts", "Null for a template. Show it in the reader's own zone.")
    ends: Moment | None = moment("ends")
    length_s: Whole = column("length_s")
    zone: str = column("zone", "In whose clock its planner thought.")
    rival_windows: list[str] = column("rival_windows", "Other times that were set at once: start/end zone.")
    stage: OperationStage = chosen("stage")  # type: ignore[valid-type] # made from the domain's
    outcome: OperationOutcome | None = chosen("outcome")  # type: ignore[valid-type] # made from the domain's
    cancel_reason: OperationCancelReason | None = chosen("cancel_reason")  # type: ignore[valid-type] # made from the domain's
    rival_stages: list[str] = column("rival_stages", "What else became of it at once.")
    rival_leads: list[ID] = hexed_list("rival_leads")
    series: ID | None = hexed("series")
    reminders: list[Whole] = column("reminders", "Seconds before the beginning.")
    crew_most: int = column("crew_most", "As it was set; 0: as many as there are crew slots.")
    places: int | None = column("places", "How many can be in the crew; null for any number.")
    crew: int = column("crew", "How many come.")
    waiting: int = column("waiting")
    tentative: int = column("tentative")
    reserve: int = column("reserve")
    declined: int = column("declined")
    open_crew_slots: int = column("open_crew_slots")
    open_ship_slots: int = column("open_ship_slots")
    contested: bool = column("contested", "Whether something awaits a decision.")
    lead: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.lead")
    organisation: Organisation | None = one(SAME)
    objective: OperationText | None = one(f"{SAME} and {{c}}.entry = {{p}}.objective")
    report: Document | None = one(f"{SAME} and {{c}}.thing = {{p}}.id and {{c}}.kind = 'report'", "Written together.")
    briefing: Document | None = one(
        f"{SAME} and {{c}}.thing = {{p}}.id and {{c}}.kind = 'briefing'",
        "Written together; the objective stands by itself.",
    )
    cancellation: OperationText | None = one(f"{SAME} and {{c}}.entry = {{p}}.cancellation")
    texts: Connection[OperationText] = many(
        _MINE, filter=TextFilter, sort=TextSort, next_step=NO_TEXTS, description="Everything that was written of it."
    )
    squads: Connection[OperationSquad] = many(_MINE, filter=SquadFilter, sort=SquadSort, next_step=NO_SQUADS)
    ship_slots: Connection[ShipSlot] = many(_MINE, filter=SlotFilter, sort=SlotSort, next_step=NO_SLOTS)
    crew_slots: Connection[CrewSlot] = many(_MINE, filter=SlotFilter, sort=SlotSort, next_step=NO_SLOTS)
    sign_ups: Connection[SignUp] = many(
        _MINE, filter=SignUpFilter, sort=SignUpSort, next_step=NO_SIGN_UPS,
        description="Every answer, in the order in which they count.",
    )  # fmt: skip
    check_ins: Connection[CheckIn] = many(
        _MINE, filter=PresenceFilter, sort=PresenceSort, next_step=NOBODY_THERE, description="Who is there."
    )
    attendance: Connection[Attendance] = many(_MINE, filter=PresenceFilter, sort=PresenceSort, next_step=NO_SNAPSHOTS)
    series_operations: Connection["Operation"] = many(
        f"{SAME} and {{c}}.series = {{p}}.series", filter=OperationFilter, sort=OperationSort,
        next_step=models.NO_OPERATIONS, description="All of its series.",
    )  # fmt: skip


TABLES: dict[str, Table] = {
    "Operation": Table("operation"),
    "OperationText": Table("operation_text", "entry"),
    "OperationSquad": Table("operation_squad"),
    "ShipSlot": Table("operation_ship_slot"),
    "CrewSlot": Table("operation_crew_slot"),
    "SignUp": Table("operation_sign_up", "entry"),
    "CheckIn": Table("operation_check_in", "entry"),
    "Attendance": Table("operation_snapshot"),
}
"""The read model behind each type."""

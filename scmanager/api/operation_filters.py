"""What lists of operations, and of what they are made of, can be narrowed by and sorted by."""

import enum

import strawberry

from scmanager.api.bindings import Sort, matches, orders, part_of_title
from scmanager.api.scalars import Moment, graphql_enum
from scmanager.domain import operation_events, operation_parts

OperationStage = graphql_enum(operation_parts.Stage)
OperationAnswer = graphql_enum(operation_events.Answer)
OperationOutcome = graphql_enum(operation_events.Outcome)
OperationCancelReason = graphql_enum(operation_events.CancelReason)
OperationTextKind = graphql_enum(operation_parts.TextKind)


@strawberry.enum(description="Where a member stands who answered.")
class CrewStanding(enum.Enum):
    """As the read model records it."""

    CREW = "crew"
    WAITING = "waiting"
    TENTATIVE = "tentative"
    RESERVE = "reserve"
    DECLINED = "declined"


@strawberry.enum(description="Whether a text holds, stands beside the one that does, or was replaced.")
class TextStanding(enum.Enum):
    """As the read model records it."""

    HOLDS = "holds"
    RIVAL = "rival"
    REPLACED = "replaced"


@strawberry.input
class OperationFilter:
    """Which operations."""

    text: str | None = part_of_title()
    stage: list[OperationStage] | None = matches("{c}.stage = any({v})")  # type: ignore[valid-type] # made from the domain's
    template: bool | None = matches("{c}.template = {v}")
    starts_from: Moment | None = matches("{c}.starts >= {v}::timestamptz")
    starts_to: Moment | None = matches("{c}.starts < {v}::timestamptz")
    ends_from: Moment | None = matches("{c}.ends >= {v}::timestamptz", "Not over by then.")
    lead: strawberry.ID | None = matches("{c}.lead = {v}")
    series: strawberry.ID | None = matches("{c}.series = {v}")
    member: strawberry.ID | None = matches(
        "exists (select 1 from operation_sign_up s where s.space = {c}.space and s.operation = {c}.id"
        " and s.member = {v} and s.answer <> 'declined')",
        "Somebody who answered, and did not decline.",
    )
    open_slots: bool | None = matches("({c}.open_crew_slots + {c}.open_ship_slots > 0) = {v}")
    contested: bool | None = matches("{c}.contested = {v}", "Where something awaits a decision.")


OperationSort = orders("OperationSort", STARTS=Sort("starts", "timestamptz"), TITLE=Sort("title_lower"))


@strawberry.input
class SignUpFilter:
    """Which answers."""

    standing: list[CrewStanding] | None = matches("{c}.standing = any({v})")
    answer: list[OperationAnswer] | None = matches("{c}.answer = any({v})")  # type: ignore[valid-type] # made from the domain's
    role: str | None = matches("{v} = any({c}.roles)", "Who named this role.")


SignUpSort = orders("SignUpSort", PLACE=Sort("place", "bigint"))


@strawberry.input
class SlotFilter:
    """Which slots."""

    squad: strawberry.ID | None = matches("{c}.squad = {v}")
    optional: bool | None = matches("{c}.optional = {v}")


SlotSort = orders("SlotSort", PLACE=Sort("place", "bigint"))


@strawberry.input
class SquadFilter:
    """Which squads."""

    text: str | None = part_of_title()


SquadSort = orders("SquadSort", TITLE=Sort("title_lower"))


@strawberry.input
class TextFilter:
    """Which texts."""

    kind: list[OperationTextKind] | None = matches("{c}.kind = any({v})")  # type: ignore[valid-type] # made from the domain's
    standing: list[TextStanding] | None = matches("{c}.standing = any({v})")


TextSort = orders("TextSort", PLACE=Sort("place", "bigint"))


@strawberry.input
class PresenceFilter:
    """Who of those that were there, or when."""

    since: Moment | None = matches("{c}.at >= {v}::timestamptz")
    until: Moment | None = matches("{c}.at < {v}::timestamptz")


PresenceSort = orders("PresenceSort", AT=Sort("at", "timestamptz"))

"""What lists can be narrowed by and sorted by. Each condition stands beside its argument."""

import enum

import strawberry

from scmanager.api.bindings import Sort, matches, orders, part_of_title
from scmanager.api.scalars import Moment, Whole, graphql_enum
from scmanager.domain import member, ship, ship_events

MemberStanding = graphql_enum(member.Standing)
MemberRemovalReason = graphql_enum(member.RemovalReason)
ShipStanding = graphql_enum(ship.Standing)
ShipRemovalReason = graphql_enum(ship_events.RemovalReason)
ShipReadiness = graphql_enum(ship_events.Readiness)
ShipOwnerKind = graphql_enum(ship_events.OwnerKind)
ShipSource = graphql_enum(ship_events.Source)


@strawberry.enum(description="Why words about a person are there or not.")
class Words(enum.Enum):
    """As the read models record it."""

    NONE = "none"
    OPEN = "open"
    ERASED = "erased"
    NOT_HERE = "not-here"
    UNREADABLE = "unreadable"


@strawberry.input
class OrganisationFilter:
    """Which organisations."""

    text: str | None = part_of_title()
    archived: bool | None = matches("{c}.archived = {v}")


OrganisationSort = orders("OrganisationSort", TITLE=Sort("title_lower"))


@strawberry.input
class MemberFilter:
    """Which members."""

    text: str | None = matches(
        "(position({v} in {c}.handle_lower) > 0 or position({v} in {c}.display_name_lower) > 0)",
        "Part of the handle or the name, in any case.",
    )
    standing: list[MemberStanding] | None = matches("{c}.standing = any({v})")  # type: ignore[valid-type] # made from the domain's
    rank_from: int | None = matches("{c}.rank >= {v}", "This rank or lower ones; 0 is the highest.")
    rank_to: int | None = matches("{c}.rank <= {v}", "This rank or higher ones.")
    role: strawberry.ID | None = matches("{c}.role = {v}")
    joined_from: Moment | None = matches("{c}.joined_at >= {v}::timestamptz")
    joined_to: Moment | None = matches("{c}.joined_at < {v}::timestamptz")
    contested: bool | None = matches("({c}.join_contested or {c}.rival_claims <> '{{}}') = {v}")


MemberSort = orders(
    "MemberSort",
    HANDLE=Sort("handle_lower"),
    JOINED=Sort("joined_at", "timestamptz"),
    RANK=Sort("rank", "bigint"),
    STANDING=Sort("standing"),
)


@strawberry.input
class ShipFilter:
    """Which ships."""

    text: str | None = matches(
        "(position({v} in lower({c}.model)) > 0 or position({v} in {c}.nickname_lower) > 0)",
        "Part of the model's key or the nickname, in any case.",
    )
    model: list[str] | None = matches("{c}.model = any({v})")
    standing: list[ShipStanding] | None = matches("{c}.standing = any({v})")  # type: ignore[valid-type] # made from the domain's
    removed_for: list[ShipRemovalReason] | None = matches(  # type: ignore[valid-type] # made from the domain's
        "{c}.standing = 'removed' and {c}.removed_for = any({v})", "Off the list for this; WISHED: the wish list."
    )
    readiness: list[ShipReadiness] | None = matches("{c}.readiness = any({v})")  # type: ignore[valid-type] # made from the domain's
    owner: strawberry.ID | None = matches("{c}.owner = {v}")
    owner_kind: ShipOwnerKind | None = matches("{c}.owner_kind = {v}")  # type: ignore[valid-type] # made from the domain's
    borrower: strawberry.ID | None = matches("{c}.borrower = {v}")
    fleet: strawberry.ID | None = matches("{c}.fleet = {v}")
    on_loan: bool | None = matches("({c}.borrower is not null) = {v}")


ShipSort = orders("ShipSort", MODEL=Sort("model"), READINESS=Sort("readiness"), OWNER=Sort("owner", "bytea"))


@strawberry.input
class FleetFilter:
    """Which fleets or squadrons."""

    text: str | None = part_of_title()
    disbanded: bool | None = matches("{c}.disbanded = {v}")
    lead: strawberry.ID | None = matches("{c}.lead = {v}")


FleetSort = orders("FleetSort", TITLE=Sort("title_lower"))


@strawberry.input
class RoleFilter:
    """Which roles."""

    text: str | None = part_of_title()
    withdrawn: bool | None = matches("{c}.withdrawn = {v}")
    right: str | None = matches("{v} = any({c}.rights)", "Roles with this right.")


RoleSort = orders("RoleSort", RANK=Sort("rank", "smallint"), TITLE=Sort("title_lower"))


@strawberry.input
class AffiliationFilter:
    """Which affiliations."""

    text: str | None = part_of_title()


AffiliationSort = orders("AffiliationSort", TITLE=Sort("title_lower"))


@strawberry.input
class AuditFilter:
    """Which entries of the audit trail."""

    type: list[str] | None = matches("{c}.type = any({v})", "Event types, such as member.joined/1.")
    member: strawberry.ID | None = matches("{c}.member = {v}", "Who did it.")
    entity: strawberry.ID | None = matches("{c}.entity = {v}", "What it is about.")
    command: strawberry.ID | None = matches("{c}.command = {v}")
    valid: bool | None = matches("{c}.valid = {v}")
    since: Moment | None = matches("{c}.hlc >= (extract(epoch from {v}::timestamptz) * 1000000)::bigint")
    until: Moment | None = matches("{c}.hlc < (extract(epoch from {v}::timestamptz) * 1000000)::bigint")
    after_pos: Whole | None = matches("{c}.pos > {v}")


AuditSort = orders("AuditSort", POSITION=Sort("pos", "bigint"))

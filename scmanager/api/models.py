"""The read models as GraphQL types. Each field says which column or relation it is; nothing else answers it."""

from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import strawberry
from strawberry import ID

from scmanager.api.bindings import Table, chosen, column, computed, described, hexed, hexed_list, many, moment, one
from scmanager.api.filters import (
    AffiliationFilter,
    AffiliationSort,
    AuditFilter,
    AuditSort,
    FleetFilter,
    FleetSort,
    MemberFilter,
    MemberRemovalReason,
    MemberSort,
    MemberStanding,
    RoleFilter,
    RoleSort,
    ShipFilter,
    ShipOwnerKind,
    ShipReadiness,
    ShipRemovalReason,
    ShipSort,
    ShipSource,
    ShipStanding,
    Words,
)
from scmanager.api.operation_filters import (
    OperationFilter,
    OperationSort,
    PresenceFilter,
    PresenceSort,
    SignUpFilter,
    SignUpSort,
)
from scmanager.api.scalars import Moment, Whole

if TYPE_CHECKING:
    from scmanager.api.operation_models import CheckIn, Operation, SignUp

_OPERATIONS = strawberry.lazy("scmanager.api.operation_models")
"""Where the types stand that lead back to the ones in here."""

T = TypeVar("T")

NO_MEMBERS = "Nobody is here yet: record or invite somebody with memberRecord or memberInvite."
NO_SHIPS = "No ships yet: add or share one with a ship mutation, or import a hangar."
NO_FLEETS = "No fleets yet: form one with fleetForm."
NO_SQUADRONS = "No squadrons yet: form one with squadronForm."
NO_ROLES = "No roles yet: define one with roleDefine."
NO_AFFILIATIONS = "No affiliations yet: note one with organisationAffiliate."
NO_ENTRIES = "Nothing was recorded here yet."
NO_OPERATIONS = "No operations yet: plan one with operationPlan."
NO_ANSWERS = "No answer to any operation yet: give one with operationSignUp."
NO_CHECK_INS = "Not checked in to any operation yet: do it with operationCheckIn."
NO_ORGANISATIONS = "No organisation yet: found one with organisationFound, or import the file of one you belong to."

SAME = "{c}.space = {p}.space"
"""The condition of whatever belongs to the same space as the row around it."""
_LISTED = (
    "exists (select 1 from {list} l where l.space = {{p}}.space and l.{mine} = {{p}}.id and l.{theirs} = {{c}}.id)"
)


def _listed(table: str, mine: str, theirs: str) -> str:
    return f"{SAME} and " + _LISTED.format(list=table, mine=mine, theirs=theirs)


@described
class PageInfo:
    """Where a page begins and ends, and whether there is more."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@described
class Edge(Generic[T]):
    """A row and its place in the list."""

    cursor: str
    node: T


@described
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]]
    nodes: list[T]
    page_info: PageInfo
    total_count: int = strawberry.field(description="Of the whole list as filtered.")
    next_step: str | None = strawberry.field(description="What to do, when the list is empty.")


@described
class InSpace:
    """What every thing of a space has."""

    id: ID = hexed("id")
    space: ID = hexed("space")


@described
class Titled(InSpace):
    """What people give a title."""

    title: str = column("title")
    rival_titles: list[str] = column("rival_titles", "Others that were given at the same time.")


@described
class Organisation:
    """An organisation."""

    id: ID = hexed("id")
    space: ID = hexed("space", "The space it lives in: what mutations ask for.")
    title: str = column("title")
    rival_titles: list[str] = column("rival_titles", "Other names that were given at the same time.")
    sid: str = column("sid", "Its short tag in the game.")
    archived: bool = column("archived")
    description: str | None = column("description")
    description_words: Words = chosen("description_words")
    members: Connection["Member"] = many(
        SAME, filter=MemberFilter, sort=MemberSort, next_step=NO_MEMBERS, description="The roster."
    )
    ships: Connection["Ship"] = many(
        SAME, filter=ShipFilter, sort=ShipSort, next_step=NO_SHIPS, description="Everybody's and the organisation's."
    )
    fleets: Connection["Fleet"] = many(SAME, filter=FleetFilter, sort=FleetSort, next_step=NO_FLEETS)
    squadrons: Connection["Squadron"] = many(SAME, filter=FleetFilter, sort=FleetSort, next_step=NO_SQUADRONS)
    operations: Connection[Annotated["Operation", _OPERATIONS]] = many(
        SAME, filter=OperationFilter, sort=OperationSort, next_step=NO_OPERATIONS
    )
    roles: Connection["Role"] = many(SAME, filter=RoleFilter, sort=RoleSort, next_step=NO_ROLES)
    affiliations: Connection["Affiliation"] = many(
        f"{SAME} and {{c}}.organisation = {{p}}.id",
        filter=AffiliationFilter, sort=AffiliationSort, next_step=NO_AFFILIATIONS,
    )  # fmt: skip
    audit: Connection["AuditEntry"] = many(SAME, filter=AuditFilter, sort=AuditSort, next_step=NO_ENTRIES)


@described
class Member(InSpace):
    """Somebody on the roster."""

    standing: MemberStanding = chosen("standing")  # type: ignore[valid-type] # made from the domain's
    handle: str | None = column("handle")
    display_name: str | None = column("display_name")
    profile_words: Words = chosen("profile_words")
    note: str | None = column("note")
    note_words: Words = chosen("note_words")
    joined_at: Moment | None = moment("joined_at")
    invited_until: Moment | None = moment("invited_until")
    invitation_withdrawn: bool = column("withdrawn")
    join_contested: bool = column("join_contested", "Accepted while the invitation was being withdrawn.")
    removed_for: MemberRemovalReason | None = chosen("removed_for")  # type: ignore[valid-type] # made from the domain's
    rank: int | None = column("rank", "0 is the highest; null for somebody who holds no grant.")
    rights: list[str] = column("rights")
    devices: int = column("devices")
    rival_claims: list[ID] = hexed_list("rival_claims")
    role: "Role | None" = one(f"{SAME} and {{c}}.id = {{p}}.role")
    organisation: Organisation | None = one(SAME)
    claimed_by: "Member | None" = one(f"{SAME} and {{c}}.id = {{p}}.claimed_by", "Whose this recorded entry is.")
    ships: Connection["Ship"] = many(
        f"{SAME} and {{c}}.owner = {{p}}.id", filter=ShipFilter, sort=ShipSort, next_step=NO_SHIPS
    )
    borrowed_ships: Connection["Ship"] = many(
        f"{SAME} and {{c}}.borrower = {{p}}.id", filter=ShipFilter, sort=ShipSort, next_step=NO_SHIPS
    )
    squadrons: Connection["Squadron"] = many(
        _listed("squadron_member", "member", "squadron"),
        filter=FleetFilter, sort=FleetSort, next_step=NO_SQUADRONS,
    )  # fmt: skip
    sign_ups: Connection[Annotated["SignUp", _OPERATIONS]] = many(
        f"{SAME} and {{c}}.member = {{p}}.id", filter=SignUpFilter, sort=SignUpSort, next_step=NO_ANSWERS
    )
    check_ins: Connection[Annotated["CheckIn", _OPERATIONS]] = many(
        f"{SAME} and {{c}}.member = {{p}}.id",
        filter=PresenceFilter, sort=PresenceSort, next_step=NO_CHECK_INS, description="Where they were there.",
    )  # fmt: skip


@described
class Ship(InSpace):
    """A ship of a member or of the organisation."""

    standing: ShipStanding = chosen("standing")  # type: ignore[valid-type] # made from the domain's
    removed_for: ShipRemovalReason | None = chosen("removed_for")  # type: ignore[valid-type] # made from the domain's
    model: str = column("model", "The model's key in the catalogue.")
    source: ShipSource = chosen("source")  # type: ignore[valid-type] # made from the domain's
    nickname: str | None = column("nickname")
    nickname_words: Words = chosen("nickname_words")
    readiness: ShipReadiness = chosen("readiness")  # type: ignore[valid-type] # made from the domain's
    claim_until: Moment | None = moment("claim_until", "When the claim is through: from then on it is ready.")
    owner_kind: ShipOwnerKind | None = chosen("owner_kind")  # type: ignore[valid-type] # made from the domain's
    owner_id: ID | None = hexed("owner")
    rival_owners: list[ID] = hexed_list("rival_owners")
    loan: ID | None = hexed("loan", "The entry that began the loan: what returning it names.")
    loan_until: Moment | None = moment("loan_until")
    rival_borrowers: list[ID] = hexed_list("rival_borrowers")
    rival_fleets: list[ID] = hexed_list("rival_fleets")
    owner: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.owner and {{p}}.owner_kind = 'member'")
    borrower: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.borrower")
    fleet: "Fleet | None" = one(f"{SAME} and {{c}}.id = {{p}}.fleet")
    organisation: Organisation | None = one(SAME)
    squadrons: Connection["Squadron"] = many(
        _listed("squadron_ship", "ship", "squadron"), filter=FleetFilter, sort=FleetSort, next_step=NO_SQUADRONS
    )


@described
class Fleet(Titled):
    """A fleet: ships that fly together, under a lead."""

    disbanded: bool = column("disbanded")
    rival_leads: list[ID] = hexed_list("rival_leads")
    lead: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.lead")
    organisation: Organisation | None = one(SAME)
    ships: Connection[Ship] = many(
        f"{SAME} and {{c}}.fleet = {{p}}.id", filter=ShipFilter, sort=ShipSort, next_step=NO_SHIPS
    )
    squadrons: Connection["Squadron"] = many(
        f"{SAME} and {{c}}.fleet = {{p}}.id", filter=FleetFilter, sort=FleetSort, next_step=NO_SQUADRONS
    )


@described
class Squadron(Titled):
    """A squadron: ships and members, in a fleet or straight under the organisation."""

    disbanded: bool = column("disbanded")
    rival_leads: list[ID] = hexed_list("rival_leads")
    lead: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.lead")
    fleet: Fleet | None = one(f"{SAME} and {{c}}.id = {{p}}.fleet")
    organisation: Organisation | None = one(SAME)
    ships: Connection[Ship] = many(
        _listed("squadron_ship", "squadron", "ship"), filter=ShipFilter, sort=ShipSort, next_step=NO_SHIPS
    )
    members: Connection[Member] = many(
        _listed("squadron_member", "squadron", "member"), filter=MemberFilter, sort=MemberSort, next_step=NO_MEMBERS
    )


@described
class Role(InSpace):
    """A role: a template of rank and rights. What somebody may do stands in the grant."""

    title: str = column("title")
    rank: int = column("rank")
    rights: list[str] = column("rights")
    withdrawn: bool = column("withdrawn")
    contested: bool = column("contested", "Changed in two ways at the same time.")
    members: Connection[Member] = many(
        f"{SAME} and {{c}}.role = {{p}}.id", filter=MemberFilter, sort=MemberSort, next_step=NO_MEMBERS
    )


@described
class Affiliation:
    """Another organisation that belongs with this one, as this one says."""

    organisation_id: ID = hexed("other")
    title: str = column("title")


@described
class AuditEntry:
    """An entry of the log, counted or void."""

    id: ID = hexed("entry")
    space: ID = hexed("space")
    pos: Whole = column("pos", "Where it stands in this node's store.")
    log: ID = hexed("log")
    seq: Whole = column("seq")
    branch: int = column("branch", "0 unless the log forked.")
    at: Moment = computed(
        "to_char(timestamptz 'epoch' + {c}.hlc * interval '1 microsecond', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        "The author's word for when.",
    )
    type: str | None = column("type", "The event's type; null for a log's first entry.")
    entity: ID | None = hexed("entity", "What it is about.")
    command: ID | None = hexed("command")
    member_id: ID | None = hexed("member")
    rank: int | None = column("rank", "Of the grant it was written by.")
    valid: bool = column("valid")
    reason: str | None = column("reason", "Why it does not count.")
    cause: ID | None = hexed("cause", "The entry that made it void.")
    member: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.member", "Who did it.")


TABLES: dict[str, Table] = {
    "Organisation": Table("organisation"),
    "Member": Table("member"),
    "Ship": Table("ship"),
    "Fleet": Table("fleet"),
    "Squadron": Table("squadron"),
    "Role": Table("role"),
    "Affiliation": Table("affiliation", "other"),
    "AuditEntry": Table("audit", "pos", "bigint"),
}
"""The read model behind each type."""

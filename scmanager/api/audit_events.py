"""Audit events as a GraphQL type: what the owner's node noticed. The audit trail (`audit`) lists entries instead."""

import enum

import strawberry
from strawberry import ID

from scmanager.api.bindings import Sort, Table, chosen, column, described, hexed, matches, moment
from scmanager.api.filters import Words
from scmanager.api.scalars import Moment, Whole, graphql_enum
from scmanager.domain import audit_types

NO_AUDIT_EVENTS = (
    "Nothing was noted in your own space. There is one after personalFound; what was noted before waits."
)

AuditSeverity = graphql_enum(audit_types.Severity)
AuditType: type[enum.Enum] = strawberry.enum(
    enum.Enum("AuditType", {each.name: each.value for each in audit_types.AuditType}),  # type: ignore[call-overload] # mypy takes it for a member
    description="The 25 types of audit events; docs/audit-types.md says which have a cause in this release.",
)


@strawberry.input
class AuditEventFilter:
    """Which audit events."""

    type: list[AuditType] | None = matches("{c}.type = any({v})")  # type: ignore[valid-type] # made from the domain's
    severity: list[AuditSeverity] | None = matches("{c}.severity = any({v})")  # type: ignore[valid-type] # made from the domain's
    code: list[str] | None = matches("{c}.code = any({v})", "Such as token-wrong.")
    listed: bool | None = matches("({c}.code is not null) = {v}", "Not those that were only counted.")
    since: Moment | None = matches("{c}.last_at >= {v}::timestamptz", "Something of it happened then or later.")
    until: Moment | None = matches("{c}.first_at < {v}::timestamptz", "It began before.")


@strawberry.enum
class AuditEventSort(enum.Enum):
    """By what audit events are ordered."""

    LAST = Sort("last_at", "timestamptz")
    FIRST = Sort("first_at", "timestamptz")


@described
class AuditEvent:
    """Like causes from one source, within six hours. What there was no room to list has no code."""

    id: ID = hexed("id")
    space: ID = hexed("space")
    log: ID = hexed("log", "Of the device that noted it.")
    type: AuditType = chosen("type")  # type: ignore[valid-type] # made from the domain's
    severity: AuditSeverity = chosen("severity")  # type: ignore[valid-type] # made from the domain's
    code: str | None = column("code", "What exactly; null: more of this type, from any source.")
    count: Whole = column("count")
    first_at: Moment | None = moment("first_at")
    last_at: Moment | None = moment("last_at")
    version: str | None = column("version", "The release that noted it.")
    region: str | None = column("region", "ISO 3166-1, if the owner named one.")
    source_hash: ID | None = hexed("source", "The same for one source on one day on one installation.")
    payload_hash: ID | None = hexed("payload", "Salted; the salt is among the sealed words.")
    source: str | None = column("origin", "Where from, in clear.")
    detail: str | None = column("detail")
    words: Words = chosen("words")


TABLES: dict[str, Table] = {"AuditEvent": Table("audit_event")}
"""The read model behind each type."""

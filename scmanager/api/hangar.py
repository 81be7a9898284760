"""Imports of ship lists as GraphQL: when, from which tool, how many ships, and whether it was taken back."""

import strawberry
from strawberry import ID

from scmanager.api.bindings import Sort, Table, chosen, column, described, hexed, matches, moment, one, orders
from scmanager.api.filters import ShipOwnerKind
from scmanager.api.models import SAME, InSpace, Member
from scmanager.api.scalars import Moment, Whole

NO_IMPORTS = "No list of ships was imported here yet: preview a file, then hangarImport."


@strawberry.input
class ImportFilter:
    """Which imports."""

    tool: list[str] | None = matches("{c}.tool = any({v})", "Keys of tools, such as hangarxplor.")
    owner: ID | None = matches("{c}.owner = {v}", "Whose ships.")
    member: ID | None = matches("{c}.member = {v}", "Who imported.")
    undone: bool | None = matches("{c}.undone = {v}")
    since: Moment | None = matches("{c}.at >= {v}::timestamptz")


ImportSort = orders("ImportSort", AT=Sort("at", "timestamptz"))


@described
class HangarImport(InSpace):
    """A list of ships that was taken in from a tool's file."""

    tool: str = column("tool")
    at: Moment | None = moment("at", "The author's word for when.")
    added: Whole = column("added", "Ships.")
    changed: Whole = column("changed")
    removed: Whole = column("removed", "Taken off, or put on the wish list, because the file does not list them.")
    skipped: Whole = column("skipped", "Rows that were not recognised, or left out.")
    undone: bool = column("undone")
    undone_at: Moment | None = moment("undone_at")
    owner_kind: ShipOwnerKind = chosen("owner_kind")  # type: ignore[valid-type] # made from the domain's
    owner_id: ID = hexed("owner")
    owner: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.owner and {{p}}.owner_kind = 'member'")
    member: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.member", "Who imported.")
    undone_by: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.undone_by")


TABLES: dict[str, Table] = {"HangarImport": Table("hangar_import")}
"""The read model behind it."""

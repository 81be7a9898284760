"""The registry as GraphQL types: updates and plugins of the author's ledger, as this installation holds it.

Each tells where it stands (log, index, event id): a proof begins there, and whoever installs anything asks for it.
"""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry import ID

from scmanager.api.bindings import Sort, Table, chosen, column, described, hexed, many, matches, moment, orders
from scmanager.api.models import Connection
from scmanager.api.scalars import Moment, Whole, graphql_enum
from scmanager.application.home_ledger import Judged
from scmanager.domain import ledger

NO_UPDATES = "No update is known here. Take the author's ledger in: scm ledger fetch FROM --entries."
NO_PLUGINS = "No plugin is known here. Take the author's ledger in: scm ledger fetch FROM --entries."

ALONE = "%(registry_alone)s::boolean"
"""Whether one log is all there is of the ledger. Of several what counts is asked of all (`Judged`), not of each one's
read model.
"""
SETTLED = f"case when {ALONE} then {{c}}.settled else {{c}}.event_id = any(%(registry_settled)s::bytea[]) end"
HOLDS = f"case when {ALONE} then {{c}}.holds else {{c}}.event_id = any(%(registry_plugins)s::bytea[]) end"
_RANKED = """(select t.*, coalesce(o.ranking, t.place) as ranking from {table} t
    left join unnest(%({ids})s::bytea[]) with ordinality o(event_id, ranking) using (event_id)
    where case when {alone} then t.{one} else o.ranking is not null end)"""


def ranked_updates(_: dict[str, Any], __: Callable[[Any], str]) -> str:
    """Those that hold, with their `ranking`."""
    return _RANKED.format(table="registered_update", ids="registry_updates", alone=ALONE, one="holds")


def ranked_entries(_: dict[str, Any], __: Callable[[Any], str]) -> str:
    """All that counts about plugins, with its `ranking` in the history."""
    return _RANKED.format(table="registered_plugin", ids="registry_entries", alone=ALONE, one="entered")


def parameters(judged: Judged | None) -> dict[str, Any]:
    """What those expressions need."""
    found = judged or Judged()
    return {
        "registry_alone": judged is None, "registry_updates": list(found.updates),
        "registry_settled": list(found.settled), "registry_plugins": list(found.plugins),
        "registry_entries": list(found.entries),
    }  # fmt: skip


Channel = graphql_enum(ledger.Channel)
UpdateType = graphql_enum(ledger.UpdateType)
AuditStatus = graphql_enum(ledger.AuditStatus)
Category = graphql_enum(ledger.Category)

IN_CHANNEL = {"channel": (Channel | None, "{c}.channel = {v}")}
OF_VERSION = {"version": (str, "{c}.version = {v}")}
OF_PLUGINS = {
    "category": (Category | None, "{c}.category = {v}"),
    "status": (AuditStatus | None, "{c}.audit_status = {v}"),
    "text": (str | None, "position({v} in {c}.searched) > 0"),
}
OF_PLUGIN = {"id": (str, "{c}.plugin = {v}")}


@strawberry.input
class UpdateFilter:
    """Which updates."""

    ledger: ID | None = matches("{c}.ledger = {v}", "Its id: the hash of its first key manifest.")
    type: list[UpdateType] | None = matches("{c}.update_type = any({v})")  # type: ignore[valid-type] # made from the domain's
    since: Moment | None = matches("{c}.signed_at >= {v}::timestamptz")


UpdateSort = orders("UpdateSort", NEWEST=Sort("ranking", "bigint"), SIGNED=Sort("signed_at", "timestamptz"))


@strawberry.input
class PluginFilter:
    """Which plugins, or entries about one."""

    ledger: ID | None = matches("{c}.ledger = {v}", "Its id: the hash of its first key manifest.")
    permission: list[str] | None = matches("{c}.permissions && {v}", "Asks for one of these.")
    since: Moment | None = matches("{c}.updated_at >= {v}::timestamptz")


PluginSort = orders(
    "PluginSort",
    NAME=Sort("name_lower"),
    UPDATED=Sort("updated_at", "timestamptz"),
    DOWNLOADS=Sort("downloads", "bigint"),
)
PluginEntrySort = orders("PluginEntrySort", PLACE=Sort("ranking", "bigint"))


@described
class Update:
    """A release of this program that the author signed (SPEC A3)."""

    ledger: ID = hexed("ledger")
    version: str = column("version")
    channel: Channel = chosen("channel")  # type: ignore[valid-type] # made from the domain's
    content_hash: str = column("content_hash", "A CID: what `ipfs` prints for the same bytes.")
    min_supported_version: str = column("min_supported_version", "What is older has to be updated.")
    type: UpdateType = chosen("update_type")  # type: ignore[valid-type] # made from the domain's
    size_bytes: Whole = column("size_bytes")
    signed_at: Moment | None = moment("signed_at", "As the author says.")
    changelog_url: str = column("changelog_url")
    key: ID = hexed("key", "The release key.")
    signature: ID = hexed("signature")
    log: ID = hexed("log")
    index: Whole = column("index", "Of the entry in the log: a proof begins there.")
    event_id: ID = hexed("event_id", "SHA3-512 of the entry.")


@described
class PluginEntry:
    """What the author signed about a plugin at some time (SPEC A4)."""

    id: ID = column("plugin")
    ledger: ID = hexed("ledger")
    version: str = column("version")
    name: str = column("name")
    author: str = column("author")
    description: str = column("description")
    content_hash: str = column("content_hash", "A CID: what `ipfs` prints for the same bytes.")
    permissions: list[str] = column("permissions")
    required_core_version: str = column("required_core_version")
    tos_compliance_hash: ID = hexed("tos_compliance_hash")
    status: AuditStatus = chosen("audit_status", "Only *pass* lets it run.")  # type: ignore[valid-type] # made from the domain's
    category: Category = chosen("category")  # type: ignore[valid-type] # made from the domain's
    registered_at: Moment | None = moment("registered_at", "As the author says.")
    updated_at: Moment | None = moment("updated_at", "As the author says.")
    key: ID = hexed("key", "The release key.")
    signature: ID = hexed("signature")
    log: ID = hexed("log")
    index: Whole = column("index", "Of the entry in the log: a proof begins there.")
    event_id: ID = hexed("event_id", "SHA3-512 of the entry.")


@described
class Plugin(PluginEntry):
    """A plugin of the marketplace, by the entry that holds."""

    downloads: Whole = column("downloads", "As the author's server counted them last; no release key signs it.")
    votes: Whole = column("votes")
    rating: float | None = column("rating", "The average of all votes, 0 to 5, in tenths; null without votes.")
    history: Connection[PluginEntry] = many(
        "{c}.ledger = {p}.ledger and {c}.plugin = {p}.plugin",
        filter=PluginFilter, sort=PluginEntrySort, next_step=NO_PLUGINS, source=ranked_entries,
        description="All that was ever signed about it, the oldest first.",
    )  # fmt: skip


TABLES: dict[str, Table] = {
    "Update": Table("registered_update", "event_id"),
    "Plugin": Table("registered_plugin", "event_id"),
    "PluginEntry": Table("registered_plugin", "event_id"),
}
"""The read model behind each type."""

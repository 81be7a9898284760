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
from scmanager.domain.counting import rating_tenths

NO_UPDATES = "No update is known here. Take the author's ledger in: scm ledger fetch FROM --entries."
NO_PLUGINS = "No plugin is known here. Take the author's ledger in: scm ledger fetch FROM --entries."

ASKED = "%(registry_"
"""In every statement that tells of a registry: the beginning of the names of `parameters`."""
SETTLED = "{c}.event_id = any(%(registry_settled)s::bytea[])"
_RANKED = """(select t.*, o.ranking from {table} t
    join unnest(%({ids})s::bytea[]) with ordinality o(event_id, ranking) using (event_id))"""
_HELD = """(select t.*, o.downloads, o.votes, round(o.tenths / 10.0, 1) as rating from registered_plugin t
    join unnest(%(registry_plugins)s::bytea[], %(registry_downloads)s::bigint[], %(registry_votes)s::bigint[],
    %(registry_tenths)s::bigint[]) o(event_id, downloads, votes, tenths) using (event_id))"""


def updates(_: dict[str, Any], __: Callable[[Any], str]) -> str:
    """Those that hold, with their `ranking`."""
    return _RANKED.format(table="registered_update", ids="registry_updates")


def entries(_: dict[str, Any], __: Callable[[Any], str]) -> str:
    """All that counts about plugins, with its `ranking` in the history."""
    return _RANKED.format(table="registered_plugin", ids="registry_entries")


def plugins(_: dict[str, Any], __: Callable[[Any], str]) -> str:
    """What holds of each plugin, with what was counted of it."""
    return _HELD


def parameters(judged: Judged) -> dict[str, Any]:
    """What those expressions need."""
    return {
        "registry_updates": list(judged.updates), "registry_settled": list(judged.settled),
        "registry_plugins": list(judged.plugins), "registry_entries": list(judged.entries),
        "registry_downloads": [each.downloads if each else 0 for each in judged.counts],
        "registry_votes": [each.votes if each else 0 for each in judged.counts],
        "registry_tenths": [rating_tenths(each) if each else None for each in judged.counts],
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
        filter=PluginFilter, sort=PluginEntrySort, next_step=NO_PLUGINS, source=entries,
        description="All that was ever signed about it, the oldest first.",
    )  # fmt: skip


TABLES: dict[str, Table] = {
    "Update": Table("registered_update", "event_id"),
    "Plugin": Table("registered_plugin", "event_id"),
    "PluginEntry": Table("registered_plugin", "event_id"),
}
"""The read model behind each type."""

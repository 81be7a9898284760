"""The registry at home: updates and plugins of the author's ledger as this folder holds it (ledger fetch --entries).

What counts is decided by the newest keys that this machine has seen, whatever the folder holds.
"""

import secrets
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from scmanager.adapters.space_reading import write_space
from scmanager.application.home_ledger import HomeLog, checked, compared, home_logs, registry_of, told_below
from scmanager.application.ledger_copy import copy_of_published
from scmanager.application.published import Head, Published
from scmanager.application.published_registry import PluginUnknown
from scmanager.cli.moments import Moment
from scmanager.cli.output import JsonFlag, progress, remark
from scmanager.cli.people import Row, show_rows
from scmanager.cli.session import Place, session_of
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, Trusting, trusting
from scmanager.domain.counting import rating_tenths
from scmanager.domain.ledger import AuditStatus, Category, Channel, LedgerLog, Plugin, Update
from scmanager.errors import Refused
from scmanager.master_ledger.fetching import Read
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.registry import Registered, Registry

NO_UPDATES = "The ledger has no update for this. Fetch what is new: scm ledger fetch FROM --entries"
NO_PLUGINS = "The ledger has no plugin like this. Fetch what is new: scm ledger fetch FROM --entries"


class LedgerNotHere(Refused):
    """This folder holds nothing of the ledger yet."""

    code = "ledger-not-here"
    hint = "Fetch it: scm ledger fetch FROM --entries."


def take_entries(place: Place, read: Read, log: LedgerLog, given: Trusting) -> dict[str, Any]:
    """Take in the entries under a source's newest head, which were compared with what was seen: how many are new.

    Of a log that was closed what lies here may be a thief's: then the true history comes beside it. Raises OtherCopy.
    """
    published = Published(read)
    homes = home_logs(place.store, [log], given.seen(given.memory.read()))
    outcome = given.memory.see(lambda before: checked(before, homes, published.head()))
    if outcome.problem and log.final is None:
        raise outcome.problem
    held = len(homes[0].leaves) if homes and _agree(homes[0], published.head()) else 0
    with progress("Fetching entries", None):
        copy = copy_of_published(published, log, held)
        if copy is None:
            return {"entries": 0}
        file = place.settings.data / f".exchange.{secrets.token_hex(8)}.new"
        try:
            write_space(file, log.space, [copy], None)
            told = place.import_space(file)
        finally:
            file.unlink(missing_ok=True)
    return {"entries": told["entries"]}


def _agree(home: HomeLog, shown: Head) -> bool:
    size = min(len(home.leaves), shown.point.size)
    return home.root(size) == shown.tree.root(size)


def list_updates(
    context: typer.Context,
    channel: Annotated[Channel | None, typer.Option("--channel", help="Of this channel; else of all.")] = None,
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """The updates that the author released, by channel, the newest version first."""
    _, registry = _opened(context, ledger, manifests, policy)
    show_rows([_listed(_update(each), as_json) for each in registry.updates(channel)], as_json, NO_UPDATES)


def list_plugins(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="In the id, a name or the description.")] = "",
    category: Annotated[Category | None, typer.Option("--category", help="Of this category.")] = None,
    status: Annotated[AuditStatus | None, typer.Option("--status", help="With this audit status.")] = None,
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """The plugins of the marketplace, each as the author last signed it."""
    _, registry = _opened(context, ledger, manifests, policy)
    show_rows(
        [
            _listed({**_plugin(each), **_counts(each, registry)}, as_json)
            for each in registry.plugins(category, status, text)
        ],
        as_json,
        NO_PLUGINS,
    )


def show_plugin(
    context: typer.Context,
    plugin: Annotated[str, typer.Argument(metavar="ID", help="Such as org.example.mining (scm ledger plugins).")],
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """All that the author ever signed about a plugin, the oldest first. The last entry is the one that holds."""
    _, registry = _opened(context, ledger, manifests, policy)
    history = registry.plugin(plugin)
    if not history:
        raise PluginUnknown(id=plugin[:80])
    show_rows(
        [*map(_plugin, history[:-1]), {**_plugin(history[-1]), **_counts(history[-1], registry)}], as_json, NO_PLUGINS
    )


def _opened(context: typer.Context, *choices: Any) -> tuple[TrustedKeys, Registry]:
    given = trusting(context, *choices)
    with session_of(context).open() as place:
        before = given.seen(given.memory.read())
        logs = before.keys().ledger_logs()
        homes = home_logs(place.store, logs, before)
        held = given.seen(given.memory.see(lambda before: checked(before, homes)).seen)
        keys, now = held.keys(), compared(held, homes)
        if any(held.fork_of(log) for log in logs):
            remark(
                "A log of the ledger signed two histories: nothing in it counts. The proof: scm ledger fork -o FILE"
            )
        found = [each for each in homes if each.log.log in now.known]
        if not found:
            raise LedgerNotHere
        return keys, registry_of(found, keys, told_below(now, homes))


def _listed(row: Row, as_json: bool) -> Row:
    """Without what no table has room for; programs get all of it, as does who asks for one plugin."""
    return row if as_json else {name: value for name, value in row.items() if name not in ("content", "log")}


def _where(one: Registered) -> Row:
    return {"log": one.log, "index": one.index, "event_id": one.event_id}


def _update(one: Registered) -> Row:
    said = one.said.statement
    assert isinstance(said, Update)
    return {
        "version": said.version, "channel": said.channel.value, "type": said.update_type.value,
        "signed": Moment(said.signed_at), "minimum": said.min_supported_version, "bytes": str(said.size_bytes),
        "changelog": said.changelog_url, "content": said.content_hash, **_where(one),
    }  # fmt: skip


def _counts(one: Registered, registry: Registry) -> Row:
    """What was counted of a plugin, beside the entry that holds."""
    said = one.said.statement
    assert isinstance(said, Plugin)
    counts = registry.counts(said.id)
    tenths = rating_tenths(counts) if counts else None
    return {
        "downloads": str(counts.downloads) if counts else "0", "votes": str(counts.votes) if counts else "0",
        "rating": None if tenths is None else f"{tenths // 10}.{tenths % 10}",
    }  # fmt: skip


def _plugin(one: Registered) -> Row:
    said = one.said.statement
    assert isinstance(said, Plugin)
    return {
        "id": said.id, "version": said.version, "status": said.audit_status.value, "name": said.name,
        "author": said.author, "category": said.category.value, "updated": Moment(said.updated_at),
        "needs": said.required_core_version, "permissions": _several(said.permissions),
        "downloads": None, "votes": None, "rating": None, "content": said.content_hash,
        **_where(one),
    }  # fmt: skip


def _several(words: Iterable[str]) -> str:
    return ", ".join(words)

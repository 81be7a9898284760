"""The author's ledger as of a point in words: which keys held, what they stood behind, whether a folder shows it."""

from collections.abc import Sequence
from typing import Any

from scmanager.application.replaying import LISTED_MAX
from scmanager.cli.moments import Moment
from scmanager.cli.output import counted, say, short
from scmanager.domain.counting import Counted
from scmanager.domain.ledger import KeyManifest, Plugin, Update
from scmanager.domain.registry import Statement

SHOWN_MAX = 20
"""Lines of one kind."""


def ledger_words(told: dict[str, Any]) -> str:
    """How much it was, in one line."""
    said = [counted(told[each], each.removesuffix("s")) for each in ("manifests", "updates", "plugins")]
    keys = f"keys of manifest {told['newest_manifest']}" if told["newest_manifest"] else "no keys yet"
    folder = {True: "; the folder shows the same", False: "; the folder shows OTHER entries", None: ""}
    fewer = told["published"] is None and told["published_size"] is not None
    few = f"; the folder has only {told['published_size']} of {told['size']} entries" if fewer else ""
    return f"{', '.join(said)}; {keys}{folder[told['published']]}{few}"


def statement_words(one: Statement) -> str:
    """What the author signed, in one line; whether it holds is for his keys to say."""
    by = ", ".join(short(each.key) for each in one.said.signatures) or "nobody"
    match one.said.statement:
        case KeyManifest(n=n, root=root, release=release):
            keys = f"{root.m} of {counted(len(root.keys), 'root key')}, {counted(len(release.keys), 'release key')}"
            return f"key manifest {n} ({keys}), signed by {by}"
        case Update(version=version, channel=channel):
            return f"update {version} {channel.value}, signed by {by}"
        case Plugin(id=key, version=version, audit_status=status):
            return f"plugin {key} {version} {status.value}, signed by {by}"


def counted_words(one: Counted) -> str:
    """What was counted of a plugin, in one line."""
    said = one.said
    return f"{said.plugin}: {counted(said.downloads, 'download')}, {counted(said.votes, 'vote')}"


def print_ledger(told: dict[str, Any]) -> None:
    """Keys and hashes in full, to be compared; SHOWN_MAX of a kind."""
    if told["keys"] is None:
        return
    say(f"\nas of entry {told['size']} of ledger {told['id'].hex()}")
    say(f"manifest  {told['keys']['n']}")
    for line in _key_lines(told["keys"]):
        say(line)
    updates = [f"{each['version']} {each['channel']} {each['content_hash']}" for each in told["listed_updates"]]
    servers = [
        f"{each['key'].hex()} until {Moment(each['not_after']).plain() or '1970'}" for each in told["listed_servers"]
    ]
    for kind, rows, total in (
        ("update", updates, told["updates_held"]),
        ("plugin", [_plugin(each) for each in told["listed_plugins"]], told["plugins_held"]),
        ("server", servers, told["servers_named"]),
    ):
        for line in shown(kind, rows, total):
            say(line)
    say(f"counts    {counted(told['counted'], 'entry', 'entries')} of what was counted of plugins")
    say(f"anchors   {counted(told['anchors'], 'head')} of other logs")


def shown(kind: str, rows: Sequence[str], total: int) -> list[str]:
    """A line for each of the first, and how many there are beyond them."""
    lines = [f"{kind.ljust(8)}  {row}" for row in rows[:SHOWN_MAX]]
    more = total - len(lines)
    return [*lines, f"{'':8}  and {more} more: --json lists up to {LISTED_MAX}"] if more else lines


def _key_lines(keys: dict[str, Any]) -> list[str]:
    lines = []
    for role in ("root", "release"):
        quorum = keys[role]
        lines += [f"{role.ljust(8)}  {key.hex()}, {quorum['m']} of {len(quorum['keys'])}" for key in quorum["keys"]]
    retired = [f"{each['key'].hex()}, {_upto(each['upto'])}" for each in keys["retired"]]
    logs = [f"{each['log'].hex()}, key {each['key'].hex()}{_closed(each['final'])}" for each in keys["logs"]]
    return [*lines, *shown("retired", retired, len(retired)), *shown("log", logs, len(logs))]


def _upto(rows: Sequence[dict[str, Any]]) -> str:
    said = [f"{each['size']} of log {short(each['log'])}" for each in rows]
    return f"counts up to {', '.join(said)}" if said else "counts nowhere"


def _closed(final: dict[str, Any] | None) -> str:
    return f", closed at {final['size']}" if final else ""


def _plugin(each: dict[str, Any]) -> str:
    line = f"{each['id']} {each['version']} {each['status']} {each['content_hash']}"
    if each["downloads"]:
        line += f", {counted(each['downloads'], 'download')}"
    if each["rating_tenths"] is not None:
        line += f", {each['rating_tenths'] / 10} of 5 by {counted(each['votes'], 'vote')}"
    return line

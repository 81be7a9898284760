"""What an entry of the author's ledger says, and what held of it at a point, in lines."""

from collections.abc import Sequence
from typing import Any

from scmanager.domain.counting import Counted
from scmanager.domain.ledger import KeyManifest, Plugin, Update
from scmanager.domain.registry import Statement
from scmanager.forensics.called import counted, moment, short


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


def held_lines(told: dict[str, Any]) -> list[tuple[str, list[str], int]]:
    """Of a ledger as of a point, once it has keys: kind, a line for each that is listed, and how many there are."""
    keys = told["keys"]
    quorums = [
        (role, [f"{key.hex()}, {keys[role]['m']} of {len(keys[role]['keys'])}" for key in keys[role]["keys"]])
        for role in ("root", "release")
    ]
    retired = [f"{each['key'].hex()}, {_upto(each['upto'])}" for each in keys["retired"]]
    logs = [f"{each['log'].hex()}, key {each['key'].hex()}{_closed(each['final'])}" for each in keys["logs"]]
    updates = [f"{each['version']} {each['channel']} {each['content_hash']}" for each in told["listed_updates"]]
    servers = [f"{each['key'].hex()} until {moment(each['not_after']) or '1970'}" for each in told["listed_servers"]]
    since = [closed_words(told["closed"])] if told["closed"] else []
    return [
        *((role, lines, len(lines)) for role, lines in quorums),
        ("retired", retired, len(retired)),
        ("log", logs, len(logs)),
        ("closed", since, len(since)),
        ("update", updates, told["updates_held"]),
        ("plugin", [_plugin(each) for each in told["listed_plugins"]], told["plugins_held"]),
        ("server", servers, told["servers_named"]),
    ]


def closed_words(closed: dict[str, Any]) -> str:
    """What has become of a log since, in a sentence."""
    end = f"by key manifest {closed['n']}, at {counted(closed['size'], 'entry', 'entries')}"
    lies = {
        True: "what stands beyond does not count",
        False: "what is told here is of ANOTHER history, and nothing of it counts",
        None: "fewer lie here, so whether they are of that history is not known",
    }
    return f"{end}: {lies[closed['same']]}"


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

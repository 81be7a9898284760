"""What a replayed space is held against: the heads that its logs' keys signed then, and what was published of it."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from scmanager.domain.anchoring import HeadsAnchored
from scmanager.domain.counting import PluginCounted, rating_tenths
from scmanager.domain.ledger import (
    AuditStatus,
    Channel,
    KeyManifest,
    KeysPublished,
    Plugin,
    PluginSigned,
    Update,
    UpdateSigned,
)
from scmanager.domain.naming import ServerNamed
from scmanager.errors import Refused
from scmanager.eventstore import merkle
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.store import Row, Store
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.verification import signed
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.registry import Registered, Registry
from scmanager.master_ledger.statement import manifest_hash
from scmanager.spaces.ledger import Entered, entered, keys_of, registry_of, standing, unfounded
from scmanager.spaces.opening import parse_row
from scmanager.spaces.space import Space

PAGE_ROWS = 5_000
LISTED_MAX = 1_000
"""Updates, plugins and servers of the author's ledger that an answer names, of each kind."""


class SeveralLedgers(Refused):
    """Which ledger is meant is not clear. In this space there is: {known}."""

    code = "audit-several-ledgers"
    hint = "Say which with --ledger and the first digits of its id, as its author publishes it."


class SignedHead(msgspec.Struct, frozen=True):
    """How far one branch of a log stood at a point, and the first signed head that covers it."""

    log: bytes
    branch: int
    size: int
    head: bytes
    """The last entry's id, 64 bytes."""
    root: bytes
    """Over the first `size` entries, computed anew."""
    signed_size: int
    """Of the note that covers them; larger than `size` where a point lies inside one commit. 0: there is none."""
    holds: bool
    """Whether the entries up to there make the root in that note, and the log's own key signed it."""


class UpdateThen(msgspec.Struct, frozen=True):
    """An update that the author's keys stood behind at a point."""

    log: bytes
    index: int
    version: str
    channel: Channel
    content_hash: str


class PluginThen(msgspec.Struct, frozen=True):
    """What held of a plugin at a point, and what had been counted of it by then."""

    log: bytes
    index: int
    id: str
    version: str
    status: AuditStatus
    content_hash: str
    downloads: int
    votes: int
    rating_tenths: int | None
    """None without votes."""


class ServerThen(msgspec.Struct, frozen=True):
    """A server that the ledger had named."""

    log: bytes
    index: int
    key: bytes
    not_after: int
    """UTC seconds."""


class ClosedSince(msgspec.Struct, frozen=True):
    """That the keepers closed a log, by the newest key manifest in any space here."""

    n: int
    """The manifest's number."""
    size: int
    """Entries in the log where it ends."""
    same: bool | None
    """Whether so many entries as lie here are that history; None where there are fewer."""


class LedgerThen(msgspec.Struct, frozen=True):
    """What the author's ledger said at a point. Lists have the last LISTED_MAX, the newest entry first."""

    id: bytes | None
    """The hash of its first key manifest; None before that."""
    size: int
    """Entries in its log."""
    manifests: int
    """Entered, as are updates and plugins: whether they held or not."""
    updates: int
    plugins: int
    counted: int
    """Entries that count a plugin."""
    anchors: int
    """Heads of other logs."""
    newest_manifest: int | None
    """The number of the key manifest that held."""
    keys: KeyManifest | None
    """That manifest."""
    updates_held: int
    listed_updates: tuple[UpdateThen, ...]
    plugins_held: int
    listed_plugins: tuple[PluginThen, ...]
    servers_named: int
    listed_servers: tuple[ServerThen, ...]
    published: bool | None
    """Whether the folder it was published to shows the same entries; None where it has fewer, or none is given."""
    published_size: int | None
    """Entries in that folder; None where none is given."""


def signed_heads(store: Store, space: Space, tops: Mapping[tuple[bytes, int], Row]) -> list[SignedHead]:
    """Each branch that stood, by log and branch; `tops` are their last entries. Raises StoreDamaged."""
    found = []
    for (log, branch), row in sorted(tops.items()):
        if space.first_entry(log) is None:
            continue
        one = parse_row(row)
        size = one.seq + 1
        note = store.note(log, branch, size)
        tree = _grown(store, log, branch, merkle.CompactRange(), size)
        root, holds = tree.root(), False
        if note is not None:
            whole = _grown(store, log, branch, tree, note.size)
            head = Head(space.id, log, space.public(log), branch, size, one.id, one.hlc, tree.to_bytes())
            holds = whole.size == note.size and whole.root() == note.root and signed(head, note)
        found.append(SignedHead(log, branch, size, one.id, root, note.size if note else 0, holds))
    return found


def ledger_log(space: Space, logs: Iterable[bytes], wanted: str = "") -> bytes:
    """The log of the author's ledger: of these the one that its own key manifests name, after the newest of them.

    `wanted`: digits of the ledger's id, where the space holds several. Before any manifest it is the log that founded
    the space, or the first where that is not here. Raises SeveralLedgers.
    """
    led: dict[bytes, tuple[int, bool, int, bytes]] = {}
    every = sorted(logs)
    for log in every:
        keys = keys_of(entered(space, log))
        listed = [each.log for each in keys.ledger_logs() if each.space == space.id] if keys else []
        if keys is None or log not in listed or not keys.ledger.hex().startswith(wanted):
            continue
        mine = keys.log(log)
        place = (keys.manifest.n, mine is not None and mine.final is None, listed.index(log), log)
        led[keys.ledger] = max(place, led.get(keys.ledger, place))
    if len(led) > 1 or (wanted and not led):
        raise SeveralLedgers(known=", ".join(sorted(each.hex() for each in led)) or "none of that id")
    return next((log for *_, log in led.values()), every[0] if unfounded(space) and every else space.id)


def ledger_then(space: Space, log: bytes, heads: Iterable[SignedHead], shown: TileTree | None) -> LedgerThen:
    """What this log led to; `shown`: the tree of the folder that it was published to. Nothing holds without keys."""
    statements = entered(space, log)
    keys = keys_of(statements)
    mine = next((each for each in heads if each.log == log and not each.branch), None)
    same = None
    if shown is not None and mine is not None and mine.size <= shown.size:
        same = shown.root(mine.size) == mine.root
    said = [each.said for each in statements]
    registry = registry_of([space], keys) if keys else None
    updates = _newest_first(registry.updates() if registry else ())
    plugins = _newest_first(registry.plugins() if registry else ())
    notes = _notes(space, keys) if keys else []
    servers = [each for each in notes if isinstance(each.said, ServerNamed)]
    return LedgerThen(
        id=keys.ledger if keys else None,
        size=mine.size if mine else 0,
        manifests=sum(isinstance(each, KeysPublished) for each in said),
        updates=sum(isinstance(each, UpdateSigned) for each in said),
        plugins=sum(isinstance(each, PluginSigned) for each in said),
        counted=sum(isinstance(each.said, PluginCounted) for each in notes),
        anchors=sum(len(each.said.anchors) for each in notes if isinstance(each.said, HeadsAnchored)),
        newest_manifest=keys.manifest.n if keys else None,
        keys=keys.manifest if keys else None,
        updates_held=len(updates),
        listed_updates=tuple(_update(each) for each in updates[:LISTED_MAX]),
        plugins_held=len(plugins),
        listed_plugins=tuple(_plugin(each, registry) for each in plugins[:LISTED_MAX] if registry),
        servers_named=len(servers),
        listed_servers=tuple(_server(each) for each in servers[:LISTED_MAX]),
        published=same,
        published_size=shown.size if shown is not None else None,
    )


class _Note(msgspec.Struct, frozen=True):
    """What an entry of the ledger says by the log key alone."""

    log: bytes
    index: int
    said: ServerNamed | HeadsAnchored | PluginCounted


def newest_keys(chains: Iterable[Sequence[Entered]], ledger: bytes) -> TrustedKeys | None:
    """The keys after the most manifests of this ledger; `chains`: of each log in order (`spaces.ledger.chains`)."""
    first = ((each[0].said, each) for each in chains)
    mine = (
        each for said, each in first if isinstance(said, KeysPublished) and manifest_hash(said.statement) == ledger
    )
    walked = (keys for each in mine if (keys := keys_of(each)))
    return max(walked, key=lambda each: each.manifest.n, default=None)


def closed_since(store: Store, log: bytes, newest: TrustedKeys) -> ClosedSince | None:
    """Whether these keys say that this log ended, and with what; of its first branch here, which a replay tells."""
    listed = newest.log(log)
    if listed is None or listed.final is None:
        return None
    size = listed.final.size
    tree = _grown(store, log, 0, merkle.CompactRange(), size)
    return ClosedSince(newest.manifest.n, size, tree.root() == listed.final.root if tree.size == size else None)


def _notes(space: Space, keys: TrustedKeys) -> list[_Note]:
    """Of the logs that the manifest lists, below the end of those it closes; the newest entry first."""
    ends = {
        each.log: each.final.size if each.final else None for each in keys.ledger_logs() if each.space == space.id
    }
    found = []
    for log, end in ends.items():
        for opened in standing(space, log):
            said, index = opened.event, opened.entry.seq
            if isinstance(said, ServerNamed | HeadsAnchored | PluginCounted) and (end is None or index < end):
                found.append(_Note(log, index, said))
    return sorted(found, key=lambda each: each.index, reverse=True)


def _newest_first(registered: Iterable[Registered]) -> list[Registered]:
    return sorted(registered, key=lambda each: each.index, reverse=True)


def _update(one: Registered) -> UpdateThen:
    said = one.said.statement
    assert isinstance(said, Update)
    return UpdateThen(one.log, one.index, said.version, said.channel, said.content_hash)


def _plugin(one: Registered, registry: Registry) -> PluginThen:
    said = one.said.statement
    assert isinstance(said, Plugin)
    counts = registry.counts(said.id)
    return PluginThen(
        one.log, one.index, said.id, said.version, said.audit_status, said.content_hash,
        counts.downloads if counts else 0, counts.votes if counts else 0, rating_tenths(counts) if counts else None,
    )  # fmt: skip


def _server(one: _Note) -> ServerThen:
    assert isinstance(one.said, ServerNamed)
    return ServerThen(one.log, one.index, one.said.key, one.said.not_after)


def _grown(store: Store, log: bytes, branch: int, tree: merkle.CompactRange, size: int) -> merkle.CompactRange:
    while tree.size < size:
        rows = store.read(log, branch, tree.size, min(PAGE_ROWS, size - tree.size))
        if not rows:
            return tree
        tree = tree.extend([merkle.leaf_hash(row.data) for row in rows])
    return tree

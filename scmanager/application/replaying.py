"""What a replayed space is held against: the heads that its logs' keys signed then, and what was published of it."""

from collections.abc import Iterable, Mapping

import msgspec

from scmanager.domain.ledger import KeysPublished, PluginSigned, UpdateSigned
from scmanager.eventstore import merkle
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.store import Row, Store
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.verification import signed
from scmanager.spaces.ledger import entered, keys_of
from scmanager.spaces.opening import parse_row
from scmanager.spaces.space import Space

PAGE_ROWS = 5_000


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


class LedgerThen(msgspec.Struct, frozen=True):
    """What the author's ledger said at a point."""

    manifests: int
    updates: int
    plugins: int
    newest_manifest: int | None
    """The number of the key manifest that held."""
    published: bool | None
    """Whether the folder it was published to shows the same entries; None where it has fewer, or none is given."""


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


def ledger_then(space: Space, log: bytes, heads: Iterable[SignedHead], shown: TileTree | None) -> LedgerThen:
    """The statements in the ledger's log; `shown`: the tree of the folder that it was published to."""
    statements = entered(space, log)
    keys = keys_of(statements)
    mine = next((each for each in heads if each.log == log and not each.branch), None)
    same = None
    if shown is not None and mine is not None and mine.size <= shown.size:
        same = shown.root(mine.size) == mine.root
    said = [each.said for each in statements]
    return LedgerThen(
        sum(isinstance(each, KeysPublished) for each in said),
        sum(isinstance(each, UpdateSigned) for each in said),
        sum(isinstance(each, PluginSigned) for each in said),
        keys.manifest.n if keys else None,
        same,
    )


def _grown(store: Store, log: bytes, branch: int, tree: merkle.CompactRange, size: int) -> merkle.CompactRange:
    while tree.size < size:
        rows = store.read(log, branch, tree.size, min(PAGE_ROWS, size - tree.size))
        if not rows:
            return tree
        tree = tree.extend([merkle.leaf_hash(row.data) for row in rows])
    return tree

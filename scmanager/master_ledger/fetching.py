"""Fetching the ledger from wherever its static files lie: keys, newest head, and the few tiles that compare it.

The source is not trusted, and need not be the author's: a mirror, a web server, a stick. What it gives is checked
against what was seen; what it holds back shows by its age alone.
"""

from collections.abc import Callable
from typing import Final

from scmanager.errors import Unavailable
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint
from scmanager.eventstore.merkle import HASH_BYTES
from scmanager.eventstore.tile_tree import Fetch, TileTree
from scmanager.eventstore.tiles import WIDTH, TilePath
from scmanager.master_ledger import submission
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.seen import Outcome, Seen, follow

CHECKPOINT: Final = "checkpoint"
MANIFESTS: Final = "manifests"
"""The key manifests so far, oldest first: a submission file. C2SP has no word for it."""
SHARED: Final = "shared"
"""Below it the first parts of the entries, with paths and framing of entry bundles. Nor for that."""


class SourceLacks(Unavailable):
    """{source} has no {path}."""

    code = "ledger-source-lacks"
    hint = "Look at the address: it is where checkpoint and tile/ lie. If it is right, fetch from another source."


Read = Callable[[str, int], bytes]
"""A file of the ledger by its path, of so many bytes at most. Raises SourceLacks, and what else the source raises."""


def fetch_manifests(seen: Seen, read: Read) -> Outcome:
    """After the source's key manifests; a mirror of whichever log has none, then those that are known go on.

    Raises BadSubmission, KeysForked, as a walk, and as `read`.
    """
    try:
        said = read(MANIFESTS, submission.FILE_BYTES_MAX)
    except SourceLacks:
        if not seen.manifests:
            raise
        return Outcome(seen)
    return Outcome(seen.with_manifests(submission.parse(said)))


def fetch_head(seen: Seen, read: Read, policy: Policy, now_s: int) -> Outcome:
    """After the source's newest head, with which all that were seen are compared. Raises as `follow` and `read`."""

    def tree_of(point: Checkpoint) -> TileTree:
        return TileTree(point.size, point.root, tiles_from(read))

    return follow(seen, read(CHECKPOINT, NOTE_BYTES_MAX), tree_of, policy, now_s)


def tiles_from(read: Read) -> Fetch:
    """Tiles of a source. A partial one that is gone has become a whole one meanwhile (C2SP tlog-tiles)."""

    def fetch(path: TilePath) -> bytes:
        try:
            return read(str(path), path.width * HASH_BYTES)
        except SourceLacks:
            if path.width == WIDTH:
                raise
            return read(str(path.full()), WIDTH * HASH_BYTES)[: path.width * HASH_BYTES]

    return fetch

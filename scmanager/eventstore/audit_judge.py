"""What the chunks of a branch make together: its tree, its chain, and how far it was found to be what was signed."""

from collections.abc import Iterable, Mapping

import msgspec

from scmanager.eventstore import audit_chunk, entry, merkle
from scmanager.eventstore.audit_chunk import CHAIN_BROKEN, FALLING, Branch, Chunk, Finding

SHRUNK = "it had more entries when it was verified last: the store was put back, or cut off"


GONE = "it was here when it was verified last: the store was put back, or the log taken out"
OTHER = "it is not the log that was verified last: another history of as many entries"


class Ended(msgspec.Struct, frozen=True):
    """Where a branch ended when all of it was verified: what it may not be shorter than later."""

    log: bytes
    branch: int
    size: int
    root: bytes


class Verified(msgspec.Struct, frozen=True):
    """How far a branch was verified, in whole chunks: all that is needed to go on from there.

    Who goes on believes it: what was changed below since then is found from the beginning only. What was made up
    leads to no signed head.
    """

    log: bytes
    branch: int
    size: int
    """Entries, a multiple of a chunk's."""
    tree: tuple[bytes, ...]
    """The compact range over the chunks."""
    id: bytes
    hlc: int
    pos: int
    """Of the last entry, where the audit was deep."""


def departed(ended: Iterable[Ended], heads: Mapping[tuple[bytes, int], tuple[int, bytes]]) -> list[Finding]:
    """What is gone, shorter, or another of the same size, by (size, root) of the branches that are there now."""
    found = []
    for each in ended:
        size, root = heads.get((each.log, each.branch), (0, b""))
        if size < each.size:
            found.append(Finding(each.log, None, "log-shrunk", SHRUNK if size else GONE))
        elif size == each.size and root != each.root:
            found.append(Finding(each.log, None, "log-replaced", OTHER))
    return found


class Judge:
    """A branch whose chunks come in order, from its beginning or from where it was verified to."""

    def __init__(self, branch: Branch, since: Verified | None = None) -> None:
        self.branch = branch
        self.findings: list[Finding] = []
        self.root, self.noted, self.altered = merkle.EMPTY_ROOT, False, False
        self._number, self._whole = 0, merkle.CompactRange()
        self.last_id, self._last_hlc, self._last_pos = entry.ZERO_ID, -1, 0
        if since is not None and since.size > branch.size:
            self.findings.append(Finding(branch.log, None, "log-shrunk", SHRUNK))
        elif since is not None and since.size < branch.size and _whole(since):
            self._number = since.size // audit_chunk.CHUNK_ENTRIES
            self._whole = merkle.CompactRange(self._number, since.tree)
            self.last_id, self._last_hlc, self._last_pos = since.id, since.hlc, since.pos

    @property
    def size(self) -> int:
        """How many entries lie behind it, while all its chunks are whole ones."""
        return self._number * audit_chunk.CHUNK_ENTRIES

    def take(self, chunk: Chunk) -> None:
        """The next chunk."""
        mine, first = self.findings, self.size
        mine += chunk.findings
        if (chunk.first_prev, chunk.first_hlc > self._last_hlc) != (self.last_id, True):
            mine.append(Finding(self.branch.log, first, "chain-broken", CHAIN_BROKEN))
        if chunk.last_pos and chunk.first_pos <= self._last_pos:  # No node would open the store.
            mine.append(Finding(self.branch.log, first, "entry-misplaced", FALLING))
        self.last_id, self._last_hlc, self._last_pos = chunk.last_id, chunk.last_hlc, chunk.last_pos
        for size, stored, hashes, honest in chunk.notes:
            root = merkle.CompactRange(size, (*self._whole.hashes, *hashes)).root()
            self.noted = self.noted or size == self.branch.size
            if not honest:
                what = "the signed head over it was changed"
                mine.append(Finding(self.branch.log, size - 1, "note-mismatch", what))
            self.altered = self.altered or (honest and root != stored)
        self.root = merkle.CompactRange(chunk.entries, (*self._whole.hashes, *chunk.tree)).root()
        if len(chunk.tree) == 1:  # A last, shorter one ends the log, so its place does not matter.
            self._whole = self._whole.append(chunk.tree[0])
        self._number += 1

    def verified(self) -> Verified | None:
        """How far it is; None when something is wrong, or its end was reached."""
        if self.findings or self.altered or self.size > self.branch.size:
            return None
        return Verified(
            self.branch.log, self.branch.number, self.size, self._whole.hashes, self.last_id, self._last_hlc,
            self._last_pos,
        )  # fmt: skip


def _whole(since: Verified) -> bool:
    """Whether it is well formed: it lay in a file."""
    chunks, rest = divmod(since.size, audit_chunk.CHUNK_ENTRIES)
    return (
        chunks > 0
        and not rest
        and len(since.tree) == chunks.bit_count()
        and all(len(each) == merkle.HASH_BYTES for each in since.tree)
        and len(since.id) == len(entry.ZERO_ID)
    )

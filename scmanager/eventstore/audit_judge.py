"""What the chunks of a branch make together: its tree, its chain, and how far it was found to be what was signed."""

from collections.abc import Iterable, Mapping

import msgspec

from scmanager.eventstore import audit_chunk, entry, merkle
from scmanager.eventstore.audit_chunk import CHAIN_BROKEN, FALLING, Branch, Chunk, Finding

SHRUNK = "it had more entries when it was verified last: the store was put back, or cut off"


GONE = "it was here when it was verified last: the store was put back, or the log taken out"
OTHER = "its first {size} entries are not those that were verified last: it is another history"


class Ended(msgspec.Struct, frozen=True):
    """Where a branch ended when all of it was verified: what it has to begin with later."""

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


def departed(ended: Iterable[Ended], sizes: Mapping[tuple[bytes, int], int]) -> list[Finding]:
    """What is gone or shorter, by the sizes of the branches that are there now."""
    found = []
    for each in ended:
        size = sizes.get((each.log, each.branch), 0)
        if size < each.size:
            found.append(Finding(each.log, None, "log-shrunk", SHRUNK if size else GONE))
    return found


def ends_of(ended: Iterable[Ended], since: Iterable[Verified]) -> tuple[Ended, ...]:
    """The furthest that each branch was verified: to its end, or beyond that by an audit that was broken off."""
    found = {(each.log, each.branch): each for each in ended}
    for each in since:
        before = found.get((each.log, each.branch))
        if _whole(each) and (before is None or before.size < each.size):
            root = merkle.CompactRange(each.size, each.tree).root()
            found[each.log, each.branch] = Ended(each.log, each.branch, each.size, root)
    return tuple(found.values())


class Judge:
    """A branch whose chunks come in order, from its beginning or from where it was verified to.

    `ended`: where it ended before. What is read has to lead through there.
    """

    def __init__(self, branch: Branch, since: Verified | None = None, ended: Ended | None = None) -> None:
        self.branch, self.ended = branch, ended
        self.findings: list[Finding] = []
        self.root, self.noted, self.altered, self.replaced = merkle.EMPTY_ROOT, False, False, False
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
        for size, hashes in chunk.marks:
            root = merkle.CompactRange(size, (*self._whole.hashes, *hashes)).root()
            self.replaced = self.replaced or (
                self.ended is not None and (size, root) != (self.ended.size, self.ended.root)
            )
        self.root = merkle.CompactRange(chunk.entries, (*self._whole.hashes, *chunk.tree)).root()
        if len(chunk.tree) == 1:  # A last, shorter one ends the log, so its place does not matter.
            self._whole = self._whole.append(chunk.tree[0])
        self._number += 1

    def verified(self) -> Verified | None:
        """How far it is; None when something is wrong, or its end was reached."""
        if self.findings or self.altered or self.replaced or self.size > self.branch.size:
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

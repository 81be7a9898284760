"""What an installation has seen of the ledger: keys and heads. It only moves forward, and two histories are evidence.

- Key manifests: the longest chain that follows. An older copy changes nothing; another manifest of a number that was
  seen, signed by enough root keys, is refused: no keeper signs two.
- Heads, by log: one that all others were compared with, and those that came with proofs since and could not be
  compared yet: for that the tiles are needed. Whoever follows the ledger compares all of them, and keeps the newest.
- Heads that their log signed and no quorum cosigned, beyond one that a quorum did: evidence that somebody has the
  log's key. They are compared like the others, and keep nobody from following.
- Forks: a log that was seen with two histories counts no more until a manifest closes it.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from scmanager.domain.ledger import KeysPublished, LedgerLog, LogKind
from scmanager.errors import ScManagerError, Unavailable, Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, Note, note_from, parse_note, parse_origin
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.tile_tree import TileTree
from scmanager.master_ledger.cosignature import TIME_MAX_S
from scmanager.master_ledger.manifest import TrustedKeys, walk
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.submission import Submission
from scmanager.master_ledger.verification import (
    AHEAD_S,
    STALE_S,
    LogNotListed,
    Report,
    check_head,
    seen_by_a_quorum,
)

DAY_S: Final = 86_400
HEADS_MAX: Final = 32
"""Heads of one log that wait to be compared. Beyond that the largest is kept, and the earliest."""


class KeysForked(Untrusted):
    """Another key manifest {n} was seen before, signed as well as this one."""

    code = "manifests-forked"
    hint = "The root keys signed two manifests. Use neither; keep both files, and ask the author by another way."


class LogForked(Untrusted):
    """The author's log {log} signed two histories, which differ within the first {size} entries."""

    code = "ledger-forked"
    hint = (
        "Nothing in that log counts until the keepers close it. Write the proof to a file: scm ledger fork -o FILE."
    )


class LedgerRolledBack(Untrusted):
    """This head has {size} entries, and {seen} were seen before."""

    code = "ledger-rolled-back"
    hint = "It is an old copy, or somebody holds back what is new. What was seen stays; fetch from another source."


class HeadSeen(msgspec.Struct, frozen=True):
    """A head that its log signed."""

    note: bytes
    """With the log's signature, and those of witnesses that the policy named then."""

    def point(self) -> Checkpoint:
        """What it says."""
        return Checkpoint.parse(parse_note(self.note).text)


class Asked(msgspec.Struct, frozen=True):
    """A log and when its newest head was last compared with its source, UTC seconds."""

    log: bytes
    at_s: int


class Seen(msgspec.Struct, frozen=True):
    """All of it. Whoever keeps it checks it anew when it is read: `keys` walks the manifests."""

    ledger: bytes
    manifests: tuple[KeysPublished, ...] = ()
    heads: tuple[HeadSeen, ...] = ()
    forks: tuple[HeadFork, ...] = ()
    asked_s: int = 0
    """When the newest head was last compared with its source, UTC seconds."""
    unwitnessed: tuple[HeadSeen, ...] = ()
    """Larger than the newest of `heads` of their log."""
    asked: tuple[Asked, ...] = ()
    """The same as `asked_s` log by log."""

    def keys(self) -> TrustedKeys:
        """The newest that were seen. Raises DoesNotFollow without any, and as `walk`."""
        return walk(self.ledger, self.manifests)

    def with_manifests(self, given: Sequence[Submission]) -> "Seen":
        """After these as well, oldest first. Raises KeysForked, and as `walk`."""
        walk(self.ledger, given)
        found = tuple(each for each in given if isinstance(each, KeysPublished))
        for mine, theirs in zip(self.manifests, found, strict=False):
            if manifest_hash(mine.statement) != manifest_hash(theirs.statement):
                raise KeysForked(n=theirs.statement.n)
        return replace(self, manifests=max(self.manifests, found, key=len))

    def heads_of(self, log: bytes) -> list[Checkpoint]:
        """What was seen of a log, the smallest first."""
        points = (each.point() for each in self.heads)
        return sorted((each for each in points if parse_origin(each.origin)[1] == log), key=lambda each: each.size)

    def fork_of(self, log: LedgerLog) -> HeadFork | None:
        """Evidence against a log that still grows; None against one that the keepers have closed."""
        if log.final is not None:
            return None
        return next((each for each in self.forks if parse_origin(each.origin)[1] == log.log), None)

    def asked_of(self, log: bytes) -> int:
        """When this log was last asked for, UTC seconds; 0: never."""
        return next((each.at_s for each in self.asked if each.log == log), 0)

    def is_stale(self, now_s: int) -> bool:
        """Whether the ledger was asked, and so long ago that what is new may be missing."""
        return 0 < self.asked_s < now_s - STALE_S


class Outcome(msgspec.Struct, frozen=True):
    """What is to be kept from now on, whatever is wrong; and that."""

    seen: Seen
    problem: ScManagerError | None = None


class Judged(Outcome, frozen=True, kw_only=True):
    """What is to be kept after a proof was looked at, and what came of it."""

    report: Report


def judged(seen: Seen, report: Report, policy: Policy, now_s: int) -> Judged:
    """The report with what memory adds: a head that contradicts another, a log that was seen to, age."""
    if not report.head:
        return Judged(seen, report=report)
    outcome = proved_under(seen, report.head, seen.keys(), policy)
    problem = outcome.problem
    remarks = report.remarks
    if outcome.seen.is_stale(now_s):
        days = (now_s - outcome.seen.asked_s) // DAY_S
        remarks = (*remarks, f"The ledger was last asked {days} days ago: there may be newer releases, or keys.")
    problems = (*report.problems, problem) if problem else report.problems
    return Judged(outcome.seen, problem, report=replace(report, problems=problems, remarks=remarks))


def proved_under(seen: Seen, note: bytes, keys: TrustedKeys, policy: Policy) -> Outcome:
    """As `with_head`, for a head that something is proved under. The problem also where its log was seen to fork."""
    outcome = with_head(seen, note, keys, policy)
    log, _, _ = signed_head(note, keys, policy)
    if outcome.problem is None and (proof := outcome.seen.fork_of(log)):
        return Outcome(outcome.seen, _told(log, proof))
    return outcome


def with_head(seen: Seen, note: bytes, keys: TrustedKeys, policy: Policy) -> Outcome:
    """After the head of a proof: one that its log signed, which nothing here can compare with another size.

    It is kept if those cosigned it whom the policy asks for.

    The problem: LogForked, when it is another one of a size that was seen. Raises as `signed_head`.
    """
    log, point, bare = signed_head(note, keys, policy)
    if log.final is not None:
        return Outcome(seen)  # Where it ends, the manifest says.
    held = _of(log, seen.heads)
    for each in (*held, *_of(log, seen.unwitnessed)):
        if (was := each.point()).size == point.size:
            if was.root == point.root:
                return Outcome(seen)
            return _forked(seen, log, HeadFork.make(log.key, each.note, bare, point.root, ()))
    if not policy.is_met(policy.cosigned(parse_note(note), TIME_MAX_S)):
        return Outcome(seen)  # Else the log's key alone could have every honest head refused as older than it.
    if len(held) < HEADS_MAX:
        return Outcome(replace(seen, heads=(*seen.heads, HeadSeen(bare))))
    largest = max(held, key=lambda each: each.point().size)
    if largest.point().size > point.size:
        return Outcome(seen)
    return Outcome(replace(seen, heads=tuple(HeadSeen(bare) if each is largest else each for each in seen.heads)))


def follow(seen: Seen, note: bytes, tree_of: Callable[[Checkpoint], TileTree], policy: Policy, now_s: int) -> Outcome:
    """After a ledger's newest head, compared with every one that was seen of its log by the tiles under it.

    A head that is not followed, as no quorum cosigned it, convicts its log all the same where it has left one that
    was seen. The problem: LogForked, LedgerRolledBack where a larger one counts as much by the policy. Raises
    BadTile, what `tree_of` raises, and as `check_head` and `signed_head`; nothing is to be kept then.
    """
    log, point, bare = signed_head(note, seen.keys(), policy)
    if proof := seen.fork_of(log):
        return Outcome(seen, _told(log, proof))
    every = (*_of(log, seen.heads), *_of(log, seen.unwitnessed))
    mine = _below_the_end(every, log, point)
    try:
        check_head(point, log, policy, policy.cosigned(parse_note(note), now_s + AHEAD_S))
    except Untrusted:  # It is not followed; its log signed it all the same, and may have left what it signed before.
        if log.final is None and (proof := _leaving_unfollowed(mine, log, point, bare, tree_of)):
            return _forked(seen, log, proof)
        raise
    if proof := _leaving(mine, log, point, bare, tree_of(point)):
        return _forked(seen, log, proof)
    ahead = [each for each in mine if each.point().size > point.size]
    counting = [
        each.point().size for each in ahead if policy.is_met(policy.cosigned(parse_note(each.note), TIME_MAX_S))
    ]
    if counting:
        return Outcome(seen, LedgerRolledBack(size=point.size, seen=max(counting)))
    heads = (*(each for each in seen.heads if each not in every), HeadSeen(bare))
    evidence = (*(each for each in seen.unwitnessed if each not in every), *ahead[:HEADS_MAX])
    tells = log.final is None and log.kind is LogKind.LEDGER  # Others have no news of the author's.
    asked_s = max(seen.asked_s, now_s) if tells else seen.asked_s
    at_s = max(seen.asked_of(log.log), now_s)
    asked = (*(each for each in seen.asked if each.log != log.log), Asked(log.log, at_s))
    return Outcome(replace(seen, heads=heads, unwitnessed=evidence, asked_s=asked_s, asked=asked))


def _below_the_end(heads: Sequence[HeadSeen], log: LedgerLog, point: Checkpoint) -> Sequence[HeadSeen]:
    """Those that a head is compared with: of a closed log none that the keepers left outside, and none at its end.

    What a thief signed before it was closed may have been seen, and followed; since then the manifest tells.
    """
    end = log.final
    if end is None:
        return heads
    if (point.size, point.root) == (end.size, end.root):
        return ()
    points = [(each, each.point()) for each in heads]
    return [each for each, was in points if was.size < end.size or (was.size, was.root) == (end.size, end.root)]


def signed_head(note: bytes, keys: TrustedKeys, policy: Policy) -> tuple[LedgerLog, Checkpoint, bytes]:
    """The log and the head in a note that this log signed; and the note without lines of strangers.

    Raises LogNotListed, BadNote, BadCheckpoint, NotSigned, WrongSignature.
    """
    parsed = parse_note(note)
    point = Checkpoint.parse(parsed.text)
    space, log = parse_origin(point.origin)
    listed = keys.log(log)
    if listed is None or listed.space != space:
        raise LogNotListed(n=keys.manifest.n, origin=point.origin)
    signature = parsed.signature_by(point.origin, listed.key)
    return listed, point, note_from(point, signature, listed.key) + _of_witnesses(note, parsed, policy)


def witnessed_s(seen: Seen, policy: Policy, now_s: int) -> int | None:
    """By when a quorum had cosigned the newest head that was seen, UTC seconds; None where none did."""
    times = (seen_by_a_quorum(policy, policy.cosigned(parse_note(each.note), now_s + AHEAD_S)) for each in seen.heads)
    return max((each for each in times if each is not None), default=None)


def _leaving(
    seen: Sequence[HeadSeen], log: LedgerLog, point: Checkpoint, bare: bytes, tree: TileTree
) -> HeadFork | None:
    """That the tree under this head has left one that was seen. Raises as the tree."""
    for each in seen:
        was = each.point()
        if 0 < was.size <= point.size and (root := tree.root(was.size)) != was.root:
            return HeadFork.make(log.key, each.note, bare, root, tuple(tree.consistency(was.size, point.size)))
    return None


def _leaving_unfollowed(
    seen: Sequence[HeadSeen],
    log: LedgerLog,
    point: Checkpoint,
    bare: bytes,
    tree_of: Callable[[Checkpoint], TileTree],
) -> HeadFork | None:
    """The same of a head that does not count: another one of the same size convicts without a tile.

    None where the tiles are not to be had, or are not those under it: they prove nothing then.
    """
    for each in seen:
        if 0 < (was := each.point()).size == point.size and was.root != point.root:
            return HeadFork.make(log.key, each.note, bare, point.root, ())
    if not any(0 < each.point().size < point.size for each in seen):
        return None
    try:
        return _leaving(seen, log, point, bare, tree_of(point))
    except (Unavailable, Untrusted):
        return None


def _of(log: LedgerLog, heads: Sequence[HeadSeen]) -> tuple[HeadSeen, ...]:
    return tuple(each for each in heads if parse_origin(each.point().origin)[1] == log.log)


def _of_witnesses(note: bytes, parsed: Note, policy: Policy) -> bytes:
    """The lines of the policy's witnesses, as they stand there."""
    known = {(each.name, each.key_id) for each in policy.witnesses.values()}
    lines = note.rpartition(b"\n\n")[2].splitlines(keepends=True)
    pairs = zip(lines, parsed.signatures, strict=True)
    return b"".join(dict.fromkeys(line for line, each in pairs if (each.name, each.key_id) in known))


def _forked(seen: Seen, log: LedgerLog, proof: HeadFork) -> Outcome:
    known = seen if seen.fork_of(log) else replace(seen, forks=(*seen.forks, proof))
    return Outcome(known, _told(log, proof))


def _told(log: LedgerLog, proof: HeadFork) -> LogForked:
    return LogForked(log=log.log.hex()[:16], size=Checkpoint.parse(parse_note(proof.first).text).size)

"""Audit: what anybody can check in a folder's events without a key: that every log is what its own key signed.

- Fast: the tree of each branch is computed anew and compared with its newest signed note.
- Deep: also every older note, the chain of ids, the rising clock, and the hash of every part that is held. An absent
  part is erased or not here, never tampering; a wrong hash is.
- Both: tables, triggers and indices are those that a release of ours made, and no trigger is missing.
- Not covered, for nothing signs them: the kept results of commands, and which older notes are there.
- Entries that wait for earlier ones (pending.py) are counted apart, and nothing of them is verified.

Reads the file by itself and writes nothing. Large logs are shared out among processes in chunks whose size is a
power of two: a chunk's tree is then a subtree of the whole, and the parts meet in a compact range. What no audit can
see is a file that was rolled back whole to an older state that was true once; compare the heads for that.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha3_512
from pathlib import Path

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore import checkpoint, entry, merkle
from scmanager.eventstore.audit_chunk import (
    CHUNK_ENTRIES,
    Branch,
    Chunk,
    Finding,
    Task,
    check_chunk,
    rows_of,
    signed,
)
from scmanager.eventstore.audit_judge import OTHER, Ended, Judge, Verified
from scmanager.eventstore.audit_source import Query, Source, SqliteSource, Tables
from scmanager.eventstore.own_tables import GUARD_MISSING, TABLES_FOREIGN
from scmanager.eventstore.soundness import ENDS, End, check_end
from scmanager.eventstore.store import StoreDamaged

PROCESSES = 2
ALONE_BELOW = 40_000
"""Entries that are checked sooner than a second process starts."""

_PREV = slice(52, 116)
_STRAYS: tuple[Query, ...] = (
    (
        "entry-unsigned",
        "it stands beyond the signed head, or on no branch",
        "SELECT l.id, g.last FROM (SELECT log, branch, min(seq) AS first, max(seq) AS last FROM entry"
        " GROUP BY log, branch) g LEFT JOIN log l ON l.no = g.log"
        " LEFT JOIN branch b ON b.log = g.log AND b.number = g.branch"
        " LEFT JOIN head h ON h.log = g.log AND h.branch = g.branch"
        " WHERE l.no IS NULL OR b.log IS NULL OR h.size IS NULL OR g.last >= h.size OR g.first < b.start",
    ),
    (
        "log-without-head",
        "its head is missing",
        "SELECT l.id, NULL FROM log l WHERE NOT EXISTS (SELECT 1 FROM head h WHERE h.log = l.no)",
    ),
    (
        "head-mismatch",
        "there is no such branch",
        "SELECT l.id, NULL FROM head g LEFT JOIN log l ON l.no = g.log"
        " LEFT JOIN branch b ON b.log = g.log AND b.number = g.branch WHERE l.no IS NULL OR b.log IS NULL",
    ),
    (
        "note-mismatch",
        "the signed head covers entries that are not here",
        "SELECT l.id, g.size - 1 FROM note g LEFT JOIN log l ON l.no = g.log"
        " LEFT JOIN branch b ON b.log = g.log AND b.number = g.branch"
        " LEFT JOIN head h ON h.log = g.log AND h.branch = g.branch"
        " WHERE l.no IS NULL OR b.log IS NULL OR h.size IS NULL OR g.size > h.size OR g.size <= b.start",
    ),
    (
        "part-wrong",
        "a part belongs to no entry",
        "SELECT NULL, NULL FROM part p WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.pos = p.pos)",
    ),
)

Advance = Callable[[int], None]
Keep = Callable[[Verified], None]


class AuditedHead(msgspec.Struct, frozen=True):
    """Where a branch ends, as computed from its entries."""

    space: bytes
    log: bytes
    branch: int
    size: int
    root: bytes
    id: bytes
    """The last entry's id, 64 bytes."""


class Report(msgspec.Struct, frozen=True):
    """What an audit found."""

    entries: int
    logs: int
    heads: tuple[AuditedHead, ...]
    findings: tuple[Finding, ...]
    pending: int = 0
    """Entries that wait for earlier ones. They count for nothing, so nothing of them is verified."""
    resumed: int = 0
    """Entries that were not read, on the word of who kept how far an audit was."""

    @property
    def ok(self) -> bool:
        """Whether everything is what was signed."""
        return not self.findings


def count(store: Path | Source) -> int:
    """How many entries an audit will read. Raises as `verify`."""
    with _source(store).opened() as db:
        (entries,) = db.execute("SELECT coalesce(sum(size), 0) FROM head").fetchone()
    return int(entries)


def verify(
    store: Path | Source,
    *,
    deep: bool = False,
    processes: int = PROCESSES,
    advance: Advance | None = None,
    since: Iterable[Verified] = (),
    ended: Iterable[Ended] = (),
    keep: Keep | None = None,
) -> Report:
    """Audit an events file, or tables elsewhere. Findings name log and seq.

    Raises StoreDamaged, FileUnusable, or as the source does, when it cannot be read.

    `since`: branches are read from there on, on the word of whoever kept it. `ended`: what is read of a branch has to
    lead through there. `keep` is told how far one is, again and again, as long as nothing is wrong with it.
    """
    with _source(store).whole() as (db, same):
        judges = _judges(branches_of(db), since, ended)
        return _verify(db, same, judges, deep, processes, advance or (lambda _: None), keep or (lambda _: None))


def _source(store: Path | Source) -> Source:
    return SqliteSource(str(store)) if isinstance(store, Path) else store


def _judges(branches: Iterable[Branch], since: Iterable[Verified], ended: Iterable[Ended]) -> list[Judge]:
    known = {(each.log, each.branch): each for each in since}
    ends = {(each.log, each.branch): each for each in ended}
    return [Judge(each, known.get((each.log, each.number)), ends.get((each.log, each.number))) for each in branches]


def _verify(
    db: Tables,
    source: Source,
    judges: Sequence[Judge],
    deep: bool,
    processes: int,
    advance: Advance,
    keep: Keep,
) -> Report:
    tasks = [
        Task(source, judge.branch, first, deep, (judge.ended.size,) if judge.ended else ())
        for judge in judges
        for first in range(judge.size, judge.branch.size, CHUNK_ENTRIES)
    ]
    resumed = sum(judge.size for judge in judges)
    advance(resumed)
    by_branch = {(judge.branch.log, judge.branch.number): judge for judge in judges}
    left = sum(judge.branch.size for judge in judges) - resumed
    for task, chunk in zip(tasks, _run(tasks, left, processes), strict=True):
        judge = by_branch[task.branch.log, task.branch.number]
        judge.take(chunk)
        advance(chunk.entries)
        if (reached := judge.verified()) is not None:
            keep(reached)
    findings = _altered_tables(source, db)
    findings += _strays(db, (*_STRAYS, *source.strays()))
    findings += _gaps(db)
    heads = []
    for judge in judges:
        branch = judge.branch
        findings += _finished(db, judge)
        if branch.size:
            heads.append(AuditedHead(branch.space, branch.log, branch.number, branch.size, judge.root, judge.last_id))
    (entries,) = db.execute("SELECT count(*) FROM entry").fetchone()
    findings += _false_heads(db, {each.log for each in findings})
    findings.sort(key=lambda each: (each.log, -1 if each.seq is None else each.seq))
    logs = len({judge.branch.log for judge in judges})
    return Report(entries, logs, tuple(heads), tuple(findings), source.pending(db), resumed)


def _run(tasks: list[Task], entries: int, processes: int) -> Iterator[Chunk]:
    if processes < 2 or entries < ALONE_BELOW:
        yield from map(check_chunk, tasks)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(check_chunk, tasks)


def branches_of(db: Tables) -> list[Branch]:
    """Every branch with the pieces it is made of, oldest first: (branch number, first seq, seq it ends before)."""
    rows = db.execute(
        "SELECT l.no, l.id, l.space, l.public, b.number, b.parent, b.start, h.size, h.id, h.tree FROM log l"
        " JOIN branch b ON b.log = l.no JOIN head h ON h.log = l.no AND h.branch = b.number ORDER BY l.no, b.number"
    ).fetchall()
    parents = {(row[0], row[4]): (row[5], row[6]) for row in rows}
    found = []
    for no, log, space, public, number, _, _, size, head, tree in rows:
        pieces, at, end = [], number, size
        while True:
            parent, start = parents.get((no, at), (0, 0))
            pieces.append((at, min(start, end), end))
            if start == 0 or (no, parent) not in parents or parent == at:
                break
            at, end = parent, min(start, end)
        found.append(Branch(no, log, space, public, number, size, head, tree, tuple(reversed(pieces))))
    return found


def _altered_tables(source: Source, db: Tables) -> list[Finding]:
    """What would act by itself, and the guards without which rows could be changed."""
    foreign, missing = source.differences(db)
    return [
        *(Finding(b"", None, TABLES_FOREIGN, f"{each} is none that a release of ours made") for each in foreign),
        *(Finding(b"", None, GUARD_MISSING, f"the {each} is missing") for each in missing),
    ]


def _strays(db: Tables, queries: Iterable[Query]) -> list[Finding]:
    """What hangs on nothing: a row that no log, branch or head accounts for would not be looked at otherwise."""
    return [
        Finding(log or b"", seq, code, what)
        for code, what, query in queries
        for log, seq in db.execute(query).fetchall()
    ]


def _gaps(db: Tables) -> list[Finding]:
    """Positions are gapless: where one is missing, a row was taken out, perhaps with its whole log."""
    count, first, last = db.execute(
        "SELECT count(*), coalesce(min(pos), 1), coalesce(max(pos), 0) FROM entry"
    ).fetchone()
    if (first, last) == (1, count):
        return []
    return [Finding(b"", None, "position-missing", f"{count} entries stand at positions {first} to {last}")]


def _false_heads(db: Tables, known: set[bytes]) -> list[Finding]:
    """Heads are a cache, and a node that opens the store goes on from them. `known`: logs with findings already."""
    found = []
    for row in db.execute(ENDS).fetchall():
        end = End(*row)
        log = end.log if isinstance(end.log, bytes) else b""
        if log in known:
            continue
        try:
            check_end(end)
        except StoreDamaged:
            found.append(Finding(log, None, "head-mismatch", "the stored head is not that of its entries"))
    return found


def _finished(db: Tables, judge: Judge) -> list[Finding]:
    """What is wrong with a branch, once all its chunks were taken."""
    branch, mine = judge.branch, [*judge.findings]
    if flaw := _flaw_of_first(db, branch):
        mine.append(flaw)
    if not judge.noted:
        mine.append(Finding(branch.log, branch.size - 1, "note-missing", "no signed head covers it"))
    if judge.altered and not any(each.code == "entry-missing" for each in mine):
        seq = _locate(db, branch)
        mine = [each for each in mine if each.seq != seq and each.code != "chain-broken"]
        mine.append(Finding(branch.log, seq, "entry-changed", "it is not the entry that was signed"))
    if not mine and judge.replaced and judge.ended:
        mine.append(Finding(branch.log, None, "log-replaced", OTHER.format(size=judge.ended.size)))
    if not mine and (not branch.size or judge.last_id != branch.head):
        mine.append(
            Finding(branch.log, branch.size - 1, "head-mismatch", "the stored head is not that of its entries")
        )
    return mine


def _flaw_of_first(db: Tables, branch: Branch) -> Finding | None:
    """Entry 0 is what makes the log's id, key and space: they must be those the store says."""
    first = next(iter(rows_of(db, branch, 0, 1)), None)
    try:
        one = entry.parse(first[1]) if first else None
    except Untrusted:
        one = None
    if one is None or one.genesis is None:
        return Finding(branch.log, 0, "entry-changed", "the log's first entry cannot be read")
    if (one.log, one.genesis.key, one.space) != (branch.log, branch.public, branch.space):
        return Finding(branch.log, 0, "entry-changed", "the log's id, key or space is not that of its first entry")
    return None


def _locate(db: Tables, branch: Branch) -> int:
    """Which entry was changed: in the window of the first note that fails, the one that its neighbours disown."""
    low, high = 0, branch.size
    tree = merkle.CompactRange()
    for size, root in _honest_notes(db, branch):
        tree = tree.extend([merkle.leaf_hash(row[1]) for row in rows_of(db, branch, tree.size, size)])
        if tree.root() != root:
            high = size
            break
        low = size
    links = list(_links(db, branch, low, min(high + 1, branch.size)))
    disowned = [seq for seq, before, after in links if seq < high and before and after]
    left = [seq for seq, _, after in links if seq < high and after]
    return (disowned or left or [high - 1])[0]


def _honest_notes(db: Tables, branch: Branch) -> Iterator[tuple[int, bytes]]:
    """Notes of this branch whose signature holds, by size."""
    origin = checkpoint.origin(branch.space, branch.log)
    query = "SELECT size, root, signature FROM note WHERE log = ? AND branch = ? ORDER BY size"
    for size, root, signature in db.execute(query, (branch.no, branch.number)).fetchall():
        if size <= branch.size and signed(branch.public, origin, size, root, signature):
            yield size, root


def _links(db: Tables, branch: Branch, low: int, high: int) -> Iterable[tuple[int, bool, bool]]:
    """For each entry of a window: whether it disagrees with the one before, and what comes after with it.

    After the last entry comes the stored head.
    """
    first, end = max(low - 1, 0), min(high + 1, branch.size)
    rows = [data for _, data, _, _ in rows_of(db, branch, first, end)]
    ids = [sha3_512(data).digest() for data in rows]
    named = [*(data[_PREV] for data in rows[1:]), branch.head if end == branch.size else ids[-1]]
    for place in range(low - first, len(rows)):
        before = ids[place - 1] if place else entry.ZERO_ID
        yield first + place, rows[place][_PREV] != before, named[place] != ids[place]

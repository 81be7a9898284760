"""One chunk of an audit: up to 32,768 entries of one branch, checked by one process on its own."""

from binascii import b2a_base64
from collections.abc import Iterator
from hashlib import sha3_256, sha3_512, sha256
from itertools import islice

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore import checkpoint, entry, merkle, signing
from scmanager.eventstore.audit_source import Source, Tables

CHUNK_ENTRIES = 1 << 15
"""A power of two: then a chunk's tree is a node of the whole tree."""

CHAIN_BROKEN = "it does not continue the entry before it"
FALLING = "it stands before the one that it continues"

_HLC, _PREV, _KEY = slice(44, 52), slice(52, 116), slice(138, 182)
_ONE_PART = b'{"deps":[],"parts":[["%b",%d,"%b"]]}'

_PART_TAG = b"scm/part/1\n"
_WHERE = " FROM entry WHERE log = ? AND branch = ? AND seq >= ? AND seq < ? ORDER BY seq"
_WHOLE = "SELECT seq, data, shared, pos" + _WHERE
_ENTRIES = "SELECT seq, data, x'', 0" + _WHERE
"""What a fast audit reads: most of its time goes into fetching rows."""


Row = tuple[int, bytes, bytes, int]
"""(seq, entry, part 0, position in the store)."""


class Finding(msgspec.Struct, frozen=True):
    """Something that is not what was signed."""

    log: bytes
    seq: int | None
    """The entry it is about; None when it is the log as a whole."""
    code: str
    what: str


class Branch(msgspec.Struct, frozen=True):
    """One branch of a log, as the store says."""

    no: int
    log: bytes
    space: bytes
    public: bytes
    number: int
    size: int
    head: bytes
    tree: bytes
    pieces: tuple[tuple[int, int, int], ...]
    """(branch number, first seq, seq it ends before), oldest first: what it shares with the branches it left."""


class Chunk(msgspec.Struct, frozen=True):
    """What one chunk is."""

    entries: int
    tree: tuple[bytes, ...]
    """The compact range over its leaves."""
    notes: tuple[tuple[int, bytes, tuple[bytes, ...], bool], ...]
    """(size, stored root, compact range of the chunk up to there, whether its signature holds)."""
    marks: tuple[tuple[int, tuple[bytes, ...]], ...]
    """(size, compact range of the chunk up to there) for each size that was asked for and lies in it."""
    first_prev: bytes
    last_id: bytes
    first_hlc: int
    last_hlc: int
    first_pos: int
    last_pos: int
    """Deep only."""
    findings: tuple[Finding, ...]


def rows_of(db: Tables, branch: Branch, first: int, end: int, query: str = _WHOLE) -> Iterator[Row]:
    """The rows of a branch from `first` on, before `end`, in order."""
    for number, start, stop in branch.pieces:
        low, high = max(first, start), min(end, stop)
        if low < high:
            yield from db.execute(query, (branch.no, number, low, high))


class Task(msgspec.Struct, frozen=True):
    """Which chunk, and how."""

    source: Source
    branch: Branch
    first: int
    """Its first seq."""
    deep: bool
    marks: tuple[int, ...] = ()
    """Sizes of the branch at which its tree is wanted as well."""


def check_chunk(task: Task) -> Chunk:
    """Check one chunk of entries. Runs in a process of its own."""
    branch, first = task.branch, task.first
    with task.source.opened() as db:
        end = min(first + CHUNK_ENTRIES, branch.size)
        return _checked(db, task, end, _Deep(db, branch, first, end) if task.deep else _Fast(branch, first))


def _checked(db: Tables, task: Task, end: int, check: "_Fast") -> Chunk:
    branch, first = task.branch, task.first
    notes, marks = [], []
    tree, leaves = merkle.CompactRange(), check.leaves
    rows = rows_of(db, branch, first, end, _WHOLE if task.deep else _ENTRIES)
    origin = checkpoint.origin(branch.space, branch.log)
    noted = {size: said for size, *said in _notes(db, branch, first, end, deep=task.deep)}
    for size in sorted({*noted, *(each for each in task.marks if first < each <= end)}):
        check.take(rows, size - first - tree.size)
        tree = tree.extend(leaves)
        leaves.clear()
        if size in task.marks:
            marks.append((size, tree.hashes))
        if size in noted:
            root, signature = noted[size]
            notes.append((size, root, tree.hashes, signed(branch.public, origin, size, root, signature)))
    check.take(rows, end - first - tree.size)
    tree = tree.extend(leaves)
    if first + tree.size < end:
        check.findings.append(Finding(branch.log, first + tree.size, "entry-missing", "it is not in the store"))
    return Chunk(
        tree.size, tree.hashes, tuple(notes), tuple(marks), check.first_prev, check.last_id, check.first_hlc,
        check.last_hlc, check.first_pos, check.last_pos, tuple(check.findings),
    )  # fmt: skip


def _notes(db: Tables, branch: Branch, first: int, end: int, *, deep: bool) -> list[tuple[int, bytes, bytes]]:
    """Deep: every note in this chunk; else only the one over the whole branch."""
    low = first if deep else max(first, branch.size - 1)
    return db.execute(
        "SELECT size, root, signature FROM note"
        " WHERE log = ? AND branch = ? AND size > ? AND size <= ? ORDER BY size",
        (branch.no, branch.number, low, end),
    ).fetchall()


def signed(public: bytes, origin: str, size: int, root: bytes, signature: bytes) -> bool:
    """Whether this key signed this size and root. A root of odd width was never signed."""
    try:
        text = checkpoint.Checkpoint(origin, size, root).text().encode()
    except Untrusted:
        return False
    return signing.verify(public, text, signature)


class _Fast:
    """Leaf hashes only."""

    def __init__(self, branch: Branch, first: int) -> None:
        self.branch = branch
        self.seq = first
        self.leaves: list[bytes] = []
        self.first_prev = self.last_id = b""
        self.first_hlc = self.last_hlc = 0
        self.first_pos = self.last_pos = 0
        self.findings: list[Finding] = []

    def take(self, rows: Iterator[Row], count: int) -> None:
        """Read the next `count` entries; stops at a gap."""
        page = list(islice(rows, count))
        if page and page[-1][0] - self.seq != len(page) - 1:  # They are in order: one is missing.
            page = [row for place, row in enumerate(page, self.seq) if row[0] == place]
        if not page:
            return
        if not self.first_prev:
            self.first_prev, self.first_hlc = page[0][1][_PREV], int.from_bytes(page[0][1][_HLC])
        self.leaves += [sha256(b"\0" + data).digest() for _, data, _, _ in page]
        self.seq += len(page)
        last = page[-1][1]
        self.last_id, self.last_hlc = sha3_512(last).digest(), int.from_bytes(last[_HLC])


class _Deep(_Fast):
    """Leaf hashes, the chain, the clock and every part that is held."""

    def __init__(self, db: Tables, branch: Branch, first: int, end: int) -> None:
        super().__init__(branch, first)
        self._clock = b""
        self._keys: set[bytes] = set()
        self._parts: dict[int, dict[int, tuple[bytes, bytes]]] = {}
        for number, start, stop in branch.pieces:
            query = (
                "SELECT e.seq, p.number, p.key, p.bytes FROM entry e JOIN part p ON p.pos = e.pos"
                " WHERE e.log = ? AND e.branch = ? AND e.seq >= ? AND e.seq < ?"
            )
            where = (branch.no, number, max(first, start), min(end, stop))
            for seq, part, key, stored in db.execute(query, where) if where[2] < where[3] else ():
                self._parts.setdefault(seq, {})[part] = (key, stored)

    def take(self, rows: Iterator[Row], count: int) -> None:
        """As above. Most entries name no deps and one part: such a one is spelled anew and compared, not parsed."""
        head, keys, parts, append = b"SCE1" + self.branch.log, self._keys, self._parts, self.leaves.append
        due, clock, last_id, last_pos = self.seq, self._clock, self.last_id, self.last_pos
        for seq, data, shared, pos in islice(rows, count):
            if seq != due:
                break
            append(sha256(b"\0" + data).digest())
            part = sha3_256(_PART_TAG + shared).digest()
            key, hlc = data[_KEY], data[_HLC]
            plain = (
                data[:36] == head
                and data[36:44] == seq.to_bytes(8)
                and hlc > clock
                and pos > last_pos
                and data[_PREV] == last_id
                and key in keys
                and data[116:] == _ONE_PART % (key, len(shared), b2a_base64(part, newline=False))
                and seq not in parts
            )
            if not plain:
                self._clock, self.last_id, self.last_pos = clock, last_id, last_pos
                self._look_closer(seq, data, shared, part, pos)
            clock, last_id, last_pos = hlc, sha3_512(data).digest(), pos
            due += 1
        self.seq, self._clock, self.last_id, self.last_pos = due, clock, last_id, last_pos
        self.last_hlc = int.from_bytes(clock)

    def _look_closer(self, seq: int, data: bytes, shared: bytes, part: bytes, pos: int) -> None:
        """What is not plainly as it should be: entries with deps or several parts, and what was changed."""
        hlc = int.from_bytes(data[_HLC])
        if not self.last_id:
            self.first_prev, self.first_hlc, self.first_pos = data[_PREV], hlc, pos
        elif data[_PREV] != self.last_id or data[_HLC] <= self._clock:
            self._found(seq, "chain-broken", CHAIN_BROKEN)
        if self.last_id and pos <= self.last_pos:
            self._found(seq, "entry-misplaced", FALLING)
        try:
            one = entry.parse(data)
        except Untrusted as error:
            self._found(seq, "entry-malformed", str(error))
            return
        if one.log != self.branch.log or one.seq != seq:
            self._found(seq, "entry-misplaced", "it belongs to another place")
        refs = one.parts
        if refs and (len(shared), part) != (refs[0].length, refs[0].hash):
            self._found(seq, "part-wrong", "its shared part is not the one that it names")
        if shared and not refs:
            self._found(seq, "part-wrong", "a first entry carries no part")
        if refs and not one.deps:
            self._keys.add(data[_KEY])  # Its spelling was checked: whatever parses has only one.
        if seq in self._parts:
            self._see_parts(seq, refs)

    def _see_parts(self, seq: int, refs: tuple[entry.PartRef, ...]) -> None:
        for number, (key, stored) in self._parts[seq].items():
            ref = refs[number] if 0 < number < len(refs) else None
            if ref is None or len(stored) != ref.length or sha3_256(_PART_TAG + stored).digest() != ref.hash:
                self._found(seq, "part-wrong", f"part {number} is not the one that it names")
            elif key != ref.key:  # An erasure would not find it.
                self._found(seq, "part-wrong", f"part {number} stands under another key than it names")

    def _found(self, seq: int, code: str, what: str) -> None:
        self.findings.append(Finding(self.branch.log, seq, code, what))

"""Audit of a log as static files (C2SP tlog-tiles, and `shared/` beside): whether every file is what was signed.

- Fast: the tree is computed anew from the entry bundles and compared with the signed checkpoint and with every tile.
- Deep: also the chain of ids, the rising clock, and the hash of every first part in `shared/`.
- Both: partial tiles of earlier sizes that were left are the beginning of what stands there now.

The files of a chunk are read and checked by one process on its own; what the chunks make is put together here.
"""

import multiprocessing
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore import checkpoint, entry, merkle, parts
from scmanager.eventstore.audit_chunk import CHAIN_BROKEN, Finding
from scmanager.eventstore.merkle import CompactRange
from scmanager.eventstore.tiles import ENTRY_BYTES_MAX, WIDTH, BadTile, TilePath, parse_bundle

CHECKPOINT: Final = "checkpoint"
SHARED: Final = "shared"
BUNDLE_BYTES_MAX: Final = WIDTH * (ENTRY_BYTES_MAX + 2)
CHUNK_BUNDLES: Final = 128
ALONE_BELOW: Final = 40_000
"""Entries that are checked sooner than a second process starts."""
_SIGNED: Final = b'.signed/1"', b'.published/1"'


class PublishedReport(msgspec.Struct, frozen=True):
    """What an audit of a folder found."""

    log: bytes
    size: int
    root: bytes
    """As computed from the entries."""
    findings: tuple[Finding, ...]
    statements: tuple[tuple[int, bytes], ...] = ()
    """Deep only: (seq, part 0) of what may be a statement of the author."""
    others: int = 0
    beside: tuple[str, ...] = ()
    """Where those lie: names in the folder, sorted; a folder's ends with a slash."""
    """Files that are no part of a published log, and were not looked at."""

    @property
    def ok(self) -> bool:
        """Whether every file is what was signed."""
        return not self.findings


class _Task(msgspec.Struct, frozen=True):
    folder: str
    log: bytes
    first: int
    """The first bundle."""
    size: int
    deep: bool


class _Piece(msgspec.Struct, frozen=True):
    """What the bundles of one chunk are."""

    above: tuple[bytes, ...]
    """The hash over each whole bundle."""
    rest: tuple[bytes, ...]
    """The leaves of one that is not whole."""
    first_prev: bytes
    last_id: bytes
    first_hlc: int
    last_hlc: int
    findings: tuple[Finding, ...]
    statements: tuple[tuple[int, bytes], ...]


def head_of(folder: Path) -> tuple[entry.Entry, checkpoint.Checkpoint]:
    """The log's first entry and its checkpoint, whose signature holds. Raises Untrusted."""
    try:
        note = _read(folder / CHECKPOINT, checkpoint.NOTE_BYTES_MAX)
        point = checkpoint.Checkpoint.parse(checkpoint.parse_note(note).text)
        width = min(WIDTH, point.size)
        data = parse_bundle(_bundle(folder, TilePath(None, 0, width)), width)[0]
    except OSError as error:
        raise BadTile(reason=f"{error.filename} cannot be read") from error
    first = entry.parse(data)
    if first.genesis is None:
        raise BadTile(reason="its first entry founds no log")
    name = checkpoint.origin(first.space, first.log)
    if point.origin != name:
        raise BadTile(reason="the checkpoint is of another log than the entries")
    return first, checkpoint.verify_note(note, name, first.genesis.key)


def verify(
    folder: Path, *, deep: bool = False, processes: int = 2, advance: Callable[[int], None] = lambda _: None
) -> PublishedReport:
    """Audit a folder. Raises Untrusted when its head is none that the log signed."""
    first, point = head_of(folder)
    findings: list[Finding] = []
    tasks = [
        _Task(str(folder), first.log, at, point.size, deep) for at in range(0, -(-point.size // WIDTH), CHUNK_BUNDLES)
    ]
    above: list[bytes] = []
    rest: tuple[bytes, ...] = ()
    last_id, last_hlc = entry.ZERO_ID, -1
    statements: list[tuple[int, bytes]] = []
    for task, piece in zip(tasks, _run(tasks, point.size, processes), strict=True):
        findings += piece.findings
        if deep and piece.first_prev and (piece.first_prev != last_id or piece.first_hlc <= last_hlc):
            findings.append(Finding(first.log, task.first * WIDTH, "chain-broken", CHAIN_BROKEN))
        last_id, last_hlc = piece.last_id, piece.last_hlc
        above += piece.above
        rest = piece.rest
        statements += piece.statements
        advance(min(CHUNK_BUNDLES * WIDTH, point.size - task.first * WIDTH))
    whole, tail = CompactRange().extend(above), CompactRange().extend(rest)
    root = CompactRange(point.size, (*whole.hashes, *tail.hashes)).root()
    if root != point.root:
        findings.append(Finding(first.log, None, "entry-changed", "the entries are not those that were signed"))
    findings += _wrong_tiles(folder, first.log, above)
    left, others, beside = _left_over(folder, first.log, point.size)
    findings += left
    findings.sort(key=lambda each: -1 if each.seq is None else each.seq)
    return PublishedReport(first.log, point.size, root, tuple(findings), tuple(statements), others, beside)


def _run(tasks: list[_Task], entries: int, processes: int) -> Iterator[_Piece]:
    if processes < 2 or entries < ALONE_BELOW:
        yield from map(_check, tasks)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_check, tasks)


def _check(task: _Task) -> _Piece:
    """Check the bundles of one chunk, the tiles of their leaves, and what lies beside them."""
    checking = _Checking(Path(task.folder), task)
    for number in range(task.first, min(task.first + CHUNK_BUNDLES, -(-task.size // WIDTH))):
        checking.bundle(number)
    return checking.piece()


class _Checking:
    """The bundles of a chunk, one after the other."""

    def __init__(self, folder: Path, task: _Task) -> None:
        self._folder, self._task = folder, task
        self._above: list[bytes] = []
        self._rest: tuple[bytes, ...] = ()
        self._before: entry.Entry | None = None
        self._first: entry.Entry | None = None
        self._findings: list[Finding] = []
        self._statements: list[tuple[int, bytes]] = []

    def bundle(self, number: int) -> None:
        width = min(WIDTH, self._task.size - number * WIDTH)
        path = TilePath(None, number, width)
        try:
            entries = parse_bundle(_bundle(self._folder, path), width)
        except (Untrusted, OSError) as error:
            self._found(number * WIDTH, "bundle-wrong", f"{path}: {_why(error)}")
            entries = []
        leaves = [sha256(b"\0" + data).digest() for data in entries] or [b"\0" * 32] * width
        tile = TilePath(0, number, width)
        if entries and (flaw := _flaw(self._folder, tile, b"".join(leaves))):
            self._found(number * WIDTH, "tile-wrong", flaw)
        if width == WIDTH:
            self._above.append(merkle.root_of(leaves))
        else:
            self._rest = tuple(leaves)
        if self._task.deep and entries:
            self._deep(number, path, entries)

    def _deep(self, number: int, path: TilePath, entries: list[bytes]) -> None:
        try:
            beside = parse_bundle(_bundle(self._folder, path, SHARED), len(entries))
        except (Untrusted, OSError) as error:
            self._found(number * WIDTH, "bundle-wrong", f"{_named(path, SHARED)}: {_why(error)}")
            beside = []
        for seq, data in enumerate(entries, number * WIDTH):
            self._entry(seq, data, beside[seq - number * WIDTH] if beside else None)

    def _entry(self, seq: int, data: bytes, shared: bytes | None) -> None:
        try:
            one = entry.parse(data)
        except Untrusted as error:
            self._found(seq, "entry-malformed", str(error))
            self._before = None
            return
        if (one.log, one.seq) != (self._task.log, seq):
            self._found(seq, "entry-misplaced", "it belongs to another place")
        before, self._before = self._before, one
        self._first = self._first or one
        if before is not None and (one.prev != before.id or one.hlc <= before.hlc):
            self._found(seq, "chain-broken", CHAIN_BROKEN)
        if shared is None:
            return
        named = (one.parts[0].length, one.parts[0].hash) if one.parts else (0, b"")
        if named != (len(shared), parts.part_hash(shared) if one.parts else b""):
            self._found(seq, "part-wrong", "its shared part is not the one that it names")
        elif any(each in shared for each in _SIGNED):
            self._statements.append((seq, shared))

    def piece(self) -> _Piece:
        first, last = self._first, self._before
        return _Piece(
            tuple(self._above), self._rest, first.prev if first else b"", last.id if last else b"",
            first.hlc if first else 0, last.hlc if last else 0, tuple(self._findings), tuple(self._statements),
        )  # fmt: skip

    def _found(self, seq: int, code: str, what: str) -> None:
        self._findings.append(Finding(self._task.log, seq, code, what))


def _wrong_tiles(folder: Path, log: bytes, hashes: list[bytes]) -> Iterator[Finding]:
    """The tiles above the leaves', by the hashes over whole bundles."""
    level = 1
    while hashes:
        for at in range(0, len(hashes), WIDTH):
            row = hashes[at : at + WIDTH]
            if flaw := _flaw(folder, TilePath(level, at // WIDTH, len(row)), b"".join(row)):
                yield Finding(log, None, "tile-wrong", flaw)
        hashes = [merkle.root_of(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        level += 1


def _left_over(folder: Path, log: bytes, size: int) -> tuple[list[Finding], int, tuple[str, ...]]:
    """Partial tiles of earlier sizes must be the beginning of what stands there; which files are none of ours."""
    findings, others, beside = [], 0, set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        kind = SHARED if name.startswith(f"{SHARED}/") else ""
        try:
            tile = TilePath.parse(name.replace(SHARED, "tile/entries", 1) if kind else name)
        except BadTile:
            if name not in (CHECKPOINT, "manifests", ".publishing"):
                others += 1
                first, inside, _ = name.partition("/")
                beside.add(first + inside)
            continue
        now = (
            TilePath(tile.level, tile.index, min(WIDTH, (size >> 8 * (tile.level or 0)) - tile.index * WIDTH))
            if (tile.within(size))
            else None
        )
        if now == tile:
            continue
        if now is None or not _begins(folder, kind, tile, now, path):
            findings.append(Finding(log, None, "tile-wrong", f"{name}: it is no earlier part of this log"))
    return findings, others, tuple(sorted(beside))


def _begins(folder: Path, kind: str, tile: TilePath, now: TilePath, path: Path) -> bool:
    """Whether an earlier tile is how the present one begins."""
    try:
        if tile.level is not None:
            earlier_hashes = _read(path, WIDTH * 32)
            whole = len(earlier_hashes) == tile.width * 32
            return whole and _tile(folder, now).startswith(earlier_hashes)
        earlier = parse_bundle(_read(path, BUNDLE_BYTES_MAX), tile.width)
        return parse_bundle(_bundle(folder, now, kind), now.width)[: tile.width] == earlier
    except (Untrusted, OSError):
        return False


def _flaw(folder: Path, path: TilePath, wanted: bytes) -> str:
    try:
        held = _tile(folder, path)[: len(wanted)]
    except OSError as error:
        return f"{path}: {_why(error)}"
    return "" if held == wanted else f"{path}: its hashes are not those of the entries"


def _tile(folder: Path, path: TilePath) -> bytes:
    try:
        held = _read(folder / str(path), WIDTH * 32)
    except FileNotFoundError:
        return _read(folder / str(path.full()), WIDTH * 32)
    return held if len(held) == path.width * 32 else b""


def _bundle(folder: Path, path: TilePath, kind: str = "") -> bytes:
    """Its bytes; of a full one that lies in place of a partial one, as many entries."""
    try:
        return _read(folder / _named(path, kind), BUNDLE_BYTES_MAX)
    except FileNotFoundError:
        if path.width == WIDTH:
            raise
    whole = parse_bundle(_read(folder / _named(path.full(), kind), BUNDLE_BYTES_MAX), WIDTH)
    return b"".join(struct.pack(">H", len(each)) + each for each in whole[: path.width])


def _named(path: TilePath, kind: str) -> str:
    return str(path).replace("tile/entries", kind, 1) if kind else str(path)


def _read(path: Path, bytes_max: int) -> bytes:
    with path.open("rb") as file:
        held = file.read(bytes_max + 1)
    if len(held) > bytes_max:
        raise BadTile(reason="the file is larger than it can be")
    return held


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

"""Space files read and written run by run: however large a file is, one run at a time lies in memory.

A file holds runs: entries of one log, each with its parts, and the note that ends them. A long log stands there as
several runs, cut where its writer signed. Reading goes through the file from its beginning each time it is asked to,
and raises what `space_file` says; nothing in it is verified here.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from scmanager.adapters.key_vault import KeyVault
from scmanager.adapters.private_files import write_pieces
from scmanager.adapters.space_file import (
    BoxKeys,
    FileUnreadable,
    KeysLine,
    NoteLine,
    Piece,
    SpaceFileDamaged,
    SpaceHeader,
    decode,
    seal_keys,
)
from scmanager.errors import Untrusted
from scmanager.eventstore.log_copy import Copies, LogCopy
from scmanager.eventstore.store import Store
from scmanager.eventstore.verification import SignedNote

FILE_BYTES_MAX = 1 << 30
LINE_BYTES_MAX = 64 << 20
RUN_BYTES_MAX = 128 << 20
"""Of entries and parts under one note: what lies in memory at once, a few times over."""
RUN_ENTRIES_MAX = 50_000
ENTRIES_A_LINE = 500
BYTES_A_LINE = 16 << 20
"""Of entries and parts: the last entry may add as much again, and base64 a third, and a line stays readable."""

Line = SpaceHeader | Piece | NoteLine | KeysLine
Open = Callable[[], BinaryIO]


class RunTooLarge(Untrusted):
    """This file has a run of more than {entries} entries or {mebibytes} MiB under one signed head."""

    code = "space-file-run-too-large"
    hint = "Have the sender export it again with this release, which cuts long logs where they were signed."


class SpaceFile(msgspec.Struct, frozen=True):
    """What a space file holds. Nothing in it is verified yet."""

    space: bytes
    logs: Iterable[LogCopy]
    """Its runs. Each time they are gone through, the file is read anew, and raises as `read_space`."""
    keys: KeysLine | None


def write_space(path: Path, space: bytes, logs: list[LogCopy], keys: KeysLine | None) -> int:
    """Write a space file for its owner only, replacing an older one; returns its size in bytes."""
    return write_pieces(path, _written(space, logs, keys))


def whole_space(store: Store, vault: KeyVault, space: bytes, readers: BoxKeys | None) -> Iterator[bytes]:
    """A space as it is held here, line by line: a run in memory at a time.

    With its keys for these devices, as `seal_keys` says; None: without any.
    """
    return _written(space, Copies(store, space), None if readers is None else seal_keys(vault, space, readers))


def read_space(path: Path) -> SpaceFile:
    """A file whose lines are all there and readable. Raises SpaceFileDamaged, RunTooLarge, FileUnreadable."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from error
    if size > FILE_BYTES_MAX:
        raise FileUnreadable(path=str(path), reason="it is larger than 1 GiB")
    return space_in(lambda: _opened(path), str(path))


def space_in(source: Open, name: str) -> SpaceFile:
    """The same from anything that can be opened again and again."""
    space, keys = b"", None
    for line in _lines(source, name):
        if isinstance(line, SpaceHeader):
            space = line.space
        elif isinstance(line, KeysLine):
            keys = line
    return SpaceFile(space, _Runs(source, name), keys)


class _Runs:
    """The runs of a file, from its beginning each time."""

    def __init__(self, source: Open, name: str) -> None:
        self._source, self._name = source, name

    def __iter__(self) -> Iterator[LogCopy]:
        entries: list[bytes] = []
        held: list[dict[int, bytes]] = []
        for line in _lines(self._source, self._name):
            if isinstance(line, Piece):
                for data, stored in line.entries:
                    entries.append(data)
                    held.append({number: part for number, part in enumerate(stored) if part is not None})
            elif isinstance(line, NoteLine):
                yield LogCopy(entries, held, SignedNote(line.size, line.root, line.signature))
                entries, held = [], []


def _lines(source: Open, name: str) -> Iterator[Line]:
    """Every line, in the order that makes a file whole. Raises SpaceFileDamaged, FileUnreadable."""
    try:
        with source() as file:
            yield from _whole(_split(file))
    except OSError as error:
        raise FileUnreadable(path=name, reason=error.strerror or type(error).__name__) from error


def _whole(lines: Iterator[bytes]) -> Iterator[Line]:
    header = decode(SpaceHeader, next(lines, b""), "space file")
    if not header.logs:
        raise SpaceFileDamaged(what="space file", reason="it holds no log")
    yield header
    runs = entries = size = 0
    ended = False
    for text in lines:
        if ended:
            raise SpaceFileDamaged(what="space file", reason="something follows its end")
        line = _parsed(text)
        yield line
        if isinstance(line, Piece):
            entries += len(line.entries)
            size += sum(len(data) + sum(len(part or b"") for part in stored) for data, stored in line.entries)
            if entries > RUN_ENTRIES_MAX or size > RUN_BYTES_MAX:
                raise RunTooLarge(entries=RUN_ENTRIES_MAX, mebibytes=RUN_BYTES_MAX >> 20)
        elif isinstance(line, NoteLine):
            if not entries:
                raise SpaceFileDamaged(what="space file", reason="a head stands there without entries")
            runs, entries, size = runs + 1, 0, 0
        ended = isinstance(line, KeysLine)
    if entries or runs != header.logs:
        raise SpaceFileDamaged(what="space file", reason="its end is missing")


def _parsed(text: bytes) -> Line:
    if text.startswith(b'{"entries"'):
        return decode(Piece, text, "space file")
    if text.startswith(b'{"boxes"'):
        return decode(KeysLine, text, "space file")
    return decode(NoteLine, text, "space file")


def _split(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LINE_BYTES_MAX + 1):
        if len(line) > LINE_BYTES_MAX:
            raise SpaceFileDamaged(what="space file", reason="a line is too long")
        yield line.removesuffix(b"\n")


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _written(space: bytes, logs: Copies | list[LogCopy], keys: KeysLine | None) -> Iterator[bytes]:
    yield _line(SpaceHeader("scm-space/1", space, len(logs)))
    for copy in logs:
        for piece in _pieces(copy):
            yield _line(piece)
        yield _line(NoteLine(copy.note.size, copy.note.root, copy.note.signature))
    if keys is not None:
        yield _line(keys)


def _line(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _pieces(copy: LogCopy) -> Iterator[Piece]:
    rows: list[tuple[bytes, tuple[bytes | None, ...]]] = []
    size = 0
    for data, held in zip(copy.entries, copy.held, strict=True):
        if len(rows) == ENTRIES_A_LINE or size >= BYTES_A_LINE:
            yield Piece(tuple(rows))
            rows, size = [], 0
        count = max(held, default=-1) + 1
        rows.append((data, tuple(held.get(number) for number in range(count))))
        size += len(data) + sum(map(len, held.values()))
    if rows:
        yield Piece(tuple(rows))

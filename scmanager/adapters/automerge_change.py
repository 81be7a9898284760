"""A change's bytes, read before the library may see them: whole, what it claims to be, and nothing but typing.

The layout is Automerge's binary format: a chunk (magic, checksum, type, length) with a header (what it depends on,
actor, number, first operation, other actors) and columns of run-length encoded operations. Let through are insertions
of characters and deletions, which is what our own editing makes. Counters, objects, marks, deflated chunks and runs
that unfold to more than `OPERATIONS_MAX` are refused here: the library panics at some, and drowns in others.
"""

import hashlib
from typing import Final

import msgspec

from scmanager.domain.document import DEPS_MAX
from scmanager.errors import Untrusted

OPERATIONS_MAX: Final = 131_072
"""Of one change; every inserted or deleted character is one."""
_MAGIC: Final = bytes.fromhex("856f4a83")
_CHANGE: Final = 1
_ACTORS_MAX: Final = 4096
_NUMBER_MAX: Final = 2**53 - 1

_OBJECT_ACTOR, _OBJECT_COUNTER, _KEY_ACTOR, _KEY_COUNTER = 0x01, 0x02, 0x11, 0x13
_INSERT, _ACTION, _VALUE_META, _VALUE = 0x34, 0x42, 0x56, 0x57
_PRED_COUNT, _PRED_ACTOR, _PRED_COUNTER = 0x70, 0x71, 0x73
_SIGNED: Final = {_KEY_COUNTER, _PRED_COUNTER}
_PREDS: Final = {_PRED_ACTOR, _PRED_COUNTER}
_ENCODED: Final = {_OBJECT_ACTOR, _OBJECT_COUNTER, _KEY_ACTOR, _ACTION, _VALUE_META, _PRED_COUNT} | _SIGNED | _PREDS
_COLUMNS: Final = _ENCODED | {_INSERT, _VALUE}
_SET, _DELETE = 1, 3
_NOTHING, _STRING = 0, 6
"""Types of values, in the low four bits of what says how long one is."""

Runs = list[tuple[int, int | None]]
"""(how often, value) of a run-length encoded column; None is no value."""


class ChangeUnusable(Untrusted):
    """A change of a document cannot be used: {why}."""

    code = "document-change-unusable"
    hint = "It is left out, and what builds on it. Ask its author to write it again."


class Header(msgspec.Struct, frozen=True):
    """What a change says of itself."""

    hash: bytes
    actor: bytes
    number: int
    deps: tuple[bytes, ...]
    first: int
    """The number of its first operation."""
    operations: int

    @property
    def last(self) -> int:
        """The number of its last operation."""
        return self.first + self.operations - 1


def parse(data: bytes) -> Header:
    """The header of one change that may be handed to the library. Raises ChangeUnusable, and nothing else."""
    try:
        return _parse(data)
    except (IndexError, ValueError, OverflowError) as error:
        raise ChangeUnusable(why="its bytes end too early") from error


def _parse(data: bytes) -> Header:
    if data[:4] != _MAGIC or data[8] != _CHANGE:
        raise ChangeUnusable(why="it is not a change")
    body = _Reader(data, 9)
    length = body.unsigned()
    if length != len(data) - body.place:
        raise ChangeUnusable(why="its length is another")
    digest = hashlib.sha256(data[8:]).digest()
    if data[4:8] != digest[:4]:
        raise ChangeUnusable(why="its bytes were changed")
    deps = tuple(body.take(32) for _ in range(body.count(DEPS_MAX)))
    actor, number, first = body.take(body.unsigned()), body.unsigned(), body.unsigned()
    body.signed()  # When it was made: always 1970, and not ours to trust.
    body.take(body.unsigned())
    others = [body.take(body.unsigned()) for _ in range(body.count(_ACTORS_MAX))]
    operations = _check_columns(body, 1 + len(others))
    if not (1 <= number <= _NUMBER_MAX and 1 <= first <= _NUMBER_MAX and len(actor) == 16):
        raise ChangeUnusable(why="its numbers are out of their bounds")
    return Header(digest, actor, number, deps, first, operations)


class _Reader:
    """Walks over bytes. Raises IndexError at their end, ValueError where a number is too long."""

    def __init__(self, data: bytes, place: int = 0) -> None:
        self.data, self.place = data, place

    @property
    def ended(self) -> bool:
        return self.place >= len(self.data)

    def take(self, length: int) -> bytes:
        taken = self.data[self.place : self.place + length]
        if len(taken) != length:
            raise IndexError
        self.place += length
        return taken

    def unsigned(self) -> int:
        """LEB128, of at most 64 bits."""
        if (byte := self.data[self.place]) < 0x80:  # Nearly always.
            self.place += 1
            return byte
        found = shift = 0
        while True:
            byte = self.data[self.place]
            self.place += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def signed(self) -> int:
        if (byte := self.data[self.place]) < 0x80:
            self.place += 1
            return byte - 0x80 if byte & 0x40 else byte
        start = self.place
        found = self.unsigned()
        bits = 7 * (self.place - start)
        return found - (1 << bits) if self.data[self.place - 1] & 0x40 else found

    def count(self, most: int) -> int:
        found = self.unsigned()
        if found > most:
            raise ChangeUnusable(why="it names too much")
        return found


def _check_columns(body: _Reader, actors: int) -> int:
    """How many operations there are, all of them typing. `actors`: how many the change may name."""
    shape = [(body.unsigned(), body.unsigned()) for _ in range(body.count(len(_COLUMNS)))]
    specs = [spec for spec, _ in shape]
    if specs != sorted(set(specs)) or not _COLUMNS.issuperset(specs):
        raise ChangeUnusable(why="it does more than write text")
    columns = {spec: body.take(length) for spec, length in shape}
    if not body.ended:
        raise ChangeUnusable(why="something follows its operations")
    runs = {spec: _runs(column, signed=spec in _SIGNED) for spec, column in columns.items() if spec in _ENCODED}
    acts = runs.get(_ACTION, [])
    operations = sum(count for count, _ in acts)
    if not operations:
        raise ChangeUnusable(why="it does nothing")
    if {act for _, act in acts} - {_SET, _DELETE}:
        raise ChangeUnusable(why="it does more than write text")
    _check_values(runs.get(_VALUE_META, []), columns.get(_VALUE, b""))
    preds = sum(count * (value or 0) for count, value in runs.get(_PRED_COUNT, []))
    if preds > operations:
        raise ChangeUnusable(why="it unfolds to too much")
    counts = {spec: sum(count for count, _ in found) for spec, found in runs.items()}
    counts[_INSERT] = sum(_flags(columns.get(_INSERT, b"")))
    if any(count > (preds if spec in _PREDS else operations) for spec, count in counts.items()):
        raise ChangeUnusable(why="its columns do not fit each other")
    for spec in (_OBJECT_ACTOR, _KEY_ACTOR, _PRED_ACTOR):
        if any(value is not None and value >= actors for _, value in runs.get(spec, ())):
            raise ChangeUnusable(why="it names an actor that is not in it")
    return operations


def _check_values(meta: Runs, raw: bytes) -> None:
    """Values are characters or nothing: the first are what an insertion says, the latter a deletion."""
    if any(value is not None and value & 0xF not in (_NOTHING, _STRING) for _, value in meta):
        raise ChangeUnusable(why="it holds a counter or something else that is no text")
    if sum(count * (value >> 4) for count, value in meta if value is not None) != len(raw):
        raise ChangeUnusable(why="its columns do not fit each other")
    raw.decode()  # UnicodeDecodeError is a ValueError.


def _runs(column: bytes, *, signed: bool) -> Runs:
    """A column as its runs, never unfolded."""
    reader, total = _Reader(column), 0
    found: Runs = []
    size = len(column)
    while reader.place < size:
        count = reader.signed()
        if count > 0:
            found.append((count, reader.signed() if signed else reader.unsigned()))
        elif count < 0:
            if -count > size:
                raise IndexError
            found += [(1, reader.signed() if signed else reader.unsigned()) for _ in range(-count)]
        else:
            found.append((reader.unsigned(), None))
        total += abs(count) or found[-1][0]
        if total > OPERATIONS_MAX:
            raise ChangeUnusable(why="it unfolds to too much")
    return found


def _flags(column: bytes) -> list[int]:
    """The lengths of runs of no and yes in turn."""
    reader, found = _Reader(column), []
    while not reader.ended:
        found.append(reader.unsigned())
    return found

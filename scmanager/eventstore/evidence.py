"""Evidence bundles: entries of a space with all that shows a stranger that they were signed, as one file of text.

The format is written down in docs/evidence-bundle.md. It has one spelling, and parsing believes nothing: what holds
is for `application/evidence_check.py` to say, and for a verifier of somebody else's.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from hashlib import sha3_256
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore import entry
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX
from scmanager.eventstore.merkle import HASH_BYTES, SIZE_MAX

HEADER: Final = "scm-evidence/1"
EXTENSION: Final = ".scm-evidence"
FILE_BYTES_MAX: Final = 64 << 20
ENTRIES_MAX: Final = 10_000
LOGS_MAX: Final = 256
MANIFESTS_MAX: Final = 4_096
KEY_BYTES: Final = 32

_LINE = re.compile(r"(entry|part|key) (0|[1-9][0-9]{0,15}) (\S+)|(hash|note|manifest) (\S+)", re.ASCII)


class BadEvidence(Untrusted):
    """This is no evidence bundle: {reason}."""

    code = "bad-evidence"
    hint = "It was damaged on its way, or somebody changed it. Get it again from whoever made it."


class Shown(msgspec.Struct, frozen=True):
    """One entry in a bundle, with stored parts by number, and the keys that open single parts."""

    seq: int
    data: bytes
    parts: tuple[tuple[int, bytes], ...] = ()
    keys: tuple[tuple[int, bytes], ...] = ()


class LogShown(msgspec.Struct, frozen=True):
    """Entries of one log, entry 0 among them, and what leads from them to a head that the log signed."""

    entries: tuple[Shown, ...]
    hashes: tuple[bytes, ...]
    """As `multi_proof.prove_many` orders them."""
    note: bytes


class Bundle(msgspec.Struct, frozen=True):
    """What a file says; nothing of it is verified."""

    logs: tuple[LogShown, ...]
    """The log that founded the space first."""
    manifests: tuple[bytes, ...] = ()
    """Of an author's ledger: its key manifests as lines of a submission file, oldest first."""

    def to_bytes(self) -> bytes:
        """The file."""
        text = "".join(f"{line}\n" for line in self._lines()).encode("ascii")
        return text + _end(text)

    def _lines(self) -> Iterator[str]:
        yield HEADER
        for log in self.logs:
            for one in log.entries:
                yield f"entry {one.seq} {_base64(one.data)}"
                keys = dict(one.keys)
                for number, stored in one.parts:
                    yield f"part {number} {_base64(stored)}"
                    if number in keys:
                        yield f"key {number} {_base64(keys[number])}"
            yield from (f"hash {_base64(each)}" for each in log.hashes)
            yield f"note {_base64(log.note)}"
        yield from (f"manifest {_base64(each)}" for each in self.manifests)

    @classmethod
    def parse(cls, data: bytes) -> "Bundle":
        """The bundle in a file. Raises BadEvidence and nothing else."""
        if len(data) > FILE_BYTES_MAX:
            raise BadEvidence(reason="it is too long")
        if not data.startswith(HEADER.encode("ascii")):
            raise BadEvidence(reason=f"it does not begin with {HEADER}")
        text, _, last = data[:-1].rpartition(b"\n")
        if not data.endswith(b"\n") or last + b"\n" != _end(text + b"\n"):
            raise BadEvidence(reason="its last line is not that of the lines before it: it was cut off or changed")
        try:
            header, *lines = text.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise BadEvidence(reason="it is not plain text") from None
        if header != HEADER:
            raise BadEvidence(reason="its first line is another")
        reading = _Reading()
        for number, line in enumerate(lines, 2):
            found = _LINE.fullmatch(line)
            if not found or not reading.take(found[1] or found[4], found[2], _bytes(found[3] or found[5])):
                raise BadEvidence(reason=f"line {number} is none that may stand there")
        return reading.bundle()


class _Reading:
    """A bundle so far: which line may follow which."""

    def __init__(self) -> None:
        self._logs: list[LogShown] = []
        self._entries: list[Shown] = []
        self._hashes: list[bytes] = []
        self._manifests: list[bytes] = []
        self._before = "note"
        self._count = 0

    def take(self, word: str, number: str | None, value: bytes) -> bool:
        """Whether this line may stand here."""
        at = -1 if number is None else int(number)
        fits: bool = value != b"" and getattr(self, f"_{word}", _never)(at, value)
        self._before = word
        return fits

    def bundle(self) -> Bundle:
        if self._before not in ("note", "manifest") or not self._logs:
            raise BadEvidence(reason="its end is missing")
        return Bundle(tuple(self._logs), tuple(self._manifests))

    def _entry(self, seq: int, data: bytes) -> bool:
        least = self._entries[-1].seq + 1 if self._entries else 0
        self._count += 1
        self._entries.append(Shown(seq, data))
        return (
            self._before in ("entry", "part", "key", "note")
            and (seq == 0 if not least else least <= seq < SIZE_MAX)
            and self._count <= ENTRIES_MAX
            and len(self._logs) < LOGS_MAX
        )

    def _part(self, number: int, stored: bytes) -> bool:
        if self._before not in ("entry", "part", "key"):
            return False
        one = self._entries[-1]
        self._entries[-1] = msgspec.structs.replace(one, parts=(*one.parts, (number, stored)))
        return number < entry.PARTS_MAX and all(other < number for other, _ in one.parts)

    def _key(self, number: int, key: bytes) -> bool:
        if self._before != "part":
            return False
        one = self._entries[-1]
        self._entries[-1] = msgspec.structs.replace(one, keys=(*one.keys, (number, key)))
        return number == one.parts[-1][0] and len(key) == KEY_BYTES

    def _hash(self, _: int, value: bytes) -> bool:
        self._hashes.append(value)
        return self._before in ("entry", "part", "key", "hash") and len(value) == HASH_BYTES

    def _note(self, _: int, note: bytes) -> bool:
        if self._before not in ("entry", "part", "key", "hash"):
            return False
        self._logs.append(LogShown(tuple(self._entries), tuple(self._hashes), note))
        self._entries, self._hashes = [], []
        return len(note) <= NOTE_BYTES_MAX

    def _manifest(self, _: int, line: bytes) -> bool:
        self._manifests.append(line)
        return self._before in ("note", "manifest") and len(self._manifests) <= MANIFESTS_MAX


def _never(*_: object) -> bool:
    return False


def _end(text: bytes) -> bytes:
    """The last line: finds what was cut off or damaged. It proves nothing, as anybody can make it."""
    return f"end {sha3_256(text).hexdigest()}\n".encode("ascii")


def _bytes(line: str) -> bytes:
    """The bytes whose one base64 spelling this is; none for any other."""
    try:
        data = b64decode(line, validate=True)
    except (Base64Error, ValueError):
        return b""
    return data if _base64(data) == line else b""


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")

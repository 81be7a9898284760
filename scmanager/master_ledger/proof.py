"""Proofs of logging: a file that shows without a network that an entry stands in a log (C2SP tlog-proof, version 1).

The `extra` line carries what the leaf is made of, as the format means it to: the entry after its length as u16, then
its part 0. Nothing of it is believed before its hashes lead to the checkpoint.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore import entry, merkle, parts
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, Note, parse_note
from scmanager.eventstore.entry import SHARED_BYTES_MAX, Entry

HEADER: Final = "c2sp.org/tlog-proof@v1"
EXTENSION: Final = ".tlog-proof"
HASHES_MAX: Final = 63
EXTRA_BYTES_MAX: Final = 2 + entry.SIZE_BYTES_MAX + SHARED_BYTES_MAX
FILE_BYTES_MAX: Final = NOTE_BYTES_MAX + EXTRA_BYTES_MAX * 4 // 3 + HASHES_MAX * 45 + 256

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})", re.ASCII)


class BadProof(Untrusted):
    """This is no proof of logging: {reason}."""

    code = "bad-proof"
    hint = "Get the proof again, from where the artefact came from or from another source."


class Proof(msgspec.Struct, frozen=True):
    """What a proof file says; nothing of it is verified."""

    index: int
    hashes: tuple[bytes, ...]
    """From the leaf's sibling up to the root's child, 32 bytes each."""
    note: bytes
    """The checkpoint with all its signatures."""
    extra: bytes = b""

    @classmethod
    def of(cls, one: Entry, shared: bytes, hashes: tuple[bytes, ...], note: bytes) -> "Proof":
        """The proof of an entry with its part 0."""
        return cls(one.seq, hashes, note, len(one.data).to_bytes(2, "big") + one.data + shared)

    def to_bytes(self) -> bytes:
        """The file."""
        extra = [f"extra {_base64(self.extra)}"] if self.extra else []
        lines = [HEADER, *extra, f"index {self.index}", *map(_base64, self.hashes), "", ""]
        return "\n".join(lines).encode() + self.note

    @classmethod
    def parse(cls, data: bytes) -> "Proof":
        """The proof in a file, of any log there is. Raises BadProof, BadNote, BadCheckpoint."""
        if len(data) > FILE_BYTES_MAX:
            raise BadProof(reason="too long")
        head, gap, note = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise BadProof(reason="it is not text") from None
        if not gap or lines.pop(0) != HEADER:
            raise BadProof(reason="its first line is another")
        extra = _bytes(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if index is None:
            raise BadProof(reason="it names no index")
        if len(lines) > HASHES_MAX:
            raise BadProof(reason="more hashes than any tree is high")
        proof = cls(int(index[1]), tuple(map(_bytes, lines)), note, extra)
        if any(len(each) != merkle.HASH_BYTES for each in proof.hashes):
            raise BadProof(reason="a line that is no hash")
        Checkpoint.parse(proof.signed().text)
        return proof

    def signed(self) -> Note:
        """The note, parsed. Raises BadNote."""
        return parse_note(self.note)

    def leads_from(self, leaf: bytes, checkpoint: Checkpoint) -> bool:
        """Whether the hashes lead from this leaf hash to the checkpoint's root."""
        return merkle.verify_inclusion(self.index, checkpoint.size, leaf, self.hashes, checkpoint.root)

    def carried(self) -> tuple[Entry, bytes]:
        """The entry and its part 0, which belong together. Raises BadProof, MalformedEntry, WrongPart."""
        width = int.from_bytes(self.extra[:2], "big")
        data, shared = self.extra[2 : 2 + width], self.extra[2 + width :]
        if not data:
            raise BadProof(reason="it does not carry the entry that it proves")
        one = entry.parse(data)
        if not one.parts or one.parts[0].key:
            raise BadProof(reason="its entry says nothing in clear")
        parts.check(one.parts[0], shared, 0)
        if one.seq != self.index:
            raise BadProof(reason="its entry is from another place in the log")
        return one, shared


def _bytes(line: str) -> bytes:
    """The bytes whose one base64 spelling this is. Raises BadProof."""
    try:
        data = b64decode(line, validate=True)
    except (Base64Error, ValueError):
        data = b""
    if not data or _base64(data) != line:
        raise BadProof(reason="a line that is no plain base64")
    return data


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")

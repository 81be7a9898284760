"""Fork proofs: anybody can check, offline, that one log signed two histories. No entry is shown, only leaf hashes.

A proof holds two notes of one log and, for one index, two different leaf hashes with an inclusion proof into each
note. A log that never contradicted itself has one leaf at each index of all its notes, so no such pair exists for it
unless SHA-256 breaks. What follows from a fork is the business of DESIGN, section 3, rule 10: it is an alarm.

The one spelling of a proof, in the manner of C2SP tlog-proof (the side with the smaller note comes first):

    scm.fork-proof/1
    index 7

    leaf <base64>
    <inclusion proof, one base64 hash a line, from the leaf's sibling upwards>

    <note with the log's own signature and no other>

    leaf <base64>
    <inclusion proof>

    <note>
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import BadCheckpoint, BadNote, Checkpoint, note_from, parse_note, parse_origin
from scmanager.eventstore.merkle import inclusion_proof, verify_inclusion

PROOF_BYTES_MAX: Final = 16 * 1024
_HEADER: Final = "scm.fork-proof/1"
_HASHES_MAX: Final = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})")


class BadForkProof(Untrusted):
    """This is not a fork proof: {reason}."""

    code = "bad-fork-proof"
    hint = "It accuses nobody. Ask its sender for the two notes."


class NoFork(Untrusted):
    """These two histories do not contradict each other."""

    code = "no-fork"
    hint = "One continues the other. Nothing is wrong."


class Side(msgspec.Struct, frozen=True):
    """What one history says: its note (the log's signature only), the leaf hash at the index, the way to the root."""

    note: bytes
    leaf: bytes
    path: tuple[bytes, ...]

    def checkpoint(self) -> Checkpoint:
        """The checkpoint in the note, unverified. Raises BadNote, BadCheckpoint."""
        return Checkpoint.parse(parse_note(self.note).text)


class ForkProof(msgspec.Struct, frozen=True):
    """Two sides of one log that differ at `index`. Only `verify` makes it evidence."""

    index: int
    first: Side
    second: Side

    @property
    def origin(self) -> str:
        """The log it accuses. Look up *this* log's key to verify with."""
        return self.first.checkpoint().origin

    @classmethod
    def make(
        cls,
        public: bytes,
        one: tuple[bytes, Sequence[bytes]],
        other: tuple[bytes, Sequence[bytes]],
    ) -> "ForkProof":
        """The proof from two histories, each a note and the leaf hashes under it (more than its size is fine).

        Raises NoFork if one continues the other, and Untrusted if a note is not what it should be.
        """
        prepared = sorted((_prepare(public, *one), _prepare(public, *other)), key=lambda side: _order(side[0]))
        (first, first_leaves), (second, second_leaves) = prepared
        index = next((at for at, (a, b) in enumerate(zip(first_leaves, second_leaves, strict=False)) if a != b), None)
        if index is None:
            raise NoFork()
        proof = cls(
            index,
            Side(first, first_leaves[index], tuple(inclusion_proof(index, first_leaves))),
            Side(second, second_leaves[index], tuple(inclusion_proof(index, second_leaves))),
        )
        proof.verify(public)
        return proof

    def verify(self, public: bytes) -> None:
        """Returns if the log with this key signed both histories and they contradict each other; else Untrusted.

        `public` is the key in entry 0 of the log that `origin` names; the caller finds it, not the proof.
        """
        if self.first.leaf == self.second.leaf:
            raise NoFork()
        if self.first.checkpoint().origin != self.second.checkpoint().origin:
            raise BadForkProof(reason="its notes are of two logs")
        for side in (self.first, self.second):
            checkpoint = _own_note(side.note, public)[0]
            if not verify_inclusion(self.index, checkpoint.size, side.leaf, side.path, checkpoint.root):
                raise BadForkProof(reason="a leaf is not in the history it should be in")

    def to_bytes(self) -> bytes:
        """The one spelling of this proof."""
        blocks = [f"{_HEADER}\nindex {self.index}\n".encode()]
        for side in (self.first, self.second):
            lines = [f"leaf {_base64(side.leaf)}", *map(_base64, side.path)]
            blocks += ["".join(f"{line}\n" for line in lines).encode(), side.note]
        return b"\n".join(blocks)

    @classmethod
    def parse(cls, data: bytes) -> "ForkProof":
        """The proof that these bytes spell; still to be verified. Raises BadForkProof."""
        if len(data) > PROOF_BYTES_MAX:
            raise BadForkProof(reason="too long")
        try:
            blocks = data.decode("utf-8").split("\n\n")
            if len(blocks) != 7:
                raise BadForkProof(reason="it has not seven blocks")
            header, one, text_one, signed_one, other, text_other, signed_other = blocks
            proof = cls(
                _parse_index(header),
                _parse_side(one, f"{text_one}\n\n{signed_one}\n"),
                _parse_side(other, f"{text_other}\n\n{signed_other}"),
            )
            proof._check_form()
        except (UnicodeDecodeError, BadNote, BadCheckpoint) as error:
            raise BadForkProof(reason=str(error)) from None
        if proof.to_bytes() != data:
            raise BadForkProof(reason="spelled in another way")
        return proof

    def _check_form(self) -> None:
        for side in (self.first, self.second):
            note = parse_note(side.note)
            checkpoint = Checkpoint.parse(note.text)
            parse_origin(checkpoint.origin)
            if [signature.name for signature in note.signatures] != [checkpoint.origin]:
                raise BadForkProof(reason="a note is signed by others than its log")
            if self.index >= checkpoint.size:
                raise BadForkProof(reason="its index is beyond a history")
        if _order(self.first.note) > _order(self.second.note):
            raise BadForkProof(reason="its sides are in the wrong order")


def _prepare(public: bytes, note: bytes, leaf_hashes: Sequence[bytes]) -> tuple[bytes, Sequence[bytes]]:
    checkpoint, bare = _own_note(note, public)
    if len(leaf_hashes) < checkpoint.size:
        raise BadForkProof(reason="there are fewer leaves than the note says")
    return bare, leaf_hashes[: checkpoint.size]


def _own_note(note: bytes, public: bytes) -> tuple[Checkpoint, bytes]:
    """The checkpoint its own log signed, and its note without anybody else's signature."""
    parsed = parse_note(note)
    checkpoint = Checkpoint.parse(parsed.text)
    parse_origin(checkpoint.origin)
    signature = parsed.signature_by(checkpoint.origin, public)
    return checkpoint, note_from(checkpoint, signature, public)


def _order(note: bytes) -> tuple[int, bytes]:
    checkpoint = Checkpoint.parse(parse_note(note).text)
    return checkpoint.size, checkpoint.root


def _parse_index(header: str) -> int:
    first, _, second = header.partition("\n")
    match = _INDEX.fullmatch(second)
    if first != _HEADER or not match:
        raise BadForkProof(reason="its first lines are none of a fork proof")
    return int(match[1])


def _parse_side(block: str, note: str) -> Side:
    head, *path = block.split("\n")
    word, _, leaf = head.partition(" ")
    if word != "leaf" or len(path) > _HASHES_MAX:
        raise BadForkProof(reason="it lacks a leaf, or a path is too long")
    return Side(note.encode(), _hash(leaf), tuple(map(_hash, path)))


def _hash(text: str) -> bytes:
    """32 bytes of base64. That it is the one spelling shows when the whole is written again."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        data = b""
    if len(data) != 32:
        raise BadForkProof(reason="a line that is no hash")
    return data


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")

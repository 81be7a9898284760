"""Witnessing: what a witness answers to `add-checkpoint` (C2SP tlog-witness), without clock, key, disk or network.

A witness cosigns a head only if it continues the one that it cosigned last, so that whoever asks for its word is
shown the same log as everybody else. Who keeps its memory looks, judges and writes in one transaction, and answers
afterwards. Two heads of one size with different roots, or a proof that leads to another past than the one that was
cosigned, convict the log: both notes are kept, and the log is cosigned no more.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from contextlib import suppress
from typing import Final

import msgspec

from scmanager.errors import Conflict, Refused, ScManagerError, Untrusted
from scmanager.eventstore.any_checkpoint import SIZE_MAX, AnyCheckpoint
from scmanager.eventstore.checkpoint import (
    NOTE_BYTES_MAX,
    BadCheckpoint,
    BadNote,
    NotSigned,
    WrongSignature,
    parse_note,
)
from scmanager.eventstore.head_fork import HeadFork, bare
from scmanager.eventstore.merkle import EMPTY_ROOT, HASH_BYTES, root_before, verify_consistency
from scmanager.master_ledger.log_list import ListedLog

HASHES_MAX: Final = 63
REQUEST_BYTES_MAX: Final = NOTE_BYTES_MAX + (1 + HASHES_MAX) * 45 + 64
"""Of either request: that for a subtree has one hash more."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SPARE = re.compile(rb"(.* )([A-Za-z0-9+/]+={1,2})")
_HASH_CHARACTERS = 44


class BadRequest(Untrusted):
    """This is no add-checkpoint request: {reason}."""

    code = "witness-request-bad"
    hint = (
        "It has a line `old SIZE`, the hashes of a consistency proof, an empty line, the checkpoint (tlog-witness)."
    )


class LogNotWitnessed(Refused):
    """No log with this origin is witnessed here: {origin}."""

    code = "log-not-witnessed"
    hint = "Ask whoever runs this witness to list the log."


class NotByTheLog(Untrusted):
    """This checkpoint is not signed by a key that this log is listed with: {reason}."""

    code = "witness-not-by-the-log"
    hint = "Sign it with the key that the witness knows; every line under its name and id has to hold."


class OldSizeDiffers(Conflict):
    """The newest head that was cosigned here has {size} entries."""

    code = "witness-old-size-differs"
    hint = "Ask again with that size as the old one, and with the proof from there."


class NotConsistent(Untrusted):
    """This checkpoint does not continue the one that was cosigned last: {reason}."""

    code = "witness-not-consistent"
    hint = "Send the consistency proof between the two. If there is none, the log has shown two histories."


class LogFrozen(Untrusted):
    """This log has shown two histories: it is not cosigned here any more."""

    code = "witness-log-frozen"
    hint = "The evidence is served beside its checkpoint, as `fork`."


class Asked(msgspec.Struct, frozen=True):
    """A request; nothing in it is verified."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes
    text: str
    point: AnyCheckpoint


class Kept(msgspec.Struct, frozen=True):
    """A head that this witness knows its log to have signed."""

    size: int
    root: bytes
    note: bytes
    """Text, and the log's own lines."""


class Evidence(msgspec.Struct, frozen=True):
    """Two heads of a log that exclude each other."""

    first: bytes
    second: bytes
    proof: bytes
    """`scm.head-fork/1`; empty where the two are signed by different keys of the log: then the notes speak."""

    def to_bytes(self) -> bytes:
        """What is handed out."""
        return self.proof or self.first + b"\n" + self.second


class Judged(msgspec.Struct, frozen=True):
    """What is to be kept, whatever is wrong; and that."""

    head: Kept
    problem: ScManagerError | None = None
    """None: cosign it, once it is kept."""
    evidence: Evidence | None = None


def parse(data: bytes) -> Asked:
    """The request in a body. Raises BadRequest and nothing else."""
    if len(data) > REQUEST_BYTES_MAX:
        raise BadRequest(reason="too long")
    head, gap, note = data.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise BadRequest(reason="its first lines are not ASCII") from None
    match = _OLD.fullmatch(first)
    if not gap or not match or int(match[1]) > SIZE_MAX:
        raise BadRequest(reason="no line with an old size, or no empty line")
    if len(hashes) > HASHES_MAX:
        raise BadRequest(reason="more hashes than any proof has")
    proof = tuple(each for each in map(read_hash, hashes) if each is not None)
    if len(proof) != len(hashes):
        raise BadRequest(reason="a line that is no hash in base64")
    try:
        cleared = plain(note)
        text = parse_note(cleared).text
        return Asked(int(match[1]), proof, cleared, text, AnyCheckpoint.parse(text))
    except (BadNote, BadCheckpoint) as error:
        raise BadRequest(reason=str(error).rstrip(".")) from None


def signed(asked: Asked, log: ListedLog | None) -> Kept:
    """The head, once its log signed it; without lines of others. Raises LogNotWitnessed, NotByTheLog."""
    if log is None:
        raise LogNotWitnessed(origin=asked.point.origin)
    lines = []
    for key in log.keys:
        try:
            lines.append(bare(asked.note, key.key, key.name).rpartition(b"\n\n")[2])
        except NotSigned:
            continue
        except WrongSignature:
            raise NotByTheLog(reason="a line of a known key does not hold") from None
    if not lines:
        raise NotByTheLog(reason="no line of a known key")
    return Kept(asked.point.size, asked.point.root, asked.text.encode() + b"\n" + b"".join(lines))


def judge(asked: Asked, head: Kept, log: ListedLog, latest: Kept | None, like: Kept | None) -> Judged:
    """Whether a signed head continues `latest`, the newest that was cosigned.

    `like`: a head of the same size and another root that the log signed, if one is known.
    The problem: BadRequest, OldSizeDiffers, NotConsistent.
    """
    before = latest or Kept(0, EMPTY_ROOT, b"")
    problem = _problem(asked, before)
    if like is not None and head.size:
        return Judged(head, problem or LogFrozen(), _evidence(log, like, head, like_root=head.root, proof=()))
    if isinstance(problem, NotConsistent) and asked.old == before.size:
        root = root_before(asked.old, head.size, asked.proof, head.root)
        if root is not None and root != before.root:
            return Judged(head, problem, _evidence(log, before, head, root, asked.proof))
    return Judged(head, problem)


def _problem(asked: Asked, before: Kept) -> ScManagerError | None:
    """In the order of the specification."""
    point = asked.point
    if asked.old > point.size:
        return BadRequest(reason="the old size is larger than that of the checkpoint")
    if asked.old != before.size:
        return OldSizeDiffers(size=before.size)
    if not point.size and point.root != EMPTY_ROOT:
        return NotConsistent(reason="an empty log has another root")
    if asked.old in (0, point.size):
        if asked.proof:
            return NotConsistent(reason="a proof where none is needed")
        if asked.old and point.root != before.root:
            return NotConsistent(reason="another root of the same size")
        return None
    if not verify_consistency(asked.old, point.size, asked.proof, before.root, point.root):
        return NotConsistent(reason="the proof does not lead from one to the other")
    return None


def _evidence(log: ListedLog, one: Kept, other: Kept, like_root: bytes, proof: tuple[bytes, ...]) -> Evidence:
    for key in log.keys:
        with suppress(Untrusted):
            made = HeadFork.make(key.key, one.note, other.note, like_root, proof, key.name)
            return Evidence(one.note, other.note, made.to_bytes())
    return Evidence(one.note, other.note, b"")


def plain(note: bytes) -> bytes:
    """A note with the spare bits of base64 in signature lines cleared: decoders of others take them as they come."""
    text, gap, lines = note.rpartition(b"\n\n")
    found = [_SPARE.fullmatch(each) for each in lines.split(b"\n")]
    cleared = [
        each[1] + b64encode(b64decode(each[2])) if each and not len(each[2]) % 4 else line
        for each, line in zip(found, lines.split(b"\n"), strict=True)
    ]
    return text + gap + b"\n".join(cleared)


def read_hash(line: str) -> bytes | None:
    """The 32 bytes whose one encoding in base64 this is; None for anything else."""
    try:
        data = b64decode(line, validate=True) if len(line) == _HASH_CHARACTERS else b""
    except (Base64Error, ValueError):
        data = b""
    return data if len(data) == HASH_BYTES and b64encode(data).decode("ascii") == line else None

"""Bytes from outside become entries that count as authentic: the only door (DESIGN 3, rule 1).

A run is what one note vouches for: entries that continue a head this node holds, contiguous, chained, hlc strictly
rising, with a tree whose root the log's own key signed, and with part 0 at hand. Whether its author had the right
is a question for the fold, not for this module. Only `verify` can make a `VerifiedRun`.
"""

from collections.abc import Mapping, Sequence

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore import checkpoint, entry, merkle, parts, signing
from scmanager.eventstore.own_log import Head, Sealed, empty_head


class BrokenChain(Untrusted):
    """Entry {seq} of log {log} does not continue the one before it."""

    code = "chain-broken"
    hint = "Entries are missing or were changed. Fetch the log again from another peer."


class NoteMismatch(Untrusted):
    """The signed head of log {log} at size {size} does not match its entries."""

    code = "note-mismatch"
    hint = "Somebody changed entries or the head. Keep both as evidence and fetch the log from another peer."


class PartMissing(Untrusted):
    """Entry {seq} of log {log} comes without its shared part."""

    code = "part-missing"
    hint = "Fetch the entry again together with its parts."


class SignedNote(msgspec.Struct, frozen=True):
    """What a store keeps of a note: the text is rebuilt from it."""

    size: int
    root: bytes
    signature: bytes


_MINT = object()


class VerifiedRun:
    """Entries, their parts and the note that proves them. Made by `verify` only."""

    __slots__ = ("after", "head", "note", "sealed")

    def __init__(self, mint: object, after: Head, head: Head, sealed: tuple[Sealed, ...], note: SignedNote) -> None:
        if mint is not _MINT:
            raise TypeError("only verification makes a VerifiedRun")
        self.after, self.head, self.sealed, self.note = after, head, sealed, note


def start_of(data: bytes) -> Head:
    """The empty head that an entry 0 continues. Raises MalformedEntry."""
    first = entry.parse(data)
    if first.genesis is None:
        raise BrokenChain(log=first.log.hex(), seq=first.seq)
    return empty_head(first.space, first.log, first.genesis.key)


def verify(
    after: Head, entries: Sequence[bytes], held: Sequence[Mapping[int, bytes]], note: SignedNote
) -> VerifiedRun:
    """Check a run against the head it continues. `held` gives each entry's parts by number; parts >= 1 may lack.

    Raises Untrusted: MalformedEntry, BrokenChain, NoteMismatch, PartMissing or WrongPart.
    """
    sealed = tuple(chained(after, entries, held))
    tree = merkle.CompactRange.from_bytes(after.tree).extend([merkle.leaf_hash(data) for data in entries])
    if not (sealed and tree.size == note.size and tree.root() == note.root and signed(after, note)):
        raise NoteMismatch(log=after.log.hex(), size=note.size)
    last = sealed[-1].entry
    head = msgspec.structs.replace(after, size=tree.size, id=last.id, hlc=last.hlc, tree=tree.to_bytes())
    return VerifiedRun(_MINT, after, head, sealed, note)


def signed(head: Head, note: SignedNote) -> bool:
    """Whether the log's own key signed this note, of whatever history."""
    point = checkpoint.Checkpoint(checkpoint.origin(head.space, head.log), note.size, note.root)
    return signing.verify(head.public, point.text().encode(), note.signature)


def chained(after: Head, entries: Sequence[bytes], held: Sequence[Mapping[int, bytes]]) -> list[Sealed]:
    """Entries that continue a head one after the other, with their parts: whole, but signed for by nobody yet.

    Raises Untrusted.
    """
    if len(entries) != len(held):
        raise ValueError("as many parts as entries")
    seq, prev, hlc = after.size, after.id, after.hlc
    sealed = []
    for data, stored in zip(entries, held, strict=True):
        one = entry.parse(data)
        if (one.log, one.seq, one.prev) != (after.log, seq, prev) or one.hlc <= hlc:
            raise BrokenChain(log=after.log.hex(), seq=seq)
        sealed.append(Sealed(one, _parts(one, stored)))
        seq, prev, hlc = seq + 1, one.id, one.hlc
    return sealed


def _parts(one: entry.Entry, stored: Mapping[int, bytes]) -> tuple[bytes, ...]:
    """Stored bytes in order of number; empty where an erasable part is not here."""
    if one.parts and 0 not in stored:
        raise PartMissing(log=one.log.hex(), seq=one.seq)
    for number, ref in enumerate(one.parts):
        if number in stored:
            parts.check(ref, stored[number], number)
    return tuple(stored.get(number, b"") for number in range(len(one.parts)))

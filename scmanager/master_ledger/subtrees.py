"""Subtree cosignatures: what a witness answers to `sign-subtree` (C2SP tlog-witness), without clock, disk or network.

Whoever holds a checkpoint with this witness's ML-DSA-44 word under it gets the same word for a part of that tree,
and for no other tree: so nothing is looked up, and nothing is promised that was not promised before. A line of the
Ed25519 key is not enough, or whoever forges that one could have the other vouch for whatever he likes.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import BadCheckpoint, BadNote, Note, WrongSignature, parse_note
from scmanager.eventstore.merkle import is_subtree, verify_subtree_consistency
from scmanager.master_ledger.cosignature import ML_DSA_44, Witness, is_cosigned
from scmanager.master_ledger.witnessing import HASHES_MAX, plain, read_hash

_RANGE: Final = re.compile(r"subtree (0|[1-9][0-9]{0,18}) ([1-9][0-9]{0,18})", re.ASCII)


class BadSubtreeRequest(Untrusted):
    """This is no sign-subtree request: {reason}."""

    code = "subtree-request-bad"
    hint = (
        "It has a line `subtree START END`, the subtree's hash, the hashes of a proof, an empty line and a cosigned "
        "checkpoint that is no smaller (tlog-witness)."
    )


class SubtreeUnproved(Untrusted):
    """The proof does not show that the subtree [{start}, {end}) stands in the checkpoint of {size} entries."""

    code = "subtree-unproved"
    hint = "Send the subtree consistency proof between the two."


class NotCosignedHere(Untrusted):
    """The checkpoint has no word of this witness that could be passed on: {reason}."""

    code = "subtree-not-cosigned-here"
    hint = "Have it cosigned first (add-checkpoint), and send it with the line of the ML-DSA-44 key."


class AskedSubtree(msgspec.Struct, frozen=True):
    """A request whose proof holds: leaves `[start, end)` have this hash in the tree of `point`. Made by `parse`."""

    start: int
    end: int
    root: bytes
    note: Note
    point: AnyCheckpoint

    def check_cosigned(self, keys: Iterable[Witness]) -> None:
        """Whether that tree is one that the ML-DSA-44 key of these cosigned. Raises NotCosignedHere."""
        try:
            found = {each.kind for each in keys if is_cosigned(self.note, each)}
        except WrongSignature:
            raise NotCosignedHere(reason="a line of its key does not hold") from None
        if ML_DSA_44 not in found:
            raise NotCosignedHere(reason="no line of its ML-DSA-44 key")


def parse(data: bytes) -> AskedSubtree:
    """The request in a body. Raises BadSubtreeRequest, SubtreeUnproved and nothing else."""
    head, gap, note = data.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise BadSubtreeRequest(reason="its first lines are not ASCII") from None
    found = _RANGE.fullmatch(first)
    if not gap or not found:
        raise BadSubtreeRequest(reason="no line with a range, or no empty line")
    if len(hashes) > 1 + HASHES_MAX:
        raise BadSubtreeRequest(reason="more hashes than any proof has")
    start, end = int(found[1]), int(found[2])
    plain_hashes = [each for each in map(read_hash, hashes) if each is not None]
    if not hashes or len(plain_hashes) != len(hashes):
        raise BadSubtreeRequest(reason="no hash, or a line that is none in base64")
    root, *proof = plain_hashes
    try:
        read = parse_note(plain(note))
        point = AnyCheckpoint.parse(read.text)
    except (BadNote, BadCheckpoint) as error:
        raise BadSubtreeRequest(reason=str(error).rstrip(".")) from None
    if not (start < end <= point.size and is_subtree(start, end)):
        raise BadSubtreeRequest(reason="the range is no subtree of that checkpoint")
    if not verify_subtree_consistency(start, end, point.size, root, proof, point.root):
        raise SubtreeUnproved(start=start, end=end, size=point.size)
    return AskedSubtree(start, end, root, read, point)

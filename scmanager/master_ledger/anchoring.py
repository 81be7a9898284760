"""Anchors: a file that proves, offline, that a log's head was there when an entry was made in the author's ledger.

An anchor is H(scm/anchor/1, salt, note): without the salt (32 bytes) nobody can tell whether a head he knows is
meant. The file beside a note has the salt, and the proof of logging of the entry that names the anchor:

    scm.anchor/1
    salt <base64>

    <C2SP tlog-proof with the entry in its extra line>
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

import msgspec

from scmanager.domain.anchoring import HeadsAnchored
from scmanager.errors import Untrusted
from scmanager.eventstore import content
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import Checkpoint, parse_note
from scmanager.eventstore.entry import Entry, digest
from scmanager.eventstore.merkle import leaf_hash
from scmanager.master_ledger import proof
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.seen import signed_head
from scmanager.master_ledger.verification import NotIncluded, check_head, check_kind

HEADER: Final = "scm.anchor/1"
EXTENSION: Final = ".anchor"
SALT_BYTES: Final = 32
FILE_BYTES_MAX: Final = proof.FILE_BYTES_MAX + 128


class BadAnchor(Untrusted):
    """This is no anchor of that head: {reason}."""

    code = "bad-anchor"
    hint = "Give the file that was anchored, byte for byte, and what scm author anchor wrote beside it."


class Anchored(msgspec.Struct, frozen=True):
    """What an anchor proves: `point` was signed by somebody before the entry at `index` of the author's log."""

    point: AnyCheckpoint
    index: int
    at_s: int
    """When, as the author's log says, UTC seconds."""
    size: int
    """Of the author's log, under whose head it is proved."""


def anchor_of(note: bytes, salt: bytes) -> bytes:
    """The hash that stands in the ledger."""
    return digest("scm/anchor/1", salt, note)


def check_note(note: bytes) -> AnyCheckpoint:
    """The head in a note of whichever log; who signed it is not looked at. Raises BadNote, BadCheckpoint."""
    return AnyCheckpoint.parse(parse_note(note).text)


class Anchor(msgspec.Struct, frozen=True):
    """The file; nothing of it is verified."""

    salt: bytes
    proof: Proof

    def to_bytes(self) -> bytes:
        """Its one spelling."""
        return f"{HEADER}\nsalt {b64encode(self.salt).decode('ascii')}\n\n".encode() + self.proof.to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "Anchor":
        """Raises Untrusted and nothing else."""
        header, _, rest = data.partition(b"\n")
        salt, gap, file = rest.partition(b"\n\n")
        try:
            read = b64decode(salt.removeprefix(b"salt "), validate=True)
        except (Base64Error, ValueError):
            read = b""
        if len(data) > FILE_BYTES_MAX or header != HEADER.encode() or not gap or len(read) != SALT_BYTES:
            raise BadAnchor(reason="its first lines are none of an anchor")
        made = cls(read, Proof.parse(file))
        if made.to_bytes() != data:
            raise BadAnchor(reason="spelled in another way")
        return made

    def verify(self, note: bytes, keys: TrustedKeys, policy: Policy, until_s: int) -> Anchored:
        """That this very note was anchored in the author's ledger. `until_s`: what is dated later is no word yet.

        Raises BadAnchor, and what is wrong with the proof or the head that it leads to.
        """
        point = check_note(note)
        log, head, _ = signed_head(self.proof.note, keys, policy)
        check_head(head, log, policy, policy.cosigned(self.proof.signed(), until_s))
        check_kind(log)
        one, shared = self.proof.carried()
        self._check_included(one, head, log.log)
        said = anchored_in(shared)
        if said is None or anchor_of(note, self.salt) not in said.anchors:
            raise BadAnchor(reason="the entry names another")
        return Anchored(point, one.seq, one.hlc // 1_000_000, head.size)

    def _check_included(self, one: Entry, head: Checkpoint, log: bytes) -> None:
        if one.log != log or not self.proof.leads_from(leaf_hash(one.data), head):
            raise NotIncluded


def anchored_in(shared: bytes) -> HeadsAnchored | None:
    """What an entry anchors, by its first part; None for another entry. Total."""
    said = content.read(shared)
    if said is None or said.type != HeadsAnchored.tag:
        return None
    try:
        return msgspec.json.decode(said.payload, type=HeadsAnchored)
    except (msgspec.MsgspecError, ValueError):
        return None

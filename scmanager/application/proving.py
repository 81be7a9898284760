"""Proofs of logging, made where the ledger is kept: what was signed for a file stands under a head of its log."""

from collections.abc import Iterable

from scmanager.domain.ledger import PluginSigned, UpdateSigned
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, parse_note
from scmanager.eventstore.log_tree import LogTree
from scmanager.master_ledger.proof import Proof
from scmanager.spaces.ledger import Entered
from scmanager.spaces.opening import parse_row


class NotEntered(Refused):
    """Nothing about this file stands among the first {size} entries of the ledger."""

    code = "not-entered"
    hint = (
        "Enter what was signed for it: scm author append FILE. A checkpoint given with --checkpoint may be too old."
    )


class OtherHistory(Untrusted):
    """This checkpoint is of another history than the log that is kept here: {reason}."""

    code = "other-history"
    hint = "Give one that was fetched from this ledger. If its key did sign this, keep the file: two histories exist."


def head_in(tree: LogTree, note: bytes) -> Checkpoint:
    """The head in a note, if the log kept here has reached or passed it. The note may have been cosigned.

    Raises OtherHistory, BadNote, BadCheckpoint, NotSigned, WrongSignature.
    """
    parsed = parse_note(note)
    point = Checkpoint.parse(parsed.text)
    if point.origin != tree.origin:
        raise OtherHistory(reason="it is of another log")
    parsed.signature_by(point.origin, tree.head.public)
    if point.size > tree.head.size:
        raise OtherHistory(reason=f"it has {point.size} entries, here are {tree.head.size}")
    if point.root != tree.root(point.size):
        raise OtherHistory(reason="its entries are not those that are here")
    return point


def prove(tree: LogTree, statements: Iterable[Entered], content_hash: str, note: bytes | None = None) -> Proof:
    """That the newest statement about this content stands in the log; under a head given as a note, else the newest.

    Raises NotEntered, and as `head_in`.
    """
    signed = tree.note() if note is None else note
    size = head_in(tree, signed).size
    about = [
        each.index
        for each in statements
        if isinstance(each.said, UpdateSigned | PluginSigned)
        and each.said.statement.content_hash == content_hash
        and each.index < size
    ]
    if not about:
        raise NotEntered(size=size)
    index = max(about)
    (row,) = tree.rows(index, index + 1)
    return Proof.of(parse_row(row), row.shared, tree.inclusion(index, size), signed)

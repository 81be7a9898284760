"""Proofs of logging, made where the ledger is kept: what was signed for a file stands under a head of its log."""

from collections.abc import Iterable

from scmanager.domain.ledger import PluginSigned, UpdateSigned
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, parse_note
from scmanager.eventstore.log_tree import LogTree
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.registry import Registered, Registry
from scmanager.spaces.ledger import Entered, keys_of
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
    """That what holds of this content stands in the log; where nothing counts, what was entered last.

    Under a head given as a note, else the newest. Raises NotEntered, and as `head_in`.
    """
    signed = tree.note() if note is None else note
    size = head_in(tree, signed).size
    here = [each for each in statements if each.index < size]
    about = [
        Registered(tree.head.log, each.index, b"", each.said)
        for each in here
        if isinstance(each.said, UpdateSigned | PluginSigned) and each.said.statement.content_hash == content_hash
    ]
    if not about:
        raise NotEntered(size=size)
    index = _holding(about, keys_of(here)).index
    (row,) = tree.rows(index, index + 1)
    return Proof.of(parse_row(row), row.shared, tree.inclusion(index, size), signed)


def _holding(about: list[Registered], keys: TrustedKeys | None) -> Registered:
    if keys is not None:
        registry = Registry(keys)
        for each in about:
            registry.enter(each)
        if (holds := registry.about(about[0].said.statement.content_hash)) is not None:
            return holds
    return about[-1]

"""Receipts of the author's server, held against his intake log: whether what was reported stands there (ADR 20).

The sender has the batch, word for word, and its receipt. From both he makes the entries, byte by byte, and looks for
them under a head that a listed log signed, and that counts by the policy. Whoever serves the hashes can withhold what
is new, and nothing else.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from scmanager.application import reports as kinds
from scmanager.application.published import Head, Published, broken
from scmanager.application.reports import Kind
from scmanager.application.sequencing import entries_of
from scmanager.domain.ledger import LedgerLog, LogKind
from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import origin, parse_note
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.tiles import BadTile
from scmanager.master_ledger import reports as wire
from scmanager.master_ledger.fetching import SourceLacks
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.reports import ReceiptMalformed, parse_receipt
from scmanager.master_ledger.seen import Seen
from scmanager.master_ledger.verification import AHEAD_S, check_head, seen_by_a_quorum

KINDS: Final[Mapping[str, Kind]] = {
    wire.AUDIT.name: kinds.AUDIT, wire.HEALTH.name: kinds.HEALTH, wire.ERRORS.name: kinds.ERRORS,
}  # fmt: skip


LATE_S: Final = 86_400
"""So long after a receipt there may be no head that reaches it: witnesses may be away for a while."""


class IntakeHeadUnlisted(Untrusted):
    """The intake log that is shown here is no log of the author, or showed two histories."""

    code = "intake-head-unlisted"
    hint = "Nothing can be proved by it. Ask another source; if it is the author's own, keep what it shows."


class Standing(StrEnum):
    """What is known of a batch that was sent."""

    PROVED = "proved"
    """Each of its entries stands under the head."""
    NOT_YET = "not public yet"
    """The head does not reach so far."""
    LATE = "LATE"
    """The head does not reach so far a day later: the author's server did not keep its promise, or somebody shows an
    old head in its place."""
    ELSEWHERE = "in another log"
    """The receipt is of another log of the author than the one that is shown."""
    MISSING = "NOT THERE"
    """What stands there is not what was sent, nothing can stand there, or the receipt is none."""
    NO_RECEIPT = "no receipt"
    """It was refused, or it is of a kind of which nothing is entered."""


class IntakeLog:
    """The published intake log, under a head that one may go by."""

    def __init__(self, public: Published, seen: Seen, policy: Policy, now_s: int) -> None:
        """Raises IntakeHeadUnlisted, what `check_head` and `Published.head` raise, NotSigned, WrongSignature."""
        head, manifest = public.head(), seen.keys().manifest
        note = parse_note(head.note)
        self._logs: dict[bytes, LedgerLog] = {each.log: each for each in manifest.logs}
        found = next((each for each in manifest.logs if head.point.origin == origin(each.space, each.log)), None)
        if found is None or found.kind is not LogKind.INTAKE or seen.fork_of(found):
            raise IntakeHeadUnlisted
        note.signature_by(head.point.origin, found.key)
        cosigned = policy.cosigned(note, now_s + AHEAD_S)
        check_head(head.point, found, policy, cosigned)
        self.seen_s = seen_by_a_quorum(policy, cosigned)
        """When a quorum of witnesses had seen the head, UTC seconds; None if the policy asks for none."""
        self._now_s = now_s
        self._head: Head = head
        self._log = found

    @property
    def size(self) -> int:
        """Of the head."""
        return self._head.point.size

    @property
    def root(self) -> bytes:
        """Of the tree under it."""
        return self._head.point.root

    def standing(self, kind: str, count: int, body: bytes, answer: bytes, at_s: int) -> Standing:
        """What became of a batch, as the outbox kept it; `at_s`: when it was sent. Raises LedgerFilesBroken."""
        if kind not in KINDS or "first" not in _told(answer):
            return Standing.NO_RECEIPT
        try:
            receipt = parse_receipt(count, answer)
            sent = KINDS[kind].batch(body, lambda *_: True)
        except (ReceiptMalformed, kinds.ReportsUnusable):
            return Standing.MISSING
        listed = self._logs.get(receipt.log)
        if listed is None or listed.space != receipt.space or listed.kind is not LogKind.INTAKE:
            return Standing.MISSING
        if listed.final is not None and receipt.first + receipt.count > listed.final.size:
            return Standing.MISSING
        if listed != self._log:
            return Standing.ELSEWHERE
        try:
            made = list(entries_of(receipt, sent.id, sent.events))
        except (ValueError, OverflowError):  # Numbers that no entry has.
            return Standing.MISSING
        if len(made) != receipt.count or made[-1].id != receipt.last:
            return Standing.MISSING
        if receipt.first + receipt.count > self.size:
            return Standing.LATE if at_s + LATE_S < self._now_s else Standing.NOT_YET
        try:
            leaves = [self._head.tree.leaf(receipt.first + number) for number in range(receipt.count)]
        except (BadTile, SourceLacks) as error:
            raise broken(error) from error
        return Standing.PROVED if leaves == [leaf_hash(each.data) for each in made] else Standing.MISSING


def _told(answer: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

"""A published ledger as a copy of its log: what came since some place, so that this installation holds it verbatim.

The copy takes the path of every foreign event (`exchange`): verified against the signed head, admitted as it stands.
Here it is only gathered, and kept from being endless.
"""

from typing import Final

from scmanager.application.published import Published, broken
from scmanager.domain.ledger import LedgerLog
from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.log_copy import LogCopy
from scmanager.eventstore.tiles import WIDTH
from scmanager.eventstore.verification import SignedNote
from scmanager.master_ledger.fetching import SHARED, SourceLacks

ENTRIES_MAX: Final = 50_000
BYTES_MAX: Final = 96 << 20
"""Of entries and their first parts, under one head: what lies in memory at once."""


class LedgerTooLong(Untrusted):
    """The ledger has {entries} new entries or {mebibytes} MiB of them: more than is taken in at once."""

    code = "ledger-too-long"
    hint = (
        "Updates and plugins are verified without a copy: scm verify update FILE --from FROM, or scm verify plugin."
    )


def copy_of_published(published: Published, log: LedgerLog, first: int) -> LogCopy | None:
    """The entries from `first` on under the newest head, which `log` signed; None when there are none.

    Raises LedgerTooLong, LedgerFilesBroken, NotSigned, WrongSignature, and what reading raises.
    """
    head = published.head()
    signature = parse_note(head.note).signature_by(head.point.origin, log.key)
    size = head.point.size
    if first >= size:
        return None
    if size - first > ENTRIES_MAX:
        raise LedgerTooLong(entries=size - first, mebibytes=BYTES_MAX >> 20)
    entries, held, read = list[bytes](), list[dict[int, bytes]](), 0
    for number in range(first // WIDTH, -(-size // WIDTH)):
        try:
            pairs = zip(published.bundle(head, "", number), published.bundle(head, SHARED, number), strict=True)
        except (SourceLacks, Untrusted) as error:
            raise broken(error) from error
        for index, (data, shared) in enumerate(pairs, number * WIDTH):
            if index >= first:
                entries.append(data)
                held.append({0: shared} if shared else {})
                read += len(data) + len(shared)
        if read > BYTES_MAX:
            raise LedgerTooLong(entries=size - first, mebibytes=BYTES_MAX >> 20)
    return LogCopy(entries, held, SignedNote(size, head.point.root, signature))

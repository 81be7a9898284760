"""What others sent and may not count: which audit events follow from verdicts on their entries (SPEC M5)."""

import contextlib
from collections.abc import Iterator

from scmanager.application.audit_intake import Note
from scmanager.application.keys import Keys
from scmanager.domain.audit_types import AuditType
from scmanager.domain.event import Id32
from scmanager.domain.records import Reason
from scmanager.errors import Untrusted
from scmanager.spaces.shelf import NoSuchSpace, Shelf
from scmanager.spaces.space import Space

RAISES = {
    **dict.fromkeys(
        (
            Reason.UNKNOWN_GRANT,
            Reason.VOID_GRANT,
            Reason.FOREIGN_LOG,
            Reason.NO_RIGHT,
            Reason.RANK,
            Reason.RIGHTS,
            Reason.FOUNDER,
            Reason.TAKEN,
            Reason.MAY_NOT_ERASE,
        ),
        AuditType.PERMISSION_VIOLATION,
    ),
    **dict.fromkeys((Reason.MALFORMED, Reason.STATEMENT_UNPROVEN), AuditType.P2P_MISMATCH),
}
"""Why an entry is void -> what it is. Cuts void honest work too: they are no violation."""


@contextlib.contextmanager
def from_outside(note: Note, source: str) -> Iterator[None]:
    """While something foreign is taken in: what does not prove what it claims is noted."""
    try:
        yield
    except Untrusted as error:
        note(AuditType.P2P_MISMATCH, error.code, source, str(error))
        raise


def judged(shelf: Shelf, space: bytes) -> int:
    """How far a space is judged: the mark for `note_void`."""
    with shelf.lock:
        try:
            return shelf.space(space).journal.number
        except NoSuchSpace:
            return 0


def note_void(note: Note, shelf: Shelf, vault: Keys, space: bytes, mark: int) -> None:
    """Note the entries of others that were judged since, and may not count."""
    with shelf.lock:
        held, own = shelf.space(space), set(vault.logs_of(space))
        found = [each for each in _judged_since(held, mark) if _raises(held, each)]
        for entry in found:
            opened, reason = held.opened(entry), held.verdict(entry).reason
            if opened is None or reason is None or opened.entry.log in own:
                continue
            said = opened.shared.type if opened.shared else "what cannot be read"
            log = opened.entry.log.hex()
            text = f"log {log} entry {opened.entry.seq} in space {space.hex()}: {said}: {reason}"
            note(RAISES[reason], str(reason), log, text)


def _judged_since(space: Space, mark: int) -> set[Id32]:
    changes = space.journal.since(mark)
    if changes is None:
        return set(space.verdicts.entries)
    return {entry for change in changes for entry in change.verdicts}


def _raises(space: Space, entry: Id32) -> bool:
    return space.verdict(entry).reason in RAISES

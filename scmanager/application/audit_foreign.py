"""What others sent and may not count: which audit events follow from verdicts on their entries (SPEC M5)."""

import contextlib
from collections.abc import Collection, Iterator

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
            Reason.NO_MEMBER,
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


def originators(space: Space, logs: Collection[Id32]) -> dict[Id32, str]:
    """Who stands behind each log: the member whose grant has it, from furthest above; else whoever is in the space.

    So the logs of one member are one source, however many he makes.
    """
    found = dict.fromkeys(logs, f"space {space.id.hex()}")
    for each in sorted(
        space.verdicts.grants.values(), key=lambda each: (each.grant.rank, each.grant.id), reverse=True
    ):
        for log in each.levels:
            if log in found:
                found[log] = f"member {each.grant.member.hex()}"
    return found


def note_void(note: Note, shelf: Shelf, vault: Keys, space: bytes, mark: int) -> None:
    """Note the entries of others that were judged since, and may not count."""
    with shelf.lock:
        held, own = shelf.space(space), set(vault.logs_of(space))
        entries = [each for each in _judged_since(held, mark) if _raises(held, each)]
        found = [opened for entry in entries if (opened := held.opened(entry)) and opened.entry.log not in own]
        sources = originators(held, {opened.entry.log for opened in found}) if found else {}
        for opened in found:
            reason = held.verdict(opened.entry.id32).reason
            if reason is None:
                continue
            said = opened.shared.type if opened.shared else "what cannot be read"
            log = opened.entry.log.hex()
            text = f"log {log} entry {opened.entry.seq} in space {space.hex()}: {said}: {reason}"
            note(RAISES[reason], str(reason), sources[opened.entry.log], text)


def _judged_since(space: Space, mark: int) -> set[Id32]:
    changes = space.journal.since(mark)
    if changes is None:
        return set(space.verdicts.entries)
    return {entry for change in changes for entry in change.verdicts}


def _raises(space: Space, entry: Id32) -> bool:
    return space.verdict(entry).reason in RAISES

"""Where an event is proved: its log and index there, and the first signed head over it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from scmanager.domain.ledger import LedgerLog, LogKind
from scmanager.eventstore.checkpoint import Checkpoint, note_from, origin
from scmanager.eventstore.store import Store
from scmanager.forensics.called import short
from scmanager.master_ledger.issuing import vkey_of
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space


class Place(msgspec.Struct, frozen=True):
    """An event's place in its log, and the first signed head over it."""

    log: bytes
    branch: int
    index: int
    size: int
    """Of that head; 0 where none is here."""
    origin: str
    key: str
    """The log's public key, NAME+ID+KEY, as whoever checks its proofs has to know it."""
    note: str
    id: bytes

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if name != "id"}

    @staticmethod
    def words(told: dict[str, Any]) -> str:
        """For people."""
        branch = f" branch {told['branch']}" if told["branch"] else ""
        proved = f"head of {told['size']}" if told["size"] else "no head"
        return f"entry {told['index']} of log {short(told['log'])}{branch} under the {proved}"


def coordinates(store: Store, space: Space, opened: Opened) -> Place:
    """Where an entry stands, and under which signed head."""
    one, name = opened.entry, origin(space.id, opened.entry.log)
    key = vkey_of(LedgerLog(space.id, one.log, space.public(one.log), LogKind.LEDGER, None), name)
    note = store.note(one.log, opened.branch, one.seq + 1)
    if note is None:
        return Place(one.log, opened.branch, one.seq, 0, name, key, "", one.id)
    point = Checkpoint(name, note.size, note.root)
    signed = note_from(point, note.signature, space.public(one.log)).decode()
    return Place(one.log, opened.branch, one.seq, note.size, name, key, signed, one.id)


def keys_in(places: Sequence[Place]) -> list[str]:
    """The keys of the logs in which these are proved, each once."""
    return list(dict.fromkeys(each.key for each in places if each.size))

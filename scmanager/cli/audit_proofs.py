"""Where an event is proved: its log and index, and the signed head over it; and that proof as a file.

The files are C2SP tlog-proofs, as any tool reads them. The `extra` line carries the entry and its first part as they
are stored: sealed where they are sealed, so that a proof tells nobody what was said.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from scmanager.adapters.private_files import private_folder, write_private
from scmanager.cli.output import short
from scmanager.cli.targets import TargetTaken
from scmanager.domain.ledger import LedgerLog
from scmanager.eventstore import merkle
from scmanager.eventstore.checkpoint import Checkpoint, note_from, origin
from scmanager.eventstore.store import Store
from scmanager.master_ledger.issuing import vkey_of
from scmanager.master_ledger.proof import EXTENSION, Proof
from scmanager.spaces.opening import Opened, parse_row
from scmanager.spaces.space import Space

PAGE_ROWS = 5_000
LOGS = "logs"
"""In a folder of proofs: the public keys of their logs."""


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
    key = vkey_of(LedgerLog(space.id, one.log, space.public(one.log), None), name)
    note = store.note(one.log, opened.branch, one.seq + 1)
    if note is None:
        return Place(one.log, opened.branch, one.seq, 0, name, key, "", one.id)
    point = Checkpoint(name, note.size, note.root)
    signed = note_from(point, note.signature, space.public(one.log)).decode()
    return Place(one.log, opened.branch, one.seq, note.size, name, key, signed, one.id)


def write_proofs(store: Store, places: Sequence[Place], folder: Path) -> list[str]:
    """One file an event, in a folder that is not there yet; their names. Beside them LOGS, a key a line.

    Raises TargetTaken, PrivateFileFailed.
    """
    if folder.exists():
        raise TargetTaken(path=str(folder), how="")
    private_folder(folder)
    leaves: dict[tuple[bytes, int], list[bytes]] = {}
    names = []
    for each in places:
        if not each.size:
            continue
        held = leaves.setdefault((each.log, each.branch), [])
        while len(held) < each.size and (rows := store.read(each.log, each.branch, len(held), PAGE_ROWS)):
            held += [merkle.leaf_hash(row.data) for row in rows]
        (row,) = store.read(each.log, each.branch, each.index, 1)
        hashes = tuple(merkle.inclusion_proof(each.index, held[: each.size]))
        made = Proof.of(parse_row(row), row.shared, hashes, each.note.encode())
        names.append(f"{each.id.hex()[:24]}{EXTENSION}")
        write_private(folder / names[-1], made.to_bytes())
    write_private(folder / LOGS, "".join(f"{key}\n" for key in keys_in(places)).encode("ascii"))
    return names


def keys_in(places: Sequence[Place]) -> list[str]:
    """The keys of the logs in which these are proved, each once."""
    return list(dict.fromkeys(each.key for each in places if each.size))

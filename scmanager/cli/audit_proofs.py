"""Where an event is proved: its log and index, and the signed head over it; and that proof as a file.

The files are C2SP tlog-proofs, as any tool reads them. The `extra` line carries the entry and its first part as they
are stored: sealed where they are sealed, so that a proof tells nobody what was said.
"""

from collections.abc import Sequence
from pathlib import Path

from scmanager.adapters.private_files import private_folder, write_private
from scmanager.cli.targets import TargetTaken
from scmanager.eventstore import merkle
from scmanager.eventstore.store import Store
from scmanager.forensics.places import Place, keys_in
from scmanager.master_ledger.proof import EXTENSION, Proof
from scmanager.spaces.opening import parse_row

PAGE_ROWS = 5_000
LOGS = "logs"
"""In a folder of proofs: the public keys of their logs."""


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

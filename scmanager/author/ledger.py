"""The author's ledger in a folder: made there, written there, and shown to whoever asks for a proof.

Raises what the node raises.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

from scmanager.adapters.key_vault import KeyVault
from scmanager.application import ledger
from scmanager.application.audit_intake import Note, unheard
from scmanager.application.desk import Desk
from scmanager.application.founding import Founding
from scmanager.application.ledger_notes import note_entered
from scmanager.application.writer import Command, Result
from scmanager.domain.ledger import LedgerLog, LogKind, Quorum
from scmanager.errors import Refused
from scmanager.eventstore.entry import RecoveryKeys, digest
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Store
from scmanager.master_ledger import counts as counting
from scmanager.master_ledger import submission
from scmanager.master_ledger.submission import StatementUnusable
from scmanager.runtime import Node
from scmanager.spaces.ledger import Entered, entered
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space


class LedgerMissing(Refused):
    """There is no ledger in this folder."""

    code = "ledger-missing"
    hint = "Make one: scm author init --root KEY. If it is in another folder, say which: --data DIR."


def found(node: Node, root: Quorum) -> LedgerLog:
    """Make the space of the ledger and its log, under these root keys. Raises LedgerThere, StatementUnusable."""
    if not 1 <= root.m <= len(set(root.keys)) < 2 * root.m or len(set(root.keys)) != len(root.keys):
        raise StatementUnusable(why="over half of the root keys are needed, and each is named once")
    mine, key = node.identity, SigningKey.generate()
    recovery, salt = RecoveryKeys(root.m, root.keys), secrets.token_bytes(32)
    founding = Founding(
        secrets.token_bytes(16), "author", key, salt, recovery, mine.device, mine.box, ledger.found
    )  # fmt: skip
    made = node.writer.do(founding)
    node.own_logs.remember()
    return LedgerLog(bytes.fromhex(made["space"]), bytes.fromhex(made["log"]), key.public, LogKind.LEDGER, None)


def append(node: Node, file: bytes, note: Note = unheard) -> Result:
    """Enter the submissions in a file; the same file twice is entered once. Raises what refuses it.

    What stands in the log then is noted (application/ledger_notes.py).
    """
    said = submission.parse(file)
    space = own_ledger(node.shelf, node.vault)
    log = node.writer.seat_log(space.id) or b""

    def act(desk: Desk) -> Result:
        return ledger.append(desk, said)

    done = node.writer.do(Command(digest("scm/ledger-append/1", log, file)[:16], space.id, act))
    node.own_logs.remember()
    note_entered(note, log, said, done["indices"])
    return done


def count(node: Node, file: bytes) -> Result:
    """Enter the counts of plugins in a file. Raises BadCounts, and as `ledger.count`."""
    counts = counting.parse(file)
    space = own_ledger(node.shelf, node.vault)
    log = node.writer.seat_log(space.id) or b""

    def act(desk: Desk) -> Result:
        return ledger.count(desk, counts)

    done = node.writer.do(Command(digest("scm/ledger-count/1", log, file)[:16], space.id, act))
    node.own_logs.remember()
    return done


def name_server(node: Node, key: bytes, not_after_s: int) -> Result:
    """Name a server's key in the log, until then (UTC seconds). Raises as `ledger.name_server`."""
    space = own_ledger(node.shelf, node.vault)
    log = node.writer.seat_log(space.id) or b""

    def act(desk: Desk) -> Result:
        return ledger.name_server(desk, key, not_after_s)

    name = digest("scm/ledger-name-server/1", log, key, not_after_s.to_bytes(8, "big"))[:16]
    done = node.writer.do(Command(name, space.id, act))
    node.own_logs.remember()
    return done


def anchor(node: Node, anchors: Sequence[bytes]) -> Result:
    """Anchor heads of other logs by their salted hashes. Raises as `ledger.anchor`."""
    space = own_ledger(node.shelf, node.vault)
    log = node.writer.seat_log(space.id) or b""

    def act(desk: Desk) -> Result:
        return ledger.anchor(desk, anchors)

    done = node.writer.do(Command(digest("scm/ledger-anchor/1", log, *sorted(anchors))[:16], space.id, act))
    node.own_logs.remember()
    return done


def own_ledger(shelf: Shelf, vault: KeyVault) -> Space:
    """The space of the ledger that this folder writes. Raises LedgerMissing."""
    for space in shelf.spaces():
        if space.kind == "author" and vault.logs_of(space.id):
            return space
    raise LedgerMissing


def own_tree(shelf: Shelf, store: Store, vault: KeyVault, folder: Path) -> tuple[LogTree, list[Entered]]:
    """The log that the ledger is written to (of several the newest), and its statements. Raises LedgerMissing.

    `folder`: the data folder, where the hashes of its tree are kept.
    """
    with shelf.lock:
        space = own_ledger(shelf, vault)
        own = set(vault.logs_of(space.id))
        heads = [head for head in store.heads(space.id) if head.log in own and not head.branch]
        head = max(heads, key=lambda head: head.hlc)
        return LogTree(store, head, folder), entered(space, head.log)

"""A space with a past: two machines, a removal that voids, an erasure, a log that forked; copies of it on the way."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from scmanager.application.keys import shared_key_of
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.member import RemovalReason
from scmanager.eventstore.sqlite_read_only import ReadOnlySqliteStore
from scmanager.runtime import Node, clock_us
from scmanager.spaces.replay import PastShelf, Within
from tests.support.machines import Machine, carry, found, let_in, officer_role
from tests.support.space_files import read_whole


class Copy(msgspec.Struct, frozen=True):
    """The store as it was at some moment, in a file of its own."""

    path: Path
    last: int


class Story(msgspec.Struct, frozen=True):
    """One machine's folder at the end, and what its store was on the way."""

    machine: Machine
    space: bytes
    copies: list[Copy]


def copy_of(node: Node, path: Path) -> Copy:
    """A copy as SQLite makes it, whole and by itself."""
    source = node.settings.data / "events.db"
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(path)) as made:
        live.backup(made)
        made.execute("PRAGMA journal_mode=DELETE")
    return Copy(path, node.store.last_pos())


def write(folder: Path) -> Story:
    """Make it. The machine's node is closed."""
    machines = [Machine(folder, name) for name in ("ada", "bob")]
    ada, bob = (machine.open() for machine in machines)
    copies: list[Copy] = []

    def keep() -> None:
        copies.append(copy_of(ada, folder / f"copy-{len(copies)}.db"))

    space = found(ada)
    keep()
    officer = officer_role(ada, space)
    member = let_in(ada, bob, space, officer, folder)
    grace = bytes.fromhex(ada.do("member.record", space, {"handle": "grace"})["member"])
    keep()
    bob.do("fleet.form", space, {"title": "Home"})
    bob.export_space(space, folder / "before")
    carry(bob, ada, space, folder)
    keep()
    bob.close()
    bob = forked(machines[1], space, folder)
    carry(bob, ada, space, folder)
    keep()
    ada.do("member.change-profile", space, {"member_id": grace, "handle": "hopper"})
    ada.do("member.remove", space, {"member_id": member, "reason": RemovalReason.CONDUCT})
    bob.do("fleet.form", space, {"title": "In vain"})
    carry(bob, ada, space, folder)
    keep()
    ada.do("member.erase", space, {"member_id": grace})
    ada.do("organisation.rename", space, {"title": "Nova Corps"})
    keep()
    ada.close()
    bob.close()
    return Story(machines[0], space, copies)


def forked(machine: Machine, space: bytes, folder: Path) -> Node:
    """Its folder goes back to what it was, unseen, and goes on beside what it said before."""
    database = machine.settings.data / "events.db"
    marks = {path: path.read_bytes() for path in machine.settings.state.glob("*.mark")}
    before = database.read_bytes()
    node = machine.open()
    node.do("squadron.form", space, {"title": "One history"})
    node.export_space(space, folder / "one.scm")
    node.close()
    for path, raw in (marks | {database: before}).items():
        path.write_bytes(raw)
    node = machine.open()
    node.do("squadron.form", space, {"title": "Another"})
    node.import_space(read_whole(folder / "one.scm"))
    return node


@contextmanager
def past(node: Node, within: Within = lambda _: True, path: Path | None = None) -> Iterator[PastShelf]:
    """The spaces as of a point, read from a store's file: the node's own or a copy."""
    store = ReadOnlySqliteStore(path or node.settings.data / "events.db")
    try:
        shelf = PastShelf(store, FOLDS, shared_key_of(node.vault), clock_us, node.vault.subjects, within)
        shelf.follow()
        yield shelf
    finally:
        store.close()

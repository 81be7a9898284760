"""The space of an author's ledger over any store, without a node's folders: founded, appended to, read as a tree."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scmanager.application import ledger
from scmanager.application.founding import Founding
from scmanager.application.writer import Command, Result, Writer
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.counting import PluginCounted
from scmanager.domain.ledger import KeysPublished, LedgerLog, LogKind
from scmanager.eventstore.entry import RecoveryKeys
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Store
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.submission import Submission
from scmanager.runtime import clock_us
from scmanager.spaces.ledger import Entered, entered
from scmanager.spaces.shelf import Shelf
from tests.support.books import MemoryKeys
from tests.support.ledger import NOW_S, RELEASE, ROOTS, signed, update


class LedgerSpace:
    """One installation that founded a ledger with three root keys, of which two are needed."""

    def __init__(self, store: Store, folder: Path, old: "LedgerSpace | None" = None) -> None:
        """`old`: whose keys go on in this store, which has the beginning."""
        self.folder, self.store = folder, store
        self.keys = old.keys if old else MemoryKeys()
        self.log_key = old.log_key if old else SigningKey.generate()
        self.shelf = Shelf(store, FOLDS, self.keys.get, clock_us, self.keys.subjects)
        self.writer = Writer(store, self.shelf, self.keys, clock_us, secrets.token_bytes)
        self.shelf.follow()
        self.writer.start()
        self.id = old.id if old else bytes.fromhex(self.found(self.log_key)["space"])

    def found(self, key: SigningKey) -> Result:
        root = issuing.quorum(2, [each.public for each in ROOTS])
        fresh = [secrets.token_bytes(32) for _ in range(3)]
        return self.writer.do(
            Founding(
                secrets.token_bytes(16), "author", key, fresh[0], RecoveryKeys(root.m, root.keys), *fresh[1:],
                ledger.found,
            )
        )  # fmt: skip

    @property
    def log(self) -> LedgerLog:
        return LedgerLog(self.id, self.id, self.log_key.public, LogKind.LEDGER, None)

    def manifest(self) -> KeysPublished:
        root = issuing.quorum(2, [each.public for each in ROOTS])
        return signed(issuing.first(root, issuing.quorum(1, [RELEASE.public]), [self.log], NOW_S), *ROOTS[:2])

    def update(self, manifest: KeysPublished, **changed: Any) -> Submission:
        return submission.make(update(manifest_hash(manifest.statement), **changed), [RELEASE])

    def command(self, said: Sequence[Submission]) -> Command:
        return Command(secrets.token_bytes(16), self.id, lambda desk: ledger.append(desk, said))

    def append(self, *said: Submission) -> Result:
        return self.writer.do(self.command(said))

    def count(self, *counts: PluginCounted) -> Result:
        return self.writer.do(Command(secrets.token_bytes(16), self.id, lambda desk: ledger.count(desk, counts)))

    def entered(self) -> list[Entered]:
        return entered(self.shelf.space(self.id), self.id)

    def tree(self) -> LogTree:
        return LogTree(self.store, self.store.heads(self.id)[0], self.folder)


@contextmanager
def ledger_space(store: Store, old: LedgerSpace | None = None) -> Iterator[LedgerSpace]:
    """A ledger's space whose writer ends with the block; `old`: whose keys go on in this store."""
    with TemporaryDirectory(prefix="scm-ledger-") as folder:
        made = LedgerSpace(store, Path(folder), old)
        try:
            yield made
        finally:
            made.writer.stop()

"""An author's ledger as a space file that any node takes in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scmanager.adapters.ledger_spaces import LedgerSpaces
from scmanager.adapters.space_reading import write_space
from scmanager.domain.counting import PluginCounted
from scmanager.domain.ledger import Final, KeysPublished, Plugin, Update
from scmanager.eventstore import verification
from scmanager.eventstore.checkpoint import Checkpoint, note_from, origin
from scmanager.eventstore.log_copy import Copies
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.store import Row, Store
from scmanager.eventstore.verification import SignedNote, VerifiedRun
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import NOW_S, RELEASE, ROOTS, plugin, signed, update
from tests.support.ledger_space import LedgerSpace, ledger_space


class LedgerFile:
    """A ledger with an update and a plugin, and whatever is said besides. `after`: a further log of that one."""

    def __init__(self, kept: LedgerSpace, after: "LedgerFile | None" = None, *, begun: bool = False) -> None:
        self.kept, self.space = kept, kept.id
        if after is not None and begun:
            self.id, self.manifests = after.id, list(after.manifests)
        elif after is None:
            self.manifests = [kept.manifest()]
            self.id = manifest_hash(self.manifests[0].statement)
            kept.append(*self.manifests)
            self.say(update(self.id), plugin(self.id))
        else:
            more = issuing.following(after.manifests[-1].statement, NOW_S, logs=[kept.log])
            self.id, self.manifests = after.id, [*after.manifests, signed(more, *ROOTS[:2])]
            kept.append(*self.manifests)

    def close(self, old: "LedgerFile", size: int) -> None:
        """A manifest in this log closes that one at this size."""
        kept = old.kept
        end = {kept.id: Final(size, kept.tree().root(size))}
        closing = issuing.revocation(self.manifests[-1].statement, kept.log.key, end, NOW_S)
        self.manifests.append(signed(closing, *ROOTS[:2]))
        self.kept.append(self.manifests[-1])

    def say(self, *said: Update | Plugin) -> None:
        self.kept.append(*(submission.make(each, [RELEASE]) for each in said))

    def count(self, *counts: PluginCounted) -> None:
        self.kept.count(*counts)

    def event_id(self, index: int) -> str:
        entries = self.kept.shelf.space(self.space).entries()
        return next(each.entry.id.hex() for each in entries if each.entry.seq == index)

    @property
    def size(self) -> int:
        """Entries in its log."""
        return self.kept.store.heads(self.space)[0].size

    def run(self, size: int | None = None) -> VerifiedRun:
        """Its log up to there, as a store admits it and as its key can sign it."""
        rows, point = self._point(size)
        note = SignedNote(point.size, point.root, self.kept.log_key.sign(point.text().encode()))
        shared = [{0: row.shared} if row.shared else {} for row in rows]
        return verification.verify(verification.start_of(rows[0].data), [row.data for row in rows], shared, note)

    def note(self) -> bytes:
        """Its newest head, which nobody cosigned."""
        _, point = self._point(None)
        key = self.kept.log_key
        return note_from(point, key.sign(point.text().encode()), key.public)

    def _point(self, size: int | None) -> tuple[Sequence[Row], Checkpoint]:
        rows = self.kept.store.read(self.space, 0, 0, size or 1_000)
        root = root_of([leaf_hash(row.data) for row in rows])
        return rows, Checkpoint(origin(self.space, self.space), len(rows), root)

    @contextmanager
    def stolen(self, size: int) -> Iterator["LedgerFile"]:
        """As the thief of its key goes on from there."""
        kept, store = self.kept, MemoryStore()
        store.admit(self.run(size))
        with ledger_space(store, kept) as another:
            yield LedgerFile(another, self, begun=True)

    def write(self, path: Path) -> Path:
        write_space(path, self.space, list(Copies(self.kept.store, self.space)), None)
        return path


@contextmanager
def ledger_file(after: LedgerFile | None = None) -> Iterator[LedgerFile]:
    """A fresh one, or a further log."""
    with ledger_space(MemoryStore()) as kept:
        yield LedgerFile(kept, after)


def trusting(store: Store, folder: Path, manifests: Sequence[KeysPublished]) -> LedgerSpaces:
    """As an installation that is built with these."""
    ledger = manifest_hash(manifests[0].statement)
    (folder / "ledger-id").write_text(ledger.hex(), encoding="ascii")
    (folder / "author-keys.jsonl").write_bytes(submission.encode(manifests))
    (folder / "witnesses.policy").write_text("quorum none\n", encoding="ascii")
    return LedgerSpaces(folder, folder, store)

"""An author's ledger as a space file that any node takes in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scmanager.adapters.space_reading import write_space
from scmanager.domain.counting import PluginCounted
from scmanager.domain.ledger import Plugin, Update
from scmanager.eventstore.log_copy import Copies
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import submission
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import RELEASE, plugin, update
from tests.support.ledger_space import LedgerSpace, ledger_space


class LedgerFile:
    """A ledger with an update and a plugin, and whatever is said besides."""

    def __init__(self, kept: LedgerSpace) -> None:
        self._kept, first = kept, kept.manifest()
        self.space, self.id = kept.id, manifest_hash(first.statement)
        kept.append(first)
        self.say(update(self.id), plugin(self.id))

    def say(self, *said: Update | Plugin) -> None:
        self._kept.append(*(submission.make(each, [RELEASE]) for each in said))

    def count(self, *counts: PluginCounted) -> None:
        self._kept.count(*counts)

    def event_id(self, index: int) -> str:
        entries = self._kept.shelf.space(self.space).entries()
        return next(each.entry.id.hex() for each in entries if each.entry.seq == index)

    def write(self, path: Path) -> Path:
        write_space(path, self.space, list(Copies(self._kept.store, self.space)), None)
        return path


@contextmanager
def ledger_file() -> Iterator[LedgerFile]:
    """A fresh one."""
    with ledger_space(MemoryStore()) as kept:
        yield LedgerFile(kept)

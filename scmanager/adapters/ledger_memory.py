"""What this machine has seen of an author's ledger, in a file of its state folder: it is never put back by a backup.

Whoever can write there could make it forget; nobody else can. It is written whole, for its owner only, and only over
what the writer had read: of two commands that saw more at once, the second one looks again.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from scmanager.adapters.folder_lock import FolderInUse, FolderLock, Holder
from scmanager.adapters.private_files import private_folder, write_private
from scmanager.adapters.space_file import read_bytes
from scmanager.errors import Conflict, Untrusted
from scmanager.eventstore.head_fork import HeadFork
from scmanager.master_ledger import policy, submission
from scmanager.master_ledger.seen import Asked, HeadSeen, Outcome, Seen, signed_head

FILE_BYTES_MAX = 16 << 20
LOCK_FILE = ".ledger-seen"
WAIT_S = 5.0
TRIES = 5
_ANYBODY = policy.parse(b"quorum none\n")

T = TypeVar("T", bound=Outcome)


class LedgerMemoryDamaged(Untrusted):
    """What this machine has seen of the ledger is not whole any more: {path} ({reason})."""

    code = "ledger-memory-damaged"
    hint = "Keep a copy, then remove it: what was seen is forgotten, and an older ledger would not be noticed once."


class SeenMeanwhile(Conflict):
    """Another command has seen more of the ledger meanwhile."""

    code = "ledger-seen-meanwhile"
    hint = "Repeat the command."


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["scm-ledger-seen/1"]
    ledger: bytes
    manifests: str
    heads: tuple[str, ...]
    forks: tuple[str, ...]
    asked_s: int
    unwitnessed: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()


class LedgerMemory:
    """What was seen of one ledger. `state`: this user's state folder."""

    def __init__(self, state: Path, ledger: bytes) -> None:
        self.ledger, self._folder = ledger, state
        self.path = state / f"ledger-{ledger.hex()[:16]}.json"

    def read(self) -> Seen:
        """Nothing yet, where the file is not there. Raises LedgerMemoryDamaged, FileUnreadable."""
        return self._parsed(self._raw())

    def see(self, look: Callable[[Seen], T]) -> T:
        """What comes of looking at what was seen; that is kept. `look` may be called again.

        Raises what `look` raises, SeenMeanwhile, and as `read`; nothing is kept then.
        """
        for _ in range(TRIES):
            raw = self._raw()
            before = self._parsed(raw)
            outcome = look(before)
            if outcome.seen == before or self._wrote(raw, outcome.seen):
                return outcome
        raise SeenMeanwhile

    def _raw(self) -> bytes | None:
        return read_bytes(self.path, FILE_BYTES_MAX) if self.path.exists() else None

    def _wrote(self, before: bytes | None, seen: Seen) -> bool:
        private_folder(self._folder)
        with _Held(self._folder / LOCK_FILE):
            if self._raw() != before:
                return False
            write_private(self.path, _encoded(seen))
        return True

    def _parsed(self, raw: bytes | None) -> Seen:
        if raw is None:
            return Seen(self.ledger)
        try:
            return _decoded(raw, self.ledger)
        except (Untrusted, msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise LedgerMemoryDamaged(path=str(self.path), reason=str(error)) from error


class _Held(FolderLock):
    """The lock, waited for: others hold it for a moment only."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Holder.COMMAND)

    def acquire(self) -> None:
        end = time.monotonic() + WAIT_S
        while True:
            try:
                return super().acquire()
            except FolderInUse:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)


def _encoded(seen: Seen) -> bytes:
    manifests = submission.encode(seen.manifests).decode()
    heads = tuple(each.note.decode() for each in seen.heads)
    forks = tuple(each.to_bytes().decode() for each in seen.forks)
    unwitnessed = tuple(each.note.decode() for each in seen.unwitnessed)
    return msgspec.json.encode(
        _File("scm-ledger-seen/1", seen.ledger, manifests, heads, forks, seen.asked_s, unwitnessed, seen.asked)
    )


def _decoded(raw: bytes, ledger: bytes) -> Seen:
    """All of it is checked: what stands there has been in a file. Raises Untrusted and what msgspec raises."""
    if len(raw) > FILE_BYTES_MAX:
        raise ValueError("too long")
    found = msgspec.json.decode(raw, type=_File)
    if found.ledger != ledger:
        raise ValueError("of another ledger")
    seen = Seen(ledger, asked_s=found.asked_s, asked=found.asked)
    if found.manifests:
        seen = seen.with_manifests(submission.parse(found.manifests.encode()))
    keys = seen.keys() if found.heads or found.forks or found.unwitnessed else None
    forks = tuple(HeadFork.parse(each.encode()) for each in found.forks)
    for note in [*found.heads, *found.unwitnessed, *(each.first.decode() for each in forks)]:
        assert keys is not None
        signed_head(note.encode(), keys, _ANYBODY)
    for each in forks:
        assert keys is not None
        each.verify(signed_head(each.first, keys, _ANYBODY)[0].key)
    heads = tuple(HeadSeen(each.encode()) for each in found.heads)
    unwitnessed = tuple(HeadSeen(each.encode()) for each in found.unwitnessed)
    return msgspec.structs.replace(seen, heads=heads, forks=forks, unwitnessed=unwitnessed)

"""How far a folder's events were verified, in a file of the state folder: what an audit goes on from.

It is believed by who resumes, and by nobody else: whoever could write there could keep old entries from being read
again, but could not make others pass, as what he makes up leads to no signed head.
"""

import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from scmanager.adapters.private_files import private_folder, write_private
from scmanager.eventstore.audit_judge import Ended, Verified

FILE_BYTES_MAX = 16 << 20
EVERY_S = 1.0
"""How often it is written: what was verified since is verified again after a kill."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["scm-verified/1"]
    events: str
    deep: bool
    branches: tuple[Verified, ...]
    ended: tuple[Ended, ...] = ()


class VerifiedFile:
    """Of one event store: a file, or what names another one. `state`: this user's state folder."""

    def __init__(self, state: Path, events: Path | str, *, deep: bool) -> None:
        self._events = events if isinstance(events, str) else str(events.resolve())
        self._state, self._deep = state, deep
        name = sha256(self._events.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self.path = state / f"verified-{name}.json"
        self._branches: dict[tuple[bytes, int], Verified] = {}
        self.ended: tuple[Ended, ...] = ()
        """Where each branch ended, when all of them were verified last."""
        self._written_s = time.monotonic()

    def read(self) -> tuple[Verified, ...]:
        """What was kept; nothing where it is not there, cannot be read, or was found by a lesser audit."""
        try:
            with self.path.open("rb") as file:
                kept = msgspec.json.decode(file.read(FILE_BYTES_MAX), type=_File)
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
            return ()
        if kept.events != self._events:
            return ()
        self.ended = kept.ended
        if self._deep and not kept.deep:
            return ()
        self._branches = {(each.log, each.branch): each for each in kept.branches}
        return kept.branches

    def keep(self, reached: Verified) -> None:
        """Take note, and write it down now and then. Raises PrivateFileFailed."""
        self._branches[reached.log, reached.branch] = reached
        if time.monotonic() - self._written_s >= EVERY_S:
            self.write()

    def begin_anew(self, reached: Iterable[Verified]) -> None:
        """What was kept did not fit: this is what fits. Written down by the next `write`."""
        self._branches = {(each.log, each.branch): each for each in reached}

    def write(self) -> None:
        """Write down all of it. Raises PrivateFileFailed."""
        if self._branches or self.ended:
            private_folder(self._state)
            kept = _File("scm-verified/1", self._events, self._deep, tuple(self._branches.values()), self.ended)
            write_private(self.path, msgspec.json.encode(kept))
        self._written_s = time.monotonic()

    def forget(self) -> None:
        """Something is wrong: nothing is gone on from."""
        self._branches.clear()
        self.ended = ()
        self.path.unlink(missing_ok=True)

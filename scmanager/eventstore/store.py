"""What every store can do: append one's own, admit what was verified, read, follow. Nothing else.

- Entries, notes and part 0 only grow: the database itself refuses their change and removal.
- `pos` is gapless and in commit order, private to the node, never hashed. Projections follow it.
- A fork is stored like a log of its own: branches share the entries before the fork. They are never merged.
- Erasable bytes (parts 1 to 15) can be removed; everything else stays provable without them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from scmanager.errors import Conflict, Unavailable, Untrusted
from scmanager.eventstore.own_log import Batch, Head
from scmanager.eventstore.pending import Pending
from scmanager.eventstore.verification import SignedNote, VerifiedRun


class LogMoved(Conflict):
    """Log {log} has grown since this commit was prepared."""

    code = "log-moved"
    hint = "Another process writes this log. Only one may: close the other, then try again."


class LogTaken(Conflict):
    """Another process writes log {log}."""

    code = "log-taken"
    hint = "Only one process may write a log: close the other, or let this machine start a log of its own."


class CommandRepeated(Conflict):
    """A command of this commit to log {log} has an outcome already."""

    code = "command-repeated"
    hint = "Nothing was recorded. Ask for the first outcome and return that."


class NotHeld(Untrusted):
    """The entries before entry {seq} of log {log} are not here."""

    code = "entries-not-held"
    hint = "Fetch the earlier entries first."


class StoreDamaged(Unavailable):
    """The event store is damaged: {reason}."""

    code = "store-damaged"
    hint = "Stop the node, keep the folder, and restore the newest backup; peers return what came after it."


class StoreBusy(Unavailable):
    """The event store cannot be written: {reason}."""

    code = "store-busy"
    hint = "Nothing was recorded. Free space or permissions on the disk, then send the command again."


class Row(msgspec.Struct, frozen=True):
    """One stored entry."""

    pos: int
    log: bytes
    branch: int
    data: bytes
    shared: bytes
    """Part 0 as stored (sealed unless the log is public); empty for entry 0."""


class Outcome(msgspec.Struct, frozen=True):
    """What a command led to. A retried command returns the first outcome."""

    command: bytes
    result: bytes
    """JSON, ids only."""


Also = Callable[[Any, int], object]
"""Writes node-private rows: (the transaction's handle, the newest pos in it). Raises to undo the whole commit."""


class Store(Protocol):
    """One folder's or one database's events."""

    @property
    def pending(self) -> Pending:
        """Where runs wait for the entries before them. Nothing else here sees them, but `erase`."""

    def append(self, batch: Batch, outcomes: Sequence[Outcome] = (), also: Also | None = None) -> int:
        """Commit one's own entries, their note and the commands' outcomes; returns the newest pos.

        `also` runs in the same transaction. Raises LogMoved, LogTaken, CommandRepeated, what `also` raises, or
        Unavailable. Nothing was recorded then, except that after CommitUnknown nobody knows: open the log anew.
        """

    def private(self, also: Also) -> None:
        """A transaction with node-private rows alone."""

    def deciding(self, space: bytes) -> AbstractContextManager[None]:
        """While it lasts, nobody else adds to this space: load, decide and append once in it."""

    def admit(self, run: VerifiedRun) -> int:
        """Store a verified run verbatim; returns how many entries were new. Asking twice is harmless.

        What it brings of erasable parts that entries here lack is taken in with it, and counted by `late_parts`:
        leave out those whose keys were erased. Raises NotHeld when the run does not continue any branch held.
        """

    def late_parts(self, space: bytes) -> int:
        """How often parts came to entries of a space that were held without them, since this store was opened.

        A number to compare with an earlier one: words may be readable then that were not. What another process admits
        to a shared store is not in it.
        """

    def heads(self, space: bytes | None = None) -> Sequence[Head]:
        """Every branch head, of one space or of all."""

    def read(self, log: bytes, branch: int, first: int, limit: int) -> Sequence[Row]:
        """Entries of one branch by seq, those before the fork included."""

    def tail(self, after: int, limit: int) -> Sequence[Row]:
        """Entries whose pos is greater than `after`, in order."""

    def parts(self, positions: Iterable[int]) -> Mapping[tuple[int, int], bytes]:
        """The erasable parts still held, by (pos, part number)."""

    def note(self, log: bytes, branch: int, size: int) -> SignedNote | None:
        """The note of the first commit that covers `size` entries."""

    def outcome(self, log: bytes, command: bytes) -> bytes | None:
        """The result of a command that this log has recorded."""

    def erase(self, keys: Iterable[bytes]) -> int:
        """Remove every part sealed under these key ids, for good, those that wait included; returns how many.

        After Unavailable ask again.
        """

    def wait(self, after: int, timeout_s: float) -> bool:
        """Until something stands behind `after` (True), or the time is over, or the store was closed (False)."""

    def last_pos(self) -> int:
        """The newest pos; 0 in an empty store."""

    def close(self) -> None:
        """Free files and connections. Harmless twice."""

"""The audit spool: what was noted and cannot be put into the owner's log yet waits here, one small file each.

There is no space of his own yet, or the store is damaged, or whoever noted it has no keys (`scm log verify`). Like
causes share a file, and there are few files, so that nobody fills the disk. What waits is not signed: it is a hint
until it is in the log. A folder that cannot be written is left alone.
"""

import contextlib
import hashlib
from pathlib import Path

import msgspec

from scmanager.adapters.private_files import parse_json, private_folder, read_private, write_private
from scmanager.application.audit_tally import Cause, joined
from scmanager.errors import ScManagerError, Unavailable, Untrusted

FOLDER = "audit-spool"
FILES_MAX = 64


class AuditNoteDamaged(Untrusted):
    """A waiting audit note is not whole."""

    code = "audit-note-damaged"
    hint = "Nothing needs to be done: it is removed, and what it said is lost."


class AuditSpool:
    """The spool of one data folder. Two processes that add to one file at once may lose a count, never a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def put(self, cause: Cause) -> bool:
        """Keep it, durably; False when there is no room, or the folder cannot be written."""
        path = self._place(cause)
        try:
            held = self._read(path)
            if held is None and len(self._files()) >= FILES_MAX:
                return False
            private_folder(self._folder)
            whole = cause if held is None else joined(held, cause)
            write_private(path, msgspec.json.encode(whole))
        except (Unavailable, OSError):
            return False
        return True

    def knows(self, cause: Cause) -> bool:
        """Whether something like it waits already."""
        return self._place(cause).exists()

    def waiting(self) -> list[Cause]:
        """All that waits, oldest first; what is damaged is removed."""
        found = [cause for path in self._files() if (cause := self._read(path)) is not None]
        return sorted(found, key=lambda cause: cause.first_s)

    def forget(self, cause: Cause) -> None:
        """It is in the log now. What came to it meanwhile stays."""
        path = self._place(cause)
        with contextlib.suppress(OSError, Unavailable):
            if self._read(path) == cause:
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return sorted(self._folder.glob("*.json"))
        return []

    def _read(self, path: Path) -> Cause | None:
        with contextlib.suppress(OSError):
            try:
                raw = read_private(path)
                return None if raw is None else parse_note(raw)
            except ScManagerError:
                path.unlink(missing_ok=True)
        return None

    def _place(self, cause: Cause) -> Path:
        name = msgspec.json.encode((cause.type, cause.code, cause.source))
        return self._folder / f"{hashlib.sha3_256(name).hexdigest()[:32]}.json"


def parse_note(raw: bytes) -> Cause:
    """One waiting note. Raises AuditNoteDamaged and nothing else."""
    return parse_json(raw, Cause, AuditNoteDamaged())

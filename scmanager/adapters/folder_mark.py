"""The folder mark: what this machine remembers of a data folder, kept outside it, so that doubt is noticed.

A node that signs on a log it only half remembers forks itself (DESIGN 4: doubt starts a new log). The mark holds the
machine, the folder's place on its volume, and the own heads last recorded. Renaming the folder is no doubt.

- The mark may lag behind the store and is never ahead of it: record heads only after COMMIT returned. A crash, or a
  mark written now and then, is then harmless.
- What lags is not seen: a restore to a point after the last mark. Record before heads leave the machine, and a log
  that others know longer than the store does cannot slip through.
- Not seen from here: a machine rolled back whole, state folder included. Print the head at start.
"""

import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from scmanager.adapters.private_files import (
    PrivateFileExists,
    keep_apart,
    parse_json,
    private_folder,
    read_private,
    state_folder,
    write_private,
)
from scmanager.errors import Untrusted

FOLDER_ID_FILE = "folder.id"
RENUMBERED = frozenset({"vfat", "msdos", "exfat", "fuseblk"})
"""Linux makes up inode and volume numbers of these at each mount."""

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Head(NamedTuple):
    """Where an own log stands: how many entries, and the last one's id32."""

    size: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
    entry: Bytes32


class Reason(StrEnum):
    """Why a node may not go on signing on its logs."""

    NO_MARK = "no-mark"
    MARK_DAMAGED = "mark-damaged"
    OTHER_MACHINE = "other-machine"
    OTHER_FOLDER = "other-folder"
    OLDER_HEADS = "older-heads"


class Doubt(NamedTuple):
    """The folder may be a copy or a restored one: continue in new logs, then record."""

    reason: Reason
    words: str
    """For people."""


class MarkDamaged(Untrusted):
    """The mark of this data folder is not whole."""

    code = "mark-damaged"
    hint = "Nothing to do: the node goes on in a new log."


class FolderWentBack(Untrusted):
    """The data folder, or its database, holds an older state than a moment ago."""

    code = "folder-went-back"
    hint = "Nothing more is signed on it. Start again: what is in doubt goes on in a new log."


class _LogHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    log: Bytes32
    head: Head


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the mark file."""

    format: Literal["scm-mark/1"]
    machine: Bytes32
    place: str
    heads: tuple[_LogHead, ...]
    retired: tuple[Bytes32, ...] = ()
    """Own logs that a copy of the folder may write too: not written any more, also if a grant comes for one later."""


WORDS = {
    Reason.NO_MARK: "this machine does not know the data folder",
    Reason.MARK_DAMAGED: "what this machine remembers of the data folder is damaged",
    Reason.OTHER_MACHINE: "the data folder was last used on another machine",
    Reason.OTHER_FOLDER: "the data folder is a copy, or was put back from one",
    Reason.OLDER_HEADS: "the data folder holds an older state than this machine remembers",
}


def machine_id(state: Path) -> bytes:
    """What the operating system calls this machine; where it has no name, random bytes kept in the state folder."""
    return _system_machine_id() or _made_up_machine_id(state)


class FolderMark:
    """The mark of one data folder. Used by the folder's one writer process."""

    def __init__(
        self, folder: Path, *, state: Path | None = None, machine: Callable[[Path], bytes] = machine_id
    ) -> None:
        """`state` is this user's state folder. Raises StateInsideData."""
        self._folder = folder
        self._state = state or state_folder()
        self._machine = machine
        self._recorded: Mark | None = None
        self.retired: set[bytes] = set()
        """Logs in doubt: read by `check`, kept by `record`."""
        keep_apart(folder, self._state)

    def check(self, heads: Mapping[bytes, Head]) -> Doubt | None:
        """Compare the store's own heads, by log id, with the mark. Raises PrivateFileFailed."""
        try:
            reason = self._reason(heads)
        except MarkDamaged:
            reason = Reason.MARK_DAMAGED
        return Doubt(reason, WORDS[reason]) if reason else None

    def record(self, heads: Mapping[bytes, Head]) -> None:
        """Remember the folder as it is now, with heads whose COMMIT returned. Raises PrivateFileFailed.

        What was remembered is never forgotten for less: FolderWentBack, and the next start is in doubt.
        """
        if self._recorded is not None:
            before = {row.log: row.head for row in self._recorded.heads if row.log not in self.retired}
            if any(_is_older(heads.get(log), was) for log, was in before.items()):
                raise FolderWentBack
        name = self._folder_id() or self._name_folder()
        rows = tuple(_LogHead(log, head) for log, head in sorted(heads.items()))
        mark = Mark("scm-mark/1", self._machine_hash(name), self._place(), rows, tuple(sorted(self.retired)))
        if mark != self._recorded:
            write_private(private_folder(self._state) / f"{name}.mark", msgspec.json.encode(mark))
            self._recorded = mark

    def begin_anew(self, heads: Mapping[bytes, Head]) -> None:
        """After a doubt: a name and a mark of its own, so that a copy and its original stop doubting each other."""
        write_private(private_folder(self._folder) / FOLDER_ID_FILE, secrets.token_hex(16).encode())
        self._recorded = None
        self.record(heads)

    def _reason(self, heads: Mapping[bytes, Head]) -> Reason | None:
        name = self._folder_id()
        raw = read_private(self._state / f"{name}.mark") if name else None
        if name is None or raw is None:
            return Reason.NO_MARK if heads else None  # A new folder has nothing to fork.
        mark = parse_mark(raw)
        self.retired |= set(mark.retired)
        if mark.machine != self._machine_hash(name):
            return Reason.OTHER_MACHINE
        if mark.place != self._place():
            return Reason.OTHER_FOLDER
        if any(_is_older(heads.get(row.log), row.head) for row in mark.heads):
            return Reason.OLDER_HEADS
        return None

    def _folder_id(self) -> str | None:
        raw = read_private(self._folder / FOLDER_ID_FILE)
        if raw is None:
            return None
        if len(raw) != 32 or raw.strip(b"0123456789abcdef"):
            raise MarkDamaged
        return raw.decode()

    def _name_folder(self) -> str:
        name = secrets.token_hex(16)
        try:
            write_private(private_folder(self._folder) / FOLDER_ID_FILE, name.encode(), replace=False)
        except PrivateFileExists:
            return self._folder_id() or name
        return name

    def _machine_hash(self, name: str) -> bytes:
        """Salted with the folder's id: a mark is of no use to tell machines apart elsewhere."""
        machine = self._machine(self._state)
        return hashlib.sha3_256(b"scm/machine/1\n" + name.encode() + machine).digest()

    def _place(self) -> str:
        return place_of(self._folder, self._folder / FOLDER_ID_FILE)


def place_of(folder: Path, anchor: Path) -> str:
    """Volume, folder and a file in it by number: a copy has others. Empty where numbers do not last."""
    if _file_system(folder) in RENUMBERED:
        return ""
    return f"{_volume(folder):x}/{folder.stat().st_ino:x}/{anchor.stat().st_ino:x}"


def parse_mark(raw: bytes) -> Mark:
    """Raises MarkDamaged and nothing else."""
    return parse_json(raw, Mark, MarkDamaged())


def _is_older(held: Head | None, marked: Head) -> bool:
    if held is None or held.size < marked.size:
        return True
    return held.size == marked.size and held.entry != marked.entry


def _made_up_machine_id(state: Path) -> bytes:
    path = private_folder(state) / "machine.id"
    kept = read_private(path)
    if kept is None:
        kept = secrets.token_bytes(16)
        write_private(path, kept)
    return kept


if sys.platform == "win32":
    import winreg

    def _system_machine_id() -> bytes:
        access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography", 0, access) as key:
                return str(winreg.QueryValueEx(key, "MachineGuid")[0]).encode()
        except OSError:
            return b""

elif sys.platform == "darwin":

    def _system_machine_id() -> bytes:
        command = ["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"]
        try:
            answer = subprocess.run(command, capture_output=True, timeout=5, check=False).stdout
        except (OSError, subprocess.TimeoutExpired):
            return b""
        return b"".join(line.strip() for line in answer.splitlines() if b"IOPlatformUUID" in line)

else:

    def _system_machine_id() -> bytes:
        for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
            try:
                known = path.read_bytes().strip()
            except OSError:
                continue
            if known:
                return known
        return b""


if sys.platform == "win32":

    def _volume(folder: Path) -> int:
        return folder.stat().st_dev  # The volume's serial number.

else:

    def _volume(folder: Path) -> int:
        return os.statvfs(folder).f_fsid  # Made of the volume's UUID, where st_dev is a matter of plugging order.


if sys.platform == "linux":

    def _file_system(folder: Path) -> str:
        """The type of the file system below a folder."""
        path, found = folder.resolve(), (0, "")
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        for line in mounts.splitlines():
            mount, _, rest = line.partition(" - ")
            point = mount.split(" ")[4].replace("\\040", " ").replace("\\134", "\\")
            if path.is_relative_to(point) and len(point) >= found[0]:  # Of two on one point, the later is on top.
                found = (len(point), rest.split(" ")[0])
        return found[1]

else:

    def _file_system(folder: Path) -> str:  # noqa: ARG001
        return ""

"""A mirror that logs are uploaded to (C2SP tlog-mirror): its key, the checkpoints that wait, a copy of each log.

A checkpoint is pending once it is kept as a witness keeps those it cosigned; the mirror's key signs it when all its
entries lie here, durable, and never before. One process at a time; any number of threads.
"""

import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from scmanager.adapters.folder_lock import FolderLock, Holder
from scmanager.adapters.mirror_copy import MirrorCopy
from scmanager.adapters.private_files import sync_folder
from scmanager.adapters.public_files import make_folder
from scmanager.adapters.witness_folder import Purpose, WitnessFolder
from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.tiles import TilePath
from scmanager.master_ledger.subtrees import AskedSubtree
from scmanager.master_ledger.uploading import (
    EXCESS_MAX,
    Header,
    Info,
    NothingPending,
    Package,
    Span,
    UploadDiffers,
    check_proved,
)
from scmanager.master_ledger.witnessing import Asked, Kept, LogFrozen, LogNotWitnessed

PUBLIC = "public"
LOCK_FILE = ".mirroring"
LOG_BYTES_MAX = 16 << 30


class UploadMirror:
    """An open one; it has its folder to itself until it is closed."""

    def __init__(
        self, folder: Path, state: Path, now_s: Callable[[], int], log_bytes_max: int = LOG_BYTES_MAX
    ) -> None:
        """Raises as `WitnessFolder`, and FolderInUse, PrivateFileFailed."""
        self._cosigner = WitnessFolder(folder, state, now_s, Purpose.MIRROR)
        self.name, self.vkeys, self.logs = self._cosigner.name, self._cosigner.vkeys, self._cosigner.logs
        self._public, self._log_bytes_max = folder / PUBLIC, log_bytes_max
        self._one, self._copies = threading.Lock(), dict[bytes, MirrorCopy]()
        self._process = FolderLock(folder / LOCK_FILE, Holder.PROCESS)
        try:
            self._process.acquire()
            make_folder(self._public)
            sync_folder(folder)
        except BaseException:
            self.close()
            raise

    def check_signed(self, asked: Asked) -> None:
        """Raises LogNotWitnessed, NotByTheLog."""
        self._cosigner.check_signed(asked)

    def add_checkpoint(self, asked: Asked) -> bytes:
        """Keep it as pending, and say nothing of it. Raises what `witnessing` and the memory raise."""
        self._cosigner.memory.consider(asked, self.logs().get(asked.point.origin), lambda _: b"")
        return b""

    def sign_subtree(self, asked: AskedSubtree) -> bytes:
        """As `WitnessFolder.sign_subtree`, by the mirror's key: of what it signed once it held it."""
        return self._cosigner.sign_subtree(asked)

    def checkpoint(self, name: bytes) -> bytes | None:
        """The mirror's checkpoint of a log, by the SHA-256 of its origin; None while there is none."""
        return self._copy(name).checkpoint()

    def evidence(self, name: bytes) -> bytes | None:
        """What convicts that log; None if nothing does."""
        return self._cosigner.evidence(name)

    def tile(self, name: bytes, path: TilePath) -> bytes | None:
        """Hashes or entries of that log; None where they are not here."""
        return self._copy(name).tile(path)

    def begin(self, header: Header) -> bool:
        """Whether entries may come; and whether they lead to the checkpoint that was signed last, once more.

        Raises LogNotWitnessed, LogFrozen, NothingPending, UploadDiffers, CopyDamaged.
        """
        copy, _ = self._found(header)
        with copy.lock:
            following = copy.next_entry()
            excess = min(header.end, following) - header.start
            if header.start > following or excess > EXCESS_MAX:
                raise UploadDiffers(size=header.end, next=following)
            return header.end == copy.size() and copy.checkpoint() is not None

    def keep(self, header: Header, span: Span, package: Package) -> int:
        """Keep what is proved; how many entries of it were not here before.

        Raises PackageUnproved, UploadDiffers, MirrorFull, CopyDamaged, PrivateFileFailed.
        """
        copy, head = self._found(header)
        leaves = copy.leaves(span, package.entries)
        check_proved(span, leaves, package.proof, head)
        with copy.lock:
            return copy.keep(span, leaves, package.entries)

    def finish(self, header: Header) -> bytes:
        """The mirror's lines under the checkpoint of the upload's end, once all its entries are here.

        Raises UploadDiffers where others brought the mirror further meanwhile, CopyDamaged, PrivateFileFailed.
        """
        copy, head = self._found(header)
        with copy.lock:
            if not copy.size() <= header.end <= copy.next_entry():
                raise self._elsewhere(header, copy)
            lines = self._cosigner.cosign(parse_note(head.note).text)
            copy.advance(head, head.note + lines)
        return lines

    def info(self, header: Header) -> Info:
        """Where the mirror is with an upload that it goes on with."""
        copy, _ = self._found(header)
        with copy.lock:
            return Info(header.end, copy.next_entry())

    def close(self) -> None:
        """Let go of the folder."""
        self._process.release()
        self._cosigner.close()

    def _found(self, header: Header) -> tuple[MirrorCopy, Kept]:
        """The copy, and the checkpoint of the upload's end."""
        if header.origin not in self.logs():
            raise LogNotWitnessed(origin=header.origin)
        name, memory = sha256(header.origin.encode()).digest(), self._cosigner.memory
        if memory.evidence(name) is not None:
            raise LogFrozen
        if memory.latest(header.origin) is None:
            raise NothingPending
        with self._one:
            copy = self._copies.setdefault(name, self._copy(name))
        head = memory.known(header.origin, header.end)
        if head is None or header.end < copy.size():
            with copy.lock:
                raise self._elsewhere(header, copy)
        return copy, head

    def _elsewhere(self, header: Header, copy: MirrorCopy) -> UploadDiffers:
        pending = self._cosigner.memory.latest(header.origin)
        return UploadDiffers(size=pending.size if pending else 0, next=copy.next_entry())

    def _copy(self, name: bytes) -> MirrorCopy:
        return MirrorCopy(self._public / name.hex(), self._log_bytes_max)

"""The intake log of an author's server: a folder of its own below the data folder, with its own store and log key.

It grows by millions, so it is no space of the node, and is never loaded. Its entry 0 stands under the author's root
keys like that of the ledger. The folder is one process's; a copy of it, or one that was put back to an earlier state,
is noticed and not written any more: a further log is begun then, which the keepers list.
"""

import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from scmanager.adapters import tile_folder
from scmanager.adapters.backup_file import INTAKE_FOLDER
from scmanager.adapters.folder_kind import check_folder
from scmanager.adapters.folder_lock import FolderLock
from scmanager.adapters.folder_mark import FOLDER_ID_FILE, FolderMark
from scmanager.adapters.folder_mark import Head as MarkedHead
from scmanager.adapters.identity import Identity
from scmanager.adapters.key_vault import KeyVault
from scmanager.adapters.private_files import forget_unfinished, private_folder, state_folder
from scmanager.adapters.vault_book import VaultBook
from scmanager.application.run_clock import RunClock
from scmanager.application.sequencing import Sequencer
from scmanager.author.intake_place import EVENTS_FILE, IntakeInDatabase, IntakeInFile, check_place, keep_place
from scmanager.config import Settings
from scmanager.domain.ledger import LedgerLog, LogKind, Quorum
from scmanager.errors import Conflict, Refused, ScManagerError, Unavailable
from scmanager.eventstore.entry import Genesis, RecoveryKeys, digest
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.own_log import Head, OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.sqlite_read_only import ReadOnlySqliteStore
from scmanager.eventstore.store import Store
from scmanager.master_ledger.submission import StatementUnusable
from scmanager.spaces.opening import parse_row

FOLDER = INTAKE_FOLDER
FREE_BYTES_MIN, FREE_SHARE = 1 << 30, 50
"""So much of the disk is left free: a GiB, or a fiftieth of a small one."""
LOCK_FILE = "intake.lock"


class IntakeMissing(Refused):
    """There is no intake log in this folder."""

    code = "intake-missing"
    hint = "Make one: scm author intake-init --root KEY. If it is in another folder, say which: --data DIR."


class IntakeThere(Conflict):
    """This folder has an intake log already."""

    code = "intake-there"
    hint = "Go on with it: scm author intake-log shows its line."


class IntakeInDoubt(Unavailable):
    """The intake log is not written any more: {reason}."""

    code = "intake-in-doubt"
    hint = (
        "Two servers could sign two histories of it. Begin another one (scm author intake-init), and have the keepers"
        " list that, and close this one at its last published head."
    )


class DiskNearlyFull(Unavailable):
    """The disk of this server is nearly full."""

    code = "disk-nearly-full"
    hint = "Nothing was recorded. Make room; reports are taken again by themselves."


def passed_s() -> float:
    """Seconds since the machine started, asleep or not."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class OwnIntake:
    """The open folder. Close it, or use `with`."""

    def __init__(self, settings: Settings, identity: Identity, clock_us: Callable[[], int]) -> None:
        """Raises FolderOnNetwork, FolderSynced, FolderInUse, and what vault and store raise; StoreDamaged."""
        check_folder(settings.data)
        state = settings.state or state_folder()
        self.folder = private_folder(private_folder(settings.data) / FOLDER)
        self._identity, self._clock_us = identity, clock_us
        self.clock = RunClock(clock_us, passed_s)
        """What entries are dated by."""
        with ExitStack() as opened:
            opened.enter_context(FolderLock(self.folder / LOCK_FILE))
            forget_unfinished(self.folder)
            vault = KeyVault(self.folder, state=state, secret=identity.vault_secret)
            self._vault = opened.enter_context(vault)
            self.store = _store(settings, self.folder)
            opened.callback(self.store.close)
            self._in_database = settings.intake_dsn is not None
            self.elsewhere = self._elsewhere()
            """Why the log of this folder is not in this store: here a further one can be begun, and nothing else."""
            self._mark = FolderMark(self.folder, state=state)
            self.doubt = self._mark.check(self._marked())
            if self.elsewhere is None and self._heads():
                keep_place(self.folder, in_database=self._in_database)  # A folder of an earlier release says nothing.
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the folder. Harmless twice."""
        self._opened.close()

    def found(self, root: Quorum, *, further: bool = False) -> LedgerLog:
        """Begin a log under these root keys; a `further` one also where the log so far lies in another store.

        Raises IntakeThere where one stands in no doubt, IntakeInFile, IntakeInDatabase, StatementUnusable.
        """
        if self.elsewhere is not None and not further:
            raise self.elsewhere
        if not 1 <= root.m <= len(set(root.keys)) < 2 * root.m or len(set(root.keys)) != len(root.keys):
            raise StatementUnusable(why="over half of the root keys are needed, and each is named once")
        heads = self._heads()
        anew = self.doubt is not None or self.elsewhere is not None
        if not anew and any(self._is_sound(each) for each in heads):
            raise IntakeThere
        key, mine = SigningKey.generate(), self._identity
        genesis = Genesis(
            (), (), b"", "author", "ed25519", key.public, secrets.token_bytes(32),
            recovery=RecoveryKeys(root.m, root.keys), device=mine.device, box=mine.box,
        )  # fmt: skip
        log = OwnLog.found(genesis, key, max([self._clock_us(), *(each.hlc + 1 for each in heads)]))
        batch = log.commit()
        self._vault.put_log(batch.head.log, batch.head.space, key.reveal_seed())
        if anew:
            self._mark.retired |= {each.log for each in heads}
        self.store.append(batch)
        if self.elsewhere is not None:
            self._follow_from_here()
        if anew:
            self._mark.begin_anew(self._marked())
        else:
            self.remember()
        keep_place(self.folder, in_database=self._in_database)
        self.doubt = self.elsewhere = None
        return LedgerLog(batch.head.space, batch.head.log, key.public, LogKind.INTAKE, None)

    def log(self) -> LedgerLog:
        """The log that is written, or was last. Raises IntakeMissing."""
        head = self.head()
        return LedgerLog(head.space, head.log, head.public, LogKind.INTAKE, None)

    def secret(self, purpose: str) -> bytes:
        """32 bytes of this server, for one purpose."""
        return digest(f"scm/{purpose}/1", self._identity.vault_secret)

    def head(self) -> Head:
        """Where it ends. Raises IntakeMissing, and IntakeInDoubt for one that came back without its key.

        Raises IntakeInFile, IntakeInDatabase where it lies in another store than this.
        """
        if self.elsewhere is not None:
            raise self.elsewhere
        heads = self._heads()
        sound = [each for each in heads if self._is_sound(each)]
        if not heads and self.store.heads():
            raise IntakeInDoubt(reason="it came back from a backup, which has no key to sign it with")
        if not heads:
            raise IntakeMissing
        return max(sound or heads, key=lambda each: each.hlc)

    def sequencer(self, check: Callable[[], None]) -> Sequencer:
        """What writes the log; `check` raises when that must not be. Raises IntakeMissing, IntakeInDoubt."""
        head = self.head()
        seed = self._vault.log_seed(head.log)
        assert seed is not None
        if self.doubt is not None:
            raise IntakeInDoubt(reason=self.doubt.words)
        if not self._is_sound(head):
            raise IntakeInDoubt(reason="another machine may write it too")
        (first,) = self.store.read(head.log, 0, 0, 1)
        earlier = [each.log for each in self.store.heads() if each.log != head.log]
        grant = parse_row(first).id32

        def allowed() -> None:
            check()
            self.check_room()

        return Sequencer(self.store, head, SigningKey(seed), grant, self.clock.now_us, allowed, earlier)

    def check_room(self) -> None:
        """Raises DiskNearlyFull: what is published beside, and the records, need room too."""
        disk = shutil.disk_usage(self.folder)
        if disk.free < min(FREE_BYTES_MIN, disk.total // FREE_SHARE):
            raise DiskNearlyFull

    def publish(
        self, head: Head, folder: Path, beside: Mapping[str, bytes], settle: tile_folder.Settle = tile_folder.at_once
    ) -> tile_folder.Published:
        """Bring tiles and checkpoint there up to this head, which the store holds. Entries are not published.

        Remembered first: whoever puts the folder back to before a head that left the machine is noticed. Raises
        OtherHistory where the published head is not of this log's past, FolderInUse, PrivateFileFailed, StoreDamaged.
        """
        self.remember()
        return tile_folder.publish(
            LogTree(self.store, head, self.folder), folder, beside=beside, entries=False, settle=settle
        )

    def now_us(self) -> int:
        """This machine's clock, UTC microseconds."""
        return self._clock_us()

    def remember(self) -> None:
        """Mark how far the logs are."""
        self._mark.record(self._marked())

    def _elsewhere(self) -> ScManagerError | None:
        begun = (self.folder / FOLDER_ID_FILE).exists()  # Else somebody was killed while he began the log.
        held = len(self._heads()) if self._in_database else self.store.last_pos()
        try:
            check_place(self.folder, in_database=self._in_database, begun=begun and self._vault.has_logs(), held=held)
        except (IntakeInFile, IntakeInDatabase) as error:
            return error
        return None

    def _follow_from_here(self) -> None:
        """What the vault's book has stays, and goes on with what this store will hold."""
        with closing(VaultBook(self.folder)) as book:
            book.enter((), self.store.last_pos())

    def _heads(self) -> list[Head]:
        return [each for each in self.store.heads() if self._vault.log_seed(each.log) is not None]

    def _is_sound(self, head: Head) -> bool:
        return head.log not in self._mark.retired and not head.branch

    def _marked(self) -> dict[bytes, MarkedHead]:
        return {each.log: MarkedHead(each.size, each.id[:32]) for each in self._heads()}


@contextmanager
def reading(settings: Settings) -> Iterator[Store]:
    """The store of a folder's log, beside the server that writes it. Raises as the store."""
    file = settings.data / FOLDER / EVENTS_FILE
    with closing(
        ReadOnlySqliteStore(file) if settings.intake_dsn is None else _store(settings, file.parent)
    ) as store:
        yield store


def _store(settings: Settings, folder: Path) -> Store:
    if settings.intake_dsn is None:
        return SqliteStore(folder / EVENTS_FILE)
    from scmanager.eventstore.postgres import PostgresStore  # Most servers have none.

    return PostgresStore(settings.intake_dsn)

"""A node: one data folder, put together. The only place that joins adapters to the rest.

`open_node` is enough to read, decide and append. What a running node has besides (read models, API) are actors that
`serve` starts and a supervisor watches.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from msgspec.structs import replace

from scmanager.adapters.document_guard import DocumentGuard
from scmanager.adapters.folder_kind import check_folder
from scmanager.adapters.folder_lock import FolderLock, Holder
from scmanager.adapters.folder_mark import FolderMark
from scmanager.adapters.hangar_files import read_hangar
from scmanager.adapters.identity import Identity, IdentityMissing, create_identity, open_identity
from scmanager.adapters.key_vault import FILE_NAME, KeyVault, VaultDamaged
from scmanager.adapters.node_file import LOCK_FILE, is_node
from scmanager.adapters.private_files import forget_unfinished, private_folder, state_folder, write_pieces
from scmanager.adapters.recovery_sheet import make_recovery_keys
from scmanager.adapters.space_file import (
    Invitation,
    NoteLine,
    Request,
    SpaceFileDamaged,
    open_keys,
)
from scmanager.adapters.space_reading import SpaceFile, whole_space
from scmanager.adapters.wrapping import FileProtection, Protection
from scmanager.application import organisations
from scmanager.application.desk import Desk, Quoted
from scmanager.application.drafting import Drafts
from scmanager.application.every_verb import NotForThisSpace, VerbUnknown, verb_for
from scmanager.application.exchange import Admitted, Fork, admit_logs, forks_of, open_log
from scmanager.application.founding import Founding
from scmanager.application.hangar_preview import Preview, preview
from scmanager.application.keys import shared_key_of
from scmanager.application.personal import own_space
from scmanager.application.pieces import finish_pieces
from scmanager.application.settling import settle
from scmanager.application.words import Words
from scmanager.application.writer import Result, Writer
from scmanager.config import Settings
from scmanager.domain.catalogue import FOLDS, ORGANISATIONS
from scmanager.domain.governance import Heads
from scmanager.domain.ship_events import Owner, OwnerKind
from scmanager.errors import ScManagerError
from scmanager.eventstore.entry import Kind, RecoveryKeys
from scmanager.eventstore.log_copy import LogCopy, copy_of
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.sqlite_readers import HEADER_BYTES
from scmanager.eventstore.store import StoreDamaged
from scmanager.eventstore.verification import SignedNote, start_of
from scmanager.own_logs import OwnLogs
from scmanager.spaces.clock import clock_hint, refuse_slow_clock
from scmanager.spaces.documents import Documents
from scmanager.spaces.readers import box_keys
from scmanager.spaces.shelf import Shelf

EVENTS_FILE = "events.db"


def clock_us() -> int:
    """UTC in microseconds."""
    return time.time_ns() // 1000


class Node:
    """An open data folder: identity, keys, events, spaces, and the writer. Close it, or use `with`."""

    def __init__(
        self, settings: Settings, protection: Protection | None = None, *,
        clock: Callable[[], int] = clock_us, what: Holder = Holder.COMMAND,
    ) -> None:  # fmt: skip
        """`what` others are told that works in the folder.

        Raises FolderOnNetwork, FolderSynced, FolderInUse, IdentityMissing, and what vault and store raise.
        """
        check_folder(settings.data)
        self.settings = settings
        self._clock = clock
        self._state = settings.state or state_folder()
        folder = private_folder(settings.data)
        with ExitStack() as opened:
            self._lock = opened.enter_context(FolderLock(folder / LOCK_FILE, what))
            forget_unfinished(folder)
            self.identity: Identity = open_identity(folder, protection or FileProtection(self._state))
            self.vault, self.store = self._open_files(folder, opened)
            self.shelf = Shelf(self.store, FOLDS, shared_key_of(self.vault), clock, self.vault.subjects)
            finish_pieces(self.store)
            self.shelf.follow()
            self.writer = Writer(self.store, self.shelf, self.vault, clock, secrets.token_bytes)
            self.writer.start()
            opened.callback(self.writer.stop)
            self._guard = DocumentGuard()
            opened.callback(self._guard.close)
            self.documents = Documents(self.store, self.shelf, self.vault.held, self._guard)
            self.drafts = Drafts(self.writer, self.shelf, self.documents)
            self.own_logs = OwnLogs(
                FolderMark(folder, state=self._state), self.identity, self.vault, self.store, self.shelf,
                self.writer, clock,
            )  # fmt: skip
            self.doubt = self.own_logs.settle_doubt()
            self._opened = opened.pop_all()

    def _open_files(self, folder: Path, opened: ExitStack) -> tuple[KeyVault, SqliteStore]:
        """Keys and events. When one is there and the other's file is not, nothing is made anew in its place."""
        keys, events = folder / FILE_NAME, folder / EVENTS_FILE

        def vault() -> KeyVault:
            return opened.enter_context(KeyVault(folder, state=self._state, secret=self.identity.vault_secret))

        if events.exists() and _empty(events) and not _empty(keys) and vault().has_logs():
            raise StoreDamaged(reason="its file is empty")
        no_keys, store = _empty(keys), SqliteStore(events)
        opened.callback(store.close)
        if no_keys and store.last_pos():
            raise VaultDamaged(path=str(keys))
        return vault(), store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what waits, remember the heads, free the folder. Harmless twice."""
        self.drafts.stop(self._guard.close)
        self.writer.stop()
        if self._lock.held:
            with suppress(ScManagerError):  # A mark that lags is harmless; a folder that is gone ends here too.
                self.own_logs.remember()
        self._opened.close()

    def clock_hint(self) -> str:
        """What seems wrong with this machine's clock, for people; empty when nothing does."""
        return clock_hint(self.shelf, self._clock())

    def now_us(self) -> int:
        """This machine's clock, UTC microseconds."""
        return self._clock()

    def do(self, verb: str, space: bytes, arguments: Mapping[str, Any], command_id: bytes | None = None) -> Result:
        """One verb of the VERBS table in one space; returns after the commit. Raises what refuses it."""
        return self.submit(verb, space, arguments, command_id).result()

    def submit(
        self, verb: str, space: bytes, arguments: Mapping[str, Any], command_id: bytes | None = None
    ) -> Future[Result]:
        """The same without waiting. Raises VerbUnknown, NotForThisSpace, NoSuchSpace, ClockSlow."""
        known = verb_for(verb, self.shelf.space(space).kind)
        refuse_slow_clock(self.shelf, space)
        return self.drafts.submit(known, space, arguments, command_id)

    def found_organisation(
        self,
        title: str,
        sid: str,
        handle: str,
        display_name: str = "",
        *,
        recovery_keys: int = 1,
        command_id: bytes | None = None,
    ) -> Result:
        """Found an organisation; its recovery sheet lies in the data folder, to be printed and then confirmed."""
        return self.submit_organisation(
            command_id or secrets.token_bytes(16), title, handle, sid, display_name, recovery_keys
        ).result()

    def submit_organisation(
        self,
        command_id: bytes,
        title: str,
        handle: str,
        sid: str = "",
        display_name: str = "",
        recovery_keys: int = 1,
    ) -> Future[Result]:
        """The same without waiting."""
        keys = make_recovery_keys(recovery_keys)

        def act(desk: Desk) -> Result:
            result = organisations.found(desk, title=title, sid=sid, handle=handle, display_name=display_name)
            sheet = self.settings.data / f"recovery-{desk.organisation.hex()[:12]}.txt"
            keys.write(sheet, title, desk.space.id)  # Before the commit: no organisation without its sheet.
            return result | {"recovery_sheet": sheet.name}

        return self._found("org", command_id, act, RecoveryKeys(keys.needed, keys.public_keys))

    def personal_space(self) -> bytes:
        """The space of this node's owner: hangar, characters, audit. Founded when it is not there yet."""
        with self.shelf.lock:
            own = own_space(self.shelf, self.store, self.vault)
        return own or bytes.fromhex(self.submit_personal(secrets.token_bytes(16)).result()["space"])

    def submit_personal(self, command_id: bytes) -> Future[Result]:
        """Found a personal space, without waiting."""

        def act(desk: Desk) -> Result:
            # Under his key, so that it is named: every device that is enrolled later takes it in, and has the same.
            desk.record(None, desk.organisation, Quoted(Heads(), ((desk.me, b"{}"),)))
            return {"member": desk.me.hex()}

        return self._found("personal", command_id, act, RecoveryKeys(0, ()))

    def _found(
        self, kind: Kind, command_id: bytes, act: Callable[[Desk], Result], recovery: RecoveryKeys
    ) -> Future[Result]:
        mine = self.identity
        key, salt = SigningKey.generate(), secrets.token_bytes(32)
        return self.writer.submit(Founding(command_id, kind, key, salt, recovery, mine.device, mine.box, act))

    def preview_hangar(
        self, space: bytes, file: bytes, answers: Mapping[str, str] | None = None, *, organisation: bool = False
    ) -> Preview:
        """What a hangar export would change: of one's own ships in this space, or of the organisation's.

        Writes nothing. `answers`: the catalogue key that a name stands for. Raises Untrusted, NotAMember.
        """
        read = read_hangar(file)
        kind = OwnerKind.ORGANISATION if organisation else OwnerKind.MEMBER
        owner = Owner(kind, space[:16] if organisation else self.writer.member(space))
        with self.shelf.lock:
            return preview(self.shelf.space(space), owner, read, Words(self.store, self.vault.held), answers)

    # Other machines

    def invitation(self, space: bytes, member: bytes) -> Invitation:
        """What an invited member needs to ask for admission. It gives nobody any right."""
        held = self.shelf.space(space)
        organisation = held.state(ORGANISATIONS, space[:16])
        kind: Literal["org", "personal"] = "personal" if held.kind == "personal" else "org"
        return Invitation("scm-invitation/1", space, kind, member, getattr(organisation, "title", ""))

    def request(self, invitation: Invitation) -> Request:
        """Open a log in the space of the invitation, and ask for a grant to it."""
        space, mine, salt = invitation.space, self.identity, secrets.token_bytes(32)
        log = open_log(self.store, self.shelf, self.vault, space, invitation.kind, salt, self._clock())
        self.own_logs.remember()
        copy = copy_of(self.store, next(head for head in self.store.heads(space) if head.log == log))
        note = NoteLine(copy.note.size, copy.note.root, copy.note.signature)
        unsigned = Request(
            "scm-request/1", space, invitation.member, copy.entries[0], note, log,
            mine.device, mine.box, mine.transport, bytes(64),
        )  # fmt: skip
        return replace(unsigned, signature=mine.sign_message(unsigned.message))

    def take_request(self, request: Request) -> None:
        """Admit the log that a request names; a grant or an enrolment may name it then. Raises Untrusted."""
        note = request.note
        copy = LogCopy([request.entry], [{}], SignedNote(note.size, note.root, note.signature))
        if start_of(request.entry).log != request.log:
            raise SpaceFileDamaged(what="request", reason="it names another log than its entry")
        admit_logs(self.store, self.shelf, request.space, [copy], strangers=True)

    def export_space(self, space: bytes, path: Path, *, with_keys: bool = True) -> int:
        """Write a space to a file, with its keys for the devices that act there; returns the size in bytes."""
        self.shelf.space(space)
        self.own_logs.remember()  # Before they leave: a folder put back to an earlier state is noticed then.
        readers = partial(self.readers, space) if with_keys else None
        return write_pieces(path, whole_space(self.store, self.vault, space, readers))

    def readers(self, space: bytes) -> list[bytes]:
        """The box keys of the devices that act in a space now, sorted. Raises NoSuchSpace."""
        with self.shelf.lock:
            return sorted(box_keys(self.shelf.space(space)))

    def import_space(self, file: SpaceFile) -> Admitted:
        """Verify and admit what a space file holds, and take the keys that are for this device."""
        mine, sent = self.identity, file.keys
        keys = open_keys(sent, mine.box, mine.box_secret) if sent else []  # First: a broken file changes nothing.
        with self.shelf.lock:
            erased = self.vault.is_erased
            admitted = admit_logs(self.store, self.shelf, file.space, file.logs, erased, self.own_logs.retire)
            self.writer.forget_seats()
            space = self.shelf.space(file.space)
            named = space.named_keys()
            worth = [key for key in keys if key.key_id in named]  # Anybody could have put the others there.
            if worth:  # In one: who reads words under the lock reads what the journal tells of.
                self.vault.put_all([key for key in worth if key.space == space.id])
                self.shelf.keys_came()
        self.own_logs.leave_doubtful()
        settle(self.writer, space, secrets.token_bytes)
        self.own_logs.remember()
        return admitted

    def forks(self, space: bytes) -> list[Fork]:
        """The alarms of a space: logs that signed two histories, each with a proof to show around."""
        with self.shelf.lock:
            return forks_of(self.store, self.shelf.space(space))


def init_node(settings: Settings, protection: Protection | None = None) -> Identity:
    """Make a data folder with a fresh identity. Raises IdentityExists, FolderOnNetwork, FolderSynced."""
    check_folder(settings.data)
    folder = private_folder(settings.data)
    return create_identity(folder, protection or FileProtection(settings.state or state_folder()))


def _empty(path: Path) -> bool:
    """Without a whole header SQLite takes a file for a new database."""
    return not path.exists() or (path.is_file() and path.stat().st_size < HEADER_BYTES)


__all__ = ["IdentityMissing", "Node", "NotForThisSpace", "VerbUnknown", "clock_us", "init_node", "is_node"]

"""A node: one data folder, put together. The only place that joins adapters to the rest.

`open_node` is enough to read, decide and append. What a running node has besides (read models, API) are actors that
`serve` starts and a supervisor watches.
"""

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scmanager.adapters.folder_lock import FolderLock
from scmanager.adapters.folder_mark import Doubt, FolderMark
from scmanager.adapters.folder_mark import Head as MarkedHead
from scmanager.adapters.identity import Identity, IdentityMissing, create_identity, open_identity
from scmanager.adapters.key_vault import KeyVault
from scmanager.adapters.private_files import private_folder, state_folder
from scmanager.adapters.recovery_sheet import make_recovery_keys
from scmanager.adapters.wrapping import FileProtection, Protection
from scmanager.application import organisations
from scmanager.application.continuing import Continuation
from scmanager.application.desk import Desk
from scmanager.application.founding import Founding
from scmanager.application.verbs import VERBS
from scmanager.application.writer import Command, Result, Writer
from scmanager.config import Settings
from scmanager.domain.catalogue import FOLDS
from scmanager.errors import Refused
from scmanager.eventstore.entry import Kind, RecoveryKeys
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import AHEAD_US_MAX


class VerbUnknown(Refused):
    """There is no verb {verb}."""

    code = "verb-unknown"
    hint = "List the verbs with: scm --help"


class NotForThisSpace(Refused):
    """{verb} does not work in a space of kind {kind}."""

    code = "verb-not-for-this-space"
    hint = "Name the space of an organisation, or your personal one, as the verb's help says."


def clock_us() -> int:
    """UTC in microseconds."""
    return time.time_ns() // 1000


class Node:
    """An open data folder: identity, keys, events, spaces, and the writer. Close it, or use `with`."""

    def __init__(
        self, settings: Settings, protection: Protection | None = None, *, clock: Callable[[], int] = clock_us
    ) -> None:
        """Raises FolderInUse, IdentityMissing, and what the vault and the store raise."""
        self.settings = settings
        self._clock = clock
        self._state = settings.state or state_folder()
        folder = private_folder(settings.data)
        self._lock = FolderLock(folder / "node.lock")
        self._lock.acquire()
        try:
            self.identity: Identity = open_identity(folder, protection or FileProtection(self._state))
            self.vault = KeyVault(folder, state=self._state, secret=self.identity.vault_secret)
            self.store = SqliteStore(folder / "events.db")
            self.shelf = Shelf(self.store, FOLDS, self.vault.get, clock)
            self.shelf.follow()
            self.writer = Writer(self.store, self.shelf, self.vault, clock, secrets.token_bytes)
            self.writer.start()
            self._mark = FolderMark(folder, state=self._state)
            self.doubt = self._settle_doubt()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what waits, remember the heads, free the folder. Harmless twice."""
        self.writer.stop()
        if self._lock.held:
            self._mark.record(self._own_heads())
        self.vault.close()
        self.store.close()
        self._lock.release()

    def do(self, verb: str, space: bytes, arguments: dict[str, Any], command_id: bytes | None = None) -> Result:
        """One verb of the VERBS table in one space; returns after the commit. Raises what refuses it."""
        known = VERBS.get(verb)
        if known is None:
            raise VerbUnknown(verb=verb)
        kind = self.shelf.space(space).kind
        if kind not in known.kinds:
            raise NotForThisSpace(verb=verb, kind=kind)
        command = Command(command_id or secrets.token_bytes(16), space, lambda desk: known.act(desk, **arguments))
        return self.writer.do(command)

    def found(
        self, kind: Kind, act: Callable[[Desk], Result], recovery: RecoveryKeys, command_id: bytes | None = None
    ) -> Result:
        """A new space whose founder we are."""
        return self.writer.do(
            Founding(
                command_id or secrets.token_bytes(16),
                kind,
                SigningKey.generate(),
                secrets.token_bytes(32),
                recovery,
                self.identity.device,
                self.identity.box,
                act,
            )
        )

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
        keys = make_recovery_keys(recovery_keys)
        public = RecoveryKeys(keys.needed, tuple(keys.public_keys))

        def act(desk: Desk) -> Result:
            result = organisations.found(desk, title=title, sid=sid, handle=handle, display_name=display_name)
            sheet = self.settings.data / f"recovery-{desk.organisation.hex()[:12]}.txt"
            keys.write(sheet, title, desk.space.id)  # Before the commit: no organisation without its sheet.
            return result | {"recovery_sheet": sheet.name}

        return self.found("org", act, public, command_id)

    def personal_space(self) -> bytes:
        """The space of this node's owner: hangar, characters, audit. Founded when it is not there yet."""
        for space in self.shelf.spaces():
            if space.kind == "personal" and self.vault.logs_of(space.id):
                return space.id
        result = self.found("personal", lambda desk: {"member": desk.me.hex()}, RecoveryKeys(0, ()))
        return bytes.fromhex(result["space"])

    # Doubt

    def _own_heads(self) -> dict[bytes, MarkedHead]:
        return {head.log: MarkedHead(head.size, head.id[:32]) for head in self._own()}

    def _own(self) -> list[Head]:
        return [head for head in self.store.heads() if self.vault.log_seed(head.log) is not None]

    def _settle_doubt(self) -> Doubt | None:
        """When the folder may be a copy or a restored one, go on in new logs: it never forks itself (F15)."""
        doubt = self._mark.check(self._own_heads())
        ahead = {head.log for head in self._own() if head.hlc > self._clock() + AHEAD_US_MAX}
        forked = {head.log for head in self._own() if head.branch}
        for space in self.shelf.spaces():
            seated = self.writer.seat_log(space.id)
            if seated is not None and (doubt is not None or seated in ahead | forked):
                self.writer.do(self._continuation(space.id, seated))
        self._mark.record(self._own_heads())
        return doubt

    def _continuation(self, space: bytes, old: bytes) -> Continuation:
        return Continuation(
            secrets.token_bytes(16),
            space,
            old,
            SigningKey.generate(),
            secrets.token_bytes(32),
            self.identity.device,
            self.identity.sign_message,
        )


def init_node(settings: Settings, protection: Protection | None = None) -> Identity:
    """Make a data folder with a fresh identity. Raises IdentityExists when there is one."""
    folder = private_folder(settings.data)
    return create_identity(folder, protection or FileProtection(settings.state or state_folder()))


def is_node(folder: Path) -> bool:
    """Whether this folder holds an identity."""
    return (folder / "device.json").exists()


__all__ = ["IdentityMissing", "Node", "NotForThisSpace", "VerbUnknown", "clock_us", "init_node", "is_node"]

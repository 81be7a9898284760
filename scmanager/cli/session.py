"""A session: the data folder of this run, opened by itself or, when a node runs there, read beside it.

Whoever acts goes through `Place.do`: with a node running the command travels to its API, else it is decided here.
Reading needs no node: the folder is opened for that alone, under nobody's lock.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from scmanager.adapters.identity import Identity, IdentityMissing, open_identity, protection_kind
from scmanager.adapters.key_vault import KeyVault
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.seen_file import SeenFile
from scmanager.adapters.unclean_file import UncleanFile
from scmanager.adapters.wrapping import (
    PASSPHRASE_CHARACTERS_MIN,
    FileProtection,
    KeyringProtection,
    PassphraseProtection,
    Protection,
)
from scmanager.application.audit_intake import Note, unheard
from scmanager.application.erasure import Erasures
from scmanager.application.keys import shared_key_of
from scmanager.application.personal import spaces_written
from scmanager.application.writer import Result
from scmanager.auditing import audited, leave_mended, watched
from scmanager.cli.client import Client, RunningNode
from scmanager.cli.doorway import enter
from scmanager.cli.output import progress, remark
from scmanager.cli.through import Exchange, ThroughApi
from scmanager.config import Settings, read_settings
from scmanager.domain.catalogue import FOLDS
from scmanager.errors import ScManagerError, Unavailable
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Store, StoreDamaged
from scmanager.exchanging import Exchange as LocalExchange
from scmanager.reporting import keep_to_consents
from scmanager.runtime import Node, clock_us
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

READ_TRIES = 3
LARGE_BYTES = 8 << 20
"""From here on opening may take more than a second."""


class NodeRunning(Unavailable):
    """A node runs in {folder}, and this cannot be done through it."""

    code = "node-running"
    hint = "Stop it (Ctrl+C where it was started), repeat the command, and start it again with: scm up."


class NoFolder(IdentityMissing):
    """There is no data folder in {folder} yet."""

    code = "no-data-folder"
    hint = "Make one with: scm init."


class Place:
    """An open data folder: what commands read and act on."""

    def __init__(
        self, settings: Settings, identity: Identity, store: Store, shelf: Shelf, vault: KeyVault, *,
        node: Node | None = None, api: Client | None = None, note: Note = unheard,
    ) -> None:  # fmt: skip
        self.settings, self.identity, self.store, self.shelf, self.vault = settings, identity, store, shelf, vault
        self._node, self._api, self.note = node, api, note
        """`note`: where audit events are left; nobody hears them beside a running node."""

    def do(self, verb: str, space: bytes, arguments: dict[str, Any], command_id: bytes | None = None) -> Result:
        """One verb, decided by the running node or by our own. Raises what refuses it."""
        if self._api is not None:
            return self._api.do(verb, space, arguments, command_id)
        return self.node.do(verb, space, arguments, command_id)

    def personal_space(self) -> bytes:
        """The owner's own space; founded when it is not there yet."""
        for space in self.personal_spaces():
            return space.id
        if self._api is None:
            return self.node.personal_space()
        founded = bytes.fromhex(self._api.do("personal.found", b"", {}, None)["space"])
        self.shelf.follow()
        return founded

    def personal_spaces(self) -> list[Space]:
        """The owner's own, of all his machines that are known here; not one that somebody let him into."""
        written = spaces_written(self.shelf, self.store, self.vault)
        return [space for space in written if space.kind == "personal"]

    @property
    def exchange(self) -> Exchange:
        """Files from and for other machines: the running node's, or our own."""
        return LocalExchange(self.node, self.note) if self._api is None else ThroughApi(self._api)

    def import_space(self, file: Path) -> dict[str, Any]:
        """Take a file of another machine in, and do at once what erasures came with it. Raises as `exchange`."""
        told = self.exchange.import_space(file)
        if self._node is not None:
            self.shelf.follow()
            carry_out_erasures(self._node)
        return told

    @property
    def api(self) -> Client | None:
        """The running node's API; None when we are the node."""
        return self._api

    @property
    def node(self) -> Node:
        """Our own node. Raises NodeRunning when another process has the folder."""
        if self._node is None:
            raise NodeRunning(folder=str(self.settings.data))
        return self._node


class Session:
    """What the global options said."""

    def __init__(self, data: Path | None = None) -> None:
        self.settings = read_settings(data=data)
        self._protection: Protection | None = None

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self.settings.data

    @contextmanager
    def open(self) -> Iterator[Place]:
        """The folder, for reading and acting. Raises NoFolder and what opening raises."""
        entered = enter(self.folder, self._opened)
        if isinstance(entered, RunningNode):
            with self._beside(Client(entered)) as place:
                yield place
            return
        with entered as node, audited(node) as note:
            carry_out_erasures(node)
            yield Place(self.settings, node.identity, node.store, node.shelf, node.vault, node=node, note=note)
            keep_to_consents(node)

    def _opened(self) -> Node:
        protection, events = self.protection(), self.folder / "events.db"
        with contextlib.ExitStack() as opening:
            opening.enter_context(watched(self.folder))
            if events.exists() and events.stat().st_size >= LARGE_BYTES:
                opening.enter_context(progress("Reading the log", None))
            return Node(self.settings, protection)

    @contextmanager
    def _beside(self, api: Client) -> Iterator[Place]:
        """Read the folder while a node works in it."""
        state = self.settings.state or state_folder()
        identity = open_identity(self.folder, self.protection())
        with KeyVault(self.folder, state=state, secret=identity.vault_secret) as vault:
            store = _open_store(self.folder / "events.db")
            leave_mended(self.folder, store.mended)
            try:
                shelf = Shelf(store, FOLDS, shared_key_of(vault), clock_us, vault.subjects)
                shelf.follow()
                yield Place(self.settings, identity, store, shelf, vault, api=api)
            finally:
                store.close()

    def protection(self) -> Protection:
        """What opens this folder's identity; asks once for a passphrase where one is needed. Raises NoFolder."""
        if self._protection is None:
            self._protection = self._asked_protection()
        return self._protection

    def _asked_protection(self) -> Protection:
        kind = protection_kind(self.folder) if self.folder.exists() else None
        if kind is None:
            raise NoFolder(folder=str(self.folder))
        if kind == "passphrase":
            return PassphraseProtection(ask_passphrase())
        if kind == "keyring":
            return KeyringProtection()
        return FileProtection(self.settings.state or state_folder())


def ask_passphrase(*, twice: bool = False) -> str:
    """From SCM_PASSPHRASE, or typed unseen, or from a pipe."""
    known = os.environ.get("SCM_PASSPHRASE")
    if known is not None:
        return known
    hidden = sys.stdin.isatty()  # A script may answer through a pipe.
    asked = f"Passphrase ({PASSPHRASE_CHARACTERS_MIN} characters at least)" if twice else "Passphrase"
    while True:
        answer: str = typer.prompt(asked, hide_input=hidden, confirmation_prompt=twice, err=True)
        if not (hidden and twice) or len(answer) >= PASSPHRASE_CHARACTERS_MIN:
            return answer
        remark(f"That has {len(answer)} characters.")


def carry_out_erasures(node: Node) -> int:
    """Do what erasures are due; how many were done. Where keys go, so do the read models: nobody cleans them now."""

    def now_s() -> int:
        return node.now_us() // 10**6

    def forget() -> None:
        _forget_read_models(node.settings, node.store.last_pos())

    if UncleanFile(node.settings.data).is_marked():  # Left by a node that did not come to it.
        forget()
    return Erasures(node.store, node.shelf, node.vault, SeenFile(node.settings.data, now_s), now_s, forget).run()


def _forget_read_models(settings: Settings, pos: int) -> None:
    """What fails is said, and done by the next command or node; the keys go anyway."""
    unclean = UncleanFile(settings.data)
    unclean.mark(pos)
    if settings.postgres_dsn:
        remark("The read models in your PostgreSQL server hold the words until a node runs: scm up.")
        return
    try:
        remove_read_models(settings.data)
    except ScManagerError as error:
        remark(f"The read models could not be removed, and hold the words until a node runs (scm up): {error}")
    else:
        unclean.removed()


def remove_read_models(data: Path) -> None:
    """Remove the private PostgreSQL of a data folder; the next start makes it anew. Raises as `postgres_server`."""
    from scmanager.actors import READ_MODELS  # Imported here: few commands need them.
    from scmanager.adapters import postgres_server

    if (data / READ_MODELS).exists():
        postgres_server.remove(data / READ_MODELS)


def session_of(context: typer.Context) -> Session:
    """What the entry point put there."""
    session: Session = context.obj
    return session


def _open_store(path: Path) -> SqliteStore:
    """A node that commits meanwhile can make heads and entries differ for a moment; lasting damage stays."""
    return _again(lambda: SqliteStore(path))


def _again(act: Callable[[], SqliteStore]) -> SqliteStore:
    for _ in range(READ_TRIES - 1):
        try:
            return act()
        except StoreDamaged:
            time.sleep(0.1)
    return act()

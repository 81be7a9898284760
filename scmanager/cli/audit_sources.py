"""Where an audit reads: this data folder, another one, a space file, an export, a published ledger. Never to write.

A data folder is read as it lies there, beside the node that may run in it. Files are verified as an import would and
held in memory. A backup is not read itself: restore it to a folder, and name that.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from scmanager.adapters import evidence_files
from scmanager.adapters.backup_file import HEADER_BYTES_MAX, is_backup
from scmanager.adapters.identity import Identity, open_identity, protection_kind
from scmanager.adapters.key_box import SpaceKey
from scmanager.adapters.key_reading import CarriedKeys, ReadOnlyVault
from scmanager.adapters.key_vault import FILE_NAME as KEYS_FILE
from scmanager.adapters.key_vault import KeyVault
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.space_file import FileUnreadable, open_keys
from scmanager.application.keys import shared_key_of
from scmanager.cli.calling import Named, pick
from scmanager.cli.exports import is_export, space_files
from scmanager.cli.file_kinds import check_kind
from scmanager.cli.names import title_of
from scmanager.cli.output import progress
from scmanager.cli.session import NoFolder, Place, Session, session_of
from scmanager.config import read_settings
from scmanager.domain.catalogue import FOLDS, ORGANISATIONS
from scmanager.errors import Refused
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.sqlite_read_only import ReadOnlySqliteStore
from scmanager.eventstore.store import Store
from scmanager.runtime import clock_us
from scmanager.spaces.replay import PastShelf, Within
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

EVENTS_FILE = "events.db"
READABLE = "a data folder, a space file, an export or a published ledger"

FromOption = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="PATH", help="Another data folder, a space file, an export or a published ledger."
    ),
]
SpaceOption = Annotated[
    str | None,
    typer.Option("--space", metavar="SPACE", help="Tag, title, id or kind; may be left out when it is clear."),
]


class SourceUnclear(Refused):
    """{path} is neither a data folder nor a file that can be read for an audit."""

    code = "audit-source-unclear"
    hint = "Name a data folder, what scm space export or scm export made, or where a ledger was published."


class BackupNotRestored(Refused):
    """{path} is a backup, which no audit reads as it is."""

    code = "audit-source-backup"
    hint = "Restore it to a new folder first: scm --data OTHER restore FILE. Then name that folder."


class SeveralSpaces(Refused):
    """There are several spaces here: {candidates}."""

    code = "audit-several-spaces"
    hint = "Say which one: --space with its tag, its title, its kind or the first digits of its id."


class NoSpace(Refused):
    """There is no space in {source} yet."""

    code = "audit-no-space"
    hint = 'Nothing was recorded there. An organisation begins with: scm org found "My Org" --handle MyHandle.'


class Evidence(msgspec.Struct, frozen=True):
    """What is read: a store, the keys that there are, and the state that all of it makes."""

    path: Path
    settings: Session
    identity: Identity
    store: Store
    vault: KeyVault
    present: PastShelf

    def place(self, shelf: Shelf) -> Place:
        """For what tells names and words."""
        return Place(self.settings.settings, self.identity, self.store, shelf, self.vault)

    def past(self, space: bytes, within: Within) -> PastShelf:
        """One space as of a point."""
        made = PastShelf(
            self.store, FOLDS, shared_key_of(self.vault), clock_us, self.vault.subjects, within=within, only=space
        )
        with progress("Replaying entries", self.store.last_pos()) as advance:
            made.advance = advance
            made.follow()
        made.hide(self.present.spaces())
        return made

    def space(self, text: str | None) -> Space:
        """The space that is meant. Raises NoSpace, SeveralSpaces, NameUnknown, NameAmbiguous."""
        held = self.present.spaces()
        if not held:
            raise NoSpace(source=str(self.path))
        if text is not None:
            found = pick("space", text, [_named(space) for space in held])
            return next(space for space in held if space.id == found.id)
        orgs = [space for space in held if space.kind == "org"]
        if len(held) > 1 and len(orgs) != 1:
            raise SeveralSpaces(candidates=", ".join(_named(space).label for space in held))
        return (orgs or held)[0]


@contextmanager
def evidence(context: typer.Context, source: Path | None) -> Iterator[Evidence]:
    """What is named, or the data folder of this run; read once to its end."""
    session = session_of(context)
    path = session.folder if source is None else source.expanduser().absolute()
    with ExitStack() as opened:
        made = _opened(opened, session, path, own=source is None)
        with progress("Reading entries", made.store.last_pos()) as advance:
            made.present.advance = advance
            made.present.follow()
        yield made


def evidence_in(context: typer.Context, path: Path, store: Store) -> Evidence:
    """A store that is in clear, and belongs to who reads; `path` stands for it. Read once to its end."""
    made = _evidence(path, session_of(context), _nobody(), store, CarriedKeys())
    with progress("Reading entries", store.last_pos()) as advance:
        made.present.advance = advance
        made.present.follow()
    return made


def _opened(opened: ExitStack, session: Session, path: Path, *, own: bool) -> Evidence:
    if path.is_dir() and (path / EVENTS_FILE).exists():
        return _folder(opened, session if own else _session_at(session, path))
    if own:
        raise NoFolder(folder=str(path)) if protection_kind(path) is None else NoSpace(source=str(path))
    if path.is_dir() and evidence_files.is_published(path):
        with progress("Verifying entries", None) as advance:
            store = evidence_files.published(path, advance)
        return _evidence(path, session, _nobody(), store, CarriedKeys())
    if not path.exists():
        raise FileUnreadable(path=str(path), reason=os.strerror(2))
    if path.is_file() and _is_backup(path):
        raise BackupNotRestored(path=str(path))
    if is_export(path):
        return _file(opened, session, path)
    if path.is_file():
        check_kind(path, READABLE)
    raise SourceUnclear(path=str(path))


def _is_backup(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_backup(file.read(HEADER_BYTES_MAX))
    except OSError:
        return False  # Whoever reads it next says so.


def _folder(opened: ExitStack, session: Session) -> Evidence:
    """A data folder; without its keys, as a mirror has it, everything that is sealed stays closed."""
    identity, vault = _own_keys(opened, session)
    store = ReadOnlySqliteStore(session.folder / EVENTS_FILE)
    opened.callback(store.close)
    return _evidence(session.folder, session, identity, store, vault or CarriedKeys())


def _file(opened: ExitStack, session: Session, path: Path) -> Evidence:
    """A space file, or those of an export, with the keys they carry for this device and those that it has."""
    identity, beside = _own_keys(opened, session)
    store, carried = MemoryStore(), list[SpaceKey]()
    files = opened.enter_context(space_files(path))
    with progress("Verifying entries", None) as advance:
        for file in files:
            read = evidence_files.space_file(file, clock_us, store)
            if read.keys is not None:
                carried += open_keys(read.keys, identity.box, identity.box_secret)
            advance(1)
    if not store.last_pos():
        raise SourceUnclear(path=str(path))
    return _evidence(path, session, identity, store, CarriedKeys(carried, beside))


def _own_keys(opened: ExitStack, session: Session) -> tuple[Identity, ReadOnlyVault | None]:
    if not (session.folder / KEYS_FILE).exists() or protection_kind(session.folder) is None:
        return _nobody(), None
    identity = open_identity(session.folder, session.protection())
    vault = ReadOnlyVault(session.folder, state=_state(session), secret=identity.vault_secret)
    opened.callback(vault.close)
    return identity, vault


def _evidence(path: Path, session: Session, identity: Identity, store: Store, vault: KeyVault) -> Evidence:
    present = PastShelf(store, FOLDS, shared_key_of(vault), clock_us, vault.subjects)
    return Evidence(path, session, identity, store, vault, present)


def _session_at(session: Session, folder: Path) -> Session:
    """Another folder of this user's: the state folder stays."""
    made = Session(folder)
    made.settings = msgspec.structs.replace(read_settings(data=folder), state=session.settings.state)
    return made


def _state(session: Session) -> Path:
    return session.settings.state or state_folder()


def _nobody() -> Identity:
    """Whoever has no folder here: no box opens for these keys."""
    return Identity(*(secrets.token_bytes(32) for _ in range(4)))


def _named(space: Space) -> Named:
    state = space.state(ORGANISATIONS, space.id[:16])
    return Named(space.id, (title_of(space), str(getattr(state, "sid", "")), space.kind))

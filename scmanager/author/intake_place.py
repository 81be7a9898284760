"""Where the intake log of a folder lies: in a file of the folder, or in a PostgreSQL database that a setting names.

The folder keeps which of the two it is, so that a setting that was forgotten, or came later, is told from a loss.
"""

from contextlib import closing
from enum import StrEnum
from pathlib import Path

from scmanager.adapters.private_files import read_private, write_private
from scmanager.errors import Misconfigured
from scmanager.eventstore.sqlite_read_only import ReadOnlySqliteStore
from scmanager.eventstore.store import StoreDamaged

EVENTS_FILE = "events.db"
PLACE_FILE = "place"


class Place(StrEnum):
    """What the folder keeps of it, in one word."""

    FILE = "file"
    DATABASE = "postgresql"


class IntakeInFile(Misconfigured):
    """The intake log of this folder lies in {path}, and not in the database that SCM_INTAKE_DSN names."""

    code = "intake-in-file"
    hint = (
        "Nothing is damaged. Unset SCM_INTAKE_DSN to go on with that log. To go on in the database, a further log is"
        " begun there, and that one closed: scm author intake-init --further; docs/manual-author.md has the order."
    )


class IntakeInDatabase(Misconfigured):
    """The intake log of this folder lies in a PostgreSQL database: {why}."""

    code = "intake-in-database"
    hint = (
        "Nothing is damaged here. Set SCM_INTAKE_DSN to that database to go on with that log. To go on elsewhere, a"
        " further log is begun there, and that one closed: scm author intake-init --further; docs/manual-author.md"
        " has the order."
    )


def check_place(folder: Path, *, in_database: bool, begun: bool, held: int) -> None:
    """Whether the store in use is the one that the folder's log lies in.

    `begun`: a log was begun in this folder. `held`: how much of it is in the store in use. Raises IntakeInFile,
    IntakeInDatabase, and StoreDamaged for a file that lost what it had.
    """
    kept = _kept(folder)
    if in_database and (kept is Place.FILE or (kept is None and not held and _has_entries(folder / EVENTS_FILE))):
        raise IntakeInFile(path=str(folder / EVENTS_FILE))
    if not in_database and kept is Place.DATABASE:
        raise IntakeInDatabase(why="SCM_INTAKE_DSN is not set")
    if in_database and begun and not held:
        raise IntakeInDatabase(why="the database that SCM_INTAKE_DSN names does not hold it")
    if begun and not held:
        lost = f"{EVENTS_FILE} is empty, and there are keys of its logs"
        raise StoreDamaged(reason=lost if kept else f"{lost}, unless it was begun with SCM_INTAKE_DSN: then set that")


def keep_place(folder: Path, *, in_database: bool) -> None:
    """Remember it, durably. Raises PrivateFileFailed."""
    now = Place.DATABASE if in_database else Place.FILE
    if _kept(folder) is not now:
        write_private(folder / PLACE_FILE, now.encode())


def in_database(folder: Path) -> bool:
    """Whether the log of this intake folder lies in a database."""
    return _kept(folder) is Place.DATABASE


def _kept(folder: Path) -> Place | None:
    """None for a folder of an earlier release, and for what is no such word."""
    raw = read_private(folder / PLACE_FILE)
    return next((each for each in Place if each.encode() == raw), None)


def _has_entries(events: Path) -> bool:
    if not events.exists():
        return False
    with closing(ReadOnlySqliteStore(events)) as store:
        return store.last_pos() > 0

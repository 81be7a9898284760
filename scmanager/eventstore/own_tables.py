"""Whether a SQLite file that came from elsewhere holds our tables and nothing that acts by itself.

A foreign file may carry views, virtual tables and triggers, which run when somebody reads or writes, or tables of our
names without their keys, types and guards. All that is ours is known word for word, SQLite's own indices too: whoever
rewords anything keeps the old wording known here, or older backups are refused.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from scmanager.errors import Untrusted
from scmanager.eventstore.sqlite_faults import told

_STORE = ("sql/sqlite.sql", "sql/originators-sqlite.sql")
_OBJECTS = "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema"

_SINCE = ",\n    since     INTEGER NOT NULL DEFAULT 0\n)"
_BEFORE_SINCE = ("\n)", "\n, since INTEGER NOT NULL DEFAULT 0)")
"""How `pending` ends in schema 3, and how it does once SQLite added the column."""

_Object = tuple[str, str, str, str]
"""(type, name, table, the words that made it; empty for SQLite's own indices)"""


class TablesForeign(Untrusted):
    """The file {name} holds something that no release of ours put there: {what}."""

    code = "tables-foreign"
    hint = "Do not open it with anything. Take another copy."


def check_store_tables(path: Path) -> None:
    """An events file. Raises TablesForeign."""
    scripts = [files("scmanager.eventstore").joinpath(each).read_text(encoding="utf-8") for each in _STORE]
    store, *others = scripts
    check_tables(path, scripts, ([store.replace(_SINCE, end), *others] for end in _BEFORE_SINCE))


def check_tables(path: Path, scripts: Iterable[str], earlier: Iterable[Iterable[str]] = ()) -> None:
    """Nothing but what these scripts make, or made in earlier wordings; a table that is missing is older.

    Each table has the indices and triggers that it has now. Raises TablesForeign, also when it is no sound database,
    and FileUnusable.
    """
    ours = _made_by(scripts)
    known = ours.union(*(_made_by(each) for each in earlier))
    unsound = TablesForeign(name=path.name, what="it is no sound database")
    address = f"{path.absolute().as_uri()}?mode=ro"
    with told(path, lambda _: unsound), closing(sqlite3.connect(address, uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        found: list[_Object] = database.execute(_OBJECTS).fetchall()
    names = set()
    for each in found:
        kind, name, *_ = each
        if each not in known or name in names:
            raise TablesForeign(name=path.name, what=f"{kind} {str(name)[:60]}")
        names.add(name)
    for kind, name, table, _ in sorted(ours):
        if table in names and name not in names:
            raise TablesForeign(name=path.name, what=f"{table} without its {kind} {name}")


def _made_by(scripts: Iterable[str]) -> set[_Object]:
    with closing(sqlite3.connect(":memory:")) as fresh:
        for script in scripts:
            fresh.executescript(script)
        return set(fresh.execute(_OBJECTS).fetchall())

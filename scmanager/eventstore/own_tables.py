"""Whether a SQLite file holds our tables, with the guards that they need, and nothing that acts by itself.

A file may carry views, virtual tables and triggers, which run when somebody reads or writes, or tables of our names
without their keys, types and guards: one that came from elsewhere, and one's own after somebody else wrote to it. All
that is ours is known word for word, SQLite's own indices too: whoever rewords anything keeps the old wording known
here, or older files are refused.
"""

import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from scmanager.errors import Untrusted
from scmanager.eventstore.sqlite_faults import told

TABLES_FOREIGN, GUARD_MISSING = "tables-foreign", "guard-missing"
_STORE = ("sql/sqlite.sql", "sql/originators-sqlite.sql")
_OBJECTS = "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema"

_SINCE = ",\n    since     INTEGER NOT NULL DEFAULT 0\n)"
_BEFORE_SINCE = ("\n)", "\n, since INTEGER NOT NULL DEFAULT 0)")
"""How `pending` ends in schema 3, and how it does once SQLite added the column."""

_GUARDS_OF_2 = frozenset({"branch_grows", "part_grows", "outcome_grows"})
"""Triggers that no file of schema 1 has."""

_Object = tuple[str, str, str, str]
"""(type, name, table, the words that made it; empty for SQLite's own indices)"""


class Differences(NamedTuple):
    """What a file holds beside or instead of what is ours."""

    foreign: tuple[str, ...]
    """What no release of ours put there: `trigger NAME`."""
    missing: tuple[str, ...]
    """Triggers and indices that a table which is there goes without: `trigger NAME of TABLE`."""


class TablesForeign(Untrusted):
    """The file {name} holds something that no release of ours put there: {what}."""

    code = TABLES_FOREIGN
    hint = "Do not open it with anything. Take another copy."


def check_store_tables(path: Path) -> None:
    """An events file from elsewhere. Raises TablesForeign."""
    _check(path, *_store_objects())


def check_tables(path: Path, scripts: Iterable[str]) -> None:
    """Nothing but what these scripts make; a table that is missing is older.

    Each table has the indices and triggers that it has now. Raises TablesForeign, also when it is no sound database,
    and FileUnusable.
    """
    ours = _made_by(scripts)
    _check(path, ours, ours)


def store_differences(database: sqlite3.Connection) -> Differences:
    """Of an events file, of this or an earlier release. Raises what SQLite raises."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    ours, known = _store_objects()
    needed = {each for each in ours if version > 1 or each[1] not in _GUARDS_OF_2}
    return _differences(database.execute(_OBJECTS).fetchall(), needed, known)


def _check(path: Path, needed: Collection[_Object], known: Collection[_Object]) -> None:
    unsound = TablesForeign(name=path.name, what="it is no sound database")
    address = f"{path.absolute().as_uri()}?mode=ro"
    with told(path, lambda _: unsound), closing(sqlite3.connect(address, uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        found: list[_Object] = database.execute(_OBJECTS).fetchall()
    foreign, missing = _differences(found, needed, known)
    if foreign:
        raise TablesForeign(name=path.name, what=foreign[0])
    if missing:
        raise TablesForeign(name=path.name, what=f"a table without its {missing[0]}")


def _differences(found: Iterable[_Object], needed: Collection[_Object], known: Collection[_Object]) -> Differences:
    foreign, names = [], set[str]()
    for each in found:
        kind, name, *_ = each
        if each not in known or name in names:
            foreign.append(f"{kind} {str(name)[:60]}")
        names.add(name)
    missing = sorted(
        f"{each[0]} {each[1]} of {each[2]}" for each in needed if each[2] in names and each[1] not in names
    )
    return Differences(tuple(foreign), tuple(missing))


@cache
def _store_objects() -> tuple[frozenset[_Object], frozenset[_Object]]:
    """What an events file has now, and all that one of ours may have."""
    store, *others = (files("scmanager.eventstore").joinpath(each).read_text(encoding="utf-8") for each in _STORE)
    ours = _made_by([store, *others])
    return ours, ours.union(*(_made_by([store.replace(_SINCE, end), *others]) for end in _BEFORE_SINCE))


def _made_by(scripts: Iterable[str]) -> frozenset[_Object]:
    with closing(sqlite3.connect(":memory:")) as fresh:
        for script in scripts:
            fresh.executescript(script)
        return frozenset(fresh.execute(_OBJECTS).fetchall())

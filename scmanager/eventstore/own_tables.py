"""Whether a SQLite file that came from elsewhere holds our tables and nothing that acts by itself.

A foreign file may carry views, virtual tables and triggers, which run when somebody reads or writes. Of ours there
are triggers only, and they are known word for word: whoever rewords one keeps the old wording known here, or older
backups are refused.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from scmanager.errors import Untrusted

_STORE = ("sql/sqlite.sql", "sql/originators-sqlite.sql")
_OBJECTS = "SELECT type, name, ifnull(sql, '') FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'"


class TablesForeign(Untrusted):
    """The file {name} holds something that no release of ours put there: {what}."""

    code = "tables-foreign"
    hint = "Do not open it with anything. Take another copy."


def check_store_tables(path: Path) -> None:
    """An events file. Raises TablesForeign."""
    scripts = [files("scmanager.eventstore").joinpath(each).read_text(encoding="utf-8") for each in _STORE]
    check_tables(path, scripts)


def check_tables(path: Path, scripts: Iterable[str]) -> None:
    """Nothing but what these scripts make; less is older. Raises TablesForeign, also when it cannot be read."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        for script in scripts:
            fresh.executescript(script)
        ours = {(kind, name): sql for kind, name, sql in fresh.execute(_OBJECTS)}
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            found = database.execute(_OBJECTS).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise TablesForeign(name=path.name, what="it is no sound database") from error
    for kind, name, sql in found:
        known = ours.get((kind, name))
        if known is None or (kind != "table" and sql != known) or "VIRTUAL" in str(sql)[:20].upper():
            raise TablesForeign(name=path.name, what=f"{kind} {str(name)[:60]}")

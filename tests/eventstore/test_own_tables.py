"""What stands in an events file beside its rows: guards that are gone, and what acts by itself."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scmanager.eventstore import audit
from scmanager.eventstore.own_tables import GUARD_MISSING, TABLES_FOREIGN
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import StoreDamaged
from tests.eventstore.test_audit import found, grow

GUARDS = [
    ("trigger", "entry_stays", "entry"),
    ("trigger", "outcome_same", "outcome"),
    ("trigger", "branch_grows", "branch"),
    ("index", "part_key", "part"),
]
HOSTILE = {
    "trigger evil": "CREATE TRIGGER evil AFTER INSERT ON entry BEGIN DELETE FROM part; END",
    "trigger entry_stays": "DROP TRIGGER entry_stays;"
    "CREATE TRIGGER entry_stays BEFORE DELETE ON entry BEGIN SELECT 1; END",
    "view more": "CREATE VIEW more AS SELECT 1",
    "table entry": "ALTER TABLE entry ADD COLUMN more ANY",
    "index more": "CREATE UNIQUE INDEX more ON part (pos, number)",
}
SCHEMA_1 = """
    DROP TABLE pending; DROP TABLE pending_dropped; DROP TABLE pending_entry; DROP TABLE pending_part;
    DROP TRIGGER branch_grows; DROP TRIGGER part_grows; DROP TRIGGER outcome_grows; PRAGMA user_version = 1;
"""

both = pytest.mark.parametrize("deep", [False, True], ids=["fast", "deep"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    grow(store, found(store, b"s"))
    store.close()
    return path


def by_hand(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def findings(path: Path, *, deep: bool) -> list[tuple[str, str]]:
    return [(each.code, each.what) for each in audit.verify(path, deep=deep).findings]


def parts(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM part").fetchone()[0])


@both
@pytest.mark.parametrize(("kind", "name", "table"), GUARDS)
def test_a_guard_that_is_gone_is_found_and_stands_again_once_the_store_is_opened(
    path: Path, kind: str, name: str, table: str, deep: bool
) -> None:
    by_hand(path, f"DROP {kind} {name}")
    assert findings(path, deep=deep) == [(GUARD_MISSING, f"the {kind} {name} of {table} is missing")]
    for mended in ((f"{kind} {name} of {table}",), ()):
        store = SqliteStore(path)
        assert store.mended == mended
        store.close()
    assert findings(path, deep=deep) == []


@both
@pytest.mark.parametrize("named", HOSTILE)
def test_what_no_release_made_is_found_and_the_store_does_not_open(path: Path, named: str, deep: bool) -> None:
    by_hand(path, HOSTILE[named])
    held = parts(path)
    assert findings(path, deep=deep) == [(TABLES_FOREIGN, f"{named} is none that a release of ours made")]
    with pytest.raises(StoreDamaged, match=f"{named} in it is none that a release of ours made"):
        SqliteStore(path)
    assert parts(path) == held > 0


@both
def test_a_file_of_the_first_schema_misses_nothing(path: Path, deep: bool) -> None:
    by_hand(path, SCHEMA_1)
    assert findings(path, deep=deep) == []
    store = SqliteStore(path)
    assert store.mended == ()
    store.close()
    assert findings(path, deep=deep) == []


def test_a_new_file_misses_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "new.db")
    assert store.mended == ()
    store.close()

"""The same audit on PostgreSQL's own tables: whatever is changed in them is found, and one state is read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
import pytest

import scmanager.eventstore
from scmanager.eventstore import audit, audit_chunk
from scmanager.eventstore.audit_judge import Verified
from scmanager.eventstore.audit_postgres import OBJECTS_FILE, PostgresSource, objects
from scmanager.eventstore.own_tables import GUARD_MISSING, TABLES_FOREIGN
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.postgres_connections import StoreUnreachable
from tests.eventstore.test_audit import flipped, found, grow
from tests.support.effort import THOROUGH

pytestmark = pytest.mark.services
CELLS = {
    "entry": ("data", "shared"), "note": ("root", "signature"), "head": ("id", "tree"), "part": ("bytes", "key"),
    "log": ("id", "public", "space"),
}  # fmt: skip
FAST = {("entry", "data"), ("head", "id"), ("head", "tree"), ("log", "id"), ("log", "public"), ("log", "space")}
"""What a fast audit has to find as well."""
STRIDE = 1 if THOROUGH else 9


@pytest.fixture
def source(writer_dsn: str) -> PostgresSource:
    """Two logs of 13 entries each."""
    store = PostgresStore(writer_dsn)
    for seed in (b"s", b"t"):
        grow(store, found(store, seed))
    store.close()
    return PostgresSource(writer_dsn)


@pytest.fixture
def thief(events_database: str) -> Iterator[psycopg.Connection]:
    """A superuser, with every trigger asleep while he writes."""
    with psycopg.connect(events_database, autocommit=True) as connection:
        connection.execute("SET search_path = scm_events")
        yield connection


def codes(source: PostgresSource, *, deep: bool = True) -> set[str]:
    return {each.code for each in audit.verify(source, deep=deep).findings}


def asleep(thief: psycopg.Connection, state: str) -> None:
    for table in (*CELLS, "position"):
        names = thief.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND NOT tgisinternal", (table,)
        ).fetchall()
        for (name,) in names:
            thief.execute(f"ALTER TABLE {table} {state} TRIGGER {name}".encode())


@contextmanager
def unguarded(thief: psycopg.Connection) -> Iterator[None]:
    """Past the triggers, which are as they were afterwards."""
    thief.execute("SET session_replication_role = replica")  # No foreign keys.
    asleep(thief, "DISABLE")
    yield
    asleep(thief, "ENABLE ALWAYS")


def change(thief: psycopg.Connection, statement: str) -> None:
    with unguarded(thief):
        assert thief.execute(statement.encode()).rowcount >= 1


def test_a_store_that_nobody_touched_is_sound_and_is_read_by_either_name(
    source: PostgresSource, reader_dsn: str
) -> None:
    for deep in (False, True):
        seen: list[int] = []
        report = audit.verify(source, deep=deep, advance=seen.append)
        assert report.ok, report.findings
        assert (report.entries, report.logs, sum(seen), audit.count(source)) == (26, 2, 26, 26)
        assert msgspec.structs.replace(report, pending=0) == audit.verify(PostgresSource(reader_dsn), deep=deep)
    store = PostgresStore(source.dsn)
    assert {(head.log, head.size, head.id) for head in store.heads()} == {
        (head.log, head.size, head.id) for head in report.heads
    }
    store.close()


def test_any_byte_of_any_cell_is_found(source: PostgresSource, thief: psycopg.Connection) -> None:
    """One byte of each, at another place each time, and put back again."""
    number = 0
    with unguarded(thief):
        for table, columns in CELLS.items():
            for column in columns:
                query = f"SELECT ctid::text, {column} FROM {table} WHERE length({column}) > 0 ORDER BY ctid"
                for row, data in thief.execute(query.encode()).fetchall()[::STRIDE]:
                    number += 37
                    words = f"UPDATE {table} SET {column} = %s WHERE ctid = %s RETURNING ctid::text".encode()
                    (now,) = thief.execute(words, (flipped(data, number % len(data)), row)).fetchone() or ("",)
                    assert codes(source) - {GUARD_MISSING}, (table, column, data)
                    if (table, column) in FAST:
                        assert codes(source, deep=False) - {GUARD_MISSING}, (table, column, data)
                    thief.execute(words, (data, now))
    assert audit.verify(source, deep=True).ok


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM entry WHERE seq = 5 AND log = 1", "entry-missing"),
        ("DELETE FROM note WHERE size = 14 AND log = 1", "note-missing"),
        ("DELETE FROM head WHERE log = 1", "log-without-head"),
        ("UPDATE position SET last = 20", "position-missing"),
        ("DELETE FROM position", "position-missing"),
        ("UPDATE head SET size = 12 WHERE log = 1", "entry-unsigned"),
        ("UPDATE entry SET pos = pos + 100 WHERE pos = (SELECT max(pos) FROM entry)", "position-missing"),
        ("INSERT INTO part VALUES (999, 1, '', '')", "part-wrong"),
    ],
)
def test_what_is_taken_out_moved_or_added_is_found(
    source: PostgresSource, thief: psycopg.Connection, statement: str, code: str
) -> None:
    change(thief, statement.replace("size = 14", "size = (SELECT max(size) FROM note)"))
    assert code in codes(source, deep=False)


def test_guards_that_are_gone_asleep_or_others_are_told_and_whatever_acts_by_itself(
    source: PostgresSource, thief: psycopg.Connection
) -> None:
    for statement, undo, code, what in (
        ("ALTER TABLE entry DISABLE TRIGGER stays", "ALTER TABLE entry ENABLE ALWAYS TRIGGER stays",
         GUARD_MISSING, "the trigger stays of entry as it was made is missing"),
        ("ALTER TABLE note ENABLE TRIGGER stays", "ALTER TABLE note ENABLE ALWAYS TRIGGER stays",
         GUARD_MISSING, "the trigger stays of note as it was made is missing"),
        ("ALTER TRIGGER rises ON head RENAME TO sleeps", "ALTER TRIGGER sleeps ON head RENAME TO rises",
         GUARD_MISSING, "the trigger rises of head is missing"),
        ("ALTER TABLE note DROP CONSTRAINT note_pkey", "ALTER TABLE note ADD PRIMARY KEY (log, branch, size)",
         GUARD_MISSING, "the constraint note_pkey of note is missing"),
        ("CREATE RULE hides AS ON INSERT TO note DO INSTEAD NOTHING", "DROP RULE hides ON note",
         TABLES_FOREIGN, "rule hides is none that a release of ours made"),
        ("CREATE VIEW shown AS SELECT 1 AS one", "DROP VIEW shown",
         TABLES_FOREIGN, "table shown is none that a release of ours made"),
        ("ALTER TABLE entry ENABLE ROW LEVEL SECURITY", "ALTER TABLE entry DISABLE ROW LEVEL SECURITY",
         TABLES_FOREIGN, "table entry is none that a release of ours made"),
    ):  # fmt: skip
        thief.execute(statement.encode())
        if "SECURITY" not in statement:  # Then the writer's name sees nothing, and much is missing.
            found = [(each.code, each.what) for each in audit.verify(source).findings]
            assert (code, what) in found
            assert {each for each, _ in found} <= {GUARD_MISSING, TABLES_FOREIGN}
        else:
            assert code in codes(source, deep=False)
        thief.execute(undo.encode())
        assert audit.verify(source).ok, statement


def test_a_function_that_refuses_no_more_is_found(source: PostgresSource, thief: psycopg.Connection) -> None:
    thief.execute(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
    )
    (told,) = audit.verify(source).findings
    assert (told.code, told.what) == (GUARD_MISSING, "the function refuse as it was made is missing")


def chunks_of_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_chunk, "CHUNK_ENTRIES", 4)
    monkeypatch.setattr(audit, "CHUNK_ENTRIES", 4)


def test_what_is_committed_meanwhile_is_not_seen_by_any_of_the_processes(
    source: PostgresSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each chunk is read over a connection of its own, as in another process: all see the state at the begin."""
    chunks_of_4(monkeypatch)
    grown = False

    def advance(_: int) -> None:
        nonlocal grown
        if not grown:
            grown = True
            store = PostgresStore(source.dsn)
            grow(store, found(store, b"u"))
            store.close()

    assert (report := audit.verify(source, deep=True, advance=advance)).ok, report.findings
    assert (grown, report.entries) == (True, 26)
    assert audit.verify(source).entries == 39


def test_it_goes_on_where_it_ended(
    source: PostgresSource, thief: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks_of_4(monkeypatch)
    kept: dict[bytes, Verified] = {}
    first = audit.verify(source, deep=True, keep=lambda each: kept.update({each.log: each}))
    again = audit.verify(source, deep=True, since=kept.values())
    assert (again.ok, again.resumed, again.heads) == (True, 24, first.heads)
    change(thief, "DELETE FROM entry WHERE seq > 1 AND log = 1")
    assert not audit.verify(source, deep=True, since=kept.values()).ok


def test_nobody_is_named_where_a_store_is(writer_dsn: str) -> None:
    assert "password" not in PostgresSource(writer_dsn).name
    with pytest.raises(StoreUnreachable) as refused:
        audit.count(PostgresSource("host=127.0.0.1 port=1 user=ada password=hush dbname=none"))
    assert "hush" not in str(refused.value)


def test_what_counts_as_ours_is_what_an_installation_makes(source: PostgresSource) -> None:
    """UPDATE=1 writes it down."""
    with source.opened() as tables:
        made = objects(tables)
    path = Path(scmanager.eventstore.__file__).parent / OBJECTS_FILE
    if os.environ.get("UPDATE"):
        path.write_text("[\n" + ",\n".join(msgspec.json.encode(each).decode() for each in made) + "\n]\n")
    assert msgspec.json.decode(path.read_bytes(), type=list[tuple[str, str, str, str]]) == made

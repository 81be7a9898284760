"""The PostgreSQL store: rights, several machines, and a network that breaks in the middle of a commit."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from scmanager.eventstore.audit_postgres import PostgresSource
from scmanager.eventstore.filling import take_in
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.originators_postgres import PostgresOriginators
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.pending import Bounds, PendingFull
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.postgres_connections import (
    CommitUnknown,
    StoreDsnUnreadable,
    StoreNotInstalled,
    StoreUnreachable,
)
from scmanager.eventstore.postgres_install import NewerSchema, install
from scmanager.eventstore.store import LogTaken, Outcome, StoreBusy, StoreDamaged
from tests.support.pieces import piece, write
from tests.support.proxy import Proxy
from tests.support.stores import PASSWORD, SUBJECT, commit, copy_of, draft, genesis, new_log, run_of, signing_key

pytestmark = pytest.mark.services

GROWING = ("space", "log", "branch", "entry", "note", "outcome", "schema_version")
PENDING = ("pending", "pending_entry", "pending_part", "pending_dropped")
TABLES = (*GROWING, "head", "position", "part", "tracking", "originator", "arrival", *PENDING)
REFUSED = "42501"


@pytest.fixture
def store(writer_dsn: str) -> Iterator[PostgresStore]:
    made = PostgresStore(writer_dsn)
    yield made
    made.close()


def refusal(dsn: str, statement: str) -> str | None:
    """The SQL state a statement is refused with."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            return error.sqlstate
    return None


def filled(store: PostgresStore) -> OwnLog:
    log = new_log(store)
    log.add(draft("x"), log.hlc + 1)
    commit(store, log, Outcome(b"c" * 16, b"{}"))
    return log


def first_column(dsn: str, table: str) -> str:
    with psycopg.connect(dsn) as connection:
        if table == "log":
            return "id"  # The first is numbered by the database itself.
        cursor = connection.execute(f"SELECT * FROM scm_events.{table} LIMIT 0".encode())
        assert cursor.description is not None
        return cursor.description[0].name


@pytest.mark.parametrize("table", GROWING)
def test_what_only_grows_cannot_be_changed_by_the_writer_nor_the_administrator(
    store: PostgresStore, writer_dsn: str, events_database: str, table: str
) -> None:
    filled(store)
    before = copy_of(store).heads()
    column = first_column(writer_dsn, table)
    attempts = [
        f"UPDATE scm_events.{table} SET {column} = {column}",
        f"DELETE FROM scm_events.{table}",
        f"TRUNCATE scm_events.{table} CASCADE",
        f"INSERT INTO scm_events.{table} SELECT * FROM scm_events.{table} ON CONFLICT ({column}) DO UPDATE"
        f" SET {column} = excluded.{column}",
    ]
    for attempt in attempts:
        # The administrator is stopped by triggers, even when he pretends to replicate.
        assert refusal(writer_dsn, attempt) is not None, attempt
        assert refusal(writer_dsn, attempt.partition(" ON CONFLICT")[0]) is not None
    for attempt in attempts[:3]:
        assert refusal(events_database, f"SET session_replication_role = replica; {attempt}") == REFUSED, attempt
    assert copy_of(store).heads() == before
    assert store.outcome(before[0].log, b"c" * 16) == b"{}"


@pytest.mark.parametrize("table", TABLES)
def test_the_writer_cannot_take_the_guards_away(store: PostgresStore, writer_dsn: str, table: str) -> None:
    for attempt in (
        f"ALTER TABLE scm_events.{table} DISABLE TRIGGER ALL",
        f"DROP TABLE scm_events.{table} CASCADE",
        f"ALTER TABLE scm_events.{table} OWNER TO CURRENT_USER",
        f"CREATE RULE r AS ON INSERT TO scm_events.{table} DO INSTEAD NOTHING",
        f"CREATE TRIGGER t BEFORE INSERT ON scm_events.{table} EXECUTE FUNCTION scm_events.refuse()",
        f"GRANT DELETE ON scm_events.{table} TO PUBLIC",
    ):
        assert refusal(writer_dsn, attempt) in {REFUSED, None if attempt.startswith("GRANT") else REFUSED}, attempt
    assert refusal(writer_dsn, f"TRUNCATE scm_events.{table}") == REFUSED


@pytest.mark.parametrize(
    "attempt",
    [
        "SET session_replication_role = replica",
        "SET ROLE scm_events_owner",
        "CREATE OR REPLACE FUNCTION scm_events.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "DROP FUNCTION scm_events.refuse() CASCADE",
        "DROP SCHEMA scm_events CASCADE",
        "CREATE TABLE scm_events.mine (a int)",
        "DELETE FROM scm_events.head",
        "DELETE FROM scm_events.position",
        "INSERT INTO scm_events.position (one, last) VALUES (NULL, 7)",
        "UPDATE scm_events.position SET last = last - 1",
        "UPDATE scm_events.head SET size = size - 1",
        "UPDATE scm_events.head SET size = size",
        "UPDATE scm_events.head SET log = 9, size = size + 1",
        "UPDATE scm_events.part SET bytes = ''",
        "UPDATE scm_events.space SET id = id",
        "INSERT INTO scm_events.schema_version VALUES (9)",
    ],
)
def test_the_writer_can_only_go_forward(store: PostgresStore, writer_dsn: str, attempt: str) -> None:
    log = filled(store)
    assert refusal(writer_dsn, attempt) == REFUSED
    assert store.heads() == [log.head]


def test_the_reader_reads_and_nothing_else(store: PostgresStore, reader_dsn: str) -> None:
    log = filled(store)
    reader = PostgresStore(reader_dsn)
    assert reader.heads() == [log.head]
    assert len(reader.tail(0, 10)) == 5
    assert reader.wait(4, 1) is True
    log.add(draft("y"), log.hlc + 1)
    with pytest.raises((StoreNotInstalled, LogTaken)):
        reader.append(log.commit())
    with pytest.raises(StoreNotInstalled):
        reader.erase([SUBJECT.id])
    with pytest.raises(StoreNotInstalled):
        reader.admit(run_of(store, log.head.log))
    for table in TABLES:
        assert refusal(reader_dsn, f"DELETE FROM scm_events.{table}") == REFUSED
        assert refusal(reader_dsn, f"INSERT INTO scm_events.{table} DEFAULT VALUES") == REFUSED
    reader.close()


def test_what_waits_is_hidden_from_the_reader_and_only_added_or_removed_by_the_writer(
    store: PostgresStore, writer_dsn: str, reader_dsn: str
) -> None:
    log = new_log(store)
    write(log, "gap")
    take_in(store, piece([write(log, "x")]))
    for table in PENDING:
        column = {"pending": "id", "pending_dropped": "number"}.get(table, "run")
        assert refusal(reader_dsn, f"SELECT count(*) FROM scm_events.{table}") == REFUSED
        assert refusal(writer_dsn, f"UPDATE scm_events.{table} SET {column} = {column}") == REFUSED
    reader = PostgresStore(reader_dsn)
    with pytest.raises(StoreNotInstalled):
        reader.pending.waiting()
    reader.close()
    assert len(store.pending.waiting()) == 1


def test_two_machines_share_the_bounds_and_let_a_run_go_once(store: PostgresStore, writer_dsn: str) -> None:
    log = new_log(store)
    filling, late = write(log, "gap"), write(log, "x")
    other = PostgresStore(writer_dsn)
    take_in(store, piece([late]))
    with pytest.raises(PendingFull):
        other.pending.keep(piece([write(log, "y")]), Bounds(entries=1))
    threads = [threading.Thread(target=take_in, args=(each, piece([filling]))) for each in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert store.last_pos() == 6
    assert len(store.parts(range(9))) == 5  # Who came second let nothing go, and so erased nothing.
    assert other.pending.waiting() == []
    other.close()


def test_no_other_machine_commits_beside_private_rows(store: PostgresStore, writer_dsn: str) -> None:
    new_log(store)
    other = PostgresStore(writer_dsn)
    theirs = new_log(other, 2)
    theirs.add(draft("x"), theirs.hlc + 1)
    appending = threading.Thread(target=other.append, args=(theirs.commit(),))
    seen = []

    def look(_: object, newest: int) -> None:
        appending.start()
        time.sleep(0.5)
        seen.append((newest, other.last_pos()))

    store.private(look)
    appending.join(10)
    assert seen == [(8, 8)]
    assert store.last_pos() == 9
    other.close()


def test_an_empty_database_is_named_as_such(database: str) -> None:
    with pytest.raises(StoreNotInstalled):
        PostgresStore(database)


def test_a_store_of_the_first_schema_gains_what_came_later(
    store: PostgresStore, writer_dsn: str, events_database: str
) -> None:
    log = filled(store)
    with psycopg.connect(events_database, autocommit=True) as connection:
        later = ("originator", "arrival", *PENDING)
        connection.execute("DROP TABLE " + ", ".join(f"scm_events.{table}" for table in later))
        connection.execute("ALTER TABLE scm_events.schema_version DISABLE TRIGGER ALL")
        connection.execute("DELETE FROM scm_events.schema_version WHERE version > 1")
        connection.execute("ALTER TABLE scm_events.schema_version ENABLE ALWAYS TRIGGER stays")
    with pytest.raises(StoreNotInstalled):
        PostgresOriginators(store).name(b"e" * 16)
    for _ in range(2):
        install(events_database, PASSWORD, PASSWORD)
    assert PostgresOriginators(store).name(b"e" * 16) is None
    assert store.pending.waiting() == []
    assert refusal(writer_dsn, "DELETE FROM scm_events.arrival") == REFUSED
    assert refusal(writer_dsn, "UPDATE scm_events.originator SET name = name") == REFUSED
    assert store.heads() == [log.head]


def test_a_store_of_a_newer_release_is_left_alone(events_database: str) -> None:
    with psycopg.connect(events_database) as connection:
        connection.execute("INSERT INTO scm_events.schema_version VALUES (99)")
    with pytest.raises(NewerSchema):
        install(events_database, PASSWORD, PASSWORD)


def test_several_processes_may_set_up_at_once(database: str) -> None:
    code = (
        "import sys; from scmanager.eventstore.postgres_install import install;"
        "sys.stdin.readline(); install(sys.argv[1], 'for tests only', 'for tests only')"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, database], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(5)
    ]
    time.sleep(1)
    with ThreadPoolExecutor(5) as pool:
        said = list(pool.map(lambda process: process.communicate(b"\n", timeout=60)[1].decode(), started))
    assert said == [""] * 5
    install(database, PASSWORD, PASSWORD)


def test_a_commit_is_durable_whatever_the_server_says(store: PostgresStore, events_database: str) -> None:
    with psycopg.connect(events_database) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
    assert store._connected().execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_one_machine_writes_a_log_and_the_next_may_when_it_is_gone(store: PostgresStore, writer_dsn: str) -> None:
    log = new_log(store)
    other = PostgresStore(writer_dsn)
    second = OwnLog(other.heads()[0], signing_key(1))
    second.add(draft("x"), second.hlc + 1)
    batch = second.commit()
    with pytest.raises(LogTaken):
        other.append(batch)
    new_log(other, 2)  # A log of its own it may write.
    store.close()
    assert other.append(batch) == 9
    assert other.heads()[0].size == log.head.size + 1
    other.close()


def test_machines_that_write_side_by_side_leave_no_gap(writer_dsn: str) -> None:
    stores = [PostgresStore(writer_dsn, readers_max=1) for _ in range(3)]
    logs = [new_log(store, seed, 0) for seed, store in enumerate(stores, 1)]
    done = threading.Event()
    seen = [0]
    faults: list[list[int]] = []

    def follow() -> None:
        while not (done.is_set() and seen[0] == stores[0].last_pos()):
            rows = [row.pos for row in stores[0].tail(seen[0], 50)]
            if rows != list(range(seen[0] + 1, seen[0] + 1 + len(rows))):
                faults.append(rows)
            seen[0] += len(rows)

    def write(store: PostgresStore, log: OwnLog) -> None:
        for n in range(40):
            for word in range(1 + n % 3):
                log.add(draft(f"w{word}"), log.hlc + 1)
            commit(store, log)

    reader = threading.Thread(target=follow)
    reader.start()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, stores, logs))
    done.set()
    reader.join()
    assert faults == []
    assert seen == [3 + 3 * 79]
    assert copy_of(stores[0]).heads() == stores[0].heads()
    for store in stores:
        store.close()


def test_decisions_in_one_space_take_turns_and_those_in_two_do_not(writer_dsn: str) -> None:
    one, two = PostgresStore(writer_dsn), PostgresStore(writer_dsn)
    ada = new_log(one, 1)
    grace = new_log(two, 2, space=ada.head.space)
    seats: list[str] = []

    def take_the_last_seat(store: PostgresStore, log: OwnLog, who: str) -> None:
        with store.deciding(log.head.space):
            if len(store.tail(0, 100)) == 8:  # Nobody sits yet.
                time.sleep(0.2)
                log.add(draft("seat"), log.hlc + 1)
                commit(store, log)
                seats.append(who)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(take_the_last_seat, (one, two), (ada, grace), ("ada", "grace")))
    assert len(seats) == 1
    with one.deciding(ada.head.space):
        new_log(two, 3)  # Another space: not held up.
    one.close()
    two.close()


@pytest.fixture
def proxy(writer_dsn: str) -> Iterator[Proxy]:
    made = Proxy(writer_dsn)
    yield made
    made.close()


@pytest.mark.parametrize("step", ["pg_try_advisory_lock", "BEGIN", "INSERT INTO scm_events.log", "append", "COMMIT"])
def test_a_founding_request_that_never_arrived_recorded_nothing(proxy: Proxy, step: str) -> None:
    store = PostgresStore(proxy.dsn)
    log, _ = prepared(store, first=True)
    batch = log.commit()
    proxy.lose_request(batch.head.id if step == "append" else step.encode())
    with pytest.raises(StoreUnreachable):
        store.append(batch)
    assert store.heads() == []
    assert store.append(batch) == 1  # Nothing was recorded: the same commit may be sent again.
    store.close()


def test_a_request_that_never_arrived_recorded_nothing(proxy: Proxy) -> None:
    store = PostgresStore(proxy.dsn)
    log, _ = prepared(store, first=False)
    batch = log.commit()
    proxy.lose_request(batch.head.id)
    with pytest.raises(StoreUnreachable):
        store.append(batch)
    assert store.last_pos() == 4
    assert store.append(batch) == 5
    assert copy_of(store).heads() == [batch.head]
    store.close()


@pytest.mark.parametrize("first", [True, False])
def test_a_commit_whose_answer_is_lost_is_found_by_reading_the_head(proxy: Proxy, first: bool) -> None:
    store = PostgresStore(proxy.dsn)
    log, before = prepared(store, first)
    batch = log.commit()
    proxy.lose_answer(b"COMMIT" if first else batch.head.id)
    assert store.append(batch, [Outcome(b"c" * 16, b"{}")]) == before + 1
    log.committed(batch)
    assert store.last_pos() == before + 1
    assert store.outcome(log.head.log, b"c" * 16) == b"{}"
    log.add(draft("more"), log.hlc + 1)
    commit(store, log)
    store.close()


def test_a_commit_cut_while_the_server_works_is_told_as_it_ended(proxy: Proxy) -> None:
    store = PostgresStore(proxy.dsn)
    log = new_log(store)
    for _ in range(10):
        log.add(draft("x"), log.hlc + 1)
        batch = log.commit()
        proxy.hang_up(batch.head.id)
        held = log.head.size
        try:
            assert store.append(batch) == held + 1
        except StoreUnreachable:
            time.sleep(0.05)  # Nothing may come late.
            assert store.last_pos() == held
            assert store.append(batch) == held + 1
        log.committed(batch)
    assert copy_of(store).heads() == [log.head]
    store.close()


def test_a_session_that_never_noticed_the_break_is_ended_by_the_next(proxy: Proxy, writer_dsn: str) -> None:
    store = PostgresStore(proxy.dsn)
    log = new_log(store)
    proxy.keep_server_side(b"erase-this-key")
    with pytest.raises(StoreUnreachable):
        store.erase([b"erase-this-key"])
    log.add(draft("x"), log.hlc + 1)
    assert commit(store, log) == 5  # The lost session still holds the log's lock until it is ended.
    store.close()


@pytest.mark.parametrize("recorded", [True, False])
def test_a_commit_that_nobody_can_ask_about_is_called_unknown(proxy: Proxy, recorded: bool) -> None:
    store = PostgresStore(proxy.dsn)
    log, before = prepared(store, False)
    batch = log.commit()
    (proxy.lose_answer if recorded else proxy.lose_request)(batch.head.id)
    proxy.refuse_new()
    with pytest.raises(CommitUnknown):
        store.append(batch)
    with pytest.raises(StoreUnreachable):
        store.append(batch)
    proxy.reopen()
    assert store.heads()[0].size == before + (1 if recorded else 0)
    store.close()


def prepared(store: PostgresStore, first: bool) -> tuple[OwnLog, int]:
    """A log with one commit pending, and how many entries the store holds before it."""
    if first:
        key = signing_key(1)
        return OwnLog.found(genesis(key), key, hlc=10), 0
    log = new_log(store)
    log.add(draft("x", b"personal"), log.hlc + 1)
    return log, 4


def test_sessions_ended_by_the_server_are_opened_anew(store: PostgresStore, events_database: str) -> None:
    log = filled(store)
    assert store.wait(5, 0.1) is False
    with psycopg.connect(events_database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'scm_events_writer'"
        )
    assert store.heads() == [log.head]
    log.add(draft("y"), log.hlc + 1)
    with pytest.raises(StoreUnreachable):
        commit(store, log)
    assert commit(store, log) == 6
    threading.Timer(0.2, lambda: commit_more(store, log)).start()
    assert store.wait(6, 20) is True


def commit_more(store: PostgresStore, log: OwnLog) -> None:
    log.add(draft("z"), log.hlc + 1)
    commit(store, log)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE scm_events.head SET id = decode(repeat('00', 64), 'hex')",
        "UPDATE scm_events.head SET tree = ''",
        "UPDATE scm_events.log SET public = decode(repeat('00', 32), 'hex')",
        "UPDATE scm_events.entry SET data = data || 'x' WHERE pos = 5",
        "UPDATE scm_events.note SET size = 6 WHERE size = 5",
        "DELETE FROM scm_events.entry WHERE pos = 5",
        "DELETE FROM scm_events.note WHERE size = 5",
        "UPDATE scm_events.position SET last = 4",
        "DELETE FROM scm_events.head",
    ],
)
def test_a_store_whose_rows_were_changed_under_it_does_not_open(
    store: PostgresStore, writer_dsn: str, events_database: str, harm: str
) -> None:
    filled(store)
    store.close()
    with psycopg.connect(events_database) as connection:
        for table in ("log", "head", "entry", "note", "position"):
            connection.execute(f"ALTER TABLE scm_events.{table} DISABLE TRIGGER ALL".encode())
        connection.execute(harm.encode())
    with pytest.raises(StoreDamaged):
        PostgresStore(writer_dsn)


def test_a_store_that_cannot_be_written_now_says_that_nothing_was_recorded(
    store: PostgresStore, events_database: str
) -> None:
    log = filled(store)
    with psycopg.connect(events_database, autocommit=True) as connection:
        connection.execute("BEGIN; LOCK TABLE scm_events.entry IN ACCESS EXCLUSIVE MODE")
        store._connected().execute("SET lock_timeout = '200ms'")
        log.add(draft("y"), log.hlc + 1)
        batch = log.commit()
        with pytest.raises(StoreBusy):
            store.append(batch)
        connection.execute("ROLLBACK")
    assert store.append(batch) == 6


def test_what_one_store_holds_another_kind_admits(store: PostgresStore) -> None:
    log = filled(store)
    other = MemoryStore()
    assert other.admit(run_of(store, log.head.log)) == 5
    assert other.heads() == [log.head]


@pytest.mark.parametrize("dsn", ["postgresql://u:geheim@[::1/x", "postgresql://u:geheim%zz@db/x", "geheim"])
def test_an_address_that_cannot_be_read_is_told_without_its_words(dsn: str) -> None:
    for use in (lambda: PostgresStore(dsn), lambda: PostgresSource(dsn).name):
        with pytest.raises(StoreDsnUnreadable) as refused:
            use()
        assert "geheim" not in f"{refused.value} {refused.value.hint}"

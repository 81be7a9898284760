"""The SQLite store: what the disk, the kernel and other programs may do to it."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.errors import ScManagerError, Unavailable, Untrusted
from scmanager.eventstore.file_faults import DiskFailed, DiskFull, FileHeld, FileMoved, FileUnusable
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.sqlite_readers import HEADER_BYTES
from scmanager.eventstore.store import NotHeld, Outcome, StoreBusy, StoreDamaged
from tests.support.deadly import deadly
from tests.support.forked import Say, ended
from tests.support.stores import SUBJECT, commit, copy_of, draft, new_log, run_from, run_of, signing_key

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a process sees its open files in /proc")
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, users and file size limits of POSIX")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def filled(path: Path) -> OwnLog:
    """A closed store with one log of seven entries in two commits, parts and an outcome."""
    store = SqliteStore(path)
    log = new_log(store)
    for word in "xyz":
        log.add(draft(word, b"personal"), log.hlc + 1)
    commit(store, log, Outcome(b"c" * 16, b"{}"))
    store.close()
    return log


def test_a_store_opens_again_where_it_stopped(path: Path) -> None:
    log = filled(path)
    store = SqliteStore(path)
    assert store.heads() == [log.head]
    log.add(draft("more"), log.hlc + 1)
    assert commit(store, log) == 8
    store.close()
    store.close()


# What other programs may try

IMMUTABLE = ("entry", "note", "log", "branch", "outcome")


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection, with none of our settings."""
    filled(path)
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def contents(raw: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    return raw.execute(f"SELECT * FROM {table}").fetchall()


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize("table", [*IMMUTABLE, "part"])
def test_no_connection_changes_or_replaces_a_row(raw: sqlite3.Connection, table: str, recursive: str) -> None:
    raw.execute(f"PRAGMA recursive_triggers={recursive}")
    before = contents(raw, table)
    columns = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
    changes = [f"UPDATE {how} {table} SET {c} = {c}" for c in columns for how in ("", "OR REPLACE", "OR IGNORE")]
    inserts = [f"{how} INTO {table} SELECT * FROM {table}" for how in ("INSERT OR REPLACE", "REPLACE", "INSERT")]
    upsert = f"INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT DO UPDATE SET {columns[-1]} = x'00'"
    deletes = [] if table == "part" else [f"DELETE FROM {table}", f"DELETE FROM {table} WHERE rowid > 0"]
    for attempt in (*changes, *inserts, upsert, *deletes):
        with pytest.raises(sqlite3.Error):
            raw.execute(attempt)
    assert before
    assert contents(raw, table) == before


def test_no_connection_replaces_an_entry_under_another_position(raw: sqlite3.Connection) -> None:
    before = contents(raw, "entry")
    for pos in (1, 7, 8):
        with pytest.raises(sqlite3.IntegrityError, match="only grow"):
            raw.execute(
                "INSERT OR REPLACE INTO entry SELECT ?, log, branch, seq, x'', x'' FROM entry LIMIT 1", (pos,)
            )
    assert contents(raw, "entry") == before


def test_parts_may_be_erased_by_any_connection(raw: sqlite3.Connection) -> None:
    assert raw.execute("DELETE FROM part").rowcount == 6


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_erased_bytes_are_gone_from_every_file(path: Path) -> None:
    filled(path)
    store = SqliteStore(path)
    stored = list(store.parts(range(9)).values())
    assert all(part in on_disk(path) for part in stored)
    assert store.erase([SUBJECT.id]) == 6
    assert not any(part in on_disk(path) for part in stored)
    store.close()


def test_erasing_says_so_when_a_reader_holds_on_to_the_bytes(path: Path) -> None:
    filled(path)
    store = SqliteStore(path)
    store._writer.execute("PRAGMA busy_timeout=50")
    stored = list(store.parts(range(9)).values())
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM part").fetchone()
    with pytest.raises(StoreBusy) as busy:
        store.erase([SUBJECT.id])
    assert busy.value.facts["reason"] == "a reader keeps erased bytes in the write-ahead log; erase again"
    reader.close()
    assert store.erase([SUBJECT.id]) == 0
    assert not any(part in on_disk(path) for part in stored)
    store.close()


# What kill -9 may do

STEPS = ("BEGIN", *(f"INSERT INTO {table}" for table in ("entry", "part", "note", "head", "outcome")), "COMMIT")


def _write(say: Say, path: Path, step: str, when: str, doomed: int) -> None:
    store = SqliteStore(path)
    writer = deadly(store, step, when, 0)
    log = OwnLog(store.heads()[0], signing_key(1))
    for n in range(doomed + 1):
        writer.left = int(n == doomed)
        for word in "ab":
            log.add(draft(word, b"personal"), log.hlc + 1)
        commit(store, log, Outcome(bytes([n]) * 16, b"{}"))
        say(log.head.id)


@POSIX
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.slow
def test_a_writer_killed_at_any_step_loses_nothing_it_acknowledged(path: Path, step: str, when: str) -> None:
    log = filled(path)
    died = ended(_write, path, step, when, 2)
    assert died.code == -signal.SIGKILL, died
    assert len(died.said) == 2

    store = SqliteStore(path)  # Opening compares heads, notes and entries.
    head = store.heads()[0]
    done = step == "COMMIT" and when == "after"  # Done, but never acknowledged.
    assert head.size == store.last_pos() == 7 + (6 if done else 4)
    assert store.tail(0, 99)[-1].pos == head.size
    ids = [one.entry.id for one in run_of(store, head.log).sealed]  # Verifies the chain and the note.
    assert died.said == [ids[8], ids[10]]
    assert [store.outcome(head.log, bytes([n]) * 16) is not None for n in range(3)] == [True, True, done]
    assert len(store.parts(range(99))) == head.size - 1

    again = OwnLog(head, signing_key(1))
    again.add(draft("on"), again.hlc + 1)
    assert commit(store, again) == head.size + 1
    assert copy_of(store).heads() == [again.head]
    assert log.head.log == head.log
    store.close()


# What the disk may do


def test_late_parts_and_the_entries_that_come_with_them_are_stored_together_or_not_at_all(path: Path) -> None:
    elsewhere, store = MemoryStore(), SqliteStore(path)
    log = new_log(elsewhere, words=0)
    base = log.head
    log.add(draft("x", b"hers"), log.hlc + 1)
    first = log.commit()
    log.committed(first)
    log.add(draft("y", b"hers"), log.hlc + 1)
    whole = run_from(base, [first, log.commit()])
    store.admit(run_of(elsewhere, base.log))
    store.admit(run_from(base, [first], with_parts=False))
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TRIGGER fails BEFORE INSERT ON note BEGIN SELECT raise(ABORT, 'no more'); END")
        with pytest.raises(ScManagerError):
            store.admit(whole)
        assert (store.parts([2, 3]), store.last_pos()) == ({}, 2)
        raw.execute("DROP TRIGGER fails")
    assert store.admit(whole) == 1
    assert sorted(store.parts([2, 3])) == [(2, 1), (3, 1)]
    store.close()


def append_until_refused(store: SqliteStore, log: OwnLog) -> ScManagerError:
    for _ in range(2000):
        log.add(draft("fill", b"x" * 5000), log.hlc + 1)
        try:
            commit(store, log)
        except ScManagerError as error:
            log.undo_to(0)
            return error
    raise AssertionError("the disk is never full")


def test_a_full_database_says_that_nothing_was_recorded_and_goes_on_later(path: Path) -> None:
    log = filled(path)
    store = SqliteStore(path)
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count={pages + 20}")
    error = append_until_refused(store, log)
    assert isinstance(error, DiskFull)
    assert "full" in str(error)
    assert store.heads() == [log.head]
    store._writer.execute("PRAGMA max_page_count=1000000")
    log.add(draft("on"), log.hlc + 1)
    commit(store, log)
    assert copy_of(store).heads() == [log.head]
    store.close()


_LIMITED = """
import resource, sys
from pathlib import Path
from scmanager.errors import ScManagerError
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.sqlite import SqliteStore
from tests.eventstore.test_sqlite import append_until_refused
from tests.support.stores import commit, draft, signing_key

store = SqliteStore(Path(sys.argv[1]))
log = OwnLog(store.heads()[0], signing_key(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
error = append_until_refused(store, log)
assert store.heads() == [log.head]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.add(draft("on"), log.hlc + 1)
commit(store, log)
print(type(error).__name__, error.code, log.head.id.hex())
"""


@POSIX
@pytest.mark.slow
def test_a_disk_that_takes_no_more_says_that_nothing_was_recorded_and_goes_on_later(path: Path) -> None:
    filled(path)
    ended = subprocess.run([sys.executable, "-c", _LIMITED, path], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    name, code, last = ended.stdout.split()
    assert (name, code) == ("DiskFull", "disk-full")
    store = SqliteStore(path)
    assert store.heads()[0].id.hex() == last
    copy_of(store)
    store.close()


_AS_NOBODY = """
import os, sys
from pathlib import Path
import scmanager.eventstore.sqlite, tests.support.stores  # Before the rights to read them are given up.
from scmanager.errors import ScManagerError
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    store = scmanager.eventstore.sqlite.SqliteStore(Path(sys.argv[1]))
    log = scmanager.eventstore.own_log.OwnLog(store.heads()[0], tests.support.stores.signing_key(1))
    log.add(tests.support.stores.draft("x"), log.hlc + 1)
    tests.support.stores.commit(store, log)
    print("written")
except ScManagerError as error:
    print(error.code)
"""


@POSIX
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.slow
def test_a_folder_that_may_not_be_written_is_named_as_such(path: Path, there: bool) -> None:
    folder = path.parent / "locked"
    folder.mkdir()
    if there:
        filled(folder / "store.db")
        (folder / "store.db").chmod(0o444)
    for above in folder.parents:
        if above.owner() == folder.owner() and above != Path("/") and not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o111)  # Only the folder itself shall be in the way.
    folder.chmod(0o555)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, folder / "store.db"], capture_output=True, text=True
        )
    finally:
        folder.chmod(0o755)
    assert ended.stdout.strip() == ("file-read-only" if there else "file-not-opened"), ended.stderr


def test_a_store_that_another_program_holds_is_busy(path: Path) -> None:
    log = filled(path)
    store = SqliteStore(path)
    store._writer.execute("PRAGMA busy_timeout=50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    log.add(draft("x"), log.hlc + 1)
    batch = log.commit()
    with pytest.raises(FileHeld):
        store.append(batch)
    other.close()
    assert store.append(batch) == 8
    store.close()


def look_at_everything(path: Path) -> None:
    """Open, read and verify all; any error that is not ours passes through."""
    store = SqliteStore(path)
    try:
        store.tail(0, 1000)
        store.parts(range(100))
        copy_of(store)
        log = OwnLog(store.heads()[0], signing_key(1))
        log.add(draft("x", b"personal"), log.hlc + 1)
        commit(store, log)
    finally:
        store.close()


def verdict(path: Path, content: bytes) -> type[ScManagerError] | None:
    for name in ("store.db-wal", "store.db-shm"):
        path.with_name(name).unlink(missing_ok=True)
    path.write_bytes(content)
    try:
        look_at_everything(path)
    except (FileUnusable, StoreDamaged, Untrusted) as error:
        return type(error)
    except (AssertionError, IndexError):
        return NotHeld  # Whoever verified the log did not find its note or an entry: an index is damaged.
    return None


def test_a_truncated_file_is_called_damaged(path: Path) -> None:
    filled(path)
    whole = path.read_bytes()
    for size in (1, 50, 100, 512, 4095, 4096, *range(8192, len(whole), 4096), len(whole) - 1):
        assert verdict(path, whole[:size]) is StoreDamaged, size
    assert verdict(path, whole) is None


def test_noise_instead_of_a_database_is_called_damaged(path: Path) -> None:
    assert verdict(path, b"not a database, " * 1000) is StoreDamaged
    assert verdict(path, bytes(20_000)) is StoreDamaged


@pytest.mark.slow
def test_a_flipped_bit_is_never_more_than_a_clear_error(path: Path) -> None:
    filled(path)
    whole = path.read_bytes()
    assert verdict(path, whole) is None
    verdicts = []
    for place in range(0, len(whole), 331):
        spoiled = bytearray(whole)
        spoiled[place] ^= 1 << place % 8
        verdicts.append(verdict(path, bytes(spoiled)))
    assert verdicts.count(StoreDamaged) > 3
    assert verdicts.count(None) > len(verdicts) / 2  # Free space, mostly.
    assert verdict(path, whole) is None


def test_a_flipped_bit_in_an_entry_or_its_part_is_found_when_it_is_verified(path: Path) -> None:
    filled(path)
    whole = path.read_bytes()
    store = SqliteStore(path)
    row = store.tail(3, 1)[0]
    store.close()
    for stored in (row.data, row.shared):
        place = whole.index(stored) + len(stored) // 2
        spoiled = bytearray(whole)
        spoiled[place] ^= 1
        found = verdict(path, bytes(spoiled))
        assert found is not None
        assert issubclass(found, (Untrusted, Unavailable))


def test_another_programs_database_is_left_alone(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE bookmarks (url TEXT)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreDamaged) as damaged:
        SqliteStore(path)
    assert damaged.value.facts["reason"] == "the file is another program's database"
    assert path.read_bytes() == before


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    filled(path)
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(StoreDamaged) as damaged:
        SqliteStore(path)
    assert damaged.value.facts["reason"] == "a newer release wrote it (schema 99)"


def test_a_file_shorter_than_any_database_is_called_cut_off(path: Path) -> None:
    for size in (1, HEADER_BYTES - 1):
        path.write_bytes(bytes(size))
        with pytest.raises(StoreDamaged) as damaged:
            SqliteStore(path)
        assert damaged.value.facts["reason"] == "the file is cut off"
    path.write_bytes(b"")
    SqliteStore(path).close()  # An empty file is a new store.


def test_a_closed_store_takes_nothing_and_reads_nothing(path: Path) -> None:
    log = filled(path)
    store = SqliteStore(path)
    store.close()
    log.add(draft("x"), log.hlc + 1)
    for ask in (lambda: store.append(log.commit()), lambda: store.tail(0, 9)):
        with pytest.raises(StoreBusy) as busy:
            ask()
        assert busy.value.facts["reason"] == "it is closed"


def test_a_file_that_was_replaced_while_it_was_in_use_takes_nothing(path: Path) -> None:
    log = filled(path)
    store = SqliteStore(path)
    other = path.with_name("other.db")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    log.add(draft("x"), log.hlc + 1)
    with pytest.raises(FileMoved) as moved:
        store.append(log.commit())
    assert moved.value.facts["path"] == str(path)
    store.close()


def test_a_reader_that_comes_after_its_file_went_is_told_so_and_makes_none_anew(path: Path) -> None:
    filled(path)
    store = SqliteStore(path)
    moved = path.with_name("moved.db")
    with store._readers.lent():  # No connection is idle: whoever reads now opens one.
        path.rename(moved)
        with pytest.raises(FileMoved):
            store.tail(0, 9)
        assert not path.exists()
        path.write_bytes(moved.read_bytes())
        with pytest.raises(FileMoved):
            store.tail(0, 9)
        moved.replace(path)
        assert len(store.tail(0, 9)) == 7
    store.close()


_WITHOUT_ITS_FILE = """
import os, sys
from pathlib import Path
from scmanager.errors import ScManagerError
from scmanager.eventstore.sqlite import SqliteStore

path = Path(sys.argv[1]).resolve()
store = SqliteStore(path)
with store._readers.lent() as reader:
    reader.execute("PRAGMA cache_size=0")
    for number in os.listdir("/proc/self/fd"):
        if os.path.realpath(f"/proc/self/fd/{number}") in (str(path), f"{path}-wal"):
            os.close(int(number))  # What a disk does that goes away.
try:
    store.tail(0, 9)
except ScManagerError as error:
    print(error.code, flush=True)
os._exit(0)
"""


@LINUX
def test_a_disk_that_goes_away_is_neither_damage_nor_a_full_one(path: Path) -> None:
    filled(path)
    ended = subprocess.run([sys.executable, "-c", _WITHOUT_ITS_FILE, path], capture_output=True, text=True)
    assert ended.stdout.strip() == DiskFailed.code, ended.stderr


_WITHOUT_ROOM_TO_OPEN = """
import os, resource, sys
from pathlib import Path
from scmanager.errors import ScManagerError
from scmanager.eventstore.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
with store._readers.lent():
    opened = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    spare = []
    try:
        while True:
            spare.append(os.dup(0))
    except OSError:
        pass
    try:
        store.tail(0, 9)
    except ScManagerError as error:
        print(error.code)
"""


@LINUX
def test_too_many_open_files_are_said_and_nothing_is_called_damaged(path: Path) -> None:
    filled(path)
    ended = subprocess.run([sys.executable, "-c", _WITHOUT_ROOM_TO_OPEN, path], capture_output=True, text=True)
    assert ended.stdout.strip() == "file-not-opened", ended.stderr


def test_an_entry_that_is_not_bytes_is_called_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    store = SqliteStore(path)
    for row in ((1, b"log", 0, "text", b""), (1, b"log", 0, b"", None)):
        monkeypatch.setattr(store, "_query", lambda *_, row=row: [row])
        with pytest.raises(StoreDamaged) as damaged:
            store.tail(0, 9)
        assert damaged.value.facts["reason"] == "an entry's bytes are stored as something else"
    store.close()


def test_private_rows_are_written_through_the_store_and_read_beside_it(path: Path) -> None:
    log = filled(path)
    store = SqliteStore(path)
    store.private(lambda db, _: db.execute("CREATE TABLE own AS SELECT 7 AS number"))
    log.add(draft("x"), log.hlc + 1)
    store.append(log.commit(), also=lambda db, _: db.execute("INSERT INTO own VALUES (8)"))
    assert store.consult("SELECT number FROM own WHERE number > ?", (6,)) == [(7,), (8,)]
    with pytest.raises(StoreDamaged, match="no such table: nowhere"):
        store.consult("SELECT number FROM nowhere", ())
    store.close()


def test_threads_that_end_leave_no_connection_behind_after_closing(path: Path) -> None:
    filled(path)
    store = SqliteStore(path)
    threads = [threading.Thread(target=store.tail, args=(0, 9)) for _ in range(5)]
    for thread in threads:
        thread.start()
        thread.join()
    store.close()
    assert not path.with_name("store.db-wal").exists()  # The last connection to close takes it away.


def test_triggers_that_somebody_dropped_stand_again_at_the_next_opening(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "events.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "events.db")) as thief:
        before = thief.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name").fetchall()
        for (name,) in before:
            thief.execute(f"DROP TRIGGER {name}")
        thief.commit()
    SqliteStore(tmp_path / "events.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "events.db")) as anybody:
        after = anybody.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name").fetchall()
    assert before
    assert after == before

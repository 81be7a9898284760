"""An audit that goes on where one ended: it reads what is new, and never passes what was made up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from scmanager.adapters.verified_file import VerifiedFile
from scmanager.eventstore import audit, audit_chunk
from scmanager.eventstore.audit_judge import Ended, Verified, ends_of
from scmanager.eventstore.own_log import Draft, OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from tests.eventstore.test_audit import KEY, change, commit, flipped, found, grow, log_of, value

CHUNK = 4
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (audit, audit_chunk):
        monkeypatch.setattr(module, "CHUNK_ENTRIES", CHUNK)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two logs of 13 entries each."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    for seed in (b"s", b"t"):
        grow(store, found(store, seed))
    store.close()
    return path


def kept_of(path: Path, *, deep: bool = True) -> list[Verified]:
    """How far each branch is after an audit."""
    kept: dict[tuple[bytes, int], Verified] = {}
    report = audit.verify(path, deep=deep, keep=lambda each: kept.update({(each.log, each.branch): each}))
    assert report.ok
    return list(kept.values())


def longer(path: Path, seed: bytes = b"s", entries: int = 5) -> None:
    store = SqliteStore(path)
    log = OwnLog(
        next(head for head in store.heads() if head.public == SigningKey(seed * 32).public), SigningKey(seed * 32)
    )
    for _ in range(entries):
        log.add(Draft(b"more", KEY), log.hlc + 1)
    commit(store, log)
    store.close()


@pytest.mark.parametrize("deep", [False, True], ids=["fast", "deep"])
def test_what_was_verified_is_not_read_again_and_the_answer_is_the_same(path: Path, deep: bool) -> None:
    since = kept_of(path, deep=deep)
    assert [each.size for each in since] == [12, 12]
    longer(path)
    whole, told = audit.verify(path, deep=deep), list[int]()
    again = audit.verify(path, deep=deep, since=since, advance=told.append)
    assert again == msgspec.structs.replace(whole, resumed=24)
    assert (told[0], sum(told)) == (24, 31)


@pytest.mark.parametrize("seq", [0, 5, 11])
def test_what_was_changed_below_is_found_from_the_beginning_only(path: Path, seq: int) -> None:
    since = kept_of(path)
    data = value(path, f"SELECT data FROM entry WHERE log = 1 AND seq = {seq}")
    change(path, "UPDATE entry SET data = ? WHERE log = 1 AND seq = ?", flipped(data, 150), seq)
    assert audit.verify(path, deep=True, since=since).ok == (seq != 0), "a log's first entry is looked at each time"
    assert (log_of(path, 1), seq) in {(each.log, each.seq) for each in audit.verify(path, deep=True).findings}


@pytest.mark.parametrize("seq", [12, 14, 17])
def test_what_was_changed_above_is_found(path: Path, seq: int) -> None:
    since = kept_of(path)
    longer(path)
    data = value(path, f"SELECT data FROM entry WHERE log = 1 AND seq = {seq}")
    change(path, "UPDATE entry SET data = ? WHERE log = 1 AND seq = ?", flipped(data, 150), seq)
    assert not audit.verify(path, deep=True, since=since).ok
    assert not audit.verify(path, since=since).ok


def test_what_was_made_up_leads_to_no_signed_head(path: Path) -> None:
    first, other = kept_of(path)
    for forged in (
        msgspec.structs.replace(first, tree=tuple(bytes(32) for _ in first.tree)),
        msgspec.structs.replace(first, tree=other.tree),
        msgspec.structs.replace(first, id=bytes(64)),
        msgspec.structs.replace(first, size=8, tree=first.tree[:1]),
    ):
        assert not audit.verify(path, deep=True, since=[forged]).ok


def test_what_is_not_well_formed_is_not_gone_on_from(path: Path) -> None:
    first, _ = kept_of(path)
    for odd in ({"size": 11}, {"size": -4}, {"size": 0}, {"tree": ()}, {"tree": (b"x", b"y")}, {"id": b""}):
        seen: list[int] = []
        assert audit.verify(path, deep=True, since=[msgspec.structs.replace(first, **odd)], advance=seen.append).ok
        assert (seen[0], sum(seen)) == (0, 26)


def test_a_log_that_has_fewer_entries_than_it_had_is_told(path: Path) -> None:
    before = path.read_bytes()
    longer(path)
    since = kept_of(path)
    path.with_name("events.db-wal").unlink(missing_ok=True)
    path.write_bytes(before)
    assert audit.verify(path, deep=True).ok, "rolled back whole: true once"
    (finding,) = audit.verify(path, deep=True, since=since).findings
    assert (finding.code, finding.log) == ("log-shrunk", since[0].log)


def own(path: Path, seed: bytes = b"s") -> tuple[SqliteStore, OwnLog]:
    store, key = SqliteStore(path), SigningKey(seed * 32)
    return store, OwnLog(next(head for head in store.heads() if head.public == key.public), key)


def history(path: Path, commits: tuple[int, ...]) -> bytes:
    """The file with so many entries more."""
    store, log = own(path)
    grow(store, log, commits)
    store.close()
    return path.read_bytes()


def ends(path: Path) -> list[Ended]:
    return [Ended(each.log, each.branch, each.size, each.root) for each in audit.verify(path).heads]


@pytest.mark.parametrize("deep", [False, True], ids=["fast", "deep"])
@pytest.mark.parametrize("same", [(), (2,), (4,), (5,), (6,)])
def test_a_log_that_was_replaced_by_a_longer_one_is_told(path: Path, deep: bool, same: tuple[int, ...]) -> None:
    """Both histories are signed by its key, and each is sound by itself; they part before, at or after that chunk."""
    before = history(path, same)
    history(path, (7 - sum(same),))
    since, ended = kept_of(path, deep=deep), ends(path)
    assert {each.size for each in since} == {12, 20}
    path.write_bytes(before)
    history(path, (3, 8))
    assert audit.verify(path, deep=deep).ok, "true by itself"
    told = audit.verify(path, deep=deep, ended=ended)
    assert [(each.code, each.log) for each in told.findings] == [("log-replaced", log_of(path, 1))]
    assert not audit.verify(path, deep=deep, since=since, ended=ended).ok


def test_a_log_that_goes_on_leads_through_where_it_ended(path: Path) -> None:
    for count in (1, 2, 3, 4, 5):
        since, ended = kept_of(path), ends(path)
        longer(path, entries=count)
        assert audit.verify(path, since=since, ended=ended).ok
        assert audit.verify(path, deep=True, ended=ended, processes=1).ok


def test_what_was_changed_is_told_as_that_and_not_as_another_history(path: Path) -> None:
    ended = ends(path)
    data = value(path, "SELECT data FROM entry WHERE log = 1 AND seq = 6")
    change(path, "UPDATE entry SET data = ? WHERE log = 1 AND seq = 6", flipped(data, 150))
    assert {each.code for each in audit.verify(path, ended=ended).findings} == {"entry-changed"}


def test_an_audit_that_was_broken_off_further_on_is_the_mark(path: Path) -> None:
    ended, (first, second) = ends(path), kept_of(path)
    assert ends_of(ended, [first, second]) == tuple(ended)
    longer(path)
    (further, _) = kept_of(path)
    reached = Ended(first.log, 0, 16, audit.merkle.CompactRange(16, further.tree).root())
    assert further.size == 16
    assert ends_of(ended, [further]) == (reached, ended[1])
    assert audit.verify(path, ended=[reached]).ok
    assert ends_of(ended, [msgspec.structs.replace(further, tree=(b"x",))]) == tuple(ended)


def test_nothing_is_kept_of_what_is_wrong(path: Path) -> None:
    data = value(path, "SELECT shared FROM entry WHERE log = 1 AND seq = 6")
    change(path, "UPDATE entry SET shared = ? WHERE log = 1 AND seq = 6", flipped(data, 33))
    kept: list[Verified] = []
    assert not audit.verify(path, deep=True, keep=kept.append).ok
    assert {(each.log, each.size) for each in kept if each.log == log_of(path, 1)} == {(log_of(path, 1), 4)}


KILLED = """
import os, signal, sys
from pathlib import Path
from scmanager.adapters import verified_file
from scmanager.eventstore import audit, audit_chunk
audit.CHUNK_ENTRIES = audit_chunk.CHUNK_ENTRIES = 4
verified_file.EVERY_S = 0
path, state = Path(sys.argv[1]), Path(sys.argv[2])
kept = verified_file.VerifiedFile(state, path, deep=True)
left = [int(sys.argv[3])]
def keep(reached):
    kept.keep(reached)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
audit.verify(path, deep=True, since=kept.read(), keep=keep)
"""


def test_an_audit_that_was_killed_goes_on_where_it_was(path: Path, tmp_path: Path) -> None:
    for chunks, sizes in ((2, [8]), (2, [12, 4])):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(tmp_path / "state"), str(chunks)],
            cwd=ROOT, env=os.environ, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL
        since = VerifiedFile(tmp_path / "state", path, deep=True).read()
        assert [each.size for each in since] == sizes
    seen: list[int] = []
    again = audit.verify(path, deep=True, since=since, advance=seen.append)
    assert again == msgspec.structs.replace(audit.verify(path, deep=True), resumed=16)
    assert seen[0] == 16

"""What a machine has seen of the ledger, on its disk: whole, private, and never written over by who knew less."""

import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.adapters import ledger_memory
from scmanager.adapters.folder_lock import FolderInUse, FolderLock
from scmanager.adapters.ledger_memory import LOCK_FILE, LedgerMemory, LedgerMemoryDamaged
from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, sign_note
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.merkle import consistency_proof, leaf_hash
from scmanager.master_ledger.seen import HeadSeen, Outcome, Seen, with_head
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import POLICY, Server, first_manifest

SERVER = Server()
FIRST = first_manifest(SERVER)
LEDGER = manifest_hash(FIRST.statement)


def full() -> Seen:
    """Manifests, a head, one that nobody cosigned, and a fork."""
    server = Server()
    seen = Seen(LEDGER, asked_s=7).with_manifests([FIRST])
    server.leaves += [leaf_hash(b"a"), leaf_hash(b"b")]
    first = server.note()
    server.leaves[1:] = [leaf_hash(b"x")] * 3
    path = tuple(consistency_proof(3, server.leaves))
    fork = HeadFork.make(server.key.public, first, server.note(), server.head(3).root, path)
    bare = HeadSeen(sign_note(Checkpoint(server.origin, 10**15, bytes(32)), server.key))
    return replace(seen, heads=(HeadSeen(first),), forks=(fork,), unwitnessed=(bare,))


def kept(folder: Path) -> LedgerMemory:
    memory = LedgerMemory(folder / "state", LEDGER)
    memory.see(lambda _: Outcome(full()))
    return memory


def test_what_was_seen_is_there_after_a_restart(tmp_path: Path) -> None:
    assert LedgerMemory(tmp_path / "state", LEDGER).read() == Seen(LEDGER)
    assert kept(tmp_path).read() == full()
    assert LedgerMemory(tmp_path / "state", LEDGER).read() == full()
    assert LedgerMemory(tmp_path / "state", bytes(32)).read() == Seen(bytes(32)), "of another ledger: nothing"


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    memory = kept(tmp_path)
    assert memory.path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert {each.name for each in (tmp_path / "state").iterdir()} == {memory.path.name, LOCK_FILE}


def test_what_did_not_change_is_not_written(tmp_path: Path) -> None:
    memory = kept(tmp_path)
    before = memory.path.stat().st_ino
    memory.see(Outcome)
    assert memory.path.stat().st_ino == before


def test_a_look_that_fails_keeps_nothing(tmp_path: Path) -> None:
    memory = kept(tmp_path)

    def fails(_: Seen) -> Outcome:
        raise LookupError

    with pytest.raises(LookupError):
        memory.see(fails)
    assert memory.read() == full()


def test_who_sees_more_at_once_forgets_nothing_of_each_other(tmp_path: Path) -> None:
    """Eight commands, each with a head of its own: none is lost."""
    memory = LedgerMemory(tmp_path / "state", LEDGER)
    memory.see(lambda seen: Outcome(seen.with_manifests([FIRST])))
    server = Server()
    server.leaves += [leaf_hash(b"%d" % n) for n in range(20)]
    notes = [server.note(size) for size in range(2, 10)]
    ready = threading.Barrier(len(notes))

    def add(note: bytes) -> None:
        ready.wait()
        while True:
            try:
                LedgerMemory(tmp_path / "state", LEDGER).see(lambda seen: with_head(seen, note, seen.keys(), POLICY))
                return
            except ledger_memory.SeenMeanwhile:
                continue

    threads = [threading.Thread(target=add, args=(note,)) for note in notes]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    sizes = [each.size for each in memory.read().heads_of(SERVER.log.log)]
    assert sizes == list(range(2, 10))


def test_who_is_overtaken_looks_again(tmp_path: Path) -> None:
    memory, looks = kept(tmp_path), []

    def look(seen: Seen) -> Outcome:
        looks.append(seen.asked_s)
        if len(looks) == 1:
            LedgerMemory(tmp_path / "state", LEDGER).see(lambda held: Outcome(replace(held, asked_s=50)))
        return Outcome(replace(seen, asked_s=seen.asked_s + 1))

    memory.see(look)
    assert looks == [7, 50]
    assert memory.read().asked_s == 51


def test_who_is_overtaken_each_time_is_told_so(tmp_path: Path) -> None:
    memory = kept(tmp_path)

    def look(seen: Seen) -> Outcome:
        other = LedgerMemory(tmp_path / "state", LEDGER)
        other.see(lambda held: Outcome(replace(held, asked_s=held.asked_s + 1)))
        return Outcome(replace(seen, asked_s=1000))

    with pytest.raises(ledger_memory.SeenMeanwhile):
        memory.see(look)


def test_a_lock_that_is_never_given_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = kept(tmp_path)
    monkeypatch.setattr(ledger_memory, "WAIT_S", 0.1)
    with FolderLock(tmp_path / "state" / LOCK_FILE), pytest.raises(FolderInUse):
        memory.see(lambda seen: Outcome(replace(seen, asked_s=9)))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_byte_is_taken_for_what_was_seen(tmp_path: Path, data: st.DataObject) -> None:
    memory = kept(tmp_path)
    whole = memory.path.read_bytes()
    raw = bytearray(whole)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    memory.path.write_bytes(raw)
    try:
        read = memory.read()
    except Untrusted:
        return
    finally:
        memory.path.unlink()
    assert [each.point() for each in read.heads] == [each.point() for each in full().heads]
    assert replace(read, asked_s=7, heads=()) == replace(full(), heads=()), "but for the time, which nobody signed"


@given(st.binary(max_size=200) | st.just(b"[" * 100_000) | st.just(b'{"format":"scm-ledger-seen/2"}'))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_told_as_damage_with_its_path(tmp_path: Path, noise: bytes) -> None:
    memory = kept(tmp_path)
    memory.path.write_bytes(noise)
    with pytest.raises(LedgerMemoryDamaged, match="ledger-"):
        memory.read()
    memory.path.unlink()

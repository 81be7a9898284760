"""A log as static files: read by the specification alone, never ahead of what lies there, never back."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.adapters import tile_folder
from scmanager.adapters.folder_lock import FolderInUse, FolderLock
from scmanager.adapters.ledger_source import from_folder
from scmanager.adapters.private_files import PrivateFileFailed
from scmanager.adapters.tile_folder import LOCK_FILE, publish
from scmanager.application.proving import OtherHistory
from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, sign_note
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.tile_tree import TileTree
from scmanager.master_ledger.fetching import tiles_from
from tests import tiny_verifier
from tests.golden.logs import key_of
from tests.support import tile_reader
from tests.support.stores import commit, draft, new_log, signing_key


class Kept:
    """A log in memory, and the folder it is published to."""

    def __init__(self, folder: Path) -> None:
        self.store, self.folder = MemoryStore(), folder
        self.log: OwnLog = new_log(self.store, words=1)

    def grow(self, count: int) -> None:
        for n in range(count):
            self.log.add(draft(f"w{n}"), self.log.hlc + 1)
        commit(self.store, self.log)

    def tree(self) -> LogTree:
        return LogTree(self.store, self.store.heads()[0], self.folder.parent)

    def publish(self) -> tile_folder.Published:
        return publish(self.tree(), self.folder)

    def read(self) -> list[bytes]:
        tree = self.tree()
        return tile_reader.entries(self.folder, tree.origin, tree.head.public)

    def files(self) -> set[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in found}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path / "public")
    yield made
    made.store.close()


def test_of_a_log_that_is_nobodys_business_the_hashes_alone_are_published(kept: Kept) -> None:
    for size in (100, 200, 257, 258, 600):
        kept.grow(size - kept.tree().head.size)
        publish(kept.tree(), kept.folder, entries=False)
        tree = kept.tree()
        read = TileTree(size, tree.root(size), tiles_from(from_folder(kept.folder)))
        assert read.leaf(size - 1) == tree.leaf(size - 1)
        assert tuple(read.consistency(100, size)) == tree.consistency(100, size)
    assert kept.files() == {
        "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/1", "tile/1/000.p/2", "checkpoint", LOCK_FILE,
    }  # fmt: skip


@pytest.mark.parametrize("more", [1, 253, 254, 255, 800])
def test_who_knows_the_specification_alone_reads_the_whole_log(kept: Kept, more: int) -> None:
    kept.grow(more)
    assert kept.publish().size == more + 2
    assert kept.read() == [row.data for row in kept.tree().rows(0, more + 2)]


def test_the_files_are_those_of_the_specification_and_our_shared_parts(kept: Kept) -> None:
    kept.grow(298)
    kept.publish()
    tiles = {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"}
    assert kept.files() == tiles | {"checkpoint", "shared/000", "shared/001.p/44", LOCK_FILE}


def test_a_second_verifier_finds_entries_and_shared_parts_authentic(kept: Kept) -> None:
    kept.grow(300)
    kept.publish()
    shared = tile_reader.bundles(kept.folder, "shared", 302)
    held = [{0: part} if part else {} for part in shared]
    note = (kept.folder / "checkpoint").read_bytes()
    assert tiny_verifier.verify(kept.read(), held, note, {})[0] == "authentic"
    held[5] = {0: held[6][0]}
    assert tiny_verifier.verify(kept.read(), held, note, {})[0] == "part-wrong"


def test_what_was_published_grows_and_nothing_is_written_twice(kept: Kept) -> None:
    kept.grow(598)
    kept.publish()
    full = kept.folder / "tile" / "entries" / "000"
    before = full.stat().st_mtime_ns
    kept.grow(10)
    done = kept.publish()
    assert (done.size, done.files) == (610, 4), "a bundle, its shared parts, a tile and the checkpoint"
    assert full.stat().st_mtime_ns == before
    assert len(kept.read()) == 610


def test_a_checkpoint_that_lies_there_keeps_its_cosignatures(kept: Kept) -> None:
    kept.publish()
    path = kept.folder / "checkpoint"
    cosigned = path.read_bytes() + "— witness.example AAAAAAAA\n".encode()
    path.write_bytes(cosigned)
    assert kept.publish().files == 0
    assert path.read_bytes() == cosigned


def test_what_others_saw_is_never_taken_back(kept: Kept, tmp_path: Path) -> None:
    """The store was put back to an earlier state, or it is another log's: the folder stays as it is."""
    earlier = kept.tree()
    kept.grow(5)
    kept.publish()
    before = (kept.folder / "checkpoint").read_bytes()
    with pytest.raises(OtherHistory, match="it has 7 entries, here are 2"):
        publish(earlier, kept.folder)
    other = Kept(tmp_path / "public")
    other.log = new_log(other.store, 2)
    with pytest.raises(OtherHistory, match="another log"):
        publish(LogTree(other.store, other.log.head, tmp_path), kept.folder)
    forged = Checkpoint(earlier.origin, 3, bytes(32))
    (kept.folder / "checkpoint").write_bytes(sign_note(forged, signing_key(1)))
    with pytest.raises(OtherHistory, match="not those that are here"):
        kept.publish()
    (kept.folder / "checkpoint").write_bytes(sign_note(forged, key_of("thief")))
    with pytest.raises(Untrusted):
        kept.publish()
    (kept.folder / "checkpoint").write_bytes(before)
    assert len(kept.read()) == 7


@given(noise=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_in_place_of_a_checkpoint_is_untrusted(kept: Kept, noise: bytes) -> None:
    kept.folder.mkdir(exist_ok=True)
    (kept.folder / "checkpoint").write_bytes(noise)
    with pytest.raises(Untrusted):
        kept.publish()
    assert (kept.folder / "checkpoint").read_bytes() == noise


def test_whoever_stops_at_any_file_leaves_a_head_with_everything_under_it(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each file in turn: not written, and written but not known to be."""
    kept.grow(254)
    kept.publish()
    kept.grow(300)
    real, files = tile_folder.write_public, 8

    for stop in range(2 * files):
        left = [stop // 2]

        def fails(path: Path, data: bytes, left: list[int] = left, done: bool = bool(stop % 2)) -> None:
            if not left[0]:
                if done:
                    real(path, data)
                raise PrivateFileFailed(path=str(path), act="written", reason="full")
            left[0] -= 1
            real(path, data)

        monkeypatch.setattr(tile_folder, "write_public", fails)
        with pytest.raises(PrivateFileFailed):
            kept.publish()
        assert len(kept.read()) == (256 if stop < 2 * files - 1 else 556), stop
    monkeypatch.setattr(tile_folder, "write_public", real)
    assert kept.publish().files == 0


def test_one_at_a_time_publishes(kept: Kept) -> None:
    kept.folder.mkdir()
    with FolderLock(kept.folder / LOCK_FILE), pytest.raises(FolderInUse):
        kept.publish()


def test_a_folder_that_cannot_be_made_is_named(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "public").write_text("a file")
    with pytest.raises(PrivateFileFailed, match="public cannot be made"):
        kept.publish()


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_everybody_may_read_what_is_published(kept: Kept) -> None:
    before = os.umask(0o022)
    try:
        kept.publish()
    finally:
        os.umask(before)
    published = kept.files() - {LOCK_FILE}
    assert {(kept.folder / name).stat().st_mode & 0o777 for name in published} == {0o644}


@pytest.mark.skipif(sys.platform == "win32", reason="an open file is not replaced there")
def test_who_is_reading_a_head_while_the_next_one_comes_reads_it_to_its_end(kept: Kept) -> None:
    kept.publish()
    before = (kept.folder / "checkpoint").read_bytes()
    kept.grow(5)
    with (kept.folder / "checkpoint").open("rb") as reading:
        kept.publish()
        assert reading.read() == before
    assert (kept.folder / "checkpoint").read_bytes() != before
    assert not list(kept.folder.rglob(".*.new"))

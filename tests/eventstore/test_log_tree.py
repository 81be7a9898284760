"""The kept tree of a log: no proof reads the log, and nothing that is kept is believed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.errors import Unavailable
from scmanager.eventstore import kept_tree
from scmanager.eventstore.file_faults import FileUnusable
from scmanager.eventstore.kept_tree import KeptTree
from scmanager.eventstore.log_tree import FOLDER, LogTree
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.store import Row, StoreDamaged
from scmanager.eventstore.tiles import TilePath, grown, tiles_of
from tests.support.stores import commit, draft, new_log

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


class CountingStore(MemoryStore):
    """It says how many entries were read of it."""

    entries_read = 0

    def read(self, log: bytes, branch: int, first: int, limit: int) -> Sequence[Row]:
        rows = super().read(log, branch, first, limit)
        self.entries_read += len(rows)
        return rows


class Kept:
    """A log of 700 entries, and the folder its tree is kept in."""

    def __init__(self, folder: Path) -> None:
        self.store, self.folder = CountingStore(), folder
        self.log: OwnLog = new_log(self.store, words=699)

    def grow(self, count: int) -> None:
        for n in range(count):
            self.log.add(draft(f"w{n}"), self.log.hlc + 1)
        commit(self.store, self.log)

    def tree(self) -> LogTree:
        return LogTree(self.store, self.store.heads()[0], self.folder)

    def leaves(self) -> list[bytes]:
        head = self.store.heads()[0]
        return [leaf_hash(row.data) for row in self.store.read(head.log, 0, 0, head.size)]

    def files(self) -> list[Path]:
        return sorted(path for path in (self.folder / FOLDER).rglob("*") if path.is_file())


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.store.close()


def test_what_is_asked_of_it_is_what_the_entries_say(kept: Kept) -> None:
    tree, leaves = kept.tree(), kept.leaves()
    for size in (1, 256, 300, 700):
        assert tree.root(size) == root_of(leaves[:size])
        assert tree.inclusion(size - 1, size) == tuple(inclusion_proof(size - 1, leaves[:size]))
        assert tree.consistency(size, 700) == tuple(consistency_proof(size, leaves))
    assert {path: tree.tile(path) for path in grown(700)} == dict(tiles_of(leaves))
    assert [row.data for row in tree.rows(255, 700)] == [row.data for row in kept.store.tail(255, 445)]


def test_only_what_is_new_is_read_of_the_log(kept: Kept) -> None:
    kept.tree()
    assert kept.store.entries_read == 700
    kept.grow(5)
    tree = kept.tree()
    tree.inclusion(3, 705)
    tree.consistency(300, 705)
    assert kept.store.entries_read == 705
    assert kept.tree().root(705) == root_of(kept.leaves())


def test_what_is_kept_is_for_the_owner_alone_and_no_larger_than_it_must_be(kept: Kept) -> None:
    kept.tree()
    assert [path.stat().st_size for path in kept.files()] == [700 * 32, 2 * 32]
    assert {path.stat().st_mode & 0o077 for path in [*kept.files(), kept.files()[0].parent]} == {0}


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_to_the_files_the_tree_is_right(kept: Kept, data: st.DataObject) -> None:
    """Cut, changed, emptied, prolonged, removed: it is made anew from the entries."""
    for path in kept.files():
        path.unlink()
    kept.tree()
    for path in kept.files():
        raw = bytearray(path.read_bytes())
        act = data.draw(st.sampled_from(["leave", "cut", "change", "prolong", "remove"]))
        if act == "cut":
            path.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
        elif act == "change":
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1
            path.write_bytes(raw)
        elif act == "prolong":
            path.write_bytes(raw + data.draw(st.binary(max_size=9000)))
        elif act == "remove":
            path.unlink()
    tree, leaves = kept.tree(), kept.leaves()
    assert tree.root(699) == root_of(leaves[:699])
    assert tree.inclusion(4, 300) == tuple(inclusion_proof(4, leaves[:300]))
    assert {path: tree.tile(path) for path in grown(700)} == dict(tiles_of(leaves))
    assert next(path.stat().st_size for path in kept.files()) >= 700 * 32


def test_what_was_made_anew_once_is_not_made_anew_at_each_growth(kept: Kept) -> None:
    kept.tree()
    kept.files()[0].write_bytes(bytes(32 * 5000))
    kept.tree()
    before = kept.store.entries_read
    kept.grow(5)
    kept.tree()
    assert kept.store.entries_read == before + 5


def test_a_folder_that_was_kept_for_a_longer_history_serves_the_shorter_one(kept: Kept, tmp_path: Path) -> None:
    """A data folder that came back from a copy: the entries count, not what was kept beside them."""
    shorter = kept.tree().head
    kept.grow(400)
    kept.tree()
    tree = LogTree(kept.store, shorter, tmp_path)
    assert tree.root(700) == root_of(kept.leaves()[:700])


@pytest.mark.parametrize("stop", range(6))
def test_a_process_that_is_killed_between_two_files_leaves_nothing_wrong(
    tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, left = KeptTree(tmp_path), [stop]
    kept.write(0, LEAVES[:65_000])
    real = kept_tree.os.open

    def fails(*arguments: object) -> int:
        if not left[0]:
            raise OSError(28, "full")
        left[0] -= 1
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(kept_tree.os, "open", fails)
    try:
        for first in (65_000, 66_000, 67_000):
            kept.write(first, LEAVES[first : first + 1_000])
    except FileUnusable:
        pass
    monkeypatch.setattr(kept_tree.os, "open", real)
    kept.write(kept.size, LEAVES[kept.size :])
    assert kept.size == 70_000
    for path, data in tiles_of(LEAVES):
        assert kept.read(path) == data, path


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="file"):
        KeptTree(tmp_path / "file" / "trees")
    kept = KeptTree(tmp_path / "trees")
    assert kept.read(TilePath(0, 0, 3)) == b""
    (tmp_path / "trees" / "level-0").mkdir()
    with pytest.raises(FileUnusable, match="level-0"):
        kept.write(0, LEAVES[:1])
    with pytest.raises(FileUnusable, match="level-0"):
        kept.read(TilePath(0, 0, 3))


def test_entries_that_nobody_signed_make_no_tree(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    real = CountingStore.read

    def altered(self: CountingStore, *where: object) -> Sequence[Row]:
        rows = real(self, *where)  # type: ignore[arg-type]
        return [Row(row.pos, row.log, row.branch, row.data[:-1] + b"!", row.shared) for row in rows]

    good = kept.tree()
    monkeypatch.setattr(CountingStore, "read", altered)
    with pytest.raises(StoreDamaged, match="not what its key signed"):
        list(good.rows(0, 1))
    for path in kept.files():
        path.unlink()
    with pytest.raises(StoreDamaged, match="not what its key signed"):
        kept.tree()

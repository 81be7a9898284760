"""A published log is what was signed, file by file; and no byte of any of them can change unseen."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scmanager.adapters.tile_folder import publish
from scmanager.errors import Untrusted
from scmanager.eventstore import audit_published
from scmanager.eventstore.audit_published import PublishedReport, verify
from scmanager.eventstore.entry import Genesis, RecoveryKeys
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.own_log import Draft, OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.tiles import bundle, parse_bundle, tiles_of
from tests.support.effort import QUICK

SIZES = (5, 270, 600)
"""After each of which it is published: earlier partial tiles stay."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("published")
    store, key = MemoryStore(), SigningKey(b"p" * 32)
    genesis = Genesis(
        (), (), b"", "author", "ed25519", key.public, bytes(32), recovery=RecoveryKeys(1, (bytes(32),)),
        device=bytes(32), box=bytes(32),
    )  # fmt: skip
    log = OwnLog.found(genesis, key, 1)
    for size in SIZES:
        while log.head.size + log.added < size:
            log.add(Draft(b"said %d" % log.added, None), log.hlc + 1)
        batch = log.commit()
        store.append(batch)
        log.committed(batch)
        publish(LogTree(store, store.heads()[0], base / "trees"), base / "ledger")
    return base / "ledger"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "ledger"))


def sound(folder: Path, *, deep: bool = True) -> bool:
    """Whether it is what was signed."""
    try:
        return verify(folder, deep=deep).ok
    except Untrusted:
        return False


def codes(report: PublishedReport) -> set[str]:
    return {each.code for each in report.findings}


@pytest.mark.parametrize("deep", [False, True], ids=["fast", "deep"])
def test_what_was_published_is_sound(folder: Path, deep: bool) -> None:
    seen: list[int] = []
    report = verify(folder, deep=deep, advance=seen.append)
    assert (report.ok, report.size, report.others, sum(seen)) == (True, 600, 0, 600), report.findings
    (folder / "index.html").write_bytes(b"Welcome")
    assert (verify(folder, deep=deep).ok, verify(folder, deep=deep).others) == (True, 1)


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file() and each.name != ".publishing")


def test_there_are_tiles_of_every_kind(folder: Path) -> None:
    names = {each.relative_to(folder).as_posix() for each in files(folder)}
    assert {"checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"} <= names
    assert {"tile/0/000.p/5", "tile/entries/000.p/5", "shared/000.p/5", "tile/1/000.p/1"} <= names


def test_no_byte_of_any_file_can_change(folder: Path) -> None:
    for path in files(folder):
        whole = path.read_bytes()
        for place in {0, len(whole) - 1} if QUICK else {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert not sound(folder), (path, place)
        path.write_bytes(whole)
    assert sound(folder)


def test_no_file_can_be_cut_grow_or_be_another(folder: Path) -> None:
    listed = files(folder)
    for path in listed:
        whole = path.read_bytes()
        other = next(each.read_bytes() for each in listed if each != path and each.read_bytes() != whole)
        for changed in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"x", other):
            path.write_bytes(changed)
            assert not sound(folder), (path, len(changed))
        path.write_bytes(whole)
    assert sound(folder)


def test_only_what_has_been_grown_over_may_be_missing(folder: Path) -> None:
    for path in files(folder):
        whole = path.read_bytes()
        path.unlink()
        earlier = path.name == "5" or path.relative_to(folder).as_posix() in {
            "tile/0/001.p/14", "tile/entries/001.p/14", "shared/001.p/14", "tile/1/000.p/1",
        }  # fmt: skip
        assert sound(folder) == earlier, path
        path.write_bytes(whole)


def rewritten(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    """Entries and what they say changed alike, and all tiles made anew, as the server's thief could."""

    def act(folder: Path) -> None:
        entries: list[bytes] = []
        for number in range(3):
            name = f"tile/entries/{number:03}" + (".p/88" if number == 2 else "")
            entries += parse_bundle((folder / name).read_bytes(), 88 if number == 2 else 256)
        fresh = change(entries)
        for number in range(3):
            name = f"tile/entries/{number:03}" + (".p/88" if number == 2 else "")
            (folder / name).write_bytes(bundle(fresh[number * 256 : (number + 1) * 256]))
        for path, data in tiles_of([leaf_hash(each) for each in fresh]):
            (folder / str(path)).write_bytes(data)

    return act


@pytest.mark.parametrize(
    "change",
    [
        rewritten(lambda entries: [*entries[:300], entries[301], entries[300], *entries[302:]]),
        rewritten(lambda entries: [*entries[:300], entries[300], *entries[300:599]]),
        rewritten(lambda entries: [*entries[:300], *entries[301:], entries[599]]),
    ],
    ids=["swapped", "inserted", "removed"],
)
def test_entries_moved_with_all_their_tiles_are_not_those_that_were_signed(
    folder: Path, change: Callable[[Path], None]
) -> None:
    change(folder)
    assert "entry-changed" in codes(verify(folder))
    assert "chain-broken" in codes(verify(folder, deep=True))


def test_endless_files_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_published, "BUNDLE_BYTES_MAX", 100)
    assert not sound(folder)


def test_a_folder_without_a_head_of_its_log_is_none(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Untrusted):
        verify(tmp_path / "nowhere")
    (folder / "checkpoint").write_bytes(b"scm.log/1/x\n0\n\n")
    with pytest.raises(Untrusted):
        verify(folder)


@pytest.mark.parametrize("deep", [False, True], ids=["fast", "deep"])
def test_chunks_of_several_processes_meet_in_one_tree(
    folder: Path, deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = verify(folder, deep=deep)
    monkeypatch.setattr(audit_published, "CHUNK_BUNDLES", 1)
    assert verify(folder, deep=deep) == whole
    monkeypatch.setattr(audit_published, "ALONE_BELOW", 0)
    monkeypatch.setattr(audit_published, "CHUNK_BUNDLES", 128)
    assert verify(folder, deep=deep) == whole

"""A mirror's folder: killed at any step it has no checkpoint of more than it holds, and goes on from there."""

import itertools
import multiprocessing
import os
import shutil
import signal
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters import mirror_copy, witness_folder
from scmanager.adapters.folder_lock import FolderInUse
from scmanager.adapters.mirror_copy import CopyDamaged
from scmanager.adapters.upload_mirror import UploadMirror
from scmanager.adapters.witness_folder import Purpose, WitnessFolder, WitnessKeyDamaged, WitnessMissing, WitnessThere
from scmanager.errors import ScManagerError
from scmanager.eventstore.merkle import leaf_hash, subtree_consistency_proof
from scmanager.eventstore.tiles import TilePath, bundles_of, tiles_of
from scmanager.master_ledger.uploading import Header, Package, UploadDiffers, spans
from scmanager.master_ledger.witnessing import parse
from tests.support.ledger import NOW_S
from tests.support.mirror import entries_of, make_mirror, opened
from tests.support.witness import ShownLog, times

LOG = ShownLog()
NAME = sha256(LOG.origin.encode()).digest()
FIRST, SIZE = 300, 600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_mirror(tmp_path / "m", LOG)
    return tmp_path / "m"


def show(held: UploadMirror, old: int, size: int) -> None:
    assert held.add_checkpoint(parse(LOG.asks(old, size))) == b""


def bring(held: UploadMirror, start: int, end: int) -> bytes:
    """As the app does it."""
    header, entries = Header(LOG.origin, start, end), entries_of(LOG, end)
    held.begin(header)
    for span in spans(start, end):
        proof = subtree_consistency_proof(span.low, span.end, LOG.leaves(end))
        held.keep(header, span, Package(tuple(entries[span.start : span.end]), tuple(proof)))
    return held.finish(header)


def size_of(held: UploadMirror) -> int:
    note = held.checkpoint(NAME)
    return 0 if note is None else int(note.split(b"\n")[1])


def check_whole(held: UploadMirror) -> int:
    """Every tile and bundle under the checkpoint is there; its size."""
    size = size_of(held)
    entries = entries_of(LOG, size)
    for path, data in itertools.chain(tiles_of([leaf_hash(each) for each in entries]), bundles_of(entries)):
        assert held.tile(NAME, path) == data
    if note := held.checkpoint(NAME):
        assert times(note, held.vkeys) == [NOW_S, NOW_S]
    return size


def _dies(folder: Path, step: int, said: Any) -> None:
    """In a process of its own: the upload, killed before a step; each write, rename and sync is one."""
    left = itertools.count()

    def killed_at(act: Any) -> Any:
        def counted(*given: Any, **named: Any) -> Any:
            if next(left) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return act(*given, **named)

        return counted

    for name in ("write_public", "sync_folders"):
        setattr(mirror_copy, name, killed_at(getattr(mirror_copy, name)))
    Path.replace = killed_at(Path.replace)  # type: ignore[method-assign]
    held = opened(folder)
    said.put(bring(held, FIRST, SIZE))


def test_killed_at_every_step_it_holds_what_its_checkpoint_says_and_goes_on(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    make_mirror(tmp_path / "m", LOG)
    held = opened(tmp_path / "m")
    show(held, 0, FIRST)
    bring(held, 0, FIRST)
    show(held, FIRST, SIZE)
    held.close()
    seen = set()
    for step in itertools.count():
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "m", folder)
        said = context.Queue()
        child = context.Process(target=_dies, args=(folder, step, said))
        child.start()
        child.join(30)
        held = opened(folder)
        reached = check_whole(held)
        assert reached in (FIRST, SIZE)
        following = held.info(Header(LOG.origin, SIZE, SIZE)).next
        seen.add((following, reached))
        bring(held, following, SIZE)
        assert check_whole(held) == SIZE
        assert not list((folder / "public").rglob(".*.new"))
        held.close()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
    assert step > 12
    assert seen == {(FIRST, FIRST), (512, FIRST), (SIZE, FIRST), (SIZE, SIZE)}


def test_a_checkpoint_is_not_signed_before_its_entries_are_there(folder: Path) -> None:
    held = opened(folder)
    show(held, 0, SIZE)
    with pytest.raises(UploadDiffers, match="it has 0 entries, and waits for those up to 600"):
        held.finish(Header(LOG.origin, SIZE, SIZE))
    bring(held, 0, SIZE)
    held.close()
    (folder / "public" / NAME.hex() / "tile" / "entries" / "002.p" / "88").unlink()
    held = opened(folder)
    with pytest.raises(CopyDamaged, match="it has 512 entries, its checkpoint 600"):
        held.begin(Header(LOG.origin, SIZE, SIZE))
    held.close()


def test_a_tile_that_was_changed_on_the_disk_is_not_signed_for(folder: Path) -> None:
    held = opened(folder)
    show(held, 0, FIRST)
    bring(held, 0, FIRST)
    show(held, FIRST, SIZE)
    tile = folder / "public" / NAME.hex() / "tile" / "0" / "000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    (folder / "public" / NAME.hex() / "tile" / "1" / "000.p" / "1").unlink()
    with pytest.raises(CopyDamaged):
        bring(held, FIRST, SIZE)
    assert size_of(held) == FIRST
    held.close()


def test_many_bring_the_same_entries_at_once_and_it_never_goes_back(folder: Path) -> None:
    held = opened(folder)
    sizes = [100, 300, 301, 512, SIZE]
    for old, size in itertools.pairwise([0, *sizes]):
        show(held, old, size)
    found: list[str] = []

    def one(end: int) -> None:
        for _ in range(3):
            try:
                bring(held, 0, end)
                found.append("signed")
            except ScManagerError as error:
                found.append(error.code)

    threads = [threading.Thread(target=one, args=(each,)) for each in (*sizes, *reversed(sizes))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert check_whole(held) == SIZE
    assert set(found) <= {"signed", UploadDiffers.code}
    assert len(found) == 30
    held.close()


def test_a_key_is_a_mirrors_or_a_witnesss(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WitnessMissing, match="no witness in"):
        WitnessFolder(folder, tmp_path / "s", lambda: NOW_S)
    with pytest.raises(WitnessThere):
        witness_folder.make(folder, "witness.example/w1")
    (folder / "mirror.json").rename(folder / "witness.json")
    with pytest.raises(WitnessKeyDamaged):
        WitnessFolder(folder, tmp_path / "s", lambda: NOW_S)
    with pytest.raises(WitnessMissing, match="no mirror in"):
        opened(folder)
    assert Purpose.MIRROR.key_file == "mirror.json"


def test_a_mirror_has_its_folder_to_itself(folder: Path) -> None:
    held = opened(folder)
    with pytest.raises(FolderInUse):
        opened(folder)
    held.close()
    opened(folder).close()


def test_what_is_not_there_is_not_read(folder: Path) -> None:
    held = opened(folder)
    assert held.checkpoint(bytes(32)) is None
    assert held.tile(bytes(32), TilePath(0, 0)) is None
    assert not list((folder / "public").iterdir()), "asking leaves nothing behind"
    held.close()

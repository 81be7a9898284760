"""Logs out of files: what was published is read whole and verified, and nothing else comes in, whatever the bytes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.adapters.evidence_files import is_published, published, space_file
from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, sign_note
from scmanager.runtime import clock_us
from tests.adapters.test_tile_folder import Kept
from tests.golden.logs import key_of

MANY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
ENTRIES = 300
"""More than one bundle."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    kept = Kept(tmp_path_factory.mktemp("published") / "public")
    kept.grow(ENTRIES - 2)
    kept.publish()
    yield kept.folder
    kept.store.close()


def read_files(folder: Path) -> list[Path]:
    """What a reader of entries needs: the checkpoint and the bundles."""
    bundles = [path for kind in ("tile/entries", "shared") for path in (folder / kind).rglob("*") if path.is_file()]
    return sorted([folder / "checkpoint", *bundles])


def test_a_published_log_is_read_whole(folder: Path) -> None:
    assert is_published(folder)
    store = published(folder)
    assert store.last_pos() == ENTRIES
    (head,) = store.heads()
    note = store.note(head.log, 0, ENTRIES)
    assert note is not None
    assert note.size == head.size == ENTRIES


@MANY
@given(data=st.data())
def test_no_changed_byte_of_a_published_log_comes_in(folder: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(read_files(folder)))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(changed))
    try:
        with pytest.raises(Untrusted):
            published(folder)
    finally:
        path.write_bytes(whole)


@MANY
@given(data=st.data())
def test_a_published_log_that_is_cut_off_or_lacks_a_file_is_told(folder: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(read_files(folder)))
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    try:
        with pytest.raises((Untrusted, Unavailable)):
            published(folder)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("size", [0, 2**52])
def test_a_checkpoint_that_promises_too_much_costs_nothing(folder: Path, tmp_path: Path, size: int) -> None:
    point = Checkpoint.parse((folder / "checkpoint").read_bytes().decode().partition("\n\n")[0] + "\n")
    root = Checkpoint(point.origin, size, point.root) if size else None
    (tmp_path / "checkpoint").write_bytes(sign_note(root, key_of("promises")) if root else bytes(1 << 20))
    with pytest.raises(Untrusted):
        published(tmp_path)


@MANY
@given(noise=st.binary(max_size=400), lead=st.sampled_from([b"", b'{"format":"scm-space/1"', b'{"entries":[']))
def test_noise_is_no_space_file(noise: bytes, lead: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("noise") / "noise.scm"
    path.write_bytes(lead + noise)
    with pytest.raises(Untrusted):
        space_file(path, clock_us)

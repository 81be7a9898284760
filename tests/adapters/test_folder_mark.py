"""Folder marks: copies, restores and other machines raise doubt; a rename, a crash and a lagging mark do not."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.adapters import folder_mark
from scmanager.adapters.folder_mark import (
    FOLDER_ID_FILE,
    FolderMark,
    FolderWentBack,
    Head,
    MarkDamaged,
    Reason,
    machine_id,
    parse_mark,
)
from scmanager.adapters.private_files import StateInsideData

LOG, OTHER_LOG = b"l" * 32, b"m" * 32


def head(size: int, fork: bytes = b"") -> Head:
    return Head(size, (fork + size.to_bytes(32, "big"))[-32:] if not fork else fork * 32)


def here(_: Path) -> bytes:
    return b"this machine"


class Place:
    """A data folder with its store's one log, as far as marks care."""

    def __init__(self, root: Path) -> None:
        self.data, self.state = root / "data", root / "state"
        self.data.mkdir(parents=True)

    def mark(self, folder: Path | None = None, machine: Callable[[Path], bytes] = here) -> FolderMark:
        return FolderMark(folder or self.data, state=self.state, machine=machine)

    def doubt(self, size: int, folder: Path | None = None, machine: Callable[[Path], bytes] = here) -> Reason | None:
        doubt = self.mark(folder, machine).check({LOG: head(size)})
        return doubt.reason if doubt else None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.mark().record({LOG: head(10)})
    return place


def test_a_folder_left_in_peace_raises_no_doubt(place: Place) -> None:
    assert place.doubt(10) is None


def test_a_new_folder_has_nothing_to_doubt(tmp_path: Path) -> None:
    assert Place(tmp_path).mark().check({}) is None


def test_a_mark_that_lags_behind_the_store_is_no_doubt(place: Place) -> None:
    """The process was killed after it appended and before it recorded."""
    assert place.doubt(11) is None


def test_a_new_log_since_the_mark_is_no_doubt(place: Place) -> None:
    assert place.mark().check({LOG: head(10), OTHER_LOG: head(3)}) is None


def test_a_renamed_folder_is_the_same_folder(place: Place) -> None:
    moved = place.data.with_name("moved")
    place.data.rename(moved)
    assert place.doubt(10, moved) is None


def test_a_copied_folder_is_doubted(place: Place) -> None:
    copy = place.data.with_name("copy")
    shutil.copytree(place.data, copy)
    assert place.doubt(10, copy) is Reason.OTHER_FOLDER
    assert place.doubt(10) is None


def test_of_a_folder_and_its_copy_each_is_doubted_after_the_other_ran(place: Place) -> None:
    copy = place.data.with_name("copy")
    shutil.copytree(place.data, copy)
    place.mark(copy).record({LOG: head(10), OTHER_LOG: head(1)})
    assert place.doubt(10) is Reason.OTHER_FOLDER


def test_a_folder_put_back_file_by_file_is_doubted_although_its_heads_are_the_same(place: Place) -> None:
    backup = place.data.with_name("backup")
    shutil.copytree(place.data, backup)
    (place.data / FOLDER_ID_FILE).rename(place.data.with_name("old id"))
    shutil.copytree(backup, place.data, dirs_exist_ok=True)
    assert place.doubt(10) is Reason.OTHER_FOLDER


def test_a_snapshot_made_of_hard_links_is_another_folder(place: Place) -> None:
    snapshot = place.data.with_name("snapshot")
    snapshot.mkdir()
    (snapshot / FOLDER_ID_FILE).hardlink_to(place.data / FOLDER_ID_FILE)
    assert place.doubt(10, snapshot) is Reason.OTHER_FOLDER


def test_an_older_store_put_back_in_place_is_doubted(place: Place) -> None:
    assert place.doubt(9) is Reason.OLDER_HEADS


def test_a_store_that_lost_a_log_is_doubted(place: Place) -> None:
    doubt = place.mark().check({OTHER_LOG: head(12)})
    assert doubt is not None
    assert doubt.reason is Reason.OLDER_HEADS


def test_another_history_of_the_same_length_is_doubted(place: Place) -> None:
    doubt = place.mark().check({LOG: head(10, fork=b"f")})
    assert doubt is not None
    assert doubt.reason is Reason.OLDER_HEADS


def test_a_folder_on_another_machine_is_doubted(place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "other machine")
    shutil.copytree(place.data, other.data, dirs_exist_ok=True)
    assert other.doubt(10) is Reason.NO_MARK
    assert (
        place.doubt(10, machine=lambda _: b"another machine") is Reason.OTHER_MACHINE
    )  # Ghost: the state came along.


def test_a_wiped_state_folder_is_doubted(place: Place) -> None:
    shutil.rmtree(place.state)
    assert place.doubt(10) is Reason.NO_MARK


def test_a_folder_without_its_id_is_doubted(place: Place) -> None:
    (place.data / FOLDER_ID_FILE).unlink()
    assert place.doubt(10) is Reason.NO_MARK


@pytest.mark.parametrize("noise", [b"", b"../../../etc/passwd", b"A" * 32, b"0" * 33])
def test_a_folder_id_that_is_none_is_doubted(place: Place, noise: bytes) -> None:
    (place.data / FOLDER_ID_FILE).write_bytes(noise)
    assert place.doubt(10) is Reason.MARK_DAMAGED


def test_a_damaged_mark_is_doubted(place: Place) -> None:
    next(place.state.glob("*.mark")).write_bytes(b"{")
    assert place.doubt(10) is Reason.MARK_DAMAGED


def test_recording_settles_a_doubt(place: Place) -> None:
    copy = place.data.with_name("copy")
    shutil.copytree(place.data, copy)
    place.mark(copy).record({LOG: head(10), OTHER_LOG: head(1)})
    assert place.mark(copy).check({LOG: head(10), OTHER_LOG: head(1)}) is None


def test_a_doubt_is_told_in_words(place: Place) -> None:
    doubt = place.mark().check({LOG: head(9)})
    assert doubt is not None
    assert "older" in doubt.words
    assert set(folder_mark.WORDS) == set(Reason)


def test_recording_what_is_recorded_writes_nothing(place: Place) -> None:
    mark = place.mark()
    mark.record({LOG: head(11)})
    path = next(place.state.glob("*.mark"))
    path.unlink()
    mark.record({LOG: head(11)})
    assert not path.exists()
    mark.record({LOG: head(12)})
    assert path.exists()


def test_the_mark_tells_no_machine_apart_elsewhere(tmp_path: Path) -> None:
    marks = []
    for name in ("one", "two"):
        place = Place(tmp_path / name)
        place.mark().record({})
        marks.append(parse_mark(next(place.state.glob("*.mark")).read_bytes()))
    assert marks[0].machine != marks[1].machine
    assert b"this machine" not in marks[0].machine


def test_the_mark_may_not_lie_in_the_data_folder(tmp_path: Path) -> None:
    with pytest.raises(StateInsideData):
        FolderMark(tmp_path, state=tmp_path / "state")


def test_a_machine_has_one_name_even_where_the_system_gives_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine_id(tmp_path) == machine_id(tmp_path) != b""
    monkeypatch.setattr(folder_mark, "_system_machine_id", lambda: b"")
    one, two = machine_id(tmp_path / "one"), machine_id(tmp_path / "two")
    assert one == machine_id(tmp_path / "one") != two


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's table of mounts")
def test_a_stick_that_numbers_its_files_anew_at_each_mount_is_judged_by_its_heads(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_mark, "_file_system", lambda _: "vfat")
    place.mark().record({LOG: head(10)})
    copy = place.data.with_name("copy")
    shutil.copytree(place.data, copy)
    assert place.doubt(10, copy) is None
    assert place.doubt(9, copy) is Reason.OLDER_HEADS


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's table of mounts")
def test_the_file_system_below_a_folder_is_found() -> None:
    assert folder_mark._file_system(Path("/proc/self")) == "proc"
    assert folder_mark._file_system(Path("/sys")) == "sysfs"
    assert folder_mark._file_system(Path("/nowhere/at/all"))


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.just(b"[" * 100_000))
def test_noise_in_place_of_a_mark_is_damaged_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(MarkDamaged):
        parse_mark(noise)


def test_heads_out_of_measure_are_damaged() -> None:
    def raw(size: int, entry: bytes) -> bytes:
        rows = [[LOG, [size, entry]]]
        return msgspec.json.encode({"format": "scm-mark/1", "machine": bytes(32), "place": "", "heads": rows})

    assert parse_mark(raw(1, bytes(32)))
    for size, entry in ((-1, bytes(32)), (1 << 53, bytes(32)), (1, bytes(31))):
        with pytest.raises(MarkDamaged):
            parse_mark(raw(size, entry))


@pytest.mark.parametrize("older", [{LOG: head(9)}, {LOG: head(10, b"x")}, {LOG: head(0)}, {}])
def test_what_was_remembered_is_never_forgotten_for_less(place: Place, older: dict[bytes, Head]) -> None:
    """A database that goes back under a running program, or is empty for a moment, is in doubt at the next start."""
    mark = place.mark()
    mark.record({LOG: head(10)})
    with pytest.raises(FolderWentBack):
        mark.record(older)
    doubt = place.mark().check(older)
    assert doubt is not None
    assert doubt.reason is Reason.OLDER_HEADS
    mark.retired = {LOG}
    mark.record(older | {OTHER_LOG: head(1)})
    assert place.mark().check(older | {OTHER_LOG: head(1)}) is None, "it goes on in another log"

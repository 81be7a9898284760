"""The file of erasures' days of grace: kept, taken over from an earlier release, and refused when it is not whole."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.adapters.private_files import parse_json
from scmanager.adapters.seen_file import FILE_NAME, SEEN_BYTES_MAX, SeenFile, SeenFileDamaged
from scmanager.application.erasure import GRACE_S, Grace

ONE, OTHER, THIRD = "aa" * 32, "bb" * 32, "cc" * 32
NOW = 1_800_000_000


def opened(folder: Path, now: int = NOW) -> SeenFile:
    return SeenFile(folder, lambda: now)


def test_the_grace_of_each_erasure_outlives_the_process(tmp_path: Path) -> None:
    opened(tmp_path).update({ONE: Grace(60, NOW), OTHER: Grace(GRACE_S, NOW + 1)})
    assert dict(opened(tmp_path)) == {ONE: Grace(60, NOW), OTHER: Grace(GRACE_S, NOW + 1)}


def test_a_file_of_an_earlier_release_is_taken_over_once_with_what_its_clock_counted(tmp_path: Path) -> None:
    older = {ONE: NOW - 3600, OTHER: NOW - 2 * GRACE_S, THIRD: NOW + 5}
    (tmp_path / FILE_NAME).write_text(json.dumps(older))
    taken = {ONE: Grace(3600, NOW), OTHER: Grace(GRACE_S, NOW), THIRD: Grace(0, NOW)}
    assert dict(opened(tmp_path)) == taken
    assert dict(opened(tmp_path, NOW + GRACE_S)) == taken, "a clock that jumps afterwards finds it taken over"


def test_the_file_of_very_many_erasures_is_read_again(tmp_path: Path) -> None:
    many = {f"{number:064x}": Grace(GRACE_S, NOW) for number in range(20_000)}
    opened(tmp_path).update(many)
    assert (tmp_path / FILE_NAME).stat().st_size > 1 << 20
    assert dict(opened(tmp_path)) == many


def test_a_file_larger_than_any_of_ours_is_refused(tmp_path: Path) -> None:
    with (tmp_path / FILE_NAME).open("wb") as file:
        file.truncate(SEEN_BYTES_MAX + 1)
    with pytest.raises(SeenFileDamaged):
        opened(tmp_path)


@pytest.mark.parametrize(
    "written",
    ["", "[]", "nothing", '{"aa": "soon"}', '{"aa": [1]}', '{"aa": [1, 2, 3]}', '{"aa": [-1, 2]}', "{" * 60_000],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / FILE_NAME).write_text(written)
    with pytest.raises(SeenFileDamaged):
        opened(tmp_path)


@given(
    st.one_of(
        st.binary(),
        st.recursive(st.integers() | st.text(), st.lists).map(lambda each: json.dumps({"a": each}).encode()),
    )
)
def test_noise_is_read_or_refused_and_nothing_else(raw: bytes) -> None:
    try:
        found = parse_json(raw, dict[str, Grace | int], SeenFileDamaged())
    except SeenFileDamaged:
        return
    assert all(isinstance(each, int) or each.counted_s >= 0 for each in found.values())

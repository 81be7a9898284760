"""Where the tests write: in memory where there is room, or where they are told to. Each is run, and once."""

import os
import stat
from pathlib import Path

import pytest

from ops.verify import FOLLOWED, FULL, temporary_folder


def test_the_place_is_the_one_that_was_named_open_to_all_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCM_TEST_FOLDER", str(tmp_path))
    with temporary_folder() as folder:
        assert Path(folder).parent == tmp_path
        assert os.name != "posix" or stat.S_IMODE(Path(folder).stat().st_mode) == 0o1777
        (Path(folder) / "left behind").touch()
    assert not list(tmp_path.iterdir())


def test_two_runs_at_once_share_nothing() -> None:
    with temporary_folder() as one, temporary_folder() as other:
        assert one != other


def test_every_folder_of_tests_is_run_once() -> None:
    runs = [[str(each) for each in command] for _, command in FULL if "pytest" in command]
    named = [[each for each in run if each.startswith("tests/")] for run in runs]
    left_out = [[each.removeprefix("--ignore=") for each in run if each.startswith("--ignore=")] for run in runs]
    folders = [f"tests/{each}" for each in FOLLOWED]
    assert (named, left_out) == ([folders, []], [[], folders])
    assert all((Path(__file__).parents[2] / each).is_dir() for each in folders)

"""What a machine lacks is said in a sentence, before anything is made."""

import sys
from pathlib import Path

import pytest

from ops import bootstrap


def test_a_python_that_is_too_old_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    assert bootstrap.main(str(tmp_path / "venv")) == 1
    assert "needs Python 99.0 or newer" in capsys.readouterr().out
    assert not (tmp_path / "venv").exists()


def test_a_python_without_ensurepip_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert bootstrap.main(str(tmp_path / "venv")) == 1
    assert "no ensurepip" in capsys.readouterr().out
    assert not (tmp_path / "venv").exists()

"""The analyses of docs/analyses.md, run one after the other on the demo's data, print what the page says."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from scmanager.cli.entry import run

PAGE = Path(__file__).parent.parent / "docs" / "analyses.md"


def analyses() -> list[tuple[str, str]]:
    """(code, what it shall print), in the order of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", text, re.DOTALL)


@pytest.mark.slow
def test_every_analysis_prints_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCM_DATA", str(tmp_path / "demo"))
    assert run(["demo", "--data", "demo"]) == 0
    assert run(["audit", "export", "-o", "tables", "--reveal"]) == 0
    assert len(analyses()) == 3
    names: dict[str, Any] = {}
    for code, shown in analyses():
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        wanted = "[^\n]*?".join(re.escape(piece) for piece in shown.split("..."))
        assert re.fullmatch(wanted, printed.getvalue()), printed.getvalue()

"""A port that is taken is told before anything is installed."""

import pytest

from ops import port
from scmanager.api.listening import listen
from scmanager.config import DEFAULT_PORT


def test_a_port_that_is_taken_is_told_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert port.USUAL == DEFAULT_PORT
    with listen(0) as taken:
        number = taken.getsockname()[1]
        monkeypatch.setenv("SCM_PORT", str(number))
        assert port.main() == 1
        assert f"Port {number} is in use already" in (said := capsys.readouterr().out)
        assert "SCM_PORT=7500 make run" in said
    for other in (str(number), "0", "none", "70000"):
        monkeypatch.setenv("SCM_PORT", other)
        assert port.main() == 0, other
    assert capsys.readouterr().out == ""

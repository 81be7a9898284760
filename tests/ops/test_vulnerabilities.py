"""An audit that could not ask anybody never passes for a clean one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops import vulnerabilities
from ops.vulnerabilities import NONE_KNOWN, NOT_CHECKED, SOME_KNOWN, Finding, read

CLEAN = {"name": "h11", "version": "0.16.0", "vulns": []}
HOLED = {"name": "old", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1", "2.0"], "aliases": []}]}


def answer(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_whole_answer_is_read() -> None:
    assert read(answer(CLEAN)) == (1, [])
    assert read(answer(CLEAN, HOLED)) == (2, [Finding("old 1.0", "CVE-1", "1.1, 2.0")])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Traceback",
        "[]",
        "{}",
        '{"dependencies": null}',
        answer(),
        answer(CLEAN, {"name": "x", "skip_reason": "?"}),
    ],
)
def test_anything_else_is_no_answer(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (answer(CLEAN), NONE_KNOWN, "1 packages looked up, 0 known"),
        (answer(HOLED), SOME_KNOWN, "CVE-1, fixed in 1.1, 2.0"),
        ("", NOT_CHECKED, "NOT CHECKED"),
    ],
)
def test_the_three_outcomes_have_codes_of_their_own(
    text: str, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = subprocess.CompletedProcess([], 0, text, "the source is gone")
    monkeypatch.setattr(vulnerabilities, "audit", lambda requirements: ran)
    assert vulnerabilities.main([]) == code
    assert said in capsys.readouterr().out


@pytest.mark.slow
def test_without_a_network_the_real_program_leads_to_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # Nobody listens there.
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wanted = tmp_path / "one.txt"
    wanted.write_text("h11==0.16.0 --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "ops.vulnerabilities", str(wanted)],
        capture_output=True, check=False, text=True, cwd=vulnerabilities.ROOT,
    )  # fmt: skip
    assert ran.returncode == NOT_CHECKED
    assert "NOT CHECKED" in ran.stdout

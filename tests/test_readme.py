"""The pages that show commands are run: each `$ scm ...` of a console block, against what the page says it answers.

Pages show stdout. `...` stands for anything.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "docs/manual-first-run.md", "docs/manual-operation.md"]
REFUSED = {"scm member remove Vesper mistake": 1}
"""Commands that a page shows failing, and their exit codes."""


def steps(page: str) -> list[tuple[str, str]]:
    """(command, what it shall answer), in the order of the page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, answer = step.partition("\n")
            found.append((command, answer))
    return found


def plain(text: str) -> str:
    """Blanks at line ends say nothing, and columns move with the ids in them."""
    return "\n".join(re.sub(r" +", " ", line).strip() for line in text.strip().splitlines())


def pattern(answer: str) -> str:
    return r"[\s\S]*?".join(re.escape(piece) for piece in plain(answer).split("..."))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.slow
def test_every_command_on_the_page_answers_as_the_page_says(page: str, tmp_path: Path) -> None:
    shown = steps(page)
    assert len(shown) >= 10
    for command, answer in shown:
        at = re.match(r"(?:SCM_DATA=(\S+) )?scm ", command)
        assert at, command
        folder = at[1] or "mine"
        environment = os.environ | {
            "SCM_DATA": str(tmp_path / folder),
            "SCM_STATE": str(tmp_path / f"{folder}.state"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "160",
            "SCM_BACKUP_PASSPHRASE": "correct horse battery",
        }
        arguments = shlex.split(command[at.end() :])
        told = subprocess.run(
            [sys.executable, "-m", "scmanager", *arguments], env=environment, cwd=tmp_path,
            capture_output=True, text=True, check=False, encoding="utf-8",
        )  # fmt: skip
        assert told.returncode == REFUSED.get(command, 0), f"{command}\n{told.stderr}"
        if answer.strip():
            assert re.fullmatch(pattern(answer), plain(told.stdout)), f"{command}\n{told.stdout}"


def test_the_tour_of_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (tour,) = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert 12 <= sum(line.startswith("$ ") for line in tour.splitlines()) <= 20

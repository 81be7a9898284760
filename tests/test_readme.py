"""The pages that show commands are run: each `$ scm ...` of a console block, against what the page says it answers.

Pages show stdout. `...` stands for anything, a word of NAMED for an id. The commands of the README run as people run
them, each in a process of its own; those of the manuals in this one, by the same entry.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scmanager.cli.entry import run
from tests.support.forked import unmeasured

ROOT = Path(__file__).parent.parent
MANUALS = [
    "docs/manual-first-run.md", "docs/manual-operation.md", "docs/manual-moving.md", "docs/manual-losing.md",
    "docs/manual-erasing.md", "docs/manual-privacy.md", "docs/manual-audit.md",
]  # fmt: skip
REFUSED = {
    "scm member remove Vesper mistake": 1,
    'SCM_DATA=laptop scm fleet form "Thief\'s Fleet"': 1,
    'scm organisation rename "Mine Again"': 1,
}
"""Commands that a page shows failing, and their exit codes."""
NAMED = ("DESKTOP", "LAPTOP")
"""Words that stand for an id: where one is answered it is learnt, where it is typed it is put in."""


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


def pattern(answer: str, learnt: dict[str, str]) -> str:
    spelt = r"[\s\S]*?".join(re.escape(piece) for piece in plain(answer).split("..."))
    for name in NAMED:
        spelt = re.sub(rf"\b{name}\b", learnt.get(name, rf"(?P<{name}>[0-9a-f]{{12}})"), spelt, count=1)
        spelt = re.sub(rf"\b{name}\b(?!>)", learnt.get(name, rf"(?P={name})"), spelt)
    return spelt


def typed(command: str, learnt: dict[str, str], folder: Path) -> list[str]:
    """The arguments, as a shell hands them over: ids in place of the words for them, files in place of `*`."""
    for name, hexed in learnt.items():
        command = re.sub(rf"\b{name}\b", hexed, command)
    return [
        str(found)
        for word in shlex.split(command)
        for found in (sorted(folder.glob(word)) if "*" in word else (word,))
    ]


Answer = tuple[int, str, str]
"""Exit code, stdout, stderr."""


def follow(page: str, folder: Path, scm: Callable[[dict[str, str], list[str]], Answer]) -> None:
    """Each command of the page, in its order, with the page's settings; what it answers is what the page says."""
    shown, learnt = steps(page), dict[str, str]()
    assert len(shown) >= 10
    for command, answer in shown:
        at = re.match(r"(?:SCM_DATA=(\S+) )?scm ", command)
        assert at, command
        data = at[1] or "mine"
        environment = {
            "SCM_DATA": str(folder / data),
            "SCM_STATE": str(folder / f"{data}.state"),
            "COLUMNS": "160",
            "SCM_BACKUP_PASSPHRASE": "correct horse battery",
        }
        code, out, err = scm(environment, typed(command[at.end() :], learnt, folder))
        assert code == REFUSED.get(command, 0), f"{command}\n{err}"
        if answer.strip():
            found = re.fullmatch(pattern(answer, learnt), plain(out))
            assert found, f"{command}\n{out}"
            learnt |= found.groupdict()


@pytest.mark.slow
def test_every_command_of_the_readme_answers_as_it_says_in_a_process_of_its_own(tmp_path: Path) -> None:
    def scm(environment: dict[str, str], arguments: list[str]) -> Answer:
        told = subprocess.run(
            [sys.executable, "-m", "scmanager", *arguments], cwd=tmp_path, capture_output=True, text=True,
            env=unmeasured() | environment | {"PYTHONPATH": str(ROOT)}, check=False, encoding="utf-8",
        )  # fmt: skip
        return told.returncode, told.stdout, told.stderr

    follow("README.md", tmp_path, scm)


@pytest.mark.parametrize("page", MANUALS)
@pytest.mark.slow
def test_every_command_of_a_manual_answers_as_it_says(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def scm(environment: dict[str, str], arguments: list[str]) -> Answer:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = run(arguments)
        return code, *capsys.readouterr()

    monkeypatch.chdir(tmp_path)
    follow(page, tmp_path, scm)


def test_the_tour_of_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (tour,) = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert 12 <= sum(line.startswith("$ ") for line in tour.splitlines()) <= 20

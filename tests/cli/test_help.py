"""The top level of the help, word for word: `UPDATE=1 pytest tests/cli/test_help.py` writes it anew."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scmanager import __version__

SNAPSHOT = Path(__file__).parent / "help.txt"


def scm(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": "100", "TERMINAL_WIDTH": "100"}
    environment.pop("SCM_DATA", None)
    return subprocess.run(
        [sys.executable, "-m", "scmanager", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_the_top_level_help_is_as_it_was() -> None:
    told = scm("--help")
    assert told.returncode == 0
    if os.environ.get("UPDATE"):
        SNAPSHOT.write_text(told.stdout, encoding="utf-8")
    assert told.stdout == SNAPSHOT.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_version_is_said() -> None:
    assert scm("version").stdout == f"SC Manager {__version__}\n"


@pytest.mark.slow
def test_without_a_command_the_help_is_shown_as_a_usage_error() -> None:
    told = scm()
    assert told.returncode == 2
    assert "Commands:" in told.stdout + told.stderr


@pytest.mark.slow
def test_groups_begin_with_what_everybody_begins_with() -> None:
    commands = scm("org", "--help").stdout.partition("Commands:")[2].split("\n")
    assert commands[1].split()[0] == "found"

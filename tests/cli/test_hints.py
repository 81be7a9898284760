"""Whatever command a hint or a page names is one that there is."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from scmanager.adapters.identity import IdentityExists
from scmanager.adapters.private_files import PrivateFileFailed
from scmanager.cli.calling import NameAmbiguous
from scmanager.cli.entry import build
from scmanager.cli.output import Unanswered
from scmanager.domain.member import RankTooHigh
from tests.test_tidy import every_error

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    "README.md",
    *(f"docs/{each.name}" for each in sorted((ROOT / "docs").glob("*.md")) if each.stem != "roadmap"),
]
NAMED = re.compile(r"(?<![=\w.])scm ([a-z][a-z-]*(?: [a-z][a-z-]*(?!\.\w|[\w=]))?)")


@pytest.fixture(scope="module")
def commands() -> dict[str, frozenset[str]]:
    """By name, with the commands of each that is a group."""
    root = typer.main.get_command(build())
    assert isinstance(root, TyperGroup)
    return {
        name: frozenset(each.commands) if isinstance(each, TyperGroup) else frozenset()
        for name, each in root.commands.items()
    }


def unknown(text: str, commands: dict[str, frozenset[str]]) -> list[str]:
    """Groups are named with one of their commands, or alone."""
    missing = []
    for each in NAMED.findall(text):
        first, _, second = each.partition(" ")
        if first not in commands or (second and commands[first] and second not in commands[first]):
            missing.append(each)
    return missing


def test_every_command_that_a_hint_names_is_there(commands: dict[str, frozenset[str]]) -> None:
    named = {error.code: missing for error in every_error() if (missing := unknown(error.hint, commands))}
    assert named == {}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_is_there(page: str, commands: dict[str, frozenset[str]]) -> None:
    spans = re.findall(r"`([^`\n]+)`|^(\$ .*)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert unknown("\n".join("".join(each) for each in spans), commands) == []


def test_a_command_that_is_not_there_is_found(commands: dict[str, frozenset[str]]) -> None:
    assert unknown("scm fleet sink, scm conquer. scm fleet", commands) == ["fleet sink", "conquer"]
    assert unknown("scm audit diff nova.scm now", commands) == []  # A file, and no command after it.


def test_hints_name_the_way_out() -> None:
    for error, words in (
        (PrivateFileFailed, ("--data", "SCM_DATA", "SCM_STATE")),
        (Unanswered, ("--yes", "SCM_PASSPHRASE", "SCM_BACKUP_PASSPHRASE", "SCM_INTAKE_PASSWORD")),
        (RankTooHigh, ("scm org hand-over", "scm recovery")),
        (NameAmbiguous, ("id",)),
        (IdentityExists, ("--data",)),
    ):
        assert all(word in (error.hint or "") for word in words), error

"""`scm backup`, `scm backup verify` and `scm restore`, as people type them."""

import io
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Scm, served


@pytest.fixture(autouse=True)
def spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passphrase, where nobody can type it."""
    monkeypatch.setenv("SCM_BACKUP_PASSPHRASE", "correct horse battery")


def test_a_folder_is_backed_up_proved_and_restored_on_another_machine(nova: Scm, tmp_path: Path) -> None:
    file = tmp_path / "nova.scm-backup"
    made = nova("backup", file, "--json").json
    assert made["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0 or os.name == "nt"
    heads = nova("log", "verify").out
    (tmp_path / "heads.txt").write_text(heads, encoding="utf-8")
    proved = nova("backup", "verify", file, "--head", tmp_path / "heads.txt", at="nowhere")
    assert (proved.code, heads.splitlines()[0] in proved.out) == (0, True)
    assert nova("restore", file, "--head", heads.splitlines()[0], at="b").code == 0
    assert "Nova Halcyon" in nova("org", "list", at="b").out
    assert nova("org", "rename", "Elsewhere", at="b").code == 0
    assert len(nova("log", "verify", "--json", at="b").json["heads"]) == 2
    assert nova("log", "verify", "--json").json["heads"][0]["head"] == made_head(nova, "b", made)


def made_head(scm: Scm, at: str, made: dict[str, object]) -> str:
    """The id of the last entry in the log that the backup holds, in another folder."""
    (log,) = (each["log"] for each in made["heads"])  # type: ignore[attr-defined]
    return next(each["head"] for each in scm("log", "verify", "--json", at=at).json["heads"] if each["log"] == log)


def test_a_folder_as_the_target_gets_a_file_named_by_the_time(nova: Scm, tmp_path: Path) -> None:
    (tmp_path / "safe").mkdir()
    assert nova("backup", tmp_path / "safe").code == 0
    (file,) = (tmp_path / "safe").iterdir()
    assert file.name.startswith("sc-manager-2")
    assert nova("backup", "verify", file, "--json").json["ok"]


def test_only_an_older_backup_is_replaced(nova: Scm, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all", encoding="utf-8")
    assert nova("backup", letter).error == "backup-target-foreign"
    assert letter.read_text(encoding="utf-8") == "Dear all"
    file = tmp_path / "nova.scm-backup"
    first = nova("backup", "--plain", file)
    assert (first.code, "replaces the older backup" in first.err) == (0, False)
    before = file.read_bytes()
    again = nova("backup", "--plain", file)
    assert (again.code, again.error) == (1, "target-taken")
    assert file.read_bytes() == before
    replaced = nova("backup", "--plain", "--replace", file)
    assert (replaced.code, "replaces the older backup" in replaced.err) == (0, True)
    assert file.read_bytes() != before
    assert nova("backup", "--replace", letter).error == "backup-target-foreign"


def test_a_backup_inside_the_folder_is_refused(nova: Scm, tmp_path: Path) -> None:
    assert nova("backup", tmp_path / "a" / "nova.scm-backup").error == "backup-inside-data"


def test_a_wrong_or_short_passphrase_is_said(nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "nova.scm-backup"
    assert nova("backup", file).code == 0
    monkeypatch.setenv("SCM_BACKUP_PASSPHRASE", "incorrect horse")
    assert nova("backup", "verify", file).error == "backup-passphrase-wrong"
    assert nova("restore", file, at="b").error == "backup-passphrase-wrong"
    assert not (tmp_path / "b").exists()
    monkeypatch.setenv("SCM_BACKUP_PASSPHRASE", "short")
    assert nova("backup", "--replace", file).error == "passphrase-too-short"


@pytest.mark.parametrize("content", [b"", b"noise", b'{"format":"scm-backup/1"}\n' * 50])
def test_a_file_that_is_no_backup_is_refused_with_a_hint(scm: Scm, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    for command in ("backup verify", "restore"):
        said = scm(*command.split(), file, at="b")
        assert (said.code, said.error) == (1, "backup-damaged")
        assert "Copy it again" in said.err
    assert scm("restore", tmp_path / "none", at="b").error == "file-unreadable"
    assert not (tmp_path / "b").exists()


def test_a_plain_backup_says_what_it_lacks(nova: Scm, tmp_path: Path) -> None:
    said = nova("backup", "--plain", tmp_path / "p")
    assert "state folder" in said.err
    assert "state folder" in nova("restore", tmp_path / "p", at="b").err
    assert nova("org", "list", at="b").error == "wrapping-key-missing"


def test_a_folder_that_is_there_is_not_restored_over(nova: Scm, tmp_path: Path) -> None:
    assert nova("backup", "--plain", tmp_path / "p").code == 0
    assert nova("restore", tmp_path / "p").error == "restore-folder-not-empty"
    assert nova("backup", tmp_path / "q", at="b").error == "no-data-folder"


def test_erased_words_stay_erased_in_a_restored_folder(nova: Scm, tmp_path: Path) -> None:
    file = tmp_path / "before.scm-backup"
    assert nova("backup", file).code == 0
    assert nova("erase", "Vesper", "--at-once", "--yes").code == 0
    (tmp_path / "a").rename(tmp_path / "lost")
    said = nova("restore", file, "--json").json
    assert said["erased"] >= 1
    assert "Vesper" not in nova("member", "list").out


def test_help_and_commands_are_not_taken_for_files(nova: Scm, tmp_path: Path) -> None:
    assert "verify" in nova("backup", "--help").out
    assert nova("backup", "make", "--plain", tmp_path / "p").code == 0
    assert (tmp_path / "p").exists()


@pytest.mark.services
def test_a_running_node_makes_the_backup_of_its_folder(nova: Scm, tmp_path: Path) -> None:
    file = tmp_path / "nova.scm-backup"
    with served(tmp_path, "a"):
        assert nova("member", "record", "Ayla").code == 0
        made = nova("backup", file, "--json")
        assert made.code == 0, made.err
        assert made.json["bytes"] == file.stat().st_size
        assert nova("backup", file, "--plain", "--replace").code == 0
        assert nova("backup", file, "--replace").code == 0
        assert not list((tmp_path / "a").glob(".backup*"))
    assert nova("restore", file, "--head", head_of(made.json), at="b").code == 0
    assert {each["handle"] for each in nova("member", "list", "--json", at="b").json} == {"Vesper", "Ayla"}


def head_of(made: dict[str, Any]) -> str:
    (head,) = made["heads"]
    return f"log {head['log']}  size {head['size']}  root {head['root']}"


def test_who_cannot_be_asked_hears_where_the_passphrase_of_a_backup_is_read(
    nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCM_BACKUP_PASSPHRASE")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    asked = nova("backup", tmp_path / "nova.scm-backup")
    assert (asked.error, "SCM_BACKUP_PASSPHRASE" in asked.err) == ("unanswered", True)

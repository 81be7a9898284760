"""A data folder from the command line: making it, protecting it, its recovery sheet, erasing."""

import contextlib
import io
import os
import re
from pathlib import Path

import pytest

from scmanager.adapters import recovery_sheet
from tests.cli.conftest import Scm, served


def test_a_folder_is_made_once(scm: Scm) -> None:
    assert scm("init").code == 0
    told = scm("init")
    assert (told.code, told.error) == (1, "identity-exists")


@pytest.mark.slow
def test_a_passphrase_is_asked_for_at_each_start(scm: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCM_PASSPHRASE", "correct horse battery")
    assert scm("init", "--passphrase").code == 0
    assert scm("org", "list").code == 0
    monkeypatch.setenv("SCM_PASSPHRASE", "wrong horse battery")
    assert scm("org", "list").error == "wrong-passphrase"


@pytest.mark.slow
def test_a_passphrase_may_come_through_a_pipe(scm: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCM_PASSPHRASE", "correct horse battery")
    assert scm("init", "--passphrase").code == 0
    monkeypatch.delenv("SCM_PASSPHRASE")
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    told = scm("org", "list")
    assert told.code == 0
    assert "Warning" not in told.err


def test_a_port_that_cannot_be_is_refused_with_those_that_can(scm: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCM_PORT", "99999")
    told = scm("init")
    assert (told.error, "99999: a port is a number from 0 to 65535" in told.err) == ("setting-wrong", True)


def test_a_file_is_no_data_folder(scm: Scm, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert [scm(command).error for command in ("init", "up")] == ["setting-wrong"] * 2


def test_two_protections_at_once_are_refused(scm: Scm) -> None:
    assert scm("init", "--passphrase", "--keyring").error == "one-protection"


def test_the_recovery_sheet_is_private_and_every_command_reminds_once(nova: Scm, tmp_path: Path) -> None:
    (sheet,) = (tmp_path / "a").glob("recovery-*.txt")
    assert sheet.stat().st_mode & 0o077 == 0
    told = nova("member", "list", "--json")
    assert told.err.count("scm recovery confirm") == 1
    assert told.json


def test_typing_a_group_back_ends_the_reminder_and_deletes_the_file(
    nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sheet,) = (tmp_path / "a").glob("recovery-*.txt")
    (seed,) = recovery_sheet.parse(sheet.read_text(encoding="utf-8"))
    groups = recovery_sheet.encode_seed(seed)

    def type_back(question: str, **_: object) -> str:
        return groups[int(re.findall(r"\d+", question)[-1]) - 1].lower()

    monkeypatch.setattr("typer.prompt", lambda *_, **__: "AAAAA")
    assert nova("recovery", "confirm").error == "recovery-group-differs"
    monkeypatch.setattr("typer.prompt", type_back)
    assert nova("recovery", "confirm").code == 0
    assert not sheet.exists()
    assert nova("member", "list").err == ""
    assert nova("recovery", "confirm").error == "recovery-nothing-to-confirm"


def test_without_the_file_the_whole_page_is_typed_back(
    nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sheet,) = (tmp_path / "a").glob("recovery-*.txt")
    (seed,) = recovery_sheet.parse(sheet.read_text(encoding="utf-8"))
    sheet.unlink()
    other = recovery_sheet.make_recovery_keys().seeds[0]
    monkeypatch.setattr("typer.prompt", lambda *_, **__: " ".join(recovery_sheet.encode_seed(other)))
    assert nova("recovery", "confirm").error == "recovery-key-differs"
    monkeypatch.setattr("typer.prompt", lambda *_, **__: " ".join(recovery_sheet.encode_seed(seed)))
    assert nova("recovery", "confirm").code == 0


def test_several_recovery_keys_are_several_pages(scm: Scm, tmp_path: Path) -> None:
    scm("init")
    assert scm("org", "found", "Nova", "--handle", "Vesper", "--recovery-keys", 3).code == 0
    (sheet,) = (tmp_path / "a").glob("recovery-*.txt")
    assert len(recovery_sheet.parse(sheet.read_text(encoding="utf-8"))) == 3


def test_ones_own_words_are_erased_at_once(nova: Scm) -> None:
    told = nova("erase", "Vesper", "--at-once", "--yes", "--json")
    assert told.code == 0
    assert "destroyed on this device" in told.err
    assert [member["handle"] for member in nova("member", "list", "--json").json] == [""]
    assert nova("log", "verify", "--deep", "--json").json["ok"]


def test_somebody_elses_words_are_hidden_now_and_go_later(nova: Scm) -> None:
    nova("member", "record", "Ayla")
    told = nova("erase", "Ayla", "--yes")
    assert "days of grace" in told.err
    assert [member["handle"] for member in nova("member", "list", "--json").json] == ["Vesper", ""]


@pytest.mark.parametrize("how", ["alone", pytest.param("served", marks=pytest.mark.services)])
def test_who_goes_along_with_somebody_is_named_before_it_is_erased(nova: Scm, tmp_path: Path, how: str) -> None:
    for handle in ("Ayla", "Bo"):
        assert nova("member", "record", handle).code == 0
    assert nova("member", "claim", "Ayla", "Bo").error == "member-not-joined"
    assert nova("member", "claim", "Ayla", "Vesper").code == 0
    with served(tmp_path, "a") if how == "served" else contextlib.nullcontext():
        asked = nova("erase", "Vesper")
        assert asked.code != 0
        assert "With them goes what was recorded of them before they joined: Ayla" in asked.err
        assert [each["handle"] for each in nova("member", "list", "--json").json] == ["Vesper", "Ayla", "Bo"]
        command = ("--yes", "--json", "--command-id", "00112233445566778899aabbccddeeff")
        told = nova("erase", "Vesper", *command).json
        assert len(told["also"]) == 1
        assert nova("erase", told["member"], *command).json == told
        assert [each["handle"] for each in nova("member", "list", "--json").json] == ["", "", "Bo"]


@pytest.mark.slow
def test_an_offer_that_is_not_taken_leaves_the_old_sheet_waiting(nova: Scm, tmp_path: Path) -> None:
    (old,) = (tmp_path / "a").glob("recovery-*.txt")
    offer, signed = tmp_path / "offer", tmp_path / "signed"
    assert nova("recovery", "offer", "-o", offer).code == 0
    told = nova("org", "list").err
    assert (told.count("is not confirmed"), old.name in told) == (2, True)
    assert "is not confirmed" not in nova("org", "list").err, "once a day"
    long_ago = (tmp_path / "a" / "recovery.reminded").stat().st_mtime - 86_400
    os.utime(tmp_path / "a" / "recovery.json", (long_ago - 60, long_ago - 60))
    os.utime(tmp_path / "a" / "recovery.reminded", (long_ago, long_ago))
    assert nova("org", "list").err.count("is not confirmed") == 2
    nova("recovery", "sign", offer, "--sheet", old, "-o", signed)
    assert nova("recovery", "take", signed).code == 0
    told = nova("org", "list").err
    assert told.count("is not confirmed") == 1
    assert f"{old.name}," not in told


def test_the_sheet_names_commands_that_there_are(nova: Scm, tmp_path: Path) -> None:
    (sheet,) = (tmp_path / "a").glob("recovery-*.txt")
    text = " ".join(sheet.read_text(encoding="utf-8").split())
    for command in ("scm recovery offer", "scm recovery sign"):
        assert command in text
        assert nova(*command.split()[1:], "--help").code == 0

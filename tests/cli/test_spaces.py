"""A second person, and a second machine of the first, join by files and commands alone."""

from pathlib import Path

import pytest

from scmanager.adapters import recovery_sheet
from tests.cli.conftest import Scm


@pytest.mark.slow
def test_somebody_is_invited_admitted_and_joins(nova: Scm, tmp_path: Path) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    nova("role", "define", "Pilot", 5)
    nova("init", at="b")
    assert nova("member", "invite", "-o", invitation).code == 0
    assert nova("space", "request", invitation, "-o", request, at="b").code == 0
    assert nova("member", "admit", request, "--role", "Pilot").code == 0
    assert nova("member", "admit", request, "--role", "Pilot").error == "device-already-in"
    assert nova("space", "export", "-o", space).code == 0
    assert nova("space", "import", space, at="b").code == 0
    assert nova("member", "join", "--handle", "Bo", at="b").code == 0
    roster = nova("member", "list", "--json", at="b").json
    assert [(each["handle"], each["role"]["name"], each["standing"]) for each in roster] == [
        ("Vesper", "founder", "joined"),
        ("Bo", "Pilot", "joined"),
    ]
    assert nova("member", "join", "--handle", "Bo", at="b").error == "member-joined-already"
    refused = nova("role", "define", "Admiral", 6, at="b")
    assert (refused.code, refused.error) == (1, "not-allowed")


@pytest.mark.slow
def test_a_second_machine_acts_as_its_owner(nova: Scm, tmp_path: Path) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    nova("init", at="laptop")
    assert nova("device", "invite", "-o", invitation).code == 0
    assert nova("device", "request", invitation, "-o", request, at="laptop").code == 0
    assert nova("device", "enrol", request).code == 0
    nova("space", "export", "-o", space)
    nova("space", "import", space, at="laptop")
    assert nova("organisation", "rename", "From the laptop", at="laptop").code == 0
    devices = nova("device", "list", "--json", at="laptop").json
    assert all(each["first entry"] <= each["last entry"] for each in devices)
    assert [each["of"]["name"] for each in devices] == ["From the laptop"] * 2
    assert sorted((each["level"], each["this machine"]) for each in devices) == [(0, ""), (1, "yes")]


@pytest.mark.slow
def test_a_request_for_a_space_that_is_not_here_is_refused(nova: Scm, tmp_path: Path) -> None:
    invitation, request = tmp_path / "invitation", tmp_path / "request"
    nova("member", "invite", "-o", invitation)
    nova("init", at="b")
    nova("space", "request", invitation, "-o", request, at="b")
    nova("init", at="c")
    nova("org", "found", "Other", "--handle", "C", at="c")
    nova("role", "define", "Pilot", 5, at="c")
    assert nova("member", "admit", request, "--role", "Pilot", at="c").error == "request-other-space"


@pytest.mark.slow
def test_a_file_that_was_changed_is_not_taken_in(nova: Scm, tmp_path: Path) -> None:
    space = tmp_path / "space"
    nova("space", "export", "-o", space)
    data = bytearray(space.read_bytes())
    place = data.find(b'"entries":[["') + 400
    data[place] = ord("A") if data[place] != ord("A") else ord("B")
    space.write_bytes(bytes(data))
    nova("init", at="b")
    told = nova("space", "import", space, at="b")
    assert told.code == 1
    assert nova("space", "list", "--json", at="b").json == []


@pytest.mark.slow
def test_a_mirror_without_keys_verifies_and_reads_nothing(nova: Scm, tmp_path: Path) -> None:
    space = tmp_path / "space"
    nova("space", "export", "-o", space, "--without-keys")
    nova("init", at="mirror")
    told = nova("space", "import", space, "--json", at="mirror")
    assert told.json["closed"] == told.json["entries"] - 1
    assert "stay closed" in told.err
    assert nova("log", "verify", "--deep", "--json", at="mirror").json["ok"]


@pytest.mark.slow
def test_the_founders_seat_is_taken_over_with_the_recovery_sheet(nova: Scm, tmp_path: Path) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    offer, signed = tmp_path / "offer", tmp_path / "signed"
    nova("role", "define", "Pilot", 5)
    nova("init", at="b")
    nova("member", "invite", "-o", invitation)
    nova("space", "request", invitation, "-o", request, at="b")
    nova("member", "admit", request, "--role", "Pilot")
    nova("space", "export", "-o", space)
    nova("space", "import", space, at="b")
    (sheet,) = (tmp_path / "a").glob("recovery-*.txt")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(" ".join(recovery_sheet.encode_seed(bytes(32))), encoding="utf-8")
    assert nova("recovery", "offer", "-o", offer, at="b").code == 0
    assert nova("recovery", "sign", offer, "--sheet", wrong, "-o", signed, at="b").error == "recovery-keys-wrong"
    assert nova("recovery", "sign", offer, "--sheet", sheet, "-o", signed, at="b").code == 0
    assert nova("recovery", "take", signed).error == "hand-over-not-ours"
    assert nova("recovery", "take", signed, at="b").code == 0
    assert nova("organisation", "rename", "Nova, recovered", at="b").code == 0
    assert "Nova, recovered" in nova("org", "list", at="b").out


def test_what_is_there_is_never_overwritten_and_nothing_is_recorded(nova: Scm, tmp_path: Path) -> None:
    letter, missing = tmp_path / "letter.txt", tmp_path / "missing" / "invitation.json"
    letter.write_text("Dear all", encoding="utf-8")
    for act in (
        ("member", "invite"), ("device", "invite"), ("space", "export"), ("recovery", "offer"),
    ):  # fmt: skip
        taken = nova(*act, "-o", letter)
        assert (taken.error, "--replace" in taken.err) == ("target-taken", False), act
    assert letter.read_text(encoding="utf-8") == "Dear all"
    failed = nova("member", "invite", "-o", missing)
    assert (failed.code, failed.error) == (3, "private-file-failed")
    assert len(nova("member", "list", "--json").json) == 1
    invitation, request = tmp_path / "invitation.json", tmp_path / "request.json"
    assert nova("member", "invite", "-o", invitation).code == 0
    nova("init", at="b")
    assert nova("space", "request", invitation, "-o", letter, at="b").error == "target-taken"
    assert nova("space", "list", "--json", at="b").json == []
    assert nova("space", "request", invitation, "-o", request, at="b").code == 0
    space, own = tmp_path / "org.scm", tmp_path / "own.scm"
    assert [nova("space", "export", "-o", space).code for _ in range(2)] == [0, 0]
    assert nova("space", "export", "--personal", "-o", own).code == 0
    assert nova("space", "export", "-o", own).error == "target-taken"
    assert {each.name for each in tmp_path.iterdir() if each.is_file()} == {
        "letter.txt", "invitation.json", "request.json", "org.scm", "own.scm",
    }  # fmt: skip


@pytest.mark.slow
def test_a_personal_space_that_was_called_an_organisation_is_told_and_is_not_ones_own(
    nova: Scm, tmp_path: Path
) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    nova("ship", "add", "RSI_Aurora_MR", "--personal")
    nova("device", "invite", "--personal", "-o", invitation)
    invitation.write_text(invitation.read_text().replace('"kind":"personal"', '"kind":"org"'))
    nova("init", at="b")
    assert nova("space", "request", invitation, "-o", request, at="b").code == 0
    assert nova("device", "enrol", request).code == 0
    nova("space", "export", "--personal", "-o", space)
    assert "not shared as yours" in nova("space", "import", space, at="b").err
    assert nova("ship", "list", "--personal", "--json", at="b").json == []
    nova("ship", "add", "DRAK_Corsair", "--personal", at="b")
    assert [each["model"] for each in nova("ship", "list", "--personal", "--json", at="b").json] == ["DRAK_Corsair"]

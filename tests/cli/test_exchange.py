"""What machines exchange, both ways: the folders opened by the commands themselves, and through running nodes."""

import base64
import contextlib
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.adapters.space_reading import write_space
from scmanager.eventstore.log_copy import LogCopy
from tests.cli.conftest import Answer, Scm, served
from tests.support.space_files import read_whole


@pytest.fixture(params=["alone", pytest.param("served", marks=pytest.mark.services)])
def two(request: pytest.FixtureRequest, nova: Scm, tmp_path: Path) -> Iterator[Scm]:
    """NOVA in folder a, and another machine's empty folder b; when served, a node runs in each."""
    assert nova("init", at="b").code == 0
    with contextlib.ExitStack() as running:
        if request.param == "served":
            for at in ("a", "b"):
                running.enter_context(served(tmp_path, at))
        yield nova
        assert (request.param == "served") == (tmp_path / "b" / "node.json").exists()


@pytest.mark.slow
def test_somebody_is_let_in_and_takes_the_founders_seat(two: Scm, tmp_path: Path) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    offer, signed = tmp_path / "offer", tmp_path / "signed"
    _done(two("role", "define", "Pilot", 5))
    member = _done(two("member", "invite", "-o", invitation, "--json")).json["member"]
    _done(two("space", "request", invitation, "-o", request, at="b"))
    mistaken = two("space", "import", request)
    assert (mistaken.code, mistaken.error) == (1, "file-of-another-kind")
    assert "This is a request" in mistaken.err
    assert two("member", "admit", invitation, "--role", "Pilot").error == "file-of-another-kind"
    command = ["--command-id", "00112233445566778899aabbccddeeff", "--json"]
    admitted = _done(two("member", "admit", request, "--role", "Pilot", *command)).json
    assert admitted["member"] == member
    assert _done(two("member", "admit", request, "--role", "Pilot", *command)).json == admitted
    written = _done(two("space", "export", "-o", space, "--json")).json
    assert written["bytes"] == space.stat().st_size
    assert space.stat().st_mode & 0o077 == 0
    brought = _done(two("space", "import", space, "--json", at="b"))
    assert (brought.json["logs"], brought.json["closed"]) == (2, 0)
    assert "You are let in" in brought.err
    _done(two("member", "join", "--handle", "Bo", at="b"))
    (sheet,) = (tmp_path / "a").glob("recovery-*.txt")
    offered = _done(two("recovery", "offer", "-o", offer, "--recovery-keys", 3, "--json", at="b")).json
    assert (tmp_path / "b" / offered["recovery_sheet"]).exists()
    _done(two("org", "hand-over", offer, "--sheet", sheet, "-o", signed))
    assert two("recovery", "take", signed).error == "hand-over-not-ours"
    _done(two("recovery", "take", signed, at="b"))
    _done(two("organisation", "rename", "Nova, recovered", at="b"))
    _done(two("space", "export", "-o", space, at="b"))
    assert "do not act here any more" in _done(two("space", "import", space)).err


@pytest.mark.slow
def test_a_second_machine_acts_as_its_owner(two: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for own in ([], ["--personal"]):
        invitation, request, space = (tmp_path / f"{each}{len(own)}" for each in ("invitation", "request", "space"))
        _done(two("device", "invite", "-o", invitation, *own))
        if own:
            assert two("space", "request", invitation, "-o", request, at="b").error == "invitation-to-own-space"
        _done(two("device", "request", invitation, "-o", request, at="b"))
        _done(two("device", "enrol", request))
        _done(two("space", "export", "-o", space, *own))
        told = _done(two("space", "import", space, "--json", at="b"))
        assert (told.json["closed"], "This device acts in the space" in told.err) == (0, True)
    _done(two("organisation", "rename", "From the laptop", at="b"))
    laptop = next(each["device"] for each in _done(two("device", "list", "--json")).json if not each["this machine"])
    assert _done(two("device", "name", laptop[:12], "Läptop")).out == f"device  Läptop ({laptop[:12]})\n"
    _done(two("device", "name", "LÄPTOP", "Old one"))
    assert "device.name device Läptop" in _done(two("undo", "--yes")).out
    _done(two("space", "export", "-o", tmp_path / "named", "--personal"))
    _done(two("space", "import", tmp_path / "named", at="b"))
    for at in ("a", "b"):
        told = _done(two("device", "list", "--json", at=at)).json
        assert [(each["space"], each["name"]) for each in told if each["device"] == laptop] == [
            ("org", "Läptop"), ("personal", "Läptop")
        ]  # fmt: skip
    unknown = two("device", "cut", "Tower", "--org", "NOVA")
    assert (unknown.error, f"Known: Läptop ({laptop[:12]})" in unknown.err) == ("name-unknown", True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    stopped = two("device", "cut", "läptop", "--org", "NOVA")
    assert (stopped.code, "Disown this device for good?" in stopped.err) == (3, True)
    told = _done(two("device", "cut", "läptop", "--org", "NOVA", "--yes")).err
    assert f"In your own space it still acts: scm device cut {laptop[:12]} --personal" in told
    assert "scm space export -o cut.scm --org NOVA" in told
    cut = {(each["space"], each["cut"]) for each in two("device", "list", "--json").json if each["device"] == laptop}
    assert cut == {("org", "yes"), ("personal", "")}
    _done(two("space", "export", "-o", tmp_path / "cut"))
    _done(two("fleet", "form", "Unheard", at="b"))
    _done(two("space", "import", tmp_path / "cut", at="b"))
    assert two("event", "reissue", at="b").error == "not-a-member"
    void = _done(two("event", "void", at="b"))
    assert "fleet.formed" in void.out
    assert "Say all of this machine again" not in void.err
    assert "This machine was disowned in Nova Halcyon" in void.err.replace("From the laptop", "Nova Halcyon")
    told = _done(two("device", "cut", laptop[:12], "--personal", "--yes")).err
    assert ("still acts" in told, "scm space export -o cut.scm --personal" in told) == (False, True)


@pytest.mark.slow
def test_what_a_machine_is_called_goes_with_its_owners_words(nova: Scm, tmp_path: Path) -> None:
    own = next(each["device"] for each in nova("device", "list", "--json").json)
    _done(nova("device", "name", own, "Quillback"))
    assert "Quillback" in _done(nova("device", "list")).out
    _done(nova("erase", "--personal", "--at-once", "--yes"))
    assert "(erased)" in _done(nova("device", "list")).out
    assert not [each for each in tmp_path.rglob("*.db*") if b"Quillback" in each.read_bytes()]
    assert nova("device", "cut", "Quillback").error == "name-unknown"


@pytest.mark.slow
def test_words_that_a_file_left_out_are_shown_once_a_whole_one_came(two: Scm, tmp_path: Path) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    _done(two("role", "define", "Pilot", 5))
    _done(two("member", "invite", "-o", invitation))
    _done(two("space", "request", invitation, "-o", request, at="b"))
    _done(two("member", "admit", request, "--role", "Pilot"))
    _done(two("space", "export", "-o", space))
    whole = read_whole(space)
    bare = [LogCopy(c.entries, [{n: p for n, p in h.items() if n == 0} for h in c.held], c.note) for c in whole.logs]
    write_space(tmp_path / "bare", whole.space, bare, whole.keys)
    _done(two("space", "import", tmp_path / "bare", at="b"))
    assert "Vesper" not in _done(two("member", "list", at="b")).out
    assert _done(two("space", "import", space, "--json", at="b")).json["entries"] == 0
    assert "Vesper" in _done(two("member", "list", at="b")).out


@pytest.mark.slow
def test_a_request_in_the_name_of_somebody_who_was_not_invited_is_refused(two: Scm, tmp_path: Path) -> None:
    """Whoever was invited could else write another member's id into the file and be let in as that member."""
    invitation, request = tmp_path / "invitation", tmp_path / "request"
    _done(two("role", "define", "Pilot", 5))
    other = _done(two("member", "record", "Ayla", "--json")).json["member"]
    _done(two("member", "invite", "-o", invitation))
    told = json.loads(invitation.read_text()) | {"member": base64.b64encode(bytes.fromhex(other)).decode()}
    invitation.write_text(json.dumps(told))
    _done(two("space", "request", invitation, "-o", request, at="b"))
    assert two("member", "admit", request, "--role", "Pilot").error == "request-not-awaited"
    _done(two("member", "admit", request, "--role", "Pilot", "--member", "Ayla"))


@pytest.mark.slow
def test_what_is_refused_is_refused_alike(two: Scm, tmp_path: Path) -> None:
    noise, request = tmp_path / "noise", tmp_path / "request"
    noise.write_bytes(b"\xffnoise")
    assert two("space", "import", noise).error == "space-file-damaged"
    assert two("space", "import", tmp_path / "nowhere").error == "file-unreadable"
    assert two("space", "request", noise, "-o", request).error == "space-file-damaged"
    assert two("recovery", "take", noise).error == "space-file-damaged"
    assert two("org", "found", "Many", "--handle", "V", "--recovery-keys", 99).error == "recovery-numbers-wrong"
    mirror = tmp_path / "mirror"
    _done(two("space", "export", "-o", mirror, "--without-keys"))
    mirrored = _done(two("space", "import", mirror, "--json", at="b"))
    assert mirrored.json["closed"] == mirrored.json["entries"] - 1
    founded = _done(two("org", "found", "Careful", "--handle", "V", "--recovery-keys", 3, "--json")).json
    assert (tmp_path / "a" / founded["recovery_sheet"]).read_text("utf-8").count("Careful") >= 3


def _done(answer: Answer) -> Answer:
    assert answer.code == 0, answer.err
    return answer


@pytest.mark.slow
def test_a_log_without_its_beginning_waits_and_the_import_says_for_what(
    two: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, piece = tmp_path / "whole", tmp_path / "piece"
    _done(two("space", "export", "-o", whole, "--without-keys"))
    _done(two("space", "import", whole, at="b"))
    known = _done(two("log", "verify", "--json", at="b")).json["entries"]
    for title in ("One", "Two", "Three"):
        _done(two("organisation", "rename", title))
    _done(two("space", "export", "-o", whole, "--without-keys"))
    read = read_whole(whole)
    (log,) = read.logs
    write_space(piece, read.space, [LogCopy(log.entries[known + 1 :], log.held[known + 1 :], log.note)], None)

    told = _done(two("space", "import", piece, "--json", at="b")).json
    assert (told["entries"], told["dropped"]) == (0, [])
    (row,) = told["pending"]
    number, size, since = (row.pop(name) for name in ("number", "bytes", "since_s"))
    assert size > 0
    assert abs(since - time.time()) < 600
    assert row == {
        "log": read.space.hex(), "space": read.space.hex(), "entries": 2, "from": known + 1, "to": known + 2,
        "missing_from": known, "missing_to": known, "why": f"entry {known} is missing",
    }  # fmt: skip
    shown = _done(two("space", "import", piece, at="b"))
    assert f"{known + 1} to {known + 2}" in shown.out
    assert f"entry {known} is missing" in shown.out
    assert "2 entries wait" in shown.err
    assert "pending" not in shown.out.partition("\n")[0]
    told = _done(two("log", "verify", "--deep", "--json", at="b")).json
    assert (told["ok"], told["entries"], told["pending"]) == (True, known, 2)
    assert "2 entries wait" in _done(two("log", "verify", "--deep", at="b")).out

    assert "2 entries (" in _done(two("space", "list", at="b")).err
    assert _done(two("space", "pending", at="b")).out == shown.out[shown.out.index("number") :]
    waiting = _done(two("space", "pending", "--json", at="b")).json
    assert waiting == {"waiting": [row | {"number": number, "bytes": size, "since_s": since}], "dropped": []}
    assert two("space", "discard", number + 1, "--yes", at="b").error == "pending-run-gone"
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert two("space", "discard", number, "--json", at="b").json["error"]["code"] == "stopped"
    let_go = _done(two("space", "discard", number, "--yes", "--json", at="b")).json
    assert let_go == {"number": number, "log": read.space.hex(), "waiting": 0}
    assert _done(two("space", "pending", "--json", at="b")).json == {"waiting": [], "dropped": []}
    assert "Nothing waits" in two("space", "pending", at="b").err
    _done(two("space", "import", piece, at="b"))

    told = _done(two("space", "import", whole, "--json", at="b")).json
    assert (told["entries"], told["pending"]) == (3, [])
    assert _done(two("log", "verify", "--deep", "--json", at="b")).json["pending"] == 0

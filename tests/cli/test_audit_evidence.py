"""Evidence at the command line: written where the entries are, checked by whoever gets the file."""

from pathlib import Path

import pytest

from scmanager.application import evidence
from scmanager.eventstore.evidence import Bundle
from scmanager.eventstore.log_tree import LogTree
from tests.cli.conftest import Scm
from tests.support.author import Author
from tests.support.evidence import both, theirs
from tests.support.three_machines import Org


def written(nova: Scm, tmp_path: Path, *about: object) -> bytes:
    file = tmp_path / "made.scm-evidence"
    file.unlink(missing_ok=True)
    made = nova("audit", "bundle", *about, "-o", file, "--json")
    assert made.code == 0, made.err
    return file.read_bytes()


def test_an_event_is_proved_and_says_nothing_unless_it_is_opened(nova: Scm, tmp_path: Path) -> None:
    assert nova("role", "define", "Pilot", 5).code == 0
    newest = nova("log", "show", "--json").json[-1]
    data = written(nova, tmp_path, "--event", newest["id"][:8])
    assert both(data)
    assert b"key " not in data
    assert not any("Pilot" in each for each in theirs(data)[0])
    opened = written(nova, tmp_path, "--event", newest["id"], "--reveal")
    assert both(opened)
    assert any("Pilot" in each for each in theirs(opened)[0])
    keys = [key for log in Bundle.parse(opened).logs for one in log.entries for key in one.keys]
    assert len(keys) == 1, "of that one part alone"
    told = nova("audit", "bundle", "--event", newest["id"], "--reveal", "-o", tmp_path / "again")
    assert "whoever gets it can read that for ever" in told.err
    refused = nova("audit", "bundle", "--event", newest["id"], "-o", tmp_path / "again")
    assert refused.error == "target-taken"
    assert nova("audit", "bundle", newest["id"], "-o", tmp_path / "by-place").code == 0
    assert nova("audit", "bundle", "-o", tmp_path / "nothing").error == "evidence-about-what"


def test_a_range_of_a_log_and_all_about_an_operation(nova: Scm, tmp_path: Path) -> None:
    planned = nova("operation", "plan", "Jumptown", "2027-11-30T20:00", "3h", "--json")
    assert planned.code == 0, planned.err
    assert nova("operation", "describe", "Jumptown", "--objective", "Hold the site").code == 0
    log = nova("log", "show", "--json").json[-1]["log"]
    data = written(nova, tmp_path, "--log", log[:12], "--range", "2..4")
    assert both(data)
    assert [one.seq for one in Bundle.parse(data).logs[0].entries] == [0, 2, 3, 4]
    about = [each for each in nova("log", "show", "--json").json if each["type"].startswith("operation.")]
    data = written(nova, tmp_path, "--operation", "Jumptown", "--reveal")
    assert both(data)
    assert [one.seq for one in Bundle.parse(data).logs[0].entries] == [0, *(each["seq"] for each in about)]
    assert any("Jumptown" in each for each in theirs(data)[0])


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ([], "evidence-about-what"),
        (["--log", "abcd"], "evidence-about-what"),
        (["--event", "0" * 64, "--operation", "X"], "evidence-about-what"),
        (["--event", "0000"], "name-unknown"),
        (["--log", "0000", "--range", "1..2"], "name-unknown"),
        (["--operation", "Nowhere"], "name-unknown"),
    ],
)
def test_what_is_not_there_is_refused(nova: Scm, tmp_path: Path, about: list[str], code: str) -> None:
    told = nova("audit", "bundle", *about, "-o", tmp_path / "x")
    assert (told.code, told.error) == (1, code)
    assert not (tmp_path / "x").exists()


def test_a_range_is_two_places(nova: Scm, tmp_path: Path) -> None:
    log = nova("log", "show", "--json").json[-1]["log"]
    for wrong, code in [("3", "bad-range"), ("x..y", "bad-range"), ("90..99", "evidence-empty")]:
        assert nova("audit", "bundle", "--log", log, "--range", wrong, "-o", tmp_path / "x").error == code


def test_the_check_says_what_holds_and_what_does_not(nova: Scm, tmp_path: Path) -> None:
    newest = nova("log", "show", "--json").json[-1]
    file = tmp_path / "made.scm-evidence"
    data = written(nova, tmp_path, "--event", newest["id"], "--reveal")
    told = nova("audit", "check", file)
    assert told.code == 0
    assert "Proved: these entries stand in these logs as their keys signed them" in told.out
    assert newest["type"] in told.out
    assert "whether the author of an entry had the right" in " ".join(told.err.split())
    plain = nova("audit", "check", file, "--json").json
    assert (plain["ok"], plain["space"], plain["problems"]) == (True, newest["space"], [])
    assert plain["logs"][0]["entries"][-1]["id"].startswith(newest["id"])
    assert nova("audit", "check", file, "--space", newest["space"][:16]).code == 0
    for other in (
        ["--space", newest["space"][:15]],
        ["--space", newest["space"][:8]],
        ["--space", "0000"],
        ["--ledger", newest["space"]],
        ["--space", ""],
    ):
        told = nova("audit", "check", file, *other)
        assert (told.code, "evidence-other" in told.out) == (1, True)
    file.write_bytes(data.replace(b"\nhash ", b"\nhash A", 1))
    assert nova("audit", "check", file).error == "bad-evidence"


@pytest.mark.slow
def test_a_log_of_another_member_comes_with_what_let_it_in(tmp_path: Path) -> None:
    org = Org(tmp_path)
    try:
        made = org.bob.do("role.define", org.space, {"title": "By Bob", "rank": 9, "rights": ()})
        org.carry(org.bob, org.ada)
        node = org.ada
        with node.shelf.lock:
            space = node.shelf.space(org.space)
            asked = evidence.about(space, bytes.fromhex(made["role"]))
            bundle = evidence.make(
                space, node.store.heads(org.space), asked, lambda head: LogTree(node.store, head, tmp_path)
            )
    finally:
        org.close()
    assert both(bundle.to_bytes())
    founder, guest = bundle.logs
    assert len(founder.entries) == 2, "its beginning, and what let Bob's log in"
    assert [one.seq for one in guest.entries] == [0, asked[0].entry.seq]
    assert not both(Bundle((guest, founder)).to_bytes())


@pytest.mark.slow
def test_a_bundle_of_the_ledger_comes_with_its_manifests(author: Author) -> None:
    ledger = author.begin(author.serve())
    author.append("keys")
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    author.append("update")
    newest = author.scm("log", "show", "--json", at="server").json[-1]
    file = author / "made"
    assert author.scm("audit", "bundle", "--event", newest["id"], "-o", file, at="server").code == 0
    assert both(file.read_bytes())
    told = author.scm("audit", "check", file, "--ledger", ledger, at="elsewhere")
    assert told.code == 0, told.out
    assert f"ledger  {ledger}" in told.out
    assert "update.signed/1" in told.out

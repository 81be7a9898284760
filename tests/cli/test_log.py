"""The log from the command line: shown, explained, proved; and a store that somebody tampered with."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scmanager.cli.why import SENTENCES
from scmanager.domain.records import Reason
from tests.cli.conftest import Scm


def tamper(path: Path, statement: str, *arguments: object) -> None:
    """Change the file as a thief would: with the triggers dropped meanwhile."""
    database = sqlite3.connect(path)
    guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for trigger, _ in guards:
        database.execute(f"DROP TRIGGER {trigger}")
    assert database.execute(statement, arguments).rowcount == 1
    for _, words in guards:
        database.execute(words)
    database.commit()
    database.close()


def flip(path: Path, seq: int, column: str = "data", place: int = 80) -> None:
    """Flip one bit of one byte of an entry."""
    database = sqlite3.connect(path)
    (value,) = database.execute(f"SELECT {column} FROM entry WHERE log = 1 AND seq = ?", (seq,)).fetchone()
    database.close()
    changed = bytearray(value)
    changed[place] ^= 1
    tamper(path, f"UPDATE entry SET {column} = ? WHERE log = 1 AND seq = ?", bytes(changed), seq)


@pytest.mark.slow
def test_the_log_is_shown_newest_last_and_by_type(nova: Scm) -> None:
    nova("member", "record", "Ayla")
    shown = nova("log", "show", "--json").json
    assert [each["type"] for each in shown][-1] == "member.recorded/1"
    assert all(each["valid"] for each in shown)
    assert {each["type"] for each in nova("log", "show", "--type", "member.", "--json").json} == {
        "member.recorded/1",
        "member.joined/1",
    }
    assert len(nova("log", "show", "--limit", 2, "--json").json) == 2


def test_a_sound_log_prints_its_heads(nova: Scm) -> None:
    told = nova("log", "verify", "--json").json
    assert (told["ok"], told["logs"], told["entries"]) == (True, 1, 5)
    (head,) = told["heads"]
    assert head["root"] in nova("log", "verify", "--deep").out


def test_verifying_needs_no_keys(nova: Scm, tmp_path: Path) -> None:
    for name in ("device.json", "keys.db"):
        (tmp_path / "a" / name).unlink()
    assert nova("log", "verify", "--deep", "--json").json["ok"]


@pytest.mark.parametrize("depth", [[], ["--deep"]], ids=["fast", "deep"])
@pytest.mark.parametrize("place", [10, 50, 80, 200], ids=["log", "hlc", "prev", "json"])
@pytest.mark.parametrize("seq", [1, 3, 4])
@pytest.mark.slow
def test_one_flipped_bit_is_found_with_its_log_and_entry(
    nova: Scm, tmp_path: Path, depth: list[str], place: int, seq: int
) -> None:
    head = nova("log", "verify", "--json").json["heads"][0]
    nova("role", "define", "Pilot", 5)
    flip(tmp_path / "a" / "events.db", seq, place=place)
    told = nova("log", "verify", *depth, "--json")
    assert told.code == 1
    assert not told.json["ok"]
    assert seq in {each["seq"] for each in told.json["findings"]}
    assert {each["log"] for each in told.json["findings"]} == {head["log"]}
    shown = nova("log", "verify", *depth)
    assert shown.code == 1
    assert f"log {head['log']} entry {seq}" in shown.out


def test_dropped_guards_are_a_finding_until_the_next_command_makes_them_anew(nova: Scm, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a" / "events.db")) as database:
        database.execute("DROP TRIGGER entry_same")
    told = nova("log", "verify")
    assert told.code == 1
    assert "guard-missing: the trigger entry_same of entry is missing" in told.out
    assert nova("member", "list").code == 0
    assert nova("log", "verify").code == 0


def test_a_changed_part_is_found_by_the_deep_one(nova: Scm, tmp_path: Path) -> None:
    flip(tmp_path / "a" / "events.db", 2, column="shared", place=40)
    assert nova("log", "verify").code == 0
    told = nova("log", "verify", "--deep", "--json")
    assert told.code == 1
    assert [(each["seq"], each["code"]) for each in told.json["findings"]] == [(2, "part-wrong")]


def test_the_help_says_what_no_verifier_can_see(scm: Scm) -> None:
    assert "rolled back whole" in " ".join(scm("log", "verify", "--help").out.split())


def test_why_says_that_an_event_counts_and_from_whom_its_right_comes(nova: Scm) -> None:
    newest = nova("log", "show", "--limit", 1, "--json").json[0]["id"]
    whole = nova("audit", "explain", newest, "--json").json["steps"][-1]["event"]
    assert whole.startswith(newest)
    for named in (newest[:12], newest, whole):
        told = nova("why", named)
        assert "It counts." in told.out
        assert "the founding of the space: Vesper" in told.out


@pytest.mark.slow
def test_why_names_the_removal_that_voids_what_came_after(nova: Scm, tmp_path: Path) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    nova("role", "define", "Officer", 2, "--rights", "member.represent")
    nova("init", at="b")
    member = nova("member", "invite", "-o", invitation, "--json").json["member"]
    nova("space", "request", invitation, "-o", request, at="b")
    nova("member", "admit", request, "--role", "Officer")
    nova("space", "export", "-o", space)
    nova("space", "import", space, at="b")
    nova("member", "remove", member, "conduct")
    nova("member", "record", "Unheard", at="b")
    nova("space", "export", "-o", space, at="b")
    nova("space", "import", space)
    void = [each for each in nova("log", "show", "--json").json if not each["valid"]]
    assert {each["reason"] for each in void} == {"cut-by-removal"}
    told = nova("why", void[0]["id"])
    assert "removed or given another role" in told.out
    assert "Because of: grant.removed/1" in told.out
    assert nova("why", void[0]["id"], "--json").json["cause"]


def test_there_is_a_plain_sentence_for_every_reason() -> None:
    assert set(SENTENCES) == set(Reason)
    assert len(set(SENTENCES.values())) == len(SENTENCES)

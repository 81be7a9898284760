"""`scm audit replay`: a space as of then, from its entries alone; whatever it reads stays as it lies there."""

import hashlib
import shutil
import time
from pathlib import Path

import pytest

from scmanager.config import Settings
from scmanager.runtime import Node
from scmanager.spaces.state_digest import state_digest
from tests.cli.conftest import Scm
from tests.cli.test_log import flip, tamper
from tests.end_to_end.test_hostile_events import enveloped, slip_in


def files_in(*folders: Path) -> dict[Path, str]:
    """Every file with its hash."""
    every = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in every}


def titles(told: object) -> set[str]:
    assert isinstance(told, dict)
    return {each["name"] for each in told["things"]}


def test_a_position_shows_what_was_there_then_and_not_what_came(nova: Scm) -> None:
    nova("fleet", "form", "Home")
    before = nova("audit", "replay", "--json").json
    nova("fleet", "rename", "Home", "Away")
    nova("member", "record", "Ayla")
    now = nova("audit", "replay", "--json").json
    then = nova("audit", "replay", "--until", before["entries"], "--json").json
    assert {"Home"} == {"Home", "Away", "Ayla"} & titles(then)
    assert {"Away", "Ayla"} == {"Home", "Away", "Ayla"} & titles(now)
    assert (then["digest"], then["frontier"]) == (before["digest"], before["frontier"])
    assert then["until"] == {"kind": "position", "said": "position 6 of 8", "position": 6, "last": 8}
    assert all(each["holds"] for each in then["heads"])
    shown = nova("audit", "replay", "--until", before["entries"], "Home")
    assert "title: Home" in shown.out
    assert "1 log as their own keys signed them" in shown.out


def test_the_digest_is_that_of_the_node_that_followed_every_step(nova: Scm, tmp_path: Path) -> None:
    nova("fleet", "form", "Home")
    with Node(Settings(tmp_path / "a", tmp_path / "a.state", port=0)) as node:
        space = node.shelf.spaces()[0]
        node.do("fleet.form", space.id, {"title": "While it runs"})
        told = nova("audit", "replay", "--json").json
        assert told["digest"] == state_digest(space).hex()
        assert told["frontier"] == space.frontier().hex()
    assert "While it runs" in titles(told)


def test_no_file_changes_and_none_is_made(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla")
    assert nova("space", "export", "-o", tmp_path / "space.scm").code == 0
    before = files_in(tmp_path)
    last = nova("audit", "replay", "--json").json
    for point in ("now", 3, "1d", "2100-01-01", last["frontier"], last["heads"][0]["head"]):
        assert nova("audit", "replay", "--until", point).code == 0, point
        assert nova("audit", "replay", "--from", tmp_path / "space.scm", "--until", point).code == 0, point
    assert files_in(tmp_path) == before


def test_what_a_killed_node_left_is_read_with_its_write_ahead_log(nova: Scm, tmp_path: Path) -> None:
    with Node(Settings(tmp_path / "a", tmp_path / "a.state", port=0)) as node:
        node.do("fleet.form", node.shelf.spaces()[0].id, {"title": "Late"})
        shutil.copytree(tmp_path / "a", tmp_path / "killed")
    assert (tmp_path / "killed" / "events.db-wal").stat().st_size
    before = files_in(tmp_path / "killed")
    assert "Late" in nova("audit", "replay", "--from", tmp_path / "killed").out
    after = files_in(tmp_path / "killed")
    assert {path.name for path in before if before[path] != after.get(path)} <= {"events.db-shm"}
    assert before.keys() == after.keys()


def test_a_moment_is_meant_in_utc_or_in_the_zone_that_is_named(nova: Scm) -> None:
    nova("member", "record", "Ayla")
    assert nova("audit", "replay", "--until", "1d", "--json").json["entries"] == 0
    assert "Nothing stood then." in nova("audit", "replay", "--until", "1d").err
    everything = nova("audit", "replay", "--json").json
    assert nova("audit", "replay", "--until", "2100-01-01", "--json").json["digest"] == everything["digest"]
    there = nova("audit", "replay", "--until", "2026-07-01T12:00", "--zone", "Europe/Berlin", "--json").json
    assert there["until"]["time"] == "2026-07-01T10:00:00Z"
    skipped = nova("audit", "replay", "--until", "2027-03-28T02:30", "--zone", "Europe/Berlin")
    assert (skipped.code, skipped.error) == (1, "moment-skipped")
    twice = nova("audit", "replay", "--until", "2026-10-25T02:30", "--zone", "Europe/Berlin", "--json").json
    assert twice["until"]["time"] == "2026-10-25T00:30:00Z"


def test_an_entry_or_a_frontier_names_a_point(nova: Scm) -> None:
    nova("fleet", "form", "Home")
    then = nova("audit", "replay", "--json").json
    event = nova("log", "show", "--limit", 1, "--json").json[0]["id"]
    nova("fleet", "form", "Away")
    for name in (event, event[:12], then["frontier"], then["frontier"][:10], then["heads"][0]["head"]):
        told = nova("audit", "replay", "--until", name, "--json").json
        assert told["digest"] == then["digest"], name
    assert nova("audit", "replay", "--until", then["frontier"], "--json").json["until"]["kind"] == "frontier"


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ("yesterday", "audit-point-unclear"),
        ("99", "audit-point-ahead"),
        ("f" * 64, "audit-point-unknown"),
        ("12345678", "audit-point-unknown"),
    ],
)
def test_a_point_that_is_none_is_refused(nova: Scm, point: str, code: str) -> None:
    told = nova("audit", "replay", "--until", point)
    assert (told.code, told.error) == (1, code)


def test_sources_that_are_none_are_refused(scm: Scm, tmp_path: Path) -> None:
    assert scm("audit", "replay").error == "no-data-folder"
    assert scm("init").code == 0
    assert scm("audit", "replay").error == "audit-no-space"
    assert scm("audit", "replay", "--from", tmp_path / "nothing").error == "file-unreadable"
    (tmp_path / "list.csv").write_text("name,ship\n")
    assert scm("audit", "replay", "--from", tmp_path / "list.csv").error == "audit-source-unclear"
    (tmp_path / "half.scm").write_bytes(b'{"format":"scm-space/1","space":"')
    assert scm("audit", "replay", "--from", tmp_path / "half.scm").error == "space-file-damaged"


@pytest.mark.parametrize("plain", [True, False])
def test_a_backup_is_told_to_be_restored_first(
    nova: Scm, tmp_path: Path, plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCM_BACKUP_PASSPHRASE", "correct horse battery")
    path = tmp_path / "nova.backup"
    assert nova("backup", "make", path, *(["--plain"] if plain else [])).code == 0
    for command in (("replay", "--from", path), ("diff", path, "now"), ("explain", "--from", path, "Nova Halcyon")):
        told = nova("audit", *command)
        assert (told.error, "scm --data OTHER restore FILE" in told.err) == ("audit-source-backup", True), told.err


def test_a_space_file_tells_the_same_with_its_keys_and_says_what_is_closed_without(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla")
    here = nova("audit", "replay", "--json").json
    assert nova("space", "export", "-o", tmp_path / "space.scm").code == 0
    there = nova("audit", "replay", "--from", tmp_path / "space.scm", "--json").json
    assert (there["digest"], there["frontier"]) == (here["digest"], here["frontier"])
    assert "Ayla" in titles(there)
    stranger = nova("audit", "replay", "--from", tmp_path / "space.scm", at="nobody")
    assert "closed for want of a key" in stranger.err
    closed = nova("audit", "replay", "--from", tmp_path / "space.scm", "--json", at="nobody").json
    assert (closed["frontier"], closed["things"]) == (here["frontier"], [])
    assert closed["digest"] != here["digest"]


def test_an_export_of_several_spaces_is_read_whole(nova: Scm, tmp_path: Path) -> None:
    assert nova("character", "make", "Nyx").code == 0
    digests = {}
    for name, flag in (("org", ()), ("personal", ("--personal",))):
        (tmp_path / "export" / name).mkdir(parents=True)
        assert nova("space", "export", *flag, "-o", tmp_path / "export" / name / "entries.jsonl").code == 0
        digests[name] = nova("audit", "replay", "--space", name, "--json").json["digest"]
    for name, digest in digests.items():
        told = nova("audit", "replay", "--from", tmp_path / "export", "--space", name, "--json").json
        assert told["digest"] == digest, name


def test_another_data_folder_is_read_as_it_lies_there(nova: Scm, tmp_path: Path) -> None:
    here = nova("audit", "replay", "--json").json
    nova("init", at="b")
    (tmp_path / "b.state").mkdir(exist_ok=True)
    for key in (tmp_path / "a.state").glob("*.key"):
        (tmp_path / "b.state" / key.name).write_bytes(key.read_bytes())
    assert nova("audit", "replay", "--from", tmp_path / "a", "--json", at="b").json["digest"] == here["digest"]


def test_a_folder_without_its_keys_has_its_frontier_and_says_what_is_closed(nova: Scm, tmp_path: Path) -> None:
    here = nova("audit", "replay", "--json").json
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "events.db").write_bytes((tmp_path / "a" / "events.db").read_bytes())
    told = nova("audit", "replay", "--from", tmp_path / "mirror", "--json", at="nobody").json
    assert (told["frontier"], told["closed"]) == (here["frontier"], here["entries"] - 1)
    assert all(each["holds"] for each in told["heads"])


def test_what_was_erased_since_is_erased_in_every_earlier_state(nova: Scm) -> None:
    nova("member", "record", "Ayla")
    named = nova("audit", "replay", "Ayla", "--json").json
    assert named["things"][0]["fields"]["profile"] == "handle Ayla"
    member = named["things"][0]["id"]
    assert nova("member", "erase", "Ayla").code == 0
    for point in ("now", named["entries"]):
        told = nova("audit", "replay", member, "--until", point, "--json").json
        assert told["things"][0]["fields"]["profile"] == "(erased)", point


def test_entries_that_are_not_what_was_signed_are_said_and_end_in_a_failure(nova: Scm, tmp_path: Path) -> None:
    nova("fleet", "form", "Home")
    last = nova("audit", "replay", "--json").json["entries"] - 1
    flip(tmp_path / "a" / "events.db", last, place=130)  # The hash of its part: who reads it notices.
    told = nova("audit", "replay")
    assert (told.code, told.error) == (3, "store-damaged")


def test_a_note_that_no_key_of_the_log_signed_is_said(nova: Scm, tmp_path: Path) -> None:
    nova("fleet", "form", "Home")
    tamper(tmp_path / "a" / "events.db", "UPDATE note SET root = zeroblob(32) WHERE size = 6")
    told = nova("audit", "replay")
    assert told.code == 1
    assert "NOT what was signed" in told.out
    assert nova("audit", "replay", "--until", 5).code == 0


def test_what_is_dated_far_ahead_is_counted_apart(nova: Scm, tmp_path: Path) -> None:
    node = Node(
        Settings(tmp_path / "a", tmp_path / "a.state", port=0), clock=lambda: (time.time_ns() // 1000) + 10**12
    )
    with node:
        node.do("fleet.form", node.shelf.spaces()[0].id, {"title": "Tomorrow"})
    told = nova("audit", "replay")
    assert "dated far ahead of this clock and not counted" in told.err
    assert "Tomorrow" not in told.out


def test_what_this_release_does_not_know_is_counted_and_told(nova: Scm, tmp_path: Path) -> None:
    with Node(Settings(tmp_path / "a", tmp_path / "a.state", port=0)) as node:
        space = node.shelf.spaces()[0].id
        for kind, payload in (("warp.jumped/1", b"{}"), ("organisation.renamed/1", b'{"colour":"red"}')):
            slip_in(node, space, enveloped(node, space, kind, payload))
    told = nova("audit", "replay", "--json").json
    assert told["unknown"] == 2
    assert "2 entries: this release does not know what they say" in nova("audit", "replay").err
    explained = nova("audit", "explain", "Nova Halcyon", "--json").json["steps"]
    assert [each["counts"] for each in explained if each["type"] == "organisation.renamed/1"] == [False]
    event = nova("log", "show", "--type", "warp.", "--json").json[0]["id"]
    assert "does not know what it says" in nova("audit", "explain", event).out


def test_an_erased_character_is_listed_as_erased_and_no_id_is_its_own_name(nova: Scm) -> None:
    assert nova("character", "make", "Nyx").code == 0
    assert nova("erase", "--personal", "--at-once", "--yes").code == 0
    told = nova("audit", "replay", "--space", "personal")
    assert "(erased)" in told.out
    unknown = nova("audit", "replay", "--space", "personal", "Nyx")
    assert unknown.error == "name-unknown"
    (row,) = [
        each
        for each in nova("audit", "replay", "--space", "personal", "--json").json["things"]
        if each["kind"] == "character"
    ]
    short = row["id"][:12]
    assert f"{short} ({short})" not in nova("audit", "replay", "--space", "personal", "Nobody").err


def test_a_time_that_clocks_skip_is_told_with_itself_as_the_example(nova: Scm) -> None:
    told = nova("audit", "replay", "--until", "2026-03-29T02:30", "--zone", "Europe/Berlin").err
    assert "2026-03-29T02:30+01:00" in told
    assert "2027" not in told

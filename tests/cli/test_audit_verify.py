"""`scm audit verify`: what it looks at, what it says, and that whoever tampers is told from whoever erased."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scmanager.eventstore import audit, audit_chunk
from scmanager.eventstore.checkpoint import parse_note
from scmanager.master_ledger.cosignature import cosign
from scmanager.master_ledger.policy import ED25519, Vkey
from tests.cli.conftest import Scm
from tests.cli.test_log import flip, tamper
from tests.support.author import Author
from tests.support.ledger import RELEASE, WITNESSES, name_of

DEPTHS = ("--fast", "--deep", "--full")


def verified(scm: Scm, *arguments: object, at: str = "a") -> dict[str, Any]:
    told = scm("audit", "verify", *arguments, "--json", at=at)
    assert told.code == (0 if told.json["ok"] else 1), told.err
    return dict(told.json)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_folder_that_nobody_touched_is_sound(nova: Scm, depth: str) -> None:
    told = verified(nova, depth)
    assert (told["ok"], told["kind"], told["depth"], told["entries"]) == (True, "folder", depth[2:], 5)
    (head,) = told["heads"]
    shown = nova("audit", "verify", depth)
    assert head["root"] in shown.out
    assert "Sound: 5 entries in 1 log" in shown.out
    assert ("spaces" in told) == (depth == "--full")


@pytest.mark.parametrize(("depth", "column", "found"), [
    ("--fast", "data", True), ("--deep", "data", True), ("--full", "data", True),
    ("--fast", "shared", False), ("--deep", "shared", True), ("--full", "shared", True),
])  # fmt: skip
def test_a_changed_byte_is_a_line_that_names_the_entry(
    nova: Scm, tmp_path: Path, depth: str, column: str, found: bool
) -> None:
    flip(tmp_path / "a" / "events.db", 3, column=column, place=40)
    told = verified(nova, depth)
    assert told["ok"] != found
    assert (3 in {each["seq"] for each in told["findings"]}) == found
    if found:
        assert f"log {told['findings'][0]['log']} entry 3" in nova("audit", "verify", depth).out


def test_one_depth_and_something_to_verify(nova: Scm, tmp_path: Path) -> None:
    assert nova("audit", "verify", "--fast", "--deep").error == "audit-one-depth"
    assert nova("audit", "verify", at="nowhere").error == "no-data-folder"
    (tmp_path / "empty").mkdir()
    assert nova("audit", "verify", tmp_path / "empty").error == "audit-nothing-to-verify"
    assert nova("audit", "verify", tmp_path / "gone").error == "file-unreadable"
    assert verified(nova, tmp_path / "a", at="nowhere")["ok"], "another folder"


def test_an_audit_goes_on_where_it_ended_and_says_what_it_did_not_read(
    nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (audit, audit_chunk):
        monkeypatch.setattr(module, "CHUNK_ENTRIES", 2)
    assert verified(nova, "--deep", "--resume")["resumed_after"] == 0
    assert verified(nova, "--deep", "--resume")["resumed_after"] == 4
    assert "not read again" in nova("audit", "verify", "--deep", "--resume").err
    flip(tmp_path / "a" / "events.db", 2, place=80)
    assert verified(nova, "--deep", "--resume")["ok"], "below where it goes on"
    assert not verified(nova, "--deep")["ok"]
    assert not verified(nova, "--deep", "--resume")["ok"], "nothing is gone on from any more"


def test_what_does_not_fit_what_was_kept_is_verified_anew(
    nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (audit, audit_chunk):
        monkeypatch.setattr(module, "CHUNK_ENTRIES", 2)
    assert verified(nova, "--resume")["ok"]
    (kept,) = (tmp_path / "a.state").glob("verified-*.json")
    told = json.loads(kept.read_bytes())
    told["branches"][0]["tree"] = ["A" * 43 + "="]
    kept.write_text(json.dumps(told), encoding="ascii")
    again = nova("audit", "verify", "--resume", "--json")
    assert (again.json["ok"], again.json["resumed_after"]) == (True, 0)
    assert "all of it is verified anew" in again.err


def test_a_log_that_got_shorter_or_is_gone_is_told_from_the_first_entry_on(nova: Scm, tmp_path: Path) -> None:
    events, depths = tmp_path / "a" / "events.db", ("--fast", "--deep")
    before = whole(events)
    assert nova("member", "record", "Ayla").code == 0
    assert verified(nova, "--resume")["ok"]
    after = whole(events)
    events.write_bytes(before)
    for depth in (*depths, *depths):
        told = verified(nova, depth, "--resume")
        assert [each["code"] for each in told["findings"]] == ["log-shrunk"], "and told again"
    events.write_bytes(after)
    assert verified(nova, "--resume")["ok"]
    (kept,) = (tmp_path / "a.state").glob("verified-*.json")
    said = json.loads(kept.read_bytes())
    for changed, code in (({"log": "A" * 43 + "="}, "log-shrunk"), ({"root": "A" * 43 + "="}, "log-replaced")):
        kept.write_text(json.dumps(said | {"ended": [said["ended"][0] | changed]}), encoding="ascii")
        assert [each["code"] for each in verified(nova, "--resume")["findings"]] == [code]
    events.write_bytes(before)
    assert verified(nova)["ok"], "without --resume it begins anew"
    assert verified(nova, "--resume")["ok"]


@pytest.mark.parametrize("chunk", [2, 1 << 15])
def test_a_log_that_was_replaced_by_a_longer_one_is_told_each_time(
    nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """Put back to an earlier state with all that could tell, and written on: no byte of it is wrong."""
    for module in (audit, audit_chunk):
        monkeypatch.setattr(module, "CHUNK_ENTRIES", chunk)
    whole(tmp_path / "a" / "events.db")
    for folder in ("a", "a.state"):
        shutil.copytree(tmp_path / folder, tmp_path / "before" / folder)
    assert nova("member", "record", "Ayla").code == 0
    assert verified(nova, "--deep", "--resume")["ok"]
    whole(tmp_path / "a" / "events.db")
    shutil.copytree(tmp_path / "before", tmp_path, dirs_exist_ok=True)
    for name in ("Bess", "Cleo"):
        assert nova("member", "record", name).code == 0
    for _ in range(2):
        told = verified(nova, "--deep", "--resume")
        assert [each["code"] for each in told["findings"]] == ["log-replaced"], "and told again"
        assert len(told["heads"]) == 1
    assert verified(nova, "--deep")["ok"], "without --resume it begins anew"
    assert nova("member", "record", "Dara").code == 0
    assert verified(nova, "--deep", "--resume")["ok"]


def whole(events: Path) -> bytes:
    """The file with all that was written."""
    with closing(sqlite3.connect(events)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return events.read_bytes()


def test_a_space_file_is_verified_whole(nova: Scm, tmp_path: Path) -> None:
    file = tmp_path / "space"
    assert nova("space", "export", "-o", file).code == 0
    for depth in DEPTHS:
        told = verified(nova, depth, file)
        assert (told["ok"], told["kind"], told["entries"]) == (True, "file", 5)
    whole = file.read_bytes()
    at = whole.index(b'{"entries"')
    for place in range(at + 40, whole.index(b'{"boxes"') - 3, 401):
        byte = b"A" if whole[place : place + 1] != b"A" else b"B"
        file.write_bytes(whole[:place] + byte + whole[place + 1 :])
        told = verified(nova, file)
        assert not told["ok"], place
    file.write_bytes(whole[: len(whole) // 2])
    assert verified(nova, file)["findings"][0]["code"] == "space-file-damaged"


@pytest.fixture
def published(author: Author) -> tuple[Author, Path]:
    """A ledger with an update, published and cosigned."""
    ledger = author.begin(author.serve())
    author.append("keys")
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    author.append("update")
    folder = author / "ledger"
    assert author.scm("author", "publish", folder, at="server").code == 0
    return author, folder


def test_a_published_ledger_is_verified_file_by_file(published: tuple[Author, Path]) -> None:
    author, folder = published
    for depth in DEPTHS:
        told = verified(author.scm, depth, folder, at="nowhere")
        assert (told["ok"], told["kind"], told["entries"]) == (True, "published", 3), told
    assert told["statements"][0] | {"ledger": None} == {"ledger": None, "manifests": 1, "signed": 2, "void": 0}
    assert "2 statements signed as they must be" in author.scm("audit", "verify", "--full", folder).out
    (folder / "intake").mkdir()
    (folder / "intake" / "note").write_text("not of the log")
    told = author.scm("audit", "verify", folder)
    assert "1 file was not looked at, beside the log: intake/" in told.err
    assert "the author's ledger" in told.out
    (folder / "intake" / "note").unlink()
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and each.name != ".publishing"):
        whole = path.read_bytes()
        for place in range(0, len(whole), max(len(whole) // 4, 1)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            told = author.scm("audit", "verify", "--deep", folder, at="nowhere")
            assert told.code == 1, (path, place)
        path.write_bytes(whole)
    (folder / "manifests").unlink()
    assert verified(author.scm, "--deep", folder)["findings"][0]["code"] == "manifests-differ"


def test_cosignatures_are_held_against_a_policy(published: tuple[Author, Path]) -> None:
    author, folder = published
    asked = ("--full", "--policy", author / "policy", folder)
    assert {each["code"] for each in verified(author.scm, *asked)["findings"]} == {"not-witnessed"}
    told = author.scm("audit", "verify", *asked).err
    assert ("not what was signed" in told, "too few witnesses vouch" in told) == (False, True), told
    note = (folder / "checkpoint").read_bytes()
    lines = [cosign(parse_note(note).text, name_of(each), each, 1_700_000_000) for each in WITNESSES]
    (folder / "checkpoint").write_bytes(note + b"".join(lines))
    told = verified(author.scm, *asked)
    assert (told["ok"], told["cosigned"]) == (True, ["w0", "w1", "w2"])
    (folder / "checkpoint").write_bytes(note + b"".join(lines[:2]) + lines[2].replace(b"A", b"B", 1))
    forged = author.scm("audit", "verify", *asked)
    assert forged.code == 1
    future = [cosign(parse_note(note).text, name_of(each), each, 9_000_000_000) for each in WITNESSES]
    (folder / "checkpoint").write_bytes(note + b"".join(future))
    assert {each["code"] for each in verified(author.scm, *asked)["findings"]} == {"not-witnessed"}


def test_a_policy_is_asked_at_every_depth(published: tuple[Author, Path]) -> None:
    author, folder = published
    asked = author / "asked"
    policies = {
        "quorum none\n": set(),
        (author / "policy").read_text(encoding="ascii"): {"not-witnessed"},
        f"log {Vkey('example.org/log', ED25519, RELEASE.public).text()}\nquorum none\n": {"log-not-accepted"},
    }
    for depth in DEPTHS:
        for text, codes in policies.items():
            asked.write_text(text, encoding="ascii")
            told = verified(author.scm, depth, "--policy", asked, folder)
            assert {each["code"] for each in told["findings"]} == codes, text
    asked.write_bytes(b"\0\xffjunk\n")
    assert author.scm("audit", "verify", "--policy", asked, folder).error == "bad-policy"
    assert author.scm("audit", "verify", "--policy", author / "absent", folder).code == 3
    assert author.scm("audit", "verify", "--resume", folder).error == "audit-option-for-others"


def test_what_says_nothing_about_a_target_is_refused(nova: Scm, tmp_path: Path) -> None:
    file, policy = tmp_path / "space", ("--policy", tmp_path / "policy")
    assert nova("space", "export", "-o", file).code == 0
    for asked in (policy, (tmp_path / "a", *policy), (file, *policy), (file, "--resume")):
        assert nova("audit", "verify", *asked).error == "audit-option-for-others", asked


def test_lawful_gaps_are_told_from_what_is_not_here_and_from_tampering(nova: Scm, tmp_path: Path) -> None:
    assert nova("member", "note", "Vesper", "Owes me fuel").code == 0
    events, whole = tmp_path / "a" / "events.db", tmp_path / "whole.db"
    (space,) = verified(nova, "--full")["spaces"]
    assert (space["erasures"], space["not_here"], space["void"]) == ([], 0, {})
    with closing(sqlite3.connect(events)) as database, closing(sqlite3.connect(whole)) as copy:
        database.backup(copy)

    tamper(events, "DELETE FROM part WHERE pos = (SELECT max(pos) FROM part)")
    told = nova("audit", "verify", "--full")
    assert (told.code, "1 part cannot be found, and no erasure explains it" in told.err) == (0, True)
    assert verified(nova, "--full")["spaces"][0]["not_here"] == 1
    with closing(sqlite3.connect(whole)) as copy, closing(sqlite3.connect(events)) as database:
        copy.backup(database)
    tamper(events, "UPDATE part SET bytes = zeroblob(length(bytes)) WHERE pos = (SELECT max(pos) FROM part)")
    assert {each["code"] for each in verified(nova, "--full")["findings"]} == {"part-wrong"}
    with closing(sqlite3.connect(whole)) as copy, closing(sqlite3.connect(events)) as database:
        copy.backup(database)

    assert nova("erase", "Vesper", "--at-once", "--yes").code == 0
    assert nova("member", "list").code == 0
    (space,) = verified(nova, "--full")["spaces"]
    (erasure,) = space["erasures"]
    assert space["not_here"] == 0
    assert (erasure["subject"], erasure["parts"] >= 2) == (space["space"][:32], True)
    assert f"erased by {erasure['event'][:12]}, ground" in nova("audit", "verify", "--full").out


def test_what_is_no_space_file_is_told_what_it_is(nova: Scm, tmp_path: Path) -> None:
    event = nova("log", "show", "--limit", 1, "--json").json[0]["id"]
    bundle, other, space = tmp_path / "it.scm-evidence", tmp_path / "other.json", tmp_path / "space"
    assert nova("audit", "bundle", "--event", event, "-o", bundle).code == 0
    assert nova("space", "export", "-o", space).code == 0
    other.write_text('{"format":"of somebody else"}')
    for command in (
        ("audit", "verify", bundle),
        ("audit", "replay", "--from", bundle),
        ("verify", "erasure", bundle),
    ):
        told = nova(*command)
        assert (told.code, told.error, "an evidence bundle" in told.err) == (1, "audit-other-file", True), told.err
    for command in (("audit", "check", space), ("verify", "erasure", space)):
        told = nova(*command)
        assert (told.code, told.error, "is a space file" in told.err) == (1, "audit-other-file", True), told.err
    assert nova("audit", "verify", other).error == "audit-nothing-to-verify"
    assert "does not begin with scm-evidence/1" in nova("audit", "check", other).err


def test_each_log_is_listed_with_the_space_it_is_of(nova: Scm, tmp_path: Path) -> None:
    assert nova("character", "make", "Nyx").code == 0
    told = nova("audit", "verify").out
    assert " of organisation " in told
    assert " of personal space " in told
    assert nova("space", "export", "-o", tmp_path / "space").code == 0
    assert " of organisation " in nova("audit", "verify", tmp_path / "space").out

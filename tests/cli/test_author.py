"""The author's commands: from the first key to a signed update, with no network and no data folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters.author_key import read_author_key, told_of
from scmanager.domain.ledger import Final, KeysPublished, PluginSigned, UpdateSigned
from scmanager.eventstore.merkle import EMPTY_ROOT
from scmanager.master_ledger import issuing, submission
from tests.support.author import Author
from tests.support.ledger import CONTENT, Server

FORM: dict[str, Any] = {
    "id": "org.example.mining", "version": "0.3.0", "name": "Mining ledger", "author": "Vesper",
    "description": "Counts ore by the hold.", "permissions": ["read.fleet", "net:api.example.org"],
    "required_core_version": "0.1.0", "tos_compliance_hash": "ab" * 32, "audit_status": "pass",
    "category": "utility", "registered_at": 1767225600,
}  # fmt: skip


def test_from_keys_to_a_signed_update_with_no_data_folder(author: Author, tmp_path: Path) -> None:
    ledger = author.begin()
    keys = author.trusted(ledger, "keys")
    assert keys.log(author.server.log.log) == author.server.log
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    (signed,) = submission.parse((author / "update").read_bytes())
    assert isinstance(signed, UpdateSigned)
    assert (signed.statement.version, signed.statement.size_bytes) == ("1.1.0", len(CONTENT))
    keys.check_release(signed, author.server.log.log, 1)
    assert not (tmp_path / "a").exists(), "nothing but the files that were named"
    shown = author.scm("author", "show", author / "update")
    assert signed.statement.content_hash in shown.out


def test_a_program_reads_what_a_file_of_the_author_holds_in_fields(author: Author) -> None:
    author.begin()
    (row,) = author.scm("author", "show", author / "keys", "--json").json
    assert (row["root"]["m"], len(row["root"]["keys"])) == (2, 3)
    assert [log["log"] for log in row["logs"]] == [author.server.log.log.hex()]
    assert len(row["signed_by"]) == 2
    shown = author.scm("author", "show", author / "keys").out
    assert f"2 of {row['root']['keys'][0]}" in shown
    assert ["retired", "none"] in [line.split() for line in shown.splitlines()]


def test_a_plugin_is_signed_as_a_whole(author: Author) -> None:
    ledger = author.begin()
    (author / "form").write_text(json.dumps(FORM), encoding="utf-8")
    made = author.scm(
        "author", "sign-plugin", author / "release.zip", "--manifests", author / "keys", "--ledger", ledger,
        "--entry", author / "form", "--key", author / "release", "-o", author / "plugin",
    )  # fmt: skip
    assert made.code == 0, made.err
    (signed,) = submission.parse((author / "plugin").read_bytes())
    assert isinstance(signed, PluginSigned)
    assert signed.statement.permissions == ("net:api.example.org", "read.fleet"), "in order"
    author.trusted(ledger, "keys").check_release(signed, author.server.log.log, 1)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"price": 5}, "plugin-form-damaged"),
        ({"tos_compliance_hash": "zz"}, "plugin-form-damaged"),
        ({"tos_compliance_hash": "ab"}, "statement-unusable"),
        ({"audit_status": "fine"}, "plugin-form-damaged"),
        ({"version": "1"}, "statement-unusable"),
        ({"name": ""}, "statement-unusable"),
    ],
)
def test_a_form_that_cannot_be_signed_is_refused_and_the_field_named(
    author: Author, changed: dict[str, object], code: str
) -> None:
    ledger = author.begin()
    (author / "form").write_text(json.dumps(FORM | changed), encoding="utf-8")
    made = author.scm(
        "author", "sign-plugin", author / "release.zip", "--manifests", author / "keys", "--ledger", ledger,
        "--entry", author / "form", "--key", author / "release", "-o", author / "plugin",
    )  # fmt: skip
    assert (made.code, made.error) == (1, code)
    assert next(iter(changed)) in made.err.splitlines()[0]
    assert not (author / "plugin").exists()


def test_keepers_sign_one_after_the_other(author: Author) -> None:
    ledger = author.begin()
    draft = author.scm(
        "author", "manifest", "--after", author / "keys", "--release", author.public["release"],
        "--release", author.public["release-2"], "--releases-needed", "2",
        "--key", author / "root-2", "-o", author / "draft", "--json",
    )  # fmt: skip
    assert draft.json["missing"] == 1
    assert "scm author countersign draft" in draft.err
    assert (
        author.scm("author", "manifest", "--after", author / "draft", "-o", author / "no").error
        == "signatures-missing"
    )
    signed = author.scm(
        "author", "countersign", author / "draft", "--key", author / "root-0", "-o", author / "keys-2", "--json"
    )
    assert (signed.json["signatures"], signed.json["missing"]) == (2, 0)
    assert author.trusted(ledger, "keys-2").manifest.release.m == 2
    half = author.sign_update(ledger, "--key", author / "release", "--json", manifests="keys-2", output="half")
    assert half.json["missing"] == 1
    whole = author.scm(
        "author", "countersign", author / "half", "--key", author / "release-2", "-o", author / "update"
    )
    assert whole.code == 0, whole.err
    (update,) = submission.parse((author / "update").read_bytes())
    author.trusted(ledger, "keys-2").check_release(update, author.server.log.log, 1)


def test_a_stolen_release_key_is_revoked_at_the_last_witnessed_head(author: Author) -> None:
    ledger = author.begin()
    (author / "head").write_bytes(author.server.note(at_s=1))
    revoked = author.scm(
        "author", "revoke", author.public["release"], "--after", author / "keys", "--head", author / "head",
        "--policy", author / "policy", "--instead", author.public["release-2"],
        "--key", author / "root-0", "--key", author / "root-2", "-o", author / "keys-2", "--json",
    )  # fmt: skip
    assert (revoked.code, revoked.json["manifest"], revoked.json["missing"]) == (0, 2, 0), revoked.err
    keys = author.trusted(ledger, "keys-2")
    assert keys.manifest.retired[0].upto[0].size == author.server.head().size
    assert author.sign_update(ledger, "--key", author / "release", manifests="keys-2").error == "key-without-role"
    assert author.sign_update(ledger, "--key", author / "release-2", manifests="keys-2").code == 0
    shown = author.scm("author", "show", author / "keys-2").out
    assert f"{author.public['release']} up to 1 of {author.server.log.log.hex()}" in shown
    assert "closed" not in shown


def test_a_stolen_log_key_is_revoked_by_closing_its_log(author: Author) -> None:
    ledger = author.begin()
    (author / "head").write_bytes(author.server.note(at_s=1))
    words = ("author", "revoke", author.server.key.public.hex(), "--after", author / "keys")
    signing = ("--key", author / "root-0", "--key", author / "root-2", "-o", author / "keys-2")
    assert author.scm(*words, *signing).error == "head-missing", "a log ends somewhere"
    assert author.scm(*words, "--head", author / "head", *signing).error == "head-policy-missing"
    assert not (author / "keys-2").exists()
    done = author.scm(*words, "--head", author / "head", "--unwitnessed", *signing)
    assert (done.code, "No witness vouches for the head (1 entries)" in done.err) == (0, True)
    closed = author.trusted(ledger, "keys-2").log(author.server.log.log)
    assert closed is not None
    assert closed.final is not None
    assert closed.final.root == author.server.head().root
    assert "closed at 1" in author.scm("author", "show", author / "keys-2").out


def test_a_log_that_was_listed_as_what_it_is_not_is_closed_before_its_first_entry(author: Author) -> None:
    ledger = author.begin()
    roots = ("--key", author / "root-0", "--key", author / "root-2", "-o")
    line = issuing.vkey_of((reports := Server("reports")).log, reports.origin)
    assert (
        author.scm("author", "manifest", "--after", author / "keys", "--log", line, *roots, author / "two").code == 0
    )
    words = ("author", "revoke", reports.key.public.hex(), "--after", author / "two", *roots, author / "three")
    assert author.scm(*words).error == "head-missing"
    (author / "head").write_bytes(author.server.note(at_s=1))
    both = author.scm(*words, "--nothing-counts", "--head", author / "head", "--unwitnessed")
    assert (both.error, (author / "three").exists()) == ("head-or-nothing", False)
    done = author.scm(*words, "--nothing-counts")
    assert (done.code, "Nothing that was ever entered counts any more" in done.err) == (0, True)
    closed = author.trusted(ledger, "three").log(reports.log.log)
    assert (closed and closed.final) == Final(0, EMPTY_ROOT)
    assert f"{reports.log.log.hex()} signed by" in author.scm("author", "show", author / "three").out
    release = author.scm(
        "author", "revoke", author.public["release"], "--after", author / "three", "--head", author / "head",
        "--unwitnessed", "--instead", author.public["release-2"], *roots, author / "four",
    )  # fmt: skip
    assert release.code == 0, "nobody has a head of a log that never counted"


def test_wrong_keys_and_taken_names_are_refused_before_anything_is_written(author: Author) -> None:
    ledger = author.begin()
    assert author.sign_update(ledger, "--key", author / "root-0").error == "key-without-role"
    assert author.sign_update("ab" * 32, "--key", author / "release").error == "not-this-ledger"
    assert author.sign_update("ab", "--key", author / "release").error == "ledger-mistyped"
    assert author.sign_update(ledger, "--key", author / "nothing").error == "author-key-missing"
    assert author.sign_update(ledger, "--key", author / "release", output="keys").error == "target-taken"
    made = author.scm("author", "manifest", "--after", author / "keys", "--root", "abc", "-o", author / "update")
    assert made.error == "public-key-mistyped"
    made = author.scm("author", "countersign", author / "keys", "--key", author / "release", "-o", author / "update")
    assert made.error == "key-without-role"
    assert not (author / "update").exists()


def test_a_manifest_says_what_it_lacks(author: Author) -> None:
    none = author.scm("author", "manifest", "-o", author / "keys")
    assert none.error == "statement-unusable"
    log = author.scm("author", "manifest", "--log", "example.org+1+x", "-o", author / "keys")
    assert log.error == "bad-vkey"


def test_a_sealed_key_asks_for_its_passphrase_and_does_its_own_work_only(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCM_PASSPHRASE", "correct horse battery")
    made = author.scm("author", "keygen", "release", "-o", author / "sealed", "--json")
    assert made.code == 0
    assert made.json["public"].encode() not in (author / "sealed").read_bytes()[:64]
    author.public["release"] = made.json["public"]
    shown = author.scm("author", "show", author / "sealed", "--json").json
    assert shown == {"role": "release", "public": made.json["public"]}
    ledger = author.begin()
    signed = author.sign_update(ledger, "--key", author / "sealed")
    assert (signed.code, "scm author append update" in signed.err) == (0, True), signed.err
    again = author.scm("author", "countersign", author / "keys", "--key", author / "sealed", "-o", author / "no")
    assert again.error == "author-key-role"
    monkeypatch.setenv("SCM_PASSPHRASE", "another passphrase")
    wrong = author.sign_update(ledger, "--key", author / "sealed", output="other")
    assert wrong.error == "author-passphrase-wrong"


def test_what_a_file_holds_is_shown(author: Author) -> None:
    author.begin()
    (row,) = author.scm("author", "show", author / "keys", "--json").json
    assert (row["type"], row["manifest"]) == (KeysPublished.tag, 1)
    assert all(author.public[f"root-{n}"] in row["root"]["keys"] for n in range(3)), (
        "in full: whoever countersigns compares them"
    )
    shown = author.scm("author", "show", author / "root-1", "--json").json
    assert shown["public"] == author.public["root-1"], "the public half of a key file"
    (author / "halves").write_bytes(bytes(64))
    assert author.scm("author", "show", author / "halves").error == "author-key-halves"
    (author / "noise").write_bytes(b"noise")
    assert author.scm("author", "show", author / "noise").error == "bad-submission"
    assert author.scm("author", "show", author / "nowhere").error == "file-unreadable"


def test_that_nothing_of_a_release_key_counts_any_more_has_to_be_said(author: Author) -> None:
    author.begin()
    words = (
        "author", "revoke", author.public["release"], "--after", author / "keys", "--instead",
        author.public["release-2"], "--key", author / "root-0", "--key", author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    refused = author.scm(*words)
    assert (refused.error, author.server.log.log.hex() in refused.err) == ("nothing-would-count", True)
    assert not (author / "keys-2").exists()
    done = author.scm(*words, "--nothing-counts")
    assert (done.code, "Nothing that it ever signed counts any more" in done.err) == (0, True)


def test_a_key_that_was_revoked_is_not_signed_in_again(author: Author) -> None:
    author.begin()
    keepers = ("--key", author / "root-0", "--key", author / "root-1")
    out = author.scm(
        "author", "revoke", author.public["root-2"], "--after", author / "keys", "--instead",
        author.public["release-2"], *keepers, "-o", author / "keys-2",
    )  # fmt: skip
    assert out.code == 0, out.err
    again = author.scm(
        "author", "manifest", "--after", author / "keys-2", "--release", author.public["root-2"], "--release",
        author.public["release"], *keepers, "-o", author / "keys-3",
    )  # fmt: skip
    assert (again.error, (author / "keys-3").exists()) == ("manifest-does-not-follow", False), again.err


def test_a_head_is_held_against_the_witnesses_that_this_machine_goes_by(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = author.begin()
    trust = author / "trust"
    trust.mkdir()
    (trust / "ledger-id").write_text(f"{ledger}\n", encoding="ascii")
    (trust / "author-keys.jsonl").write_bytes((author / "keys").read_bytes())
    (trust / "witnesses.policy").write_bytes((author / "policy").read_bytes())
    monkeypatch.setenv("SCM_TRUST", str(trust))
    note = author.server.note(at_s=1)
    text, _, lines = note.rpartition(b"\n\n")
    (author / "bare").write_bytes(text + b"\n\n" + lines.splitlines(keepends=True)[0])
    (author / "head").write_bytes(note)
    words = (
        "author", "revoke", author.public["release"], "--after", author / "keys", "--instead",
        author.public["release-2"], "--key", author / "root-0", "--key", author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    assert author.scm(*words, "--head", author / "bare").error == "head-unusable"
    assert author.scm(*words, "--head", author / "bare", "--unwitnessed").error == "head-unusable", "they are known"
    done = author.scm(*words, "--head", author / "head")
    assert (done.code, "No witness" in done.err) == (0, False)


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of this kind is there on other systems")
def test_a_passphrase_too_short_is_asked_for_again_at_a_terminal(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "SCM_PASSPHRASE"}
    command = [sys.executable, "-m", "scmanager", "author", "keygen", "root", "-o", tmp_path / "root"]
    child = subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    said = b""
    for typed in (b"short", b"short", b"long enough", b"long enough"):
        prompt = b""
        while not prompt.endswith(b": "):
            prompt += os.read(ours, 4096)
        said += prompt
        os.write(ours, typed + b"\n")
    assert child.wait(60) == 0
    os.close(ours)
    assert b"That has 5 characters." in said
    assert said.count(b"8 characters at least") == 2
    role, _ = told_of(read_author_key(tmp_path / "root")) or (None, b"")
    assert role == "root"

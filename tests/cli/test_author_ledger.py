"""The author's ledger on the machine that writes it: from key files to a log that anybody can check."""

import time
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from scmanager.eventstore.checkpoint import parse_note, parse_origin
from scmanager.master_ledger.cosignature import cosign
from scmanager.master_ledger.policy import Vkey
from tests import tiny_verifier
from tests.cli.conftest import Scm, served
from tests.support import tile_reader
from tests.support.author import Author
from tests.support.ledger import WITNESSES, name_of


@pytest.fixture
def kept(author: Author) -> tuple[Author, str]:
    """A ledger that a node writes, begun with the first manifest; and its id."""
    ledger = author.begin(author.serve())
    assert author.append("keys")[0].json["ledger"] == ledger
    return author, ledger


def test_a_ledger_is_a_space_in_clear_that_takes_what_the_author_signed(kept: tuple[Author, str]) -> None:
    author, ledger = kept
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    (done,) = author.append("update")
    assert (done.json["entered"], done.json["there"]) == (1, 0)
    assert "Next: scm author publish DIR" in done.err
    assert (done.code, done.json["indices"], done.json["ledger"]) == (0, [2], ledger), done.err
    (space,) = author.scm("space", "list", "--json", at="server").json
    assert (space["kind"], space["logs"]) == ("author", 1)
    verified = author.scm("log", "verify", "--deep", "--json", at="server")
    assert (verified.json["ok"], verified.json["entries"], verified.json["logs"]) == (True, 3, 1)
    folder = author / "server"
    held = b"".join(path.read_bytes() for path in folder.glob("events.db*"))
    assert b'"type":"update.signed/1"' in held, "in clear"


def test_what_stands_there_already_is_not_entered_again(kept: tuple[Author, str]) -> None:
    author, ledger = kept
    (again,) = author.append("keys")
    assert (again.json["indices"], again.json["entered"], again.json["there"]) == ([1], 0, 1), "the same file"
    assert "nothing was entered" in again.err
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    both = (author / "keys").read_bytes() + (author / "update").read_bytes()
    (author / "both").write_bytes(both)
    assert author.append("update", "both")[1].json["indices"] == [1, 2], "in another file"
    assert author.scm("log", "verify", "--json", at="server").json["entries"] == 3


def test_nothing_comes_before_the_keys(author: Author) -> None:
    ledger = author.begin(author.serve())
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    (refused,) = author.append("update")
    assert (refused.code, refused.json["error"]["code"]) == (1, "ledger-not-begun")
    assert author.scm("log", "verify", "--json", at="server").json["entries"] == 1


def test_of_a_file_with_one_bad_statement_nothing_is_entered(kept: tuple[Author, str]) -> None:
    author, ledger = kept
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    assert author.sign_update(ledger, "--version", "1.2.0", output="unsigned").code == 0
    (author / "both").write_bytes((author / "update").read_bytes() + (author / "unsigned").read_bytes())
    (refused,) = author.append("both")
    assert (refused.code, refused.json["error"]["code"]) == (1, "signatures-missing")
    assert author.scm("log", "verify", "--json", at="server").json["entries"] == 2
    (author / "noise").write_bytes(b"noise")
    assert author.append("noise")[0].error == "bad-submission"


def test_what_is_for_another_ledger_stays_outside(kept: tuple[Author, str]) -> None:
    author, _ = kept
    other = Author(author.scm, _sub(author, "other"))
    foreign = other.begin()
    assert other.append("keys")[0].error == "manifest-does-not-follow"
    other.public["release"] = author.public["release"]
    assert other.sign_update(foreign, "--key", other / "release").code == 0
    assert other.append("update")[0].error == "other-ledger"


def test_a_log_that_the_keepers_do_not_list_takes_nothing(author: Author) -> None:
    author.serve()
    author.begin()  # The manifest lists another log.
    assert author.append("keys")[0].error == "log-not-open"


def test_a_ledger_begins_under_the_root_keys_it_was_made_with(author: Author) -> None:
    line = author.serve()
    author.public["root-2"] = author.public["release-2"]
    author.begin(line)
    assert author.append("keys")[0].error == "other-roots"


def test_a_retired_release_key_enters_nothing_more(kept: tuple[Author, str]) -> None:
    author, ledger = kept
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    made = author.scm(
        "author", "revoke", author.public["release"], "--after", author / "keys", "--nothing-counts", "--instead",
        author.public["release-2"], "--key", author / "root-0", "--key", author / "root-2", "-o", author / "keys-2",
    )  # fmt: skip
    assert made.code == 0, made.err
    (done,) = author.append("keys-2")
    assert done.json["indices"] == [1, 2], done.err
    assert author.append("update")[0].error == "signatures-missing"


def test_a_second_ledger_has_a_folder_of_its_own(kept: tuple[Author, str]) -> None:
    author, _ = kept
    again = author.scm("author", "init", "--root", author.public["root-0"], at="server")
    assert (again.code, again.error) == (1, "ledger-there")
    none = author.scm("author", "append", author / "keys", at="elsewhere")
    assert none.error == "no-data-folder"
    assert author.scm("init", at="elsewhere").code == 0
    assert author.scm("author", "append", author / "keys", at="elsewhere").error == "ledger-missing"


@pytest.mark.parametrize(("needed", "count"), [(1, 2), (3, 2), (0, 1)])
def test_root_keys_of_which_two_halves_could_each_speak_found_nothing(
    author: Author, needed: int, count: int
) -> None:
    roots = [word for n in range(count) for word in ("--root", author.public[f"root-{n}"])]
    assert author.scm("init", at="server").code == 0
    made = author.scm("author", "init", *roots, "--roots-needed", needed, at="server")
    assert made.error == "statement-unusable"
    twice = author.scm("author", "init", *roots[:2], *roots[:2], "--roots-needed", 1, at="server")
    assert twice.error == "statement-unusable"
    assert author.scm("space", "list", "--json", at="server").json == []


@pytest.fixture
def released(kept: tuple[Author, str]) -> tuple[Author, str]:
    """The update stands in the ledger."""
    author, ledger = kept
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    assert author.append("update")[0].code == 0
    return author, ledger


def words(author: Author, ledger: str, policy: str = "policy") -> tuple[object, ...]:
    return ("--manifests", author / "keys", "--ledger", ledger, "--policy", author / policy)


def test_from_the_first_key_to_a_file_that_an_installation_trusts(released: tuple[Author, str]) -> None:
    author, ledger = released
    made = author.scm("author", "prove", author / "release.zip", "--json", at="server")
    assert (made.code, made.json["index"], made.json["size"]) == (0, 2, 3), made.err
    (author / "nobody").write_text("quorum none\n", encoding="ascii")
    told = author.scm("verify", "update", author / "release.zip", *words(author, ledger, "nobody"), at="client")
    assert told.code == 0, told.out + told.err
    assert told.out.splitlines()[-1].startswith("Good: ")
    assert not (author / "client").exists()
    told = author.scm("verify", "update", author / "release.zip", *words(author, ledger), at="client")
    assert (told.code, told.out.partition(":")[0]) == (1, "not-witnessed")


def test_a_head_that_witnesses_cosigned_is_proved_against_later_too(released: tuple[Author, str]) -> None:
    author, ledger = released
    assert author.scm("author", "publish", author / "public", at="server").code == 0
    note = (author / "public" / "checkpoint").read_bytes()
    text, at_s = parse_note(note).text, int(time.time())
    cosigned = note + b"".join(cosign(text, name_of(each), each, at_s) for each in WITNESSES)
    (author / "cosigned").write_bytes(cosigned)
    assert author.sign_update(ledger, "--version", "1.2.0", "--key", author / "release", output="next").code == 0
    assert author.append("next")[0].code == 0
    made = author.scm(
        "author", "prove", author / "release.zip", "--checkpoint", author / "cosigned", "--json", at="server"
    )
    assert (made.json["index"], made.json["size"]) == (2, 3), made.err
    told = author.scm("verify", "update", author / "release.zip", *words(author, ledger))
    assert told.code == 0, told.out + told.err
    revoked = author.scm(
        "author", "revoke", author.public["release"], "--after", author / "keys", "--head", author / "cosigned",
        "--policy", author / "policy", "--instead", author.public["release-2"], "--key", author / "root-0",
        "--key", author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    assert revoked.code == 0, revoked.err
    told = author.scm(
        "verify", "update", author / "release.zip", "--manifests", author / "keys-2", "--ledger", ledger, "--policy",
        author / "policy",
    )  # fmt: skip
    assert told.code == 0, "what the retired key signed below that head still counts"


def test_a_proof_is_replaced_by_who_says_so_and_nothing_else_is(released: tuple[Author, str]) -> None:
    author, _ = released
    prove = ("author", "prove", author / "release.zip")
    assert author.scm(*prove, at="server").code == 0
    assert author.scm(*prove, at="server").error == "target-taken"
    assert author.scm(*prove, "--replace", at="server").code == 0
    assert author.scm(*prove, "-o", author / "keys", "--replace", at="server").error == "target-taken"
    assert author.scm("author", "prove", author / "policy", at="server").error == "not-entered"
    assert author.scm(*prove, "-o", author / "x", "--checkpoint", author / "keys", at="server").error == "bad-note"
    assert not (author / "policy.tlog-proof").exists()


def test_what_is_published_is_read_by_the_specification_alone(released: tuple[Author, str]) -> None:
    author, _ = released
    done = author.scm("author", "publish", author / "public", "--json", at="server")
    assert (done.code, done.json["size"]) == (0, 3), done.err
    origin, _, key = author.line.partition("+")
    public = b64decode(key.partition("+")[2])[1:]
    read = tile_reader.entries(author / "public", origin, public)
    shared = tile_reader.bundles(author / "public", "shared", 3)
    note = (author / "public" / "checkpoint").read_bytes()
    verdict, _ = tiny_verifier.verify(read, [{0: each} if each else {} for each in shared], note, {})
    assert verdict == "authentic"
    assert b'"version":"1.1.0"' in shared[2]
    again = author.scm("author", "publish", author / "public", "--json", at="server")
    assert again.json["files"] == 0


def test_a_ledger_that_comes_back_from_a_backup_goes_on_in_a_log_that_the_keepers_list(
    released: tuple[Author, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    author, ledger = released
    monkeypatch.setenv("SCM_BACKUP_PASSPHRASE", "correct horse battery")
    assert author.scm("backup", author / "backup", at="server").code == 0
    restored = author.scm("restore", author / "backup", at="again")
    assert restored.code == 0, restored.err
    before = author.scm("author", "log", "--json", at="server").json
    now = author.scm("author", "log", "--json", at="again").json
    assert (before["log"], before["size"], before["ledger"]) == (author.line, 3, ledger)
    assert now["log"] != before["log"]
    assert now["ledger"] == "not begun"
    assert "no key manifest lists yet" in author.scm("author", "log", at="again").err
    assert "no key manifest lists yet" not in author.scm("author", "log", at="server").err
    assert author.append("keys", at="again")[0].error == "log-not-open"
    listed = author.scm(
        "author", "manifest", "--after", author / "keys", "--log", now["log"], "--key", author / "root-0",
        "--key", author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    assert listed.code == 0, listed.err
    again = author.scm(
        "author", "manifest", "--after", author / "keys-2", "--log", now["log"], "--key", author / "root-0",
        "--key", author / "root-1", "-o", author / "keys-3",
    )  # fmt: skip
    assert again.error == "log-listed"
    assert [each.code for each in author.append("keys-2", "update", at="again")] == [0, 0]
    assert author.scm("author", "prove", author / "release.zip", at="again").code == 0
    (author / "nobody").write_text("quorum none\n", encoding="ascii")
    told = author.scm(
        "verify", "update", author / "release.zip", "--manifests", author / "keys-2", "--ledger", ledger,
        "--policy", author / "nobody",
    )  # fmt: skip
    assert told.code == 0, told.out
    assert author.scm("log", "verify", "--deep", at="again").code == 0


def test_after_a_log_was_closed_a_further_one_is_begun_beside_it_as_the_manual_says(
    released: tuple[Author, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    author, ledger = released
    closed = Vkey.parse(author.line)
    assert author.scm("author", "publish", author / "public", at="server").code == 0
    assert author.scm("author", "prove", author / "release.zip", at="server").code == 0
    made = author.scm(
        "author", "revoke", closed.key.hex(), "--after", author / "keys", "--unwitnessed",
        "--head", author / "public" / "checkpoint", "--key", author / "root-0", "-o", author / "draft",
    )  # fmt: skip
    assert made.code == 0, made.err
    signed = author.scm(
        "author", "countersign", author / "draft", "--key", author / "root-1", "-o", author / "keys-2"
    )
    assert (signed.code, "A further log" in signed.err) == (0, True), signed.err
    refused = author.scm("author", "append", author / "keys-2", at="server")
    assert (refused.error, "A further log" in refused.err) == ("own-log-closed", True), refused.err
    line = author.serve("further")
    listed = author.scm(
        "author", "manifest", "--after", author / "keys-2", "--log", line, "--key", author / "root-0",
        "--key", author / "root-1", "-o", author / "keys-3",
    )  # fmt: skip
    assert (listed.code, "A further log" in listed.err) == (0, False), listed.err
    assert author.append("keys-3", at="further")[0].code == 0
    assert author.scm("author", "publish", author / "public-2", at="further").code == 0
    (author / "nobody").write_text("quorum none\n", encoding="ascii")
    words = ("--manifests", author / "keys", "--ledger", ledger, "--policy", author / "nobody")
    verify = ("verify", "update", author / "release.zip", *words)
    unknown = author.scm(*verify, "--from", author / "public-2")
    assert unknown.error == "file-not-in-log"
    assert f"older: {parse_origin(closed.name)[1].hex()[:16]}." in unknown.err
    (author / "other.zip").write_bytes(b"of nobody")
    none = author.scm("verify", "update", author / "other.zip", *words, "--from", author / "public")
    assert none.error == "file-not-in-ledger", "it is the first"
    assert author.scm(*verify).code == 0, "what lies below the closed head counts"


@pytest.mark.services
def test_beside_a_running_node_it_is_read_and_not_written(scm: Scm, tmp_path: Path) -> None:
    author = Author(scm, tmp_path)
    ledger = author.begin(author.serve("a"))
    assert author.append("keys", at="a")[0].code == 0
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    with served(tmp_path, "a"):
        assert author.append("update", at="a")[0].error == "node-running"
        done = scm("author", "publish", author / "public", "--json")
        assert (done.code, done.json["size"]) == (0, 2), done.err
    assert author.append("update", at="a")[0].code == 0


def _sub(author: Author, name: str) -> Any:
    folder = author.folder / name
    folder.mkdir()
    return folder

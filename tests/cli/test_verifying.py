"""`scm verify`: files in, sentences out; nobody is asked."""

from pathlib import Path

import pytest

from scmanager.domain.ledger import UpdateSigned
from scmanager.master_ledger import submission
from tests.cli.conftest import Scm
from tests.support.author import Author
from tests.support.ledger import WITNESSES


@pytest.fixture
def released(author: Author) -> tuple[Author, str]:
    """The update has been signed, carried to the server, logged there and witnessed."""
    ledger = author.begin()
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    (signed,) = submission.parse((author / "update").read_bytes())
    assert isinstance(signed, UpdateSigned)
    index = author.server.append(signed)
    proof = author.server.proof(index, author.server.note(at_s=signed.statement.signed_at))
    (author / "release.zip.tlog-proof").write_bytes(proof.to_bytes())
    return author, ledger


def words(author: Author, ledger: str) -> tuple[object, ...]:
    return ("--manifests", author / "keys", "--ledger", ledger, "--policy", author / "policy")


def test_a_good_update_is_told_as_good(released: tuple[Author, str], tmp_path: Path) -> None:
    author, ledger = released
    told = author.scm("verify", "update", author / "release.zip", *words(author, ledger))
    assert told.code == 0, told.out + told.err
    assert told.out.splitlines()[-1].startswith("Good: ")
    assert "1.1.0" in told.out
    as_json = author.scm("verify", "update", author / "release.zip", *words(author, ledger), "--json").json
    assert (as_json["ok"], as_json["problems"]) == (True, [])
    assert as_json["statement"]["version"] == "1.1.0"
    assert not (tmp_path / "a").exists()


def test_each_thing_that_is_wrong_is_a_sentence(released: tuple[Author, str]) -> None:
    author, ledger = released
    (author / "release.zip").write_bytes(b"Something else.")
    told = author.scm("verify", "update", author / "release.zip", *words(author, ledger), "--installed", "1.1.0")
    assert told.code == 1
    assert [line.partition(":")[0] for line in told.out.splitlines()] == [
        "content-differs", "size-differs", "not-newer",
    ]  # fmt: skip
    assert "Do not use this file." in told.err
    as_json = author.scm("verify", "update", author / "release.zip", *words(author, ledger), "--json")
    assert (as_json.code, as_json.json["ok"]) == (1, False)
    assert all(each["hint"] for each in as_json.json["problems"])


def test_an_update_is_no_plugin(released: tuple[Author, str]) -> None:
    author, ledger = released
    told = author.scm("verify", "plugin", author / "release.zip", *words(author, ledger))
    assert (told.code, told.out.partition(":")[0]) == (1, "other-statement")


def test_without_witnesses_it_is_not_good(released: tuple[Author, str]) -> None:
    author, ledger = released
    alone = author.server.proof(1, author.server.note(witnesses=WITNESSES[:1]))
    (author / "alone").write_bytes(alone.to_bytes())
    told = author.scm("verify", "update", author / "release.zip", *words(author, ledger), "--proof", author / "alone")
    assert (told.code, told.out.partition(":")[0]) == (1, "not-witnessed")


def test_files_that_are_not_what_they_should_be_are_named(released: tuple[Author, str], scm: Scm) -> None:
    author, ledger = released
    zip_ = author / "release.zip"
    manifests, policy = ("--manifests", author / "keys"), ("--policy", author / "policy")
    assert scm("verify", "update", zip_, *manifests, *policy, "--ledger", "ab" * 32).error == "not-this-ledger"
    assert scm("verify", "update", zip_, *manifests, *policy, "--ledger", "x").error == "ledger-mistyped"
    assert scm("verify", "update", zip_, *manifests, "--policy", zip_, "--ledger", ledger).error == "bad-policy"
    assert scm("verify", "update", zip_, "--manifests", zip_, *policy, "--ledger", ledger).error == "bad-submission"
    assert (
        scm("verify", "update", author / "none", *manifests, *policy, "--ledger", ledger).error == "file-unreadable"
    )
    assert scm("verify", "update", author / "keys", *words(author, ledger)).error == "file-unreadable", "its proof"

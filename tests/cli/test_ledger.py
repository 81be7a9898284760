"""`scm ledger` and `scm verify`: what a machine saw of the author's ledger is held against what comes later."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scmanager.domain.ledger import Final, UpdateSigned
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import leaf_hash
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.handshake import VERSIONS
from scmanager.master_ledger.statement import manifest_hash
from tests.cli.conftest import Scm
from tests.support.author import Author
from tests.support.ledger import NOW_S, ROOTS, policy_text, signed
from tests.support.ledger_server import Ledger


@pytest.fixture
def trusted(author: Author, monkeypatch: pytest.MonkeyPatch) -> tuple[Author, str]:
    """A signed update with its proof; the client's trust folder says whom to go by."""
    ledger = author.begin()
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    prove(author, author.server)
    folder = author / "trust"
    folder.mkdir()
    (folder / "ledger-id").write_text(ledger + "\n", encoding="ascii")
    (folder / "author-keys.jsonl").write_bytes((author / "keys").read_bytes())
    (folder / "witnesses.policy").write_bytes((author / "policy").read_bytes())
    monkeypatch.setenv("SCM_TRUST", str(folder))
    return author, ledger


def prove(author: Author, server: Any, name: str = "release.zip.tlog-proof") -> None:
    """The update is entered in this server's log, and the proof lies beside the file."""
    (signed,) = submission.parse((author / "update").read_bytes())
    assert isinstance(signed, UpdateSigned)
    proof = server.proof(server.append(signed), server.note(at_s=signed.statement.signed_at))
    (author / name).write_bytes(proof.to_bytes())


def test_what_is_trusted_need_not_be_typed(trusted: tuple[Author, str]) -> None:
    author, ledger = trusted
    told = author.scm("verify", "update", author / "release.zip")
    assert told.code == 0, told.out + told.err
    shown = author.scm("ledger", "show", "--json").json
    assert (shown["ledger"], shown["manifest"], shown["asked_s"], shown["forked"]) == (ledger, 1, 0, [])
    assert [each["size"] for each in shown["heads"]] == [2]
    assert shown["witnessed_s"]
    plain = author.scm("ledger", "show")
    assert "scm ledger fetch" in plain.err
    assert f"ledger    {ledger}" in plain.out
    assert "b'" not in plain.out
    for noise in ("noise", ledger[:-1], ledger[:-1] + "x", f"{ledger[:32]} {ledger[33:]}"):
        (author / "trust" / "ledger-id").write_text(noise, encoding="ascii")
        unusable = author.scm("ledger", "show")
        assert unusable.error == "trust-unusable"
        assert "does not say whom to trust: ledger-id is not 64 hex digits." in unusable.err


def test_what_came_with_the_program_can_be_walked_and_says_nothing_of_other_ledgers(scm: Scm) -> None:
    shown = scm("ledger", "show", "--json").json
    assert (shown["manifest"], shown["heads"]) == (1, [])
    assert scm("ledger", "show", "--ledger", "00" * 32).error == "policy-missing"
    assert scm("ledger", "show", "--ledger", "noise").error == "ledger-mistyped"


def test_another_ledger_is_named_with_its_keys_once(author: Author) -> None:
    ledger = author.begin()
    words = ("--ledger", ledger, "--policy", author / "policy")
    assert author.scm("ledger", "show", *words).error == "manifests-missing"
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    prove(author, author.server)
    update = ("verify", "update", author / "release.zip", *words)
    assert author.scm(*update, "--manifests", author / "keys").code == 0
    assert author.scm(*update).code == 0, "the manifests are known by now"
    assert author.scm(*update, at="b").error == "manifests-missing"


def test_keys_that_were_revoked_stay_so_whatever_copy_is_given(trusted: tuple[Author, str]) -> None:
    author, _ = trusted
    revoked = author.scm(
        "author", "revoke", author.public["release"], "--after", author / "keys", "--nothing-counts", "--instead",
        author.public["release-2"], "--key", author / "root-0", "--key", author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    assert revoked.code == 0, revoked.err
    update = ("verify", "update", author / "release.zip")
    assert author.scm(*update, "--manifests", author / "keys").code == 0
    told = author.scm(*update, "--manifests", author / "keys-2", "--json").json
    assert [each["code"] for each in told["problems"]] == ["signatures-missing"]
    told = author.scm(*update, "--manifests", author / "keys", "--json").json
    assert [each["code"] for each in told["problems"]] == ["signatures-missing"], "an older copy changes nothing"
    assert author.scm("ledger", "show", "--json").json["manifest"] == 2


def test_two_histories_are_told_and_the_proof_convicts_elsewhere(trusted: tuple[Author, str]) -> None:
    author, _ = trusted
    update = ("verify", "update", author / "release.zip")
    assert author.scm(*update).code == 0
    assert author.scm("ledger", "fork", "-o", author / "fork").error == "no-fork-seen"
    other = type(author.server)()
    other.leaves[0] = leaf_hash(b"another beginning")
    prove(author, other, "other.tlog-proof")
    told = author.scm(*update, "--proof", author / "other.tlog-proof", "--json").json
    assert [each["code"] for each in told["problems"]] == ["ledger-forked"]
    again = author.scm(*update, "--json").json
    assert [each["code"] for each in again["problems"]] == ["ledger-forked"], "nothing in that log counts now"
    assert "nothing in it counts" in author.scm("ledger", "show").out
    assert author.scm("ledger", "fork", "-o", author / "fork").code == 0
    assert author.scm("ledger", "fork", "-o", author / "fork").error == "target-taken"
    checked = author.scm("verify", "fork", author / "fork", at="b")
    assert (checked.code, checked.out.splitlines()[-1].partition(":")[0]) == (0, "Proved"), checked.err
    assert not (author / "b.state").exists(), "and nothing is kept there"
    raw = (author / "fork").read_bytes()
    (author / "changed").write_bytes(raw.replace(b"root ", b"root A", 1))
    assert author.scm("verify", "fork", author / "changed", at="b").error == "bad-head-fork"


def test_what_was_seen_stays_on_the_machine_and_damage_is_named(trusted: tuple[Author, str], tmp_path: Path) -> None:
    author, _ = trusted
    assert author.scm("verify", "update", author / "release.zip").code == 0
    (file,) = (tmp_path / "a.state").glob("ledger-*.json")
    file.write_bytes(file.read_bytes()[:-5])
    told = author.scm("verify", "update", author / "release.zip")
    assert (told.code, told.error) == (1, "ledger-memory-damaged")
    file.unlink()
    assert author.scm("verify", "update", author / "release.zip").code == 0


@pytest.fixture
def published(author: Author) -> tuple[Author, tuple[object, ...]]:
    """A ledger that a node writes, as static files; and what a client types."""
    ledger = author.begin(author.serve())
    assert author.append("keys")[0].code == 0
    publish(author)
    (author / "nobody").write_text("quorum none\n", encoding="ascii")
    return author, ("--ledger", ledger, "--policy", author / "nobody")


@pytest.fixture
def online(scm: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Author, tuple[object, ...]]:
    """The same with an update in it, where there is a network."""
    monkeypatch.delenv("SCM_PASSPHRASE", raising=False)
    author = Author(scm, tmp_path)
    ledger = author.begin(author.serve())
    assert author.append("keys")[0].code == 0
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    assert author.append("update")[0].code == 0
    publish(author)
    (author / "nobody").write_text("quorum none\n", encoding="ascii")
    return author, ("--ledger", ledger, "--policy", author / "nobody")


@contextlib.contextmanager
def serving(folder: Path, *words: object, remarks: list[str] | None = None) -> Iterator[str]:
    """`scm ledger serve` in a process of its own; its address. `remarks`: what it said to people by its end."""
    command = [sys.executable, "-m", "scmanager", "ledger", "serve", str(folder), "--port", "0", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.split()[-1].startswith("http://127.0.0.1:"), process.communicate()
            yield line.split()[-1]
        finally:
            process.terminate()
            assert process.wait(30) == 0
            assert process.stderr is not None
            said = process.stderr.read()
            assert "Traceback" not in said
            if remarks is not None:
                remarks.append(said)


def test_from_a_server_a_machine_gets_all_it_needs(online: tuple[Author, tuple[object, ...]]) -> None:
    author, words = online
    (author / "other.zip").write_bytes(b"Nobody released this.")
    with serving(author / "public") as url:
        fetched = author.scm("ledger", "fetch", url, *words, "--json", at="b")
        assert (fetched.code, fetched.json["size"]) == (0, 3), fetched.err
        told = author.scm("verify", "update", author / "release.zip", "--from", url, *words)
        assert told.code == 0, told.out + told.err
        assert told.out.splitlines()[-1].startswith("Good: ")
        none = author.scm("verify", "update", author / "other.zip", "--from", url, *words)
        assert (none.code, none.error) == (1, "file-not-in-ledger")
    shown = author.scm("ledger", "show", *words, "--json").json
    assert [each["size"] for each in shown["heads"]] == [3]
    assert shown["asked_s"]
    away = author.scm("ledger", "fetch", url, *words)
    assert (away.code, away.error) == (3, "ledger-source-failed")
    by_folder = author.scm("verify", "update", author / "release.zip", "--from", author / "public", *words, at="c")
    assert by_folder.code == 0, by_folder.err
    none = author.scm("verify", "update", author / "other.zip", "--from", author / "public", *words, at="c")
    assert none.error == "file-not-in-ledger"
    assert author.scm("ledger", "fetch", "http://user@x/", *words).error == "ledger-address-mistyped"


def test_a_server_that_goes_back_is_noticed_before_its_proof_counts(
    online: tuple[Author, tuple[object, ...]], tmp_path: Path
) -> None:
    author, words = online
    shutil.copytree(author / "public", tmp_path / "old")
    assert (
        author.sign_update(str(words[1]), "--version", "1.2.0", "--key", author / "release", output="next").code == 0
    )
    assert author.append("next")[0].code == 0
    publish(author)
    with serving(author / "public") as url:
        assert author.scm("ledger", "fetch", url, *words).code == 0
    with serving(tmp_path / "old") as url:
        told = author.scm("verify", "update", author / "release.zip", "--from", url, *words)
    assert (told.code, told.error) == (1, "ledger-rolled-back")


def test_a_server_that_the_ledger_names_is_greeted(online: tuple[Author, tuple[object, ...]]) -> None:
    author, words = online
    made = author.scm("author", "keygen", "server", "--plain", "-o", author / "server.key", "--json")
    key, remarks = made.json["public"], list[str]()
    with serving(author / "public", "--key", author / "server.key", remarks=remarks) as address:
        assert author.scm("ledger", "greet", address, *words).error == "ledger-server-refuses", "not named yet"
        named = author.scm("author", "name-server", key, "--days", "2", "--json", at="server")
        assert named.code == 0, named.err
        again = author.scm("author", "name-server", author.public["release"], at="server")
        assert again.error == "statement-unusable", "no key has two roles"
        assert author.scm("author", "publish", author / "public", at="server").code == 0
        met = author.scm("ledger", "greet", address, *words, "--json")
        assert (met.code, met.json["server"], met.json["version"]) == (0, key, VERSIONS[-1]), met.err
        assert met.json["until"] > NOW_S
    assert "Nobody shakes hands with it" in remarks[0]
    with serving(author / "public", "--key", author / "server.key", remarks=remarks):
        pass
    assert "Nobody" not in remarks[1]
    assert author.scm("ledger", "greet", address, *words).error == "ledger-source-failed", "and nothing else breaks"
    assert author.scm("ledger", "greet", "noise", *words).error == "ledger-address-mistyped"


def test_what_is_no_published_ledger_is_not_served(scm: Scm, tmp_path: Path) -> None:
    assert scm("ledger", "serve", tmp_path, "--port", "0").error == "ledger-source-lacks"
    (tmp_path / "checkpoint").write_bytes(b"noise")
    assert scm("ledger", "serve", tmp_path, "--port", "0").error == "ledger-files-broken"


def publish(author: Author, at: str = "server") -> None:
    done = author.scm("author", "publish", author / "public", at=at)
    assert done.code == 0, done.err


def test_keys_and_head_are_fetched_from_what_was_published(published: tuple[Author, tuple[object, ...]]) -> None:
    author, words = published
    first = author.scm("ledger", "fetch", author / "public", *words, "--json")
    assert (first.code, first.json["manifest"], first.json["size"]) == (0, 1, 2), first.err
    ledger = str(words[1])
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    assert author.append("update")[0].code == 0
    publish(author)
    again = author.scm("ledger", "fetch", author / "public", *words)
    assert again.code == 0, again.err
    assert "no witness" in again.err
    shown = author.scm("ledger", "show", *words, "--json").json
    assert [each["size"] for each in shown["heads"]] == [3]
    assert shown["asked_s"]
    assert author.scm("author", "prove", author / "release.zip", at="server").code == 0
    assert author.scm("verify", "update", author / "release.zip", *words).code == 0, "keys come from what was seen"


def test_a_new_manifest_is_published_with_the_head_that_has_it(published: tuple[Author, tuple[object, ...]]) -> None:
    author, words = published
    assert (author / "public" / "manifests").read_bytes() == (author / "keys").read_bytes()
    (author / "public" / "manifests").write_bytes(b"")
    again = author.scm("author", "publish", author / "public", "--json", at="server")
    assert again.json["files"] == 1, "what is wrong there is put right"
    assert author.scm("author", "publish", author / "public", "--json", at="server").json["files"] == 0
    assert author.scm("ledger", "fetch", author / "public", *words).code == 0


def test_an_older_copy_and_a_broken_one_are_told(published: tuple[Author, tuple[object, ...]]) -> None:
    author, words = published
    older = {path: path.read_bytes() for path in (author / "public").rglob("*") if path.is_file()}
    assert author.sign_update(str(words[1]), "--key", author / "release").code == 0
    assert author.append("update")[0].code == 0
    publish(author)
    assert author.scm("ledger", "fetch", author / "public", *words).code == 0
    for path, data in older.items():
        path.write_bytes(data)
    assert author.scm("ledger", "fetch", author / "public", *words).error == "ledger-rolled-back"
    (author / "public" / "manifests").write_bytes(b"x" * (5 << 20))
    assert author.scm("ledger", "fetch", author / "public", *words).error == "ledger-source-too-large"
    assert author.scm("ledger", "fetch", author / "nowhere", *words).error == "ledger-source-lacks"
    assert author.scm("ledger", "fetch", author / "keys", *words).error == "ledger-source-failed"


def test_another_history_that_nobody_cosigned_is_told_and_kept_whichever_door_shows_it(
    scm: Scm, tmp_path: Path
) -> None:
    one, other = Ledger(MemoryStore(), tmp_path / "one"), Ledger(MemoryStore(), tmp_path / "other")
    one.fill(3)
    one.publish()
    (one.public / "checkpoint").write_bytes(one.server.note())  # Of all witnesses.
    for count in (2, 1):
        other.fill(count)
    other.publish()
    (tmp_path / "policy").write_text(policy_text(), encoding="ascii")
    (tmp_path / "keys").write_bytes(submission.encode(one.keys))
    words = (
        "--ledger", manifest_hash(one.first.statement).hex(), "--manifests", tmp_path / "keys",
        "--policy", tmp_path / "policy",
    )  # fmt: skip
    for at in ("a", "b"):
        assert scm("ledger", "fetch", one.public, *words, at=at).code == 0
        assert scm("ledger", "fork", "-o", tmp_path / at, *words, at=at).error == "no-fork-seen"
    assert scm("ledger", "fetch", other.public, *words, at="c").error == "not-witnessed", "who saw no other"
    assert scm("ledger", "fetch", other.public, *words).error == "ledger-forked"
    assert scm("ledger", "mirror", other.public, tmp_path / "mirror", *words, at="b").error == "ledger-forked"
    for at in ("a", "b"):
        kept = scm("ledger", "fork", "-o", tmp_path / f"{at}.fork", *words, at=at)
        assert (kept.code, one.server.log.log.hex() in kept.out, "b'" in kept.out) == (0, True, False)
        assert scm("verify", "fork", tmp_path / f"{at}.fork", *words, at="c").code == 0
    assert not (tmp_path / "mirror").exists()
    shown = scm("ledger", "show", *words)
    assert f"forked    {one.server.log.log.hex()[:12]}: nothing in it counts" in shown.out
    head, key = one.server.head(), one.server.key.public
    final = {one.server.log.log: Final(head.size, head.root)}
    closing = signed(issuing.revocation(one.first.statement, key, final, NOW_S), *ROOTS[:2])
    (tmp_path / "keys").write_bytes(submission.encode([*one.keys, closing]))
    shown = scm("ledger", "show", *words)
    assert ("nothing in it counts" in shown.out, shown.out.count(one.server.log.log.hex()[:12])) == (False, 1)
    assert "closed at size 4: what lies below counts, nothing beyond. It signed two histories" in shown.out
    told = scm("ledger", "show", *words, "--json").json
    assert (told["forked"], told["closed"]) == (
        [], [{"log": one.server.log.log.hex(), "size": 4, "root": head.root.hex(), "forked": True}]
    )  # fmt: skip

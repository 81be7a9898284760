"""`scm verify`: files in, sentences out; nobody is asked."""

import json
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.adapters.ledger_source import from_folder
from scmanager.application import proving, superseded
from scmanager.application.published import Published
from scmanager.cli import verifying
from scmanager.domain.ledger import AuditStatus, UpdateSigned
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.tiles import bundle, parse_bundle
from scmanager.master_ledger import submission
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.fetching import SourceLacks
from scmanager.master_ledger.statement import manifest_hash
from scmanager.spaces.ledger import Entered
from tests.cli.conftest import Scm
from tests.support.author import Author
from tests.support.home import Home
from tests.support.ledger import CONTENT, NOW_S, RELEASE, WITNESSES, plugin, update
from tests.support.ledger_server import Ledger, answering, whole

ANYBODY = "The policy asks for no witness: nobody but the log vouches that others are shown the same."


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
    assert re.search(r"^signed_at +20\d\d-\d\d-\d\dT", told.out, re.MULTILINE)
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
    assert scm("verify", "update", author / "keys", *words(author, ledger)).error == "proof-not-beside"


def plugin_proof(home: Home, index: int, name: str) -> Path:
    """The proof of an entry of the published ledger, as anybody can make it of the folder."""
    published = Published(from_folder(home.public))
    (home.author / name).write_bytes(published.proof(index, published.head()).to_bytes())
    return home.author / name


@contextmanager
def hoarding(home: Home, old: Path, heads: list[bytes]) -> Iterator[str]:
    """The address of a server that has the whole ledger, and answers with an old proof; with these heads, in turn."""

    def read(path: str, bytes_max: int) -> bytes:
        if path == "checkpoint":
            return heads.pop(0) if len(heads) > 1 else heads[0]
        if path.startswith("api/v1/ledger/proofs/"):
            return old.read_bytes()
        return from_folder(home.public)(path, bytes_max)

    def answer(asking: socket.socket, path: str) -> None:
        try:
            asking.sendall(whole(read(path, 1 << 24)))
        except SourceLacks:
            asking.sendall(whole(b"", "404 Not Found"))

    with answering(answer) as address:
        yield address


def judged(home: Home, file: str, *more: object) -> tuple[list[str], list[str]]:
    """The codes of what is wrong, and the remarks."""
    words = (*home.words, "--manifests", home.author / "keys", "--installed", "1.0.0", "--json")
    told = home.author.scm("verify", "plugin", home.author / file, *words, *more).json
    return [each["code"] for each in told["problems"]], told["remarks"]


def test_an_old_proof_is_not_good_where_it_is_known_that_the_author_took_it_back(home: Home) -> None:
    (home.author / "plugin.wasm").write_bytes(CONTENT)
    home.say()
    old = plugin_proof(home, 3, "old")
    files = ("plugin.wasm", "--proof", old)
    assert judged(home, *files) == ([], [ANYBODY, superseded.NOT_KNOWN]), "nobody told this machine of anything later"
    assert home.fetch().code == 0
    assert judged(home, *files) == ([], [ANYBODY])
    home.say(version="0.4.0", content_hash=cid(bytes(32)), updated_at=NOW_S + 1)
    home.say(version="0.5.0", content_hash=cid(bytes(32)), updated_at=NOW_S + 2, audit_status="pending")
    assert home.fetch().code == 0
    assert judged(home, *files) == ([], [ANYBODY]), "another version of it changes nothing"
    earlier = (home.public / "checkpoint").read_bytes()
    home.say(audit_status="blocked", updated_at=NOW_S + 60)
    assert judged(home, *files) == ([], [ANYBODY]), "not fetched yet"
    newest = (home.public / "checkpoint").read_bytes()
    for heads in ([newest], [newest, earlier]):
        with hoarding(home, old, heads) as address:
            assert judged(home, "plugin.wasm", "--from", address) == (["plugin-taken-back"], [ANYBODY])
    assert home.fetch().code == 0
    assert judged(home, *files) == (["plugin-taken-back"], [ANYBODY])
    home.say(updated_at=NOW_S + 120)
    again = plugin_proof(home, 7, "again")
    with hoarding(home, again, [newest]) as address:
        assert judged(home, "plugin.wasm", "--from", address)[0] == ["ledger-held-back"]
    assert judged(home, "plugin.wasm", "--proof", again)[0] == [], "said after all that is known here"
    assert home.fetch().code == 0
    assert judged(home, *files) == ([], [ANYBODY]), "passed again"
    home.say(version="0.6.0", content_hash=cid(bytes(32)), updated_at=NOW_S + 180, audit_status="deprecated")
    assert home.fetch().code == 0
    assert judged(home, *files)[0] == ["plugin-taken-back"], "the last word is about all of it"


def test_what_was_taken_back_in_one_log_of_the_ledger_is_taken_back_with_two_at_home(home: Home) -> None:
    """As in each rotation. A log of its own space each; every process has its own order of sets."""
    author = home.author
    (author / "plugin.wasm").write_bytes(CONTENT)
    home.say()
    old = plugin_proof(home, 3, "old")
    shutil.copyfile(author / "plugin", author / "passed")
    home.say(audit_status="blocked", updated_at=NOW_S + 60)
    for n in range(3):
        first = author.serve(f"next-{n}")
        more = ("--log", first, "--key", author / "root-0", "--key", author / "root-1", "-o", author / "after")
        assert author.scm("author", "manifest", "--after", author / "keys", *more).code == 0
        shutil.move(author / "after", author / "keys")
        for at, public in (("server", home.public), (f"next-{n}", author / f"public-{n}")):
            assert author.append("keys", at=at)[0].code == 0
            assert author.scm("author", "publish", public, at=at).code == 0
            assert home.fetch(public).code == 0
    assert judged(home, "plugin.wasm", "--proof", old)[0] == ["plugin-taken-back"]
    assert [each["status"] for each in home.scm("plugins").json] == ["blocked"]
    assert author.append("passed", at="next-0")[0].code == 0, "the key of the newer log is enough for that"
    assert author.scm("author", "publish", author / "public-0", at="next-0").code == 0
    again = ("plugin.wasm", "--from", author / "public-0")
    assert judged(home, *again)[0] == ["plugin-taken-back"]
    for each in (home.author.folder / "a").glob("events.db*"):
        each.unlink()
    unknown = ["ledger-log-unknown"] * 3
    assert judged(home, *again)[0] == unknown, "the log before it, and what was seen of those after it"


@pytest.mark.parametrize("counted", [1, 3], ids=["as long", "longer"])
def test_what_a_thief_of_a_log_key_brought_home_gives_way_to_the_end_that_the_keepers_state(
    home: Home, counted: int
) -> None:
    author, folder = home.author, home.author.folder
    (author / "plugin.wasm").write_bytes(CONTENT)
    home.say()
    shutil.copyfile(author / "plugin", author / "passed")
    before = {each: each.read_bytes() for each in _files_of_the_server(folder)}
    home.say(version="0.5.0", content_hash=cid(bytes(32)))
    assert home.fetch().code == 0
    for each in _files_of_the_server(folder):  # In place: a folder that is another one begins another log.
        each.write_bytes(before[each]) if each in before else each.unlink()
    true, further = author / "true", author / "further"
    for downloads in range(1, counted + 1):
        assert author.scm("author", "count", _counts(folder, downloads), at="server").code == 0
    assert author.scm("author", "publish", true, at="server").code == 0
    line = author.serve("next")
    roots = ("--key", author / "root-0", "--key", author / "root-1", "-o")
    log_key = author.scm("author", "show", author / "keys", "--json").json[-1]["logs"][0]["key"]
    closing = ("--head", true / "checkpoint", "--unwitnessed", *roots, author / "closed")
    assert author.scm("author", "revoke", log_key, "--after", author / "keys", *closing).code == 0
    assert (
        author.scm("author", "manifest", "--after", author / "closed", "--log", line, *roots, author / "after").code
        == 0
    )
    shutil.move(author / "after", author / "keys")
    assert author.append("keys", "passed", at="next")[0].code == 0
    assert author.scm("author", "publish", further, at="next").code == 0
    assert home.fetch(further).code == 0
    assert judged(home, "plugin.wasm", "--from", further)[0] == ["ledger-log-unknown"]
    (old, _) = author.scm("author", "show", author / "keys", "--json").json[-1]["logs"]
    replayed = author.scm("audit", "replay", "--space", old["log"], "--json")
    found = replayed.code, replayed.json["ledger"]["closed"]["same"]
    assert found == ((1, False) if counted == 1 else (0, None)), replayed.err
    assert "by key manifest 3, at" in author.scm("audit", "replay", "--space", old["log"]).out
    assert home.fetch(true).code == 0
    assert judged(home, "plugin.wasm", "--from", further)[0] == []
    (listed,) = home.scm("plugins").json
    assert (listed["version"], listed["downloads"]) == ("0.3.0", str(counted)), "of the true history"
    assert home.fetch(true).json["entries"] == 0


def _files_of_the_server(folder: Path) -> list[Path]:
    return [each for name in ("server", "server.state") for each in (folder / name).rglob("*") if each.is_file()]


def _counts(folder: Path, downloads: int) -> Path:
    file = folder / "counts.jsonl"
    counted = {
        "plugin": "org.example.mining",
        "downloads": downloads,
        "votes": 0,
        "rating_sum": 0,
        "until": 1760000000,
    }
    file.write_text(json.dumps(counted) + "\n", encoding="utf-8")
    return file


def test_a_source_cannot_hold_back_what_the_author_said_later(home: Home) -> None:
    (home.author / "plugin.wasm").write_bytes(CONTENT)
    home.say()
    home.say(audit_status="blocked", updated_at=NOW_S + 60)
    path = home.public / "shared" / "000.p" / "5"
    pieces = parse_bundle(path.read_bytes(), 5)
    path.write_bytes(bundle([*pieces[:4], b""]))
    words = (*home.words, "--manifests", home.author / "keys", "--installed", "1.0.0", "--from", home.public)
    told = home.author.scm("verify", "plugin", home.author / "plugin.wasm", *words)
    assert (told.code, told.error) == (3, "ledger-files-broken")


def test_who_has_the_log_key_alone_gets_nothing_passed_by_entering_it_again(scm: Scm, tmp_path: Path) -> None:
    """An old `pass` of a plugin that was blocked since, and what nobody signed about a good update (ADR 18)."""
    ledger = Ledger(MemoryStore(), tmp_path)
    ledger_id = manifest_hash(ledger.first.statement)
    passed = submission.make(plugin(ledger_id, b"ore"), [RELEASE])
    blocked = plugin(ledger_id, b"ore", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 60)
    good = submission.make(update(ledger_id, CONTENT), [RELEASE])
    ledger.say(ledger.first, passed, submission.make(blocked, [RELEASE]), good)
    unsigned = UpdateSigned(msgspec.structs.replace(good.statement, signed_at=NOW_S + 60), ())
    ledger.say(passed, unsigned)
    ledger.publish()
    for name, held in (("plugin", b"ore"), ("update", CONTENT), ("policy", b"quorum none\n")):
        (tmp_path / name).write_bytes(held)
    (tmp_path / "keys").write_bytes(submission.encode([ledger.first]))
    tree = LogTree(ledger.store, ledger.store.heads()[0], tmp_path / "kept")
    said = [ledger.first, passed, submission.make(blocked, [RELEASE]), good, passed, unsigned]
    statements = [Entered(n, each) for n, each in enumerate(said, 1)]
    words = ("--ledger", ledger_id.hex(), "--manifests", tmp_path / "keys", "--policy", tmp_path / "policy")
    for kind, held in (("plugin", b"ore"), ("update", CONTENT)):
        made = proving.prove(tree, statements, cid(sha256(held).digest()))
        (tmp_path / "made").write_bytes(made.to_bytes())
        for source in (("--from", ledger.public), ("--proof", tmp_path / "made")):
            told = scm("verify", kind, tmp_path / kind, *words, "--installed", "1.0.0", *source, "--json").json
            assert [each["code"] for each in told["problems"]] == ["plugin-not-passed"] * (kind == "plugin"), source


def test_a_mirror_that_lags_behind_is_good_for_who_holds_what_it_lacks(scm: Scm, tmp_path: Path) -> None:
    ledger = Ledger(MemoryStore(), tmp_path)
    one = manifest_hash(ledger.first.statement)
    ledger.say(ledger.first, *(submission.make(each, [RELEASE]) for each in (plugin(one, b"ore"), update(one))))
    ledger.publish(tmp_path / "mirror")
    blocked = plugin(one, b"ore", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 60)
    ledger.say(submission.make(blocked, [RELEASE]))
    ledger.publish()
    for name, held in (("plugin", b"ore"), ("update", CONTENT), ("policy", b"quorum none\n")):
        (tmp_path / name).write_bytes(held)
    words = ("--ledger", one.hex(), "--policy", tmp_path / "policy")

    def verified(kind: str, at: str) -> Any:
        return scm(
            "verify", kind, tmp_path / kind, *words, "--installed", "1.0.0", "--from", tmp_path / "mirror",
            "--json", at=at,
        )  # fmt: skip

    assert scm("ledger", "fetch", ledger.public, *words, at="heads").code == 0
    assert [verified(each, "heads").error for each in ("update", "plugin")] == ["ledger-rolled-back"] * 2
    assert scm("init", at="whole").code == 0
    assert scm("ledger", "fetch", ledger.public, "--entries", *words, at="whole").code == 0
    told = verified("update", "whole")
    assert (told.code, told.json["problems"]) == (0, [])
    assert any("shows 4 entries of its log, 1 fewer than" in each for each in told.json["remarks"])
    assert [each["code"] for each in verified("plugin", "whole").json["problems"]] == ["plugin-taken-back"]
    assert scm("ledger", "fetch", tmp_path / "mirror", *words, at="whole").error == "ledger-rolled-back"


def test_an_update_that_was_released_anew_under_its_version_is_told(home: Home) -> None:
    old = plugin_proof(home, 2, "old")
    words = (*home.words, "--manifests", home.author / "keys", "--proof", old, "--json")
    file = home.author / "release.zip"
    assert home.author.scm("verify", "update", file, *words).json["ok"]
    (signed,) = submission.parse((home.author / "update").read_bytes())
    assert isinstance(signed, UpdateSigned)
    anew = msgspec.structs.replace(
        signed.statement, content_hash=cid(bytes(32)), signed_at=signed.statement.signed_at + 60
    )
    (home.author / "anew").write_bytes(submission.encode([submission.make(anew, [home.author.key("release")])]))
    assert home.author.append("anew")[0].code == 0
    home.publish()
    assert home.fetch().code == 0
    told = home.author.scm("verify", "update", file, *words).json
    assert [each["code"] for each in told["problems"]] == ["update-replaced"]


def test_a_plugin_that_asks_for_nothing_is_said_to() -> None:
    assert [verifying._spelt("permissions", each) for each in ((), ["net", "read.fleet"])] == [
        "none",
        "net read.fleet",
    ]

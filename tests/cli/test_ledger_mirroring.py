"""`scm ledger mirror`: a copy by whoever likes, from a folder or a server, that others verify by."""

import socket
from pathlib import Path

from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import submission
from scmanager.master_ledger.statement import manifest_hash
from tests.cli.conftest import Scm
from tests.support.ledger import CONTENT, RELEASE, update
from tests.support.ledger_server import Ledger, answering, served


def test_a_mirror_stands_in_for_the_author(scm: Scm, tmp_path: Path) -> None:
    ledger = Ledger(MemoryStore(), tmp_path)
    one = manifest_hash(ledger.first.statement)
    ledger.say(ledger.first, submission.make(update(one), [RELEASE]))
    ledger.publish()
    (tmp_path / "policy").write_text("quorum none\n", encoding="ascii")
    (tmp_path / "sc-manager.zip").write_bytes(CONTENT)
    whom = ("--ledger", one.hex(), "--policy", tmp_path / "policy")
    with served(ledger.public) as url:
        done = scm("ledger", "mirror", url, tmp_path / "mirror", *whom, "--json")
        assert (done.code, done.json["size"]) == (0, 3), done.err
        assert scm("ledger", "mirror", url, tmp_path / "mirror", *whom, "--json").json["files"] == 0
    again = scm("ledger", "mirror", tmp_path / "mirror", tmp_path / "second", *whom, "--json", at="b")
    assert (again.code, again.json["size"]) == (0, 3), again.err
    verified = scm(
        "verify", "update", tmp_path / "sc-manager.zip", "--from", tmp_path / "second", *whom,
        "--installed", "1.0.0", at="c",
    )  # fmt: skip
    assert (verified.code, "Good:" in verified.out) == (0, True), verified.err
    assert (tmp_path / "second" / "checkpoint").read_bytes() == (ledger.public / "checkpoint").read_bytes()


def test_a_source_that_refuses_what_lies_beside_the_ledger_is_mirrored_all_the_same(scm: Scm, tmp_path: Path) -> None:
    ledger = Ledger(MemoryStore(), tmp_path)
    ledger.say(ledger.first)
    ledger.publish()
    (tmp_path / "policy").write_text("quorum none\n", encoding="ascii")

    def answer(asking: socket.socket, path: str) -> None:  # As hosts do that tell nobody what they do not have.
        file = ledger.public / path
        status, data = ("200 OK", file.read_bytes()) if file.is_file() else ("403 Forbidden", b"")
        asking.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)

    whom = ("--ledger", manifest_hash(ledger.first.statement).hex(), "--policy", tmp_path / "policy")
    with answering(answer) as url:
        done = scm("ledger", "mirror", url, tmp_path / "mirror", *whom, "--json")
    assert (done.code, done.json["size"]) == (0, 2), done.err
    assert "The ledger is copied; of what lies beside it not all" in done.err


def test_what_is_wrong_with_source_or_folder_is_named(scm: Scm, tmp_path: Path) -> None:
    ledger, other = Ledger(MemoryStore(), tmp_path / "a"), Ledger(MemoryStore(), tmp_path / "b", "another")
    for each in (ledger, other):
        each.say(each.first)
        each.publish()
    (tmp_path / "policy").write_text("quorum none\n", encoding="ascii")

    def whom(of: Ledger) -> tuple[object, ...]:
        return "--ledger", manifest_hash(of.first.statement).hex(), "--policy", tmp_path / "policy"

    assert scm("ledger", "mirror", ledger.public, tmp_path / "m", *whom(ledger)).code == 0
    assert scm("ledger", "mirror", other.public, tmp_path / "m", *whom(other)).error == "mirror-of-other"
    assert scm("ledger", "mirror", tmp_path / "nothing", tmp_path / "n", *whom(ledger)).error == "ledger-source-lacks"
    (ledger.public / "shared" / "000.p" / "2").write_bytes(b"\0\0\0\0")
    broken = scm("ledger", "mirror", ledger.public, tmp_path / "n", *whom(ledger))
    assert (broken.code, (tmp_path / "n" / "checkpoint").exists()) == (1, False)

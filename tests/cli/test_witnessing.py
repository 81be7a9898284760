"""A witness from its terminal: made, told its logs, serving in a process of its own until it is told to stop."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scmanager.cli.session import Session
from scmanager.eventstore.checkpoint import Checkpoint, parse_note, parse_origin, sign_note
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger.policy import Vkey
from tests.cli.conftest import Scm
from tests.support.author import Author
from tests.support.ledger_server import Ledger
from tests.support.witness import ShownLog, request, times

LOG = ShownLog()
GO = ShownLog("go.sum database tree", "sum.example.org")


@pytest.fixture
def witness(scm: Scm, tmp_path: Path) -> Path:
    made = scm("witness", "init", tmp_path / "w", "--name", "example.org/witness", "--json")
    assert made.code == 0, made.err
    assert scm("witness", "add-log", tmp_path / "w", LOG.vkey.text()).code == 0
    added = scm("witness", "add-log", tmp_path / "w", GO.vkey.text(), "--origin", GO.origin, "--json")
    assert added.json == {"logs": 2}
    return tmp_path / "w"


@pytest.fixture
def address(scm: Scm, witness: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "scmanager", "witness", "serve", str(witness), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("The witness example.org/witness answers: http://127.0.0.1:"), line
            yield line.split(": ", 1)[1].strip().removesuffix("/add-checkpoint")
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
            frozen = scm("witness", "show", witness, "--json").json["frozen"]
            assert (process.returncode, said.count("Frozen: "), "It witnesses 2 logs." in said) == (
                0,
                len(frozen),
                True,
            )


def test_it_answers_by_the_keys_that_it_shows(scm: Scm, witness: Path, address: str) -> None:
    shown = scm("witness", "show", witness, "--json").json
    assert (shown["name"], shown["logs"]) == ("example.org/witness", 2)
    with httpx.Client(base_url=address, trust_env=False, timeout=20) as client:
        for log in (LOG, GO):
            lines = client.post("/add-checkpoint", content=log.asks(0, 5)).content
            assert None not in times(log.head(5) + lines, (shown["ed25519"], shown["ml_dsa_44"]))
        assert client.post("/add-checkpoint", content=GO.asks(5, 9, left_at=2)).status_code == 422
        evidence = client.get(f"{GO.path}/fork").content
    (witness / "evidence").write_bytes(evidence)
    told = scm("witness", "show", witness)
    assert (told.out.count(GO.origin), f"{GO.origin} signed two histories" in told.err) == (0, True), told.err
    assert f"the evidence is at {GO.path}/fork" in told.err
    assert scm("witness", "show", witness, "--json").json["frozen"] == [GO.origin]
    told = scm("witness", "verify-fork", witness / "evidence", "--log", GO.vkey.text())
    assert (told.code, "Proved" in told.out) == (0, True)
    assert scm("witness", "verify-fork", witness / "evidence", "--log", LOG.vkey.text()).code == 1


def test_what_is_wrong_is_named(scm: Scm, witness: Path, tmp_path: Path) -> None:
    assert scm("witness", "init", witness, "--name", "example.org/other").error == "witness-there"
    assert scm("witness", "init", tmp_path / "v", "--name", "with blanks").error == "witness-name-unusable"
    assert scm("witness", "show", tmp_path / "v").error == "witness-missing"
    assert scm("witness", "add-log", witness, "no key").error == "bad-vkey"
    assert scm("witness", "serve", tmp_path / "v").error == "witness-missing"


def test_a_published_ledger_is_cosigned_by_whoever_keeps_a_copy(
    scm: Scm, witness: Path, address: str, tmp_path: Path
) -> None:
    ledger = Ledger(MemoryStore(), tmp_path)
    ledger.publish()
    key = Vkey(ledger.server.origin, 1, ledger.server.key.public).text()
    assert scm("witness", "add-log", witness, key).code == 0
    shown = scm("witness", "show", witness, "--json").json
    silent = Vkey("silent.example", 4, ledger.server.key.public).text()
    lines = [f"witness one {shown['ed25519']} {address}", f"witness two {silent} http://127.0.0.1:1"]
    (tmp_path / "policy").write_text("\n".join([*lines, "quorum one", ""]), encoding="utf-8")
    cosign = ("author", "cosign", ledger.public, "--policy", tmp_path / "policy")
    done = scm(*cosign, "--json")
    assert (done.code, done.json["quorum"], list(done.json["cosigned"])) == (0, True, ["one"])
    assert done.json["problems"] == {"http://127.0.0.1:1": "witness-silent"}
    assert "a quorum has cosigned it" in scm(*cosign).out
    (tmp_path / "policy").write_text("\n".join([*lines, "quorum two", ""]), encoding="utf-8")
    refused = scm(*cosign)
    assert (refused.code, "no quorum has cosigned it" in refused.out) == (1, True)
    (tmp_path / "policy").write_text(f"witness two {silent}\nquorum two\n", encoding="utf-8")
    assert scm(*cosign).error == "no-witness-address"


def test_a_cosigned_head_gives_way_to_a_cosigned_one_alone(
    scm: Scm, witness: Path, address: str, tmp_path: Path
) -> None:
    author = Author(scm, tmp_path)
    ledger = author.begin(author.serve())
    assert author.append("keys")[0].code == 0
    assert scm("witness", "add-log", witness, author.line).code == 0
    shown = scm("witness", "show", witness, "--json").json
    (tmp_path / "w.policy").write_text(f"witness one {shown['ed25519']} {address}\nquorum one\n", encoding="utf-8")
    (tmp_path / "away").write_text(
        f"witness one {shown['ed25519']} http://127.0.0.1:1\nquorum one\n", encoding="utf-8"
    )
    (tmp_path / "none").write_text(f"witness one {shown['ed25519']}\nquorum one\n", encoding="utf-8")
    public = author / "public"
    publish = ("author", "publish", public)
    nothing = author.scm(*publish, "--policy", tmp_path / "away", "--json", at="server")
    assert (nothing.code, nothing.json["size"], (public / "checkpoint").exists()) == (1, 0, False)
    done = author.scm(*publish, "--policy", tmp_path / "w.policy", "--json", at="server")
    assert (done.code, done.json["size"], done.json["quorum"]) == (0, 2, True), done.err
    cosigned = (public / "checkpoint").read_bytes()
    assert len(parse_note(cosigned).signatures) == 2
    assert author.scm(*publish, at="server").code == 0, "nothing new"
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    assert author.append("update")[0].code == 0
    assert author.scm(*publish, at="server").error == "cosigned-there"
    assert author.scm(*publish, "--policy", tmp_path / "none", at="server").error == "no-witness-address"
    silent = author.scm(*publish, "--policy", tmp_path / "away", at="server")
    assert (silent.code, "What lay there stays: size 2, not 3." in silent.err) == (1, True), silent.err
    assert (public / "checkpoint").read_bytes() == cosigned
    fetch = (
        "ledger",
        "fetch",
        public,
        "--manifests",
        author / "keys",
        "--ledger",
        ledger,
        "--policy",
        tmp_path / "w.policy",
        "--json",
    )
    assert scm(*fetch).json["size"] == 2, "whoever asks meanwhile goes by the old one"
    done = author.scm(*publish, "--policy", tmp_path / "w.policy", "--json", at="server")
    assert (done.code, done.json["size"], done.json["quorum"]) == (0, 3, True), done.err
    assert scm(*fetch).json["size"] == 3
    assert author.sign_update(ledger, "--version", "1.2.0", "--key", author / "release", output="next").code == 0
    assert author.append("next")[0].code == 0
    bare = author.scm(*publish, "--unwitnessed", at="server")
    assert (bare.code, "scm author cosign" in bare.err) == (0, True), bare.err
    tell_another_history(Session(tmp_path / "server"), parse_note(cosigned).text, address)
    other = author.scm(*publish, "--policy", tmp_path / "w.policy", at="server")
    assert (other.code, "witness-saw-other" in other.err, "again later" in other.err) == (1, True, False), other.err
    assert f"by the log's key: {address}/" in other.err
    assert "docs/witnesses.md says what its keepers do now" in other.err
    told = author.scm("author", "cosign", public, "--policy", tmp_path / "w.policy", "--json")
    assert (told.json["problems"], len(told.json["evidence"])) == ({address: "witness-saw-other"}, 1)
    assert scm(*fetch).error == "not-witnessed"


def tell_another_history(session: Session, text: str, address: str) -> None:
    """Who has the log's key signs another head of this size."""
    point = Checkpoint.parse(text)
    with session.open() as place:
        seed = place.vault.log_seed(parse_origin(point.origin)[1])
    assert seed is not None
    forged = sign_note(Checkpoint(point.origin, point.size, bytes(32)), SigningKey(seed))
    answer = httpx.post(f"{address}/add-checkpoint", content=request(0, [], forged), trust_env=False)
    assert answer.status_code in (403, 409)

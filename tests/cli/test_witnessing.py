"""A witness from its terminal: made, told its logs, serving in a process of its own until it is told to stop."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger.policy import Vkey
from tests.cli.conftest import Scm
from tests.support.ledger_server import Ledger
from tests.support.witness import ShownLog, times

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
            assert process.wait(20) == 0


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

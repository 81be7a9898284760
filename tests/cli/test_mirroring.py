"""A mirror from its terminal: made, told its logs, serving in a process of its own until it is told to stop."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger.policy import Vkey
from tests.cli.conftest import Scm
from tests.support.ledger_server import Ledger
from tests.support.mirror import upload
from tests.support.witness import ShownLog, times

LOG = ShownLog()


@pytest.fixture
def mirror(scm: Scm, tmp_path: Path) -> Path:
    made = scm("mirror", "init", tmp_path / "m", "--name", "example.org/mirror", "--json")
    assert made.code == 0, made.err
    assert scm("mirror", "add-log", tmp_path / "m", LOG.vkey.text(), "--json").json == {"logs": 1}
    return tmp_path / "m"


@pytest.fixture
def keys(scm: Scm, mirror: Path) -> tuple[str, str]:
    shown = scm("mirror", "show", mirror, "--json").json
    assert (shown["name"], shown["logs"]) == ("example.org/mirror", 1)
    return shown["ed25519"], shown["ml_dsa_44"]


@pytest.fixture
def address(mirror: Path, keys: tuple[str, str]) -> Iterator[str]:
    command = [sys.executable, "-m", "scmanager", "mirror", "serve", str(mirror), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("The mirror example.org/mirror answers: http://127.0.0.1:"), line
            yield line.split(": ", 1)[1].strip().removesuffix("/add-entries")
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0


def test_it_keeps_what_is_uploaded_and_signs_by_its_keys(
    scm: Scm, mirror: Path, keys: tuple[str, str], address: str
) -> None:
    with httpx.Client(base_url=address, trust_env=False, timeout=20) as client:
        assert client.post("/add-checkpoint", content=LOG.asks(0, 5)).status_code == 200
        lines = client.post("/add-entries", content=upload(LOG, 0, 5)).content
        note = client.get(f"{LOG.path}/checkpoint").content
    assert note == LOG.head(5) + lines
    assert None not in times(note, keys)
    assert scm("mirror", "show", mirror).code == 0
    assert scm("mirror", "serve", mirror, "--port", "0").error == "folder-in-use", "one at a time"
    assert scm("witness", "show", mirror).error == "witness-missing", "it is no witness"


def test_a_published_ledger_is_uploaded_by_whoever_has_it(
    scm: Scm, mirror: Path, keys: tuple[str, str], address: str, tmp_path: Path
) -> None:
    ledger = Ledger(MemoryStore(), tmp_path)
    ledger.publish()
    assert scm("mirror", "add-log", mirror, Vkey(ledger.server.origin, 1, ledger.server.key.public).text()).code == 0
    (tmp_path / "policy").write_text(f"witness one {keys[1]} {address}\nquorum one\n", encoding="utf-8")
    upload = ("author", "upload", ledger.public, "--policy", tmp_path / "policy")
    done = scm(*upload, "--json")
    assert (done.code, done.json["quorum"], list(done.json["cosigned"])) == (0, True, ["one"]), done.err
    readers = f"{address}/{sha256(ledger.server.origin.encode()).hexdigest()}"
    assert done.json["readers"] == [readers]
    told = scm(*upload).out
    assert "a quorum holds it" in told
    assert f"readers: {readers}\n" in told
    assert httpx.get(f"{readers}/checkpoint", trust_env=False).status_code == 200
    elsewhere = f"witness one {keys[1]} {address}/elsewhere\nquorum one\n"
    (tmp_path / "policy").write_text(elsewhere, encoding="utf-8")
    nobody = scm(*upload, "--json")
    assert (nobody.code, nobody.json["quorum"], nobody.json["cosigned"]) == (1, False, {}), (
        "what lay there counts not"
    )
    assert nobody.json["readers"] == []
    assert "one (" in (told := scm(*upload).err)
    assert "mirror-refuses: " in told or "witness-refuses: " in told, told
    (tmp_path / "policy").write_text(elsewhere.replace("quorum one", "quorum none"), encoding="utf-8")
    assert scm(*upload).code == 1, "nobody holds it"
    (tmp_path / "policy").write_text(f"witness one {keys[1]} {address}\nquorum one\n", encoding="utf-8")
    asked = scm("author", "cosign", ledger.public, "--policy", tmp_path / "policy")
    assert "scm author upload" in asked.err, asked.err
    (tmp_path / "policy").write_text(f"witness one {keys[0]} http://127.0.0.1:1\nquorum one\n", encoding="utf-8")
    refused = scm(*upload)
    assert (refused.code, "no quorum holds it" in refused.out) == (1, True)
    assert "it goes on where it ended" in refused.err
    (tmp_path / "policy").write_text(f"witness one {keys[0]}\nquorum one\n", encoding="utf-8")
    assert scm(*upload).error == "no-witness-address"


def test_what_is_wrong_is_named(scm: Scm, mirror: Path, tmp_path: Path) -> None:
    assert scm("mirror", "init", mirror, "--name", "example.org/other").error == "witness-there"
    assert scm("mirror", "init", tmp_path / "v", "--name", "with blanks").error == "witness-name-unusable"
    assert scm("mirror", "show", tmp_path / "v").error == "witness-missing"
    assert scm("mirror", "add-log", mirror, "no key").error == "bad-vkey"
    assert scm("mirror", "serve", tmp_path / "v").error == "witness-missing"

"""Witnesses that others made, asked by our commands: a first word, growth, the same head again, a fork."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import issuing
from scmanager.master_ledger.cosignature import Witness, cosign, cosigned_at
from scmanager.master_ledger.ml_dsa import MlDsaKey
from scmanager.master_ledger.policy import Vkey
from tests.interop.their_log import NotTheirs
from tests.support.author import Author
from tests.support.ledger_server import Ledger
from tests.support.witness import ShownLog

NAME = "witness.example/theirs"
SIZES = (3, 300, 700)
OTHERS = 6
"""Witnesses with ML-DSA-44 lines under the head already: 20 kB, more than some witnesses read."""


class Foreign(msgspec.Struct, frozen=True):
    """One that runs: where it answers, and the keys that a policy lists."""

    address: str
    vkeys: tuple[str, ...]

    def policy(self) -> str:
        """Each of its keys has to cosign."""
        names = [f"w{n}" for n in range(len(self.vkeys))]
        lines = [f"witness {name} {vkey} {self.address}" for name, vkey in zip(names, self.vkeys, strict=True)]
        return "\n".join([*lines, f"group both all {' '.join(names)}", "quorum both", ""])


class Said(msgspec.Struct, frozen=True):
    """What a command of ours answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


class Terminal:
    """Our command line in processes of its own; `at` names the folder of a node."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *words: object, at: str = "node") -> Said:
        command = [sys.executable, "-m", "scmanager", "--data", str(self._folder / at), *map(str, words)]
        state = {"SCM_STATE": str(self._folder / f"{at}.state")}
        done = subprocess.run(command, capture_output=True, check=False, text=True, env=os.environ | state)
        return Said(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def go_witness(program: Path, logs: list[str]) -> Iterator[Foreign]:
    """That of transparency-dev, built from ops/interop/witness."""
    with _running([str(program), "serve", NAME, *logs]) as process:
        assert process.stdout is not None
        address, *vkeys = (process.stdout.readline().strip() for _ in range(3))
        yield Foreign(address, tuple(vkeys))


@contextlib.contextmanager
def python_witness(python: Path, folder: Path, logs: list[str]) -> Iterator[Foreign]:
    """aics-witness, with a configuration of its own in this folder."""
    command = [str(python), "-m", "aics_witness"]
    config = ["--config", str(folder / "witness.json")]
    folder.mkdir()

    def told(verb: str, *words: str) -> str:
        return subprocess.run([*command, verb, *config, *words], capture_output=True, check=True, text=True).stdout

    vkey = told("init", "--name", NAME, "--listen", "127.0.0.1:0").strip()
    for each in logs:
        told("add-log", "--origin", Vkey.parse(each).name, "--vkey", each)
    with _running([*command, "serve", *config]) as process:
        assert process.stdout is not None
        line = next(each for each in process.stdout if "listening on " in each)
        yield Foreign(line.partition("listening on ")[2].split()[0], (vkey,))


class Asking:
    """A ledger of ours with many entries, and an author at his terminal: both are shown to whoever witnesses them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.scm = folder, Terminal(folder)
        self._author = Author(self.scm, folder)
        self._id = self._author.begin(self._author.serve())
        _expect(self._author.append("keys")[0].code == 0, "the manifest is entered")
        self._ledger = Ledger(MemoryStore(), folder / "ledger", "many")
        server = self._ledger.server
        self._log = Vkey(server.origin, 1, server.key.public)
        self.logs = [self._author.line, issuing.vkey_of(server.log, server.origin)]

    def ask(self, witness: Foreign) -> None:
        """All of it. Raises NotTheirs."""
        (self.folder / "policy.theirs").write_text(witness.policy(), encoding="ascii")
        self._publish()
        self._grow(witness)
        self._refused(witness)

    def _publish(self) -> None:
        """`scm author publish --policy`, twice: the author's own log, as he would."""
        said = []
        for output in ("", "update"):
            if output:
                done = self._author.sign_update(self._id, "--key", self._author / "release", output=output)
                _expect(done.code == 0 and self._author.append(output)[0].code == 0, done.err)
            done = self.scm(
                "author", "publish", self.folder / "published", "--policy", self.folder / "policy.theirs",
                "--json", at="server",
            )  # fmt: skip
            _expect(done.code == 0 and done.json["quorum"], done.err)
            said.append(done.json["size"])
        print(f"  scm author publish --policy: sizes {said[0]} and {said[1]}, a quorum each")

    def _grow(self, witness: Foreign) -> None:
        """`scm author cosign` of ever longer heads, and of the last one again with others' words under it."""
        for size in SIZES:
            self._ledger.fill(size - len(self._ledger.server.said))
            self._ledger.publish(self.folder / f"of-{size}")
            self._cosigned(witness, self.folder / f"of-{size}", size)
        newest = self.folder / f"of-{SIZES[-1]}"
        file = newest / "checkpoint"
        text = parse_note(file.read_bytes()).text
        others = [cosign(text, f"witness.example/{n}", MlDsaKey.generate(), 1) for n in range(OTHERS)]
        file.write_bytes(file.read_bytes() + b"".join(others))
        self._cosigned(witness, newest, SIZES[-1])
        print(
            f"  scm author cosign: sizes {SIZES}, and {SIZES[-1]} again under {OTHERS} words of others; all keys hold"
        )
        wrong = httpx.post(
            f"{witness.address}/add-checkpoint", content=b"old 5\n\n" + _own(file.read_bytes()), trust_env=False
        )
        media = wrong.headers.get("content-type")
        _expect((wrong.status_code, wrong.content) == (409, b"%d\n" % SIZES[-1]), f"{wrong.status_code} {wrong.text}")
        _expect(media == "text/x.tlog.size", media)
        unknown = httpx.post(f"{witness.address}/add-checkpoint", content=ShownLog().asks(0, 5), trust_env=False)
        _expect(unknown.status_code == 404, f"{unknown.status_code}")
        print("  a wrong old size: 409 and its own, text/x.tlog.size; a log that it does not list: 404")

    def _cosigned(self, witness: Foreign, folder: Path, size: int) -> None:
        done = self.scm("author", "cosign", folder, "--policy", self.folder / "policy.theirs", "--json")
        said = done.json if done.code == 0 else {}
        _expect(said.get("size") == size and said["quorum"] and not said["problems"], done.out + done.err)
        note = parse_note((folder / "checkpoint").read_bytes())
        for each in map(Vkey.parse, witness.vkeys):
            _expect(cosigned_at(note, Witness(each.name, each.key, each.kind)) is not None, each.text())

    def _refused(self, witness: Foreign) -> None:
        """Another history of the same log, a longer one and one of the same size; and a head of before."""
        fork = Ledger(MemoryStore(), self.folder / "fork", "many")
        fork.fill(SIZES[-1] - len(fork.server.said) - 1)
        for size in (SIZES[-1], SIZES[-1] + 30):
            fork.fill(size - len(fork.server.said))
            fork.publish()
            told = self._told(fork.public, witness)
            _expect(told == "witness-saw-other", told)
        shutil.copytree(self.folder / f"of-{SIZES[1]}", self.folder / "back", dirs_exist_ok=True)
        told = self._told(self.folder / "back", witness)
        _expect(told == "witness-saw-more", told)
        print("  another history, as long or longer: witness-saw-other; an older head: witness-saw-more")

    def _told(self, folder: Path, witness: Foreign) -> str:
        """What `scm author cosign` says of this witness. Words that lie under the head already still count."""
        done = self.scm("author", "cosign", folder, "--policy", self.folder / "policy.theirs", "--json")
        _expect(done.code in (0, 1), done.out + done.err)
        return str(done.json["problems"].get(witness.address))


def _own(note: bytes) -> bytes:
    text, _, lines = note.rpartition(b"\n\n")
    return text + b"\n\n" + lines.splitlines(keepends=True)[0]


def _expect(held: bool, what: object) -> None:
    if not held:
        raise NotTheirs(str(what))


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)

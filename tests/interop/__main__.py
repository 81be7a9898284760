"""Other people's tools against ours: what they read of our ledger, and what we read of a log that they made.

    python -m tests.interop                 needs Go (1.26) and pip: builds ops/interop, and says what each side found
    python -m tests.interop --keep FOLDER   keeps the log that tessera made there

Exit code 0: each took all of it. 1: something was refused. 75: some of them could not be had; it says which.
"""

import shutil
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

from scmanager.adapters import witness_folder
from scmanager.adapters.witness_folder import WitnessFolder
from scmanager.api.witness_app import make_witness_app
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import is_subtree
from scmanager.master_ledger import issuing, submission, subtrees, witnessing
from scmanager.master_ledger.policy import Vkey
from scmanager.master_ledger.statement import manifest_hash
from tests.interop.their_log import NotTheirs, check_proofs, read_all
from tests.interop.their_witness import Asking, Foreign, go_witness, python_witness
from tests.support.app_server import served as serve
from tests.support.ledger import RELEASE, update
from tests.support.ledger_server import Ledger, served
from tests.support.witness import ShownLog

SOURCES = Path(__file__).parent.parent.parent / "ops" / "interop"
SIZES = (3, 256, 300)
OURS = 700
"""Entries: three bundles, the last a partial one."""
PARTS_OF = 14
"""Leaves of the tree of which parts are signed."""
NOT_TO_BE_HAD = 75


def main(arguments: list[str]) -> int:
    """Each of them, one after the other."""
    with TemporaryDirectory(prefix="scm-interop-") as name:
        folder = Path(name)
        libraries, witness = built(SOURCES, folder / "interop"), built(SOURCES / "witness", folder / "witness")
        python = installed(folder / "python")
        try:
            if libraries:
                ours_to_them(libraries, folder / "ours")
                theirs_to_us(libraries, folder / "theirs")
            if witness:
                parts_to_them(witness, folder / "parts")
                ask(folder / "asked-go", "transparency-dev's witness", lambda logs: go_witness(witness, logs))
            if python:
                config = folder / "aics-witness"
                ask(folder / "asked-python", config.name, lambda logs: python_witness(python, config, logs))
        except subprocess.CalledProcessError as error:
            print(f"REFUSED by {error.cmd[1]}: {error.stderr.strip()}")
            return 1
        except NotTheirs as error:
            print(f"REFUSED: {error}")
            return 1
        if arguments[:1] == ["--keep"] and libraries:
            shutil.copytree(folder / "theirs" / "log", arguments[1])
    if not (libraries and witness and python):
        print("What could be had took all that the other made.")
        return NOT_TO_BE_HAD
    print("Each took all that the other made.")
    return 0


def built(sources: Path, program: Path) -> Path | None:
    """A Go program of these sources; None, and why, where Go or a module of its is not to be had."""
    go = shutil.which("go")
    if go is None:
        print(f"Go is not installed (ops/interop/go.mod says which): {program.name} was not checked.")
        return None
    print(f"Building {program.name} ...", flush=True)
    done = subprocess.run([go, "build", "-o", program, "."], cwd=sources, capture_output=True, check=False, text=True)
    if done.returncode:
        print(f"  not to be had, and not checked: {done.stderr.strip()}")
        return None
    return program


def installed(folder: Path) -> Path | None:
    """The Python of an environment with aics-witness; None, and why, where pip does not get it."""
    print("Installing aics-witness ...", flush=True)
    python = folder / "bin" / "python"
    wanted = ["--ignore-requires-python", "--no-deps", "-r", SOURCES / "witness" / "requirements.txt"]
    for command in (
        [sys.executable, "-m", "venv", folder],
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted],
    ):
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        if done.returncode:
            print(f"  not to be had, and not checked: {(done.stderr or done.stdout).strip()}")
            return None
    return python


def ask(folder: Path, name: str, start: Callable[[list[str]], AbstractContextManager[Foreign]]) -> None:
    """A witness of another make, by our commands."""
    folder.mkdir()
    print(f"Ours, shown to {name}:", flush=True)
    asking = Asking(folder)
    with start(asking.logs) as witness:
        asking.ask(witness)


def ours_to_them(program: Path, folder: Path) -> None:
    """A ledger behind our server, cosigned by both keys of our witness, and proofs of logging as files."""
    folder.mkdir()
    ledger = Ledger(MemoryStore(), folder)
    ledger.say(ledger.first, submission.make(update(manifest_hash(ledger.first.statement)), [RELEASE]))
    ledger.fill(OURS - len(ledger.server.said))
    ledger.publish()
    server = ledger.server
    vkey = issuing.vkey_of(server.log, server.origin)
    witness = made_witness(folder / "witness", Vkey.parse(vkey), server.origin)
    checkpoint = ledger.public / "checkpoint"
    checkpoint.write_bytes(
        checkpoint.read_bytes() + witness.add_checkpoint(witnessing.parse(b"old 0\n\n" + checkpoint.read_bytes()))
    )
    with served(ledger.public) as address:
        print("Ours, read by theirs:")
        run(program, "read", address, vkey, *witness.vkeys)
    for index in (1, 2, 300, OURS - 1):
        proof, entry = folder / f"{index}.tlog-proof", folder / f"{index}.entry"
        proof.write_bytes(server.proof(index, note=checkpoint.read_bytes()).to_bytes())
        entry.write_bytes(server.said[index][0].data)
        run(program, "proof", vkey, proof, entry)
    witness.close()


def parts_to_them(program: Path, folder: Path) -> None:
    """Every subtree of a tree that our witness cosigned, signed by it, by the verifier of transparency-dev."""
    folder.mkdir()
    log = ShownLog()
    witness = made_witness(folder / "witness", log.vkey, log.origin)
    line = witness.add_checkpoint(witnessing.parse(log.asks(0, PARTS_OF))).splitlines(keepends=True)[1]
    spans = [(a, b) for a in range(PARTS_OF) for b in range(a + 1, PARTS_OF + 1) if is_subtree(a, b)]
    for start, end in spans:
        asked = subtrees.parse(log.asks_part(start, end, PARTS_OF, line))
        signature = witness.sign_subtree(asked).decode().split()[2]
        root = b64encode(asked.root).decode()
        run(program, "subtree", witness.vkeys[1], log.origin, start, end, root, signature)
    print(f"Ours, read by theirs:\n  formats: {len(spans)} cosigned subtrees")
    witness.close()


def theirs_to_us(program: Path, folder: Path) -> None:
    """A log that tessera makes, each head of it cosigned by our witness, whom it asks itself."""
    folder.mkdir()
    key, vkey = run(program, "key", "example.org/their-log", show=False).split()
    (folder / "key").write_text(key, encoding="ascii")
    log = Vkey.parse(vkey)
    witness = made_witness(folder / "witness", log, log.name)
    with serve(make_witness_app(witness)) as address:
        policy = f"witness ours {witness.vkeys[0]} {address}\nquorum ours\n"
        (folder / "policy").write_text(policy, encoding="ascii")
        print("Theirs, made with our witness:")
        run(program, "make", folder / "log", folder / "key", folder / "policy", *SIZES)
    others = run(program, "cosign", folder / "log" / "checkpoint", "witness.example/theirs", show=False).split()
    vkeys = tuple(map(Vkey.parse, (witness.vkeys[0], *others)))
    point = read_all(folder / "log", log, vkeys)
    proofs = check_proofs(folder / "log", log, vkeys[:1])
    (folder / "log" / "vkeys").write_text(
        "".join(f"{each}\n" for each in (vkey, witness.vkeys[0], *others)), encoding="ascii"
    )
    print(f"  read by ours: {point.size} entries and all their tiles, {len(vkeys)} cosignatures, {proofs} proofs")
    witness.close()


def made_witness(folder: Path, log: Vkey, origin: str) -> WitnessFolder:
    """A fresh one that lists this log."""
    witness_folder.make(folder, "witness.example/interop")
    witness_folder.add_log(folder, log, origin)
    return WitnessFolder(folder, folder.with_name("witness.state"), lambda: int(time.time()))


def run(program: Path, *arguments: object, show: bool = True) -> str:
    """What it prints. Raises CalledProcessError."""
    command = [str(program), *map(str, arguments)]
    said = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    if show:
        print("".join(f"  {line}\n" for line in said.splitlines()), end="", flush=True)
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Other people's tools against ours: what they read of our ledger, and what we read of a log that they made.

    python -m tests.interop                 needs Go (1.26): builds ops/interop, and says what each side found
    python -m tests.interop --keep FOLDER   keeps the log that tessera made there

Exit code 0: each took all of it. 1: something was refused. 75: there is no Go, nothing was checked.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from scmanager.adapters import witness_folder
from scmanager.adapters.witness_folder import WitnessFolder
from scmanager.api.witness_app import make_witness_app
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import issuing, submission, witnessing
from scmanager.master_ledger.policy import Vkey
from scmanager.master_ledger.statement import manifest_hash
from tests.interop.their_log import check_proofs, read_all
from tests.support.app_server import served as serve
from tests.support.ledger import RELEASE, update
from tests.support.ledger_server import Ledger, served

SOURCES = Path(__file__).parent.parent.parent / "ops" / "interop"
SIZES = (3, 256, 300)
OURS = 700
"""Entries: three bundles, the last a partial one."""
NO_GO = 75


def main(arguments: list[str]) -> int:
    """Both ways, one after the other."""
    go = shutil.which("go")
    if go is None:
        print("Go is not installed (ops/interop/go.mod says which): nothing was checked.")
        return NO_GO
    with TemporaryDirectory(prefix="scm-interop-") as name:
        folder, program = Path(name), Path(name) / "interop"
        print("Building ops/interop ...", flush=True)
        subprocess.run([go, "build", "-o", program, "."], cwd=SOURCES, check=True)
        try:
            ours_to_them(program, folder / "ours")
            theirs_to_us(program, folder / "theirs")
        except subprocess.CalledProcessError as error:
            print(f"REFUSED by {error.cmd[1]}: {error.stderr.strip()}")
            return 1
        if arguments[:1] == ["--keep"]:
            shutil.copytree(folder / "theirs" / "log", arguments[1])
    print("Each took all that the other made.")
    return 0


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

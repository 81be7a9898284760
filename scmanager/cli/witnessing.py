"""A witness on this machine: it cosigns the heads of logs that only grow, whoever runs them (C2SP tlog-witness).

scm witness init witness --name example.org/witness      (prints the keys for policies)
scm witness add-log witness KEY                          (a line as the log publishes it)
scm witness serve witness                                (until Ctrl+C, on the loopback address)
"""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters import witness_folder
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.space_file import read_bytes
from scmanager.adapters.witness_folder import WitnessFolder
from scmanager.cli import author_files as files
from scmanager.cli.listening import serve_until_stopped
from scmanager.cli.output import JsonFlag, remark, say, say_result
from scmanager.cli.session import session_of
from scmanager.eventstore import head_fork
from scmanager.eventstore.head_fork import HeadFork
from scmanager.master_ledger.policy import Vkey

DEFAULT_PORT = 7413

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder; its keys lie there.")]
OriginOption = Annotated[
    str | None,
    typer.Option("--origin", metavar="TEXT", help="What its checkpoints begin with, if not the key's name."),
]


def init(
    context: typer.Context,
    folder: FolderArgument,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What it signs under: an address of yours without https://.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Make a witness with keys of its own, in a fresh folder. It witnesses nothing until a log is listed."""
    witness_folder.make(folder, name)
    show(context, folder, as_json)
    remark("Keep no copy of the folder in use: two memories of one witness could cosign two histories.")


def show(context: typer.Context, folder: FolderArgument, as_json: JsonFlag = False) -> None:
    """The keys of a witness, as policies list them, and how many logs it witnesses."""
    opened = _opened(context, folder)
    opened.close()
    old, new = opened.vkeys
    say_result({"name": opened.name, "ed25519": old, "ml_dsa_44": new, "logs": len(opened.logs())}, as_json=as_json)


def add_log(
    folder: FolderArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The log's public key: NAME+ID+KEY, of type Ed25519.")],
    origin: OriginOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List a log to witness: any that signs checkpoints (C2SP tlog-checkpoint). A running witness notices."""
    count = witness_folder.add_log(folder, Vkey.parse(key), origin)
    say_result({"logs": count}, as_json=as_json)


def verify_fork(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The evidence, as a witness serves it beside a log.")],
    key: Annotated[str, typer.Option("--log", metavar="KEY", help="The public key of the log that it accuses.")],
    as_json: JsonFlag = False,
) -> None:
    """Check the evidence that a log signed two histories, whoever's it is. Nobody is asked."""
    vkey = Vkey.parse(key)
    evidence = HeadFork.parse(read_bytes(file, head_fork.PROOF_BYTES_MAX))
    evidence.verify(vkey.key, vkey.name)
    say_result({"origin": evidence.origin}, as_json=as_json)
    if not as_json:
        say("Proved: the key of this log signed two histories that exclude each other.")


def serve(
    context: typer.Context,
    folder: FolderArgument,
    port: Annotated[int, typer.Option("--port", help="On the loopback address; 0 for any free one.")] = DEFAULT_PORT,
) -> None:
    """Cosign what its logs show, until Ctrl+C. A web server in front gives it a name, and TLS."""
    from scmanager.api.listening import listen
    from scmanager.api.witness_app import make_witness_app

    opened = _opened(context, folder)

    def started(address: str) -> None:
        say(f"The witness {opened.name} answers: {address}/add-checkpoint")
        remark(f"It witnesses {len(opened.logs())} logs. Stop it with Ctrl+C.")

    with closing(opened), listen(port) as taken:
        serve_until_stopped(make_witness_app(opened), taken, started)


def _opened(context: typer.Context, folder: Path) -> WitnessFolder:
    return WitnessFolder(folder, session_of(context).settings.state or state_folder(), files.now_s)

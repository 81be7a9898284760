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
from scmanager.adapters.space_file import read_bytes
from scmanager.adapters.witness_folder import Purpose
from scmanager.cli.cosigners import LogArgument, NameOption, OriginOption, frozen_of, list_log, opened, say_keys
from scmanager.cli.listening import PortOption, serve_until_stopped
from scmanager.cli.output import JsonFlag, counted, remark, say, say_result
from scmanager.eventstore import head_fork
from scmanager.eventstore.head_fork import HeadFork
from scmanager.master_ledger.policy import Vkey

DEFAULT_PORT = 7413

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder; its keys lie there.")]


def init(context: typer.Context, folder: FolderArgument, name: NameOption, as_json: JsonFlag = False) -> None:
    """Make a witness with keys of its own, in a fresh folder. It witnesses nothing until a log is listed."""
    witness_folder.make(folder, name)
    show(context, folder, as_json)
    remark("Keep no copy of the folder in use: two memories of one witness could cosign two histories.")


def show(context: typer.Context, folder: FolderArgument, as_json: JsonFlag = False) -> None:
    """The keys of a witness, as policies list them, and how many logs it witnesses."""
    say_keys(context, folder, Purpose.WITNESS, as_json)


def add_log(folder: FolderArgument, key: LogArgument, origin: OriginOption = None, as_json: JsonFlag = False) -> None:
    """List a log to witness: any that signs checkpoints (C2SP tlog-checkpoint). A running witness notices."""
    list_log(folder, key, origin, as_json)


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
    port: PortOption = DEFAULT_PORT,
) -> None:
    """Cosign what its logs show, until Ctrl+C. A web server in front gives it a name, and TLS."""
    from scmanager.api.listening import listen
    from scmanager.api.witness_app import make_witness_app

    witness = opened(context, folder, Purpose.WITNESS)

    def started(address: str) -> None:
        say(f"The witness {witness.name} answers: {address}/add-checkpoint")
        remark(f"It witnesses {counted(len(witness.logs()), 'log')}. Stop it with Ctrl+C.")
        for origin in witness.memory.frozen():
            remark(frozen_of(origin))
        witness.memory.convicted = lambda origin: remark(frozen_of(origin))

    with closing(witness), listen(port) as taken:
        serve_until_stopped(make_witness_app(witness), taken, started)

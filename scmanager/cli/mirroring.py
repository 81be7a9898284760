"""A mirror on this machine: whole copies of logs that are uploaded to it, and its word for them (C2SP tlog-mirror).

scm mirror init mirror --name example.org/mirror         (prints the keys for policies)
scm mirror add-log mirror KEY                            (a line as the log publishes it)
scm mirror serve mirror                                  (until Ctrl+C, on the loopback address)
"""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters import witness_folder
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.upload_mirror import LOG_BYTES_MAX, UploadMirror
from scmanager.adapters.witness_folder import Purpose, WitnessFolder
from scmanager.cli import author_files as files
from scmanager.cli.listening import serve_until_stopped
from scmanager.cli.output import JsonFlag, remark, say, say_result
from scmanager.cli.session import session_of
from scmanager.cli.witnessing import OriginOption
from scmanager.master_ledger.policy import Vkey

DEFAULT_PORT = 7414
GIGABYTE = 1 << 30

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The mirror's folder; its keys and copies lie there.")
]


def init(
    context: typer.Context,
    folder: FolderArgument,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What it signs under: an address of yours without https://.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Make a mirror with keys of its own, in a fresh folder. It takes nothing until a log is listed."""
    witness_folder.make(folder, name, Purpose.MIRROR)
    show(context, folder, as_json)
    remark("Keep no copy of the folder in use: two memories of one mirror could sign two histories.")


def show(context: typer.Context, folder: FolderArgument, as_json: JsonFlag = False) -> None:
    """The keys of a mirror, as policies list them, and how many logs it takes."""
    opened = WitnessFolder(folder, _state(context), files.now_s, Purpose.MIRROR)
    opened.close()
    old, new = opened.vkeys
    say_result({"name": opened.name, "ed25519": old, "ml_dsa_44": new, "logs": len(opened.logs())}, as_json=as_json)


def add_log(
    folder: FolderArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The log's public key: NAME+ID+KEY, of type Ed25519.")],
    origin: OriginOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List a log to mirror: any whose entries are public (C2SP tlog-tiles). A running mirror notices."""
    count = witness_folder.add_log(folder, Vkey.parse(key), origin)
    say_result({"logs": count}, as_json=as_json)


def serve(
    context: typer.Context,
    folder: FolderArgument,
    port: Annotated[int, typer.Option("--port", help="On the loopback address; 0 for any free one.")] = DEFAULT_PORT,
    gigabytes: Annotated[
        int, typer.Option("--log-gigabytes", metavar="N", min=1, help="So much room each log has at most.")
    ] = LOG_BYTES_MAX // GIGABYTE,
) -> None:
    """Take what its logs upload, and serve the copies, until Ctrl+C. A web server in front gives it a name."""
    from scmanager.api.listening import listen
    from scmanager.api.mirror_app import make_mirror_app

    opened = UploadMirror(folder, _state(context), files.now_s, gigabytes * GIGABYTE)

    def started(address: str) -> None:
        say(f"The mirror {opened.name} answers: {address}/add-entries")
        remark(f"It takes {len(opened.logs())} logs. Stop it with Ctrl+C.")

    with closing(opened), listen(port) as taken:
        serve_until_stopped(make_mirror_app(opened), taken, started)


def _state(context: typer.Context) -> Path:
    return session_of(context).settings.state or state_folder()

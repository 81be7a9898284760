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
from scmanager.adapters.upload_mirror import LOG_BYTES_MAX, UploadMirror
from scmanager.adapters.witness_folder import Purpose
from scmanager.cli import author_files as files
from scmanager.cli.cosigners import LogArgument, NameOption, OriginOption, list_log, say_keys, state_of
from scmanager.cli.listening import PortOption, serve_until_stopped
from scmanager.cli.output import JsonFlag, remark, say

DEFAULT_PORT = 7414
GIGABYTE = 1 << 30

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The mirror's folder; its keys and copies lie there.")
]


def init(context: typer.Context, folder: FolderArgument, name: NameOption, as_json: JsonFlag = False) -> None:
    """Make a mirror with keys of its own, in a fresh folder. It takes nothing until a log is listed."""
    witness_folder.make(folder, name, Purpose.MIRROR)
    show(context, folder, as_json)
    remark("Keep no copy of the folder in use: two memories of one mirror could sign two histories.")


def show(context: typer.Context, folder: FolderArgument, as_json: JsonFlag = False) -> None:
    """The keys of a mirror, as policies list them, and how many logs it takes."""
    say_keys(context, folder, Purpose.MIRROR, as_json)


def add_log(folder: FolderArgument, key: LogArgument, origin: OriginOption = None, as_json: JsonFlag = False) -> None:
    """List a log to mirror: any whose entries are public (C2SP tlog-tiles). A running mirror notices."""
    list_log(folder, key, origin, as_json)


def serve(
    context: typer.Context,
    folder: FolderArgument,
    port: PortOption = DEFAULT_PORT,
    gigabytes: Annotated[
        int, typer.Option("--log-gigabytes", metavar="N", min=1, help="So much room each log has at most.")
    ] = LOG_BYTES_MAX // GIGABYTE,
) -> None:
    """Take what its logs upload, and serve the copies, until Ctrl+C. A web server in front gives it a name."""
    from scmanager.api.listening import listen
    from scmanager.api.mirror_app import make_mirror_app

    opened = UploadMirror(folder, state_of(context), files.now_s, gigabytes * GIGABYTE)

    def started(address: str) -> None:
        say(f"The mirror {opened.name} answers: {address}/add-entries")
        remark(f"It takes {len(opened.logs())} logs. Stop it with Ctrl+C.")

    with closing(opened), listen(port) as taken:
        serve_until_stopped(make_mirror_app(opened), taken, started)

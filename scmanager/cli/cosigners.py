"""What `scm witness` and `scm mirror` share: a folder with keys of its own, and the logs that it takes."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters import witness_folder
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.witness_folder import Purpose, WitnessFolder
from scmanager.cli import author_files as files
from scmanager.cli.output import JsonFlag, remark, say_result
from scmanager.cli.session import session_of
from scmanager.master_ledger.policy import Vkey

NameOption = Annotated[
    str, typer.Option("--name", metavar="NAME", help="What it signs under: an address of yours without https://.")
]
LogArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="The log's public key: NAME+ID+KEY, of type Ed25519.")
]
OriginOption = Annotated[
    str | None,
    typer.Option("--origin", metavar="TEXT", help="What its checkpoints begin with, if not the key's name."),
]


def state_of(context: typer.Context) -> Path:
    """Where the counts lie that a folder is held against."""
    return session_of(context).settings.state or state_folder()


def opened(context: typer.Context, folder: Path, purpose: Purpose) -> WitnessFolder:
    """To be closed. Raises as `WitnessFolder`."""
    return WitnessFolder(folder, state_of(context), files.now_s, purpose)


def say_keys(context: typer.Context, folder: Path, purpose: Purpose, as_json: JsonFlag) -> None:
    """Name, keys as policies list them, number of logs; and which of them are frozen."""
    held = opened(context, folder, purpose)
    frozen = held.memory.frozen()
    held.close()
    old, new = held.vkeys
    told = {"name": held.name, "ed25519": old, "ml_dsa_44": new, "logs": len(held.logs())}
    say_result(told | ({"frozen": frozen} if as_json else {}), as_json=as_json)
    if not as_json:
        for origin in frozen:
            remark(frozen_of(origin))


def frozen_of(origin: str) -> str:
    """What the keeper of a witness or mirror is told of a log that signed two histories."""
    where = f"/{sha256(origin.encode()).hexdigest()}/fork"
    return (
        f"Frozen: {origin} signed two histories. Tell whoever runs it, and its readers: the evidence is at {where}."
    )


def list_log(folder: Path, key: str, origin: str | None, as_json: JsonFlag) -> None:
    """One log more, by its public key."""
    count = witness_folder.add_log(folder, Vkey.parse(key), origin)
    say_result({"logs": count}, as_json=as_json)

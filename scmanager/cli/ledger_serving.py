"""`scm ledger serve`: a published ledger over HTTP on the loopback address; a web server in front gives it a name."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scmanager.adapters.ledger_source import SERVED, from_folder
from scmanager.application.published import LedgerFilesBroken
from scmanager.application.published_registry import PublishedRegistry
from scmanager.cli import author_files as files
from scmanager.cli.listening import PortOption, serve_until_stopped
from scmanager.cli.output import remark, say
from scmanager.master_ledger.fetching import Read
from scmanager.master_ledger.handshake import NONCE_BYTES, ServerNotNamed

if TYPE_CHECKING:
    from scmanager.api.handshake import Identity

DEFAULT_PORT = 7412
KeyChoice = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="A server key that is named in the ledger: it shakes hands then."),
]


def serve(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What scm author publish wrote, or a copy of it.")],
    port: PortOption = DEFAULT_PORT,
    key: KeyChoice = None,
) -> None:
    """Serve a published ledger to whoever asks, until Ctrl+C. It needs no key; what is published later comes too."""
    from scmanager.api.listening import listen
    from scmanager.api.published_app import PublishedApp
    from scmanager.application.published import Published

    read, shown = from_folder(folder), from_folder(folder, SERVED)
    identity = identity_of(key)
    size = Published(read).head().point.size

    def started(address: str) -> None:
        say(f"The ledger is served: {address}")
        remark(f"It has {size} entries now. Stop it with Ctrl+C.")
        if identity is not None:
            _remark_name(read, identity)

    with listen(port) as taken:
        serve_until_stopped(PublishedApp(shown, identity), taken, started)


def _remark_name(read: Read, identity: "Identity") -> None:
    """Whoever is not named serves all the same, and greets nobody."""
    registry = PublishedRegistry(read)
    try:
        registry.follow()
        registry.delegation(identity.greeter.public)
    except (ServerNotNamed, LedgerFilesBroken) as error:
        remark(f"Nobody shakes hands with it: {error} {error.hint} Once that is published it greets by itself.")


def identity_of(key: Path | None) -> "Identity | None":
    """Who a server is that shakes hands. Asks for the passphrase of a sealed key."""
    if key is None:
        return None
    from scmanager.api.handshake import Identity

    return Identity(files.open_keys([key], "server")[0], files.now_s, lambda: secrets.token_bytes(NONCE_BYTES))

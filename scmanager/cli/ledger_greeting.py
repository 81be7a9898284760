"""`scm ledger greet`: whether a server is the author's, proved by both sides; nothing about anybody is sent."""

import secrets
from typing import Annotated

import typer

from scmanager.adapters.ledger_source import post_to
from scmanager.adapters.server_handshake import shake_hands
from scmanager.cli import author_files as files
from scmanager.cli.output import JsonFlag, remark, say_result
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, trusting
from scmanager.errors import utc
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger.handshake import NONCE_BYTES


def greet(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="ADDRESS", help="Such as https://example.org/ledger.")],
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """Shake hands with a server: it proves that it is the author's. Your key is made for this and forgotten."""
    given = trusting(context, ledger, manifests, policy)
    met = shake_hands(
        post_to(source), given.memory, given.known, given.policy, SigningKey.generate(), files.now_s(),
        lambda: secrets.token_bytes(NONCE_BYTES),
    )  # fmt: skip
    told = {"server": met.channel.theirs.hex(), "version": met.version}
    until = {"until": met.until_s} if as_json else {"session until": utc(met.until_s)}
    say_result(told | until, as_json=as_json)
    remark("Good: it is the author's server.")

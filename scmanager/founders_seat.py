"""The founder's seat given anew, by the word of the recovery keys: asked for, signed elsewhere, taken.

Raises what the node raises; `sign` RecoveryKeysWrong too.
"""

import secrets
from collections.abc import Sequence

from msgspec.structs import replace

from scmanager.adapters.recovery_sheet import make_recovery_keys
from scmanager.adapters.space_file import HandOver, SignedHandOver
from scmanager.application.recovering import check_signatures, message_of, new_statement, take_seat
from scmanager.application.settling import settle
from scmanager.domain.catalogue import ORGANISATIONS
from scmanager.errors import Refused
from scmanager.eventstore.entry import Signature
from scmanager.eventstore.signing import SigningKey
from scmanager.runtime import Node


class HandOverNotOurs(Refused):
    """This hand-over is for another device, or was never asked for here."""

    code = "hand-over-not-ours"
    hint = "Take it over on the machine that made the offer."


def offer(node: Node, space: bytes, recovery_keys: int | None = None) -> HandOver:
    """Ask the recovery keys for the seat; the new recovery sheet lies in the data folder.

    `recovery_keys`: pages of the new sheet; None for as many as stand now, so that the seat is no easier to take.
    """
    count = recovery_keys or len(node.shelf.space(space).recovery_keys().keys) or 1
    fresh, key, mine = make_recovery_keys(count), SigningKey.generate(), node.identity
    node.vault.put_log(key.public, space, key.reveal_seed())  # By its key, until its log has an id.
    title = getattr(node.shelf.space(space).state(ORGANISATIONS, space[:16]), "title", "")
    fresh.write(node.settings.data / f"recovery-{space.hex()[:12]}-{key.public.hex()[:6]}.txt", title, space)
    unsigned = HandOver(
        "scm-hand-over/1", space, key.public, mine.device, mine.box, fresh.needed, fresh.public_keys, bytes(64)
    )
    return replace(unsigned, signature=mine.sign_message(unsigned.message))


def sign(node: Node, offered: HandOver, seeds: Sequence[bytes]) -> SignedHandOver:
    """Give the seat to an offer, by the word of the recovery keys. Raises RecoveryKeysWrong."""
    space = node.shelf.space(offered.space)
    statement = new_statement(space, offered.key, offered.device, offered.box, offered.needed, offered.recovery_keys)
    signed = (SigningKey(seed) for seed in seeds)
    message = message_of(statement)
    signatures = [Signature(key.public, key.sign(message)) for key in signed]
    return SignedHandOver("scm-handed-over/1", check_signatures(space, statement, signatures))


def take(node: Node, answer: SignedHandOver) -> bytes:
    """Take the seat that our offer asked for; returns the new log. Raises HandOverNotOurs."""
    statement = answer.recovery.statement
    seed = node.vault.log_seed(statement.key)
    if seed is None or statement.device != node.identity.device:
        raise HandOverNotOurs
    log = take_seat(node.store, node.shelf, node.vault, answer.recovery, seed, secrets.token_bytes(32), node.now_us())
    settle(node.writer, node.shelf.space(statement.space), secrets.token_bytes)
    return log

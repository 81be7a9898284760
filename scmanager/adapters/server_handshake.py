"""Shaking hands with a server: it proves that it is the author's, one gets a session. Nothing that a user does waits.

Who cannot be reached, who is too old for it and who is none of the author's are three errors; whatever comes of it,
the published ledger can be read and files be verified without.
"""

from collections.abc import Callable

import msgspec

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.ledger_source import Post
from scmanager.errors import Unavailable
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger.fetching import SourceLacks
from scmanager.master_ledger.handshake import (
    GRANTED_BYTES_MAX,
    WELCOME_BYTES_MAX,
    Caller,
    Granted,
    Met,
    parse,
)
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.sealed import Channel
from scmanager.master_ledger.seen import Seen

GREET, ANSWER = "api/v1/handshake", "api/v1/handshake/answer"


class HandshakeNotOffered(Unavailable):
    """This server does not shake hands."""

    code = "handshake-not-offered"
    hint = "It hands out the ledger only, or is older than this program. What is published can be read all the same."


class ServerSession(msgspec.Struct, frozen=True):
    """A session at a server that proved to be the author's."""

    token: bytes
    until_s: int
    version: int
    channel: Channel
    """What is said in it, with the server's key."""


def shake_hands(
    post: Post,
    memory: LedgerMemory,
    known: Callable[[Seen], Seen],
    policy: Policy,
    reporter: SigningKey,
    now_s: int,
    nonce: Callable[[], bytes],
) -> ServerSession:
    """A session for this reporter. `known`: what was seen, with the manifests that are built in;
    `nonce` gives 32 fresh random bytes.

    Raises HandshakeNotOffered, SourceFailed, ServerRefuses, and as `Caller.answer`; what was seen of the ledger by it
    is kept.
    """
    caller = Caller(memory.ledger, reporter, nonce)
    try:
        welcome = post(GREET, msgspec.json.encode(caller.hello), WELCOME_BYTES_MAX)
    except SourceLacks:
        raise HandshakeNotOffered from None
    met: Met = memory.see(lambda before: caller.answer(welcome, known(before), policy, now_s))
    granted = parse(Granted, post(ANSWER, msgspec.json.encode(met.answer), GRANTED_BYTES_MAX), GRANTED_BYTES_MAX)
    return ServerSession(granted.token, granted.until, met.version, met.channel)

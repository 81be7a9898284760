"""The handshake over HTTP: a server that the ledger names proves it, and gives sessions to who proves himself."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from scmanager.api.ledger_door import API, JSON
from scmanager.api.ledger_registry import RegistryAnswers
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger.handshake import (
    ANSWER_BYTES_MAX,
    HELLO_BYTES_MAX,
    Answer,
    Granted,
    Greeter,
    Hello,
    SessionUnknown,
    Welcome,
    parse,
)
from scmanager.master_ledger.sealed import Channel

_TOKEN: Final = re.compile("[0-9a-f]{64}")
GREET: Final = f"{API}/handshake"
ANSWER: Final = f"{GREET}/answer"
TAKEN: Final = {GREET: HELLO_BYTES_MAX, ANSWER: ANSWER_BYTES_MAX}
"""The bytes that a body there may have."""
COMPONENTS: Final[dict[str, Any]] = msgspec.json.schema_components(
    (Hello, Welcome, Answer, Granted), ref_template="#/components/schemas/{name}"
)[1]


class Identity:
    """A server that shakes hands, and the sessions that it gave."""

    def __init__(self, key: SigningKey, now_s: Callable[[], int], nonce: Callable[[], bytes]) -> None:
        """`now_s`: UTC seconds; `nonce`: 32 fresh random bytes."""
        self.now_s, self.nonce, self.greeter = now_s, nonce, Greeter(key, nonce)

    def channel(self, token: str) -> Channel:
        """What is said in the session that a request names. Raises SessionUnknown."""
        if not _TOKEN.fullmatch(token):
            raise SessionUnknown
        return self.greeter.channel(bytes.fromhex(token), self.now_s())


class Handshakes:
    """What is answered there. All of it in the event loop."""

    def __init__(self, identity: Identity, registry: RegistryAnswers) -> None:
        self._now_s, self._registry, self._greeter = identity.now_s, registry, identity.greeter

    async def greet(self, request: Request) -> Response:
        """A hello; the welcome proves that this server is named in the author's ledger, and names a version."""
        hello = parse(Hello, await request.body(), HELLO_BYTES_MAX)
        delegation = await self._registry.delegation(self._greeter.public)
        return _fresh(self._greeter.greet(hello, delegation, self._now_s()))

    async def answer(self, request: Request) -> Response:
        """The answer to a welcome, within 30 seconds and once; a token for what is sent during the next hour."""
        said = parse(Answer, await request.body(), ANSWER_BYTES_MAX)
        return _fresh(self._greeter.grant(said, self._now_s()))


def _fresh(said: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(said), headers={"cache-control": "no-store"}, media_type=JSON)

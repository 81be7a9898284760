"""A witness over HTTP, as C2SP tlog-witness has it: `add-checkpoint`, `sign-subtree`, the heads that it cosigned.

Anybody may ask; what he sends counts by the log's own signature alone. Beside the page: `/<hash>/fork`, the evidence
against a log that was seen with two histories. To cosign a head again has a limit for each log that is listed, as
anybody who saw the head can ask for it and each time is a write; a further head has none, as the log has to sign it.
What is sent is counted by address, too, where a web server in front tells it.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scmanager.api import failures
from scmanager.api.connections import ABORT
from scmanager.api.guard import ROOM_FULL
from scmanager.api.listening import REQUESTS_MAX
from scmanager.api.readers import OpenRequests, Readers, TooManyOpen, TooManyRequests, address_of
from scmanager.errors import Refused, ScManagerError, Unavailable
from scmanager.master_ledger import subtrees
from scmanager.master_ledger.subtrees import AskedSubtree, BadSubtreeRequest, NotCosignedHere, SubtreeUnproved
from scmanager.master_ledger.witnessing import (
    REQUEST_BYTES_MAX,
    Asked,
    BadRequest,
    LogFrozen,
    LogNotWitnessed,
    NotByTheLog,
    NotConsistent,
    OldSizeDiffers,
    parse,
)

SUBMIT, SUBTREE = "/add-checkpoint", "/sign-subtree"
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"
BODY_S = 10.0
"""From the end of a request's head to the end of its body."""
AT_ONCE = 8
"""As many requests are being judged; the others wait, as many as there are connections."""
AGAIN_BURST, AGAIN_PER_S = 32.0, 2.0
"""How often the head that was cosigned last is cosigned again."""
LOGS_COUNTED = 4096
SUBMIT_COST = 5.0
"""Of an address's room (`readers`): 800 at once, then 80 a second; several logs may ask by one address."""
_READ = re.compile(r"/([0-9a-f]{64})/(checkpoint|fork)", re.ASCII)
_STATUS = {
    BadRequest: 400, LogNotWitnessed: 404, NotByTheLog: 403, LogFrozen: 403, OldSizeDiffers: 409, NotConsistent: 422,
    BadSubtreeRequest: 400, SubtreeUnproved: 422, NotCosignedHere: 403,
}  # fmt: skip


class WitnessPathUnknown(Refused):
    """There is nothing at {path}."""

    code = "witness-path-unknown"
    hint = (
        "Here are POST /add-checkpoint and /sign-subtree, and for each log /SHA-256-OF-ITS-ORIGIN/checkpoint "
        "(C2SP tlog-witness)."
    )


class WitnessAskedTooOften(Unavailable):
    """This head was cosigned too often."""

    code = "witness-asked-too-often"
    hint = "Wait some seconds, fetch what was cosigned, or send a newer checkpoint with its proof."


class Witness(Protocol):
    """What answers. All of it may block, and raise what is wrong."""

    def check_signed(self, asked: Asked) -> None:
        """Whether a listed log signed this head."""

    def add_checkpoint(self, asked: Asked) -> bytes:
        """The cosignature lines."""

    def sign_subtree(self, asked: AskedSubtree) -> bytes:
        """The cosignature lines for a part of what was cosigned."""

    def checkpoint(self, name: bytes) -> bytes | None:
        """The note last cosigned of a log, by the SHA-256 of its origin."""

    def evidence(self, name: bytes) -> bytes | None:
        """What convicts it."""


class Patience:
    """How often each log's head may be cosigned again by now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def spend(self, log: str) -> None:
        """One more. Raises WitnessAskedTooOften."""
        now = self._clock()
        left, since = self._left.pop(log, (AGAIN_BURST, now))
        left = min(AGAIN_BURST, left + (now - since) * AGAIN_PER_S)
        self._left[log] = max(left - 1, 0.0), now
        if len(self._left) > LOGS_COUNTED:
            self._left.pop(next(iter(self._left)))
        if left < 1:
            raise WitnessAskedTooOften


class WitnessApp:
    """The app. One at a time in each event loop."""

    def __init__(self, witness: Witness) -> None:
        self._witness, self._patience, self._readers, self._open = witness, Patience(), Readers(), OpenRequests()
        self._judging = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever is wrong; who says nothing loses his place."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4404, "reason": WitnessPathUnknown.code})
            return
        try:
            response = await self._answer(scope, receive)
        except TimeoutError:
            scope.get(ABORT, bool)()
            return
        except ScManagerError as error:
            response = refused(error)
        response.headers["x-content-type-options"] = "nosniff"
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        method, path = scope["method"], scope["path"]
        if scope.get(ROOM_FULL):
            raise failures.TooManyConnections(connections_max=REQUESTS_MAX)
        if path in (SUBMIT, SUBTREE):
            if method != "POST":
                return _only("POST")
            self._count(scope)
            with self._open.one(scope):
                async with asyncio.timeout(BODY_S):
                    body = await _body(scope, receive)
                return await (self._submitted(body) if path == SUBMIT else self._signed(body))
        asked = _READ.fullmatch(path)
        if not asked:
            raise WitnessPathUnknown(path=ascii(path[:200]))
        if method not in ("GET", "HEAD"):
            return _only("GET, HEAD")
        look = self._witness.checkpoint if asked[2] == "checkpoint" else self._witness.evidence
        found = await run_in_threadpool(look, bytes.fromhex(asked[1]))
        if found is None:
            raise WitnessPathUnknown(path=path)
        return Response(found, 200, {"cache-control": "no-cache"}, TEXT)

    def _count(self, scope: Scope) -> None:
        """Raises TooManyRequests."""
        address = address_of(scope)
        if address and (wait_s := self._readers.wait_s(address, SUBMIT_COST)):
            raise TooManyRequests(seconds=max(1, round(wait_s)))

    async def _submitted(self, body: bytes) -> Response:
        asked = parse(body)
        async with self._judging:
            if asked.old == asked.point.size:
                await run_in_threadpool(self._witness.check_signed, asked)
                self._patience.spend(asked.point.origin)
            lines = await run_in_threadpool(self._witness.add_checkpoint, asked)
        return Response(lines, 200, {"cache-control": "no-store"}, TEXT)

    async def _signed(self, body: bytes) -> Response:
        async with self._judging:
            asked = await run_in_threadpool(subtrees.parse, body)
            lines = await run_in_threadpool(self._witness.sign_subtree, asked)
        return Response(lines, 200, {"cache-control": "no-store"}, TEXT)


def refused(error: ScManagerError, also: Mapping[type[ScManagerError], int] = _STATUS) -> Response:
    """As the page says: the size alone where sizes differ, else a line of text."""
    status = _STATUS.get(type(error)) or also.get(type(error)) or _more(error)
    headers = {"cache-control": "no-store"}
    error = failures.for_strangers(error) if status == 503 else error  # Its memory or its disk: with paths in it.
    if isinstance(error, OldSizeDiffers):
        return Response(f"{error.facts['size']}\n".encode(), status, headers | {"content-type": SIZE})
    headers |= {"retry-after": "5"} if status in (429, 503) else {}
    headers |= {"connection": "close"} if status == 413 else {}
    return Response(f"{error.code}: {error}\n{error.hint}\n".encode(), status, headers, TEXT)


def _more(error: ScManagerError) -> int:
    if isinstance(error, WitnessPathUnknown):
        return 404
    if isinstance(error, WitnessAskedTooOften | TooManyRequests | TooManyOpen):
        return 429
    if isinstance(error, failures.BodyTooLarge):
        return 413
    return 503  # Its memory, its list of logs or its disk is in a state that its keeper has to look at.


def _only(methods: str) -> Response:
    return Response(f"{methods} and nothing else\n".encode(), 405, {"allow": methods}, TEXT)


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Raises BodyTooLarge before more than that was taken, BadRequest for one that breaks off."""
    said = dict(scope["headers"]).get(b"content-length", b"0")
    data = bytearray()
    more = True
    while more:
        if len(data) > REQUEST_BYTES_MAX or (said.isdigit() and int(said[:12]) > REQUEST_BYTES_MAX):
            raise failures.BodyTooLarge(bytes_max=REQUEST_BYTES_MAX)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(reason="it breaks off")
        data += message.get("body", b"")
        more = message.get("more_body", False)
    if len(data) > REQUEST_BYTES_MAX:
        raise failures.BodyTooLarge(bytes_max=REQUEST_BYTES_MAX)
    return bytes(data)


async def _lifespan(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def make_witness_app(witness: Witness) -> ASGIApp:
    """The app over a witness."""
    return WitnessApp(witness)

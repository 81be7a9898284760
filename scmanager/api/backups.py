"""Backups of the running node: POST /backup answers with the whole data folder as one sealed file.

The body is `{"passphrase": "..."}`; null for an open one, which lacks what opens the vault. The passphrase goes to
the owner's own node only, over the loopback address, with its token, and is kept nowhere. The file is sealed while it
is sent: what lies beside the folder meanwhile is a copy of the events and of the wrapped keys.
"""

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from scmanager.api import failures
from scmanager.api.backend import Sealed
from scmanager.api.context import Services, work
from scmanager.errors import Untrusted

BACKUP = "/backup"
JSON = "application/json"
BYTES = "application/octet-stream"


class BackupAskedWrongly(Untrusted):
    """This does not ask for a backup."""

    code = "backup-request-malformed"
    hint = 'Send {"passphrase": "..."}, or {"passphrase": null} for one that anybody can open.'


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What asks for a backup. The passphrase has to be named, if only to say that there is none."""

    passphrase: Annotated[str, msgspec.Meta(max_length=1024)] | None


def parse_asked(body: bytes) -> Asked:
    """Raises BackupAskedWrongly and nothing else."""
    try:
        return msgspec.json.decode(body, type=Asked)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BackupAskedWrongly from error


class Backups:
    """Gives backups. Every step that waits for the disk runs outside of the event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def give(self, request: Request) -> Response:
        """One file, with its length known beforehand: an answer that breaks off is noticed."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON:  # A page in a browser cannot send this without being asked first.
            raise failures.MediaTypeUnknown(type=kind[:100] or "none")
        asked, exchange = parse_asked(await request.body()), self._services.backend.exchange
        made = await work(self._services, lambda: exchange.backup(asked.passphrase))
        return _Sent(made, self._services)


class _Sent(StreamingResponse):
    """What was copied for it is removed when it was sent, or when the client hung up."""

    def __init__(self, made: Sealed, services: Services) -> None:
        headers: dict[str, Any] = {"content-length": str(made.size_bytes)}
        super().__init__(made.pieces(), media_type=BYTES, headers=headers)
        self._made, self._services = made, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await work(self._services, self._made.close)

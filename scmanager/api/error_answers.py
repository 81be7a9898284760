"""HTTP answers that tell what is wrong, for every path: the shape that errors have inside GraphQL answers too."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Send

from scmanager.api import failures
from scmanager.api.guard import REQUEST_ID, BodyPastLimit
from scmanager.errors import ScManagerError


def headed(send: Send, request_id: str) -> Send:
    """Sends an answer with its request's id."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            more = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
            message["headers"] = [*message.get("headers", ()), *more]
        await send(message)

    return sent


def telling(
    request: Request, error: ScManagerError, statuses: Mapping[str, int], allow: str, retry_s: int
) -> Response:
    """What is wrong, on a server that is open to all.

    `statuses`: by code, for what is wrong with what was asked; it is told with its words. All else is wrong here, and
    its words are for the keeper of this machine.
    """
    shown = error if error.code in statuses else failures.for_strangers(error)
    said = msgspec.json.encode(failures.told(shown, request.scope[REQUEST_ID]))
    status = statuses.get(error.code) or failures.status(error)
    headers = {"cache-control": "no-store"}
    headers |= {"allow": allow} if status == 405 else {}
    headers |= {"connection": "close"} if status == 413 else {}
    headers |= {"retry-after": str(retry_s)} if status in (429, 503) else {}
    return Response(said, status, headers, media_type="application/json")


async def refused(request: Request, error: Any) -> Response:
    """For a ScManagerError."""
    said = failures.told(error, request.scope[REQUEST_ID])
    return Response(msgspec.json.encode(said), failures.status(error), media_type="application/json")


async def not_offered(request: Request, error: Any) -> Response:
    """For an HTTPException: no such path, or not by this method."""
    path, method = request.url.path[:200], request.method
    known = error.status_code == 405
    said = failures.MethodNotOffered(method=method, path=path) if known else failures.NoSuchPage(path=path)
    answer = await refused(request, said)
    if allowed := (error.headers or {}).get("Allow"):
        answer.headers["Allow"] = ", ".join(sorted(allowed.split(", ")))
    return answer


async def broken(request: Request, error: Any) -> Response:
    """For anything else, where an app would answer before the guard does."""
    if isinstance(error, BodyPastLimit):
        return await refused(request, error.told)
    said = failures.told_internal(request.scope[REQUEST_ID])
    return Response(msgspec.json.encode(said), 500, media_type="application/json")


HANDLERS: dict[Any, Any] = {ScManagerError: refused, HTTPException: not_offered}

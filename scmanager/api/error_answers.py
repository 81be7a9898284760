"""HTTP answers that tell what is wrong, for every path: the shape that errors have inside GraphQL answers too."""

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from scmanager.api import failures
from scmanager.api.guard import REQUEST_ID, BodyPastLimit
from scmanager.errors import ScManagerError


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

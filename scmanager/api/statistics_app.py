"""Published statistics over HTTP: the entry of a day, proved. Whoever reads checks it as every proof of logging."""

from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from scmanager import __version__
from scmanager.api.error_answers import broken
from scmanager.api.ledger_door import ASK_ANEW, JSON, Door, answer, not_there, refused
from scmanager.api.readers import Readers
from scmanager.application.releasing import DayNotHeld
from scmanager.errors import ScManagerError
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.statistics_batch import PATH

TEXT: Final = "text/plain; charset=utf-8"
OPENAPI: Final = f"{PATH}/openapi.json"
DIGITS_MAX: Final = 6


def make_statistics_app(proof: Callable[[int], Proof]) -> ASGIApp:
    """`proof`: the release of a day, proved, or what is wrong. It may wait: it is not called in the event loop."""
    app = FastAPI(
        title="SC Manager: published statistics", version=__version__, openapi_url=OPENAPI, docs_url=None,
        redoc_url=None, redirect_slashes=False, description="Read only, for everybody.",
        exception_handlers={ScManagerError: refused, HTTPException: not_there, Exception: broken},
    )  # fmt: skip

    async def statistics(request: Request, day: str) -> Response:
        """A day's release, in a proof of logging (c2sp.org/tlog-proof). `day`: days since 1970, UTC."""
        if not (day.isascii() and day.isdigit() and len(day) <= DIGITS_MAX):
            raise DayNotHeld(day=ascii(day[:20])[1:-1])
        found = await run_in_threadpool(proof, int(day))
        return answer(request, found.to_bytes(), TEXT, ASK_ANEW)

    app.add_api_route(
        f"{PATH}/{{day}}", statistics, methods=["GET"], operation_id="statistics", name="statistics",
        description=statistics.__doc__, response_model=None, response_class=Response,
        responses={
            200: {"description": "The proof.", "content": {"text/plain": {}}},
            304: {"description": "What If-None-Match names is still right."},
            "default": {"description": "What is wrong: errors, with codes and hints.", "content": {JSON: {}}},
        },
    )  # fmt: skip

    async def no_tiles(request: Request) -> Response:
        return await not_there(request, None)

    return Door(app, no_tiles, Readers())


def owns(method: str, path: str) -> bool:
    """Whether a request is answered here: records of use go to the same path without a day."""
    return method != "POST" and path.startswith(f"{PATH}/")

"""The paths of the REST interface and their OpenAPI description. Imported when one of them is first asked for."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from scmanager import __version__
from scmanager.api.backups import BACKUP, Backups
from scmanager.api.context import Services
from scmanager.api.error_answers import HANDLERS, broken
from scmanager.api.exports import EXPORT_ALL, Exports
from scmanager.api.guard import IMPORT
from scmanager.api.rest import OPENAPI
from scmanager.api.space_files import EXPORT, SpaceFiles

BYTES, JSON, ZIP = "application/octet-stream", "application/json", "application/zip"


def files_app(services: Services) -> FastAPI:
    """Files of one node. Each path checks by itself what it is sent, with errors of its own; here it is described."""
    app = FastAPI(
        title="SC Manager: files", version=__version__, openapi_url=OPENAPI, docs_url=None, redoc_url=None,
        description="With the token: Authorization: Bearer. All else is GraphQL.",
        exception_handlers=HANDLERS | {Exception: broken},
        redirect_slashes=False,
    )  # fmt: skip
    files = SpaceFiles(services)
    _add(app, "POST", IMPORT, "importSpace", files.take, takes=BYTES, gives=JSON)
    _add(
        app, "GET", EXPORT, "exportSpace", files.give, gives=BYTES,
        asks=(_asked("space", "64 hex digits.", required=True), _asked("keys", "false: for a mirror.")),
    )  # fmt: skip
    _add(
        app, "GET", EXPORT_ALL, "exportEverything", Exports(services).give, gives=ZIP,
        asks=(
            _asked("space", "64 hex digits, several times for several; all that its owner is in otherwise."),
            _asked("csv", "false: without tables as CSV."),
            _asked("bom", "true: CSV begins with a byte order mark."),
            _asked("keys", "false: without keys."),
        ),
    )  # fmt: skip
    _add(app, "POST", BACKUP, "backUp", Backups(services).give, takes=JSON, gives=BYTES)
    return app


def _add(
    app: FastAPI,
    method: str,
    path: str,
    name: str,
    run: Callable[..., Any],
    *,
    gives: str,
    takes: str = "",
    asks: tuple[dict[str, Any], ...] = (),
) -> None:
    body = {"requestBody": {"required": True, "content": {takes: {}}}} if takes else {}
    app.add_api_route(
        path, run, methods=[method], operation_id=name, name=name, description=run.__doc__, response_model=None,
        response_class=Response, openapi_extra=body | ({"parameters": list(asks)} if asks else {}),
        responses={
            200: {"description": HTTPStatus.OK.phrase, "content": {gives: {}}},
            "default": {"description": "What is wrong: errors, each with a code and a hint.", "content": {JSON: {}}},
        },
    )  # fmt: skip


def _asked(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name, "in": "query", "required": required, "description": description, "schema": {"type": "string"},
    }  # fmt: skip

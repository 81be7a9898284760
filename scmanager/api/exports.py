"""Everything in open formats: GET /export answers with a ZIP archive of the spaces that its owner is in.

`?space=ID` (several times) for some of them; `csv=false`, `bom=true`, `keys=false` as in `exporting.Wanted`. It is
made while it is sent, so its length is not known beforehand: an archive without its end is not whole.
"""

from collections.abc import Iterator
from itertools import chain

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from scmanager.api import failures
from scmanager.api.context import Services, work
from scmanager.api.scalars import read_id
from scmanager.api.viewer import Viewer

EXPORT_ALL = "/export"
PATIENCE_S = 30.0


class Exports:
    """Gives exports. Every step that waits for the disk or the database runs outside of the event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def give(self, request: Request) -> Response:
        """The archive of what the viewer may see."""
        asked, backend = request.query_params, self._services.backend
        viewer = Viewer(backend.my_spaces())
        spaces = [read_id(each, "space") for each in asked.getlist("space")] or sorted(backend.my_spaces())
        for space in spaces:
            viewer.check(space)
        csv, bom, keys = asked.get("csv") != "false", asked.get("bom") == "true", asked.get("keys") != "false"

        def begin() -> Iterator[bytes]:
            pos = backend.last_pos()
            if not backend.wait_projected(pos, PATIENCE_S):
                raise failures.NotProjectedYet(pos=pos)
            pieces = backend.exchange.everything(
                backend.conninfo(), backend.read_schema, list(dict.fromkeys(spaces)), csv=csv, bom=bom, keys=keys
            )
            return chain([next(pieces)], pieces)  # What goes wrong at the beginning is still told.

        return StreamingResponse(await work(self._services, begin), media_type="application/zip")

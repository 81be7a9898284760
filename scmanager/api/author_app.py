"""The author's server: the ledger, the intake log's hashes below /intake, where reports go to, what is counted."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from scmanager.api import statistics_app
from scmanager.api.intake_app import IntakeApp

INTAKE: Final = "/intake"


class AuthorApp:
    """One door for all. The ledger's app answers whatever is not for the others."""

    def __init__(self, ledger: ASGIApp, intake_log: ASGIApp, intake: IntakeApp, statistics: ASGIApp) -> None:
        self._ledger, self._intake_log, self._intake, self._statistics = ledger, intake_log, intake, statistics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on."""
        if self._intake.owns(scope):
            await self._intake(scope, receive, send)
        elif scope["type"] == "http" and statistics_app.owns(scope["method"], scope["path"]):
            await self._statistics(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(f"{INTAKE}/"):
            path = scope["path"].removeprefix(INTAKE)
            await self._intake_log({**scope, "path": path, "raw_path": path.encode()}, receive, send)
        else:
            await self._ledger(scope, receive, send)

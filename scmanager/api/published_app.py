"""A published folder over HTTP, whole: the ledger, the intake log's hashes below /intake, the statistics of each day.

It answers what the author's own server answers to whoever reads, and takes no reports.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from scmanager.api import statistics_app
from scmanager.api.author_app import INTAKE
from scmanager.api.handshake import Identity
from scmanager.api.ledger_app import make_ledger_app
from scmanager.application.releasing import DayNotHeld
from scmanager.domain.statistics import date_of
from scmanager.errors import Untrusted
from scmanager.master_ledger import statistics_proof
from scmanager.master_ledger.fetching import Read, SourceLacks
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.statistics_batch import PATH


class PublishedApp:
    """One door for all. `read`: the files of the folder. `identity`: it shakes hands as well, by this key."""

    def __init__(self, read: Read, identity: Identity | None = None) -> None:
        def below(path: str, bytes_max: int) -> bytes:
            return read(f"{INTAKE.lstrip('/')}/{path}", bytes_max)

        def proof(day: int) -> Proof:
            try:
                return Proof.parse(read(f"{PATH.lstrip('/')}/{day}", statistics_proof.FILE_BYTES_MAX))
            except (SourceLacks, Untrusted):
                raise DayNotHeld(day=date_of(day)) from None

        self._ledger = make_ledger_app(read, identity)
        self._intake_log: ASGIApp = make_ledger_app(below, entries=False)
        self._statistics = statistics_app.make_statistics_app(proof)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on."""
        if scope["type"] == "http" and statistics_app.owns(scope["method"], scope["path"]):
            await self._statistics(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(f"{INTAKE}/"):
            path = scope["path"].removeprefix(INTAKE)
            await self._intake_log({**scope, "path": path, "raw_path": path.encode()}, receive, send)
        else:
            await self._ledger(scope, receive, send)

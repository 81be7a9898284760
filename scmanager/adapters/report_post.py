"""Sending a batch of reports to the author's server: one POST, bounded in time and size, no redirect followed."""

import asyncio
from typing import Final

from scmanager import __version__
from scmanager.adapters.ledger_source import base_of, code_in, is_local
from scmanager.errors import Refused, Unavailable
from scmanager.master_ledger.reports import RECEIPT_BYTES_MAX

STEP_S: Final = 5.0
ALL_S: Final = 10.0
"""Less than a node waits for its parts to end."""
FOR_GOOD: Final = frozenset({"reports-unusable", "consent-unknown", "body-too-large"})
"""What the author's server says of a batch that it will never take. Whoever else answers, says nothing of it."""


class ReportsNotSent(Unavailable):
    """The author's server did not take what was sent: {reason}."""

    code = "reports-not-sent"
    hint = "Nothing needs to be done: it is sent again later."


class ReportsNotWanted(Refused):
    """The author's server refuses this for good: {said}."""

    code = "reports-not-wanted"
    hint = "It is not sent again. If it goes on, update SC Manager, or name another server in SCM_REPORT_TO."


class ReportPost:
    """One server. Calling it sends: (path, body) -> the answer. Raises ReportsNotSent, ReportsNotWanted."""

    def __init__(self, address: str) -> None:
        """Raises AddressMistyped."""
        self._base = base_of(address)

    def __call__(self, path: str, body: bytes) -> bytes:
        """Waits at most ALL_S."""
        try:
            return asyncio.run(self._sent(path, body))
        except TimeoutError:
            raise ReportsNotSent(reason="it takes too long") from None

    async def _sent(self, path: str, body: bytes) -> bytes:
        import httpx  # A fifth of the start; most nodes send nothing.

        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        headers |= {"User-Agent": f"sc-manager/{__version__}"}
        data = bytearray()
        try:
            async with (
                asyncio.timeout(ALL_S),
                httpx.AsyncClient(
                    follow_redirects=False, timeout=STEP_S, headers=headers, trust_env=not is_local(self._base)
                ) as client,
                client.stream("POST", f"{self._base}{path}", content=body) as answer,
            ):
                async for piece in answer.aiter_raw():
                    data += piece
                    if len(data) > RECEIPT_BYTES_MAX:
                        raise ReportsNotSent(reason="its answer is no receipt")
                _check(answer.status_code, bytes(data))
        except httpx.HTTPError as error:
            raise ReportsNotSent(reason=type(error).__name__) from error
        return bytes(data)


def _check(status: int, body: bytes) -> None:
    """A proxy, a portal or a server without an intake may answer anything: only words of ours end a batch."""
    if status == 200:
        return
    said = code_in(body)
    if 400 <= status < 500 and said in FOR_GOOD:
        raise ReportsNotWanted(said=said)
    raise ReportsNotSent(reason=f"it answers {status}{f' ({said})' if said else ''}")

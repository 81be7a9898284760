"""Sending a batch of reports to the author's server: greeted first, one POST, bounded in time and size.

Only a server that proves a delegation which stands by the author's key manifests is sent anything, and only that one
can read it: what is sent, and what ends a batch, is sealed by the keys that greeted. A session is kept in memory, one
a key, and asked for anew where the server knows it no more. No redirect is followed.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scmanager import __version__
from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.ledger_source import SourceFailed, base_of, code_in, is_local, post_to
from scmanager.adapters.server_handshake import ServerSession, shake_hands
from scmanager.adapters.trust_files import Trust, read_trust
from scmanager.errors import Refused, ScManagerError, Unavailable
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger.handshake import NONCE_BYTES, SESSION_HEADER, SessionUnknown
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.reports import RECEIPT_BYTES_MAX
from scmanager.master_ledger.sealed import MEDIA, SessionSealBroken
from scmanager.master_ledger.seen import Seen

STEP_S: Final = 5.0
ALL_S: Final = 10.0
"""For greeting and sending: less than a node waits for its parts to end."""
SPARE_S: Final = 60
"""So long before its end a session is not used any more."""
SESSIONS_MAX: Final = 16
FOR_GOOD: Final = frozenset({"reports-unusable", "consent-unknown", "body-too-large"})
"""What the author's server says of a batch that it will never take. Whoever else answers, says nothing of it."""


class ReportsNotSent(Unavailable):
    """The author's server did not take what was sent: {reason}."""

    code = "reports-not-sent"
    hint = "Nothing needs to be done: it is sent again later."


class ServerNotProved(Unavailable):
    """The server of SCM_REPORT_TO did not prove to be the author's, so it is sent nothing: {said} ({word})."""

    code = "report-server-not-proved"
    hint = "Nothing else depends on it, and it is tried again. Look at the address, and whether there is an update."


class ReportsNotWanted(Refused):
    """The author's server refuses this for good: {said}."""

    code = "reports-not-wanted"
    hint = "It is not sent again. If it goes on, update SC Manager, or name another server in SCM_REPORT_TO."


class ReportPost:
    """One server. Calling it sends: (path, body, key of the reporter) -> the answer. From one thread at a time."""

    def __init__(self, address: str, trust: Path | None, state: Path, now_s: Callable[[], int]) -> None:
        """`trust`: see `read_trust`; `state`: where it is remembered what was seen. Raises AddressMistyped."""
        self._address, self._base = address, base_of(address)
        self._trust, self._state, self._now_s = trust, state, now_s
        self._sessions: dict[bytes, ServerSession] = {}

    def __call__(self, path: str, body: bytes, reporter: SigningKey) -> bytes:
        """Waits at most ALL_S. Raises ReportsNotSent, ServerNotProved, ReportsNotWanted."""
        end = time.monotonic() + ALL_S
        held = self._sessions.get(reporter.public)
        if held is not None and self._now_s() < held.until_s - SPARE_S:
            try:
                return self._posted(path, body, held, end)
            except SessionUnknown:
                pass  # The server was started anew: it keeps them in memory, as we do.
        try:
            return self._posted(path, body, self._greeted(reporter, end), end)
        except SessionUnknown:
            raise ReportsNotSent(reason="it does not know the session that it gave") from None

    def keys(self) -> TrustedKeys:
        """The author's, as the last greeting showed them. Raises what `read_trust` and `LedgerMemory` raise."""
        trust = read_trust(self._trust)
        return _known(trust, LedgerMemory(self._state, trust.ledger).read()).keys()

    def _greeted(self, reporter: SigningKey, end: float) -> ServerSession:
        try:
            trust = read_trust(self._trust)
            met = shake_hands(
                post_to(self._address, lambda: end - time.monotonic()), LedgerMemory(self._state, trust.ledger),
                lambda before: _known(trust, before), trust.policy, reporter, self._now_s(),
                lambda: secrets.token_bytes(NONCE_BYTES),
            )  # fmt: skip
        except SourceFailed as error:
            raise ReportsNotSent(reason=error.facts["reason"]) from error
        except ScManagerError as error:
            raise ServerNotProved(said=str(error).rstrip("."), word=error.code) from error
        self._sessions.pop(reporter.public, None)
        now_s = self._now_s()  # What is over is forgotten: its keys would open what was said in it.
        self._sessions = {key: each for key, each in self._sessions.items() if now_s < each.until_s}
        self._sessions[reporter.public] = met
        if len(self._sessions) > SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        return met

    def _posted(self, path: str, body: bytes, session: ServerSession, end: float) -> bytes:
        sealed = session.channel.seal_request(path, body)
        try:
            status, media, data = asyncio.run(self._sent(path, sealed, session, max(end - time.monotonic(), 0.0)))
        except TimeoutError:
            raise ReportsNotSent(reason="it takes too long") from None
        if media != MEDIA:
            raise _unproved(status, data)
        try:
            said = session.channel.open_answer(sealed, status, data)
        except SessionSealBroken as error:
            raise ServerNotProved(said=str(error).rstrip("."), word=error.code) from error
        _check(status, said)
        return said

    async def _sent(self, path: str, body: bytes, session: ServerSession, seconds: float) -> tuple[int, str, bytes]:
        """Status, type and body of the answer."""
        import httpx  # A fifth of the start; most nodes send nothing.

        headers = {"Accept-Encoding": "identity", "Content-Type": MEDIA}
        headers |= {"User-Agent": f"sc-manager/{__version__}", SESSION_HEADER: session.token.hex()}
        data = bytearray()
        try:
            async with (
                asyncio.timeout(seconds),
                httpx.AsyncClient(
                    follow_redirects=False, timeout=STEP_S, headers=headers, trust_env=not is_local(self._base)
                ) as client,
                client.stream("POST", f"{self._base}{path}", content=body) as answer,
            ):
                async for piece in answer.aiter_raw():
                    data += piece
                    if len(data) > RECEIPT_BYTES_MAX:
                        raise ReportsNotSent(reason="its answer is no receipt")
                return answer.status_code, answer.headers.get("content-type", ""), bytes(data)
        except httpx.HTTPError as error:
            raise ReportsNotSent(reason=type(error).__name__) from error


def _known(trust: Trust, before: Seen) -> Seen:
    return before.with_manifests(trust.manifests) if trust.manifests else before


def _unproved(status: int, body: bytes) -> ScManagerError:
    """What a proxy, a portal or somebody in between says ends nothing; nor does a server that forgot the session."""
    said = code_in(body)
    if said == SessionUnknown.code:
        return SessionUnknown()
    return ReportsNotSent(reason=f"it answers {status}{f' ({said})' if said else ''} without having read it")


def _check(status: int, body: bytes) -> None:
    """What the author's server says, sealed: a receipt, or why there is none."""
    if status == 200:
        return
    said = code_in(body)
    if 400 <= status < 500 and said in FOR_GOOD:
        raise ReportsNotWanted(said=said)
    raise ReportsNotSent(reason=f"it answers {status}{f' ({said})' if said else ''}")

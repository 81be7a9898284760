"""Where a ledger is fetched from: a folder that it was published to, or a server. Nothing there is trusted.

A server may be slow, endless, or send one elsewhere: each file has its largest size and its time, all together have
theirs, and no redirect is followed. What it gives is judged by whoever asked for it.
"""

import asyncio
import ipaddress
import re
import ssl
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from scmanager import __version__
from scmanager.application.published_registry import PublishedRegistry
from scmanager.errors import Refused, Unavailable, Untrusted
from scmanager.master_ledger import proof
from scmanager.master_ledger.fetching import Read, SourceLacks
from scmanager.master_ledger.statistics_batch import PATH

if TYPE_CHECKING:
    import httpx

STEP_S: Final = 10.0
"""For connecting, and for each piece."""
FILE_S: Final = 30.0
ALL_S: Final = 180.0
EACH_S: Final = 1.0
"""More for each file that came: a long ledger has many."""
STATISTICS: Final = PATH.lstrip("/") + "/"
PROOFS: Final = "api/v1/ledger/proofs"
_GONE = frozenset({404, 405, 410})
_SAID_WHY = frozenset({400, 401, 403, 409, 413, 503})
_OF_STATISTICS = frozenset({"day-not-held", "statistics-not-published"})
REFUSAL_BYTES_MAX: Final = 4_096
_CODE = re.compile("[a-z][a-z0-9-]{0,60}")


class SourceFailed(Unavailable):
    """{path} cannot be had from {source}: {reason}."""

    code = "ledger-source-failed"
    hint = "Nothing was changed. Try again, or fetch from another source."


class SourceTooLarge(Untrusted):
    """{source} gives more for {path} than {bytes_max} bytes."""

    code = "ledger-source-too-large"
    hint = "It is no ledger, or it is made to waste your time. Fetch from another source."


class ServerRefuses(Refused):
    """{source} refuses: {said}."""

    code = "ledger-server-refuses"
    hint = "docs/errors.md says what the word means. If it speaks of versions, update the older side."


class _Extensions(msgspec.Struct, frozen=True):
    code: str


class _Error(msgspec.Struct, frozen=True):
    extensions: _Extensions


class _Errors(msgspec.Struct, frozen=True):
    errors: list[_Error]


class AddressMistyped(Refused):
    """{typed} is no address of a ledger."""

    code = "ledger-address-mistyped"
    hint = "Such as https://example.org/ledger: where checkpoint and tile/ lie. Or a folder."


class Source:
    """What a person names: a folder, or an address that begins with http:// or https://. Raises AddressMistyped."""

    def __init__(self, named: str) -> None:
        self._served = "://" in named
        self.read: Read = from_address(named) if self._served else from_folder(Path(named))

    def proof_of(self, content_hash: str) -> bytes:
        """The proof of logging of a file, made by the server or of the folder. Raises NotEntered, and as `read`."""
        if self._served:
            return self.read(f"{PROOFS}/{content_hash}", proof.FILE_BYTES_MAX)
        registry = PublishedRegistry(self.read)
        registry.follow()
        return registry.proof(content_hash).to_bytes()


SERVED = "What is served here"


def from_folder(folder: Path, called: str | None = None) -> Read:
    """The files in this folder. `called`: how it is named in what is wrong, where its place is nobody's business."""
    named = called or str(folder)

    def read(path: str, bytes_max: int) -> bytes:
        try:
            with open(f"{folder}/{path}", "rb") as file:  # noqa: PTH123 - tiles are asked for by the thousand
                data = file.read(bytes_max + 1)
        except FileNotFoundError:
            raise SourceLacks(source=named, path=path) from None
        except OSError as error:
            raise _failed(named, path, error.strerror or type(error).__name__) from error
        if len(data) > bytes_max:
            raise SourceTooLarge(source=named, path=path, bytes_max=bytes_max)
        return data

    return read


def from_address(address: str, clock: Callable[[], float] = time.monotonic) -> Read:
    """The files below this address; all of them within ALL_S and EACH_S for each. Raises AddressMistyped."""
    base = base_of(address)
    end = clock() + ALL_S

    def read(path: str, bytes_max: int) -> bytes:
        nonlocal end
        left = min(FILE_S, end - clock())
        try:
            data = asyncio.run(_got(base, path, bytes_max, max(left, 0.0)))
        except TimeoutError:
            raise _failed(base, path, "it takes too long") from None
        end += EACH_S
        return data

    return read


Post = Callable[[str, bytes, int], bytes]
"""What a path answers to a JSON body, of so many bytes at most. Raises as `Read`, and ServerRefuses."""


def post_to(address: str, left_s: Callable[[], float] = lambda: FILE_S) -> Post:
    """POSTs below this address, each within what is left. Raises AddressMistyped."""
    base = base_of(address)

    def post(path: str, body: bytes, bytes_max: int) -> bytes:
        try:
            return asyncio.run(_got(base, path, bytes_max, max(left_s(), 0.0), body))
        except TimeoutError:
            raise _failed(base, path, "it takes too long") from None

    return post


async def _got(base: str, path: str, bytes_max: int, seconds: float, body: bytes | None = None) -> bytes:
    import httpx  # A fifth of the start; most commands fetch nothing.

    headers = {"Accept-Encoding": "identity", "User-Agent": f"sc-manager/{__version__}"}
    data = bytearray()
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(
                follow_redirects=False,
                timeout=STEP_S,
                headers=headers,
                trust_env=not is_local(base),
                verify=_certificates(),
            ) as client,
            client.stream("GET" if body is None else "POST", f"{base}/{path}", content=body) as answer,
        ):
            if body is not None and answer.status_code in _SAID_WHY:
                raise _refusal(base, await _start_of(answer))
            if path.startswith(STATISTICS) and answer.status_code in (404, 503):
                refusal = _refusal(base, await _start_of(answer))
                if refusal.facts["said"] in _OF_STATISTICS:  # A web server's own 404 says nothing about days.
                    raise refusal
            _check(answer.status_code, answer.headers.get("content-encoding", "identity"), base, path)
            async for piece in answer.aiter_raw():
                data += piece
                if len(data) > bytes_max:
                    raise SourceTooLarge(source=base, path=path, bytes_max=bytes_max)
    except httpx.HTTPError as error:
        raise _failed(base, path, str(error) or type(error).__name__) from error
    return bytes(data)


@cache
def _certificates() -> ssl.SSLContext:
    """Read once a process: it takes 50 ms, and a ledger has many files."""
    import httpx

    return httpx.create_ssl_context()


async def _start_of(answer: "httpx.Response") -> bytes:
    data = b""
    async for piece in answer.aiter_raw(REFUSAL_BYTES_MAX):
        data += piece
        if len(data) >= REFUSAL_BYTES_MAX:
            break
    return data


def _refusal(base: str, data: bytes) -> ServerRefuses:
    """What a server says is wrong, as far as it can be read; only words of codes are shown."""
    return ServerRefuses(source=base, said=code_in(data) or "without a reason")


def code_in(data: bytes) -> str:
    """The code of the first error in an answer of ours; empty for whatever is none. Total."""
    try:
        code = msgspec.json.decode(data, type=_Errors).errors[0].extensions.code
    except (msgspec.MsgspecError, ValueError, IndexError, RecursionError):
        return ""
    return code if _CODE.fullmatch(code) else ""


def _check(status: int, encoding: str, base: str, path: str) -> None:
    if status in _GONE:
        raise SourceLacks(source=base, path=path)
    if 300 <= status < 400:
        raise _failed(base, path, "it sends one elsewhere, which is not followed")
    if status != 200:
        raise _failed(base, path, f"it answers {status}")
    if encoding != "identity":
        raise _failed(base, path, "it packs what nobody asked to be packed")


def base_of(address: str) -> str:
    """An address without the slash at its end. Raises AddressMistyped."""
    try:
        said = urlsplit(address)
        host, _ = said.hostname, said.port
    except ValueError:
        raise AddressMistyped(typed=address) from None
    odd = said.query or said.fragment or "@" in said.netloc or not address.isascii() or not address.isprintable()
    if said.scheme not in ("http", "https") or not host or odd or " " in address:
        raise AddressMistyped(typed=address)
    return address.rstrip("/")


def is_local(base: str) -> bool:
    """A proxy has no business on the loopback address."""
    host = urlsplit(base).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _failed(source: str, path: str, reason: str) -> SourceFailed:
    return SourceFailed(source=source, path=path, reason=reason.rstrip("."))

"""A server that takes reports, over real HTTP: it greets, keeps each batch once, and can be slow, down, or refuse."""

import contextlib
import json
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from scmanager.adapters.server_handshake import ANSWER, GREET
from scmanager.adapters.trust_files import LEDGER_FILE, MANIFESTS_FILE, POLICY_FILE
from scmanager.domain.ledger import LogKind
from scmanager.domain.naming import ServerNamed
from scmanager.errors import ScManagerError
from scmanager.master_ledger import submission
from scmanager.master_ledger.handshake import (
    ANSWER_BYTES_MAX,
    HELLO_BYTES_MAX,
    SESSION_HEADER,
    Answer,
    Delegation,
    Greeter,
    Hello,
    parse,
)
from scmanager.master_ledger.reports import KINDS, check_consent, node_id_of, parse_batch
from scmanager.master_ledger.sealed import MEDIA, Channel
from scmanager.master_ledger.statement import manifest_hash
from tests.golden.logs import key_of
from tests.support.ledger import Server, first_manifest

JSON = "application/json"
YEARS_S = 10 * 365 * 86_400


class ReportServer:
    """What came, and how it answers."""

    def __init__(self) -> None:
        self.taken: dict[bytes, tuple[str, Any]] = {}
        """Path and batch, by its id: the same twice is one."""
        self.asked: list[tuple[str, bytes]] = []
        """Path and body of every report; what was said for greeting is in `hellos`."""
        self.hellos: list[Hello] = []
        self.status = 200
        self.refusal = b"{}"
        """What it says with another status than 200."""
        self.answers = True
        """Else the batch is kept and the connection closed without a word."""
        self.greets = True
        self.unwilling: ScManagerError | None = None
        """What it says to a hello if it does not greet; None: there is no such page."""
        self.garbled = False
        self.seals = True
        """Else it answers in clear, as whoever is in between would."""
        self.hold = threading.Event()
        """Each answer waits until it is set."""
        self.hold.set()
        self.came = threading.Event()
        self.port = 0
        self.log, self.key = Server("reports"), key_of("report server")
        self.receipts_of = Server("intake", kind=LogKind.INTAKE).log
        self.first = first_manifest(self.log, Server("intake", kind=LogKind.INTAKE))
        """The log in which it says that it entered them."""
        self.named = self.name()
        self.forget()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reports(self, path: str) -> list[Any]:
        return [each for at, batch in self.taken.values() if at == path for each in batch.reports]

    def trust(self, folder: Path) -> Path:
        """The files that make a machine trust this author."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LEDGER_FILE).write_text(manifest_hash(self.first.statement).hex())
        (folder / MANIFESTS_FILE).write_bytes(submission.encode([self.first]))
        (folder / POLICY_FILE).write_bytes(b"quorum none\n")
        return folder

    def name(self, not_after: int | None = None) -> int:
        """The ledger names its key; the entry's index."""
        self.named = self.log.append(ServerNamed(self.key.public, not_after or int(time.time()) + YEARS_S))
        return self.named

    def forget(self) -> None:
        """As after a start: it knows no session any more."""
        self.greeter = Greeter(self.key, lambda: secrets.token_bytes(32))

    def greet(self, path: str, body: bytes) -> bytes:
        """What it says in a handshake. Raises what `Greeter` raises."""
        if path == f"/{GREET}":
            proof = self.log.proof(self.named, self.log.note(witnesses=())).to_bytes()
            ledger = manifest_hash(self.first.statement)
            self.hellos.append(hello := parse(Hello, body, HELLO_BYTES_MAX))
            delegation = Delegation(ledger, submission.encode([self.first]), proof)
            return msgspec.json.encode(self.greeter.greet(hello, delegation, int(time.time())))
        return msgspec.json.encode(self.greeter.grant(parse(Answer, body, ANSWER_BYTES_MAX), int(time.time())))

    def channel(self, path: str, token: str) -> Channel:
        """That session's; health is told under no other id than its own. Raises SessionUnknown."""
        channel = self.greeter.channel(bytes.fromhex(token), int(time.time()))
        assert "/nodes/" not in path or f"/nodes/{node_id_of(channel.theirs).hex()}/" in path
        return channel

    def take(self, path: str, body: bytes) -> bytes | None:
        """The receipt; None: no answer."""
        self.asked.append((path, body))
        self.came.set()
        self.hold.wait(30)
        if self.status != 200:
            return self.refusal
        kind = next(each for each in KINDS if path.rpartition("/")[2] == each.path.rpartition("/")[2])
        batch: Any = parse_batch(kind, body)  # type: ignore[arg-type] # of whichever kind
        check_consent(kind, batch)  # type: ignore[arg-type] # the same
        self.taken.setdefault(batch.id, (path, batch))
        first = list(self.taken).index(batch.id)
        hashed = b64encode(bytes(32)).decode()
        longer = b64encode(bytes(64)).decode()
        count = len(batch.reports)
        space, log = (b64encode(each).decode() for each in (self.receipts_of.space, self.receipts_of.log))
        receipt = {
            "space": space, "log": log, "by": hashed, "first": first, "count": count, "hlc": 1, "prev": longer,
            "last": longer, "size": first + count,
        }  # fmt: skip
        if self.garbled:
            return b"no receipt"
        return json.dumps(receipt).encode() if self.answers else None

    def answer(self, path: str, body: bytes, token: str) -> tuple[int, bytes | None, str]:
        """Status, body and its type."""
        try:
            if path in (f"/{GREET}", f"/{ANSWER}"):
                if not self.greets:
                    return (409, refusal(self.unwilling.code), JSON) if self.unwilling else (404, b"", JSON)
                return 200, self.greet(path, body), JSON
            channel = self.channel(path, token)
        except ScManagerError as error:
            return 401, refusal(error.code), JSON
        said = self.take(path, channel.open_request(path, body))
        if said is None or not self.seals:
            return self.status, said, JSON
        return self.status, channel.seal_answer(body, self.status, said), MEDIA


def refusal(code: str) -> bytes:
    """As our servers say it."""
    return json.dumps({"errors": [{"message": "", "extensions": {"code": code, "hint": ""}}]}).encode()


@contextlib.contextmanager
def report_server() -> Iterator[ReportServer]:
    taking = ReportServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer, media = taking.answer(self.path, body, self.headers.get(SESSION_HEADER, ""))
            with contextlib.suppress(OSError):
                if answer is not None:
                    self.send_response(status)
                    self.send_header("content-length", str(len(answer)))
                    self.send_header("content-type", media)
                    self.end_headers()
                    self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taking.port = server.server_port
        running = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        running.start()
        try:
            yield taking
        finally:
            taking.hold.set()
            server.shutdown()
            running.join()

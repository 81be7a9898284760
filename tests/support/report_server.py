"""A server that takes reports, over real HTTP: it keeps each batch once, and can be slow, down, or refuse."""

import contextlib
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from scmanager.master_ledger.reports import KINDS, check_consent, parse_batch


class ReportServer:
    """What came, and how it answers."""

    def __init__(self) -> None:
        self.taken: dict[bytes, tuple[str, Any]] = {}
        """Path and batch, by its id: the same twice is one."""
        self.asked: list[tuple[str, bytes]] = []
        """Path and body of every request."""
        self.status = 200
        self.refusal = b"{}"
        """What it says with another status than 200."""
        self.answers = True
        """Else the batch is kept and the connection closed without a word."""
        self.garbled = False
        self.hold = threading.Event()
        """Each answer waits until it is set."""
        self.hold.set()
        self.came = threading.Event()
        self.port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reports(self, path: str) -> list[Any]:
        return [each for at, batch in self.taken.values() if at == path for each in batch.reports]

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
        receipt = {
            "space": hashed, "log": hashed, "by": hashed, "first": first, "count": count, "hlc": 1, "prev": longer,
            "last": longer, "size": first + count,
        }  # fmt: skip
        if self.garbled:
            return b"no receipt"
        return json.dumps(receipt).encode() if self.answers else None


@contextlib.contextmanager
def report_server() -> Iterator[ReportServer]:
    taking = ReportServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = taking.take(self.path, body)
            with contextlib.suppress(OSError):
                if answer is not None:
                    self.send_response(taking.status)
                    self.send_header("content-length", str(len(answer)))
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

"""Servers of a ledger for tests: the real one over a folder, and one that answers whatever it is told to."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from scmanager.adapters.ledger_source import from_folder
from scmanager.adapters.tile_folder import publish
from scmanager.api.handshake import Identity
from scmanager.api.ledger_app import make_ledger_app
from scmanager.domain.counting import PluginCounted
from scmanager.domain.naming import ServerNamed
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.own_log import Draft
from scmanager.eventstore.store import Store
from scmanager.master_ledger import submission
from scmanager.master_ledger.fetching import Read
from scmanager.master_ledger.submission import Submission
from tests.support import app_server
from tests.support.ledger import Server, first_manifest

Answer = Callable[[socket.socket, str], None]
"""Says something to one who asked for a path."""


@contextlib.contextmanager
def served(folder: Path | Read, identity: Identity | None = None) -> Iterator[str]:
    """The real server over this folder, or over whatever gives its files; its address."""
    read = from_folder(folder) if isinstance(folder, Path) else folder
    with app_server.served(make_ledger_app(read, identity)) as address:
        yield address


@contextlib.contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """A server that hands each request to `answer`, byte by byte as that likes it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    asking, _ = taken.accept()
                    threading.Thread(target=one, args=(asking,), daemon=True).start()

        def one(asking: socket.socket) -> None:
            with asking, contextlib.suppress(OSError):
                said = b""
                while b"\r\n\r\n" not in said:
                    if not (piece := asking.recv(65_536)):
                        return
                    said += piece
                answer(asking, said.split(b" ")[1].decode().lstrip("/"))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        finally:
            over.set()
            with contextlib.suppress(OSError):
                socket.create_connection(taken.getsockname(), timeout=1).close()
            thread.join(5)


def whole(data: bytes, status: str = "200 OK", more: str = "") -> bytes:
    """An answer in one piece."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n{more}\r\n".encode() + data


class Ledger:
    """An author's server with a log of statements, published to a folder as often as one likes."""

    def __init__(self, store: Store, folder: Path, name: str = "ledger") -> None:
        self.store, self.public, self._kept = store, folder / "public", folder / "kept"
        self.server = Server(name)
        self.first = first_manifest(self.server)
        self.keys = [self.first]
        """The manifests that are published."""
        self._append_all()

    def say(self, *said: Submission) -> None:
        """Entered and committed."""
        for each in said:
            self.server.append(each)
        self._append_all()

    def name(self, key: bytes, not_after_s: int) -> None:
        """A server of this key is named."""
        self.server.append(ServerNamed(key, not_after_s))
        self._append_all()

    def count(self, *counts: PluginCounted) -> None:
        """Whatever it is, it is entered."""
        for each in counts:
            self.server.append(each)
        self._append_all()

    def fill(self, count: int) -> None:
        """So many entries more."""
        for n in range(count):
            self.server.own.add(Draft(b"%d" % n, None), self.server.own.hlc + 1)
        self.server._commit()
        self._append_all()

    def publish(self, folder: Path | None = None) -> None:
        tree = LogTree(self.store, self.store.heads()[0], self._kept)
        publish(tree, folder or self.public, beside={"manifests": submission.encode(self.keys)})

    def _append_all(self) -> None:
        """What the server signed comes into the store as it would into a mirror's."""
        from scmanager.eventstore import verification
        from scmanager.eventstore.verification import SignedNote

        own, held = self.server.own.head, self.store.heads()
        before = held[0] if held else verification.start_of(self.server.said[0][0].data)
        fresh = self.server.said[before.size :]
        head = self.server.head()
        signature = self.server.key.sign(head.text().encode())
        run = verification.verify(
            before,
            [one.data for one, _ in fresh],
            [{0: shared} if shared else {} for _, shared in fresh],
            SignedNote(own.size, head.root, signature),
        )
        self.store.admit(run)

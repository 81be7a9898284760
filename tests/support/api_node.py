"""A node with its API, all real: folder, keys, SQLite, writer, projector, PostgreSQL, HTTP on a free port."""

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from scmanager.adapters.ledger_spaces import LedgerSpaces
from scmanager.adapters.recovery_sheet import make_recovery_keys
from scmanager.api.app import make_app
from scmanager.api.backend import ActorHealth, Result
from scmanager.api.serving import listen, server
from scmanager.application import organisations
from scmanager.application.founding import Founding
from scmanager.application.home_ledger import Judged
from scmanager.application.usage import Usage
from scmanager.application.verbs import VERBS
from scmanager.application.writer import Command
from scmanager.auditing import auditor_of
from scmanager.eventstore.entry import RecoveryKeys
from scmanager.eventstore.signing import SigningKey
from scmanager.exchanging import Exchange
from scmanager.forensics.asking import Forensics
from scmanager.projections.generation import LIVE
from scmanager.projections.rebuild import Rebuilt
from scmanager.projections.runner import Projector
from scmanager.spaces.documents import Documents
from scmanager.spaces.shelf import Shelf
from tests.support.machines import Machine


class ApiNode:
    """Fulfils scmanager.api.backend.Backend. Use `with`."""

    read_schema = LIVE

    def __init__(self, folder: Path, dsn: str) -> None:
        self.token = secrets.token_hex(16)
        self.node = Machine(folder, "node").open()
        self.exchange = Exchange(self.node)
        self.forensics = Forensics(self.node)
        self.auditor = auditor_of(self.node)
        self.note = self.auditor.note
        self.faults: list[BaseException] = []
        self.dsn = dsn
        self._spaces: frozenset[bytes] | None = None
        self.ledger: LedgerSpaces | None = None
        """The author's, if the installation trusts one."""
        vault = self.node.vault
        self.projector = Projector(
            self.node.shelf, self.node.store, vault.held, dsn, vault.logs_of, documents=self.node.documents
        )
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self.projector.run, args=(self._stop, self._ready.set), daemon=True)

    def __enter__(self) -> "ApiNode":
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)
        self.node.close()

    @property
    def shelf(self) -> Shelf:
        return self.node.shelf

    @property
    def documents(self) -> Documents:
        return self.node.documents

    def fault(self, error: BaseException) -> None:
        self.faults.append(error)

    def conninfo(self) -> str:
        return self.dsn

    def my_spaces(self) -> frozenset[bytes]:
        if self._spaces is not None:
            return self._spaces
        trusted = self.ledger.ids() if self.ledger else frozenset()
        with self.shelf.lock:
            found = (each.id for each in self.shelf.spaces())
            return frozenset(each for each in found if each in trusted or self.node.vault.logs_of(each))

    def registry(self) -> Judged:
        return self.ledger.judged() if self.ledger else Judged()

    def see_only(self, *spaces: bytes) -> None:
        """As if its owner were in these spaces only."""
        self._spaces = frozenset(spaces)

    def see_all(self) -> None:
        self._spaces = None

    def do(self, verb: str, space: bytes, command_id: bytes, arguments: Mapping[str, Any]) -> Future[Result]:
        known = VERBS[verb]
        return self.node.drafts.submit(known, space, arguments, command_id)

    def found_organisation(self, command_id: bytes, arguments: Mapping[str, Any]) -> Future[Result]:
        given = dict(arguments)
        keys = given.pop("recovery_keys", 1)
        return self._found("org", command_id, lambda desk: organisations.found(desk, **given), keys)

    def found_personal(self, command_id: bytes) -> Future[Result]:
        return self._found("personal", command_id, lambda desk: {"member": desk.me.hex()})

    def _found(self, kind: Any, command_id: bytes, act: Callable[[Any], Result], count: int = 1) -> Future[Result]:
        known = self._outcome(command_id)
        if known is not None:
            return known
        keys = make_recovery_keys(count)
        recovery = RecoveryKeys(keys.needed, tuple(keys.public_keys))
        founding = Founding(
            command_id, kind, SigningKey.generate(), secrets.token_bytes(32), recovery,
            self.node.identity.device, self.node.identity.box, act,
        )  # fmt: skip
        return self.node.writer.submit(founding)

    def _outcome(self, command_id: bytes) -> "Future[Result] | None":
        """A founding that was asked for before: its own log holds the outcome."""
        for space in self.shelf.spaces():
            for log in self.node.vault.logs_of(space.id):
                if self.node.store.outcome(log, command_id) is not None:
                    return self.node.writer.submit(Command(command_id, space.id, lambda _: {}))
        return None

    def last_pos(self) -> int:
        return self.node.store.last_pos()

    def projected_pos(self) -> int:
        return self.projector.status().pos

    def wait_projected(self, pos: int, timeout_s: float) -> bool:
        return self.projector.wait(pos, timeout_s)

    def rebuild(self) -> Rebuilt:
        return self.projector.rebuild()

    def health(self) -> Sequence[ActorHealth]:
        status = self.projector.status()
        return [ActorHealth("writer", True), ActorHealth("projections", not status.error, status.error)]

    def metrics(self) -> Mapping[str, float]:
        return {"scm_writer_commits_total": self.node.writer.commits, "scm_store_pos": self.last_pos()}


class Api:
    """The API of a node over HTTP, as a client sees it."""

    def __init__(self, node: ApiNode, port: int) -> None:
        self.node = node
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {node.token}"}, timeout=30, trust_env=False
        )

    def post(self, query: str, variables: dict[str, Any] | None = None, **more: Any) -> Any:
        """The whole answer."""
        return self.client.post("/graphql", json={"query": query, "variables": variables or {}} | more).json()

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = self.post(query, variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> dict[str, Any]:
        """The extensions of the first error."""
        answer = self.post(query, variables)
        assert "errors" in answer, answer
        return answer["errors"][0]["extensions"]

    def do(self, field: str, arguments: str = "") -> dict[str, Any]:
        """One mutation."""
        selected = "commandId space pos organisation member ship fleet squadron role ids { name value }"
        given = f"({arguments})" if arguments else ""
        return dict(self.ask(f"mutation {{ {field}{given} {{ {selected} }} }}")[field])


class Socket:
    """A websocket that speaks graphql-transport-ws."""

    def __init__(self, api: Api, *, token: str | None = None, **options: Any) -> None:
        self._opened = contextlib.ExitStack()
        opening = connect(
            f"ws://127.0.0.1:{api.port}/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
            max_size=None,
            **options,
        )
        self.raw = self._opened.enter_context(opening)
        self.token = api.node.token if token is None else token

    def __enter__(self) -> "Socket":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def send(self, **message: Any) -> None:
        self.raw.send(json.dumps(message))

    def read(self, timeout: float = 15) -> Any:
        return json.loads(self.raw.recv(timeout))

    def begin(self) -> "Socket":
        self.send(type="connection_init", payload={"token": self.token})
        assert self.read() == {"type": "connection_ack"}
        return self

    def subscribe(self, query: str, name: str = "1", **variables: Any) -> None:
        self.send(type="subscribe", id=name, payload={"query": query, "variables": variables})

    def next(self, timeout: float = 15) -> Any:
        """The data of the next result."""
        message = self.read(timeout)
        assert message["type"] == "next", message
        return message["payload"]["data"]

    def closed(self, timeout: float = 15) -> int:
        """The code it was closed with, after whatever still came."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.raw.recv(timeout)
        code = self.raw.close_code
        assert code is not None
        return int(code)


@contextlib.contextmanager
def serving(node: ApiNode, *, direct: bool = True, usage: Usage | None = None) -> Iterator[Api]:
    """The node's API on a free port."""
    with listen(0) as listening:
        port = listening.getsockname()[1]
        served = server(make_app(node, direct=direct, usage=usage))
        thread = threading.Thread(target=served.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not served.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.01)
        api = Api(node, port)
        try:
            yield api
        finally:
            api.client.close()
            served.should_exit = True
            thread.join(10)

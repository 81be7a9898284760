"""A node in a process of its own, for tests that kill it: commands come as JSON lines, answers leave as JSON lines.

    python -m tests.support.node_process DATA STATE [--port N] [--clock-ahead SECONDS]

Each line in has an `op`; each line out is the answer to one of them, but for `{"ack": n}` of a load.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from scmanager.config import Settings
from scmanager.domain.catalogue import MEMBERS
from scmanager.errors import ScManagerError
from scmanager.eventstore.log_copy import copy_of, verify_copy
from scmanager.runtime import Node, clock_us, init_node, is_node
from scmanager.serving import Serving, serve_until_signal
from tests.support.audit_list import codes

_speaking = threading.Lock()


def say(**what: Any) -> None:
    with _speaking:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def told(error: BaseException) -> dict[str, Any]:
    if isinstance(error, ScManagerError):
        return {"error": error.code, "message": str(error), "hint": error.hint}
    return {"error": "traceback", "message": "".join(traceback.format_exception(error)), "hint": ""}


def arguments(given: dict[str, Any]) -> dict[str, Any]:
    return {name: bytes.fromhex(value) if name.endswith("_id") else value for name, value in given.items()}


def command_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


class Driver:
    """What a test may ask of the node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.serving: Serving | None = None
        self.ahead_s = 0

    def clock(self) -> int:
        return clock_us() + self.ahead_s * 1_000_000

    def follow(self) -> None:
        for line in sys.stdin:
            asked = json.loads(line)
            operation: Callable[..., dict[str, Any] | None] = getattr(self, asked.pop("op"))
            try:
                answer = operation(**asked)
            except Exception as error:
                answer = told(error)
            if answer is not None:
                say(**answer)

    def found(self, number: int) -> dict[str, Any]:
        return self.node.found_organisation("Nova", "", "ada", command_id=command_id(number))

    def do(self, verb: str, space: str, number: int, **given: Any) -> dict[str, Any]:
        return self.node.do(verb, bytes.fromhex(space), arguments(given), command_id(number))

    def load(self, space: str, first: int, count: int) -> None:
        """Many commands at once; each says so when it is acknowledged."""
        for number in range(first, first + count):
            handle = {"handle": f"pilot-{number}"}
            future = self.node.submit("member.record", bytes.fromhex(space), handle, command_id(number))
            future.add_done_callback(lambda done, number=number: acknowledge(number, done))  # type: ignore[misc] # bound now

    def members(self, space: str) -> dict[str, Any]:
        return {
            "members": [entity.hex() for entity, _ in self.node.shelf.space(bytes.fromhex(space)).things(MEMBERS)]
        }

    def audit(self) -> dict[str, Any]:
        """The codes of the owner's audit events."""
        return {"codes": codes(self.node)}

    def health(self) -> dict[str, Any]:
        assert self.serving is not None
        return {"health": {line.name: [line.ok, line.detail] for line in self.serving.health()}}

    def projected(self, timeout_s: float = 20.0) -> dict[str, Any]:
        assert self.serving is not None
        pos = self.serving.last_pos()
        shown = self.serving.wait_projected(pos, timeout_s)
        return {"pos": pos, "shown": shown, "digests": self.serving.projector.status().digests}

    def rebuild(self) -> dict[str, Any]:
        assert self.serving is not None
        self.serving.projector.rebuild()
        return {"digests": self.serving.projector.status().digests}

    def logs(self) -> dict[str, Any]:
        """Every log, verified from entry 0 on."""
        found = []
        for head in self.node.store.heads():
            run = verify_copy(copy_of(self.node.store, head))
            assert run.head.id == head.id
            found.append({"log": head.log.hex(), "branch": head.branch, "size": head.size, "hlc": head.hlc})
        return {"logs": found, "doubt": bool(self.node.doubt), "waiting": self.waiting(), "now": self.clock()}

    def waiting(self) -> list[tuple[int, int]]:
        return [space.waiting for space in self.node.shelf.spaces()]

    def set_clock(self, ahead_s: int) -> dict[str, Any]:
        self.ahead_s = ahead_s
        return {"hint": self.node.clock_hint()}

    def hint(self) -> dict[str, Any]:
        return {"hint": self.node.clock_hint()}

    def keys(self, space: str) -> dict[str, Any]:
        """Every key of a subject in the space, and every erasable part: what an erasure must leave nowhere."""
        vault, store = self.node.vault, self.node.store
        ids = set(vault.keys_of(bytes.fromhex(space), None)) - set(vault.keys_of(bytes.fromhex(space)))
        parts = store.parts(range(1, store.last_pos() + 1))
        return {
            "keys": [(vault.get(each) or b"").hex() for each in ids],
            "parts": [one.hex() for one in parts.values()],
        }

    def limit(self, size_bytes: int) -> dict[str, Any]:
        """No file of this process may grow beyond it: as if the disk were full. 0: no limit."""
        import resource

        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes or hard, hard))
        return {"limited": size_bytes}


def acknowledge(number: int, done: "Future[dict[str, Any]]") -> None:
    error = done.exception()
    if error is None:
        say(ack=number, member=done.result()["member"])
    else:
        say(nack=number, **told(error))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--clock-ahead", type=int, default=0)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--user", type=int, help="become this user once everything is imported")
    parser.add_argument("--no-serving", action="store_true")
    given = parser.parse_args()
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    region = os.environ.get("SCM_REGION")
    settings = Settings(given.data, given.state, port=given.port, region=region)
    driver = Driver.__new__(Driver)
    driver.ahead_s = given.clock_ahead
    if given.user is not None:
        os.setgroups([])
        os.setgid(given.user)
        os.setuid(given.user)
    if given.limit:
        driver.limit(given.limit)
    try:
        if not is_node(settings.data):
            init_node(settings)
        with Node(settings, clock=driver.clock) as node:
            driver.node, driver.serving = node, None
            if given.no_serving:
                say(open=True)
                driver.follow()
                return 0

            def started(serving: Serving) -> None:
                driver.serving = serving
                say(address=serving.address, token=serving.token, database=serving.database_pid)
                threading.Thread(target=driver.follow, daemon=True).start()

            late = serve_until_signal(node, started)
        say(stopped=True, late=late)
    except ScManagerError as error:
        say(**told(error))
        return 3
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())

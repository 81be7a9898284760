"""Heads of the intake log are public once witnesses cosigned them, and nobody who reports waits for those."""

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scmanager.adapters.witness_folder import WitnessFolder, add_log
from scmanager.api.witness_app import make_witness_app
from scmanager.application.sequencing import Reports
from scmanager.author import taking as taking_module
from scmanager.author.settling import NoWitnessAddress, WitnessesWanting, public_of
from scmanager.author.taking import Taking
from scmanager.eventstore.checkpoint import Checkpoint, origin, sign_note, verify_note
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import policy as policies
from scmanager.master_ledger.policy import ED25519, Policy, Vkey
from scmanager.master_ledger.reports import Receipt
from tests.support.app_server import served
from tests.support.intake import Site, reported
from tests.support.witness import make_witness, opened, request


class Door:
    """A real witness behind a door: open, closed (503), or one that says 409. Kept is what was asked, and stored."""

    def __init__(self, app: ASGIApp, stored: Callable[[], int]) -> None:
        self.app, self.stored, self.closed, self.conflict = app, stored, False, b""
        self.asked: list[tuple[int, int]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        if b"\n\nscm.log/" in body:
            self.asked.append((int(body.partition(b"\n\nscm.log/")[2].split(b"\n")[1]), self.stored()))
        if self.closed or self.conflict:
            media = (b"content-type", b"text/x.tlog.size")
            await send({"type": "http.response.start", "status": 409 if self.conflict else 503, "headers": [media]})
            await send({"type": "http.response.body", "body": self.conflict})
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, again, send)


class Watched:
    """An author's machine, and two witnesses of its intake log behind doors."""

    def __init__(self, site: Site, addresses: list[tuple[str, tuple[str, ...]]], doors: list[Door]) -> None:
        self.site, self.doors = site, doors
        self.policy = policy_of(addresses)

    def key(self) -> SigningKey:
        """What only the author's machine has."""
        with self.site.open() as intake:
            seed = intake._vault.log_seed(intake.log().log)
        assert seed is not None
        return SigningKey(seed)

    def public(self) -> tuple[int, int | None]:
        path = self.site.public / "intake" / "checkpoint"
        note = path.read_bytes() if path.exists() else None
        found = public_of(note, self.policy, int(time.time()) + 600)
        return found.size, found.seen_s


def policy_of(addresses: list[tuple[str, tuple[str, ...]]]) -> Policy:
    lines = [f"witness w{n} {vkeys[0]} {address}" for n, (address, vkeys) in enumerate(addresses)]
    names = " ".join(f"w{n}" for n in range(len(addresses)))
    return policies.parse("\n".join([*lines, f"group all-of-them all {names}", "quorum all-of-them\n"]).encode())


def listed(site: Site, folder: Path) -> None:
    log = site.manifests[-1].statement.logs[-1]
    add_log(folder, Vkey(origin(log.space, log.log), ED25519, log.key), None)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(taking_module, "SETTLED_S", 0.05)
    monkeypatch.setattr(taking_module, "ASK_AGAIN_S", (0.05,))
    return Site(tmp_path / "author").make()


@pytest.fixture
def watched(site: Site, tmp_path: Path) -> Iterator[Watched]:
    def stored() -> int:
        with contextlib.closing(sqlite3.connect(site.settings.data / "intake" / "events.db")) as database:
            return int(database.execute("SELECT count(*) FROM entry").fetchone()[0])

    with contextlib.ExitStack() as stack:
        addresses, doors = [], []
        for n in range(2):
            make_witness(tmp_path / f"w{n}", name=f"witness.example/{n}")
            listed(site, tmp_path / f"w{n}")
            held: WitnessFolder = opened(tmp_path / f"w{n}", int(time.time()))
            stack.callback(held.close)
            doors.append(Door(make_witness_app(held), stored))
            addresses.append((stack.enter_context(served(doors[-1])), held.vkeys))
        yield Watched(site, addresses, doors)


def take(taking: Taking, number: int, count: int = 40) -> Receipt:
    batch = Reports(number.to_bytes(16, "big"), reported(count))
    return msgspec.json.decode(taking.sequencer.submit(batch).result(20), type=Receipt)


def wait(until: Callable[[], bool], why: Callable[[], object] = lambda: None) -> None:
    end = time.monotonic() + 20
    while not until():
        assert time.monotonic() < end, why()
        time.sleep(0.02)


def codes(taking: Taking) -> list[str]:
    return sorted(each.problem.code for each in taking.words if each.problem)


def test_what_is_public_was_cosigned_and_what_was_shown_was_stored(watched: Watched) -> None:
    with watched.site.taking(policy=watched.policy) as taking:
        for number in range(5):
            after = take(taking, number)
            wait(lambda size=after.size: watched.public()[0] == size)  # type: ignore[misc]
            assert watched.public()[1] is not None
        assert taking.unsettled is None
        note = (watched.site.public / "intake" / "checkpoint").read_bytes()
        log = watched.site.manifests[-1].statement.logs[-1]
        point = verify_note(note, origin(log.space, log.log), log.key)
        rows = taking._intake.store.read(log.log, 0, 0, point.size)
        assert point.root == root_of([leaf_hash(row.data) for row in rows])
    for door in watched.doors:
        assert door.asked
        assert all(size <= stored for size, stored in door.asked), "a head that could still be lost"


def test_a_witness_that_is_down_holds_back_the_head_and_no_report(watched: Watched) -> None:
    with watched.site.taking(policy=watched.policy) as taking:
        before = take(taking, 0).size
        wait(lambda: watched.public()[0] == before)
        watched.doors[1].closed = True
        for number in range(1, 4):
            take(taking, number)
        wait(lambda: isinstance(taking.unsettled, WitnessesWanting))
        assert f"{before} of its " in str(taking.unsettled)
        assert "0 minutes ago" in str(taking.unsettled)
        assert codes(taking) == ["witness-refuses"]
        assert watched.public()[0] == before
    with watched.site.taking(policy=watched.policy) as taking:  # After a restart it goes on.
        after = take(taking, 4).size
        assert watched.public()[0] == before
        watched.doors[0].closed, watched.doors[1].closed = True, False  # Never both at once.
        wait(lambda: len(watched.doors[1].asked) > 3)
        first = next(size for size, _ in reversed(watched.doors[1].asked))
        assert watched.public()[0] == before
        watched.doors[0].closed = False
        wait(lambda: watched.public()[0] == after, lambda: (first, watched.public(), taking.unsettled))
        wait(lambda: taking.unsettled is None)


def test_witnesses_that_answer_at_different_times_are_a_quorum_of_one_head(watched: Watched) -> None:
    first, second = watched.doors
    first.closed = True
    with watched.site.taking(policy=watched.policy) as taking:
        wait(lambda: len(second.asked) > 1)
        waiting = second.asked[-1][0]
        take(taking, 0)
        second.closed = True
        mark = len(second.asked)
        wait(lambda: len(second.asked) > mark + 1)
        first.closed = False
        wait(lambda: watched.public()[0] == waiting, lambda: taking.unsettled)


@pytest.mark.parametrize("conflict", [b"9999\n", b"0\n", b"nonsense\n"])
def test_a_witness_that_claims_more_than_there_is_publishes_nothing_and_ends_nothing(
    watched: Watched, conflict: bytes
) -> None:
    watched.doors[1].conflict = conflict
    with watched.site.taking(policy=watched.policy) as taking:
        after = take(taking, 0).size
        wait(lambda: len(watched.doors[1].asked) > 2)
        assert codes(taking) in (["witness-saw-more"], ["witness-nonsense"])
        assert watched.public() == (0, None)
        assert taking.sequencer.ended is None
        watched.doors[1].conflict = b""
        wait(lambda: watched.public()[0] == after)


def test_a_witness_that_was_shown_another_history_keeps_the_head_back(watched: Watched, tmp_path: Path) -> None:
    """The key signed elsewhere, too: the log is not cosigned by whoever saw that, so nothing of it is public."""
    log, key = watched.site.manifests[-1].statement.logs[-1], watched.key()
    forged = sign_note(Checkpoint(origin(log.space, log.log), 1, bytes(32)), key)
    address = next(iter(watched.policy.addresses.values()))
    assert httpx.post(f"{address}/add-checkpoint", content=request(0, [], forged)).status_code == 200
    with watched.site.taking(policy=watched.policy) as taking:
        take(taking, 0)
        wait(lambda: "witness-saw-other" in codes(taking) or "witness-refuses" in codes(taking))
        assert isinstance(taking.unsettled, WitnessesWanting)
        assert watched.public() == (0, None)


def test_a_slow_witness_keeps_nobody_waiting_at_the_end(watched: Watched) -> None:
    with subprocess.Popen([sys.executable, "-c", SILENT], stdout=subprocess.PIPE, text=True) as silent:
        assert silent.stdout is not None
        address = f"http://127.0.0.1:{silent.stdout.readline().strip()}"
        policy = msgspec.structs.replace(watched.policy, addresses=dict.fromkeys(watched.policy.addresses, address))
        try:
            began = time.monotonic()
            with watched.site.taking(policy=policy) as taking:
                take(taking, 0)
                assert time.monotonic() - began < 5
            assert time.monotonic() - began < 8, "it asked no longer than anybody wanted to know"
        finally:
            silent.kill()


SILENT = """
import socket, time
with socket.create_server(("127.0.0.1", 0)) as taken:
    print(taken.getsockname()[1], flush=True)
    time.sleep(60)
"""


def test_a_policy_without_addresses_is_refused_before_anything_is_taken(site: Site) -> None:
    no_address = policies.parse(f"witness w {Vkey('w', 4, bytes(32)).text()}\nquorum w\n".encode())
    with pytest.raises(NoWitnessAddress), site.taking(policy=no_address):
        pass


@contextlib.contextmanager
def witness_process(folder: Path, state: Path, port: int) -> Iterator[str]:
    command = [sys.executable, "-m", "scmanager", "witness", "serve", str(folder), "--port", str(port)]
    environment = os.environ | {"SCM_STATE": str(state)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found
            yield found.group()
        finally:
            process.kill()


@pytest.mark.slow
def test_a_witness_that_stops_and_comes_back_is_asked_again(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    make_witness(folder, name="witness.example/w")
    listed(site, folder)
    with contextlib.closing(opened(folder, int(time.time()))) as held:
        vkeys = held.vkeys
    with witness_process(folder, tmp_path / "w.state", 0) as address:
        policy = policy_of([(address, vkeys)])
        watched = Watched(site, [(address, vkeys)], [])
        with site.taking(policy=policy) as taking:
            before = take(taking, 0).size
            wait(lambda: watched.public()[0] == before, lambda: (taking.unsettled, codes(taking)))
    with site.taking(policy=policy) as taking:  # It was killed, and the author's server started anew.
        after = take(taking, 1).size
        wait(lambda: codes(taking) == ["witness-silent"])
        assert watched.public()[0] == before
        with witness_process(folder, tmp_path / "w.state", int(address.rpartition(":")[2])):
            wait(lambda: watched.public()[0] == after, lambda: (taking.unsettled, codes(taking)))

"""A node under load whose owner erases his words again and again: what was answered, and what can be read of it."""

import itertools
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from scmanager.config import Settings
from scmanager.eventstore.entry import parse
from scmanager.eventstore.store import Store
from scmanager.runtime import Node
from scmanager.spaces.personal import Absence, plain_part
from scmanager.spaces.subjects import subjects
from tests.support.forked import unmeasured
from tests.support.processes import ROOT, NodeProcess

WORKERS = 4
NOTHING_TO_ERASE = "erase-nothing"
"""What somebody hears who comes right after another who erased the same."""


class Erasing:
    """Ada's organisation on a running node. Each thread says things about her; one erases them at once."""

    def __init__(self, node: NodeProcess, seed: int) -> None:
        self.node, self.seed = node, seed
        self.space = node.ask("found", number=1)["space"]
        self.me = self.space[:32]
        self.ship = node.ask("do", verb="ship.add", space=self.space, number=2, model="AEGS_Gladius")["ship"]
        self.told: Counter[str] = Counter()
        """How often each code was answered; empty: it was done."""
        self._over = threading.Event()

    def sayings(self, number: int) -> list[tuple[str, str]]:
        """What can be said about her, each sealed under her key."""
        return [
            ("memberNote", f'memberId: "{self.me}", text: "note {number}"'),
            ("memberChangeProfile", f'memberId: "{self.me}", handle: "ada-{number}"'),
            ("organisationDescribe", f'text: "about {number}"'),
            ("shipName", f'shipId: "{self.ship}", nickname: "ship {number}"'),
        ]

    def during(self, beside: Callable[[int], None], times: int) -> None:
        """Do something so often while all others say and erase."""
        with ThreadPoolExecutor(WORKERS + 1) as threads:
            working = [threads.submit(self._say, worker) for worker in range(WORKERS)]
            working.append(threads.submit(self._erase))
            try:
                for number in range(times):
                    beside(number)
            finally:
                self._over.set()
            self._ended(working)

    def _ended(self, working: list[Future[None]]) -> None:
        for each in working:
            each.result()

    def _say(self, worker: int) -> None:
        chance = random.Random(self.seed * WORKERS + worker)
        for number in itertools.count(worker * 10_000):
            if self._over.is_set():
                return
            self._hear(*chance.choice(self.sayings(number)))

    def _erase(self) -> None:
        chance = random.Random(self.seed)
        while not self._over.wait(chance.random() / 10):
            self._hear("memberErase", f'memberId: "{self.me}", ground: "at-once"')

    def _hear(self, name: str, given: str) -> None:
        asked = f'mutation {{ {name}(space: "{self.space}", {given}, wait: false) {{ commandId }} }}'
        errors = self.node.query(asked).get("errors")
        self.told[errors[0]["extensions"]["code"] if errors else ""] += 1

    def scm(self, *arguments: str) -> str:
        """A command in a process of its own; the code of what refused it, or nothing."""
        environment = unmeasured() | {"SCM_STATE": str(self.node.state)}
        done = subprocess.run(
            [sys.executable, "-m", "scmanager", "--data", str(self.node.data), *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return "" if done.returncode == 0 else done.stderr.strip().partition(":")[0] or "unsaid"


def told_words(node: Node, space: bytes) -> Iterator[bytes | Absence]:
    """What each erasable part of a space says here, or why it says nothing."""
    with node.shelf.lock:
        held = node.shelf.space(space)
        for opened in held.entries():
            stored = node.store.parts([opened.pos])
            for number in range(1, len(opened.entry.parts)):
                yield plain_part(
                    opened.entry, number, stored.get((opened.pos, number)), held.public(opened.entry.log),
                    node.vault.held, subjects(held, opened), held.erased_keys(),
                )  # fmt: skip


def sealed_under(store: Store, space: str) -> set[bytes]:
    """The keys that something in a space is sealed under."""
    heads = store.heads(bytes.fromhex(space))
    rows = (row for head in heads for row in store.read(head.log, 0, 0, head.size))
    return {part.key for row in rows for part in parse(row.data).parts}


def folder_of(node: NodeProcess) -> Settings:
    return Settings(node.data, node.state, port=0)

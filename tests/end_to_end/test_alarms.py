"""A node tells its owner, once and in his own space, that a log signed two histories."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.application.alarms import Alarms, ForkWatch
from scmanager.cli.why import kind_of
from scmanager.domain.alarm import ForkSeen
from scmanager.eventstore import content, entry, parts
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.originators import MemoryOriginators, SqliteOriginators
from scmanager.eventstore.own_log import Secret
from scmanager.eventstore.signing import SigningKey
from scmanager.runtime import Node
from scmanager.serving import Serving
from tests.contracts.test_recorder import SHIP, admit, draft, opened, write
from tests.end_to_end.test_doubt import forked
from tests.support.library import found_log, recorder_on
from tests.support.machines import Machine, found
from tests.support.space_files import read_whole


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


def watch(node: Node) -> Alarms:
    noted = SqliteOriginators(node.store)
    return Alarms(node.store, noted, node.shelf, node.writer, node.vault, node.now_us, node.personal_space)


def told(node: Node) -> list[tuple[ForkSeen, bytes]]:
    """Each alarm in the owner's own space, with what caused it."""
    with node.shelf.lock:  # Without it an entry may be committed that the spaces have not taken in yet.
        return list(_told(node))


def _told(node: Node) -> Iterator[tuple[ForkSeen, bytes]]:
    for row in node.store.tail(0, 10_000):
        one = entry.parse(row.data)
        head = next(head for head in node.store.heads() if head.log == row.log)
        key = node.vault.get(one.parts[0].key) if one.parts else None
        shared = content.read(parts.unseal(key, head.public, one.seq, 0, row.shared)) if key else None
        if shared and shared.type == ForkSeen.tag:
            assert node.shelf.space(head.space).kind == "personal"
            assert node.shelf.space(head.space).verdicts.entries[one.id32].valid
            yield msgspec.json.decode(shared.payload, type=ForkSeen), shared.cause


def take_in_a_fork(node: Node, space: bytes, first: Path) -> None:
    node.do("organisation.rename", space, {"title": "Second history"})
    node.import_space(read_whole(first))


def test_a_fork_is_told_once_and_names_the_entry_that_showed_it(ada: Machine, tmp_path: Path) -> None:
    space, first = forked(ada, tmp_path)
    with ada.open() as node:
        own = node.personal_space()
        take_in_a_fork(node, space, first)
        for _ in range(2):
            watch(node).run()
        ((alarm, cause),) = told(node)
        assert alarm == ForkSeen(space, node.forks(space)[0].log)
        (second,) = [row for row in node.store.tail(0, 1000) if row.branch]
        assert cause == entry.parse(second.data).id32
        node.do("ship.add", own, {"model": "ANVL_Carrack"})  # The writer goes on in the same log.
    with ada.open() as node:
        watch(node).run()
        assert len(told(node)) == 1


def test_a_second_history_that_is_long_is_told_of_once(
    ada: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("scmanager.application.alarms.TURN", 2)
    space, first = forked(ada, tmp_path, entries=9)
    with ada.open() as node:
        take_in_a_fork(node, space, first)
        watch(node).run()
        assert len([row for row in node.store.tail(0, 1000) if row.branch]) == 9
        assert len(told(node)) == 1


def test_a_fork_that_nobody_here_can_read_is_told_too() -> None:
    store, other = MemoryStore(), Secret.of(b"\x09" * 32)
    recorder = recorder_on(store, MemoryOriginators())
    space = recorder._log.head.space
    for word in ("a.first/1", "a.second/1"):
        elsewhere = MemoryStore()
        theirs = found_log(elsewhere, SigningKey(b"\4" * 32), space)
        write(elsewhere, theirs, draft(SHIP, word, key=other))
        admit(store, elsewhere, theirs)
    assert recorder.select_notifications(None, 100) == []
    for _ in range(3):
        ForkWatch(recorder, store, lambda _: space).turn(100)
    write(store, recorder._log, draft(SHIP, "a.b/1"))
    ForkWatch(recorder, store, lambda _: space).turn(100)
    assert [each.topic for each in recorder.select_notifications(None, 100)] == [ForkSeen.tag, "a.b/1"]
    (second,) = [row for row in store.tail(0, 100) if row.branch]
    assert opened(store, recorder, store.last_pos() - 1)[1].cause == entry.parse(second.data).id32


def test_without_forks_nothing_is_founded_and_nothing_written(ada: Machine) -> None:
    with ada.open() as node:
        found(node)
        before = node.store.last_pos()
        watch(node).run()
        assert node.store.last_pos() == before


def test_who_has_no_space_of_his_own_gets_one_when_there_is_something_to_say(ada: Machine, tmp_path: Path) -> None:
    space, first = forked(ada, tmp_path)
    with ada.open() as node:
        take_in_a_fork(node, space, first)
        watch(node).run()
        assert len(told(node)) == 1


def test_commands_and_turns_go_on_side_by_side(ada: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("scmanager.application.alarms.TURN", 1)
    space, first = forked(ada, tmp_path)
    with ada.open() as node:
        own = node.personal_space()
        take_in_a_fork(node, space, first)
        answers = [node.submit("ship.add", own, {"model": "ANVL_Carrack"}) for _ in range(20)]
        watch(node).run()
        assert all(answer.result(20) for answer in answers)
        watch(node).run()
        assert len(told(node)) == 1
        assert node.shelf.pos == node.store.last_pos()


KILLED = """
import os, sys
from pathlib import Path
from scmanager.config import Settings
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.runtime import Node
from scmanager.serving import Serving
from tests.end_to_end.test_alarms import watch

node = Node(Settings(Path(sys.argv[1]), Path(sys.argv[2]), port=0))
append = SqliteStore.append
def die(*arguments, **named):
    if sys.argv[3] == "after":
        append(*arguments, **named)
    os._exit(9)
SqliteStore.append = die
watch(node).run()
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_node_killed_before_or_after_the_commit_tells_it_once(ada: Machine, tmp_path: Path, moment: str) -> None:
    space, first = forked(ada, tmp_path)
    with ada.open() as node:
        node.personal_space()
        take_in_a_fork(node, space, first)
    arguments: list[Any] = [sys.executable, "-c", KILLED, ada.settings.data, ada.settings.state, moment]
    assert subprocess.run(arguments, check=False).returncode == 9
    with ada.open() as node:
        assert len(told(node)) == (moment == "after")
        watch(node).run()
        assert len(told(node)) == 1


@pytest.mark.services
def test_a_running_node_tells_it_by_itself_and_lists_it(
    postgres: PostgresServer, ada: Machine, tmp_path: Path
) -> None:
    space, first = forked(ada, tmp_path)
    with ada.open() as node:
        serving = Serving(node)
        serving.start()
        try:
            assert {line.name: line.ok for line in serving.health()}["alarms"]
            take_in_a_fork(node, space, first)
            deadline = time.monotonic() + 20
            while not told(node) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert len(told(node)) == 1
            node.do("organisation.rename", space, {"title": "Going on"})
            assert serving.wait_projected(node.store.last_pos(), 20)
        finally:
            assert serving.stop() == []
    with ada.open() as node:
        every = list(node.shelf.space(node.personal_space()).entries())
        assert [kind_of(each) for each in every if kind_of(each).startswith("alarm")] == [ForkSeen.tag]

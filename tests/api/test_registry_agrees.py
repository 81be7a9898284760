"""The API tells of a ledger what its logs tell, read as `scm ledger` reads them, whatever came in whatever order."""

import secrets
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.ledger_spaces import LedgerSpaces
from scmanager.application.home_ledger import compared, home_logs, registry_of, told_below
from scmanager.application.writer import Command
from scmanager.domain.counting import PluginCounted, rating_tenths
from scmanager.domain.ledger import AuditStatus, Channel, Final, Plugin, Update
from scmanager.eventstore.merkle import root_of
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.registry import Registry
from tests.support.api_node import Api
from tests.support.effort import examples
from tests.support.ledger import LATER_RELEASE, NOW_S, RELEASE, ROOTS, plugin, signed, update
from tests.support.ledger_file import LedgerFile, ledger_file, trusting

QUERY = """{
  updates(first: 200) { nodes { eventId } totalCount }
  plugins(first: 200) {
    nodes { id eventId downloads votes rating history(first: 200) { nodes { eventId } totalCount } } totalCount
  }
}"""


def entered(log: LedgerFile, *said: Any) -> None:
    """As who has the log's key enters it: nothing is looked at."""

    def act(desk: Any) -> dict[str, Any]:
        for each in said:
            desk.record(None, desk.organisation, each)
        return {}

    log.kept.writer.do(Command(secrets.token_bytes(16), log.space, act))


def statement(chance: Random, ledger: bytes) -> Update | Plugin:
    when, file = chance.choice([0, NOW_S, NOW_S, NOW_S + 60, NOW_S + 9]), chance.choice([b"1", b"2"])
    if chance.random() < 0.5:
        version, channel = chance.choice(["1.1.0", "1.10.0", "2.0.0"]), chance.choice(list(Channel))
        version += "-beta.1" if channel is not Channel.STABLE and chance.random() < 0.2 else ""
        return update(ledger, file, version=version, channel=channel, signed_at=when)
    which, status = chance.choice(["org.example.mining", "org.x"]), chance.choice(list(AuditStatus))
    version = chance.choice(["0.3.0", "0.4.0"])
    return plugin(ledger, file, id=which, version=version, audit_status=status, registered_at=0, updated_at=when)


class Story:
    """Two logs of one ledger, and what a thief makes of the first: said, closed, revoked and counted at random."""

    def __init__(self, chance: Random, stack: ExitStack) -> None:
        self._chance = chance
        self._said: list[Update | Plugin] = []
        first = stack.enter_context(ledger_file())
        self.files = [first]
        self._speak(first)
        if chance.random() < 0.8:
            second = stack.enter_context(ledger_file(after=first))
            thief = stack.enter_context(first.stolen(chance.randint(2, first.size)))
            self.files += [second, thief]
            for each in (second, first, thief):
                self._speak(each)
            if chance.random() < 0.7:
                self._close(second, first, chance.choice([first, first, thief]))
            if chance.random() < 0.4:
                ends = {each.space: Final(chance.randint(0, each.size), bytes(32)) for each in (first, second)}
                self._step(second, RELEASE.public, ends, LATER_RELEASE.public)
        self.id, self.manifests = first.id, self.files[min(1, len(self.files) - 1)].manifests

    def _speak(self, log: LedgerFile) -> None:
        for _ in range(self._chance.randint(0, 4)):
            again = self._said and self._chance.random() < 0.4
            self._said.append(self._chance.choice(self._said) if again else statement(self._chance, log.id))
            entered(log, submission.make(self._said[-1], [RELEASE]))
        if self._chance.random() < 0.4:
            plugin_id, downloads = self._chance.choice(["org.example.mining", "org.x"]), self._chance.randint(5, 50)
            entered(log, PluginCounted(plugin_id, downloads, 3, 9, NOW_S))

    def _close(self, by: LedgerFile, log: LedgerFile, history: LedgerFile) -> None:
        size = self._chance.randint(0, history.size)
        root = history.kept.tree().root(size) if size else root_of([])
        self._step(by, log.kept.log_key.public, {log.space: Final(size, root)}, None)

    def _step(self, by: LedgerFile, key: bytes, ends: dict[bytes, Final], instead: bytes | None) -> None:
        made = issuing.revocation(by.manifests[-1].statement, key, ends, NOW_S, instead)
        by.manifests.append(signed(made, *ROOTS[:2]))
        entered(by, by.manifests[-1])


def told(api: Api, spaces: LedgerSpaces, folder: Path, story: Story) -> tuple[Any, Any]:
    """What the API tells, and what the logs do."""
    api.node.ledger = spaces
    found = api.ask(QUERY)
    seen = LedgerMemory(folder, story.id).read().with_manifests(story.manifests)
    homes = home_logs(api.node.node.store, seen.keys().ledger_logs(), seen)
    registry = registry_of(homes, seen.keys(), told_below(compared(seen, homes), homes))
    for version in ("1.1.0", "2.0.0"):
        one, held = api.ask(f'{{ update(version: "{version}") {{ eventId }} }}')["update"], registry.update(version)
        assert (one and one["eventId"]) == (held and held.event_id.hex())
    updates = [{"eventId": each.event_id.hex()} for each in registry.updates()]
    plugins = {each["id"]: each for each in found["plugins"]["nodes"]}
    assert len(plugins) == found["plugins"]["totalCount"] == len(found["plugins"]["nodes"])
    return (found["updates"], plugins), ({"nodes": updates, "totalCount": len(updates)}, held_in(registry))


def held_in(registry: Registry) -> dict[str, Any]:
    found = {}
    for last in registry.plugins():
        said = last.said.statement
        assert isinstance(said, Plugin)
        counts, history = registry.counts(said.id), registry.plugin(said.id)
        tenths = rating_tenths(counts) if counts else None
        found[said.id] = {
            "id": said.id, "eventId": last.event_id.hex(), "downloads": counts.downloads if counts else 0,
            "votes": counts.votes if counts else 0, "rating": None if tenths is None else tenths / 10,
            "history": {"nodes": [{"eventId": each.event_id.hex()} for each in history], "totalCount": len(history)},
        }  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(examples(12)))
def test_whatever_came_in_whatever_order_the_api_tells_what_the_logs_do(api: Api, tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    with ExitStack() as stack:
        story = Story(chance, stack)
        spaces = trusting(api.node.node.store, tmp_path, story.manifests)
        arriving = [(each, None) for each in story.files]
        arriving += [(each, chance.randint(1, each.size)) for each in story.files]
        chance.shuffle(arriving)
        try:
            for log, size in arriving:
                api.node.node.store.admit(log.run(size))
                api.node.shelf.follow()
                assert api.node.wait_projected(api.node.last_pos(), 20)
                found, expected = told(api, spaces, tmp_path, story)
                assert found == expected
        finally:
            api.node.ledger = None

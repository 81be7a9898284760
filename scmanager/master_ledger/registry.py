"""The registry: which updates and plugins the author stands behind, folded from statements of his log (SPEC A3, A4).

Who holds the log alone can enter what was signed long ago once more. So a statement counts once, where it stood
first; and of several about one thing the latest by the author's own word holds (`signed_at`, `updated_at`), whatever
their order in the log: a plugin that was blocked stays blocked. Counts are no statements: a log's last holds.
"""

from bisect import insort
from collections.abc import Iterator
from typing import Final

import msgspec

from scmanager.domain.counting import Counted, Place, PluginCounted, enter
from scmanager.domain.ledger import AuditStatus, Category, Channel, Plugin, PluginSigned, Update, UpdateSigned
from scmanager.errors import Untrusted
from scmanager.eventstore.entry import encode_json
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.verification import LogClosed, LogNotListed, OtherLedger, check_kind
from scmanager.master_ledger.version import Precedence, precedence

ID_BYTES: Final = 64
_ENDED: Final = (AuditStatus.BLOCKED, AuditStatus.DEPRECATED)
"""What is said so of a plugin is meant of all its versions, until one is passed again."""


class Registered(msgspec.Struct, frozen=True):
    """A statement in the ledger, and where it stands."""

    log: bytes
    index: int
    event_id: bytes
    """SHA3-512 of the entry, 64 bytes."""
    said: UpdateSigned | PluginSigned


class Registry:
    """The statements that count by these keys. Entered log by log, in the order of each log."""

    def __init__(self, keys: TrustedKeys) -> None:
        self.keys = keys
        self._updates: dict[tuple[Channel, str], list[Registered]] = {}
        self._versions: dict[Channel, list[tuple[Precedence, str]]] = {each: [] for each in Channel}
        self._plugins: dict[str, list[Registered]] = {}
        self._ids: list[str] = []
        self._contents: dict[str, list[Registered]] = {}
        self._told: set[bytes] = set()
        self._counts: dict[Place, Counted] = {}

    def enter(self, one: Registered) -> bool:
        """Take a statement in; whether it counts, and was not there before."""
        statement = encode_json(one.said.statement)
        if statement in self._told or not counts(one, self.keys):
            return False
        self._told.add(statement)
        _insert(self._contents.setdefault(one.said.statement.content_hash, []), one)
        match one.said.statement:
            case Update() as update:
                self._enter_update(update, one)
            case Plugin() as plugin:
                if plugin.id not in self._plugins:
                    insort(self._ids, plugin.id)
                _insert(self._plugins.setdefault(plugin.id, []), one)
        return True

    def count(self, one: Counted) -> None:
        """Take in what a log counted."""
        enter(self._counts, one)

    def counts(self, plugin: str) -> PluginCounted | None:
        """By the last log of the manifest that counted it, as that log says last, unless that stands beyond its end.

        What was counted in another log binds nobody: in the next log the author counts anew what a thief spoiled.
        """
        found: PluginCounted | None = None
        for log in self.keys.ledger_logs():
            one = self._counts.get((log.log, plugin))
            if one is not None and (log.final is None or one.index < log.final.size):
                found = one.said
        return found

    def _enter_update(self, update: Update, one: Registered) -> None:
        place = (update.channel, update.version)
        if place not in self._updates:
            insort(self._versions[update.channel], (precedence(update.version), update.version))
        _insert(self._updates.setdefault(place, []), one)

    def updates(self, channel: Channel | None = None) -> list[Registered]:
        """What holds of each version on this channel or on all, by channel, the newest version first."""
        channels = tuple(Channel) if channel is None else (channel,)
        return [
            self._updates[each, version][-1] for each in channels for _, version in reversed(self._versions[each])
        ]

    def update(self, version: str, channel: Channel | None = None) -> Registered | None:
        """What holds of a version: on this channel, else on the most settled one that has it."""
        channels = tuple(reversed(Channel)) if channel is None else (channel,)
        found = (self._updates.get((each, version)) for each in channels)
        return next((each[-1] for each in found if each), None)

    def newest(self, channel: Channel) -> Registered | None:
        """The highest version for who follows this channel: of it, or of a more settled one."""
        settled = tuple(Channel)[tuple(Channel).index(channel) :]
        best = max((self._versions[each][-1] + (each,) for each in settled if self._versions[each]), default=None)
        return self._updates[best[2], best[1]][-1] if best else None

    def plugin(self, id_: str) -> list[Registered]:
        """The history of a plugin, the entry that holds last; empty for one that nobody knows."""
        return list(self._plugins.get(id_, ()))

    def about(self, content_hash: str) -> Registered | None:
        """What holds of a file, by its content hash; None where nothing about it counts."""
        found = self._contents.get(content_hash)
        return found[-1] if found else None

    def taken_back(self, said: Update | Plugin) -> Registered | None:
        """By what the author said later, or on the same second, this statement holds no more; None if it holds.

        Of an update: that another content has its version. Of a plugin: that the same version or content is not
        passed any more, or that the last word about the plugin blocks or deprecates it.
        """
        if isinstance(said, Update):
            last = self._updates.get((said.channel, said.version), [])[-1:]
            found = [each for each in last if each.said.statement.content_hash != said.content_hash]
        else:
            history = self._plugins.get(said.id, [])
            same = [each for each in history if _same(each, said)][-1:]
            found = [each for each in same if _status(each) is not AuditStatus.PASS]
            found += [each for each in history[-1:] if _status(each) in _ENDED]
        return next((each for each in found if said_at(each) >= _at(said) and each.said.statement != said), None)

    def plugins(
        self, category: Category | None = None, status: AuditStatus | None = None, text: str = ""
    ) -> Iterator[Registered]:
        """The entry that holds of each plugin, by id. `text` stands in its id, name, author or description."""
        for id_ in self._ids:
            one = self._plugins[id_][-1]
            plugin = one.said.statement
            assert isinstance(plugin, Plugin)
            if category in (None, plugin.category) and status in (None, plugin.audit_status) and _has(plugin, text):
                yield one


def counts(one: Registered, keys: TrustedKeys) -> bool:
    """Whether the author's keys stand behind a statement where it stands."""
    try:
        check(one, keys)
    except Untrusted:
        return False
    return True


def check(one: Registered, keys: TrustedKeys) -> None:
    """Raises OtherLedger, LogNotListed, LogOfReports, LogClosed, SignaturesMissing, SignatureForged."""
    if one.said.statement.ledger != keys.ledger:
        raise OtherLedger
    log = keys.log(one.log)
    if log is None:
        raise LogNotListed(n=keys.manifest.n, origin=one.log.hex())
    check_kind(log)
    if log.final is not None and one.index >= log.final.size:
        raise LogClosed(size=one.index + 1, final=log.final.size)
    keys.check_release(one.said, one.log, one.index)


def said_at(one: Registered) -> int:
    """When the author says he said it, UTC seconds."""
    return _at(one.said.statement)


def _at(said: Update | Plugin) -> int:
    return said.signed_at if isinstance(said, Update) else said.updated_at


def _status(one: Registered) -> AuditStatus:
    said = one.said.statement
    assert isinstance(said, Plugin)
    return said.audit_status


def _same(one: Registered, plugin: Plugin) -> bool:
    said = one.said.statement
    return said.version == plugin.version or said.content_hash == plugin.content_hash


def _insert(history: list[Registered], one: Registered) -> None:
    """Behind all that was said before or at the same time."""
    at = len(history)
    while at and said_at(history[at - 1]) > said_at(one):
        at -= 1
    history.insert(at, one)


def _has(plugin: Plugin, text: str) -> bool:
    wanted = text.casefold()
    return any(wanted in each.casefold() for each in (plugin.id, plugin.name, plugin.author, plugin.description))

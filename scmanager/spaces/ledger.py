"""The author's ledger as this node holds it: the statements of one log, where each stands, and the keys they lead to.

A log is read by itself: whoever has it alone, an auditor or a mirror, comes to the same keys (ADR 18).
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec

from scmanager.domain.counting import Counted, PluginCounted
from scmanager.domain.ledger import KeysPublished, PluginSigned, UpdateSigned
from scmanager.domain.records import Reason
from scmanager.errors import Untrusted
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.registry import Registered, Registry
from scmanager.master_ledger.statement import Statement, manifest_hash
from scmanager.master_ledger.submission import Submission
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space


class Entered(msgspec.Struct, frozen=True):
    """A statement with its signatures, and its index in the log."""

    index: int
    said: Submission


def entered(space: Space, log: bytes) -> list[Entered]:
    """The statements in this log that count, in its order. The caller holds the shelf's lock."""
    found = [
        Entered(opened.entry.seq, opened.event)
        for opened in standing(space, log)
        if isinstance(opened.event, KeysPublished | UpdateSigned | PluginSigned)
    ]
    return sorted(found, key=lambda each: each.index)


def keys_of(statements: Iterable[Entered]) -> TrustedKeys | None:
    """The author's keys by the manifests among these, None before the first. What does not follow is passed over."""
    return _walked(statements)[0]


def manifests_of(statements: Iterable[Entered]) -> tuple[KeysPublished, ...]:
    """The manifests among these that lead to those keys, oldest first."""
    return _walked(statements)[1]


def _walked(statements: Iterable[Entered]) -> tuple[TrustedKeys | None, tuple[KeysPublished, ...]]:
    keys: TrustedKeys | None = None
    followed: list[KeysPublished] = []
    for each in statements:
        if isinstance(each.said, KeysPublished):
            with suppress(Untrusted):
                keys = next_keys(keys, each.said)
                followed.append(each.said)
    return keys, tuple(followed)


def chains(spaces: Iterable[Space]) -> list[list[Entered]]:
    """The key manifests in each log of each author's space, in order and not walked. Under the shelf's lock."""
    found: dict[tuple[bytes, bytes], list[Entered]] = {}
    for space in spaces:
        if space.kind == "author":
            for opened in standing(space):
                if isinstance(opened.event, KeysPublished):
                    one = Entered(opened.entry.seq, opened.event)
                    found.setdefault((space.id, opened.entry.log), []).append(one)
    return [sorted(each, key=lambda one: one.index) for each in found.values()]


def index_of(statements: Iterable[Entered], statement: Statement) -> int | None:
    """Where this very statement was entered first."""
    return next((each.index for each in statements if each.said.statement == statement), None)


def next_keys(keys: TrustedKeys | None, following: KeysPublished) -> TrustedKeys:
    """The keys one manifest on; the first one says which ledger it is. Raises as `TrustedKeys.start` and `follow`."""
    if keys is None:
        return TrustedKeys.start(manifest_hash(following.statement), following)
    return keys.follow(following)


def registry_of(spaces: Iterable[Space], keys: TrustedKeys) -> Registry:
    """What is registered in these spaces, log by log as the manifest lists them. Under the shelf's lock."""
    registry, held = Registry(keys), {space.id: space for space in spaces}
    for log in keys.ledger_logs():
        if (space := held.get(log.space)) is not None:
            for one in _registered(space, log.log):
                registry.enter(one)
            for counted in counted_in(space, log.log):
                registry.count(counted)
    return registry


def counted_in(space: Space, log: bytes) -> list[Counted]:
    """What this log counts of plugins, in its order. The caller holds the shelf's lock."""
    return sorted(
        (
            Counted(log, opened.entry.seq, opened.event)
            for opened in standing(space, log)
            if isinstance(opened.event, PluginCounted)
        ),
        key=lambda each: each.index,
    )


def _registered(space: Space, log: bytes) -> list[Registered]:
    found = [
        Registered(log, opened.entry.seq, opened.entry.id, opened.event)
        for opened in standing(space, log)
        if isinstance(opened.event, UpdateSigned | PluginSigned)
    ]
    return sorted(found, key=lambda each: each.index)


def standing(space: Space, log: bytes | None = None) -> Iterator[Opened]:
    """The entries of this log, or of all, that are valid; if it is `unfounded` those too that nobody can judge."""
    verdicts, alone = space.verdicts.entries, unfounded(space)
    for opened in space.entries():
        if log in (None, opened.entry.log) and not opened.branch:
            verdict = verdicts.get(opened.entry.id32)
            if verdict is not None and (verdict.valid or (alone and verdict.reason is Reason.UNCOUNTED)):
                yield opened


def unfounded(space: Space) -> bool:
    """Whether this is an author's, and the log that founded it and gave the others their rights is not here.

    So it is with the folder of a later log. The key manifests in it say by themselves which logs are the ledger's.
    """
    return space.kind == "author" and space.first_entry(space.id) is None and any(True for _ in space.entries())

"""The frontier: which logs of a space count, and a hash of how far they are held.

Computed from what is in clear, so mirrors without keys agree with members. A log counts when it is the founding
one, when an entry of a counted log introduces it, when its entry 0 carries a recovery that verifies, or when it goes
on for a counted log with that log's signature. What does not count is no part of any verdict.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from scmanager.domain.event import Id32
from scmanager.domain.governance import succession_message
from scmanager.domain.past import contiguous, heads
from scmanager.domain.records import Check, Clear
from scmanager.domain.recovery import succession


class Counted(msgspec.Struct, frozen=True):
    """The least set of logs that count."""

    logs: frozenset[Id32]
    continuing: frozenset[Id32]
    """Those that a counted log's key names as its continuation."""


def counted(space: Id32, entries: Iterable[Clear], proven: frozenset[Id32], check: Check) -> Counted:
    """The logs that count. `entries` are contiguous; `proven` are the logs with a recovery that verifies."""
    geneses: dict[Id32, Clear] = {}
    introduced: dict[Id32, set[Id32]] = {}
    for entry in entries:
        if entry.genesis is not None and entry.genesis.space == (b"" if entry.log == space else space):
            geneses[entry.log] = entry
        if entry.deps and (new_log := entry.new_log) is not None:
            introduced.setdefault(entry.log, set()).add(new_log)
    continued = _continued(space, geneses, check)
    logs: set[Id32] = set()
    waiting = [space, *proven] if space in geneses else []
    while waiting:
        log = waiting.pop()
        if log in geneses and log not in logs:
            logs.add(log)
            waiting += introduced.get(log, set()) | continued.get(log, set())
    return Counted(frozenset(logs), frozenset(new for old in logs for new in continued.get(old, ())))


def counted_logs(space: Id32, entries: Iterable[Clear], check: Check) -> frozenset[Id32]:
    """The logs that count, from any set of entries in clear."""
    held = contiguous(entries)
    return counted(space, held, succession(space, held, check).proven, check).logs


def frontier(space: Id32, entries: Iterable[Clear], check: Check) -> bytes:
    """The frontier of any set of entries in clear."""
    held = contiguous(entries)
    logs = counted(space, held, succession(space, held, check).proven, check).logs
    return frontier_of(space, (head for head in heads(held) if head.log in logs))


def frontier_of(space: Id32, tops: Iterable[Clear]) -> bytes:
    """H(scm/frontier/1, space, count, sorted (log, size, head)): `tops` are the branch heads of the counted logs."""
    rows = sorted((top.log, top.seq + 1, top.id) for top in tops)
    digest = hashlib.sha3_256(b"scm/frontier/1\n" + space + len(rows).to_bytes(8, "big"))
    for log, size, head in rows:
        digest.update(log + size.to_bytes(8, "big") + head)
    return digest.digest()


def _continued(space: Id32, geneses: dict[Id32, Clear], check: Check) -> dict[Id32, set[Id32]]:
    """The logs that go on for another, by that other, where its key says so."""
    continued: dict[Id32, set[Id32]] = {}
    for new, entry in geneses.items():
        if entry.genesis is None or entry.genesis.continues is None:
            continue
        old, signature = entry.genesis.continues
        before = geneses.get(old)
        if before is None or before.genesis is None:
            continue
        if check(before.genesis.key, succession_message(space, old, entry.genesis.key), signature):
            continued.setdefault(old, set()).add(new)
    return continued

"""The register of a ledger's space: its statements with their places, and what was counted last, as a fold.

Which of them count `master_ledger.registry` says, by the author's keys; whoever projects the register asks there.
"""

from bisect import bisect_left

import msgspec

from scmanager.domain.counting import Counted, PluginCounted, follows, place_of
from scmanager.domain.event import Envelope, Id32, State, replace
from scmanager.domain.ledger import KeysPublished, PluginSigned, UpdateSigned


class Statement(msgspec.Struct, frozen=True):
    """What the author signed, and where it stands."""

    entry: Id32
    log: Id32
    index: int
    said: KeysPublished | UpdateSigned | PluginSigned


class Register(State):
    """All of them, in fold order."""

    statements: tuple[Statement, ...] = ()
    counts: tuple[Counted, ...] = ()
    """What each log counted last of each plugin, by log and plugin. What was counted before is not kept."""


RegistryEvent = KeysPublished | UpdateSigned | PluginSigned | PluginCounted


def evolve(register: Register, event: RegistryEvent, envelope: Envelope) -> Register:
    """Total: every statement is kept."""
    if isinstance(event, PluginCounted):
        return replace(register, counts=_entered(register.counts, Counted(envelope.log, envelope.seq, event)))
    one = Statement(envelope.entry, envelope.log, envelope.seq, event)
    return replace(register, statements=(*register.statements, one))


def _entered(counts: tuple[Counted, ...], one: Counted) -> tuple[Counted, ...]:
    at = bisect_left(counts, place_of(one), key=place_of)
    held = counts[at] if at < len(counts) and place_of(counts[at]) == place_of(one) else None
    if not follows(one, held):
        return counts
    return (*counts[:at], one, *counts[at + (held is not None) :])

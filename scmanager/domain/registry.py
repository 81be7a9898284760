"""The register of a ledger's space: its statements with their places, as a fold.

Which of them count `master_ledger.registry` says, by the author's keys; whoever projects the register asks there.
"""

import msgspec

from scmanager.domain.event import Envelope, Id32, State
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


def evolve(register: Register, event: KeysPublished | UpdateSigned | PluginSigned, envelope: Envelope) -> Register:
    """Total: everything is kept."""
    one = Statement(envelope.entry, envelope.log, envelope.seq, event)
    return Register((*register.statements, one))

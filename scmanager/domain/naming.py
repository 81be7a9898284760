"""Naming: which machine answers for the ledger's log, in entries of that log (SPEC A9; ADR 21)."""

from scmanager.domain.event import Event
from scmanager.domain.ledger import Bytes32
from scmanager.domain.payload import Seconds


class ServerNamed(Event, tag="server.named/1"):
    """This key is a server's of the log it stands in. The log's head says so, which the log key signs."""

    key: Bytes32
    """Ed25519. It proves the server to installations and signs nothing else."""
    not_after: Seconds

"""Anchoring: what others' logs showed while the author was away stands in his log from there on (SPEC M7; ADR 24)."""

from typing import Annotated

from msgspec import Meta

from scmanager.domain.event import Event
from scmanager.domain.ledger import Bytes32
from scmanager.domain.payload import TUPLE_MAX


class HeadsAnchored(Event, tag="heads.anchored/1"):
    """Heads of other logs that the author was shown, as salted hashes: who has head and salt proves its age.

    Whose logs they are stays with those who have them.
    """

    anchors: Annotated[tuple[Bytes32, ...], Meta(min_length=1, max_length=TUPLE_MAX)]
    """Distinct, in ascending order."""

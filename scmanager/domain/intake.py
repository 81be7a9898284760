"""What installations report to the author, as his intake log keeps it (SPEC A2, A10, M8; ADR 20).

Nothing in it is about a person or tells one installation from another: hashes that were salted where they were made,
types, versions and counts. Each entry names the consent that it rests on, the same for everybody who gave it.
"""

from typing import Annotated

from msgspec import Meta

from scmanager.domain.audit_event import Count, Digest, Region
from scmanager.domain.audit_types import AuditType
from scmanager.domain.event import Event
from scmanager.domain.payload import CatalogueKey, Seconds

Consent = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""The hash of a purpose and of the text that was consented to."""


class AuditTaken(Event, tag="report.audit-taken/1"):
    """An audit event of an installation (SPEC A2). Its event_id, signature and previous hash are the entry's."""

    consent: Consent
    type: AuditType
    at: Seconds
    """As its reporter claims it."""
    source: Digest
    """Salted where it was made, with another salt each day."""
    payload: Digest
    version: CatalogueKey
    """The release that noted it."""
    count: Count = 1
    region: Region | None = None

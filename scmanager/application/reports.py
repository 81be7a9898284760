"""What may be reported to the author, kind by kind: where it is sent to, how it is read, what of it is recorded.

A kind is one `Kind`; who adds one adds it to the server's list and nothing else (ADR 20). Reading is total: bytes of
strangers come in, checked events come out, or ReportsUnusable.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from scmanager.application.sequencing import Reports
from scmanager.config import REGIONS
from scmanager.domain.audit_event import Count, Digest, Region
from scmanager.domain.audit_types import AuditType
from scmanager.domain.intake import AuditTaken, Consent
from scmanager.domain.payload import CatalogueKey, Seconds
from scmanager.errors import Refused, Untrusted

BATCH_REPORTS_MAX: Final = 1_000
REPORT_BYTES_MAX: Final = 512
"""No report of ours comes near it."""

BatchId = Annotated[bytes, Meta(min_length=16, max_length=16)]
Allows = Callable[[bytes, str], bool]
"""Whether a batch that names this consent may carry reports for this purpose."""


class ReportsUnusable(Untrusted):
    """This is no batch of reports: {reason}."""

    code = "reports-unusable"
    hint = "Send what /api/v1/intake/openapi.json describes. Sending the same again helps nothing."


class ConsentUnknown(Refused):
    """This batch names no consent to {purpose} that is known here."""

    code = "consent-unknown"
    hint = "Nothing is taken without consent. Ask the owner anew, by the text that this server knows."


class Batch(msgspec.Struct, frozen=True):
    """What a kind reads from a body."""

    consent: bytes
    reports: Reports


class Kind(msgspec.Struct, frozen=True):
    """One kind of reports."""

    name: str
    """Of the operation, in OpenAPI."""
    path: str
    """Below /api/v1; `{node_id}`: the hash of an installation, 64 hex digits, which is not recorded."""
    purpose: str
    """What there has to be consent to."""
    read: Callable[[bytes], Batch]
    """Raises ReportsUnusable and nothing else."""
    schema: Mapping[str, Any]
    """Of the body (JSON Schema)."""
    bytes_max: int = 64 + BATCH_REPORTS_MAX * REPORT_BYTES_MAX
    summary: str = ""

    def batch(self, body: bytes, allows: Allows) -> Reports:
        """The batch in a body. Raises ReportsUnusable, ConsentUnknown."""
        found = self.read(body)
        if not allows(found.consent, self.purpose):
            raise ConsentUnknown(purpose=self.purpose)
        return found.reports


class AuditReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An audit event without anything that tells whose it is (SPEC A2)."""

    type: AuditType
    at: Seconds
    source: Digest
    payload: Digest
    version: CatalogueKey
    region: Region | None
    count: Count


class AuditBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some of them, sent together."""

    id: BatchId
    consent: Consent
    reports: Annotated[tuple[AuditReport, ...], Meta(min_length=1, max_length=BATCH_REPORTS_MAX)]


_audit = msgspec.json.Decoder(AuditBatch)


def read_audit(body: bytes) -> Batch:
    """Raises ReportsUnusable and nothing else."""
    found = decoded(_audit, body)
    for each in found.reports:
        if each.region is not None and each.region not in REGIONS:
            raise ReportsUnusable(reason="a region that ISO 3166-1 does not know")
    taken = (
        AuditTaken(
            found.consent, each.type, each.at, each.source, each.payload, each.version, each.count, each.region
        )
        for each in found.reports
    )
    return Batch(found.consent, Reports(found.id, tuple(taken)))


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """A body by its type. Raises ReportsUnusable and nothing else."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ReportsUnusable(reason=ascii(str(error))[1:200].rstrip(".'\"")) from None


AUDIT: Final = Kind(
    "reportAudit", "/audit", "audit-reports", read_audit, msgspec.json.schema(AuditBatch),
    summary="Audit events, without anything that tells whose they are.",
)  # fmt: skip


def allows(consent: bytes, purpose: str) -> bool:
    """Whether a batch that names this consent may carry reports for this purpose."""
    return bool(consent.strip(b"\0") and purpose)

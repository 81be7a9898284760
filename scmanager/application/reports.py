"""What may be reported to the author, kind by kind: where it is sent to, how it is read, what of it is recorded.

A kind is one `Kind`; who adds one adds it to the server's list and nothing else (ADR 20). Reading is total: bytes of
strangers come in, checked events come out, or ReportsUnusable. Each report is one entry, in the order they were sent.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from scmanager.application.sequencing import Reports
from scmanager.config import REGIONS
from scmanager.domain import consent
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.event import Event
from scmanager.domain.intake import AuditTaken, ErrorCounted, Frame, HealthAnchored
from scmanager.errors import Refused, Untrusted
from scmanager.master_ledger import reports as wire
from scmanager.master_ledger.reports import AuditReport, BatchMalformed, ErrorReport, HealthReport

API: Final = "/api/v1"

Allows = Callable[[bytes, str], bool]
"""Whether a batch that names this consent may carry reports for this purpose."""
R = TypeVar("R")


class ReportsUnusable(Untrusted):
    """This is no batch of reports: {reason}."""

    code = "reports-unusable"
    hint = "Send what /api/v1/intake/openapi.json describes. Sending the same again helps nothing."


class ConsentUnknown(Refused):
    """This batch names no consent to {purpose} that is known here."""

    code = "consent-unknown"
    hint = "Nothing is taken without consent. Ask the owner anew, by a text that this server knows."


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
    bytes_max: int = wire.BATCH_BYTES_MAX
    summary: str = ""

    def batch(self, body: bytes, allows: Allows) -> Reports:
        """The batch in a body. Raises ReportsUnusable, ConsentUnknown."""
        found = self.read(body)
        if not allows(found.consent, self.purpose):
            raise ConsentUnknown(purpose=self.purpose)
        return found.reports


def allows(named: bytes, purpose: str) -> bool:
    """Whether a batch that names this consent may carry reports for this purpose: a text that this release knows."""
    return consent.allows(named, Purpose(purpose))


def reader(kind: wire.Kind[R], taken: Callable[[bytes, R], Event]) -> Callable[[bytes], Batch]:
    """Reads batches of a kind; `taken` is what one report becomes, by the consent it rests on."""

    def read(body: bytes) -> Batch:
        try:
            found = wire.parse_batch(kind, body)
        except BatchMalformed as error:
            raise ReportsUnusable(reason=ascii(str(error))[1:240].rstrip(".'\"")) from None
        events = tuple(taken(found.consent, each) for each in found.reports)
        return Batch(found.consent, Reports(wire.batch_of(found.id), events))

    return read


def _audit(ground: bytes, said: AuditReport) -> AuditTaken:
    if said.region is not None and said.region not in REGIONS:
        raise ReportsUnusable(reason="a region that ISO 3166-1 does not know")
    return AuditTaken(
        ground, said.type, said.at, said.source, said.payload, said.version, said.count, said.region
    )  # fmt: skip


def _health(ground: bytes, said: HealthReport) -> HealthAnchored:
    return HealthAnchored(ground, said.at, said.version, said.states, said.running, said.failing)


def _error(ground: bytes, said: ErrorReport) -> ErrorCounted:
    frames = tuple(Frame(each.module, each.function) for each in said.frames)
    return ErrorCounted(ground, said.error, frames, said.version, said.first_s, said.last_s, said.count)


def _kind(name: str, kind: wire.Kind[R], taken: Callable[[bytes, R], Event], summary: str) -> Kind:
    path, schema = kind.path.removeprefix(API), msgspec.json.schema(kind.batch)
    return Kind(name, path, kind.purpose.value, reader(kind, taken), schema, summary=summary)


AUDIT: Final = _kind("reportAudit", wire.AUDIT, _audit, "Audit events, without anything that tells whose they are.")
HEALTH: Final = _kind(
    "reportHealth", wire.HEALTH, _health, "How an installation is, with blinded states of its spaces."
)
ERRORS: Final = _kind("reportErrors", wire.ERRORS, _error, "The shapes of errors, and how often they were met.")
KINDS: Final = (AUDIT, HEALTH, ERRORS)

"""Reports: what an installation sends to the author with its owner's consent, as bytes (SPEC A2, A10, M8).

A batch is JSON `{"id", "consent", "reports": [...]}`: 16 bytes of its own, so that sent twice it is taken once; the
hash of the consent that it rests on (`domain.consent.consent_hash`); and reports of one kind. The answer is a
`Receipt`, given once all of it is durable. Bytes travel as base64, as msgspec writes them.

Every field is bounded and shaped so that no text of anybody fits in: hashes, numbers, keys of catalogues, and names
out of the program's own source. The server checks the same shapes.
"""

from collections.abc import Collection
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from scmanager.domain.audit_event import Count, Digest, Region
from scmanager.domain.audit_types import AuditType
from scmanager.domain.consent import allows
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.event import Id32
from scmanager.domain.ledger import LogKind
from scmanager.domain.payload import INT_MAX, CatalogueKey, Id16, Seconds
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore.entry import digest, encode_json, u64
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger.manifest import TrustedKeys

AUDIT_PATH: Final = "/api/v1/audit"
HEALTH_PATH: Final = "/api/v1/nodes/{node_id}/health"
"""`node_id`: 64 lower-case hex digits, see `node_id_of`."""
ERRORS_PATH: Final = "/api/v1/errors"
REPORTS_MAX: Final = 1_000
"""In one batch."""
BATCH_BYTES_MAX: Final = 1 << 20
RECEIPT_BYTES_MAX: Final = 4_096
STATES_MAX: Final = 256
FRAMES_MAX: Final = 32

ModuleName = Annotated[str, Meta(max_length=120, pattern=r"\Ascmanager(\.[a-z][a-z0-9_]{0,39}){0,3}\Z")]
"""One of the program's own modules: nothing that lies elsewhere on a machine has a name here."""
FunctionName = Annotated[str, Meta(pattern=r"\A(<(module|lambda|listcomp|genexpr)>|[A-Za-z_][A-Za-z0-9_]{0,79})\Z")]
ErrorName = Annotated[str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_]{0,79}\Z")]
"""A class of errors, without its module."""
Total = Annotated[int, Meta(ge=0, le=INT_MAX)]
Size = Annotated[int, Meta(ge=1, le=INT_MAX)]
Digest64 = Annotated[bytes, Meta(min_length=64, max_length=64)]


class _Report(Struct, frozen=True, forbid_unknown_fields=True):
    """No field may be left out, none is unknown."""


class AuditReport(_Report, frozen=True):
    """An audit event without what it says in clear (SPEC A2)."""

    type: AuditType
    at: Seconds
    """Of the first of them, UTC."""
    source: Digest
    """Under a secret of the installation and the day."""
    payload: Digest
    """Salted; the salt stays where it is."""
    region: Region | None
    version: CatalogueKey
    count: Count


class HealthReport(_Report, frozen=True):
    """How an installation is, every five minutes (SPEC M8)."""

    at: Seconds
    """The hour in which it was made."""
    version: CatalogueKey
    states: Annotated[tuple[Digest, ...], Meta(max_length=STATES_MAX)]
    """Of its spaces, blinded (`blinded_state`), distinct and in ascending order."""
    running: Total
    """How many parts of the program run."""
    failing: Total
    """How many do not, or were started again."""


class Frame(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A function of the program that was at work."""

    module: ModuleName
    function: FunctionName


class ErrorReport(_Report, frozen=True):
    """The shape of an error and how often it was met (SPEC A10). Its text is nowhere in it."""

    error: ErrorName
    frames: Annotated[tuple[Frame, ...], Meta(max_length=FRAMES_MAX)]
    """From the outermost; those nearest to the error, if there were more."""
    version: CatalogueKey
    first_s: Seconds
    last_s: Seconds
    count: Count

    @property
    def fingerprint(self) -> bytes:
        """H(scm/error/1, [error, frames]): the same for one fault in whatever version, 32 bytes."""
        return digest("scm/error/1", encode_json((self.error, self.frames)))


R = TypeVar("R")


class Batch(Struct, Generic[R], frozen=True, forbid_unknown_fields=True):
    """Reports of one kind, on the ground of one consent. Never changed once it was sent."""

    id: Id16
    consent: Digest
    reports: Annotated[tuple[R, ...], Meta(min_length=1, max_length=REPORTS_MAX)]


class Receipt(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a batch stands in the intake log, told once it is durable; the same again for the same batch.

    From it and from his reports the sender makes the entries, byte by byte, and proves them later (ADR 20).
    """

    space: Digest
    log: Digest
    by: Digest
    """The grant that the entries act by."""
    first: Total
    """The index of the first entry; the others follow it."""
    count: Size
    hlc: Total
    """Of the first entry; each one after is 1 higher."""
    prev: Digest64
    """The id of the entry before the first."""
    last: Digest64
    """The event id of the last one."""
    size: Size
    """From this size on the log's heads cover them."""


class BatchMalformed(Untrusted):
    """This is no batch of {kind}: {reason}."""

    code = "batch-malformed"
    hint = "Send what the server's /openapi.json describes; an older or newer release may spell it otherwise."


class ReceiptMalformed(Untrusted):
    """This is no receipt for what was sent: {reason}."""

    code = "receipt-malformed"
    hint = "Nothing needs to be done: it is sent again. If this goes on, name another server."


class ReceiptUnlisted(Untrusted):
    """The server says that it entered this where nothing counts: {reason}."""

    code = "receipt-unlisted"
    hint = "What was sent stays here, and is sent again. If this goes on, ask the author by another way."


class ConsentMissing(Refused):
    """Reports of {kind} rest on a consent that this batch does not name."""

    code = "consent-missing"
    hint = "Ask the owner; what he agreed to says which hash to name (scm privacy show --json)."


class Kind(Struct, Generic[R], frozen=True):
    """One kind of reports: how they are named, what one consents to for them, and their shape."""

    name: str
    purpose: Purpose
    path: str
    batch: type[Batch[R]]


AUDIT: Final = Kind("audit reports", Purpose.AUDIT_REPORTS, AUDIT_PATH, Batch[AuditReport])
HEALTH: Final = Kind("health reports", Purpose.HEALTH, HEALTH_PATH, Batch[HealthReport])
ERRORS: Final = Kind("error reports", Purpose.ERROR_REPORTS, ERRORS_PATH, Batch[ErrorReport])
KINDS: Final = (AUDIT, HEALTH, ERRORS)


def parse_batch(kind: Kind[R], raw: bytes) -> Batch[R]:
    """A batch as it came. Raises BatchMalformed and nothing else; whether it may be taken, `check_consent` says."""
    if len(raw) > BATCH_BYTES_MAX:
        raise BatchMalformed(kind=kind.name, reason=f"more than {BATCH_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(raw, type=kind.batch)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BatchMalformed(kind=kind.name, reason=str(error)[:200].rstrip(".")) from error


def batch_of(number: bytes) -> bytes:
    """The id that a batch has in the log: H(scm/intake-batch/1, number), 16 bytes; `number`: the one it came with.

    Whoever sends a batch chooses its number. None leads to an id that the server enters something of its own under.
    """
    return digest("scm/intake-batch/1", number)[:16]


def check_consent(kind: Kind[R], batch: Batch[R]) -> None:
    """Raises ConsentMissing where it names no consent to this kind of reports."""
    if not allows(batch.consent, kind.purpose):
        raise ConsentMissing(kind=kind.name)


def parse_receipt(count: int, raw: bytes) -> Receipt:
    """The answer to a batch of so many reports. Raises ReceiptMalformed and nothing else."""
    try:
        found = msgspec.json.decode(raw, type=Receipt)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ReceiptMalformed(reason=str(error)[:200].rstrip(".")) from error
    if found.count != count:
        raise ReceiptMalformed(reason="it is for another number of reports")
    if found.first + found.count > found.size:
        raise ReceiptMalformed(reason="it names entries beyond the log's size")
    return found


def check_listed(receipt: Receipt, keys: TrustedKeys) -> None:
    """Whether these entries can stand in a log of the author's, by his newest keys. Raises ReceiptUnlisted."""
    listed = keys.log(receipt.log)
    if listed is None or listed.space != receipt.space:
        raise ReceiptUnlisted(reason=f"manifest {keys.manifest.n} lists no such log")
    if listed.kind is not LogKind.INTAKE:
        raise ReceiptUnlisted(reason="that log takes no reports")
    if listed.final is not None and receipt.first + receipt.count > listed.final.size:
        raise ReceiptUnlisted(reason=f"that log was closed at {listed.final.size} entries")


def reporter_key(secret: bytes, asked: Purpose, consents: Collection[Id32], day: int) -> SigningKey:
    """The key that an installation reports by: for nothing else, one for each purpose, another with each consent.

    `secret`: 32 bytes made for reporting alone; `consents`: the entries that stand; `day`: since 1970, UTC.
    Health has the same key as long as the consent stands, everything else another one each day.
    """
    days = u64(0 if asked is Purpose.HEALTH else day)
    return SigningKey(digest("scm/reporter-key/1", secret, days, asked.value.encode(), b"\n", *sorted(consents)))


def node_id_of(reporter: bytes) -> bytes:
    """What health is reported under, 32 bytes: H(scm/reporting-node/1, reporter). `reporter`: its public key."""
    return digest("scm/reporting-node/1", reporter)


def health_salt(secret: bytes, at_s: int) -> bytes:
    """What the states of one health report are blinded with: H(scm/health-salt/1, secret, at_s u64), 32 bytes.

    Another one for each report; its maker finds it again by trying the seconds of the hour that the report names.
    """
    return digest("scm/health-salt/1", secret, u64(at_s))


def blinded_state(salt: bytes, state: bytes) -> bytes:
    """A space's state as the author may see it: H(scm/blinded-state/1, salt, state), 32 bytes.

    Whoever shows the salt shows that he had this state then; nobody else learns which space it is, nor that two
    reports or two installations had the same. `state`: a frontier or digest, 32 bytes.
    """
    return digest("scm/blinded-state/1", salt, state)

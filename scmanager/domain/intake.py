"""What installations report to the author, as his intake log keeps it (SPEC A2, A10, M8; ADR 20).

Nothing in it is about a person or tells one installation from another: hashes that were salted where they were made,
types, versions, counts, and names out of the program's own source. Each entry names the consent that it rests on, the
same for everybody who gave it.
"""

from typing import Annotated

from msgspec import Meta, Struct

from scmanager.domain.audit_event import Count, Digest, Region
from scmanager.domain.audit_types import AuditType
from scmanager.domain.event import Event
from scmanager.domain.payload import INT_MAX, CatalogueKey, Seconds

STATES_MAX = 256
FRAMES_MAX = 32

Consent = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""The hash of a purpose and of the text that was consented to."""
Total = Annotated[int, Meta(ge=0, le=INT_MAX)]
ModuleName = Annotated[str, Meta(max_length=120, pattern=r"\Ascmanager(\.[a-z][a-z0-9_]{0,39}){0,3}\Z")]
FunctionName = Annotated[
    str, Meta(max_length=80, pattern=r"\A(<(module|lambda|listcomp|genexpr)>|[A-Za-z_][A-Za-z0-9_]{0,79})\Z")
]
ErrorName = Annotated[str, Meta(max_length=80, pattern=r"\A[A-Za-z_][A-Za-z0-9_]{0,79}\Z")]


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


class HealthAnchored(Event, tag="report.health-anchored/1"):
    """How an installation was (SPEC M8). Whoever made the states can show later that he had them then."""

    consent: Consent
    at: Seconds
    version: CatalogueKey
    states: Annotated[tuple[Digest, ...], Meta(max_length=STATES_MAX)]
    """Of its spaces, blinded: nobody else learns of which, nor that two had the same."""
    running: Total
    failing: Total


class Frame(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A function of the program that was at work."""

    module: ModuleName
    function: FunctionName


class ErrorCounted(Event, tag="report.error-counted/1"):
    """The shape of an error, and how often an installation met it (SPEC A10). Its text is nowhere in it."""

    consent: Consent
    error: ErrorName
    frames: Annotated[tuple[Frame, ...], Meta(max_length=FRAMES_MAX)]
    version: CatalogueKey
    first_s: Seconds
    last_s: Seconds
    count: Count


class BugOpened(Event, tag="report.bug-opened/1"):
    """One shape of errors in one release was reported so often that somebody has to look at it. Opened once."""

    error: ErrorName
    frames: Annotated[tuple[Frame, ...], Meta(max_length=FRAMES_MAX)]
    version: CatalogueKey
    reports: Count
    """In the day that opened it: how often it was reported, however often each reporter met it."""
    before: Total
    """In the day before."""
    at: Seconds
    """When that was seen, by the clock of the server."""


RISING_REPORTS = 10
RISING_TIMES = 3


def is_rising(today: int, before: int) -> bool:
    """Whether so many reports a day, after so many the day before, are a bug that somebody has to look at.

    Reports count, not how often each reporter met it: a number that one writes himself is worth one.
    """
    return today >= RISING_REPORTS and today >= RISING_TIMES * before

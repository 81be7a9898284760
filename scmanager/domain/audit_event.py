"""An audit event: something a node noticed that matters for security or operation, in its owner's own space.

Like causes from one source are one series: opened by the first, told again by a count when its time is over. What
there is no room for is counted by type (`Unlisted`). Clear text (what happened, where from) stands in words under the
owner's key; what stays for ever are salted hashes of it (SPEC A2).
"""

import hashlib
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from scmanager.domain.audit_types import KINDS, AuditType, Severity
from scmanager.domain.event import About, Decision, Envelope, Event, Id, Id32, Personal, State, replace
from scmanager.domain.payload import INT_MAX, CatalogueKey, Seconds

Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""A salted hash: without its salt it tells nothing, however short the text was."""
Region = Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
"""A country or territory as ISO 3166-1 alpha-2 spells it."""
Text = Annotated[str, Meta(max_length=1_000)]
Source = Annotated[str, Meta(max_length=200)]
Count = Annotated[int, Meta(ge=1, le=INT_MAX)]


class Noted(Event, tag="audit.noted/1"):
    """The first of a series. Carries an AuditDetail."""

    type: AuditType
    code: CatalogueKey
    """What exactly: the stable code of an error, or of an act."""
    severity: Severity
    source: Digest
    """Of where it came from, under a secret of this installation and the day: see `source_hash`."""
    payload: Digest
    """Of what happened: see `payload_hash`."""
    version: CatalogueKey
    """The release that noted it."""
    first_s: Seconds
    last_s: Seconds
    count: Count = 1
    region: Region | None = None
    """Only if the owner named one."""


class Repeated(Event, tag="audit.repeated/1"):
    """The series went on: so many by then, the first included."""

    count: Count
    last_s: Seconds
    tell: Count
    """The how manieth time this is told of the series."""


class Unlisted(Event, tag="audit.unlisted/1"):
    """More of this type happened, from other sources too, than the budget has room to list."""

    type: AuditType
    severity: Severity
    count: Count
    first_s: Seconds
    last_s: Seconds


AuditEvent = Noted | Repeated | Unlisted


class AuditDetail(Personal):
    """What happened, in clear, for the owner."""

    salt: bytes
    """Of the payload's hash: whoever is shown both can check it."""
    text: Text = ""
    source: Source = ""


class Series(State):
    """Like causes from one source, as their events so far tell it."""

    log: Id32 = b""
    """Of the device that noted them; empty: there are none."""
    type: AuditType = AuditType.ERROR_REPORTED
    code: str = ""
    """Empty: not listed one by one."""
    severity: Severity = Severity.INFO
    source: bytes = b""
    payload: bytes = b""
    version: str = ""
    region: str | None = None
    first_s: int = 0
    last_s: int = 0
    count: int = 0
    tells: int = 0
    """How often it was told that it went on."""
    detail: Id32 = b""
    """The entry that holds the AuditDetail."""


def source_hash(secret: bytes, day: int, source: str) -> bytes:
    """Anonymised: the same source has the same hash for one day on one installation, and nowhere else.

    `secret`: 32 bytes that only this installation has; `day`: days since 1970, UTC.
    """
    clear = source.encode("utf-8", "replace")
    return hashlib.sha3_256(b"scm/audit-source/1\n" + secret + day.to_bytes(8, "big") + clear).digest()


def payload_hash(salt: bytes, text: str) -> bytes:
    """What stays of the text for ever; 32 random bytes of salt keep it from being guessed."""
    return hashlib.sha3_256(b"scm/audit-payload/1\n" + salt + text.encode("utf-8", "replace")).digest()


def note(series: Series, owner: Id, noted: Noted, detail: AuditDetail) -> Iterator[Decision]:
    """Open a series. Nothing if it is open."""
    if not series.log:
        yield About(noted, owner, detail)


def repeat(series: Series, count: int, last_s: int) -> Iterator[Decision]:
    """Tell how many there were by now. Nothing if that is known, or nobody opened the series."""
    if series.log and count > series.count:
        yield Repeated(count, max(last_s, series.last_s), series.tells + 1)


def leave_unlisted(series: Series, type_: AuditType, count: int, first_s: int, last_s: int) -> Iterator[Decision]:
    """Tell how much more there was than is listed. Nothing if it was told."""
    if not series.log:
        yield Unlisted(type_, KINDS[type_].severity, count, first_s, last_s)


def evolve(series: Series, event: AuditEvent, envelope: Envelope) -> Series:
    """Total. A series belongs to the log that opened it: two devices, or somebody else, never write one together."""
    match event:
        case Noted() if not series.log:
            return Series(
                envelope.log, event.type, event.code, event.severity, event.source, event.payload, event.version,
                event.region, event.first_s, event.last_s, event.count, 0, envelope.entry,
            )  # fmt: skip
        case Unlisted() if not series.log:
            return Series(
                envelope.log, event.type, severity=event.severity, first_s=event.first_s, last_s=event.last_s,
                count=event.count,
            )  # fmt: skip
        case Repeated(count, last_s, tell) if series.log == envelope.log and series.code:
            return replace(
                series,
                count=max(series.count, count),
                last_s=max(series.last_s, last_s),
                tells=max(series.tells, tell),
            )
        case _:
            return series

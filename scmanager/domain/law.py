"""Law: which duties apply where, as data. The program asks this table and knows no territory by itself (SPEC A8).

Where somebody is unknown, all duties apply: nobody loses a right because he did not say where he is.
"""

import enum
import hashlib
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from scmanager.domain.audit_event import Region
from scmanager.domain.payload import CatalogueKey, Seconds

Day = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]


class DutyKind(enum.StrEnum):
    """What a duty is about."""

    CONSENT = "consent"
    ACCESS = "access"
    EXPORT = "export"
    ERASURE = "erasure"
    REPORTING = "reporting"


class Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A law, as it was published."""

    key: CatalogueKey
    title: str
    reference: str
    """Where it was published officially."""
    since: Day
    """From when on it applies."""


class Provision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a law says something."""

    law: CatalogueKey
    at: str


class Duty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that has to be done, in plain words."""

    key: CatalogueKey
    kind: DutyKind
    what: str
    answer: str
    """What of this program does it."""
    by: tuple[Provision, ...]


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has to be said when personal data was breached."""

    to: str
    within_s: Seconds
    """From becoming aware of it; 0: without delay."""
    by: tuple[CatalogueKey, ...]
    at: str
    says: tuple[str, ...]


class Laws(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What there is, by which this release goes."""

    version: Day
    laws: tuple[Law, ...]
    duties: tuple[Duty, ...]
    notices: tuple[Notice, ...]


class Territory(msgspec.Struct, frozen=True):
    """A country or territory of ISO 3166-1, and which of the laws apply there."""

    code: Region
    name: str
    laws: tuple[CatalogueKey, ...]


class Table(msgspec.Struct, frozen=True):
    """The territorial table: every territory there is, and the laws."""

    laws: Laws
    territories: Mapping[str, Territory]
    hash: bytes
    """Of the files it was read from, 32 bytes."""

    @property
    def version(self) -> str:
        """The day it was last looked through."""
        return self.laws.version


class Applies(msgspec.Struct, frozen=True):
    """A duty, and by which laws it is one here."""

    duty: Duty
    by: tuple[tuple[Law, str], ...]
    """Each with the place in it."""


def laws_in(table: Table, region: str | None) -> frozenset[str]:
    """The keys of the laws that apply there; all of them where it is unknown, or no territory. Total."""
    known = table.territories.get(region or "")
    return frozenset(known.laws) if known else frozenset(each.key for each in table.laws.laws)


def duties_in(table: Table, region: str | None) -> tuple[Applies, ...]:
    """The duties there, in the order of the table; all where the region is unknown. Total."""
    keys, laws = laws_in(table, region), {each.key: each for each in table.laws.laws}
    found = (
        Applies(duty, tuple((laws[each.law], each.at) for each in duty.by if each.law in keys))
        for duty in table.laws.duties
    )
    return tuple(each for each in found if each.by)


def notices_in(table: Table, region: str | None) -> tuple[Notice, ...]:
    """What has to be said there of a breach. Total."""
    keys = laws_in(table, region)
    return tuple(each for each in table.laws.notices if keys & set(each.by))


def region_hash(secret: bytes, table_hash: bytes, region: str) -> bytes:
    """How a region is kept: H(scm/region/1, secret, table's hash, code), 32 bytes.

    `secret`: 32 bytes that only this installation has; without it the hash tells nothing.
    """
    return hashlib.sha3_256(b"scm/region/1\n" + secret + table_hash + region.encode()).digest()


def region_of(table: Table, secret: bytes, kept: bytes) -> str | None:
    """The region that is kept under this hash; None when it was kept by another table, or on another machine."""
    return next((code for code in table.territories if region_hash(secret, table.hash, code) == kept), None)

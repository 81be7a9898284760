"""Governance: the events that say who may act, with which devices, and what of it still counts.

The rules that judge them are in `validity`; this module holds their shapes and the table of rights: which right a
grant must carry for an event type. Types outside the table are unknown to this release: they fold to nothing, and
one that looks like governance makes a writer stop and ask for an update.
"""

from functools import lru_cache
from typing import Annotated

import msgspec

from scmanager.domain.event import Event, EventMeta, Id, Id32

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Bytes16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Signature = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
Role = Annotated[bytes, msgspec.Meta(max_length=16)]
Transport = Annotated[bytes, msgspec.Meta(max_length=64)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
Right = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

EVERY_RIGHT = "*"
"""Stands for all rights, those of later releases too. The founder has it; whoever has it may grant it."""

AT_ONCE = "at-once"
"""The ground by which a subject asks that his own words go now, without the seven days of grace."""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """One row of a cut: what is kept of one branch of a log, up to and including its head."""

    log: Bytes32
    seq: Count
    head: Bytes32


class Granted(Event, tag="member.granted/1"):
    """A member may act, at a rank below the author's, from the log that this entry's deps name."""

    member: Bytes16
    log: Bytes32
    device: Bytes32
    """The device's identity key: it signs continuations."""
    box: Bytes32
    rank: Count
    role: Role = b""
    """The template the rights were copied from; empty for none."""
    rights: tuple[Right, ...] = ()
    overrides: tuple[Bytes32, ...] = ()
    """Removals of this member that do not reach this grant, if its author stands no lower than theirs."""
    keeps: tuple[Bytes32, ...] = ()
    """Grants to this member, written further down, that go on beside this one."""


class Enrolled(Event, tag="device.enrolled/1"):
    """A further device acts by the same grant, one level below the log that says so."""

    log: Bytes32
    device: Bytes32
    box: Bytes32
    transport: Transport = b""


class Continued(Event, tag="log.continued/1"):
    """Entry 1 of a log that goes on for an earlier one: the device signs `continuation_message`."""

    device: Bytes32
    signature: Signature


class DeviceCut(Event, tag="device.cut/1"):
    """A member's older log disowns one of his devices, a lost phone: only the rows stand."""

    device: Bytes32
    logs: tuple[Kept, ...] = ()


class Removed(Event, tag="grant.removed/1"):
    """A grant (32 bytes) or all grants of a member (16 bytes) end: only the rows stand."""

    grant: Annotated[bytes, msgspec.Meta(min_length=16, max_length=32)]
    logs: tuple[Kept, ...] = ()


class Heads(Event, tag="heads/1"):
    """Says nothing itself: its deps gather more heads than one entry may name."""


class EpochOpened(Event, tag="epoch.opened/1"):
    """From now on seal under this key."""

    key: Bytes32


class Erased(Event, tag="erased/1"):
    """A member's personal parts and their keys are to go. See `may_erase` and `at_once`."""

    subject: Bytes16
    keys: tuple[Bytes32, ...]
    ground: Annotated[str, msgspec.Meta(max_length=32)]
    """A catalogue key, never prose."""


RIGHTS: dict[str, str | None] = {
    Granted.tag: "member.grant",
    Enrolled.tag: None,
    Continued.tag: None,
    DeviceCut.tag: None,
    Removed.tag: "member.remove",
    Heads.tag: None,
    EpochOpened.tag: "member.remove",
    Erased.tag: None,
}
"""The right each known event type needs; None where a standing grant is enough."""

GOVERNANCE_FAMILIES = ("member.granted/", "device.", "log.", "grant.", "heads/", "epoch.", "erased/", "governance.")
"""Every type that can change a verdict starts with one of these, in this release and in later ones."""


def register(right: str | None, *types: EventMeta) -> None:
    """Enter event types in the table. A type has one right for ever: another one is a TypeError."""
    for event in types:
        if RIGHTS.setdefault(event.tag, right) != right:
            raise TypeError(f"{event.tag} already needs {RIGHTS[event.tag]}")


def needs(tag: str) -> str | None:
    """The right this event type needs; None when none. KeyError for a type unknown to this release."""
    return RIGHTS[tag]


@lru_cache(maxsize=1024)
def is_governance(tag: str) -> bool:
    """Whether an entry of this type could change the verdict of another, known to this release or not."""
    return tag.startswith(GOVERNANCE_FAMILIES)


def continuation_message(space: Id32, new_log: Id32) -> bytes:
    """What the device key signs in entry 1 of a continuation."""
    return b"scm/continue/1\n" + space + new_log


def succession_message(space: Id32, old_log: Id32, new_key: Id32) -> bytes:
    """What the *old* log's key signs for entry 0 of its continuation.

    It names the new log's key, not its id: the id is the hash of the entry that holds the signature.
    """
    return b"scm/continues/1\n" + space + old_log + new_key


def may_erase(author: Id, rank: int, subject: Id, prose: Id) -> bool:
    """Whether an erasure of this subject counts: from his own logs, or from rank 0 and 1 (DESIGN 3).

    That of the organisation's `prose` never does, whoever says it: it is many people's (prose.py).
    """
    return subject != prose and (author == subject or rank <= 1)


def asks_at_once(author: Id, erasure: Erased) -> bool:
    """Whether keys shall be shredded now, not after the days of grace: only the subject himself may ask for that."""
    return author == erasure.subject and erasure.ground == AT_ONCE

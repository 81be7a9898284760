"""The author's ledger: what its entries say (SPEC A1, A3, A4; ADR 18). Each is a statement and who signed it.

The log and the grant that carry such an entry say nothing about it: it counts by its own signatures alone, made with
keys that are never on the machine that writes the log. `master_ledger` reads and judges them.
"""

import enum
from typing import Annotated

from msgspec import Meta, Struct

from scmanager.domain.event import Event
from scmanager.domain.payload import INT_MAX, TUPLE_MAX, Seconds, Title

KEYS_MAX = 15

Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Bytes64 = Annotated[bytes, Meta(min_length=64, max_length=64)]
KeyRow = Annotated[tuple[Bytes32, ...], Meta(min_length=1, max_length=KEYS_MAX)]
Threshold = Annotated[int, Meta(ge=1, le=KEYS_MAX)]
Number = Annotated[int, Meta(ge=1, le=INT_MAX)]
Size = Annotated[int, Meta(ge=0, le=INT_MAX)]
ContentHash = Annotated[str, Meta(pattern=r"\Abafkrei[a-z2-7]{52}\Z")]
"""A CID (version 1, raw, SHA-256) in base32: what `ipfs` prints for the same bytes."""
Version = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=r"\A(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}(-[0-9A-Za-z-]{1,32}(\.[0-9A-Za-z-]{1,32}){0,15})?\Z",
    ),
]
"""A semantic version without build metadata, such as 8.0.0-alpha.0.0.1."""
Url = Annotated[str, Meta(max_length=500, pattern=r"\Ahttps://[!-~]{1,490}\Z")]
PluginKey = Annotated[str, Meta(max_length=80, pattern=r"\A[a-z][a-z0-9]{0,31}([.-][a-z0-9]{1,32}){0,7}\Z")]
"""Plain ASCII: no name that only looks like another."""
Permission = Annotated[str, Meta(max_length=120, pattern=r"\A[a-z][a-z0-9.-]{0,47}(:[A-Za-z0-9.*_-]{1,71})?\Z")]
Permissions = Annotated[tuple[Permission, ...], Meta(max_length=TUPLE_MAX)]


class Channel(enum.StrEnum):
    """Who gets an update, the boldest first."""

    ALPHA = "alpha"
    BETA = "beta"
    RELEASE_CANDIDATE = "release-candidate"
    STABLE = "stable"


class UpdateType(enum.StrEnum):
    """How much an update changes."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    HOTFIX = "hotfix"


class AuditStatus(enum.StrEnum):
    """What the author found about a plugin. Only *pass* lets it run."""

    PENDING = "pending"
    PASS = "pass"  # noqa: S105 - a word of the marketplace
    BLOCKED = "blocked"
    DEPRECATED = "deprecated"


class Category(enum.StrEnum):
    """What a plugin is for."""

    GAMEPLAY = "gameplay"
    UI = "ui"
    SOCIAL = "social"
    INTEGRATION = "integration"
    HARDWARE = "hardware"
    UTILITY = "utility"
    DEVELOPMENT = "development"


class LogKind(enum.StrEnum):
    """What stands in a log of the ledger: the author's statements, or what is reported to him."""

    LEDGER = "ledger"
    INTAKE = "intake"


class _Said(Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of a statement. No field may be left out: a statement has one spelling."""


class Quorum(_Said, frozen=True):
    """`m` of these keys together."""

    m: Threshold
    keys: KeyRow
    """Distinct, in ascending order."""


class Final(_Said, frozen=True):
    """The head at which a log was closed: the last that witnesses saw."""

    size: Size
    root: Bytes32


class LedgerLog(_Said, frozen=True):
    """A log of the ledger and the key that signs its checkpoints."""

    space: Bytes32
    log: Bytes32
    key: Bytes32
    kind: LogKind
    """For ever. Statements count in a log of this kind only, and reports in one of the other."""
    final: Final | None
    """None while it grows."""


class Upto(_Said, frozen=True):
    """Below this size of this log."""

    log: Bytes32
    size: Size


class Retired(_Said, frozen=True):
    """A release key that signs no more. What it signed counts where a row says so, and nowhere else."""

    key: Bytes32
    upto: Annotated[tuple[Upto, ...], Meta(max_length=TUPLE_MAX)]


class KeyManifest(_Said, frozen=True):
    """The author's keys from here on."""

    n: Number
    """1 for the first."""
    prev: Annotated[bytes, Meta(max_length=32)]
    """The hash of manifest n-1; empty in the first."""
    root: Quorum
    release: Quorum
    logs: Annotated[tuple[LedgerLog, ...], Meta(max_length=TUPLE_MAX)]
    retired: Annotated[tuple[Retired, ...], Meta(max_length=TUPLE_MAX)]
    signed_at: Seconds
    """As its author claims. It decides nothing."""


class Update(_Said, frozen=True):
    """A release of this program (SPEC A3)."""

    ledger: Bytes32
    """For which ledger it is signed: the hash of its first key manifest."""
    content_hash: ContentHash
    version: Version
    channel: Channel
    min_supported_version: Version
    """What is older has to be updated to go on with the others."""
    signed_at: Seconds
    changelog_url: Url
    size_bytes: Size
    update_type: UpdateType


class Plugin(_Said, frozen=True):
    """An entry of the marketplace's registry (SPEC A4), but for what is counted there: downloads and rating."""

    ledger: Bytes32
    id: PluginKey
    version: Version
    name: Title
    author: Title
    """The name its developer publishes under. It cannot be erased."""
    description: Title
    """One line."""
    content_hash: ContentHash
    permissions: Permissions
    """Distinct, in ascending order."""
    required_core_version: Version
    tos_compliance_hash: Bytes32
    audit_status: AuditStatus
    category: Category
    registered_at: Seconds
    updated_at: Seconds


class Signed(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One key's signature under a statement."""

    key: Bytes32
    signature: Bytes64


Signatures = Annotated[tuple[Signed, ...], Meta(max_length=TUPLE_MAX)]
"""By key, in ascending order, one a key."""


class KeysPublished(Event, tag="keys.published/1"):
    """A key manifest: it counts once the thresholds of the one before and its own have signed it."""

    statement: KeyManifest
    signatures: Signatures


class UpdateSigned(Event, tag="update.signed/1"):
    """A release of this program, signed by the release keys."""

    statement: Update
    signatures: Signatures


class PluginSigned(Event, tag="plugin.signed/1"):
    """A plugin's entry in the registry, as a whole and anew at each change, signed by the release keys."""

    statement: Plugin
    signatures: Signatures

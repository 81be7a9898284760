"""Records of use: what an installation tells about one step of its owner, if he consented (SPEC A5). Never free text.

Everything in a record is a hash, an enumeration or a coarse number. Hashes are salted with 32 random bytes that the
installation makes anew each day and forgets: records of two days cannot be told to be of one person, not even by who
seizes the machine later. What is published of them: `statistics_published`.
"""

import enum
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta, Struct

from scmanager.domain.audit_event import Digest, Region
from scmanager.domain.event import Id, Id32
from scmanager.domain.ledger import Version
from scmanager.domain.payload import Id16, Seconds
from scmanager.errors import Untrusted, utc

DAY_S: Final = 86_400
MINUTE_MS: Final = 60_000
DURATION_MS_MAX: Final = DAY_S * 1000


class Category(enum.StrEnum):
    """What happened. Never renamed; there are 31 of them."""

    APP_STARTED = "app-started"
    APP_STOPPED = "app-stopped"
    SESSION_STARTED = "session-started"
    SESSION_ENDED = "session-ended"
    FEATURE_USED = "feature-used"
    FEATURE_ENABLED = "feature-enabled"
    FEATURE_DISABLED = "feature-disabled"
    PAGE_VIEWED = "page-viewed"
    BUTTON_CLICKED = "button-clicked"
    FORM_SUBMITTED = "form-submitted"
    ORGANISATION_CREATED = "organisation-created"
    MEMBER_ADDED = "member-added"
    OPERATION_PLANNED = "operation-planned"
    FLEET_DEPLOYED = "fleet-deployed"
    DIPLOMACY_ESTABLISHED = "diplomacy-established"
    STAR_MAP_OPENED = "star-map-opened"
    ROUTE_CALCULATED = "route-calculated"
    FLEET_MOVED = "fleet-moved"
    POI_VISITED = "poi-visited"
    PLUGIN_INSTALLED = "plugin-installed"
    PLUGIN_UNINSTALLED = "plugin-uninstalled"
    PLUGIN_ENABLED = "plugin-enabled"
    PLUGIN_DISABLED = "plugin-disabled"
    PLUGIN_USED = "plugin-used"
    PERFORMANCE_METRIC = "performance-metric"
    ERROR_OCCURRED = "error-occurred"
    CRASH_REPORTED = "crash-reported"
    UPDATE_CHECKED = "update-checked"
    UPDATE_DOWNLOADED = "update-downloaded"
    UPDATE_INSTALLED = "update-installed"
    UPDATE_ROLLED_BACK = "update-rolled-back"


class Action(enum.StrEnum):
    """What it was done with: a feature of the program, or nothing closer. A new one is added at the end."""

    NOTHING_CLOSER = "nothing-closer"
    ORGANISATION = "organisation"
    ROSTER = "roster"
    ROLES = "roles"
    DEVICES = "devices"
    HANGAR = "hangar"
    FLEETS = "fleets"
    OPERATIONS = "operations"
    DIPLOMACY = "diplomacy"
    CHARACTERS = "characters"
    DOCUMENTS = "documents"
    NOTIFICATIONS = "notifications"
    SEARCH = "search"
    CONTESTS = "contests"
    UNDO = "undo"
    AUDIT = "audit"
    EXCHANGE = "exchange"
    RECOVERY = "recovery"
    LEDGER = "ledger"
    PRIVACY = "privacy"
    STAR_MAP = "star-map"
    PLUGINS = "plugins"
    UPDATES = "updates"


FEATURES: Final = tuple(each for each in Action if each is not Action.NOTHING_CLOSER)
_OF_FEATURES: Final = frozenset(
    {
        Category.FEATURE_USED, Category.FEATURE_ENABLED, Category.FEATURE_DISABLED, Category.PAGE_VIEWED,
        Category.BUTTON_CLICKED, Category.FORM_SUBMITTED,
    }
)  # fmt: skip
"""These name a feature, all others nothing closer."""
_LASTING: Final = frozenset({Category.SESSION_ENDED, Category.APP_STOPPED, Category.PERFORMANCE_METRIC})
"""These may say how long it took."""


class MetaKey(enum.StrEnum):
    """What else a record may say."""

    ANSWERS = "answers"
    """Of `performance-metric` only."""
    INTERFACE = "interface"
    MODE = "mode"
    PLATFORM = "platform"


class MetaValue(enum.StrEnum):
    """Each in the only place where it may stand: see METADATA."""

    WITHIN_10_MS = "within-10-ms"
    WITHIN_100_MS = "within-100-ms"
    WITHIN_1_S = "within-1-s"
    SLOWER = "slower"
    GRAPHQL = "graphql"
    COMMAND_LINE = "command-line"
    COMPANION = "companion"
    GHOST = "ghost"
    AGENT = "agent"
    AUTHORITY = "authority"
    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"


METADATA: Final[Mapping[MetaKey, frozenset[MetaValue]]] = MappingProxyType(
    {
        MetaKey.ANSWERS: frozenset(
            {MetaValue.WITHIN_10_MS, MetaValue.WITHIN_100_MS, MetaValue.WITHIN_1_S, MetaValue.SLOWER}
        ),
        MetaKey.INTERFACE: frozenset({MetaValue.GRAPHQL, MetaValue.COMMAND_LINE, MetaValue.COMPANION}),
        MetaKey.MODE: frozenset({MetaValue.GHOST, MetaValue.AGENT, MetaValue.AUTHORITY}),
        MetaKey.PLATFORM: frozenset({MetaValue.LINUX, MetaValue.MACOS, MetaValue.WINDOWS}),
    }
)


class RecordUnusable(Untrusted):
    """This is no record of use: {reason}."""

    code = "record-unusable"
    hint = "It was damaged on its way or made by a faulty program. It is not kept."


class Record(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step, in the fields of SPEC A5 and no others. On the wire byte strings are base64."""

    user_hash: Digest
    category: Category
    action: Action
    timestamp: Seconds
    """The beginning of its day, UTC, in seconds since 1970: nothing published asks for more."""
    session_id: Id16
    version: Version
    org_hash: Digest | None = None
    geo_region: Region | None = None
    """A country, if the owner named one."""
    duration_ms: Annotated[int, Meta(ge=0, le=DURATION_MS_MAX)] | None = None
    """In whole minutes."""
    metadata: dict[MetaKey, MetaValue] = {}

    @property
    def day(self) -> int:
        """Days since 1970, UTC."""
        return self.timestamp // DAY_S


def check(record: Record) -> None:
    """What its types cannot say. Raises RecordUnusable and nothing else."""
    if record.timestamp % DAY_S:
        raise RecordUnusable(reason="its time is closer than the day")
    if (record.action in FEATURES) != (record.category in _OF_FEATURES):
        raise RecordUnusable(reason="its action does not go with its category")
    if record.duration_ms is not None and (record.category not in _LASTING or record.duration_ms % MINUTE_MS):
        raise RecordUnusable(reason="its duration is closer than the minute, or of what takes no time")
    if any(value not in METADATA[key] for key, value in record.metadata.items()):
        raise RecordUnusable(reason="its metadata has a value under another key")
    if MetaKey.ANSWERS in record.metadata and record.category is not Category.PERFORMANCE_METRIC:
        raise RecordUnusable(reason="it says how fast something was that is not measured")


def date_of(day: int) -> str:
    """A day since 1970 as people write it, 2026-03-01. Total."""
    return utc(day * DAY_S).partition(" ")[0].partition("T")[0]


def coarse_day_s(at_s: int) -> int:
    """The beginning of this moment's day, UTC."""
    return max(at_s, 0) // DAY_S * DAY_S


def coarse_duration_ms(duration_ms: int) -> int:
    """Whole minutes, the begun one included, a day at most."""
    return min(-(-max(duration_ms, 0) // MINUTE_MS) * MINUTE_MS, DURATION_MS_MAX)


def user_hash(salt: bytes, member: Id) -> bytes:
    """Who: 32 bytes. `salt`: 32 random bytes of this installation and day, kept nowhere once the day is over."""
    return hashlib.sha3_256(b"scm/statistics-user/1\n" + salt + member).digest()


def org_hash(salt: bytes, space: Id32) -> bytes:
    """In which organisation: 32 bytes. Two members of one have nothing in common in it."""
    return hashlib.sha3_256(b"scm/statistics-org/1\n" + salt + space).digest()
